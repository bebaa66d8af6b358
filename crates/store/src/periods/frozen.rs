//! Statements of closed months, as they were given out: their bytes, which never change.

use std::collections::BTreeMap;

use domain::{ContractId, Month, TenantId};

use crate::db::{Row, StoreError, Tx, params, statements};

/// A statement that is frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The month and a number from 1 in it: `2026-11-0001`.
    pub number: String,
    pub month: Month,
    pub contract: ContractId,
    /// JSON.
    pub body: String,
    pub sha256: [u8; 32],
}

statements! { "statements", unique: {
    "statements.number": "a statement with this number",
    "statements.contract, statements.month": "a statement of this contract and month"
};
    INSERT = "INSERT INTO statements (number, month, contract, body, sha256) VALUES (?1, ?2, ?3, ?4, ?5)";
    FIND = "SELECT number, month, contract, body, sha256 FROM statements WHERE contract = ?1 AND month = ?2";
    NUMBERED = "SELECT number, month, contract, body, sha256 FROM statements WHERE number = ?1";
    // Those of a tenant that are in no invoice.
    OPEN = "SELECT s.number, s.month, s.contract, s.body, s.sha256 FROM statements s JOIN contracts c ON c.id = s.contract \
            WHERE c.tenant = ?1 AND NOT EXISTS (SELECT 1 FROM invoice_lines l WHERE l.statement = s.number AND l.is_live = 1) \
            ORDER BY s.number DESC LIMIT ?2";
    COUNT = "SELECT month, COUNT(*) FROM statements GROUP BY month";
    OF_MONTH = "SELECT number, month, contract, '', sha256 FROM statements WHERE month = ?1 ORDER BY number";
}

fn frozen(row: Row<'_>) -> Result<Frozen, StoreError> {
    let sha256 = row.blob(4)?.try_into().map_err(|_| row.corrupt("its digest does not have 32 bytes"))?;
    Ok(Frozen {
        number: row.get(0)?,
        month: row.word(1, |month| month.parse().ok())?,
        contract: row.get(2)?,
        body: row.get(3)?,
        sha256,
    })
}

/// Keeps a statement for ever. Its month is closed.
pub fn freeze(tx: &Tx, statement: &Frozen) -> Result<(), StoreError> {
    let Frozen { number, month, contract, body, sha256 } = statement;
    tx.execute(INSERT, params![number, &month.to_string(), contract, body, sha256.as_slice()])
}

/// The statement of a contract and month, if that month is closed.
pub fn find_statement(tx: &Tx, contract: ContractId, month: Month) -> Result<Option<Frozen>, StoreError> {
    tx.find(FIND, params![&contract, &month.to_string()], frozen)
}

/// The statement with that number.
pub fn find_numbered(tx: &Tx, number: &str) -> Result<Option<Frozen>, StoreError> {
    tx.find(NUMBERED, params![number], frozen)
}

/// The newest statements of a tenant that are in no invoice.
pub fn list_open(tx: &Tx, tenant: TenantId, limit: u32) -> Result<Vec<Frozen>, StoreError> {
    tx.all(OPEN, params![&tenant, limit], frozen)
}

/// How many statements the closed months have.
pub fn count_statements(tx: &Tx) -> Result<BTreeMap<Month, u64>, StoreError> {
    let counts =
        tx.all(COUNT, params![], |row| Ok((row.word(0, |month| month.parse().ok())?, row.get(1)?)))?;
    Ok(counts.into_iter().collect())
}

/// The statements of a closed month by number, without their bytes.
pub fn list_statements(tx: &Tx, month: Month) -> Result<Vec<Frozen>, StoreError> {
    tx.all(OF_MONTH, params![&month.to_string()], frozen)
}
