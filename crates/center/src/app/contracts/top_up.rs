//! Paying in.

use domain::{
    ContractId, ContractState, TransferId,
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
    audit::{self, Change},
    auth::Caller,
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
    let by = caller.clone();
    let id_now = contract.id;
    center.write(move |tx| booked(tx, &by, id_now, &top_up), applied).await?;
    show(center, caller, id).await
}

fn booked(tx: &Tx, by: &Caller, id: ContractId, top_up: &TopUp) -> Result<StateChange, AppError> {
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
    let (tenant, subject) = (Some(contract.tenant), id.to_string());
    audit::record(tx, by, Change { tenant, action: actions::TOP_UP, subject, detail })?;
    let balance = balance(tx, id)?;
    let is_back = contract.state == ContractState::Exhausted
        && !Funds::of(contract.kind, balance.use_balance, balance.money_balance).is_exhausted();
    if is_back {
        return change_state(tx, id, ContractAction::Replenish, Some(by.member.id), &top_up.reference, now);
    }
    let about = About { tenant, ..About::default() };
    let data = json!({ "contract": id, "number": contract.number, "action": "top_up", "state": contract.state.code() });
    let event = events::record(tx, now, about, event_kinds::CONTRACT_CHANGED, data)?;
    Ok(StateChange { contract, balance, event })
}
