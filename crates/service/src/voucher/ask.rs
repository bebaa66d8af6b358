//! What is asked of vouchers: listing and showing them, what one would be, applying for one, and taking one back.

use base::{
    approval::{
        Answers, Move,
        keep::{self as applications, Asker, Kept, New},
    },
    auth::Caller,
    change::Changed,
    error::AppError,
    events::Event,
    listing::Listing,
    moment, params,
    refusal::VoucherRefusal as Why,
};
use center::{
    center::Center,
    voucher::{APPLY, READ, REVOKE, keep},
};
use domain::{
    MicroCny, TenantId, VoucherId,
    problem::field,
    voucher::{FacilityKind, VoucherState},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    Tx,
    vouchers::{self as rows, Voucher},
};

use super::{
    effect::{Planned, VOUCHER, plan},
    rule::{CODE, FORM, refused},
    view::{self, VoucherView},
};

/// Which vouchers to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct VoucherQuery {
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// A programme's short name.
    pub programme: Option<String>,
}

/// What an application would come to as things stand.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VoucherQuote {
    pub programme: String,
    pub contract: String,
    pub facility_kind: FacilityKind,
    /// All that the tenant asks for in the year, with this.
    pub year_total_micro_cny: MicroCny,
    /// The rule that holds, from 1.
    pub rule: usize,
    pub rate_bp: u32,
    pub face_micro_cny: MicroCny,
    /// The cap of the year cut the face.
    pub is_cut: bool,
    /// The pot has not enough: the voucher would wait.
    pub would_wait: bool,
    /// Where a little more in the year would pay less.
    pub cliff: Option<Cliff>,
}

/// A total of the year above which a lower rate holds.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Cliff {
    pub year_total_micro_cny: MicroCny,
    pub rate_bp: u32,
    pub rate_above_bp: u32,
}

/// An application for a voucher that was handed in.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Applied {
    /// The application's number.
    pub number: String,
    pub quote: VoucherQuote,
}

/// Why a voucher is taken back.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    #[schema(value_type = domain::schema::Line500)]
    pub reason: String,
}

/// The tenant whose vouchers the caller may see; `None`: all of them.
pub(super) fn scope(center: &Center, caller: &Caller) -> Result<Option<TenantId>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    Ok(scope)
}

/// Vouchers, newest first.
pub async fn list(
    center: &Center,
    caller: &Caller,
    query: VoucherQuery,
) -> Result<Listing<VoucherView>, AppError> {
    let scope = scope(center, caller)?;
    let after = params::parse_cursor::<VoucherId>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let slug = query.programme.filter(|slug| !slug.is_empty());
    let read = move |tx: &Tx| {
        let programme = slug.map(|slug| super::programme::find(tx, &slug)).transpose()?.map(|one| one.id);
        let found = rows::list(tx, scope, programme, after, limit + 1)?;
        let views = found.iter().map(|one| view::of_voucher(tx, one));
        views.collect::<Result<Vec<_>, AppError>>()
    };
    let found = center.try_read(read).await?;
    Ok(Listing::cut(found, limit, |one| one.id.to_string()))
}

/// The voucher of that number, if it is one that `scope` has.
pub(super) fn find(tx: &Tx, scope: Option<TenantId>, number: &str) -> Result<Voucher, AppError> {
    let found = rows::find(tx, number)?.filter(|one| scope.is_none_or(|tenant| tenant == one.tenant));
    found.ok_or_else(|| AppError::not_found("voucher", number))
}

pub async fn show(center: &Center, caller: &Caller, number: &str) -> Result<VoucherView, AppError> {
    let (scope, number) = (scope(center, caller)?, number.to_owned());
    center.try_read(move |tx| view::of_voucher(tx, &find(tx, scope, &number)?)).await
}

