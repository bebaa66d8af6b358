//! What is asked of claims: a tenant claims the share of a closed month, the center looks whether the figures are those of the
//! books, the data bureau audits it and the finance bureau pays it.

use base::{
    auth::{Action, Caller},
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    listing::Listing,
    lookup::Names,
    moment::{self, new_id},
    params,
    refusal::{Refused, VoucherRefusal as Why},
};
use center::{
    center::Center,
    voucher::{AUDIT, CLAIM, CLAIM_CHANGED, PAY, VERIFY, keep},
};
use domain::{
    ClaimId, MemberId, MicroCny, Month, Timestamp,
    problem::{Field, Wrong, field},
    voucher::{ClaimState, ClaimStep, Mode, VoucherState, share_of},
};
use serde::Deserialize;
use serde_json::json;
use store::{
    Tx,
    vouchers::{self as rows, Claim, ClaimAct, Voucher},
};

use super::{
    ask::{find, scope},
    evidence::{Evidence, figures},
    rule::{next_number, refused},
    view::{self, ClaimDetail, ClaimView},
};

const INVOICE: Field = Field { code: "invoice_no", zh: "发票号码" };
const PROOF: Field = Field { code: "payment_proof", zh: "付款凭证" };

/// Which claims to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ClaimQuery {
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// A voucher's number.
    pub voucher: Option<String>,
}

/// A claim to draw up.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// The voucher's number.
    pub voucher: String,
    /// A closed month: `2026-11`.
    pub month: String,
    #[schema(value_type = domain::schema::Line64)]
    pub invoice_no: String,
    /// Such as the bank's reference of the payment.
    #[schema(value_type = domain::schema::Line64)]
    pub payment_proof: String,
    /// Buyer and seller are not related.
    pub is_unrelated: bool,
}

/// What is said with a step of a claim.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStep {
    /// For all to read; a rejection and a recovery need one.
    #[serde(default)]
    pub reason: String,
    /// Of the payment, with `pay`.
    #[serde(default)]
    pub reference: String,
}

/// Claims, newest first.
pub async fn list(
    center: &Center,
    caller: &Caller,
    query: ClaimQuery,
) -> Result<Listing<ClaimView>, AppError> {
    let scope = scope(center, caller)?;
    let after = params::parse_cursor::<ClaimId>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let number = query.voucher.filter(|number| !number.is_empty());
    let read = move |tx: &Tx| {
        let voucher = number.map(|number| find(tx, scope, &number)).transpose()?.map(|one| one.id);
        let found = rows::list_claims(tx, scope, voucher, after, limit + 1)?;
        let views = found.iter().map(|one| view::of_claim(tx, one));
        views.collect::<Result<Vec<_>, AppError>>()
    };
    let found = center.try_read(read).await?;
    Ok(Listing::cut(found, limit, |one| one.id.to_string()))
}

/// The claim of that number with its voucher, if it is one that `scope` has.
fn seen(tx: &Tx, scope: Option<domain::TenantId>, number: &str) -> Result<(Claim, Voucher), AppError> {
    let not_found = || AppError::not_found("claim", number);
    let claim = rows::find_claim(tx, number)?.ok_or_else(not_found)?;
    let voucher = rows::get(tx, claim.voucher)?;
    if scope.is_some_and(|tenant| tenant != voucher.tenant) {
        return Err(not_found());
    }
    Ok((claim, voucher))
}

pub async fn show(center: &Center, caller: &Caller, number: &str) -> Result<ClaimDetail, AppError> {
    let (scope, number) = (scope(center, caller)?, number.to_owned());
    center.try_read(move |tx| view::detail_of_claim(tx, &seen(tx, scope, &number)?.0)).await
}

