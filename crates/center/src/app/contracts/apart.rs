//! Separation of duties 职责分离: who draws up a contract does not approve it, and who approves it does not take its money.

use domain::{ContractId, MemberId, MicroCny, Role, contract::ContractAction};
use store::{Tx, contracts as rows};

use base::{
    error::AppError,
    refusal::{Did, Refused},
};

/// Refuses an approval by whoever submitted the contract last.
pub fn approver(tx: &Tx, is_apart: bool, contract: ContractId, by: MemberId) -> Result<(), AppError> {
    refuse(tx, is_apart, contract, by, ContractAction::Submit, Did::SubmittedContract)
}

/// Refuses a payment that is booked by whoever approved the contract.
pub fn cashier(tx: &Tx, is_apart: bool, contract: ContractId, by: MemberId) -> Result<(), AppError> {
    refuse(tx, is_apart, contract, by, ContractAction::Approve, Did::ApprovedContract)
}

/// Refuses a signature of the center's by whoever submitted the contract last.
pub fn signer(tx: &Tx, is_apart: bool, contract: ContractId, by: MemberId) -> Result<(), AppError> {
    refuse(tx, is_apart, contract, by, ContractAction::Submit, Did::SubmittedContract)
}

/// Refuses an approval of more than `most` by whoever is no operator: the center's people of other roles approve up to that.
pub fn within(most: Option<MicroCny>, role: Role, amount: MicroCny) -> Result<(), AppError> {
    let Some(most) = most.filter(|most| amount > *most && role != Role::Operator) else { return Ok(()) };
    Err(Refused::AboveLimit { amount_micro_cny: amount, most_micro_cny: most }.into())
}

/// The refusal of a person who did the first part of a thing and must leave the second to somebody else.
pub fn same_person(did: Did) -> AppError {
    Refused::SamePerson { did }.into()
}

fn refuse(
    tx: &Tx,
    is_apart: bool,
    contract: ContractId,
    by: MemberId,
    action: ContractAction,
    did: Did,
) -> Result<(), AppError> {
    if !is_apart {
        return Ok(());
    }
    let events = rows::list_contract_events(tx, contract)?;
    let last = events.iter().rev().find(|event| event.action == action);
    if last.and_then(|event| event.actor) == Some(by) { Err(same_person(did)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_alone_approve_what_is_above_the_bound() {
        let most = Some(MicroCny(100));
        for (role, amount, most, is_refused) in [
            (Role::Contracts, 100, most, false),
            (Role::Contracts, 101, most, true),
            (Role::CenterFinance, 101, most, true),
            (Role::Operator, 101, most, false),
            (Role::Contracts, 101, None, false),
            (Role::Contracts, 1, Some(MicroCny(0)), true),
            (Role::Contracts, 0, Some(MicroCny(0)), false),
        ] {
            assert_eq!(within(most, role, MicroCny(amount)).is_err(), is_refused, "{role:?} {amount}");
        }
    }
}
