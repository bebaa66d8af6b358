//! The table of jobs, as several pages show it.

use base::{moment, page::words::Ui};
use domain::{JobStatus, MicroCny, Rfc3339, ServiceClass, Timestamp};

use crate::app::jobs::JobView;

/// Rows, and which columns they have.
#[derive(Clone, Debug, Default)]
pub struct JobTable {
    pub rows: Vec<JobLine>,
    pub with_tenant: bool,
    pub with_why: bool,
    /// Rows can be picked.
    pub with_select: bool,
    pub sorts: Sorts,
}

/// How the columns are sorted by; none is where the list has one order alone.
#[derive(Clone, Debug, Default)]
pub struct Sorts {
    pub name: Sorting,
    pub state: Sorting,
    pub cards: Sorting,
    pub submitted: Sorting,
    pub duration: Sorting,
    pub charge: Sorting,
}

/// The order by one column.
#[derive(Clone, Debug, Default)]
pub struct Sorting {
    /// Where the list is in that order; empty where it can't be.
    pub href: String,
    pub is_current: bool,
    pub is_downward: bool,
}

#[derive(Clone, Debug)]
pub struct JobLine {
    /// The id of its row, which is one of a kind on the page.
    pub key: String,
    pub id: String,
    pub name: String,
    pub sub: String,
    pub tenant: String,
    pub domain: String,
    pub state: JobStatus,
    pub class: ServiceClass,
    pub asked: String,
    pub why: String,
    pub forecast: String,
    pub submitted_at: Timestamp,
    pub took: String,
    /// It goes on, and so does what it takes.
    pub is_running: bool,
    pub is_started: bool,
    pub is_generated: bool,
    pub charge: MicroCny,
}

impl JobLine {
    /// It has not ended.
    pub fn is_open(&self) -> bool {
        !self.state.has_ended()
    }
}

impl JobTable {
    /// `name` tells the table from others on the page.
    pub fn of(ui: Ui, name: &str, jobs: &[JobView], with_tenant: bool) -> Self {
        let rows: Vec<JobLine> = jobs.iter().map(|job| line(ui, name, job)).collect();
        let with_why = rows.iter().any(|row| !row.why.is_empty());
        Self { rows, with_tenant, with_why, ..Self::default() }
    }
}

fn line(ui: Ui, table: &str, job: &JobView) -> JobLine {
    let mut sub = ui.t1("project-named", "name", &job.project);
    if job.tasks.total > 1 {
        let ended = job.tasks.ended();
        sub = format!("{sub} · {}", ui.t2("array-of", ended, job.tasks.total));
    }
    let (why, forecast) = match &job.verdict {
        Some(verdict) => {
            let mut parts = Vec::new();
            if let Some(at) = verdict.forecast_start {
                parts.push(format!("{} {}", ui.t("forecast"), ui.short_text(at)));
            }
            if verdict.ahead > 0 {
                parts.push(ui.t1("ahead-n", "n", ui.count(verdict.ahead)));
            }
            (verdict.text.in_lang(ui.lang).to_owned(), parts.join(ui.t("comma").as_str()))
        }
        None => (ended_badly(ui, job), String::new()),
    };
    let id = job.id.to_string();
    JobLine {
        // The last digits of an id are its own; the first are the time.
        key: format!("{table}-{}", &id[id.len().saturating_sub(16)..]),
        id,
        name: job.name.clone(),
        sub,
        tenant: job.owner.name.in_lang(ui.lang).to_owned(),
        domain: ui.word("domain", job.owner.domain.code()),
        state: job.state,
        class: job.service_class,
        asked: format!("{} × {}", job.nodes, job.cards_per_node),
        why,
        forecast,
        submitted_at: job.submitted_at.0,
        took: took(ui, job.started_at, job.ended_at),
        is_running: job.started_at.is_some() && job.ended_at.is_none(),
        is_started: job.started_at.is_some(),
        is_generated: job.is_generated,
        charge: job.charge_micro_cny,
    }
}

/// Why a job ended as it did; empty where it ended well, or goes on.
pub fn ended_badly(ui: Ui, job: &JobView) -> String {
    let reason = job.reason.as_ref().filter(|_| job.state != JobStatus::Succeeded);
    reason.map(|reason| reason.text.in_lang(ui.lang).to_owned()).unwrap_or_default()
}

/// How long something has gone on, or went on; empty where it has not begun.
pub fn took(ui: Ui, started_at: Option<Rfc3339>, ended_at: Option<Rfc3339>) -> String {
    let Some(Rfc3339(from)) = started_at else { return String::new() };
    let to = ended_at.map_or_else(moment::now, |at| at.0);
    ui.millis(&to.since(from).0)
}
