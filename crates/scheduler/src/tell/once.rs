//! One plan, or one dry run, of a snapshot.

use domain::Timestamp;

use super::verdict::{Plan, PlannedStart, TryOut};
use crate::{
    knows::planner::Planner,
    policy::Policy,
    snapshot::{Snapshot, Waiting},
};

/// How many runs a dry run forecasts at least, to find its own start in a long queue.
const DRY_RUN_FORECASTS: u32 = 1024;

/// Plans once. The same snapshot gives the same plan, whatever the order of its lists.
pub fn plan(snapshot: &Snapshot, policy: &Policy, now: Timestamp) -> Plan {
    let mut planner = Planner::of(snapshot, *policy, now);
    let decisions = planner.plan(now);
    let starts = decisions
        .starts
        .into_iter()
        .map(|started| PlannedStart { job: started.job, placement: started.placement });
    Plan { starts: starts.collect(), preemptions: decisions.preemptions, verdicts: planner.verdicts() }
}

/// Tries out `job`: says what [`plan()`] would decide about it if it waited with the others. The job counts
/// from its own `submitted_at`: give it `now`.
pub fn try_out(snapshot: &Snapshot, policy: &Policy, now: Timestamp, job: &Waiting) -> TryOut {
    let policy = Policy { forecast_runs: policy.forecast_runs.max(DRY_RUN_FORECASTS), ..*policy };
    let mut planner = Planner::of(snapshot, policy, now);
    planner.submit(job);
    let decisions = planner.plan(now);
    TryOut {
        starts_now: decisions
            .starts
            .into_iter()
            .find(|start| start.job == job.job)
            .map(|start| start.placement),
        verdict: planner.verdict(job.job),
    }
}
