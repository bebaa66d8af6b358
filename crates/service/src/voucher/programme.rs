//! What is asked of programmes: listing and showing them, founding one, and putting money into its pot, which takes two people.

use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    events::Event,
    moment::{self, new_id},
    params,
    refusal::{Decided, Did, Refused, VoucherRefusal as Why},
};
use center::{
    app::contracts::{MOST_AMOUNT, apart},
    center::Center,
    voucher::{DECIDE_FUNDING, MANAGE_PROGRAMME, PROPOSE_FUNDING, READ_PROGRAMME, keep},
};
use domain::{
    FundingId, MicroCny, ProgrammeId,
    problem::{Quantity, Wrong, field},
    voucher::{FundingState, Level, Mode, Terms},
};
use serde::Deserialize;
use serde_json::json;
use store::{
    Tx,
    vouchers::{self as rows, Funding, Programme},
};

use super::{
    rule::{MOST_PROGRAMMES, refused, told},
    view::{self, FundingView, ProgrammeDetail, ProgrammeView},
};

/// A programme to found.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProgramme {
    #[schema(value_type = domain::schema::Slug)]
    pub slug: String,
    #[schema(value_type = domain::schema::Line64)]
    pub name_zh: String,
    #[schema(value_type = domain::schema::Line64)]
    pub name_en: String,
    /// Who gives the money.
    #[schema(value_type = domain::schema::Line64)]
    pub authority: String,
    pub level: Level,
    #[schema(minimum = 2000, maximum = 2200)]
    pub year: u32,
    pub mode: Mode,
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000i64)]
    pub pot_micro_cny: i64,
    /// An instant, or a day of the center's.
    pub starts_at: String,
    pub ends_at: String,
    pub terms: Terms,
}

/// Money to put into a pot.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFunding {
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000i64)]
    pub amount_micro_cny: i64,
    /// Of the authority's document; once in the center.
    #[schema(value_type = domain::schema::Line64)]
    pub reference: String,
}

/// A decision on money for a pot.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FundingDecision {
    /// `true` books it, `false` refuses it.
    pub book: bool,
    /// Why it is refused.
    #[serde(default)]
    pub note: String,
}

pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<ProgrammeView>, AppError> {
    center.policies.check(caller, READ_PROGRAMME, None)?;
    let read = |tx: &Tx| {
        let all = rows::list_programmes(tx, MOST_PROGRAMMES)?;
        all.iter().map(|one| view::of_programme(tx, one)).collect::<Result<Vec<_>, AppError>>()
    };
    center.try_read(read).await
}

pub async fn show(center: &Center, caller: &Caller, slug: &str) -> Result<ProgrammeDetail, AppError> {
    center.policies.check(caller, READ_PROGRAMME, None)?;
    let slug = slug.to_owned();
    center.try_read(move |tx| detail(tx, &find(tx, &slug)?)).await
}

pub(super) fn find(tx: &Tx, slug: &str) -> Result<Programme, AppError> {
    rows::find_programme(tx, slug)?.ok_or_else(|| AppError::not_found("programme", slug))
}

fn detail(tx: &Tx, programme: &Programme) -> Result<ProgrammeDetail, AppError> {
    let fundings = rows::list_fundings(tx, programme.id)?.into_iter();
    Ok(ProgrammeDetail {
        programme: view::of_programme(tx, programme)?,
        findings: programme.terms.findings(),
        fundings: fundings.map(|one| view::of_funding(tx, one)).collect::<Result<_, _>>()?,
    })
}

fn amount(given: i64) -> Result<MicroCny, AppError> {
    if (1..=MOST_AMOUNT).contains(&given) {
        return Ok(MicroCny(given));
    }
    let wrong = Wrong::OutOfRange { of: Quantity::Number, given, least: 1, most: MOST_AMOUNT };
    Err(AppError::invalid(field::AMOUNT, wrong))
}

