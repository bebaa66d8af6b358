//! Operations on corrections: listing and showing them, proposing one, and deciding it.

use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    listing::{Listing, Total},
    lookup::Names,
    moment::{self, new_id},
    params,
    refusal::{Decided, Did, Refused},
};
use domain::{
    Contract, ContractId, CorrectionId, MemberId, MicroCny, Month, Rfc3339, RunId, Timestamp, TransferId,
    Zone,
    ledger::CorrectionKind,
    problem::{ContractFault, Quantity, Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    StoreError, Tx, contracts,
    corrections::{self as rows, Correction, CorrectionState},
    ledger, payments,
};

use super::{
    named,
    rule::{self, DECIDE, Fault, PROPOSE, READ, Standing},
};
use crate::{
    app::contracts::{self as known_contracts, StateChange, apart},
    budget::{
        ask as budget,
        rows::{self as budgets, GivenBack},
    },
    center::Center,
    voucher::redeem,
};

/// Which corrections to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CorrectionQuery {
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CorrectionView {
    pub id: CorrectionId,
    pub kind: CorrectionKind,
    /// The contract's number.
    pub contract: String,
    /// The number of the contract to which money is moved.
    pub to_contract: Option<String>,
    pub amount_micro_cny: MicroCny,
    /// The payment, run, entry or month that is put right.
    pub corrects: String,
    pub reason: String,
    /// The bank's reference of money that leaves; else empty.
    pub reference: String,
    pub state: CorrectionState,
    pub proposed_by: String,
    pub proposed_at: Rfc3339,
    pub decided_by: Option<String>,
    pub decided_at: Option<Rfc3339>,
    /// Why it was refused.
    pub note: String,
}

/// A correction to propose.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// `reversal` (of a payment booked by mistake), `pay_out` (of money that was paid in), `credit_note` (less is charged),
    /// `transfer` (to another contract), `allowance` (a charge that the center does without) or `write_off` (of a debt).
    #[schema(value_type = CorrectionKind)]
    pub kind: String,
    /// The contract's number or id.
    pub contract: String,
    /// Where money is moved to: the number or id of a contract.
    pub to_contract: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000i64)]
    pub amount_micro_cny: i64,
    /// The subject of the correction: a payment's reference for a reversal; a run, an entry's number or a
    /// month for a credit note or allowance; any of these or the contract's number for the other kinds.
    pub corrects: String,
    #[schema(value_type = domain::schema::Line500)]
    pub reason: String,
    /// The bank's reference of money that leaves.
    #[serde(default)]
    pub reference: String,
}

/// A decision on a correction.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// `true` books it, `false` refuses it.
    pub book: bool,
    /// A note to the decision; why it is refused.
    #[serde(default)]
    pub note: String,
}

/// Corrections, newest first, with how many there are in all.
pub async fn list(
    center: &Center,
    caller: &Caller,
    query: CorrectionQuery,
) -> Result<Listing<CorrectionView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let after = params::parse_cursor::<CorrectionId>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let read = move |tx: &Tx| {
        let found = rows::list(tx, after, limit + 1)?.into_iter();
        Ok((found.map(|one| view(tx, one)).collect::<Result<Vec<_>, _>>()?, rows::count(tx)?))
    };
    let (found, count) = center.read(read).await?;
    let page = Listing::cut(found, limit, |one| one.id.to_string());
    Ok(Listing { total: Some(Total { count, and_more: false }), ..page })
}

pub async fn show(center: &Center, caller: &Caller, id: &str) -> Result<CorrectionView, AppError> {
    center.policies.check(caller, READ, None)?;
    let id: CorrectionId = params::id(id, "correction")?;
    center.read(move |tx| view(tx, rows::get(tx, id)?)).await
}

fn view(tx: &Tx, one: Correction) -> Result<CorrectionView, StoreError> {
    let mut names = Names::of(tx);
    let number = |id: ContractId| Ok::<_, StoreError>(contracts::get_contract(tx, id)?.number);
    Ok(CorrectionView {
        id: one.id,
        kind: one.kind,
        contract: number(one.contract)?,
        to_contract: one.other_contract.map(number).transpose()?,
        amount_micro_cny: one.amount_micro_cny,
        corrects: one.corrects,
        reason: one.reason,
        reference: one.reference,
        state: one.state,
        proposed_by: names.login(one.proposed_by)?,
        proposed_at: one.proposed_at.into(),
        decided_by: one.decided_by.map(|by| names.login(by)).transpose()?,
        decided_at: one.decided_at.map(Into::into),
        note: one.note,
    })
}

