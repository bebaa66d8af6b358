//! The decisions of a plan: runs to start, and runs to end before their time.

use domain::{JobId, Placement, RunId, Timestamp};

use crate::knows::planner::Ticket;

/// The changes that a plan makes.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// In the order of the decisions. An array may be in the list several times, once a task.
    pub starts: Vec<Started>,
    pub preemptions: Vec<Preemption>,
}

/// A run to start now. The planner takes it as running from now on.
#[derive(Clone, Debug)]
pub struct Started {
    pub ticket: Ticket,
    pub job: JobId,
    pub cards: u32,
    /// Empty where only cards are counted.
    pub placement: Placement,
    pub expected_end: Timestamp,
}

/// A run to end before its time, so that a queue gets its guaranteed cards back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Preemption {
    #[serde(skip)]
    pub ticket: Ticket,
    pub run: Option<RunId>,
    pub job: JobId,
    /// The job that gets the cards.
    pub for_job: JobId,
    /// When the run is stopped if it has not ended by itself.
    pub ends_at: Timestamp,
}
