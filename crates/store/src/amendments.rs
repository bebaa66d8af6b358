//! Amendments of contracts, and the versions of their terms that come of them.

use domain::{
    AmendmentId, Contract, ContractId, Course, MemberId, QueueTerms, Timestamp,
    amendment::{Effective, Terms},
    codes,
    contract::ContractKind,
};

use crate::db::{Record, Row, StoreError, Tx, params, rows, statements};

codes! {
    /// Where an amendment stands.
    pub enum AmendmentState {
        Proposed = "proposed",
        /// It holds from an instant that is to come.
        Approved = "approved",
        InForce = "in_force",
        Refused = "refused",
        /// The contract ended before it was in force.
        Lapsed = "lapsed",
    }
}

/// A change of an active contract's terms, with the terms as they are after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    pub id: AmendmentId,
    pub contract: ContractId,
    pub effective: Effective,
    pub kind: ContractKind,
    pub ends_at: Timestamp,
    pub queue: QueueTerms,
    pub reason: String,
    pub state: AmendmentState,
    pub drawn_by: MemberId,
    pub drawn_at: Timestamp,
    pub decided_by: Option<MemberId>,
    pub decided_at: Option<Timestamp>,
    /// From when on it holds, once it is approved.
    pub from_at: Option<Timestamp>,
    /// Why it was refused.
    pub note: String,
}

impl Amendment {
    pub fn terms(&self) -> Terms {
        Terms { kind: self.kind, ends_at: self.ends_at, queue: self.queue }
    }
}

/// The terms of a contract that hold from an instant on. The first are those on which it became active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub contract: ContractId,
    pub number: i64,
    pub amendment: Option<AmendmentId>,
    pub from_at: Timestamp,
    pub kind: ContractKind,
    pub ends_at: Timestamp,
    pub queue: QueueTerms,
}

impl Version {
    pub fn terms(&self) -> Terms {
        Terms { kind: self.kind, ends_at: self.ends_at, queue: self.queue }
    }
}

rows! { amendment: Amendment =
    id, contract, effective as code, kind as json, ends_at, queue as json, reason, state as code, drawn_by, drawn_at,
    decided_by, decided_at, from_at, note
}

statements! { "amendments", unique: { "amendments.contract": "an amendment of this contract that is open" };
    INSERT = amendment!(insert into "amendments");
    GET = concat!("SELECT ", amendment!(columns), " FROM amendments WHERE id = ?1");
    LIST_OF = concat!("SELECT ", amendment!(columns), " FROM amendments WHERE contract = ?1 ORDER BY id DESC LIMIT ?2");
    // Those that hold from an instant that is to come, or that has passed while nobody looked.
    COMING = concat!("SELECT ", amendment!(columns), " FROM amendments WHERE state = 'approved' ORDER BY from_at, id");
    DECIDE = "UPDATE amendments SET state = ?2, decided_by = ?3, decided_at = ?4, from_at = ?5, note = ?6 \
              WHERE id = ?1 AND state = 'proposed'";
    IN_FORCE = "UPDATE amendments SET state = 'in_force' WHERE id = ?1 AND state = 'approved'";
    LAPSE = "UPDATE amendments SET state = 'lapsed' WHERE contract = ?1 AND state IN ('proposed', 'approved')";
    // Word for word what the contract says.
    FIRST_VERSION = "INSERT INTO contract_versions (contract, number, amendment, from_at, kind, ends_at, queue) \
                     SELECT id, 1, NULL, ?2, kind, ends_at, queue FROM contracts WHERE id = ?1";
    NEXT_VERSION = "INSERT INTO contract_versions (contract, number, amendment, from_at, kind, ends_at, queue) \
                    SELECT contract, (SELECT COALESCE(MAX(v.number), 0) + 1 FROM contract_versions v \
                    WHERE v.contract = amendments.contract), id, from_at, kind, ends_at, queue FROM amendments WHERE id = ?1";
    AMEND = "UPDATE contracts SET (kind, ends_at, queue) = \
             (SELECT a.kind, a.ends_at, a.queue FROM amendments a WHERE a.id = ?2) WHERE id = ?1";
    VERSIONS = "SELECT contract, number, amendment, from_at, kind, ends_at, queue FROM contract_versions \
                WHERE contract = ?1 ORDER BY number";
    ALL_VERSIONS = "SELECT contract, number, amendment, from_at, kind, ends_at, queue FROM contract_versions \
                    ORDER BY contract, number";
    KIND_AT = "SELECT contract, kind FROM contract_versions WHERE contract = ?1 AND from_at <= ?2 ORDER BY number DESC LIMIT 1";
}

