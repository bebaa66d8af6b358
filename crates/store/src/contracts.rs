//! Contracts, their history, and price books.

use domain::{
    Contract, ContractId, ContractState, MemberId, TenantId, Timestamp, contract::ContractAction,
    price::PriceBook,
};

use crate::{
    StoreError, Tx,
    sql::{Row, json, params, statements},
};

/// Something that was done to a contract.
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

macro_rules! contract_columns {
    () => {
        "id, tenant, number, kind, pools, starts_at, ends_at, queue, state, created_at"
    };
}

statements! { "contracts";
    INSERT_CONTRACT =
        concat!("INSERT INTO contracts (", contract_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    GET_CONTRACT = concat!("SELECT ", contract_columns!(), " FROM contracts WHERE id = ?1");
    FIND_CONTRACT = concat!("SELECT ", contract_columns!(), " FROM contracts WHERE number = ?1");
    LIST_CONTRACTS = concat!("SELECT ", contract_columns!(), " FROM contracts ORDER BY number");
    LIST_CONTRACTS_OF = concat!("SELECT ", contract_columns!(), " FROM contracts WHERE tenant = ?1 ORDER BY number");
    LIST_IN_STATE = concat!("SELECT ", contract_columns!(), " FROM contracts WHERE state = ?1 ORDER BY number");
    SET_CONTRACT_STATE = "UPDATE contracts SET state = ?3 WHERE id = ?1 AND state = ?2";
    INSERT_EVENT = "INSERT INTO contract_events (contract, at, actor, action, reason, from_state, to_state) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    LIST_EVENTS = "SELECT contract, at, actor, action, reason, from_state, to_state FROM contract_events \
                   WHERE contract = ?1 ORDER BY seq";
    INSERT_PRICE_BOOK = "INSERT INTO price_books (id, name, effective_from, prices) VALUES (?1, ?2, ?3, ?4)";
    LIST_PRICE_BOOKS = "SELECT id, name, effective_from, prices FROM price_books ORDER BY effective_from, id";
}

pub fn insert_contract(tx: &Tx, contract: &Contract) -> Result<(), StoreError> {
    let (kind, pools, queue) = (json(&contract.kind)?, json(&contract.pools)?, json(&contract.queue)?);
    let row = params![
        &contract.id,
        &contract.tenant,
        &contract.number,
        &kind,
        &pools,
        contract.starts_at,
        contract.ends_at,
        &queue,
        contract.state.code(),
        contract.created_at,
    ];
    tx.execute(INSERT_CONTRACT, row).map(|_| ())
}

pub fn get_contract(tx: &Tx, id: ContractId) -> Result<Contract, StoreError> {
    tx.find(GET_CONTRACT, params![&id], contract)?.ok_or_else(|| StoreError::not_found("contract", &id))
}

/// By its number.
pub fn find_contract(tx: &Tx, number: &str) -> Result<Option<Contract>, StoreError> {
    tx.find(FIND_CONTRACT, params![number], contract)
}

/// A tenant's, or all; by number.
pub fn list_contracts(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Contract>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_CONTRACTS_OF, params![tenant], contract),
        None => tx.all(LIST_CONTRACTS, params![], contract),
    }
}

/// Those whose state is `active`, by number.
pub fn list_active(tx: &Tx) -> Result<Vec<Contract>, StoreError> {
    tx.all(LIST_IN_STATE, params![ContractState::Active.code()], contract)
}

/// Sets the state to `to` if it is `from`; says whether it was.
pub fn set_contract_state(
    tx: &Tx,
    id: ContractId,
    from: ContractState,
    to: ContractState,
) -> Result<bool, StoreError> {
    if tx.execute(SET_CONTRACT_STATE, params![&id, from.code(), to.code()])? > 0 {
        return Ok(true);
    }
    // Not there at all is another matter than in another state.
    get_contract(tx, id).map(|_| false)
}

pub fn insert_contract_event(tx: &Tx, event: &ContractEvent) -> Result<(), StoreError> {
    let row = params![
        &event.contract,
        event.at,
        event.actor.as_ref(),
        event.action.code(),
        &event.reason,
        event.from.code(),
        event.to.code(),
    ];
    tx.execute(INSERT_EVENT, row).map(|_| ())
}

/// What was done to a contract, oldest first.
pub fn list_contract_events(tx: &Tx, contract: ContractId) -> Result<Vec<ContractEvent>, StoreError> {
    tx.all(LIST_EVENTS, params![&contract], |row| {
        Ok(ContractEvent {
            contract: row.get(0)?,
            at: row.get(1)?,
            actor: row.get(2)?,
            action: row.code(3, ContractAction::from_code)?,
            reason: row.get(4)?,
            from: row.code(5, ContractState::from_code)?,
            to: row.code(6, ContractState::from_code)?,
        })
    })
}

pub fn insert_price_book(tx: &Tx, book: &PriceBook) -> Result<(), StoreError> {
    let prices = json(&book.prices)?;
    tx.execute(INSERT_PRICE_BOOK, params![&book.id, &book.name, book.effective_from, &prices]).map(|_| ())
}

/// All versions, in the order in which they take effect.
pub fn list_price_books(tx: &Tx) -> Result<Vec<PriceBook>, StoreError> {
    tx.all(LIST_PRICE_BOOKS, params![], |row| {
        Ok(PriceBook {
            id: row.get(0)?,
            name: row.get(1)?,
            effective_from: row.get(2)?,
            prices: row.json(3)?,
        })
    })
}

fn contract(row: Row<'_>) -> Result<Contract, StoreError> {
    Ok(Contract {
        id: row.get(0)?,
        tenant: row.get(1)?,
        number: row.get(2)?,
        kind: row.json(3)?,
        pools: row.json(4)?,
        starts_at: row.get(5)?,
        ends_at: row.get(6)?,
        queue: row.json(7)?,
        state: row.code(8, ContractState::from_code)?,
        created_at: row.get(9)?,
    })
}
