//! The operations on amendments: those of a contract, its versions, drawing one up, and deciding it.

use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    lookup::Names,
    moment::{self, new_id},
    params,
    refusal::{Decided, Did, Refused, Wanted},
};
use domain::{
    AmendmentId, CardMs, Contract, ContractId, MicroCny, QueueTerms, Rfc3339, Timestamp,
    amendment::{Change, Effective, Fault, Terms},
    contract::ContractKind,
    problem::{ContractFault, Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    StoreError, Tx,
    amendments::{self as rows, Amendment, Version},
    contracts,
};

pub use store::amendments::AmendmentState;

use super::{
    change::{TermChange, changes},
    rule::{self, DECIDE, DRAW_UP},
};
use crate::{
    actions,
    app::contracts::{self as known_contracts, MOST_AMOUNT, StateChange, apart},
    center::Center,
    signing::freeze,
};

/// How many amendments of a contract are shown at most.
const MOST: u32 = 200;

/// An amendment, with what it changes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AmendmentView {
    pub id: AmendmentId,
    /// The contract's number.
    pub contract: String,
    pub contract_id: ContractId,
    pub state: AmendmentState,
    pub effective: Effective,
    /// From when on it holds; set with its approval.
    pub from_at: Option<Rfc3339>,
    pub changes: Vec<TermChange>,
    pub reason: String,
    pub drawn_by: String,
    pub drawn_at: Rfc3339,
    pub decided_by: Option<String>,
    pub decided_at: Option<Rfc3339>,
    /// Why it was refused.
    pub note: String,
}

/// The terms of a contract that hold from an instant on.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VersionView {
    /// From 1: the terms on which the contract became active.
    pub number: i64,
    pub from_at: Rfc3339,
    pub terms: ContractKind,
    pub ends_at: Rfc3339,
    pub queue: QueueTerms,
    /// In what it differs from the version before.
    pub changes: Vec<TermChange>,
    /// The amendment of which it came, who approved that, and why it was drawn up.
    pub amendment: Option<AmendmentId>,
    pub approved_by: Option<String>,
    pub reason: String,
    /// The contract ended before these terms were in force.
    pub has_lapsed: bool,
}

/// An amendment to draw up. What is left out stays as it is. Number, tenant, kind, pools and start can't be amended.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAmendment {
    /// RFC 3339, or a date.
    #[schema(value_type = Option<domain::schema::InstantOrDay>)]
    pub ends_at: Option<String>,
    /// The whole terms of its queue.
    pub queue: Option<QueueTerms>,
    /// More of the fee of a package or reservation.
    #[serde(default)]
    pub add_fee_micro_cny: i64,
    /// More card time of a package or capped grant.
    #[serde(default)]
    pub add_card_ms: i64,
    pub credit_limit_micro_cny: Option<i64>,
    /// How many cards are reserved.
    pub cards: Option<u32>,
    /// `now`, `next_day` or `next_month`: from when on it holds, once it is approved; `now` where left out.
    #[schema(value_type = Option<Effective>)]
    pub effective: Option<String>,
    #[schema(value_type = domain::schema::Line500)]
    pub reason: String,
}

/// A decision on an amendment.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `true` approves it, `false` refuses it.
    pub approve: bool,
    /// A note to the decision; why it is refused.
    #[serde(default)]
    pub note: String,
}

/// The amendments of a contract, the newest first.
pub async fn list(center: &Center, caller: &Caller, contract: &str) -> Result<Vec<AmendmentView>, AppError> {
    let contract = known_contracts::visible(center, caller, contract, actions::READ_CONTRACT)?;
    let read = move |tx: &Tx| {
        let all = rows::list(tx, contract.id, MOST)?;
        all.into_iter().map(|one| view(tx, &contract, one)).collect()
    };
    center.read(read).await
}

pub async fn show(center: &Center, caller: &Caller, id: &str) -> Result<AmendmentView, AppError> {
    let id: AmendmentId = params::id(id, "amendment")?;
    let (amendment, contract) = found(center, id).await?;
    if !caller.sees(contract.tenant) {
        return Err(AppError::not_found("amendment", id));
    }
    center.policies.check(caller, actions::READ_CONTRACT, Some(contract.tenant))?;
    center.read(move |tx| view(tx, &contract, amendment)).await
}

async fn found(center: &Center, id: AmendmentId) -> Result<(Amendment, Contract), AppError> {
    let read = move |tx: &Tx| {
        let amendment = rows::get(tx, id)?;
        let contract = contracts::get_contract(tx, amendment.contract)?;
        Ok((amendment, contract))
    };
    center.read(read).await
}

