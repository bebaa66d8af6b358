//! Decisions on a contract, those of people and automatic ones, and the entries that they book.

use domain::{
    AmendmentId, CardMs, Contract, ContractId, ContractState, MemberId, MicroCny, Timestamp, TransferId,
    contract::{ContractAction, ContractKind, Funds},
    ledger::{Account, Cause, Posting, Unit},
    problem::{ContractFault, field},
};
use serde_json::json;
use store::{
    Tx,
    amendments::{self, Amendment},
    contracts as rows,
    ledger::{self, ContractBalance},
    vouchers,
};

use super::{ContractView, apart, show, visible};
use crate::{actions, center::Center, event_kinds, live::Use, wakers::METER};
use base::{
    audit::{self, Change},
    auth::{Action, Caller},
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    moment::{self, new_id},
    params,
    refusal::Refused,
};

/// The right that an action on a contract needs. Actions of the center's loops are for nobody.
fn needed(action: ContractAction) -> Option<Action> {
    match action {
        ContractAction::Submit => Some(actions::SUBMIT_CONTRACT),
        ContractAction::Return
        | ContractAction::Approve
        | ContractAction::Activate
        | ContractAction::Suspend
        | ContractAction::Resume
        | ContractAction::Terminate => Some(actions::DECIDE_CONTRACT),
        ContractAction::Exhaust | ContractAction::Replenish | ContractAction::Expire => None,
    }
}

/// Changes a contract's state. Activating it posts its package and fee.
pub async fn act(
    center: &Center,
    caller: &Caller,
    id: &str,
    action: &str,
    reason: &str,
) -> Result<ContractView, AppError> {
    let known = ContractAction::ALL.into_iter().filter(|a| needed(*a).is_some()).map(ContractAction::code);
    let known: Vec<&str> = known.collect();
    let action = params::word(field::ACTION, action, ContractAction::from_code, &known)?;
    let Some(needed) = needed(action) else {
        return Err(AppError::invalid(field::ACTION, ContractFault::ByCenter { known }));
    };
    if !reason.is_empty() {
        params::line::<500>(field::REASON, reason)?;
    }
    let contract = visible(center, caller, id, needed)?;
    let may = center.policies.may(caller, needed, Some(contract.tenant))?;
    let (by, role, id_now, reason) = (caller.member.id, caller.member.role, contract.id, reason.to_owned());
    let (is_apart, most) =
        (center.settings.are_duties_separate(), center.settings.books.approve_up_to_micro_cny);
    center
        .change(
            may,
            move |tx| {
                if action == ContractAction::Approve {
                    apart::approver(tx, is_apart, id_now, by)?;
                    apart::within(most, role, rows::get_contract(tx, id_now)?.kind.amount())?;
                }
                let change = change_state(tx, id_now, action, Some(by), &reason, moment::now())?;
                let detail =
                    json!({ "action": action.code(), "reason": reason, "number": change.contract.number });
                Ok(Changed::new(id_now, detail, change))
            },
            applied,
        )
        .await?;
    show(center, caller, id).await
}

/// A contract as a change leaves it, and the event that tells of the change.
#[derive(Clone, Debug)]
pub struct StateChange {
    pub(super) contract: Contract,
    pub(super) balance: ContractBalance,
    pub(super) event: Event,
}

pub(super) fn change_state(
    tx: &Tx,
    id: ContractId,
    action: ContractAction,
    actor: Option<MemberId>,
    reason: &str,
    now: Timestamp,
) -> Result<StateChange, AppError> {
    let mut contract = rows::get_contract(tx, id)?;
    let from = contract.state;
    let to = from.after(action).map_err(|_| Refused::ActionOutOfTurn { state: from, action })?;
    if action == ContractAction::Activate && now >= contract.ends_at {
        let ends_at = contract.ends_at.into();
        return Err(Refused::TermOver { contract: contract.number, ends_at }.into());
    }
    rows::set_contract_state(tx, id, from, to)?;
    contract.state = to;
    let event =
        rows::ContractEvent { contract: id, at: now, actor, action, reason: reason.to_owned(), from, to };
    rows::insert_contract_event(tx, &event)?;
    if to.is_final() {
        amendments::lapse(tx, id)?;
    }
    if action == ContractAction::Activate {
        amendments::insert_first_version(tx, id, now)?;
        for posting in opening(&contract) {
            ledger::post(tx, &posting, new_id!(TransferId), now)?;
        }
    }
    let balance = balance(tx, id)?;
    let about = About { tenant: Some(contract.tenant), ..About::default() };
    let data =
        json!({ "contract": id, "number": contract.number, "action": action.code(), "state": to.code() });
    let event = events::record(tx, now, about, event_kinds::CONTRACT_CHANGED, data)?;
    Ok(StateChange { contract, balance, event })
}

