//! The runs on a job's page: of an array those that failed first, by state, and of one task.

use base::{
    error::AppError,
    http::encode,
    page::{
        frame::{Tab, Visitor},
        words::Ui,
    },
};
use domain::{CardMs, JobId, MicroCny, Rfc3339, RunStatus, job::Tasks};

use crate::{
    app::jobs::{self, JobName, PlaceView, RunQuery, RunView},
    center::Center,
};
use base::listing::Listing;

/// Runs on one page.
const RUNS: u32 = 20;

pub struct RunLine {
    pub id: String,
    pub short_id: String,
    pub name: String,
    pub state: RunStatus,
    pub note: String,
    pub places: String,
    pub is_virtual: bool,
    pub started_at: Option<Rfc3339>,
    pub elapsed_ms: i64,
    pub used: CardMs,
    pub charge: MicroCny,
}

/// Which runs of a job the page is to show.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The index of a task.
    pub task: Option<u32>,
    /// A state.
    pub state: String,
    pub cursor: String,
}

/// The part of the page with the runs.
#[derive(Default)]
pub struct RunsPart {
    pub lines: Vec<RunLine>,
    /// For arrays.
    pub states: Vec<Tab>,
    /// `20 of 300`.
    pub shown: String,
    pub older: String,
    pub is_array: bool,
    pub task: String,
}

/// An address of the page.
fn href(id: JobId, task: Option<u32>, state: &str, cursor: &str) -> String {
    let task = task.map(|task| task.to_string()).unwrap_or_default();
    let parts = [("task", task.as_str()), ("state", state), ("cursor", cursor)];
    let given = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let given: Vec<String> = given.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if given.is_empty() { format!("/jobs/{id}") } else { format!("/jobs/{id}?{}", given.join("&")) }
}

pub async fn list(
    center: &Center,
    visitor: &Visitor,
    id: JobId,
    is_array: bool,
    wanted: &Wanted,
) -> Result<Listing<RunView>, AppError> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let query = RunQuery {
        state: some(&wanted.state),
        task: wanted.task,
        order: (is_array && wanted.task.is_none()).then(|| "failed_first".to_owned()),
        cursor: some(&wanted.cursor),
        limit: Some(RUNS),
        total: Some(true),
    };
    jobs::list_runs(center, &visitor.caller, &JobName::from(id), query).await
}

pub fn part(ui: Ui, id: JobId, array: Option<&Tasks>, wanted: &Wanted, runs: &Listing<RunView>) -> RunsPart {
    let tab = |state: &str, count: u32| Tab {
        href: href(id, None, state, ""),
        word: if state.is_empty() { ui.t("all") } else { ui.word("state", state) },
        count: if state.is_empty() { String::new() } else { ui.count(count) },
        is_current: wanted.task.is_none() && wanted.state == state,
    };
    let states = array.map(|tasks| {
        let counted = [("failed", tasks.failed), ("running", tasks.running), ("succeeded", tasks.succeeded)];
        let shown = counted.into_iter().filter(|(state, count)| *count > 0 || *state == wanted.state);
        std::iter::once(("", 0)).chain(shown).map(|(state, count)| tab(state, count)).collect()
    });
    let next = runs.next_cursor.as_deref();
    RunsPart {
        lines: runs.items.iter().map(|run| run_line(ui, run, array.is_some())).collect(),
        states: states.unwrap_or_default(),
        shown: ui.shown_of(runs.items.len(), runs.total),
        older: next.map(|next| href(id, wanted.task, &wanted.state, next)).unwrap_or_default(),
        is_array: array.is_some(),
        task: wanted.task.map(|task| task.to_string()).unwrap_or_default(),
    }
}

fn run_line(ui: Ui, run: &RunView, is_array: bool) -> RunLine {
    let id = run.id.to_string();
    let name = if is_array { ui.t1("task-n", "n", run.task) } else { ui.t1("attempt-n", "n", run.attempt) };
    RunLine {
        short_id: ui.short_id(&id),
        id,
        name,
        state: run.state,
        note: match (&run.reason, run.stopping) {
            (Some(reason), _) if run.state != RunStatus::Succeeded => reason.text.in_lang(ui.lang).to_owned(),
            (_, Some(cause)) => ui.word("state", cause),
            _ => String::new(),
        },
        places: places(&run.places),
        is_virtual: run.places.iter().any(|place| place.is_virtual),
        started_at: run.started_at,
        elapsed_ms: run.elapsed_ms,
        used: run.used_card_ms,
        charge: run.charge_micro_cny,
    }
}

/// `hz-01 0-7, hz-02 0-7`, cut where it gets long.
pub fn places(places: &[PlaceView]) -> String {
    let mut text: Vec<String> =
        places.iter().take(4).map(|place| format!("{} {}", place.node, place.cards)).collect();
    if places.len() > 4 {
        text.push(format!("… ({})", places.len()));
    }
    text.join(", ")
}