/// Proposes a correction. Nothing is booked before another person decides.
pub async fn propose(
    center: &Center,
    caller: &Caller,
    new: NewCorrection,
) -> Result<CorrectionView, AppError> {
    let may = center.policies.may(caller, PROPOSE, None)?;
    let correction = drawn_up(center, caller.member.id, new)?;
    let zone = center.settings.time_zone;
    let work = move |tx: &Tx| {
        check(tx, zone, &correction, correction.proposed_at)?;
        rows::insert(tx, &correction)?;
        let contract = contracts::get_contract(tx, correction.contract)?;
        let detail = detail(&correction, &contract);
        let view = view(tx, correction.clone())?;
        Ok(Changed::new(correction.id, detail, view).of_tenant(contract.tenant))
    };
    center.change(may, work, |_, _| ()).await
}

fn drawn_up(center: &Center, by: MemberId, new: NewCorrection) -> Result<Correction, AppError> {
    let known = CorrectionKind::ALL.map(CorrectionKind::code);
    let kind = params::word(field::KIND, &new.kind, CorrectionKind::from_code, &known)?;
    let named = |wanted: &str| {
        let live = center.live();
        let is_it = |one: &&Contract| one.number == wanted || one.id.to_string() == wanted;
        let found = live.contracts().map(|known| &known.contract).find(is_it).map(|contract| contract.id);
        found.ok_or_else(|| AppError::not_found("contract", wanted))
    };
    let most = known_contracts::MOST_AMOUNT;
    // A payment of card time alone is reversed, too.
    let least = i64::from(kind != CorrectionKind::Reversal);
    if !(least..=most).contains(&new.amount_micro_cny) {
        let (of, given) = (Quantity::Number, new.amount_micro_cny);
        return Err(AppError::invalid(field::AMOUNT, Wrong::OutOfRange { of, given, least, most }));
    }
    let other = new.to_contract.filter(|text| !text.is_empty());
    if let (Some(_), false) = (&other, kind == CorrectionKind::Transfer) {
        return Err(AppError::invalid(field::TO_CONTRACT, ContractFault::OnlyTransfer));
    }
    let mut corrects = String::from(params::line::<128>(field::CORRECTS, new.corrects)?);
    if kind == CorrectionKind::Reversal {
        corrects = payments::key(&corrects);
    } else if let Ok(run) = corrects.parse::<RunId>() {
        // One run is written in one way, so that what names it is found.
        corrects = run.to_string();
    }
    Ok(Correction {
        id: new_id!(CorrectionId),
        kind,
        contract: named(&new.contract)?,
        other_contract: other.map(|wanted| named(&wanted)).transpose()?,
        amount_micro_cny: MicroCny(new.amount_micro_cny),
        corrects,
        reason: params::line::<500>(field::REASON, new.reason)?.into(),
        reference: if new.reference.is_empty() {
            String::new()
        } else {
            params::line::<64>(field::REFERENCE, new.reference)?.into()
        },
        state: CorrectionState::Proposed,
        proposed_by: by,
        proposed_at: moment::now(),
        decided_by: None,
        decided_at: None,
        note: String::new(),
    })
}

fn detail(correction: &Correction, contract: &Contract) -> serde_json::Value {
    json!({ "number": contract.number, "kind": correction.kind.code(),
        "amount_micro_cny": correction.amount_micro_cny, "corrects": correction.corrects,
        "reason": correction.reason })
}

/// Refuses a correction that the books as they stand don't allow.
fn check(
    tx: &Tx,
    zone: &Zone,
    correction: &Correction,
    now: Timestamp,
) -> Result<(Standing, Option<Month>), AppError> {
    let found = standing(tx, zone, correction, now)?;
    rule::check(correction, &found.0).map_err(|fault| {
        let (at, wrong) = match fault {
            Fault::NoPayment => (field::CORRECTS, ContractFault::NoSuchPayment),
            Fault::NamesNothing => (field::CORRECTS, ContractFault::CorrectsNothing),
            Fault::AlreadyPaidOut => (field::REFERENCE, ContractFault::AlreadyPaidOut),
            Fault::AlreadyReversed => (field::CORRECTS, ContractFault::AlreadyReversed),
            Fault::NotWhole(paid) => (field::AMOUNT, ContractFault::NotWholePayment { paid }),
            Fault::MoreThan(most) => (field::AMOUNT, ContractFault::MoreThanThere { most }),
            Fault::NoOtherContract | Fault::SameContract => {
                (field::TO_CONTRACT, ContractFault::NoOtherContract)
            }
            Fault::TakesNoMoney => (field::TO_CONTRACT, ContractFault::TakesNoTransfer),
            Fault::NoReference => (field::REFERENCE, ContractFault::NoBankReference),
        };
        AppError::invalid(at, wrong)
    })?;
    Ok(found)
}