fn version(row: Row<'_>) -> Result<Version, StoreError> {
    Ok(Version {
        contract: row.get(0)?,
        number: row.get(1)?,
        amendment: row.get(2)?,
        from_at: row.get(3)?,
        kind: row.json(4)?,
        ends_at: row.get(5)?,
        queue: row.json(6)?,
    })
}

pub fn insert(tx: &Tx, amendment: &Amendment) -> Result<(), StoreError> {
    amendment.insert(tx, INSERT)
}

pub fn get(tx: &Tx, id: AmendmentId) -> Result<Amendment, StoreError> {
    tx.get(GET, &id, Amendment::read)
}

/// The newest amendments of a contract.
pub fn list(tx: &Tx, contract: ContractId, limit: u32) -> Result<Vec<Amendment>, StoreError> {
    tx.all(LIST_OF, params![&contract, limit], Amendment::read)
}

/// Those that are approved and not in force yet, in the order in which they will be.
pub fn list_coming(tx: &Tx) -> Result<Vec<Amendment>, StoreError> {
    tx.all(COMING, params![], Amendment::read)
}

/// Keeps a decision; `false` where it was decided before. With an approval comes the next version of the contract's terms.
pub fn decide(tx: &Tx, amendment: &Amendment) -> Result<bool, StoreError> {
    let Amendment { id, state, decided_by, decided_at, from_at, note, .. } = amendment;
    let row = params![id, state.code(), decided_by, *decided_at, *from_at, note];
    let is_new = tx.changed(DECIDE, row)? > 0;
    if is_new && from_at.is_some() {
        tx.execute(NEXT_VERSION, params![id])?;
    }
    Ok(is_new)
}

/// Gives a contract the terms of an approved amendment.
pub fn put_in_force(tx: &Tx, amendment: &Amendment) -> Result<(), StoreError> {
    tx.execute(IN_FORCE, params![&amendment.id])?;
    tx.execute(AMEND, params![&amendment.contract, &amendment.id])
}

/// Gives up what of a contract's amendments is not in force, as the contract has ended.
pub fn lapse(tx: &Tx, contract: ContractId) -> Result<(), StoreError> {
    tx.execute(LAPSE, params![&contract])
}

/// Keeps the terms of a contract that becomes active as their first version.
pub fn insert_first_version(tx: &Tx, contract: ContractId, from_at: Timestamp) -> Result<(), StoreError> {
    tx.execute(FIRST_VERSION, params![&contract, from_at])
}

/// The versions of a contract's terms, oldest first.
pub fn list_versions(tx: &Tx, contract: ContractId) -> Result<Vec<Version>, StoreError> {
    tx.all(VERSIONS, params![&contract], version)
}

/// The versions of all contracts, each one's together and oldest first.
pub fn list_all_versions(tx: &Tx) -> Result<Vec<Version>, StoreError> {
    tx.all(ALL_VERSIONS, params![], version)
}

/// The kind with its amounts that hold at an instant; before the first version those of the first.
pub fn kind_at(tx: &Tx, contract: &Contract, at: Timestamp) -> Result<ContractKind, StoreError> {
    if let Some(kind) = tx.find(KIND_AT, params![&contract.id, at], |row| row.json(1))? {
        return Ok(kind);
    }
    let versions = list_versions(tx, contract.id)?;
    Ok(versions.first().map_or(contract.kind, |first| first.kind))
}

/// The course of a term by its versions; `None` without any: the contract was never active.
pub fn course(contract: &Contract, versions: &[Version], over_at: Option<Timestamp>) -> Option<Course> {
    let (first, later) = versions.split_first()?;
    let fee = |version: &Version| version.kind.fee().unwrap_or_default();
    let mut course = Course::new(contract.starts_at, first.from_at, (first.ends_at, fee(first)), over_at);
    for version in later {
        course.amend(version.from_at, version.ends_at, fee(version));
    }
    Some(course)
}
