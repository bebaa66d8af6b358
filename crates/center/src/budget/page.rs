//! Budgets in a browser: all of them with their bars, and one with what was spent of it.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    moment,
    page::{
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::{Html, Ui},
    },
};
use domain::{
    CardMs, MicroCny, Timestamp,
    budget::{SpanKind, WhoseKind},
    ledger::Unit,
    problem::Wrong,
};

use super::{
    ask::{self, BudgetChange, BudgetDetail, BudgetView, NewBudget},
    rule,
};
use crate::{
    app::{members, projects},
    center::Center,
};

/// A budget as pages show it at a glance.
#[derive(Debug)]
pub struct BudgetBar {
    pub id: String,
    pub name: String,
    /// Whose it is and what it spans, in words.
    pub about: String,
    pub tenant: String,
    pub bar: Html,
    pub spent: Html,
    pub amount: Html,
    pub left: Html,
    pub is_used_up: bool,
    pub hard_stop: bool,
}

/// An amount in its unit.
fn told(ui: Ui, unit: Unit, amount: i64) -> Html {
    match unit {
        Unit::MicroCny => ui.yuan(&MicroCny(amount)),
        Unit::CardMs => ui.hours(&CardMs(amount)),
    }
}

/// The same without a mark.
fn plain(ui: Ui, unit: Unit, amount: i64) -> String {
    match unit {
        Unit::MicroCny => ui.yuan_text(&MicroCny(amount)),
        Unit::CardMs => ui.t1("budget-hours", "n", ui.plain_hours(&CardMs(amount))),
    }
}

/// What a budget spans, in words.
fn span(ui: Ui, one: &BudgetView) -> String {
    match &one.month {
        Some(month) => month.clone(),
        None => ui.t1("budget-since", "day", ui.zone.date(one.from.0)),
    }
}

fn bar(ui: Ui, one: &BudgetView) -> Html {
    let of_all = ui.share(&(one.spent + one.running), &one.amount);
    let label = ui.t2("budget-bar", plain(ui, one.unit, one.spent + one.running), of_all);
    ui.spent(one.spent, one.running, one.amount, &one.alerts, &label)
}

/// Budgets at a glance.
pub fn bars(ui: Ui, budgets: &[BudgetView], with_tenant: bool) -> Vec<BudgetBar> {
    let of_one = |one: &BudgetView| BudgetBar {
        id: one.id.to_string(),
        name: one.name.clone(),
        about: ui.t2("budget-about", ui.word("budget-whose", one.whose), span(ui, one)),
        tenant: if with_tenant { one.tenant_slug.clone() } else { String::new() },
        bar: bar(ui, one),
        spent: told(ui, one.unit, one.spent + one.running),
        amount: told(ui, one.unit, one.amount),
        left: told(ui, one.unit, one.left),
        is_used_up: one.is_used_up,
        hard_stop: one.hard_stop,
    };
    budgets.iter().map(of_one).collect()
}

#[derive(Template)]
#[template(path = "budget/list.html")]
pub struct BudgetsPage {
    page: Page,
    now: Timestamp,
    budgets: Vec<BudgetBar>,
    with_tenant: bool,
    may_manage: bool,
    /// Projects and members that may be given one.
    whose: Vec<Choice>,
    spans: Vec<Choice>,
    units: Vec<Choice>,
    stops: Vec<Choice>,
    form: Form,
}

#[derive(Template)]
#[template(path = "budget/show.html")]
pub struct BudgetPage {
    page: Page,
    now: Timestamp,
    bar: BudgetBar,
    posted: Html,
    running: Html,
    until: String,
    shares: String,
    days: Html,
    first_day: String,
    jobs: Vec<JobLine>,
    told: Vec<ToldLine>,
    may_manage: bool,
    stops: Vec<Choice>,
    unit_word: String,
    form: Form,
}

struct JobLine {
    id: String,
    name: String,
    spent: Html,
    share: String,
}

struct ToldLine {
    share: String,
    at: Html,
    spent: Html,
    amount: Html,
}

/// The fields of both forms.
const FIELDS: [&str; 7] = ["whose", "span", "from", "unit", "amount", "alerts", "hard_stop"];

fn known_field(name: &str) -> Option<&'static str> {
    // Whose it is is one choice on the page, and a kind with a name to the API.
    let name = if name == "name" { "whose" } else { name };
    FIELDS.into_iter().find(|field| *field == name)
}

fn stops(ui: Ui) -> Vec<Choice> {
    ["yes", "no"].map(|code| Choice::new(code, ui.word("budget-stops", code))).into()
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let usual = rule::USUAL_ALERTS.map(|share| share.to_string()).join(", ");
    let form = Form::with(&[("alerts", usual), ("hard_stop", "yes".into())]);
    show_list(&center, &visitor, StatusCode::OK, form).await
}