/// Gives a contract the terms of an amendment whose instant has come: books what it adds, and wakes the contract if that leaves
/// something on it.
pub fn amended(
    tx: &Tx,
    amendment: &Amendment,
    by: Option<MemberId>,
    now: Timestamp,
) -> Result<StateChange, AppError> {
    let before = rows::get_contract(tx, amendment.contract)?;
    amendments::put_in_force(tx, amendment)?;
    let contract = before.clone().on(amendment.terms());
    for posting in added(&before, &contract, amendment.id) {
        ledger::post(tx, &posting, new_id!(TransferId), now)?;
    }
    let balance = balance(tx, contract.id)?;
    if contract.state == ContractState::Exhausted && !funds(&contract, balance).is_exhausted() {
        return change_state(tx, contract.id, ContractAction::Replenish, by, &amendment.reason, now);
    }
    let event = money_moved(tx, &contract, "amend", now)?;
    Ok(StateChange { contract, balance, event })
}

/// Wakes a contract whose balance had ended, if what was given back leaves something on it.
pub fn replenish(tx: &Tx, id: ContractId, posted: Use) -> Result<Option<StateChange>, AppError> {
    if posted.used.0 >= 0 && posted.charged.0 >= 0 {
        return Ok(None);
    }
    let contract = rows::get_contract(tx, id)?;
    if contract.state != ContractState::Exhausted || funds(&contract, balance(tx, id)?).is_exhausted() {
        return Ok(None);
    }
    let reason = "use was given back";
    let change = change_state(tx, id, ContractAction::Replenish, None, reason, moment::now())?;
    let detail =
        json!({ "number": contract.number, "used_card_ms": posted.used, "charge_micro_cny": posted.charged });
    let (tenant, subject) = (Some(contract.tenant), id.to_string());
    audit::record_own(tx, Change { tenant, action: actions::WAKE_CONTRACT, subject, detail })?;
    Ok(Some(change))
}

/// A contract after money was moved for it by a correction; active again, if that leaves something on it.
pub fn corrected(tx: &Tx, id: ContractId, by: MemberId, reason: &str) -> Result<StateChange, AppError> {
    let (contract, balance, now) = (rows::get_contract(tx, id)?, balance(tx, id)?, moment::now());
    if contract.state == ContractState::Exhausted && !funds(&contract, balance).is_exhausted() {
        return change_state(tx, id, ContractAction::Replenish, Some(by), reason, now);
    }
    let event = money_moved(tx, &contract, "correction", now)?;
    Ok(StateChange { contract, balance, event })
}

/// The funds that a contract with this balance has left.
pub(super) fn funds(contract: &Contract, balance: ContractBalance) -> Funds {
    Funds::of(contract.kind, balance.use_balance, balance.money_balance)
}

/// The balance of a contract in the ledger.
pub fn balance(tx: &Tx, id: ContractId) -> Result<ContractBalance, AppError> {
    let account = Account::Contract(id);
    Ok(ContractBalance {
        use_balance: CardMs(ledger::balance(tx, account, Unit::CardMs)?),
        money_balance: MicroCny(ledger::balance(tx, account, Unit::MicroCny)?),
    })
}

