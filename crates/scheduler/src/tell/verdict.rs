//! The plan 计划 of a snapshot, and verdicts: why a job waits, and for how long.

use domain::{JobId, Placement, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{limit::Limit, plan::decisions::Preemption};

/// The runs that start and end, and why the other jobs wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In the order of the decisions. An array may be in the list several times, once a task.
    pub starts: Vec<PlannedStart>,
    /// Runs to end before their time, so that queues get their guaranteed cards back.
    pub preemptions: Vec<Preemption>,
    /// One for every job that still has waiting tasks, in planning order.
    pub verdicts: Vec<Verdict>,
}

/// One run to start now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedStart {
    pub job: JobId,
    pub placement: Placement,
}

/// The result of a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TryOut {
    /// Where the job's first run would start at once.
    pub starts_now: Option<Placement>,
    /// Why the job, or the rest of its tasks, would wait.
    pub verdict: Option<Verdict>,
}

/// Why a job waits, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub job: JobId,
    pub limit: Limit,
    /// How many earlier jobs in the planning order also wait for cards or for their contract's limit. Jobs
    /// that can't start for reasons of their own (dependency, closed contract, never fits) are not ahead of
    /// anybody.
    pub ahead: u32,
    /// When the job, or the next of its tasks, is expected to start.
    pub forecast_start: Option<Timestamp>,
    pub certainty: Certainty,
}

domain::codes! {
    /// How certain a forecast start is.
    pub enum Certainty {
        /// Cards are held for the job. It starts then or earlier, as long as runs keep to their time limits,
        /// nodes stay up and no job comes before it in the order.
        Exact = "exact",
        /// The planning order was run forward on the time limits, with backfill. Runs that end early bring the
        /// start forward; jobs that come later and rank before this one put it back.
        Estimate = "estimate",
        /// No forecast: the job is too far back in the order, or waits for something without a known end.
        Unknown = "unknown",
    }
}

impl Verdict {
    /// The limit's name in the API.
    pub fn code(&self) -> &'static str {
        self.limit.code()
    }
}
