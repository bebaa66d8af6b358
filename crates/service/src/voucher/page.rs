//! Vouchers in a browser: programmes with their pots, vouchers, the application for one, and claims with their steps.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    approval::Answers,
    error::AppError,
    http::{Id, encode},
    page::{
        extract::{Asked, Sent},
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::Ui,
    },
    params,
};
use center::{
    app::contracts,
    center::Center,
    voucher::{APPLY, CLAIM, DECIDE_FUNDING, MANAGE_PROGRAMME, PROPOSE_FUNDING, READ, REVOKE},
};
use domain::problem::field;
use domain::voucher::{
    ClaimState, ClaimStep, FacilityKind, Finding, FundingState, Mode, Rule, TenantSize, Usage, VoucherState,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    ask::{self, Cliff, Revocation, VoucherQuery, VoucherQuote},
    claim::{self, ClaimQuery, NewClaim, NewStep},
    evidence::Evidence,
    programme::{self, FundingDecision, NewFunding},
    view::{
        ActView, ClaimDetail, ClaimView, FundingView, ProgrammeDetail, ProgrammeView, VoucherView, percent,
        pflops_hours,
    },
};

/// The most claims that the overview shows.
const MOST_CLAIMS: u32 = 50;

#[derive(Template)]
#[template(path = "voucher/list.html")]
#[allow(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct VouchersPage {
    page: Page,
    programmes: Vec<ProgrammeView>,
    vouchers: Vec<VoucherView>,
    claims: Vec<ClaimView>,
    shown: String,
    newest: String,
    older: String,
    with_tenant: bool,
    /// Months are claimed under a programme that is shown, or were.
    with_claims: bool,
    may_apply: bool,
    may_found: bool,
}

/// A rule as it reads.
pub struct RuleLine {
    number: usize,
    when: String,
    rate: String,
}

