//! The page on which a programme is founded by the rules that an authority has published.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    moment,
    page::{
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::Ui,
    },
};
use center::{center::Center, settings::WHOLE_BP, voucher::MANAGE_PROGRAMME};
use domain::{
    MicroCny, TenantDomain,
    voucher::{FacilityKind, Level, Mode, Rule, TenantSize, Terms, Usage, When},
};

use super::programme::{self, NewProgramme};
use crate::percent;

/// How many rules the form has room for; a file has as many as there may be.
const RULES: usize = 6;
const YEARS: std::ops::RangeInclusive<u32> = 2000..=2200;

/// The names of a rule's fields.
struct Row {
    facility: String,
    usage: String,
    size: String,
    total: String,
    rate: String,
}

fn row(number: usize) -> Row {
    let name = |field: &str| format!("{field}-{number}");
    Row {
        facility: name("facility"),
        usage: name("usage"),
        size: name("size"),
        total: name("total"),
        rate: name("rate"),
    }
}

#[derive(Template)]
#[template(path = "voucher/found.html")]
pub struct FoundPage {
    page: Page,
    typed: Form,
    levels: Vec<Choice>,
    modes: Vec<Choice>,
    domains: Vec<Choice>,
    facilities: Vec<Choice>,
    usages: Vec<Choice>,
    sizes: Vec<Choice>,
    rows: Vec<Row>,
}

impl FoundPage {
    fn new(page: Page, typed: Form) -> Self {
        let ui = page.ui;
        Self {
            levels: choices(ui, "voucher-level", Level::ALL.map(Level::code)),
            modes: choices(ui, "voucher-mode", Mode::ALL.map(Mode::code)),
            domains: choices(ui, "domain", TenantDomain::ALL.map(TenantDomain::code)),
            facilities: choices(ui, "facility", FacilityKind::ALL.map(FacilityKind::code)),
            usages: choices(ui, "usage", Usage::ALL.map(Usage::code)),
            sizes: choices(ui, "tenant-size", TenantSize::ALL.map(TenantSize::code)),
            rows: (1..=RULES).map(row).collect(),
            typed,
            page,
        }
    }
}

fn choices<const N: usize>(ui: Ui, family: &str, codes: [&'static str; N]) -> Vec<Choice> {
    codes.into_iter().map(|code| Choice::new(code, ui.word(family, code))).collect()
}

fn show(visitor: &Visitor, status: StatusCode, typed: Form) -> Response {
    let page = visitor.page("vouchers", visitor.front.ui.t("voucher-found"));
    render(status, &FoundPage::new(page, typed))
}

pub async fn draft(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, MANAGE_PROGRAMME, None)?;
    let today = center.settings.time_zone.date(moment::now());
    let year = today.get(..4).unwrap_or_default().to_owned();
    Ok(show(&visitor, StatusCode::OK, Form::with(&[("year", year), ("starts", today)])))
}

/// The one of a choice's codes, where any is chosen. One that is none is said at the field.
fn chosen<T>(ui: Ui, form: &mut Form, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let code = form.value(name).to_owned();
    let found = read(&code);
    if found.is_none() && !code.is_empty() {
        form.blame_by(ui, name, "voucher-choice");
    }
    found
}

/// The rules as they are written; lines that nothing stands in are passed over.
fn rules(ui: Ui, form: &mut Form) -> Vec<Rule> {
    let mut all = Vec::new();
    for Row { facility, usage, size, total, rate } in (1..=RULES).map(row) {
        if [&facility, &usage, &size, &total, &rate].iter().all(|name| form.value(name).is_empty()) {
            continue;
        }
        let when = When {
            facility_kind: chosen(ui, form, &facility, FacilityKind::from_code),
            usage: chosen(ui, form, &usage, Usage::from_code),
            tenant_size: chosen(ui, form, &size, TenantSize::from_code),
            year_total_le_micro_cny: yuan_or_none(ui, form, &total),
        };
        all.push(Rule { when, rate_bp: percent::read(ui, form, &rate) });
    }
    all
}

fn yuan_or_none(ui: Ui, form: &mut Form, name: &str) -> Option<MicroCny> {
    (!form.value(name).is_empty()).then(|| form.yuan(ui, name))
}

/// The programme as it is written; what is wrong is said at its field.
fn read(ui: Ui, form: &mut Form) -> NewProgramme {
    let level = chosen(ui, form, "level", Level::from_code).unwrap_or(Level::City);
    let mode = chosen(ui, form, "mode", Mode::from_code).unwrap_or(Mode::Deduct);
    for name in ["level", "mode"] {
        if form.value(name).is_empty() {
            form.blame_by(ui, name, "voucher-choice");
        }
    }
    let domains: Vec<Option<TenantDomain>> =
        form.all("domains").iter().map(|code| TenantDomain::from_code(code)).collect();
    if domains.contains(&None) {
        form.blame_by(ui, "domains", "voucher-choice");
    }
    let (starts_at, ends_at) = (form.day(ui, "starts"), form.day(ui, "ends"));
    if !starts_at.is_empty() && !ends_at.is_empty() && ends_at <= starts_at {
        form.blame_by(ui, "ends", "ends-at");
    }
    let rules = rules(ui, form);
    NewProgramme {
        slug: form.value("slug").to_owned(),
        name_zh: form.value("name_zh").to_owned(),
        name_en: form.value("name_en").to_owned(),
        authority: form.value("authority").to_owned(),
        level,
        year: form.number(ui, "year", YEARS),
        mode,
        pot_micro_cny: form.yuan(ui, "pot").0,
        starts_at,
        ends_at,
        terms: Terms {
            rules,
            cap_per_tenant_micro_cny: yuan_or_none(ui, form, "cap"),
            stack_with: Vec::new(),
            combined_bp: WHOLE_BP,
            exclusive_contracts: true,
            domains: domains.into_iter().flatten().collect(),
        },
    }
}

/// The form's field for what the center names.
fn field(name: &str) -> Option<&'static str> {
    Some(match name {
        "slug" => "slug",
        "name_zh" => "name_zh",
        "name_en" => "name_en",
        "name" => "authority",
        "amount_micro_cny" => "pot",
        "starts_at" => "starts",
        "ends_at" => "ends",
        _ => return None,
    })
}

pub async fn found(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, MANAGE_PROGRAMME, None)?;
    let ui = visitor.front.ui;
    let new = read(ui, &mut form);
    if !form.is_good() {
        return Ok(show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, form));
    }
    let slug = new.slug.clone();
    match programme::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/vouchers/programmes/{slug}")).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, field)?;
            Ok(show(&visitor, status, form))
        }
    }
}

#[cfg(test)]
impl FoundPage {
    /// Empty, and with something wrong at each kind of field.
    pub(in crate::voucher) fn samples(page: &Page) -> Vec<Self> {
        let mut wrong = Form::with(&[("rate-1", "<30>".into()), ("domains", "enterprise".into())]);
        for name in ["level", "domains", "rate-1", "pot"] {
            wrong.blame(name, "wrong <b>");
        }
        vec![Self::new(page.clone(), Form::default()), Self::new(page.clone(), wrong)]
    }
}