/// Founds a programme. It is never changed: what people applied for stays what it was.
pub async fn create(
    center: &Center,
    caller: &Caller,
    new: NewProgramme,
) -> Result<ProgrammeDetail, AppError> {
    let may = center.policies.may(caller, MANAGE_PROGRAMME, None)?;
    params::slug(&new.slug)?;
    new.terms.check().map_err(told)?;
    for slug in &new.terms.stack_with {
        params::slug(slug)?;
    }
    let zone = center.settings.time_zone;
    let starts_at = params::parse_instant(zone, field::STARTS_AT, &new.starts_at)?;
    let ends_at = params::parse_instant(zone, field::ENDS_AT, &new.ends_at)?;
    if ends_at <= starts_at {
        return Err(refused(Why::NotOpen));
    }
    let programme = Programme {
        id: new_id!(ProgrammeId),
        slug: new.slug,
        name_zh: params::line::<64>(field::NAME_ZH, new.name_zh)?.into(),
        name_en: params::line::<64>(field::NAME_EN, new.name_en)?.into(),
        authority: params::line::<64>(field::NAME, new.authority)?.into(),
        level: new.level,
        year: new.year,
        mode: new.mode,
        pot_micro_cny: amount(new.pot_micro_cny)?,
        starts_at,
        ends_at,
        terms: new.terms,
        created_by: caller.member.id,
        created_at: moment::now(),
    };
    let work = move |tx: &Tx| {
        rows::insert_programme(tx, &programme)?;
        let shown = json!({ "slug": programme.slug, "amount_micro_cny": programme.pot_micro_cny });
        let view = detail(tx, &programme)?;
        Ok(Changed::new(programme.id, shown, view))
    };
    center.change(may, work, |_, _| ()).await
}

/// Proposes money for a pot. Nothing is booked before another person decides.
pub async fn propose_funding(
    center: &Center,
    caller: &Caller,
    slug: &str,
    new: NewFunding,
) -> Result<FundingView, AppError> {
    let may = center.policies.may(caller, PROPOSE_FUNDING, None)?;
    let reference: String = params::line::<64>(field::REFERENCE, new.reference)?.into();
    let (slug, by, amount_micro_cny) = (slug.to_owned(), caller.member.id, amount(new.amount_micro_cny)?);
    let work = move |tx: &Tx| {
        let programme = find(tx, &slug)?;
        let funding = Funding {
            id: new_id!(FundingId),
            programme: programme.id,
            amount_micro_cny,
            reference: store::payments::key(&reference),
            state: FundingState::Proposed,
            proposed_by: by,
            proposed_at: moment::now(),
            decided_by: None,
            decided_at: None,
            note: String::new(),
        };
        within_pot(tx, &programme, &funding)?;
        rows::insert_funding(tx, &funding)?;
        let shown = json!({ "slug": slug, "amount_micro_cny": funding.amount_micro_cny,
            "reference": funding.reference });
        Ok(Changed::new(funding.id, shown, view::of_funding(tx, funding)?))
    };
    center.change(may, work, |_, _| ()).await
}

fn within_pot(tx: &Tx, programme: &Programme, funding: &Funding) -> Result<(), AppError> {
    let after = rows::funded(tx, programme.id)?.0.saturating_add(funding.amount_micro_cny.0);
    if after > programme.pot_micro_cny.0 { Err(refused(Why::PotIsFull)) } else { Ok(()) }
}

/// Books money into its pot, or refuses it. Vouchers that wait get their faces with it.
pub async fn decide_funding(
    center: &Center,
    caller: &Caller,
    id: &str,
    decision: FundingDecision,
) -> Result<FundingView, AppError> {
    let may = center.policies.may(caller, DECIDE_FUNDING, None)?;
    let id: FundingId = params::id(id, "funding")?;
    let (by, role) = (caller.member.id, caller.member.role);
    let (is_apart, most) =
        (center.settings.are_duties_separate(), center.settings.books.approve_up_to_micro_cny);
    let work = move |tx: &Tx| {
        let mut funding = rows::get_funding(tx, id)?;
        if funding.state != FundingState::Proposed {
            let (thing, state) = (Decided::Funding, funding.state.code());
            return Err(Refused::AlreadyDecided { thing, state }.into());
        }
        if !decision.book || !decision.note.is_empty() {
            params::line::<500>(field::NOTE, decision.note.as_str())?;
        }
        if is_apart && funding.proposed_by == by {
            return Err(apart::same_person(Did::ProposedFunding));
        }
        let programme = rows::get_programme(tx, funding.programme)?;
        let now = moment::now();
        (funding.decided_by, funding.decided_at) = (Some(by), Some(now));
        funding.note.clone_from(&decision.note);
        funding.state = if decision.book { FundingState::Booked } else { FundingState::Refused };
        let mut events: Vec<Event> = Vec::new();
        if decision.book {
            apart::within(most, role, funding.amount_micro_cny)?;
            within_pot(tx, &programme, &funding)?;
        }
        rows::decide_funding(tx, &funding)?;
        if decision.book {
            events = keep::fund(tx, &funding, now)?;
        }
        let shown = json!({ "slug": programme.slug, "amount_micro_cny": funding.amount_micro_cny,
            "reference": funding.reference, "state": funding.state });
        Ok(Changed::new(id, shown, (view::of_funding(tx, funding)?, events)))
    };
    let told = |center: &Center, (_, events): &(FundingView, Vec<Event>)| {
        for event in events {
            center.tell(event.clone());
        }
    };
    Ok(center.change(may, work, told).await?.0)
}