#[derive(Template)]
#[template(path = "voucher/programme.html")]
pub struct ProgrammePage {
    page: Page,
    programme: ProgrammeView,
    pot: Vec<(&'static str, i64)>,
    rules: Vec<RuleLine>,
    findings: Vec<String>,
    fundings: Vec<FundingView>,
    may_read: bool,
    may_propose: bool,
    may_decide: bool,
    typed: Form,
}

#[derive(Template)]
#[template(path = "voucher/apply.html")]
pub struct ApplyPage {
    page: Page,
    programmes: Vec<Choice>,
    contracts: Vec<Choice>,
    usages: Vec<Choice>,
    sizes: Vec<Choice>,
    facilities: Vec<Choice>,
    quote: Option<VoucherQuote>,
    typed: Form,
}

#[derive(Template)]
#[template(path = "voucher/show.html")]
pub struct VoucherPage {
    page: Page,
    voucher: VoucherView,
    parts: Vec<(&'static str, i64)>,
    claims: Vec<ClaimView>,
    may_claim: bool,
    may_revoke: bool,
    typed: Form,
}

#[derive(Template)]
#[template(path = "voucher/claim.html")]
pub struct ClaimPage {
    page: Page,
    claim: ClaimView,
    evidence: Evidence,
    acts: Vec<ActView>,
    /// The steps that the visitor may take.
    steps: Vec<&'static str>,
    typed: Form,
}

impl ApplyPage {
    fn cliff_text(&self, cliff: &Cliff) -> String {
        let ui = self.page.ui;
        let total = ui.yuan_text(&cliff.year_total_micro_cny);
        let rates = format!("{} → {}", percent(cliff.rate_bp), percent(cliff.rate_above_bp));
        ui.t2("voucher-cliff", total, rates)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    cursor: String,
}

pub async fn list(
    State(center): State<Center>,
    Asked(wanted): Asked<ListQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let (caller, ui) = (&visitor.caller, visitor.front.ui);
    let newest = if wanted.cursor.is_empty() { String::new() } else { "/vouchers".to_owned() };
    let query = VoucherQuery { cursor: Some(wanted.cursor), ..VoucherQuery::default() };
    let vouchers = ask::list(&center, caller, query).await?;
    let query = ClaimQuery { limit: Some(MOST_CLAIMS), ..ClaimQuery::default() };
    let programmes = programme::list(&center, caller).await?;
    let claims = claim::list(&center, caller, query).await?.items;
    let page = VouchersPage {
        shown: ui.shown_of(vouchers.items.len(), vouchers.total),
        newest,
        older: vouchers
            .next_cursor
            .map(|next| format!("/vouchers?cursor={}", encode(&next)))
            .unwrap_or_default(),
        vouchers: vouchers.items,
        with_tenant: visitor.is_of_center(),
        with_claims: has_claims(&programmes, &claims),
        programmes,
        claims,
        may_apply: may_apply(&center, &visitor),
        may_found: visitor.may(&center, MANAGE_PROGRAMME, None),
        page: visitor.page("vouchers", ui.t("nav-vouchers")),
    };
    Ok(render(StatusCode::OK, &page))
}

/// Whether anything is claimed here: where every programme deducts at once nothing ever is.
fn has_claims(programmes: &[ProgrammeView], claims: &[ClaimView]) -> bool {
    !claims.is_empty() || programmes.iter().any(|one| one.mode == Mode::Reimburse)
}

/// What stands above a programme and a claim is the list of all.
pub async fn whole(_: Visitor) -> Redirect {
    Redirect::to("/vouchers")
}

fn may_apply(center: &Center, visitor: &Visitor) -> bool {
    let tenant = visitor.caller.member.tenant;
    tenant.is_some() && visitor.may(center, APPLY, tenant)
}

pub async fn programme(
    State(center): State<Center>,
    Id(slug): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_programme(&center, &visitor, &slug, StatusCode::OK, Form::default()).await
}

fn rule_line(ui: Ui, number: usize, rule: &Rule) -> RuleLine {
    let when = &rule.when;
    let words = [
        when.facility_kind.map(|kind| ui.word("facility", kind.code())),
        when.usage.map(|usage| ui.word("usage", usage.code())),
        when.tenant_size.map(|size| ui.word("tenant-size", size.code())),
        when.year_total_le_micro_cny.map(|most| ui.t1("voucher-year-le", "amount", ui.yuan_text(&most))),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let when = if words.is_empty() { ui.t("voucher-always") } else { words.join(" · ") };
    RuleLine { number, when, rate: percent(rule.rate_bp) }
}

fn finding_text(ui: Ui, finding: &Finding) -> String {
    match finding {
        Finding::Overlap { rule, with } => ui.t2("voucher-overlap", rule, with),
        Finding::Gap => ui.t("voucher-gap"),
    }
}

fn programme_page(page: Page, detail: ProgrammeDetail, may: [bool; 3], typed: Form) -> ProgrammePage {
    let ProgrammeDetail { programme, findings, fundings } = detail;
    let ui = page.ui;
    let missing = programme.pot_micro_cny.0 - programme.funded_micro_cny.0;
    ProgrammePage {
        pot: vec![
            ("done", programme.spent_micro_cny.0),
            ("granted", programme.committed_micro_cny.0),
            ("left", programme.left_micro_cny.0),
            ("idle-2", missing.max(0)),
        ],
        rules: (1..).zip(&programme.terms.rules).map(|(number, rule)| rule_line(ui, number, rule)).collect(),
        findings: findings.iter().map(|finding| finding_text(ui, finding)).collect(),
        page,
        programme,
        fundings,
        may_read: may[0],
        may_propose: may[1],
        may_decide: may[2],
        typed,
    }
}

async fn show_programme(
    center: &Center,
    visitor: &Visitor,
    slug: &str,
    status: StatusCode,
    typed: Form,
) -> Result<Response, AppError> {
    let detail = programme::show(center, &visitor.caller, slug).await?;
    let page = visitor.page("vouchers", detail.programme.name.in_lang(visitor.front.ui.lang));
    let may = [READ, PROPOSE_FUNDING, DECIDE_FUNDING].map(|action| visitor.may(center, action, None));
    Ok(render(status, &programme_page(page, detail, may, typed)))
}

pub async fn propose_funding(
    State(center): State<Center>,
    Id(slug): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let amount = form.yuan(ui, "amount");
    if !form.is_good() {
        return show_programme(&center, &visitor, &slug, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    }
    let new = NewFunding { amount_micro_cny: amount.0, reference: form.value("reference").to_owned() };
    match programme::propose_funding(&center, &visitor.caller, &slug, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/vouchers/programmes/{}", encode(&slug))).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| match name {
                "amount_micro_cny" => Some("amount"),
                "reference" => Some("reference"),
                _ => None,
            })?;
            show_programme(&center, &visitor, &slug, status, form).await
        }
    }
}

pub async fn decide_funding(
    State(center): State<Center>,
    Id(slug): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let decision =
        FundingDecision { book: form.value("decision") == "book", note: form.value("note").to_owned() };
    match programme::decide_funding(&center, &visitor.caller, form.value("id"), decision).await {
        Ok(_) => Ok(Redirect::to(&format!("/vouchers/programmes/{}", encode(&slug))).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show_programme(&center, &visitor, &slug, status, form).await
        }
    }
}

pub async fn draft(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, APPLY, visitor.caller.member.tenant)?;
    let typed = Form::with(&[("elsewhere_yuan", "0".into())]);
    show_draft(&center, &visitor, StatusCode::OK, None, typed).await
}

fn choices<const N: usize>(ui: Ui, family: &str, codes: [&'static str; N]) -> Vec<Choice> {
    codes.into_iter().map(|code| Choice::new(code, ui.word(family, code))).collect()
}

async fn show_draft(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    quote: Option<VoucherQuote>,
    typed: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let programmes = programme::list(center, &visitor.caller).await?;
    let contracts = contracts::list(center, &visitor.caller).await?;
    let page = ApplyPage {
        programmes: programmes
            .into_iter()
            .map(|one| Choice::new(one.slug.clone(), one.name.in_lang(ui.lang)))
            .collect(),
        contracts: contracts.into_iter().map(|one| Choice::new(one.number.clone(), one.number)).collect(),
        usages: choices(ui, "usage", Usage::ALL.map(Usage::code)),
        sizes: choices(ui, "tenant-size", TenantSize::ALL.map(TenantSize::code)),
        facilities: choices(ui, "facility", FacilityKind::ALL.map(FacilityKind::code)),
        quote,
        typed,
        page: visitor.page("vouchers", ui.t("voucher-apply")),
    };
    Ok(render(status, &page))
}

pub async fn apply(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let questions = super::rule::FORM.questions.iter().map(|question| question.field.code);
    let answers: Answers =
        questions.map(|name| (name.to_owned(), Value::String(form.value(name).to_owned()))).collect();
    let looks = form.value("act") == "look";
    let done = if looks {
        ask::quote(&center, &visitor.caller, &answers).await.map(Some)
    } else {
        ask::apply(&center, &visitor.caller, &answers).await.map(|_| None)
    };
    match done {
        Ok(Some(quote)) => show_draft(&center, &visitor, StatusCode::OK, Some(quote), form).await,
        Ok(None) => Ok(Redirect::to("/vouchers").into_response()),
        Err(error) => {
            let named = |name: &str| {
                let mut questions = super::rule::FORM.questions.iter();
                questions.find(|question| question.field.code == name).map(|question| question.field.code)
            };
            let status = form.explain(visitor.front.ui, error, named)?;
            show_draft(&center, &visitor, status, None, form).await
        }
    }
}

pub async fn show(
    State(center): State<Center>,
    Id(number): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_voucher(&center, &visitor, &number, StatusCode::OK, Form::default()).await
}

fn voucher_page(
    page: Page,
    (voucher, claims): (VoucherView, Vec<ClaimView>),
    may: [bool; 2],
    typed: Form,
) -> VoucherPage {
    let is_active = voucher.state == VoucherState::Active;
    VoucherPage {
        parts: vec![
            ("done", voucher.used_micro_cny.0),
            ("granted", voucher.held_micro_cny.0),
            ("left", (voucher.left_micro_cny.0 - voucher.held_micro_cny.0).max(0)),
        ],
        may_claim: may[0] && is_active && voucher.mode == Mode::Reimburse,
        may_revoke: may[1] && matches!(voucher.state, VoucherState::Active | VoucherState::Waiting),
        page,
        voucher,
        claims,
        typed,
    }
}

async fn show_voucher(
    center: &Center,
    visitor: &Visitor,
    number: &str,
    status: StatusCode,
    typed: Form,
) -> Result<Response, AppError> {
    let voucher = ask::show(center, &visitor.caller, number).await?;
    let query = ClaimQuery { voucher: Some(number.to_owned()), ..ClaimQuery::default() };
    let claims = claim::list(center, &visitor.caller, query).await?.items;
    let tenant = visitor.caller.member.tenant;
    let may = [tenant.is_some() && visitor.may(center, CLAIM, tenant), visitor.may(center, REVOKE, None)];
    let page = visitor.page("vouchers", voucher.number.clone());
    Ok(render(status, &voucher_page(page, (voucher, claims), may, typed)))
}

pub async fn draw_up(
    State(center): State<Center>,
    Id(number): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let text = |name: &str| form.value(name).to_owned();
    let new = NewClaim {
        voucher: number.clone(),
        month: text("month"),
        invoice_no: text("invoice_no"),
        payment_proof: text("payment_proof"),
        is_unrelated: form.has("is_unrelated", "yes"),
    };
    match claim::draw_up(&center, &visitor.caller, new).await {
        Ok(ClaimDetail { claim, .. }) => {
            Ok(Redirect::to(&format!("/vouchers/claims/{}", claim.number)).into_response())
        }
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |name| match name {
                "month" => Some("month"),
                "invoice_no" => Some("invoice_no"),
                "payment_proof" => Some("payment_proof"),
                _ => None,
            })?;
            show_voucher(&center, &visitor, &number, status, form).await
        }
    }
}