/// The entries of what an amendment adds: a fee that is due, and card time that is given.
fn added(before: &Contract, after: &Contract, amendment: AmendmentId) -> Vec<Posting> {
    let more = |before: Option<i64>, after: Option<i64>| after.unwrap_or(0) - before.unwrap_or(0);
    let fee = more(before.fee().map(|fee| fee.0), after.fee().map(|fee| fee.0));
    let time = more(before.kind.given().map(|time| time.0), after.kind.given().map(|time| time.0));
    let all = [
        ("package", Unit::CardMs, Account::Capacity, time, Cause::Package),
        ("fee", Unit::MicroCny, Account::Receivable, fee, Cause::Fee),
    ];
    let post = |(what, unit, debit, amount, cause)| Posting {
        key: format!("{}/{what}/{amendment}", after.id),
        unit,
        debit,
        credit: Account::Contract(after.id),
        amount,
        cause,
        corrects: None,
    };
    all.into_iter().map(post).filter(|posting| posting.amount > 0).collect()
}

/// The entries of a contract that becomes active: its fee is due, and a package is given.
fn opening(contract: &Contract) -> Vec<Posting> {
    let own = Account::Contract(contract.id);
    let post = |what: &str, unit, debit, amount, cause| {
        let key = format!("{}/{what}", contract.id);
        Posting { key, unit, debit, credit: own, amount, cause, corrects: None }
    };
    let package =
        |card_ms: CardMs| post("package", Unit::CardMs, Account::Capacity, card_ms.0, Cause::Package);
    let fee = |fee: MicroCny| post("fee", Unit::MicroCny, Account::Receivable, fee.0, Cause::Fee);
    let postings = match contract.kind {
        ContractKind::Prepaid { package: time, fee: due } => vec![package(time), fee(due)],
        ContractKind::Reserved { fee: due, .. } => vec![fee(due)],
        ContractKind::Grant { cap: Some(cap) } => vec![package(cap)],
        ContractKind::Grant { cap: None } | ContractKind::Metered { .. } => Vec::new(),
    };
    postings.into_iter().filter(|posting| posting.amount > 0).collect()
}

/// Tells that money was moved for a contract whose state stays as it is.
pub(super) fn money_moved(
    tx: &Tx,
    contract: &Contract,
    action: &str,
    now: Timestamp,
) -> Result<Event, AppError> {
    let about = About { tenant: Some(contract.tenant), ..About::default() };
    let data = json!({ "contract": contract.id, "number": contract.number, "action": action, "state": contract.state.code() });
    events::record(tx, now, about, event_kinds::CONTRACT_CHANGED, data)
}

/// Brings what is live up to date with a change of a contract, and tells of it.
pub fn applied(center: &Center, change: &StateChange) {
    let grace_ends_at = moment::now().plus(center.settings.billing.grace_ms);
    center.live().contract_changed(change.contract.clone(), change.balance, Some(grace_ends_at));
    center.compute.fits.forget();
    center.tell(change.event.clone());
    center.compute.wakers.plan();
    center.compute.wakers.meter();
    center.compute.wakers.accounts();
}

/// The center ends a contract whose balance or term has ended.
pub fn end_by_itself(center: &Center, id: ContractId, action: ContractAction, now: Timestamp) {
    let reason = match action {
        ContractAction::Exhaust => "the balance ended",
        _ => "the term ended",
    };
    let done = center.write_now(
        move |tx| {
            // What was posted up to this instant may be paid by a voucher, and leave something.
            if action == ContractAction::Exhaust && vouchers::has_paying(tx, id)? {
                let contract = rows::get_contract(tx, id)?;
                if !funds(&contract, balance(tx, id)?).is_exhausted() {
                    return Ok(None);
                }
            }
            let change = change_state(tx, id, action, None, reason, now)?;
            let detail = json!({ "action": action.code(), "number": change.contract.number });
            let (tenant, subject) = (Some(change.contract.tenant), id.to_string());
            audit::record_own(tx, Change { tenant, action: actions::END_CONTRACT, subject, detail })?;
            Ok(Some(change))
        },
        |center, change| {
            if let Some(change) = change {
                applied(center, change);
            }
        },
    );
    match done {
        Ok(None) => {}
        Ok(Some(change)) => tracing::warn!(
            contract = %change.contract.number, state = change.contract.state.code(),
            grace_ms = center.settings.billing.grace_ms.0, "{reason}: its queue is held, its runs are stopped after the grace"
        ),
        Err(error) => {
            tracing::error!(contract = %id, %error, "failed to end a contract; it is tried again");
            center.loops.failed(METER, &error);
        }
    }
}
