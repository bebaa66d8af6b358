//! The twin: what the center would be with other nodes, policies or demand, worked out from its own history.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::Sent,
        fault::{self, Told},
        form::{Choice, Form},
        frame::{Page, Visitor, ok, render},
        words::Ui,
    },
};
use domain::{CardMs, Timestamp};
use twin::Figures;

use crate::{
    app::twin::{self as ask, Trial, Trials, WhatIf},
    center::Center,
};

/// Policies that are offered; the first is the center's own.
const POLICIES: [&str; 6] =
    ["fair-share+easy", "fair-share+conservative", "easy", "sjf+easy", "fair-share", "fcfs"];

/// A report is a page of its own, which loads nothing.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

struct TrialRow {
    id: u64,
    at: Timestamp,
    by: String,
    asked: String,
    state: &'static str,
    percent: String,
}

#[derive(Template)]
#[template(path = "twin.html")]
pub struct TwinPage {
    page: Page,
    form: Form,
    policies: Vec<Choice>,
    trials: Vec<TrialRow>,
    is_busy: bool,
}

/// A figure of both sides, and whether the second is better, where that can be said.
struct Row {
    name: String,
    now: String,
    then: String,
    look: &'static str,
}

#[derive(Template)]
#[template(path = "twin_trial.html")]
pub struct TrialPage {
    page: Page,
    trial: TrialRow,
    figures: Vec<Row>,
    refused: Option<Told>,
}

pub async fn page(
    State(center): State<Center>,
    Extension(trials): Extension<Trials>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let what = ask::as_it_is(&center);
    let form = Form::with(&[
        ("days", what.days.to_string()),
        ("policy", what.policy.to_string()),
        ("nodes", what.nodes.to_string()),
        ("cards", what.cards_per_node.to_string()),
        ("demand", "100".into()),
        ("repair", what.repair_hours.to_string()),
    ]);
    whole(&center, &trials, &visitor, StatusCode::OK, form)
}

fn whole(
    center: &Center,
    trials: &Trials,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let all = ask::list(center, trials, &visitor.caller)?;
    let page = TwinPage {
        page: visitor.page("twin", ui.t("nav-twin")),
        form,
        policies: policies(ui),
        is_busy: all.iter().any(|trial| trial.outcome().is_none()),
        trials: all.iter().map(|trial| line(ui, trial)).collect(),
    };
    Ok(render(status, &page))
}

fn line(ui: Ui, trial: &Trial) -> TrialRow {
    let what = &trial.what;
    let mut asked = vec![
        ui.t1("twin-of-days", "n", what.days),
        ui.t2("twin-hall", what.nodes, what.cards_per_node),
        policy_word(ui, &what.policy.to_string()),
        ui.t1("twin-demand-is", "n", what.demand_milli / 10),
    ];
    asked.extend(what.mtbf_hours.map(|hours| ui.t1("twin-mtbf-is", "n", hours)));
    TrialRow {
        id: trial.id,
        at: trial.at,
        by: trial.by.clone(),
        asked: asked.join(" · "),
        state: match trial.outcome() {
            None => "running",
            Some(Ok(_)) => "succeeded",
            Some(Err(_)) => "failed",
        },
        percent: format!("{} %", trial.progress() / 10),
    }
}

fn policies(ui: Ui) -> Vec<Choice> {
    POLICIES.map(|policy| Choice::new(policy, policy_word(ui, policy))).into()
}

fn policy_word(ui: Ui, policy: &str) -> String {
    ui.word("policy", policy.replace('+', "-"))
}

/// Reads the form and begins.
pub async fn start(
    State(center): State<Center>,
    Extension(trials): Extension<Trials>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let policy = form.value("policy").parse().ok();
    if policy.is_none() {
        form.blame_by(ui, "policy", "policy");
    }
    let mtbf_hours = Some(form.value("mtbf")).filter(|text| !text.is_empty()).map(str::to_owned);
    let what = WhatIf {
        days: form.number(ui, "days", 1..=3650),
        policy: policy.unwrap_or_default(),
        nodes: form.number(ui, "nodes", 1..=100_000),
        cards_per_node: u8::try_from(form.number(ui, "cards", 1..=64)).unwrap_or(8),
        demand_milli: form.number(ui, "demand", 1..=10_000) * 10,
        mtbf_hours: mtbf_hours.map(|_| form.number(ui, "mtbf", 1..=1_000_000)),
        repair_hours: form.number(ui, "repair", 1..=10_000),
    };
    if !form.is_good() {
        return whole(&center, &trials, &visitor, StatusCode::UNPROCESSABLE_ENTITY, form);
    }
    match ask::start(&center, &trials, &visitor.caller, what) {
        Ok(trial) => Ok(Redirect::to(&format!("/twin/{}", trial.id)).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| (name == "nodes").then_some("nodes"))?;
            whole(&center, &trials, &visitor, status, form)
        }
    }
}

fn found(center: &Center, trials: &Trials, visitor: &Visitor, id: &str) -> Result<Arc<Trial>, AppError> {
    ask::show(center, trials, &visitor.caller, id)
}

pub async fn trial(
    State(center): State<Center>,
    Extension(trials): Extension<Trials>,
    Id(id): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let trial = found(&center, &trials, &visitor, &id)?;
    let outcome = trial.outcome();
    let page = TrialPage {
        page: visitor.page("twin", ui.t("nav-twin")),
        trial: line(ui, &trial),
        figures: outcome
            .and_then(|outcome| outcome.as_ref().ok())
            .map(|report| rows(ui, &report.sides))
            .unwrap_or_default(),
        refused: outcome.and_then(|outcome| outcome.as_ref().err()).map(|error| fault::told(ui, error)),
    };
    Ok(ok(&page))
}

