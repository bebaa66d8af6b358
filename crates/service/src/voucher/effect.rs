//! What comes of an application for a voucher: a voucher with its face, or a place in the line for the pot.

use base::{
    approval::{Answers, Application, Effect, Kind},
    error::AppError,
    events::Event,
    moment::{self, new_id},
    params,
    refusal::VoucherRefusal as Why,
};
use center::{center::Center, voucher::keep};
use domain::{
    Contract, ContractState, MicroCny, PoolId, TenantDomain, TenantId, Timestamp, VoucherId,
    card::Vendor,
    contract::ContractKind,
    problem::field,
    voucher::{Asked, FacilityKind, Mode, TenantSize, Usage, VoucherState},
};
use serde_json::{Value, json};
use store::{
    Tx, contracts, pools,
    vouchers::{self as rows, Programme, Voucher},
};

use super::{
    programme,
    rule::{
        CLAIM_WITHIN, CODE, ELSEWHERE, FACILITY_KIND, FORM, PROGRAMME, TENANT_SIZE, USAGE, YUAN, next_number,
        path, refused,
    },
};

pub const VOUCHER: Kind<Center> = Kind { code: CODE, form: FORM, title: field::CONTRACT.code, path, effect };

/// What a tenant would get, or gets.
#[derive(Clone, Debug)]
pub struct Planned {
    pub programme: Programme,
    pub contract: Contract,
    pub asked: Asked,
    pub amount: MicroCny,
    pub rule: usize,
    pub rate_bp: u32,
    pub face: MicroCny,
    /// The cap of the year cut it.
    pub is_cut: bool,
    pub pools: Vec<PoolId>,
}

/// What comes of these answers as things stand.
pub fn plan(tx: &Tx, tenant: TenantId, answers: &Answers, now: Timestamp) -> Result<Planned, AppError> {
    let text = |name: &str| answers.get(name).and_then(Value::as_str).unwrap_or_default();
    let yuan = |name: &str| MicroCny::from_yuan(answers.get(name).and_then(Value::as_i64).unwrap_or(0));
    let usage = params::word(USAGE, text(USAGE.code), Usage::from_code, &Usage::ALL.map(Usage::code))?;
    let sizes = TenantSize::ALL.map(TenantSize::code);
    let tenant_size = params::word(TENANT_SIZE, text(TENANT_SIZE.code), TenantSize::from_code, &sizes)?;
    let wanted = match text(FACILITY_KIND.code) {
        "" => None,
        code => {
            let kinds = FacilityKind::ALL.map(FacilityKind::code);
            Some(params::word(FACILITY_KIND, code, FacilityKind::from_code, &kinds)?)
        }
    };
    let programme = programme::find(tx, text(PROGRAMME.code))?;
    if now < programme.starts_at || now >= programme.ends_at {
        return Err(refused(Why::NotOpen));
    }
    is_eligible(&programme, store::tenants::get_tenant(tx, tenant)?.domain)?;
    let number = text(field::CONTRACT.code);
    let found = contracts::list_contracts(tx, Some(tenant))?.into_iter();
    let contract = found.into_iter().find(|one| one.number == number || one.id.to_string() == number);
    let contract = contract.ok_or_else(|| AppError::not_found("contract", number))?;
    pays_for(&programme, &contract)?;
    stacks(tx, &programme, &contract)?;
    let (facility_kind, pools) = facility(tx, &contract, wanted)?;
    let (taken, asked_before) = of_the_year(tx, &programme, tenant)?;
    let amount = yuan(YUAN.code);
    let year_total = MicroCny(asked_before.0.saturating_add(amount.0).saturating_add(yuan(ELSEWHERE.code).0));
    let asked = Asked { facility_kind, usage, tenant_size, year_total };
    let (rule, held) = programme.terms.rule(&asked).ok_or_else(|| refused(Why::NoRuleFits))?;
    let face = programme.terms.face(held.rate_bp, amount, taken);
    if face.0 <= 0 {
        return Err(refused(Why::CapUsedUp));
    }
    let is_cut = face < domain::voucher::share_of(amount, held.rate_bp);
    Ok(Planned { programme, contract, asked, amount, rule, rate_bp: held.rate_bp, face, is_cut, pools })
}

fn is_eligible(programme: &Programme, domain: TenantDomain) -> Result<(), AppError> {
    let domains = &programme.terms.domains;
    let is_eligible = domains.is_empty() || domains.contains(&domain);
    if is_eligible { Ok(()) } else { Err(refused(Why::DomainNotEligible)) }
}

/// A voucher is deducted from what is charged to a balance; what is paid first may be any contract that costs money.
fn pays_for(programme: &Programme, contract: &Contract) -> Result<(), AppError> {
    let is_paid_for = match programme.mode {
        Mode::Deduct => matches!(contract.kind, ContractKind::Metered { .. }),
        Mode::Reimburse => !matches!(contract.kind, ContractKind::Grant { .. }),
    };
    let is_on =
        matches!(contract.state, ContractState::Active | ContractState::Exhausted | ContractState::Suspended);
    if is_paid_for && is_on { Ok(()) } else { Err(refused(Why::ContractNotEligible)) }
}

