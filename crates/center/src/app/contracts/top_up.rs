//! Paying in.

use domain::{
    CardMs, Contract, ContractId, ContractState, MemberId, MicroCny, TransferId, Zone,
    contract::{ContractAction, ContractKind},
    ledger::{Account, Cause, Posting, Unit},
    problem::{ContractFault, Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    Tx, contracts as rows, ledger,
    payments::{self, Payment, Purpose},
};

use super::{
    ContractView, MOST_AMOUNT, apart, show,
    states::{StateChange, applied, balance, change_state, funds, touched},
    visible,
};
use crate::{actions, center::Center};
use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    moment::{self, new_id},
    params,
    refusal::{Refused, Wanted},
};

/// Money paid in, or card time given.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// Above 0. For a package or capped grant leave it out and give card time. Without card time, what is paid for a package
    /// or for reserved cards is their fee.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000i64)]
    pub amount_micro_cny: i64,
    /// Card time added to a package or a capped grant.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000i64)]
    pub card_ms: i64,
    /// The reference of this payment, such as the bank's number for it. It is booked once in the whole
    /// center, whatever contract it is given for. Blanks around it don't count, nor does the case of its
    /// letters.
    #[schema(value_type = domain::schema::Line64)]
    pub reference: String,
    /// The bank, the day (`2026-11-30`) and who paid, where they are known.
    #[serde(default)]
    pub bank: String,
    #[serde(default)]
    #[schema(value_type = domain::schema::DayOrNone)]
    pub paid_on: String,
    #[serde(default)]
    pub payer: String,
}

/// The outcome of a payment, with the contract after it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ToppedUp {
    /// It was booked now. `false`: the same payment had been booked before, and nothing was changed.
    pub booked: bool,
    #[serde(flatten)]
    pub contract: ContractView,
}

/// Books a payment, once. A contract whose balance had ended is active again if it has something left.
pub async fn top_up(center: &Center, caller: &Caller, id: &str, top_up: TopUp) -> Result<ToppedUp, AppError> {
    let contract = visible(center, caller, id, actions::TOP_UP)?;
    check(&contract, &top_up)?;
    let may = center.policies.may(caller, actions::TOP_UP, Some(contract.tenant))?;
    let (by, id_now, is_apart) = (caller.member.id, contract.id, center.settings.are_duties_separate());
    let work = move |tx: &Tx| {
        apart::cashier(tx, is_apart, id_now, by)?;
        booked(tx, by, id_now, &top_up)
    };
    let told = |center: &Center, change: &Option<StateChange>| {
        if let Some(change) = change {
            applied(center, change);
        }
    };
    let booked = center.change(may, work, told).await?.is_some();
    Ok(ToppedUp { booked, contract: show(center, caller, id).await? })
}

/// Refuses what can't be booked for a contract of this kind and state.
fn check(contract: &Contract, top_up: &TopUp) -> Result<(), AppError> {
    params::line::<64>(field::REFERENCE, top_up.reference.trim())?;
    let amounts = [top_up.amount_micro_cny, top_up.card_ms];
    if amounts.iter().any(|amount| !(0..=MOST_AMOUNT).contains(amount)) || amounts == [0, 0] {
        return Err(AppError::invalid(field::AMOUNT, ContractFault::Amounts { most: MOST_AMOUNT }));
    }
    let kind = contract.kind;
    let takes_card_time = matches!(kind, ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) });
    if top_up.card_ms > 0 && !takes_card_time {
        return Err(AppError::invalid(field::CARD_TIME, ContractFault::NoCardTime { kind }));
    }
    if top_up.amount_micro_cny > 0 && kind.is_grant() {
        return Err(AppError::invalid(field::AMOUNT, ContractFault::NoMoney { kind }));
    }
    for (name, text) in [(field::BANK, &top_up.bank), (field::PAYER, &top_up.payer)] {
        if !text.is_empty() {
            params::line::<128>(name, text.as_str())?;
        }
    }
    let date = &top_up.paid_on;
    if !date.is_empty() && (date.len() != "2026-11-30".len() || Zone::utc().parse(date).is_err()) {
        return Err(AppError::invalid(field::PAID_ON, Wrong::NotADay { given: date.clone() }));
    }
    if contract.state.takes_money() {
        return Ok(());
    }
    let (contract, state) = (contract.number.clone(), contract.state);
    Err(Refused::ContractState { contract, state, wanted: Wanted::PayIn }.into())
}

