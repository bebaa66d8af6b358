//! A job's page: how far it has come, why it waits, what it costs, its log, the cards it ran on.

#[cfg(test)]
mod sample;

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::{Id, encode},
    listing::Listing,
    moment,
    page::{
        extract::{Asked, Sent},
        frame::{Page, Visitor, ok},
        words::{Html, Ui, escape},
    },
};
use domain::{CardSet, JobId, JobStatus, Millis, RunStatus, Timestamp};
use scheduler::Limit;
use serde::Deserialize;

use super::{
    log::{self, Shown},
    runs::{self, RunsPart},
    script::{self, Script},
    table::{ended_badly, took},
};
use crate::{
    actions,
    app::{
        hall,
        jobs::{self, JobDetail, JobName, JobView, RunView},
    },
    center::Center,
    portal::nodes::map::{self, Tile},
};

/// Tasks that are drawn one by one; of larger arrays only the bar.
const MOST_CELLS: u32 = 2000;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobPageQuery {
    run: String,
    /// Of the log.
    stream: String,
    node: String,
    encoding: String,
    q: String,
    more: String,
    at: String,
    /// Of the script.
    script_encoding: String,
    /// The index of a task, whose runs and log are shown.
    task: String,
    /// Of the list of runs.
    state: String,
    cursor: String,
}

struct Why {
    code: String,
    text: String,
    forecast: Html,
    certainty: String,
    ahead: u32,
    waited: String,
    cards: Option<Free>,
}

struct Ended {
    code: String,
    text: String,
    /// The job whose end ruled this one out.
    other: Option<String>,
}

struct Free {
    now: i64,
    missing: i64,
    bar: Html,
}

struct Figure {
    name: String,
    value: Html,
    note: Html,
}