/// Draws a claim on a closed month up, with the figures of the books.
pub async fn draw_up(center: &Center, caller: &Caller, new: NewClaim) -> Result<ClaimDetail, AppError> {
    let may = center.policies.may(caller, CLAIM, caller.member.tenant)?;
    let scope = caller.member.tenant;
    let invoice_no: String = params::line::<64>(INVOICE, new.invoice_no)?.into();
    let payment_proof: String = params::line::<64>(PROOF, new.payment_proof)?.into();
    let month: Month = new.month.parse().map_err(|_| {
        let given = new.month.chars().take(80).collect::<String>();
        AppError::invalid(field::MONTH, Wrong::unknown(&given, &["YYYY-MM"]))
    })?;
    if !new.is_unrelated {
        return Err(refused(Why::NotDeclared));
    }
    let (number, by, zone) = (new.voucher, caller.member.id, center.settings.time_zone);
    let work = move |tx: &Tx| {
        let now = moment::now();
        let voucher = find(tx, scope, &number)?;
        let programme = rows::get_programme(tx, voucher.programme)?;
        let (from, until) = zone.bounds(month);
        let why = match () {
            () if programme.mode == Mode::Deduct => Some(Why::NoClaims),
            () if voucher.state != VoucherState::Active => Some(Why::NotActive),
            () if until <= programme.starts_at || from >= voucher.until_at => Some(Why::MonthNotCovered),
            () if rows::claim_before(tx, voucher.id, &month.to_string())?.is_some() => {
                Some(Why::MonthClaimed)
            }
            () => None,
        };
        if let Some(why) = why {
            return Err(refused(why));
        }
        let figures = figures(tx, &voucher, month)?;
        let amount = claimable(tx, &voucher, figures.eligible)?;
        if amount.0 <= 0 {
            return Err(refused(Why::NothingToClaim));
        }
        let year = zone.date(now).chars().take(4).collect::<String>();
        let prefix = format!("VC-{year}-");
        let last = rows::last_claim_number(tx, &prefix, &format!("VC-{year}."))?;
        let evidence = Evidence {
            statement_sha256: figures.sha256,
            eligible_micro_cny: figures.eligible,
            used: figures.used,
            invoice_no,
            payment_proof,
            is_unrelated: true,
            declared_by: Names::of(tx).login(by)?,
        };
        let claim = Claim {
            id: new_id!(ClaimId),
            number: next_number(&prefix, last.as_deref())?,
            voucher: voucher.id,
            month: month.to_string(),
            statement: figures.statement,
            eligible_micro_cny: figures.eligible,
            amount_micro_cny: amount,
            evidence: serde_json::to_value(&evidence).map_err(AppError::internal)?,
            state: ClaimState::Draft,
            reference: String::new(),
            created_at: now,
        };
        rows::insert_claim(tx, &claim)?;
        act(tx, &claim, by, "", now)?;
        let detail = json!({ "number": claim.number, "amount_micro_cny": claim.amount_micro_cny,
            "state": claim.state });
        let shown = view::detail_of_claim(tx, &claim)?;
        Ok(Changed::new(claim.id, detail, shown))
    };
    center.change(may, work, |_, _| ()).await
}

/// The share of an amount, as far as the voucher has it and no other claim keeps it.
fn claimable(tx: &Tx, voucher: &Voucher, eligible: MicroCny) -> Result<MicroCny, AppError> {
    let free = keep::left_of(tx, voucher)?.0 - rows::held(tx, voucher.id)?.0;
    Ok(MicroCny(share_of(eligible, voucher.rate_bp).0.min(free)))
}

/// Keeps that a claim came into its state.
fn act(tx: &Tx, claim: &Claim, by: MemberId, note: &str, now: Timestamp) -> Result<(), AppError> {
    let seq = u32::try_from(rows::acts_of_claim(tx, claim)?.len()).map_err(AppError::internal)?;
    let act = ClaimAct { claim: claim.id, seq, at: now, by, state: claim.state, note: note.to_owned() };
    Ok(rows::insert_act(tx, &act)?)
}

/// Whose step it is: the action that the caller has to be allowed. Whoever has the next step may reject instead.
pub fn needed(state: ClaimState, step: ClaimStep) -> Option<Action> {
    state.after(step)?;
    Some(match (state, step) {
        (ClaimState::Draft, _) => CLAIM,
        (ClaimState::Submitted, _) => VERIFY,
        (ClaimState::Verified, _) => AUDIT,
        (ClaimState::Audited | ClaimState::Paid, _) => PAY,
        (ClaimState::Rejected | ClaimState::Recovered, _) => return None,
    })
}

/// What a step needs whatever the claim's state is; a rejection is for whoever has the next step.
fn always_needed(step: ClaimStep) -> Option<Action> {
    match step {
        ClaimStep::Submit => Some(CLAIM),
        ClaimStep::Verify => Some(VERIFY),
        ClaimStep::Audit => Some(AUDIT),
        ClaimStep::Pay | ClaimStep::Recover => Some(PAY),
        ClaimStep::Reject => None,
    }
}

