//! What is decided about a contract, by people and by itself, and what it books.

use domain::{
    CardMs, Contract, ContractId, ContractState, MemberId, MicroCny, Timestamp,
    contract::{ContractAction, ContractKind},
    ledger::{Account, Cause, Posting, Unit},
};
use serde_json::json;
use store::{Tx, contracts as rows, ledger};

use super::{ContractView, show, visible};
use crate::{
    app::{
        audit::{self, Change},
        views,
    },
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    events::{self, About, Event},
    moment::{self, new_id},
};

/// Who may do what to a contract. What the center's loops do is for nobody.
fn needed(action: ContractAction) -> Option<Action> {
    match action {
        ContractAction::Submit => Some(Action::SubmitContract),
        ContractAction::Return
        | ContractAction::Approve
        | ContractAction::Activate
        | ContractAction::Suspend
        | ContractAction::Resume
        | ContractAction::Terminate => Some(Action::DecideContract),
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
    let action = views::word("action", action, ContractAction::from_code, &known)?;
    let Some(needed) = needed(action) else {
        let hint = format!("use one of: {}", known.join(", "));
        return Err(AppError::invalid("action", "is done by the center itself", hint));
    };
    if reason.chars().count() > 500 || reason.chars().any(char::is_control) {
        return Err(AppError::invalid("reason", "is too long", "use at most 500 printable characters"));
    }
    let contract = visible(center, caller, id, needed)?;
    let (by, reason) = (caller.clone(), reason.to_owned());
    let id_now = contract.id;
    center
        .write(
            move |tx| {
                let change = change_state(tx, id_now, action, Some(by.member.id), &reason, moment::now())?;
                let detail =
                    json!({ "action": action.code(), "reason": reason, "number": change.contract.number });
                let subject = id_now.to_string();
                let tenant = Some(change.contract.tenant);
                audit::record(tx, &by, Change { tenant, action: needed.code(), subject, detail })?;
                Ok(change)
            },
            applied,
        )
        .await?;
    show(center, caller, id)
}

/// What a change of state leaves behind.
#[derive(Clone, Debug)]
pub(super) struct StateChange {
    pub(super) contract: Contract,
    pub(super) use_balance: CardMs,
    pub(super) money_balance: MicroCny,
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
    let to = from.after(action).map_err(|error| {
        AppError::refused(
            "contract_state",
            error.to_string(),
            "look at the contract's history to see where it stands",
        )
    })?;
    rows::set_contract_state(tx, id, from, to)?;
    contract.state = to;
    let event =
        rows::ContractEvent { contract: id, at: now, actor, action, reason: reason.to_owned(), from, to };
    rows::insert_contract_event(tx, &event)?;
    if action == ContractAction::Activate {
        for posting in opening(&contract) {
            ledger::post(tx, &posting, new_id!(TransferId), now)?;
        }
    }
    let (use_balance, money_balance) = balances(tx, id)?;
    let about = About { tenant: Some(contract.tenant), ..About::default() };
    let data =
        json!({ "contract": id, "number": contract.number, "action": action.code(), "state": to.code() });
    let event = events::record(tx, now, about, "contract_changed", data)?;
    Ok(StateChange { contract, use_balance, money_balance, event })
}

/// The two balances of a contract in the ledger.
pub fn balances(tx: &Tx, id: ContractId) -> Result<(CardMs, MicroCny), AppError> {
    let account = Account::Contract(id);
    Ok((
        CardMs(ledger::balance(tx, account, Unit::CardMs)?),
        MicroCny(ledger::balance(tx, account, Unit::MicroCny)?),
    ))
}

/// What is posted when a contract becomes active: a package is paid for and given; reserved cards are charged at once.
fn opening(contract: &Contract) -> Vec<Posting> {
    let own = Account::Contract(contract.id);
    let post = |what: &str, unit, debit, credit, amount, cause| {
        let key = format!("{}/{what}", contract.id);
        Posting { key, unit, debit, credit, amount, cause }
    };
    let postings = match contract.kind {
        ContractKind::Prepaid { package, fee } => vec![
            post("package", Unit::CardMs, Account::Capacity, own, package.0, Cause::Package),
            post("fee-in", Unit::MicroCny, Account::Cash, own, fee.0, Cause::TopUp),
        ],
        ContractKind::Reserved { fee, .. } => vec![
            post("fee-in", Unit::MicroCny, Account::Cash, own, fee.0, Cause::TopUp),
            post("fee", Unit::MicroCny, own, Account::Revenue, fee.0, Cause::Fee),
        ],
        ContractKind::Grant { cap: Some(cap) } => {
            vec![post("package", Unit::CardMs, Account::Capacity, own, cap.0, Cause::Package)]
        }
        ContractKind::Grant { cap: None } | ContractKind::Metered { .. } => Vec::new(),
    };
    postings.into_iter().filter(|posting| posting.amount > 0).collect()
}

pub(super) fn applied(center: &Center, change: &StateChange) {
    let grace = center.settings.billing.grace_ms;
    {
        let mut live = center.live();
        live.add_contract(change.contract.clone(), change.use_balance, change.money_balance);
        if let Some(known) = live.contracts.get_mut(&change.contract.id) {
            known.grace_ends_at = match change.contract.state {
                ContractState::Exhausted => {
                    Some(known.grace_ends_at.unwrap_or_else(|| moment::now().plus(grace)))
                }
                _ => None,
            };
        }
    }
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
            let change = change_state(tx, id, action, None, reason, now)?;
            let detail = json!({ "action": action.code(), "number": change.contract.number });
            let (tenant, subject) = (Some(change.contract.tenant), id.to_string());
            audit::record_own(tx, Change { tenant, action: "end_contract", subject, detail })?;
            Ok(change)
        },
        applied,
    );
    match done {
        Ok(change) => tracing::warn!(
            contract = %change.contract.number, state = change.contract.state.code(),
            grace_ms = center.settings.billing.grace_ms.0, "{reason}: its queue is held, its runs are stopped after the grace"
        ),
        Err(error) => tracing::error!(contract = %id, %error, "failed to end a contract; it is tried again"),
    }
}
