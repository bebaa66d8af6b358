//! Replaying a trace: when each of its jobs would have started.

pub(crate) mod driver;
pub mod forecasts;
mod ids;
mod interrupter;
pub(crate) mod outcome;
pub mod pack;
pub(crate) mod policy;
pub mod reference;
#[cfg(test)]
mod reference_policies;
pub(crate) mod setup;

use crate::trace::{Trace, TraceJob};
use outcome::{ReplayOutcome, RunTimes};
use setup::Setup;

/// Replays `trace`. `progress` is told now and then how many jobs have been submitted, and at the end that
/// all have.
pub fn replay(trace: &Trace, setup: &Setup, progress: &mut dyn FnMut(u64)) -> ReplayOutcome {
    let (starts, interruptions) = driver::starts(&trace.jobs, setup, progress);
    progress(trace.jobs.len() as u64);
    let times = |(start, job): (Option<i64>, &TraceJob)| {
        start.map(|start_ms| RunTimes { start_ms, end_ms: start_ms + job.run_ms })
    };
    let runs = starts.into_iter().zip(&trace.jobs).map(times).collect();
    ReplayOutcome { setup: setup.clone(), runs, interruptions }
}