/// `None` where the same payment had been booked before.
fn booked(
    tx: &Tx,
    by: MemberId,
    id: ContractId,
    top_up: &TopUp,
) -> Result<Changed<Option<StateChange>>, AppError> {
    let now = moment::now();
    if let Some(there) = payments::find(tx, &top_up.reference)? {
        let is_same = (there.contract, there.amount_micro_cny.0, there.card_ms.0)
            == (id, top_up.amount_micro_cny, top_up.card_ms);
        return if is_same { Ok(Changed::nothing(None)) } else { Err(used_before(tx, &there)?) };
    }
    let contract = rows::get_contract(tx, id)?;
    let is_fee = contract.fee().is_some() && top_up.card_ms == 0;
    if is_fee {
        let paid = payments::fees_settled(tx)?.get(&id).copied().unwrap_or_default();
        let open = MicroCny(contract.fee().unwrap_or_default().0 - paid.0);
        if top_up.amount_micro_cny > open.0 {
            return Err(AppError::invalid(field::AMOUNT, ContractFault::MoreThanFee { open }));
        }
    }
    let payment = Payment {
        reference: payments::key(&top_up.reference),
        contract: id,
        purpose: if is_fee { Purpose::Fee } else { Purpose::Balance },
        given_as: top_up.reference.trim().to_owned(),
        amount_micro_cny: MicroCny(top_up.amount_micro_cny),
        card_ms: CardMs(top_up.card_ms),
        bank: top_up.bank.clone(),
        paid_on: top_up.paid_on.clone(),
        payer: top_up.payer.clone(),
        booked_at: now,
        booked_by: Some(by),
    };
    payments::insert(tx, &payment)?;
    for posting in entries(&payment) {
        ledger::post(tx, &posting, new_id!(TransferId), now)?;
    }
    let detail = json!({ "number": contract.number, "amount_micro_cny": top_up.amount_micro_cny,
        "card_ms": top_up.card_ms, "reference": payment.given_as, "purpose": payment.purpose.code() });
    let balance = balance(tx, id)?;
    if contract.state == ContractState::Exhausted && !funds(&contract, balance).is_exhausted() {
        let action = ContractAction::Replenish;
        let change = change_state(tx, id, action, Some(by), &payment.given_as, now)?;
        return Ok(Changed::new(id, detail, Some(change)));
    }
    let event = touched(tx, &contract, "top_up", now)?;
    Ok(Changed::new(id, detail, Some(StateChange { contract, balance, event })))
}

/// The entries of a payment. A fee that is paid is no receivable any more; all else is the contract's.
fn entries(payment: &Payment) -> Vec<Posting> {
    let own = Account::Contract(payment.contract);
    let money_to = match payment.purpose {
        Purpose::Fee => Account::Receivable,
        Purpose::Balance => own,
    };
    let money = (Unit::MicroCny, Account::Cash, money_to, payment.amount_micro_cny.0, Cause::TopUp, "money");
    let time = (Unit::CardMs, Account::Capacity, own, payment.card_ms.0, Cause::Package, "time");
    let posting = |(unit, debit, credit, amount, cause, what)| {
        let key = format!("{}/top-up/{what}/{}", payment.contract, payment.reference);
        Posting { key, unit, debit, credit, amount, cause, corrects: None }
    };
    [money, time].into_iter().map(posting).filter(|posting| posting.amount > 0).collect()
}

/// Why a reference can't be used again.
fn used_before(tx: &Tx, there: &Payment) -> Result<AppError, AppError> {
    let refused = Refused::ReferenceUsed {
        reference: there.given_as.clone(),
        booked_at: there.booked_at.into(),
        contract: rows::get_contract(tx, there.contract)?.number,
        amount_micro_cny: there.amount_micro_cny,
        card_ms: there.card_ms,
    };
    Ok(refused.into())
}
