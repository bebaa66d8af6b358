//! Programmes, vouchers and claims as they are told.

use std::borrow::Borrow;

use base::{error::AppError, lookup::Names, text::Text};
use center::voucher::keep;
use domain::{
    ClaimId, FundingId, MicroCny, ProgrammeId, Rfc3339, VoucherId,
    voucher::{
        ClaimState, FacilityKind, Finding, FundingState, Level, Mode, TenantSize, Terms, Usage, VoucherState,
    },
};
use serde::Serialize;
use store::{
    Tx, contracts,
    vouchers::{self, Claim, Funding, Programme, Voucher},
};

use super::evidence::Evidence;

/// A programme of vouchers, with what its pot has.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProgrammeView {
    pub id: ProgrammeId,
    pub slug: String,
    pub name: Text,
    /// Who gives the money.
    pub authority: String,
    pub level: Level,
    pub year: u32,
    pub mode: Mode,
    pub starts_at: Rfc3339,
    pub ends_at: Rfc3339,
    pub terms: Terms,
    /// The most that is put into the pot, as announced.
    pub pot_micro_cny: MicroCny,
    /// What was put into it. It is `committed`, `spent` and `left` together.
    pub funded_micro_cny: MicroCny,
    /// What vouchers still have.
    pub committed_micro_cny: MicroCny,
    /// What vouchers have paid.
    pub spent_micro_cny: MicroCny,
    /// What the pot still has.
    pub left_micro_cny: MicroCny,
    /// Vouchers that wait for the pot.
    pub waiting: usize,
}

