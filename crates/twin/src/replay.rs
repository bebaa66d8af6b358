//! Replaying a trace: when each job would have started.

use domain::Millis;

use crate::{
    plain,
    policy::{Backfill, Order, Policy},
    reference,
    trace::Trace,
};

/// What a trace is replayed on, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// How many cards there are.
    pub cards: u32,
    pub policy: Policy,
    /// In this time past use comes to count half, under fair share.
    pub use_half_life: Millis,
    /// The weight of each queue by its number; 1 for those beyond the list.
    pub weights: Vec<u32>,
}

impl Setup {
    /// With a half-life of seven days and equal weights.
    pub fn new(cards: u32, policy: Policy) -> Self {
        Self { cards, policy, use_half_life: Millis::from_hours(7 * 24), weights: Vec::new() }
    }
}

/// What becomes of a job, in milliseconds of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    pub start_ms: i64,
    pub end_ms: i64,
}

/// What became of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub setup: Setup,
    /// For each job of the trace; `None` for one that asks for more cards than there are.
    pub fates: Vec<Option<Fate>>,
}

/// Replays all of `trace`. `progress` is told now and then how many jobs have been submitted, and at the end all.
pub fn replay(trace: &Trace, setup: &Setup, progress: &mut dyn FnMut(u64)) -> Outcome {
    let starts = match setup.policy {
        Policy { order: Order::Submission, backfill: Backfill::None } => {
            reference::starts(&trace.jobs, setup.cards, false)
        }
        Policy { order: Order::Submission, backfill: Backfill::Easy } => {
            reference::starts(&trace.jobs, setup.cards, true)
        }
        _ => plain::starts(&trace.jobs, setup, progress),
    };
    progress(trace.jobs.len() as u64);
    let fate = |(start, job): (Option<i64>, &crate::TraceJob)| {
        start.map(|start_ms| Fate { start_ms, end_ms: start_ms + job.run_ms })
    };
    Outcome { setup: setup.clone(), fates: starts.into_iter().zip(&trace.jobs).map(fate).collect() }
}
