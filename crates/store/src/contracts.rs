//! Contracts and their history.

pub mod texts;

use domain::{
    Contract, ContractId, ContractState, Course, MemberId, TenantId, Timestamp, contract::ContractAction,
};

use crate::amendments;
use crate::db::{Record, StoreError, Tx, json, params, rows, statements};

/// An action on a contract, as it is kept in the contract's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEvent {
    pub contract: ContractId,
    pub at: Timestamp,
    /// `None`: the center itself.
    pub actor: Option<MemberId>,
    pub action: ContractAction,
    pub reason: String,
    pub from: ContractState,
    pub to: ContractState,
}

rows! { contract: Contract =
    id, tenant, number, kind as json, pools as json, starts_at, ends_at, queue as json, state as code, created_at
}

statements! { "contracts", unique: { "contracts.number": "a contract with this number" };
    INSERT_CONTRACT = contract!(insert into "contracts");
    GET_CONTRACT = concat!("SELECT ", contract!(columns), " FROM contracts WHERE id = ?1");
    HAS_NUMBER = "SELECT 1 FROM contracts WHERE number = ?1";
    LIST_CONTRACTS = concat!("SELECT ", contract!(columns), " FROM contracts ORDER BY number");
    LIST_CONTRACTS_OF = concat!("SELECT ", contract!(columns), " FROM contracts WHERE tenant = ?1 ORDER BY number");
    LIST_IN_STATE = concat!("SELECT ", contract!(columns), " FROM contracts WHERE state = ?1 ORDER BY number");
    CHANGE_DRAFT = "UPDATE contracts SET number = ?2, kind = ?3, pools = ?4, starts_at = ?5, ends_at = ?6, queue = ?7 \
                    WHERE id = ?1 AND state = 'draft'";
    SET_CONTRACT_STATE = "UPDATE contracts SET state = ?3 WHERE id = ?1 AND state = ?2";
    INSERT_EVENT = "INSERT INTO contract_events (contract, at, actor, action, reason, from_state, to_state) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    LIST_EVENTS = "SELECT contract, at, actor, action, reason, from_state, to_state FROM contract_events \
                   WHERE contract = ?1 ORDER BY seq";
}

pub fn insert_contract(tx: &Tx, contract: &Contract) -> Result<(), StoreError> {
    contract.insert(tx, INSERT_CONTRACT)
}

pub fn get_contract(tx: &Tx, id: ContractId) -> Result<Contract, StoreError> {
    tx.get(GET_CONTRACT, &id, Contract::read)
}

/// Whether a contract has this number.
pub fn has_number(tx: &Tx, number: &str) -> Result<bool, StoreError> {
    Ok(tx.find(HAS_NUMBER, params![number], |_| Ok(()))?.is_some())
}

/// A tenant's contracts, or all; by number.
pub fn list_contracts(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Contract>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_CONTRACTS_OF, params![tenant], Contract::read),
        None => tx.all(LIST_CONTRACTS, params![], Contract::read),
    }
}

/// The contracts whose state is `active`, by number.
pub fn list_active(tx: &Tx) -> Result<Vec<Contract>, StoreError> {
    tx.all(LIST_IN_STATE, params![ContractState::Active.code()], Contract::read)
}

/// Changes what a draft says; `false` if it is no draft.
pub fn change_draft(tx: &Tx, draft: &Contract) -> Result<bool, StoreError> {
    let (kind, pools, queue) = (json(&draft.kind)?, json(&draft.pools)?, json(&draft.queue)?);
    let row = params![&draft.id, &draft.number, &kind, &pools, draft.starts_at, draft.ends_at, &queue];
    Ok(tx.changed(CHANGE_DRAFT, row)? > 0)
}

/// Sets the state to `to` if it is `from`; says whether it was.
pub fn set_contract_state(
    tx: &Tx,
    id: ContractId,
    from: ContractState,
    to: ContractState,
) -> Result<bool, StoreError> {
    if tx.changed(SET_CONTRACT_STATE, params![&id, from.code(), to.code()])? > 0 {
        return Ok(true);
    }
    // A contract that is not there is an error; one in another state is not.
    get_contract(tx, id).map(|_| false)
}

pub fn insert_contract_event(tx: &Tx, event: &ContractEvent) -> Result<(), StoreError> {
    let row = params![
        &event.contract,
        event.at,
        &event.actor,
        event.action.code(),
        &event.reason,
        event.from.code(),
        event.to.code(),
    ];
    tx.execute(INSERT_EVENT, row)
}

/// The history of a contract, oldest first.
pub fn list_contract_events(tx: &Tx, contract: ContractId) -> Result<Vec<ContractEvent>, StoreError> {
    tx.all(LIST_EVENTS, params![&contract], |row| {
        Ok(ContractEvent {
            contract: row.get(0)?,
            at: row.get(1)?,
            actor: row.get(2)?,
            action: row.code(3)?,
            reason: row.get(4)?,
            from: row.code(5)?,
            to: row.code(6)?,
        })
    })
}

/// The course of a contract by the versions of its terms; `None` where it was never active.
pub fn course(tx: &Tx, contract: &Contract) -> Result<Option<Course>, StoreError> {
    let events = list_contract_events(tx, contract.id)?;
    let ended = events.iter().find(|event| event.action == ContractAction::Terminate);
    let versions = amendments::list_versions(tx, contract.id)?;
    Ok(amendments::course(contract, &versions, ended.map(|event| event.at)))
}