struct Array {
    ended: u32,
    total: u32,
    max_running: Option<u32>,
    bar: Html,
    legend: Vec<(&'static str, String, u32)>,
    cells: Vec<&'static str>,
}

struct Step {
    look: &'static str,
    text: String,
    gap: String,
    when: Html,
}

#[derive(Template)]
#[template(path = "job.html")]
#[allow(clippy::struct_excessive_bools, reason = "each is a part of the page that shows or not")]
pub struct JobPage {
    page: Page,
    job: JobView,
    place: String,
    contract: Option<String>,
    now: Timestamp,
    /// The job whose news alone are a matter of this page; empty where all are.
    follows: String,
    is_live: bool,
    /// The page that is to be kept fresh has the log, and follows it.
    has_log: bool,
    may_submit: bool,
    may_cancel: bool,
    may_see_evidence: bool,
    may_read: bool,
    why: Option<Why>,
    /// Why it ended, where it did not end well.
    ended: Option<Ended>,
    figures: Vec<Figure>,
    array: Option<Array>,
    log: Option<Shown>,
    runs: RunsPart,
    script: Script,
    /// Of what was handed to Slurm directly, which has neither log nor script here.
    direct: Option<String>,
    steps: Vec<Step>,
    tiles: Vec<Tile>,
    cards_text: String,
    cards_virtual: bool,
}

pub async fn page(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<JobPageQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let (center, ui) = (&center, visitor.front.ui);
    let name = JobName::parse(&id)?;
    let (id, mut task) = (name.id, name.one_task()?);
    if task.is_none() && !wanted.task.is_empty() {
        let index =
            wanted.task.parse().map_err(|_| AppError::not_found("task", format!("{id}_{}", wanted.task)));
        task = Some(index?);
    }
    let detail = jobs::show(center, &visitor.caller, &id.into()).await?;
    let of_runs = runs::Wanted { task, state: wanted.state, cursor: wanted.cursor };
    let tasks = detail.spec.array.as_ref().map(|_| detail.job.tasks);
    let runs = runs::list(center, &visitor, id, tasks.is_some(), &of_runs).await?;
    let mut run = wanted.run;
    // The log of the task that is asked for; of an array, else that of the run that is first in the list.
    if let Some(first) = runs.items.first().filter(|_| run.is_empty() && tasks.is_some()) {
        run = first.id.to_string();
    }
    let log_wanted = log::LogPart {
        stream: wanted.stream,
        run,
        node: wanted.node,
        encoding: wanted.encoding,
        q: wanted.q,
        more: wanted.more,
        at: wanted.at,
        ..log::LogPart::default()
    };
    let may_read = visitor.may(center, actions::READ_LOG, Some(detail.job.tenant));
    let log = if may_read { log::shown(center, &visitor, id, &log_wanted).await? } else { None };
    let job = &detail.job;
    let is_live = job.ended_at.is_none();
    let tenant = job.owner.name.in_lang(ui.lang).to_owned();
    let own = job.tenant;
    let (tiles, cards_text) = cards(center, &visitor, id, &runs.items)?;
    let has_log =
        log.as_ref().zip(visitor.front.known.as_ref()).is_some_and(|(log, known)| known.has(&log.part));
    // Why a job waits depends on other jobs as well.
    let follows = if job.verdict.is_some() { String::new() } else { id.to_string() };
    let page = JobPage {
        page: visitor.page("jobs", job.name.clone()),
        place: format!("{tenant} · {}", ui.t1("project-named", "name", &job.project)),
        contract: visitor.may(center, actions::READ_CONTRACT, Some(own)).then(|| job.contract_id.to_string()),
        now: moment::now(),
        follows,
        is_live,
        may_read,
        has_log,
        may_see_evidence: visitor.may(center, actions::READ_LEDGER, Some(own)),
        may_submit: visitor.may(center, actions::SUBMIT_JOB, Some(own))
            && visitor.caller.member.tenant == Some(own)
            && detail.direct.is_none(),
        may_cancel: is_live
            && job.state != JobStatus::Stopping
            && visitor.may(center, actions::CANCEL_JOB, Some(own)),
        why: why(ui, job),
        ended: ended(ui, job),
        figures: figures(ui, &detail, &runs.items, log.as_ref()),
        array: array(ui, &detail),
        log,
        steps: steps(ui, &detail, &runs),
        runs: runs::part(ui, id, tasks.as_ref(), &of_runs, &runs),
        script: script::shown(id, &detail.spec, &wanted.script_encoding)?,
        direct: detail.direct.as_ref().map(|direct| ui.t2("direct-text", direct.number, &direct.user)),
        tiles,
        cards_text,
        cards_virtual: runs.items.iter().any(|run| run.places.iter().any(|place| place.is_virtual)),
        job: detail.job,
    };
    Ok(ok(&page))
}

fn why(ui: Ui, job: &JobView) -> Option<Why> {
    let verdict = job.verdict.as_ref()?;
    let free = match verdict.limit {
        Limit::FreeCards { free, asked } | Limit::Fragmented { free, asked, .. } if free < asked => {
            let (free, asked) = (i64::from(free), i64::from(asked));
            let parts = [("b-left", free), ("b-wait", asked - free)];
            let bar = ui.progress(&parts, &asked, 12, &ui.t1("free-now", "n", free));
            Some(Free { now: free, missing: asked - free, bar })
        }
        _ => None,
    };
    Some(Why {
        code: verdict.code.clone(),
        text: verdict.text.in_lang(ui.lang).to_owned(),
        forecast: match verdict.forecast_start {
            Some(at) => ui.short(at),
            None => Html(escape(ui.t("forecast-none"))),
        },
        certainty: ui.word("certainty", verdict.certainty),
        ahead: verdict.ahead,
        waited: took(ui, Some(job.submitted_at), None),
        cards: free,
    })
}

fn ended(ui: Ui, job: &JobView) -> Option<Ended> {
    let reason = job.reason.as_ref().filter(|_| job.state != JobStatus::Succeeded)?;
    let other = reason.values["job"].as_str().map(str::to_owned);
    Some(Ended { code: reason.code.clone(), text: ended_badly(ui, job), other })
}

fn figures(ui: Ui, detail: &JobDetail, runs: &[RunView], log: Option<&Shown>) -> Vec<Figure> {
    let job = &detail.job;
    let text = |text: String| Html(escape(text));
    let limit = Millis(detail.time_limit_ms);
    // What it has, as soon as it runs: it may be more than it asks for at least.
    let of_run =
        runs.first().map(|run| (run.places.len(), run.places.iter().map(|at| at.card_indices.len()).sum()));
    let asked = || {
        let nodes = job.nodes as usize;
        (nodes, nodes * job.cards_per_node as usize)
    };
    let (nodes, cards): (usize, usize) = of_run.unwrap_or_else(asked);
    let per_node =
        if nodes > 0 && cards.is_multiple_of(nodes) { (cards / nodes).to_string() } else { "…".into() };
    let mut figures = Vec::new();
    let mut add = |key: &str, value: Html, note: Html| figures.push(Figure { name: ui.t(key), value, note });
    if job.started_at.is_some() {
        let elapsed = took(ui, job.started_at, job.ended_at);
        add("duration", text(elapsed), text(ui.t1("limit-of", "time", ui.span(limit))));
    } else {
        add("time-limit", text(ui.span(limit)), Html::default());
    }
    let of = Html(format!(r#"{cards}<span class="unit">= {nodes} × {per_node}</span>"#));
    let model = detail.spec.card_model.clone().unwrap_or_default();
    let is_virtual = runs.iter().any(|run| run.places.iter().any(|place| place.is_virtual));
    add("cards", of, Html(format!("{} {}", escape(model), ui.virt(is_virtual)).trim().to_owned()));
    if job.started_at.is_some() {
        add("used", ui.hours(&job.used_card_ms), Html::default());
        let rate = runs.first().map(|run| run.rate_micro_cny_per_card_hour);
        let note = match (rate, detail.most_micro_cny) {
            (Some(rate), Some(most)) => text(ui.t2("rate-and-most", rate.0, most)),
            (Some(rate), None) => text(ui.t1("rate-alone", "a", rate.0)),
            (None, _) => Html::default(),
        };
        add("charge", ui.yuan(&job.charge_micro_cny), note);
    }
    if let Some(accuracy) = log.and_then(|log| log.accuracy.clone()) {
        add("accuracy", text(accuracy), text(ui.t("from-log")));
    }
    if let Some(code) = detail.exit_code.filter(|_| job.ended_at.is_some() && job.tasks.total == 1) {
        add("exit-code", text(code.to_string()), Html::default());
    }
    figures
}

fn array(ui: Ui, detail: &JobDetail) -> Option<Array> {
    let spec = detail.spec.array.as_ref()?;
    let tasks = &detail.job.tasks;
    let waiting = tasks.waiting();
    let parts = [
        ("b-ok", tasks.succeeded),
        ("b-failed", tasks.failed),
        ("b-wait", tasks.stopped),
        ("b-left", tasks.running),
    ];
    let parts: Vec<(&'static str, i64)> = parts.into_iter().map(|(class, n)| (class, i64::from(n))).collect();
    let label = ui.t2("array-ended", tasks.ended(), tasks.total);
    let legend = [
        ("task-succeeded", "succeeded", tasks.succeeded),
        ("task-running", "running", tasks.running),
        ("task-failed", "failed", tasks.failed),
        ("task-stopped", "stopped", tasks.stopped),
        ("idle", "queued", waiting),
    ];
    let mut cells = Vec::new();
    if tasks.total <= MOST_CELLS {
        for (look, _, n) in [legend[0], legend[2], legend[3], legend[1], legend[4]] {
            cells.extend(std::iter::repeat_n(look, n as usize));
        }
    }
    Some(Array {
        ended: tasks.ended(),
        total: tasks.total,
        max_running: spec.max_running,
        bar: ui.progress(&parts, &i64::from(tasks.total), 16, &label),
        legend: legend.into_iter().map(|(look, state, n)| (look, ui.word("state", state), n)).collect(),
        cells,
    })
}

/// The map of the cards that its runs have, or that its newest run had.
fn cards(
    center: &Center,
    visitor: &Visitor,
    id: JobId,
    runs: &[RunView],
) -> Result<(Vec<Tile>, String), AppError> {
    let mut own = hall::cards_of_job(center, &visitor.caller, id)?;
    if own.is_empty() {
        let Some(newest) = runs.first() else { return Ok((Vec::new(), String::new())) };
        own = newest
            .places
            .iter()
            .map(|place| (place.node.clone(), place.card_indices.iter().copied().collect::<CardSet>()))
            .collect::<BTreeMap<_, _>>();
    }
    let mut text: Vec<String> = own.iter().take(6).map(|(node, cards)| format!("{node} {cards}")).collect();
    if own.len() > 6 {
        text.push("…".to_owned());
    }
    let tiles = map::job_tiles(visitor.front.ui, &hall::list(center, &visitor.caller)?, &own);
    Ok((tiles, text.join(", ")))
}

/// The steps of a job, in order. Of an array, or of a job with more runs than the page has, only the job's
/// first start and end.
fn steps(ui: Ui, detail: &JobDetail, runs: &Listing<RunView>) -> Vec<Step> {
    let job = &detail.job;
    let step = |look, text: String, when: Html| Step { look, text, gap: String::new(), when };
    let mut steps = vec![step("done", ui.t("submitted"), ui.short(job.submitted_at))];
    let mut before = job.submitted_at.0;
    let is_array = detail.spec.array.is_some();
    if is_array || runs.next_cursor.is_some() {
        if let Some(at) = job.started_at {
            let gap = ui.t1("waited-for", "time", ui.span(at.0.since(before)));
            steps.push(Step { look: "done", text: ui.t("first-started"), gap, when: ui.short(at) });
        }
    } else {
        for run in runs.items.iter().rev() {
            let n = run.attempt;
            if let Some(at) = run.started_at {
                let gap = ui.t1("waited-for", "time", ui.span(at.0.since(before)));
                let look = if run.ended_at.is_some() { "done" } else { "now" };
                steps.push(Step { look, text: ui.t1("attempt-started", "n", n), gap, when: ui.short(at) });
            }
            if let Some(at) = run.ended_at {
                before = at.0;
                let look = if run.state == RunStatus::Succeeded { "done" } else { "bad" };
                let text = ui.t2("attempt-ended", n, ui.word("state", run.state));
                steps.push(step(look, text, ui.short(at)));
            }
        }
    }
    match (job.ended_at, job.state) {
        (Some(at), state) => {
            let look = if state == JobStatus::Succeeded { "done" } else { "bad" };
            steps.push(step(look, ui.t1("job-ended-as", "state", ui.word("state", state)), ui.short(at)));
        }
        (None, JobStatus::Queued) => {
            steps.push(step(
                "now",
                ui.t("waits-for-cards"),
                Html(escape(took(ui, Some(job.submitted_at), None))),
            ));
            if let Some(at) = job.verdict.as_ref().and_then(|verdict| verdict.forecast_start) {
                steps.push(step("next", ui.t("forecast-start"), ui.short(at)));
            }
        }
        (None, _) => {
            let newest = runs.items.iter().find_map(|run| run.started_at);
            if let (Some(at), false) = (newest, is_array) {
                let latest = at.0.plus(Millis(detail.time_limit_ms));
                steps.push(step("next", ui.t("latest-end"), ui.short(latest)));
            } else {
                steps.push(step("now", ui.word("state", job.state), ui.short(moment::now())));
            }
        }
    }
    steps
}

pub async fn cancel(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    let id = JobName::parse(&id)?;
    jobs::cancel(&center, &visitor.caller, id.clone()).await?;
    Ok(Redirect::to(&format!("/jobs/{}", encode(&id.to_string()))).into_response())
}
