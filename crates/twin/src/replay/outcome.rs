//! The outcome of a replay.

use domain::CardMs;

use super::setup::Setup;

/// The run of a job, in milliseconds of the trace. A job whose run was cut short is run anew from its
/// beginning; this is its last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunTimes {
    pub start_ms: i64,
    pub end_ms: i64,
}

/// The runs of a trace's jobs in a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayOutcome {
    pub setup: Setup,
    /// For each job of the trace; `None` for a job that asks for more cards than there are, or was given up.
    pub runs: Vec<Option<RunTimes>>,
    pub interruptions: Interruptions,
}

/// The runs that were cut short, and the nodes that were out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interruptions {
    pub node_failures: u64,
    /// Runs that ended because one of their nodes failed.
    pub runs_lost: u64,
    /// Runs that were told to end for a queue that got its guaranteed cards back.
    pub runs_preempted: u64,
    /// Jobs under which nodes failed so often that they were given up; they have no run.
    pub jobs_given_up: u64,
    /// When the last run was cut short, in milliseconds of the trace.
    pub last_ms: Option<i64>,
    /// The card time that the runs which were cut short had used.
    pub lost: CardMs,
    /// The card time of nodes that were out, until the last run ended.
    pub down: CardMs,
}