/// Takes a claim's next step.
pub async fn step(
    center: &Center,
    caller: &Caller,
    number: &str,
    step: ClaimStep,
    new: NewStep,
) -> Result<ClaimDetail, AppError> {
    let scope = scope(center, caller)?;
    if let Some(action) = always_needed(step) {
        let owner = caller.member.tenant.filter(|_| action.code() == CLAIM.code());
        center.policies.check(caller, action, owner)?;
    }
    let (reason, reference) = (new.reason.trim().to_owned(), new.reference.trim().to_owned());
    if matches!(step, ClaimStep::Reject | ClaimStep::Recover) || !reason.is_empty() {
        params::line::<500>(field::REASON, reason.as_str())?;
    }
    if step == ClaimStep::Pay {
        params::line::<64>(field::REFERENCE, reference.as_str())?;
    }
    let number = number.to_owned();
    let (before, tenant) = {
        let number = number.clone();
        let read =
            move |tx: &Tx| seen(tx, scope, &number).map(|(claim, voucher)| (claim.state, voucher.tenant));
        center.try_read(read).await?
    };
    let needed = needed(before, step).ok_or_else(|| refused(Why::StepOutOfTurn))?;
    let may = center.policies.may(caller, needed, Some(tenant))?;
    let by = caller.member.id;
    let work = move |tx: &Tx| {
        let (mut claim, voucher) = seen(tx, scope, &number)?;
        // It may have moved on since the policies were asked.
        let after = claim.state.after(step).filter(|_| claim.state == before);
        let Some(after) = after else { return Err(refused(Why::StepOutOfTurn)) };
        let now = moment::now();
        let mut events = take(tx, &mut claim, &voucher, (step, after), &reference, now)?;
        act(tx, &claim, by, &reason, now)?;
        let about = About { tenant: Some(voucher.tenant), ..About::default() };
        let data = json!({ "number": claim.number, "state": claim.state });
        events.push(events::record(tx, now, about, CLAIM_CHANGED, data)?);
        let mut detail = json!({ "number": claim.number, "amount_micro_cny": claim.amount_micro_cny,
            "step": step, "state": claim.state });
        for (name, text) in [("reason", &reason), ("reference", &claim.reference)] {
            if !text.is_empty() {
                detail[name] = json!(text);
            }
        }
        let shown = view::detail_of_claim(tx, &claim)?;
        Ok(Changed::new(claim.id, detail, (shown, events)).of_tenant(voucher.tenant))
    };
    let told = |center: &Center, (_, events): &(ClaimDetail, Vec<Event>)| {
        for event in events {
            center.tell(event.clone());
        }
    };
    Ok(center.change(may, work, told).await?.0)
}

/// What a step does besides.
fn take(
    tx: &Tx,
    claim: &mut Claim,
    voucher: &Voucher,
    (step, after): (ClaimStep, ClaimState),
    reference: &str,
    now: Timestamp,
) -> Result<Vec<Event>, AppError> {
    let amount = claim.amount_micro_cny;
    match step {
        ClaimStep::Submit if voucher.state != VoucherState::Active => return Err(refused(Why::NotActive)),
        // Another claim may have taken what was there when it was drawn up.
        ClaimStep::Submit if claimable(tx, voucher, claim.eligible_micro_cny)? < amount => {
            return Err(refused(Why::NothingToClaim));
        }
        ClaimStep::Verify => verify(tx, claim, voucher)?,
        _ => {}
    }
    claim.state = after;
    if step == ClaimStep::Pay {
        reference.clone_into(&mut claim.reference);
    }
    rows::set_claim(tx, claim)?;
    Ok(match step {
        ClaimStep::Pay => {
            keep::reimburse(tx, voucher, &claim.number, amount, now)?;
            Vec::new()
        }
        ClaimStep::Recover => keep::recover(tx, voucher, &claim.number, amount, now)?,
        // What it kept of a voucher that is over goes back.
        ClaimStep::Reject if voucher.ended_at.is_some() => keep::give_back(tx, voucher, now)?.1,
        _ => Vec::new(),
    })
}

/// The figures of a claim are those of the books.
fn verify(tx: &Tx, claim: &Claim, voucher: &Voucher) -> Result<(), AppError> {
    let month: Month = claim.month.parse().map_err(AppError::internal)?;
    let figures = figures(tx, voucher, month)?;
    let evidence: Evidence = serde_json::from_value(claim.evidence.clone()).map_err(AppError::internal)?;
    let is_right = evidence.statement_sha256 == figures.sha256
        && evidence.eligible_micro_cny == figures.eligible
        && claim.eligible_micro_cny == figures.eligible
        && evidence.used == figures.used
        && claim.statement == figures.statement
        && claim.amount_micro_cny <= share_of(figures.eligible, voucher.rate_bp);
    if is_right { Ok(()) } else { Err(Refused::Voucher { why: Why::FiguresDiffer, rule: 0 }.into()) }
}
