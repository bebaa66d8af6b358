//! Separation of duties 职责分离: who draws up a contract does not approve it, and who approves it does not take its money.

use domain::{ContractId, MemberId, contract::ContractAction};
use store::{Tx, contracts as rows};

use base::{error::AppError, refusal::Refusal};

/// Refuses an approval by whoever submitted the contract last.
pub fn approver(tx: &Tx, is_apart: bool, contract: ContractId, by: MemberId) -> Result<(), AppError> {
    refuse(tx, is_apart, contract, by, ContractAction::Submit, "submitted this contract")
}

/// Refuses a payment that is booked by whoever approved the contract.
pub fn cashier(tx: &Tx, is_apart: bool, contract: ContractId, by: MemberId) -> Result<(), AppError> {
    refuse(tx, is_apart, contract, by, ContractAction::Approve, "approved this contract")
}

/// The refusal of a person who did the first part of a thing and must leave the second to somebody else.
pub fn same_person(did: &str) -> AppError {
    let message = format!("you {did} yourself, and duties are separate here");
    let hint =
        "let somebody else do this; `books.separate_duties` in the settings says that duties are separate";
    AppError::refused(Refusal::SamePerson, message, hint)
}

fn refuse(
    tx: &Tx,
    is_apart: bool,
    contract: ContractId,
    by: MemberId,
    action: ContractAction,
    did: &str,
) -> Result<(), AppError> {
    if !is_apart {
        return Ok(());
    }
    let events = rows::list_contract_events(tx, contract)?;
    let last = events.iter().rev().find(|event| event.action == action);
    if last.and_then(|event| event.actor) == Some(by) { Err(same_person(did)) } else { Ok(()) }
}
