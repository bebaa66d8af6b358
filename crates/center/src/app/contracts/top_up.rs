//! Paying in.

use domain::{
    ContractId, ContractState, MemberId, TransferId,
    contract::{ContractAction, ContractKind, Funds},
    ledger::{Account, Cause, Posting, Unit},
    problem::{ContractFault, field},
};
use serde::Deserialize;
use serde_json::json;
use store::{Tx, contracts as rows, ledger};

use super::{
    ContractView, MOST_AMOUNT, show,
    states::{StateChange, applied, balance, change_state},
    visible,
};
use crate::{actions, center::Center, event_kinds};
use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    events::{self, About},
    moment::{self, new_id},
    params,
    refusal::Refusal,
};

/// Money paid in.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// Above 0. For a package or capped grant leave it out and give card time.
    #[serde(default)]
    pub amount_micro_cny: i64,
    /// Card time added to a package or a capped grant.
    #[serde(default)]
    pub card_ms: i64,
    /// What names this payment, such as the bank's number for it: the same again is not booked again.
    pub reference: String,
}

/// Books a payment. A contract whose balance had ended is active again if it has something left.
pub async fn top_up(
    center: &Center,
    caller: &Caller,
    id: &str,
    top_up: TopUp,
) -> Result<ContractView, AppError> {
    let contract = visible(center, caller, id, actions::TOP_UP)?;
    let amounts = [top_up.amount_micro_cny, top_up.card_ms];
    if amounts.iter().any(|amount| !(0..=MOST_AMOUNT).contains(amount)) || amounts == [0, 0] {
        return Err(AppError::invalid(field::AMOUNT, ContractFault::Amounts { most: MOST_AMOUNT }));
    }
    let takes_card_time =
        matches!(contract.kind, ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) });
    if top_up.card_ms > 0 && !takes_card_time {
        return Err(AppError::invalid(field::CARD_TIME, ContractFault::NoCardTime { kind: contract.kind }));
    }
    params::line::<64>(field::REFERENCE, &*top_up.reference)?;
    if contract.state.is_final() {
        let message = format!("the contract {} is {}", contract.number, contract.state.code());
        return Err(AppError::refused(Refusal::ContractState, message, "draw up a new contract"));
    }
    let may = center.policies.may(caller, actions::TOP_UP, Some(contract.tenant))?;
    let (by, id_now) = (caller.member.id, contract.id);
    center.change(may, move |tx| booked(tx, by, id_now, &top_up), applied).await?;
    show(center, caller, id).await
}

fn booked(tx: &Tx, by: MemberId, id: ContractId, top_up: &TopUp) -> Result<Changed<StateChange>, AppError> {
    let now = moment::now();
    let own = Account::Contract(id);
    let parts = [
        (Unit::MicroCny, Account::Cash, top_up.amount_micro_cny, Cause::TopUp, "money"),
        (Unit::CardMs, Account::Capacity, top_up.card_ms, Cause::Package, "time"),
    ];
    for (unit, debit, amount, cause, what) in parts {
        if amount > 0 {
            let key = format!("{id}/top-up/{what}/{}", top_up.reference);
            let posting = Posting { key, unit, debit, credit: own, amount, cause, corrects: None };
            ledger::post(tx, &posting, new_id!(TransferId), now)?;
        }
    }
    let contract = rows::get_contract(tx, id)?;
    let detail = json!({ "number": contract.number, "amount_micro_cny": top_up.amount_micro_cny,
        "card_ms": top_up.card_ms, "reference": top_up.reference });
    let balance = balance(tx, id)?;
    let is_back = contract.state == ContractState::Exhausted
        && !Funds::of(contract.kind, balance.use_balance, balance.money_balance).is_exhausted();
    if is_back {
        let action = ContractAction::Replenish;
        let change = change_state(tx, id, action, Some(by), &top_up.reference, now)?;
        return Ok(Changed::new(id, detail, change));
    }
    let about = About { tenant: Some(contract.tenant), ..About::default() };
    let data = json!({ "contract": id, "number": contract.number, "action": "top_up", "state": contract.state.code() });
    let event = events::record(tx, now, about, event_kinds::CONTRACT_CHANGED, data)?;
    Ok(Changed::new(id, detail, StateChange { contract, balance, event }))
}