/// A programme with the money that was put into it, and what people should know of its rules.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProgrammeDetail {
    #[serde(flatten)]
    pub programme: ProgrammeView,
    pub findings: Vec<Finding>,
    pub fundings: Vec<FundingView>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct FundingView {
    pub id: FundingId,
    pub amount_micro_cny: MicroCny,
    pub reference: String,
    pub state: FundingState,
    pub proposed_by: String,
    pub proposed_at: Rfc3339,
    pub decided_by: Option<String>,
    pub decided_at: Option<Rfc3339>,
    pub note: String,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VoucherView {
    pub id: VoucherId,
    pub number: String,
    /// The programme's short name.
    pub programme: String,
    pub programme_name: Text,
    pub mode: Mode,
    pub tenant_slug: String,
    /// The contract's number.
    pub contract: String,
    pub state: VoucherState,
    /// Its place among those that wait for the pot, from 1.
    pub place: Option<usize>,
    /// What it was asked for, and all that its tenant asked for in the year with it.
    pub amount_micro_cny: MicroCny,
    pub year_total_micro_cny: MicroCny,
    pub facility_kind: FacilityKind,
    pub usage: Usage,
    pub tenant_size: TenantSize,
    /// Who declared usage and size: a login.
    pub declared_by: String,
    /// The rule that holds, from 1.
    pub rule: u32,
    pub rate_bp: u32,
    pub face_micro_cny: MicroCny,
    /// The charges of which it pays a share.
    pub base_micro_cny: MicroCny,
    /// What it has paid.
    pub used_micro_cny: MicroCny,
    /// What claims that are under way keep.
    pub held_micro_cny: MicroCny,
    pub left_micro_cny: MicroCny,
    pub granted_at: Rfc3339,
    pub from_at: Option<Rfc3339>,
    pub until_at: Rfc3339,
    /// Why it was revoked.
    pub reason: String,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ClaimView {
    pub id: ClaimId,
    pub number: String,
    /// The voucher's number.
    pub voucher: String,
    pub programme: String,
    pub tenant_slug: String,
    pub contract: String,
    pub month: String,
    pub state: ClaimState,
    pub eligible_micro_cny: MicroCny,
    pub rate_bp: u32,
    pub amount_micro_cny: MicroCny,
    /// Of the payment.
    pub reference: String,
    pub created_at: Rfc3339,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ClaimDetail {
    #[serde(flatten)]
    pub claim: ClaimView,
    pub evidence: Evidence,
    pub acts: Vec<ActView>,
}

/// Something that was done with a claim.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ActView {
    pub at: Rfc3339,
    /// A login.
    pub by: String,
    /// Where it led.
    pub state: ClaimState,
    pub note: String,
}

pub fn of_programme(tx: &Tx, one: &Programme) -> Result<ProgrammeView, AppError> {
    let (funded, left) = (vouchers::funded(tx, one.id)?, keep::left_in_pot(tx, one.id)?);
    let mut committed = 0;
    for voucher in vouchers::list(tx, None, Some(one.id), None, u32::MAX)? {
        committed += keep::left_of(tx, &voucher)?.0;
    }
    Ok(ProgrammeView {
        id: one.id,
        slug: one.slug.clone(),
        name: Text { zh: one.name_zh.clone(), en: one.name_en.clone() },
        authority: one.authority.clone(),
        level: one.level,
        year: one.year,
        mode: one.mode,
        starts_at: one.starts_at.into(),
        ends_at: one.ends_at.into(),
        terms: one.terms.clone(),
        pot_micro_cny: one.pot_micro_cny,
        funded_micro_cny: funded,
        committed_micro_cny: MicroCny(committed),
        spent_micro_cny: MicroCny(funded.0 - left.0 - committed),
        left_micro_cny: left,
        waiting: vouchers::waiting(tx, one.id)?.len(),
    })
}

pub fn of_funding(tx: &Tx, one: Funding) -> Result<FundingView, AppError> {
    let mut names = Names::of(tx);
    Ok(FundingView {
        id: one.id,
        amount_micro_cny: one.amount_micro_cny,
        reference: one.reference,
        state: one.state,
        proposed_by: names.login(one.proposed_by)?,
        proposed_at: one.proposed_at.into(),
        decided_by: one.decided_by.map(|by| names.login(by)).transpose()?,
        decided_at: one.decided_at.map(Into::into),
        note: one.note,
    })
}

pub fn of_voucher(tx: &Tx, one: &Voucher) -> Result<VoucherView, AppError> {
    let mut names = Names::of(tx);
    let programme = vouchers::get_programme(tx, one.programme)?;
    let paid = vouchers::paid(tx, one.id)?;
    let left = keep::left_of(tx, one)?;
    let claimed = MicroCny(
        vouchers::moved(tx, &format!("{}/claim/", one.id))?.0
            - vouchers::moved(tx, &format!("{}/recovery/", one.id))?.0,
    );
    let line = vouchers::waiting(tx, one.programme)?;
    Ok(VoucherView {
        id: one.id,
        number: one.number.clone(),
        programme: programme.slug,
        programme_name: Text { zh: programme.name_zh, en: programme.name_en },
        mode: programme.mode,
        tenant_slug: names.tenant(one.tenant)?.slug,
        contract: contracts::get_contract(tx, one.contract)?.number,
        state: one.state,
        place: line.iter().position(|waiting| waiting.id == one.id).map(|at| at + 1),
        amount_micro_cny: one.amount_micro_cny,
        year_total_micro_cny: one.year_total_micro_cny,
        facility_kind: one.facility_kind,
        usage: one.usage,
        tenant_size: one.tenant_size,
        declared_by: names.login(one.declared_by)?,
        rule: one.rule,
        rate_bp: one.rate_bp,
        face_micro_cny: one.face_micro_cny,
        base_micro_cny: paid.base,
        used_micro_cny: match programme.mode {
            Mode::Deduct => paid.redeemed,
            Mode::Reimburse => claimed,
        },
        held_micro_cny: vouchers::held(tx, one.id)?,
        left_micro_cny: left,
        granted_at: one.granted_at.into(),
        from_at: one.from_at.map(Into::into),
        until_at: one.until_at.into(),
        reason: one.reason.clone(),
    })
}

pub fn of_claim(tx: &Tx, one: &Claim) -> Result<ClaimView, AppError> {
    let voucher = vouchers::get(tx, one.voucher)?;
    Ok(ClaimView {
        id: one.id,
        number: one.number.clone(),
        programme: vouchers::get_programme(tx, voucher.programme)?.slug,
        tenant_slug: Names::of(tx).tenant(voucher.tenant)?.slug,
        contract: contracts::get_contract(tx, voucher.contract)?.number,
        voucher: voucher.number,
        month: one.month.clone(),
        state: one.state,
        eligible_micro_cny: one.eligible_micro_cny,
        rate_bp: voucher.rate_bp,
        amount_micro_cny: one.amount_micro_cny,
        reference: one.reference.clone(),
        created_at: one.created_at.into(),
    })
}

pub fn detail_of_claim(tx: &Tx, one: &Claim) -> Result<ClaimDetail, AppError> {
    let mut names = Names::of(tx);
    let mut acts = Vec::new();
    for act in vouchers::acts_of_claim(tx, one)? {
        acts.push(ActView { at: act.at.into(), by: names.login(act.by)?, state: act.state, note: act.note });
    }
    let evidence = serde_json::from_value(one.evidence.clone()).map_err(AppError::internal)?;
    Ok(ClaimDetail { claim: of_claim(tx, one)?, evidence, acts })
}

/// Basis points as they read: `30 %`, `12.5 %`.
pub(super) fn percent(bp: impl Borrow<u32>) -> String {
    let bp = *bp.borrow();
    let places = format!("{:02}", bp % 100);
    let places = places.trim_end_matches('0');
    if places.is_empty() { format!("{} %", bp / 100) } else { format!("{}.{places} %", bp / 100) }
}

pub(super) fn pflops_hours(thousandths: impl Borrow<i64>) -> String {
    let thousandths = *thousandths.borrow();
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}