/// The versions of a contract's terms, oldest first; none before it is active.
pub async fn versions(
    center: &Center,
    caller: &Caller,
    contract: &str,
) -> Result<Vec<VersionView>, AppError> {
    let contract = known_contracts::visible(center, caller, contract, actions::READ_CONTRACT)?.id;
    let read = move |tx: &Tx| {
        let mut names = Names::of(tx);
        let mut before: Option<Terms> = None;
        let mut view = |version: Version| {
            let amendment = version.amendment.map(|id| rows::get(tx, id)).transpose()?;
            let approved_by = amendment.as_ref().and_then(|one| one.decided_by);
            let terms = version.terms();
            Ok(VersionView {
                number: version.number,
                from_at: version.from_at.into(),
                terms: version.kind,
                ends_at: version.ends_at.into(),
                queue: version.queue,
                changes: before.replace(terms).map(|before| changes(&before, &terms)).unwrap_or_default(),
                amendment: version.amendment,
                approved_by: approved_by.map(|by| names.login(by)).transpose()?,
                has_lapsed: amendment.as_ref().is_some_and(|one| one.state == AmendmentState::Lapsed),
                reason: amendment.map(|one| one.reason).unwrap_or_default(),
            })
        };
        rows::list_versions(tx, contract)?.into_iter().map(&mut view).collect()
    };
    center.read(read).await
}

fn view(tx: &Tx, contract: &Contract, one: Amendment) -> Result<AmendmentView, StoreError> {
    let mut names = Names::of(tx);
    // It was drawn up against the version that held then.
    let versions = rows::list_versions(tx, contract.id)?;
    let before = versions.iter().rev().find(|version| version.from_at <= one.drawn_at).map(Version::terms);
    Ok(AmendmentView {
        id: one.id,
        contract: contract.number.clone(),
        contract_id: contract.id,
        state: one.state,
        effective: one.effective,
        from_at: one.from_at.map(Into::into),
        changes: changes(&before.unwrap_or_else(|| contract.terms()), &one.terms()),
        reason: one.reason,
        drawn_by: names.login(one.drawn_by)?,
        drawn_at: one.drawn_at.into(),
        decided_by: one.decided_by.map(|by| names.login(by)).transpose()?,
        decided_at: one.decided_at.map(Into::into),
        note: one.note,
    })
}

/// Draws up an amendment of an active contract. Nothing changes before another person approves it.
pub async fn draw_up(
    center: &Center,
    caller: &Caller,
    contract: &str,
    new: NewAmendment,
) -> Result<AmendmentView, AppError> {
    let contract = known_contracts::visible(center, caller, contract, DRAW_UP)?;
    let may = center.policies.may(caller, DRAW_UP, Some(contract.tenant))?;
    let (by, id, handle) = (caller.member.id, contract.id, center.clone());
    let effective = new.effective.as_deref().unwrap_or("now");
    let known = Effective::ALL.map(Effective::code);
    let effective = params::word(field::EFFECTIVE, effective, Effective::from_code, &known)?;
    let reason: String = params::line::<500>(field::REASON, new.reason.as_str())?.into();
    let change = read(center, &new)?;
    let zone = center.settings.time_zone;
    let work = move |tx: &Tx| {
        let (contract, now) = (contracts::get_contract(tx, id)?, moment::now());
        refuse_unless_active(&contract)?;
        let open = [AmendmentState::Proposed, AmendmentState::Approved];
        if rows::list(tx, id, MOST)?.iter().any(|one| open.contains(&one.state)) {
            return Err(Refused::AmendmentOpen { contract: contract.number }.into());
        }
        let terms = amended(&contract, &change)?;
        refuse_early_end(&contract, &terms, effective.from_at(zone, now))?;
        let Terms { kind, ends_at, queue } = terms;
        let amendment = Amendment {
            id: new_id!(AmendmentId),
            contract: id,
            effective,
            kind,
            ends_at,
            queue,
            reason,
            state: AmendmentState::Proposed,
            drawn_by: by,
            drawn_at: now,
            decided_by: None,
            decided_at: None,
            from_at: None,
            note: String::new(),
        };
        rows::insert(tx, &amendment)?;
        freeze::amendment_text(tx, &handle, &contract, &amendment)?;
        let view = view(tx, &contract, amendment)?;
        Ok(Changed::new(view.id, detail(&view), view))
    };
    center.change(may, work, |_, _| ()).await
}

/// Reads the changes that were sent.
fn read(center: &Center, new: &NewAmendment) -> Result<Change, AppError> {
    let amounts = [new.add_fee_micro_cny, new.add_card_ms, new.credit_limit_micro_cny.unwrap_or(0)];
    if amounts.iter().any(|amount| !(0..=MOST_AMOUNT).contains(amount)) {
        return Err(AppError::invalid(field::TERMS, ContractFault::Terms { most: MOST_AMOUNT }));
    }
    let zone = center.settings.time_zone;
    let ends_at = new.ends_at.as_deref().map(|text| params::parse_instant(zone, field::ENDS_AT, text));
    Ok(Change {
        ends_at: ends_at.transpose()?,
        queue: new.queue,
        add_fee: MicroCny(new.add_fee_micro_cny),
        add_card_time: CardMs(new.add_card_ms),
        credit_limit: new.credit_limit_micro_cny.map(MicroCny),
        cards: new.cards,
    })
}

