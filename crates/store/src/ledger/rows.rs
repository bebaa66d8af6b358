//! Transfers as rows.

use std::borrow::Cow;

use domain::{
    ContractId, RunId,
    ledger::{Account, Cause, Transfer},
};

use crate::db::{Row, StoreError};

/// A transfer with its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub seq: i64,
    pub transfer: Transfer,
}

macro_rules! transfer_columns {
    () => {
        "seq, id, key, at, unit, debit, debit_contract, credit, credit_contract, amount, cause, run, \
         corrects"
    };
}
pub(crate) use transfer_columns;

pub(crate) fn transfer_row(row: Row<'_>) -> Result<TransferRow, StoreError> {
    Ok(TransferRow {
        seq: row.get(0)?,
        transfer: Transfer {
            id: row.get(1)?,
            key: row.get(2)?,
            at: row.get(3)?,
            unit: row.code(4)?,
            debit: account(row.skip(5))?,
            credit: account(row.skip(7))?,
            amount: row.get(9)?,
            cause: cause(row.skip(10))?,
            corrects: row
                .get::<Option<String>>(12)?
                .map(|_| row.word(12, |month| month.parse().ok()))
                .transpose()?,
        },
    })
}

/// The columns of an account: its name, and the contract's id where it is a contract's.
pub(super) struct AccountColumns<'a> {
    pub name: Cow<'static, str>,
    pub contract: Option<&'a ContractId>,
}

impl<'a> AccountColumns<'a> {
    pub fn of(account: &'a Account) -> Self {
        let contract = match account {
            Account::Contract(id) => Some(id),
            _ => None,
        };
        Self { name: account.code(), contract }
    }
}

/// The account from its columns.
pub(super) fn account(row: Row<'_>) -> Result<Account, StoreError> {
    match row.get::<Option<ContractId>>(1)? {
        Some(contract) => Ok(Account::Contract(contract)),
        None => row.word(0, Account::of_code),
    }
}

/// The cause from its columns: code and run.
fn cause(row: Row<'_>) -> Result<Cause, StoreError> {
    let run: Option<RunId> = row.get(1)?;
    row.word(0, |code| Cause::from_code(code, run))
}