/// The report, as a page of its own.
pub async fn report(
    State(center): State<Center>,
    Extension(trials): Extension<Trials>,
    Id(id): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let trial = found(&center, &trials, &visitor, &id)?;
    let Some(Ok(report)) = trial.outcome() else {
        return Err(AppError::not_found("page", ""));
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, REPORT_POLICY),
    ];
    Ok((headers, report.html(visitor.front.ui.lang)).into_response())
}

fn rows(ui: Ui, [now, then]: &[Figures; 2]) -> Vec<Row> {
    #[expect(clippy::cast_possible_truncation, reason = "waits, shown to people")]
    let span = |seconds: f64| ui.millis(&((seconds * 1000.0).round() as i64));
    let share = |share: f64| format!("{:.1} %", share * 100.0);
    let hours = |card_time: CardMs| ui.plain_hours(&card_time);
    // Of what reads the same, or of no jobs at all, neither side is better.
    let have_jobs = now.jobs > 0 && then.jobs > 0;
    let row = |key: &str, of: &dyn Fn(&Figures) -> String, better: std::cmp::Ordering| {
        let (now, then) = (of(now), of(then));
        let look = match better {
            std::cmp::Ordering::Greater if have_jobs && now != then => "good",
            std::cmp::Ordering::Less if have_jobs && now != then => "bad",
            _ => "",
        };
        Row { name: ui.t(key), now, then, look }
    };
    let same = std::cmp::Ordering::Equal;
    let less = |of: fn(&Figures) -> f64| of(now).total_cmp(&of(then));
    let mut rows = vec![
        row("twin-jobs", &|side| ui.count(side.jobs), same),
        row("twin-cards", &|side| ui.count(side.cards), same),
        row("twin-mean-wait", &|side| span(side.average_wait_s), less(|side| side.average_wait_s)),
        row("twin-p95-wait", &|side| span(side.wait_s.p95), less(|side| side.wait_s.p95)),
        row("twin-max-wait", &|side| span(side.max_wait_s), less(|side| side.max_wait_s)),
        row(
            "twin-slowdown",
            &|side| format!("{:.2}", side.average_bounded_slowdown),
            less(|side| side.average_bounded_slowdown),
        ),
        row("twin-utilization", &|side| share(side.utilization), less(|side| -side.utilization)),
        row("twin-fairness", &|side| format!("{:.3}", side.fairness), less(|side| -side.fairness)),
        row("twin-sold", &|side| hours(side.balance.sold()), same),
        row("twin-energy", &|side| ui.count(format!("{:.0}", side.energy_kwh)), same),
    ];
    if [now, then].iter().any(|side| side.node_failures + side.runs_preempted > 0) {
        rows.push(row("twin-failures", &|side| ui.count(side.node_failures), same));
        rows.push(row("twin-runs-lost", &|side| ui.count(side.runs_lost), same));
        rows.push(row("twin-runs-preempted", &|side| ui.count(side.runs_preempted), same));
        rows.push(row("twin-lost", &|side| hours(side.balance.lost), same));
        rows.push(row("twin-down", &|side| hours(side.balance.down), same));
    }
    if [now, then].iter().any(|side| side.jobs_too_wide + side.jobs_given_up > 0) {
        rows.push(row("twin-never", &|side| ui.count(side.jobs_too_wide + side.jobs_given_up), same));
    }
    if [now, then].iter().any(|side| side.jobs_barred > 0) {
        rows.push(row("twin-barred", &|side| ui.count(side.jobs_barred), same));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl TrialRow {
        fn sample(state: &'static str) -> Self {
            Self {
                id: 1,
                at: views::AT,
                by: "li".into(),
                asked: "2 × 8".into(),
                state,
                percent: "40 %".into(),
            }
        }
    }

    impl Sample for TwinPage {
        fn samples(page: &Page) -> Vec<Self> {
            let mut wrong = Form::with(&[("days", "0".into()), ("policy", "luck".into())]);
            wrong.number(page.ui, "days", 1..=9);
            wrong.blame_by(page.ui, "policy", "policy");
            wrong.notice = page.t("refused-twin_is_busy");
            vec![
                Self {
                    page: page.clone(),
                    form: Form::with(&[("days", "30".into()), ("policy", "fcfs".into())]),
                    policies: policies(page.ui),
                    trials: ["running", "succeeded", "failed"].map(TrialRow::sample).into(),
                    is_busy: true,
                },
                Self {
                    page: page.clone(),
                    form: wrong,
                    policies: policies(page.ui),
                    trials: Vec::new(),
                    is_busy: false,
                },
            ]
        }
    }

    impl Sample for TrialPage {
        fn samples(page: &Page) -> Vec<Self> {
            let row =
                |look| Row { name: page.t("twin-mean-wait"), now: "2h".into(), then: "1h".into(), look };
            let sample = |state, figures: Vec<Row>, refused: Option<Told>| Self {
                page: page.clone(),
                trial: TrialRow::sample(state),
                figures,
                refused,
            };
            vec![
                sample("running", Vec::new(), None),
                sample("succeeded", ["good", "bad", ""].map(row).into(), None),
                sample("failed", Vec::new(), Some(views::told(page.ui))),
            ]
        }
    }
}