async fn show_list(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let own = visitor.caller.member.tenant;
    let found = ask::list(center, &visitor.caller).await?;
    // The center's people set one by the API, which names the tenant.
    let may_manage = own.is_some() && visitor.may(center, rule::MANAGE, own);
    let mut whose = Vec::new();
    if may_manage {
        let choice = |kind: WhoseKind, name: &str| {
            let word = ui.t2("budget-about", ui.word("budget-whose", kind), name);
            Choice::new(format!("{}:{name}", kind.code()), word)
        };
        let projects = projects::list(center, &visitor.caller).await?;
        whose.extend(projects.iter().map(|one| choice(WhoseKind::Project, &one.slug)));
        let members = members::list(center, &visitor.caller).await?;
        whose.extend(members.iter().map(|one| choice(WhoseKind::Member, &one.login)));
    }
    let page = BudgetsPage {
        page: visitor.page("budgets", ui.t("nav-budgets")),
        now: moment::now(),
        budgets: bars(ui, &found, own.is_none()),
        with_tenant: own.is_none(),
        may_manage,
        whose,
        spans: SpanKind::ALL.map(|kind| Choice::new(kind.code(), ui.word("budget-span", kind))).into(),
        units: [Unit::MicroCny, Unit::CardMs]
            .map(|unit| Choice::new(unit.code(), ui.word("budget-unit", unit)))
            .into(),
        stops: stops(ui),
        form,
    };
    Ok(render(status, &page))
}

/// The amount, the shares and the hard stop of a form, in that unit.
fn amounts(ui: Ui, form: &mut Form, unit: Option<Unit>) -> (i64, Vec<i64>, bool) {
    let amount = match unit {
        Some(Unit::CardMs) => form.hours(ui, "amount").0,
        Some(Unit::MicroCny) => form.yuan(ui, "amount").0,
        // The unit itself is wrong, which is said by the center.
        None => 1,
    };
    let given = form.value("alerts").replace(['，', '、', '%'], ",");
    let parts = given.split([',', ' ']).filter(|part| !part.is_empty());
    let alerts: Option<Vec<i64>> = parts.map(|part| part.parse().ok()).collect();
    if alerts.is_none() {
        form.blame_by(ui, "alerts", "shares");
    }
    let hard_stop = form.has("hard_stop", "yes");
    if !hard_stop && !form.has("hard_stop", "no") {
        form.blame_for(ui, "hard_stop", Wrong::unknown(form.value("hard_stop"), &["yes", "no"]));
    }
    (amount, alerts.unwrap_or_default(), hard_stop)
}

pub async fn make(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let unit = form.value("unit").to_owned();
    let (amount, alerts, hard_stop) = amounts(ui, &mut form, Unit::from_code(&unit));
    if !form.is_good() {
        return show_list(&center, &visitor, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    }
    let given = form.value("whose").to_owned();
    let (whose, name) = given.split_once(':').unwrap_or((&given, ""));
    let span = form.value("span").to_owned();
    // A field that is not asked for counts for nothing.
    let from = (span == SpanKind::Total.code()).then(|| form.value("from").to_owned());
    let new = NewBudget {
        whose: whose.to_owned(),
        name: name.to_owned(),
        tenant: None,
        span,
        from,
        unit,
        amount,
        alerts: Some(alerts),
        hard_stop,
    };
    match ask::make(&center, &visitor.caller, new).await {
        Ok(made) => Ok(Redirect::to(&format!("/budgets/{}", made.id)).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, known_field)?;
            show_list(&center, &visitor, status, form).await
        }
    }
}

pub async fn show(State(center): State<Center>, Id(id): Id, visitor: Visitor) -> Result<Response, AppError> {
    let found = ask::show(&center, &visitor.caller, &id).await?;
    let form = form_of(visitor.front.ui, &found.budget);
    Ok(shown(&center, &visitor, StatusCode::OK, &found, form))
}

/// The form as the budget is.
fn form_of(ui: Ui, one: &BudgetView) -> Form {
    let amount = match one.unit {
        Unit::MicroCny => MicroCny(one.amount).exact(),
        Unit::CardMs => ui.set_hours(&CardMs(one.amount)),
    };
    let alerts: Vec<String> = one.alerts.iter().map(u8::to_string).collect();
    let hard_stop = if one.hard_stop { "yes" } else { "no" };
    Form::with(&[("amount", amount), ("alerts", alerts.join(", ")), ("hard_stop", hard_stop.into())])
}

fn shown(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    found: &BudgetDetail,
    form: Form,
) -> Response {
    let own = visitor.caller.member.tenant;
    let may_manage = visitor.may(center, rule::MANAGE, own);
    let title = visitor.front.ui.t1("budget-of", "name", &found.budget.name);
    render(status, &of_budget(visitor.page("budgets", title), found, own.is_none(), may_manage, form))
}