fn quoted(tx: &Tx, planned: &Planned) -> Result<VoucherQuote, AppError> {
    let Planned { programme, contract, asked, rule, rate_bp, face, is_cut, .. } = planned;
    let waits = !rows::waiting(tx, programme.id)?.is_empty();
    let cliff = |(year_total_micro_cny, rate_bp, rate_above_bp)| Cliff {
        year_total_micro_cny,
        rate_bp,
        rate_above_bp,
    };
    Ok(VoucherQuote {
        programme: programme.slug.clone(),
        contract: contract.number.clone(),
        facility_kind: asked.facility_kind,
        year_total_micro_cny: asked.year_total,
        rule: *rule,
        rate_bp: *rate_bp,
        face_micro_cny: *face,
        is_cut: *is_cut,
        would_wait: waits || keep::left_in_pot(tx, programme.id)? < *face,
        cliff: programme.terms.cliff(asked).map(cliff),
    })
}

fn own_tenant(caller: &Caller) -> Result<TenantId, AppError> {
    caller.member.tenant.ok_or(AppError::Forbidden { action: APPLY.code() })
}

/// What an application would come to, without handing it in.
pub async fn quote(center: &Center, caller: &Caller, answers: &Answers) -> Result<VoucherQuote, AppError> {
    center.policies.check(caller, APPLY, caller.member.tenant)?;
    let tenant = own_tenant(caller)?;
    let answers = answers.clone();
    let read = move |tx: &Tx| {
        let answers = FORM.read(store::tenants::get_tenant(tx, tenant)?.domain, &answers, false)?;
        quoted(tx, &plan(tx, tenant, &answers, moment::now())?)
    };
    center.try_read(read).await
}

/// Hands in an application for a voucher.
pub async fn apply(center: &Center, caller: &Caller, answers: &Answers) -> Result<Applied, AppError> {
    let may = center.policies.may(caller, APPLY, caller.member.tenant)?;
    let (tenant, member) = (own_tenant(caller)?, caller.member.id);
    let answers = answers.clone();
    let (zone, terms, handle) = (center.common.time_zone, center.common.approval.terms(), center.clone());
    let work = move |tx: &Tx| {
        let now = moment::now();
        let domain = store::tenants::get_tenant(tx, tenant)?.domain;
        let answers = FORM.read(domain, &answers, false)?;
        let planned = plan(tx, tenant, &answers, now)?;
        let asker = Asker::Member { member, tenant: Some(tenant) };
        let new = New { kind: CODE, form_version: FORM.version, domain, asker, answers };
        let drawn_up = applications::draw_up(tx, zone, new, now, &terms)?;
        let steps = handle.common.approval.path(CODE, domain).unwrap_or_else(|| (VOUCHER.path)(domain));
        let kept = applications::advance(tx, &drawn_up.application, Move::Submit(steps), now, &terms)?;
        let detail = json!({ "number": kept.application.number, "slug": planned.programme.slug,
            "amount_micro_cny": planned.amount });
        let applied = Applied { number: kept.application.number.clone(), quote: quoted(tx, &planned)? };
        Ok(Changed::new(kept.application.id, detail, (applied, kept)))
    };
    let told = |center: &Center, (_, kept): &(Applied, Kept)| {
        kept.events.iter().for_each(|event| center.tell(event.clone()));
    };
    Ok(center.change(may, work, told).await?.0)
}

/// Takes a voucher back. What it has paid stays paid; what is left goes back to the pot.
pub async fn revoke(
    center: &Center,
    caller: &Caller,
    number: &str,
    revocation: Revocation,
) -> Result<VoucherView, AppError> {
    let may = center.policies.may(caller, REVOKE, None)?;
    let reason: String = params::line::<500>(field::REASON, revocation.reason)?.into();
    let number = number.to_owned();
    let work = move |tx: &Tx| {
        let mut voucher = find(tx, None, &number)?;
        if !matches!(voucher.state, VoucherState::Active | VoucherState::Waiting) {
            return Err(refused(Why::NotActive));
        }
        let (back, events) = keep::end(tx, &mut voucher, VoucherState::Revoked, &reason, moment::now())?;
        let detail = json!({ "number": voucher.number, "reason": reason, "amount_micro_cny": back });
        let shown = view::of_voucher(tx, &voucher)?;
        Ok(Changed::new(voucher.id, detail, (shown, events)).of_tenant(voucher.tenant))
    };
    let told = |center: &Center, (_, events): &(VoucherView, Vec<Event>)| {
        for event in events {
            center.tell(event.clone());
        }
    };
    Ok(center.change(may, work, told).await?.0)
}