/// Vouchers of other programmes on the contract have to go with this one, by the terms of both.
fn stacks(tx: &Tx, programme: &Programme, contract: &Contract) -> Result<(), AppError> {
    for other in rows::of_contract(tx, contract.id)? {
        if other.programme == programme.id {
            if programme.terms.exclusive_contracts {
                return Err(refused(Why::ContractTaken));
            }
            continue;
        }
        let of = rows::get_programme(tx, other.programme)?;
        let names = |terms: &domain::voucher::Terms, slug: &String| terms.stack_with.contains(slug);
        let do_stack = names(&programme.terms, &of.slug) && names(&of.terms, &programme.slug);
        if !do_stack && matches!(other.state, VoucherState::Active | VoucherState::Waiting) {
            return Err(refused(Why::NotStackable));
        }
    }
    Ok(())
}

/// Whose cards the contract is about, by the models of its pools; those of the wanted kind where it has both.
fn facility(
    tx: &Tx,
    contract: &Contract,
    wanted: Option<FacilityKind>,
) -> Result<(FacilityKind, Vec<PoolId>), AppError> {
    let mut of_kind: [Vec<PoolId>; 2] = Default::default();
    for pool in pools::list_pools(tx)?.into_iter().filter(|pool| contract.pools.contains(&pool.id)) {
        match pool.model.vendor {
            Vendor::Ascend => of_kind[0].push(pool.id),
            Vendor::Nvidia => of_kind[1].push(pool.id),
            Vendor::Other => return Err(refused(Why::UnknownFacility)),
        }
    }
    let [domestic, other] = of_kind;
    let kind = match (domestic.is_empty(), other.is_empty(), wanted) {
        (false, true, None | Some(FacilityKind::Domestic)) => FacilityKind::Domestic,
        (true, false, None | Some(FacilityKind::Other)) => FacilityKind::Other,
        (false, false, Some(kind)) => kind,
        (false, false, None) => return Err(refused(Why::MixedFacility)),
        _ => return Err(refused(Why::UnknownFacility)),
    };
    Ok((kind, if kind == FacilityKind::Domestic { domestic } else { other }))
}

/// What a tenant has of a programme, less what went back, and what it asked for.
fn of_the_year(tx: &Tx, programme: &Programme, tenant: TenantId) -> Result<(MicroCny, MicroCny), AppError> {
    let (faces, asked) = rows::taken(tx, programme.id, tenant)?;
    let mut back = 0;
    for voucher in rows::list(tx, Some(tenant), Some(programme.id), None, u32::MAX)? {
        back += match voucher.state {
            VoucherState::Expired | VoucherState::Revoked if voucher.from_at.is_none() => {
                voucher.face_micro_cny.0
            }
            VoucherState::Expired | VoucherState::Revoked => {
                rows::moved(tx, &format!("{}/return/", voucher.id))?.0
            }
            _ => 0,
        };
    }
    Ok((MicroCny(faces.0 - back), asked))
}

fn effect(center: &Center, tx: &Tx, application: &Application) -> Result<Effect<Center>, AppError> {
    let missing = |what: &str| AppError::internal(format!("an application for a voucher has no {what}"));
    let decision = application.decision.as_ref().ok_or_else(|| missing("decision"))?;
    let tenant = application.tenant.ok_or_else(|| missing("tenant"))?;
    let declared_by = application.applicant.ok_or_else(|| missing("applicant"))?;
    let now = moment::now();
    let Planned { programme, contract, asked, amount, rule, rate_bp, face, pools, .. } =
        plan(tx, tenant, &decision.granted, now)?;
    let year = center.settings.time_zone.date(now).chars().take(4).collect::<String>();
    let prefix = format!("V-{year}-");
    let last = rows::last_number(tx, &prefix, &format!("V-{year}."))?;
    let until_at = programme.ends_at.min(contract.ends_at);
    let voucher = Voucher {
        id: new_id!(VoucherId),
        number: next_number(&prefix, last.as_deref())?,
        programme: programme.id,
        tenant,
        contract: contract.id,
        mode: programme.mode,
        application: application.id,
        amount_micro_cny: amount,
        year_total_micro_cny: asked.year_total,
        facility_kind: asked.facility_kind,
        usage: asked.usage,
        tenant_size: asked.tenant_size,
        declared_by,
        rule: u32::try_from(rule).map_err(AppError::internal)?,
        rate_bp,
        combined_bp: programme.terms.combined_bp,
        face_micro_cny: face,
        pools,
        granted_at: now,
        from_at: None,
        until_at,
        closes_at: match programme.mode {
            Mode::Deduct => until_at,
            Mode::Reimburse => until_at.plus(CLAIM_WITHIN),
        },
        state: VoucherState::Waiting,
        ended_at: None,
        reason: String::new(),
    };
    let events: Vec<Event> = keep::grant(tx, &voucher, now)?;
    let detail = json!({ "number": voucher.number, "slug": programme.slug });
    let then = move |center: &Center| events.iter().for_each(|event| center.tell(event.clone()));
    Ok(Effect { tenant: Some(tenant), detail, then: Box::new(then) })
}