fn standing(
    tx: &Tx,
    zone: &Zone,
    correction: &Correction,
    now: Timestamp,
) -> Result<(Standing, Option<Month>), AppError> {
    let contract = contracts::get_contract(tx, correction.contract)?;
    let found = named::find(tx, zone, correction, &contract, now)?;
    let is_done = match correction.kind {
        CorrectionKind::Reversal => rows::is_reversed(tx, correction)?,
        CorrectionKind::PayOut => rows::is_paid_out(tx, correction)?,
        _ => false,
    };
    let other = correction.other_contract.map(|id| contracts::get_contract(tx, id)).transpose()?;
    let standing = Standing {
        kind: contract.kind,
        balance: known_contracts::balance(tx, contract.id)?.money_balance,
        fee_open: fee_open(tx, &contract)?,
        other: other.map(|other| (other.kind, other.state)),
        charged: named::earned(tx, &contract, None)?,
        named: found.map(|(named, _)| named),
        is_done,
    };
    Ok((standing, found.and_then(|(_, month)| month)))
}

/// The part of a contract's fee that nobody has paid.
fn fee_open(tx: &Tx, contract: &Contract) -> Result<MicroCny, StoreError> {
    let Some(fee) = contract.fee() else { return Ok(MicroCny(0)) };
    let settled = payments::fees_settled(tx)?.get(&contract.id).copied().unwrap_or_default();
    Ok(MicroCny((fee.0 - settled.0).max(0)))
}

/// Books a proposed correction, or refuses it.
pub async fn decide(
    center: &Center,
    caller: &Caller,
    id: &str,
    decision: Decision,
) -> Result<CorrectionView, AppError> {
    let may = center.policies.may(caller, DECIDE, None)?;
    let id: CorrectionId = params::id(id, "correction")?;
    let zone = center.settings.time_zone;
    let (by, role, is_apart) = (caller.member.id, caller.member.role, center.settings.are_duties_separate());
    let most = center.settings.books.approve_up_to_micro_cny;
    let work = move |tx: &Tx| {
        let mut correction = rows::get(tx, id)?;
        if correction.state != CorrectionState::Proposed {
            let (thing, state) = (Decided::Correction, correction.state.code());
            return Err(Refused::AlreadyDecided { thing, state }.into());
        }
        // Who is refused is told why.
        if !decision.book || !decision.note.is_empty() {
            params::line::<500>(field::NOTE, decision.note.as_str())?;
        }
        if is_apart && correction.proposed_by == by {
            return Err(apart::same_person(Did::ProposedCorrection));
        }
        if decision.book {
            apart::within(most, role, correction.amount_micro_cny)?;
        }
        let now = moment::now();
        (correction.decided_by, correction.decided_at) = (Some(by), Some(now));
        correction.note.clone_from(&decision.note);
        correction.state = if decision.book { CorrectionState::Booked } else { CorrectionState::Refused };
        let mut changes = Vec::new();
        if decision.book {
            let (standing, month) = check(tx, zone, &correction, now)?;
            for posting in rule::entries(&correction, &standing, month) {
                ledger::post(tx, &posting, new_id!(TransferId), now)?;
            }
            redeem::corrected(tx, zone, &correction, (now, month))?;
            for contract in [Some(correction.contract), correction.other_contract].into_iter().flatten() {
                changes.push(known_contracts::corrected(tx, contract, by, &correction.reason)?);
            }
        }
        let gives_back = matches!(correction.kind, CorrectionKind::CreditNote | CorrectionKind::Allowance);
        let back = if decision.book && gives_back {
            budgets::of_run(tx, &correction.corrects, correction.amount_micro_cny, now)?
        } else {
            None
        };
        rows::decide(tx, &correction)?;
        let contract = contracts::get_contract(tx, correction.contract)?;
        let mut detail = detail(&correction, &contract);
        detail["state"] = json!(correction.state.code());
        let view = view(tx, correction)?;
        Ok(Changed::new(id, detail, (view, changes, back)).of_tenant(contract.tenant))
    };
    let told = |center: &Center,
                (_, changes, back): &(CorrectionView, Vec<StateChange>, Option<GivenBack>)| {
        for change in changes {
            known_contracts::applied(center, change);
        }
        if let Some(back) = back {
            budget::given_back(center, back);
        }
    };
    Ok(center.change(may, work, told).await?.0)
}