pub async fn revoke(
    State(center): State<Center>,
    Id(number): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let revocation = Revocation { reason: form.value("reason").to_owned() };
    match ask::revoke(&center, &visitor.caller, &number, revocation).await {
        Ok(_) => Ok(Redirect::to(&format!("/vouchers/{}", encode(&number))).into_response()),
        Err(error) => {
            let named = |name: &str| (name == "reason").then_some("reason");
            let status = form.explain(visitor.front.ui, error, named)?;
            show_voucher(&center, &visitor, &number, status, form).await
        }
    }
}

pub async fn claim(
    State(center): State<Center>,
    Id(number): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_claim(&center, &visitor, &number, StatusCode::OK, Form::default()).await
}

async fn show_claim(
    center: &Center,
    visitor: &Visitor,
    number: &str,
    status: StatusCode,
    typed: Form,
) -> Result<Response, AppError> {
    let ClaimDetail { claim, evidence, acts } = claim::show(center, &visitor.caller, number).await?;
    let tenant = visitor.caller.member.tenant;
    // What is the tenant's own is asked of its tenant, the rest of the center.
    let may = |step: &ClaimStep| {
        claim::needed(claim.state, *step).is_some_and(|action| {
            let is_own = action.code() == CLAIM.code();
            (!is_own || tenant.is_some()) && visitor.may(center, action, tenant.filter(|_| is_own))
        })
    };
    let steps = ClaimStep::ALL.into_iter().filter(may).map(ClaimStep::code).collect();
    let page = visitor.page("vouchers", claim.number.clone());
    Ok(render(status, &ClaimPage { page, claim, evidence, acts, steps, typed }))
}

pub async fn step(
    State(center): State<Center>,
    Id(number): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let text = |name: &str| form.value(name).to_owned();
    let known = ClaimStep::ALL.map(ClaimStep::code);
    let step = params::word(field::ACTION, form.value("step"), ClaimStep::from_code, &known)?;
    let new = NewStep { reason: text("reason"), reference: text("reference") };
    match claim::step(&center, &visitor.caller, &number, step, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/vouchers/claims/{}", encode(&number))).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |name| match name {
                "reason" => Some("reason"),
                "reference" => Some("reference"),
                _ => None,
            })?;
            show_claim(&center, &visitor, &number, status, form).await
        }
    }
}

#[cfg(test)]
#[path = "samples.rs"]
mod samples;
