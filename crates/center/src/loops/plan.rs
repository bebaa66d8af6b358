//! The plan loop: a snapshot of what is live, a plan, its starts committed, then launched. It decides nothing itself.

use std::{
    collections::HashMap,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use domain::JobId;
use scheduler::Policy;

use super::sleep;
use crate::{app::runs, center::Center, moment};

/// Plans at least this often, so that what depends on time alone (a contract's term) is seen.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);
/// Between two plans passes this many times what the last one took, so that planning takes a bounded share of a
/// processor however long the queue is.
const PAUSE_PER_PLAN: u32 = 2;
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub fn run(center: &Center, called: &Receiver<()>) {
    let policy = policy(center);
    while sleep(called, AT_LEAST_EVERY) && !center.wakers.is_stopping() {
        let began = Instant::now();
        let more = step(center, &policy);
        let took = began.elapsed();
        center.metrics.plan_seconds.observe(took.as_secs_f64());
        if more {
            center.wakers.plan();
        }
        // Not worth a pause while a plan costs less than a commit.
        if took > Duration::from_millis(2) {
            std::thread::sleep((took * PAUSE_PER_PLAN).min(LONGEST_PAUSE));
        }
    }
}

pub fn policy(center: &Center) -> Policy {
    Policy { use_half_life: center.settings.billing.use_half_life_ms, ..Policy::default() }
}

/// One plan. Says whether there was more to start than it could.
fn step(center: &Center, policy: &Policy) -> bool {
    let now = moment::now();
    let snapshot = center.live().snapshot(policy.use_half_life, now);
    if snapshot.waiting.is_empty() {
        return false;
    }
    let plan = scheduler::plan(&snapshot, policy, now);
    let verdicts: HashMap<JobId, _> =
        plan.verdicts.into_iter().map(|verdict| (verdict.job, verdict)).collect();
    let old = std::mem::replace(&mut center.live().verdicts, verdicts);
    drop(old);
    if plan.starts.is_empty() {
        return false;
    }
    let is_full = u32::try_from(plan.starts.len()).unwrap_or(u32::MAX) >= policy.max_starts;
    match runs::start(center, plan.starts) {
        Ok(launches) => runs::launch(center, &launches),
        Err(error) => tracing::error!(%error, "failed to commit a plan; it is planned anew"),
    }
    is_full
}