fn of_budget(
    page: Page,
    found: &BudgetDetail,
    with_tenant: bool,
    may_manage: bool,
    form: Form,
) -> BudgetPage {
    let (ui, one) = (page.ui, &found.budget);
    let most = found.days.iter().map(|day| day.spent).max().unwrap_or(0).max(0);
    let columns: Vec<_> = found.days.iter().map(|day| vec![("sold", day.spent.max(0))]).collect();
    let label = ui.t1("budget-days-label", "most", plain(ui, one.unit, most));
    let job = |job: &ask::JobSpent| JobLine {
        id: job.job.to_string(),
        name: job.name.clone(),
        spent: told(ui, one.unit, job.spent),
        share: ui.share(&job.spent, &one.spent.max(1)),
    };
    let line = |of: &ask::ShareTold| ToldLine {
        share: format!("{} %", of.share),
        at: ui.short(of.at),
        spent: told(ui, one.unit, of.spent),
        amount: told(ui, one.unit, of.amount),
    };
    let shares: Vec<String> = one.alerts.iter().map(|share| format!("{share} %")).collect();
    let comma = ui.t("comma");
    BudgetPage {
        bar: bars(ui, std::slice::from_ref(one), with_tenant).remove(0),
        posted: told(ui, one.unit, one.spent),
        running: told(ui, one.unit, one.running),
        until: one.until.map(|at| ui.short_text(at)).unwrap_or_default(),
        shares: shares.join(&comma),
        days: ui.columns(&columns, most.max(1), 96, &label),
        first_day: found.days.first().map(|day| day.day.clone()).unwrap_or_default(),
        jobs: found.jobs.iter().map(job).collect(),
        told: found.told.iter().map(line).collect(),
        may_manage,
        stops: stops(ui),
        unit_word: ui.word("budget-unit", one.unit),
        form,
        now: moment::now(),
        page,
    }
}

pub async fn change(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let found = ask::show(&center, &visitor.caller, &id).await?;
    let (amount, alerts, hard_stop) = amounts(ui, &mut form, Some(found.budget.unit));
    if !form.is_good() {
        return Ok(shown(&center, &visitor, StatusCode::UNPROCESSABLE_ENTITY, &found, form));
    }
    let change = BudgetChange { amount: Some(amount), alerts: Some(alerts), hard_stop: Some(hard_stop) };
    match ask::change(&center, &visitor.caller, &id, change).await {
        Ok(_) => Ok(Redirect::to(&format!("/budgets/{id}")).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, known_field)?;
            Ok(shown(&center, &visitor, status, &found, form))
        }
    }
}

pub async fn end(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, form: _ }: Sent,
) -> Result<Response, AppError> {
    ask::end(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/budgets").into_response())
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::{
        budget::samples as budgets,
        portal::sample::{Sample, views},
    };

    fn faulty(ui: Ui) -> Form {
        let mut form = Form::with(&[("alerts", "many".into())]);
        for field in FIELDS {
            form.blame_for(ui, field, Wrong::HasNul);
        }
        form
    }

    impl Sample for BudgetsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let ui = page.ui;
            let sample = |of: &[BudgetView], with_tenant: bool, may_manage: bool, form: Form| Self {
                page: page.clone(),
                now: views::AT,
                budgets: bars(ui, of, with_tenant),
                with_tenant,
                may_manage,
                whose: vec![Choice::new("project:vision", "Project <1>")],
                spans: vec![Choice::new("month", "Month")],
                units: vec![Choice::new("micro_cny", "CNY")],
                stops: stops(ui),
                form,
            };
            vec![
                sample(&[budgets::budget(true), budgets::budget(false)], false, true, Form::default()),
                sample(&[budgets::budget(true)], true, false, Form::default()),
                sample(&[], false, true, faulty(ui)),
            ]
        }
    }

    impl Sample for BudgetPage {
        fn samples(page: &Page) -> Vec<Self> {
            let detail = |is_full: bool| BudgetDetail {
                budget: budgets::budget(is_full),
                days: vec![ask::DaySpent { day: "2026-05-20".into(), spent: 900_000_000 }],
                jobs: if is_full {
                    let job = views::id("job_");
                    vec![ask::JobSpent { job, name: "a < b".into(), spent: 900_000_000 }]
                } else {
                    Vec::new()
                },
                told: if is_full {
                    let at = views::AT.into();
                    vec![ask::ShareTold { share: 80, at, spent: 800_000_000, amount: 1_000_000_000 }]
                } else {
                    Vec::new()
                },
            };
            let sample = |is_full: bool, may_manage: bool, form: Form| {
                of_budget(page.clone(), &detail(is_full), is_full, may_manage, form)
            };
            vec![
                sample(true, true, form_of(page.ui, &budgets::budget(true))),
                sample(false, false, Form::default()),
                sample(false, true, faulty(page.ui)),
            ]
        }
    }
}
