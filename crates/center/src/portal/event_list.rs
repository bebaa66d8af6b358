//! What happened, in order: a line each.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    approval::actions::CHANGED,
    error::AppError,
    events::Event,
    http::encode,
    moment,
    page::{
        extract::Asked,
        frame::{Page, Visitor, ok},
        words::{Html, Ui, escape},
    },
};
use domain::{JobId, Timestamp};
use serde::Deserialize;

use crate::{app::events, budget, center::Center, event_kinds, invitation, period};

/// Something that happened, in one line.
pub struct EventLine {
    pub at: Timestamp,
    pub html: Html,
}

#[derive(Template)]
#[template(path = "events.html")]
pub struct EventsPage {
    page: Page,
    now: Timestamp,
    events: Vec<EventLine>,
    shown: String,
    newest: String,
    older: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct EventsQuery {
    cursor: String,
}

/// The newest events, page by page.
pub async fn page(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<EventsQuery>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let (found, names) = events::newest_first(&center, &visitor.caller, Some(&wanted.cursor)).await?;
    let page = EventsPage {
        now: moment::now(),
        events: lines(ui, &found.items, &names).collect(),
        shown: ui.shown_of(found.items.len(), found.total),
        newest: if wanted.cursor.is_empty() { String::new() } else { "/events".to_owned() },
        older: found.next_cursor.map(|next| format!("/events?cursor={}", encode(&next))).unwrap_or_default(),
        page: visitor.page("overview", ui.t("events")),
    };
    Ok(ok(&page))
}

// The kinds of events, to match by.
const JOB_SUBMITTED: &str = event_kinds::JOB_SUBMITTED.code();
const JOB_STOPPING: &str = event_kinds::JOB_STOPPING.code();
const TASKS_CANCELLED: &str = event_kinds::TASKS_CANCELLED.code();
const JOB_ENDED: &str = event_kinds::JOB_ENDED.code();
const RUN_STARTED: &str = event_kinds::RUN_STARTED.code();
const RUN_ENDED: &str = event_kinds::RUN_ENDED.code();
const CONTRACT_CHANGED: &str = event_kinds::CONTRACT_CHANGED.code();
const NODE_CHANGED: &str = event_kinds::NODE_CHANGED.code();
const APPLICATION_CHANGED: &str = CHANGED.code();
const MEMBER_JOINED: &str = invitation::rule::MEMBER_JOINED.code();
const BUDGET_ALERT: &str = budget::rule::ALERT.code();
const PERIOD_CLOSED: &str = period::rule::CLOSED.code();

/// Events as lines, newest first.
pub fn lines(
    ui: Ui,
    events: &[Event],
    job_names: &BTreeMap<JobId, String>,
) -> impl Iterator<Item = EventLine> {
    events.iter().map(move |event| line(ui, event, job_names))
}

/// [`lines`] without the ends of runs, which say nothing beside the end of their job, unless the center lost the run.
pub fn lines_in_short(
    ui: Ui,
    events: &[Event],
    job_names: &BTreeMap<JobId, String>,
) -> impl Iterator<Item = EventLine> {
    let tells = |event: &&Event| {
        event.kind != RUN_ENDED || event.data.get("outcome").is_some_and(|outcome| outcome == "lost")
    };
    events.iter().filter(tells).map(move |event| line(ui, event, job_names))
}

/// An event in the page's language, with links to what it is about.
fn line(ui: Ui, event: &Event, names: &BTreeMap<JobId, String>) -> EventLine {
    let text = |name: &str| event.data.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let code = match event.kind.as_str() {
        JOB_SUBMITTED => "queued",
        JOB_STOPPING => "stopping",
        TASKS_CANCELLED => "cancelled",
        RUN_STARTED => "running",
        JOB_ENDED | RUN_ENDED => text("outcome"),
        _ => text("state"),
    };
    let state = match event.kind.as_str() {
        NODE_CHANGED => ui.node_state(code),
        PERIOD_CLOSED => ui.tag("period-state", code),
        APPLICATION_CHANGED => ui.tag("application-state", code),
        MEMBER_JOINED => ui.tag("role", text("role")),
        BUDGET_ALERT => ui.tag("budget-whose", text("whose")),
        // Its words say how the thing stands.
        _ if !text("href").is_empty() => Html::default(),
        _ => ui.state(code),
    };
    let job = event.job.map(|id| {
        let name = names.get(&id).cloned().unwrap_or_default();
        format!(r#"<a href="/jobs/{id}">{}</a>"#, escape(name))
    });
    let about = match (event.kind.as_str(), job) {
        (CONTRACT_CHANGED, _) => {
            let (id, number) = (escape(text("contract")), escape(text("number")));
            format!(r#"{} <a href="/contracts/{id}">{number}</a>"#, escape(ui.t("contract")))
        }
        (NODE_CHANGED, _) => {
            let (node, reason) = (escape(text("node")), escape(text("reason")));
            format!(r#"{} <a href="/nodes/{node}">{node}</a> {reason}"#, escape(ui.t("node")))
        }
        (PERIOD_CLOSED, _) => {
            let month = escape(text("month"));
            format!(r#"<a href="/periods/{month}">{}</a>"#, escape(ui.t1("period-of", "month", &month)))
        }
        (APPLICATION_CHANGED, _) => {
            let number = escape(text("number"));
            format!(r#"<a href="/applications/{number}">{number}</a>"#)
        }
        (MEMBER_JOINED, _) => {
            let (id, login) = (escape(text("member")), escape(text("login")));
            format!(r#"<a href="/people/members/{id}">{login}</a>"#)
        }
        (BUDGET_ALERT, _) => {
            let (id, name) = (escape(text("budget")), escape(text("name")));
            let share = event.data.get("share").and_then(serde_json::Value::as_u64).unwrap_or_default();
            format!(r#"<a href="/budgets/{id}">{name}</a> {share} %"#)
        }
        (_, Some(job)) => job,
        // An event of another platform's says itself which page is about it.
        (_, None) if !text("href").is_empty() => {
            format!(r#"<a href="{}">{}</a>"#, escape(text("href")), escape(text("name")))
        }
        (_, None) => String::new(),
    };
    let what = escape(ui.word("event", event.kind.replace('_', "-")));
    EventLine { at: event.at.0, html: Html(format!("{state} {about} {what}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for EventsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let of = |is_full: bool| Self {
                page: page.clone(),
                now: views::AT,
                events: if is_full { views::events(page.ui) } else { Vec::new() },
                shown: page.t2("shown-of", 1, 9),
                newest: if is_full { "/events".into() } else { String::new() },
                older: if is_full { "/events?cursor=1".into() } else { String::new() },
            };
            vec![of(true), of(false)]
        }
    }
}