/// The terms of a contract with a change.
fn amended(contract: &Contract, change: &Change) -> Result<Terms, AppError> {
    let kind = contract.kind;
    let terms = contract.terms().amended(change).map_err(|fault| {
        let wrong = match fault {
            Fault::NoSuchTerm(term) => ContractFault::NoSuchTerm { kind, term: term.code() },
            Fault::Cheaper => ContractFault::CheaperThanPackage,
            Fault::TooMuch(_) => ContractFault::Terms { most: MOST_AMOUNT },
            Fault::Nothing => ContractFault::NothingAmended,
        };
        AppError::invalid(field::TERMS, wrong)
    })?;
    known_contracts::check_terms(&terms.kind, &terms.queue)?;
    Ok(terms)
}

/// Refuses terms that end before they hold, and an amendment that would come after the end.
fn refuse_early_end(contract: &Contract, terms: &Terms, from_at: Timestamp) -> Result<(), AppError> {
    if terms.ends_at > from_at && terms.ends_at > contract.starts_at && contract.ends_at > from_at {
        return Ok(());
    }
    Err(AppError::invalid(field::ENDS_AT, Wrong::NotAfter { other: field::EFFECTIVE }))
}

fn refuse_unless_active(contract: &Contract) -> Result<(), AppError> {
    if rule::has_terms(contract.state) {
        return Ok(());
    }
    let (contract, state) = (contract.number.clone(), contract.state);
    Err(Refused::ContractState { contract, state, wanted: Wanted::Amend }.into())
}

fn detail(view: &AmendmentView) -> Value {
    let told = |change: &TermChange| format!("{} {} → {}", change.term.code(), change.before, change.after);
    let changes: Vec<String> = view.changes.iter().map(told).collect();
    json!({ "number": view.contract, "contract": view.contract_id, "changes": changes.join("; "),
        "reason": view.reason })
}

/// Approves an amendment, or refuses it. One that holds at once is in force with its approval.
pub async fn decide(
    center: &Center,
    caller: &Caller,
    id: &str,
    decision: Approval,
) -> Result<AmendmentView, AppError> {
    let id: AmendmentId = params::id(id, "amendment")?;
    let (_, contract) = found(center, id).await?;
    if !caller.sees(contract.tenant) {
        return Err(AppError::not_found("amendment", id));
    }
    let may = center.policies.may(caller, DECIDE, Some(contract.tenant))?;
    let (by, role, is_apart) = (caller.member.id, caller.member.role, center.settings.are_duties_separate());
    let (zone, most) = (center.settings.time_zone, center.settings.books.approve_up_to_micro_cny);
    let work = move |tx: &Tx| {
        let mut amendment = rows::get(tx, id)?;
        let contract = contracts::get_contract(tx, amendment.contract)?;
        if amendment.state != AmendmentState::Proposed {
            let (thing, state) = (Decided::Amendment, amendment.state.code());
            return Err(Refused::AlreadyDecided { thing, state }.into());
        }
        // Who is refused is told why.
        if !decision.approve || !decision.note.is_empty() {
            params::line::<500>(field::NOTE, decision.note.as_str())?;
        }
        let now = moment::now();
        (amendment.decided_by, amendment.decided_at) = (Some(by), Some(now));
        amendment.note.clone_from(&decision.note);
        if decision.approve {
            if is_apart && amendment.drawn_by == by {
                return Err(apart::same_person(Did::DrewUpAmendment));
            }
            apart::within(most, role, amendment.kind.amount())?;
            refuse_unless_active(&contract)?;
            freeze::refuse_unsigned_amendment(tx, &contract, id)?;
            let from_at = amendment.effective.from_at(zone, now);
            refuse_early_end(&contract, &amendment.terms(), from_at)?;
            (amendment.state, amendment.from_at) = (AmendmentState::Approved, Some(from_at));
        } else {
            amendment.state = AmendmentState::Refused;
        }
        rows::decide(tx, &amendment)?;
        let mut view = view(tx, &contract, amendment.clone())?;
        let is_due = amendment.from_at.is_some_and(|from| from <= now);
        let change =
            if is_due { Some(known_contracts::amended(tx, &amendment, Some(by), now)?) } else { None };
        view.state = rows::get(tx, id)?.state;
        let mut detail = detail(&view);
        detail["state"] = json!(view.state.code());
        let next = rows::list_coming(tx)?.first().and_then(|next| next.from_at);
        Ok(Changed::new(id, detail, (view, change, next)))
    };
    let told = |center: &Center,
                (_, change, next): &(AmendmentView, Option<StateChange>, Option<Timestamp>)| {
        if let Some(change) = change {
            known_contracts::applied(center, change);
        }
        center.live().amendments_come(*next);
        center.compute.wakers.meter();
    };
    Ok(center.change(may, work, told).await?.0)
}
