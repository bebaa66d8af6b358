//! The plan loop: the planner is told of changes and plans; its starts are committed, then launched.

use std::{
    collections::HashMap,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use domain::{JobId, RunId, run::StopCause};
use scheduler::{Decisions, Policy, Ticket};

use crate::{
    app::runs::{
        launching,
        starting::{self, Launch},
        stopping,
    },
    center::Center,
    wakers::{PLAN, sleep},
};
use base::moment;

/// Plans at least this often, so that what depends on time alone (a contract's term) is seen.
pub const AT_LEAST_EVERY: Duration = Duration::from_secs(5);
/// Between two plans passes this many times what making the last one took, so that planning takes a bounded share of a
/// processor however long the queue is.
const PAUSE_PER_PLAN: u32 = 2;
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// After a plan on cards that are not free yet none is shorter: what comes meanwhile is planned together, and committed at once.
const PAUSE_AHEAD: Duration = Duration::from_millis(20);

pub fn run(center: &Center, called: &Receiver<()>) {
    let policy = center.settings.planning();
    let mut pause_until = Instant::now();
    while sleep(called, AT_LEAST_EVERY) && !center.compute.wakers.is_stopping() {
        std::thread::sleep(pause_until.saturating_duration_since(Instant::now()));
        // Whoever called during the pause is heard by this plan.
        let _at_most_one = called.try_recv();
        let began = Instant::now();
        let decisions = make(center);
        let took = began.elapsed();
        center.metrics.plan_seconds.observe(took.as_secs_f64());
        // Carrying it out takes longer, but most of that is waiting for the disk: it is a part of the pause.
        pause_until = Instant::now() + (took * PAUSE_PER_PLAN).min(LONGEST_PAUSE);
        let is_more = carry_out(center, decisions, &policy);
        if is_more || plan_ahead(center, &policy, &mut pause_until) {
            center.compute.wakers.plan();
        }
        center.loops.turned(PLAN, began.elapsed());
    }
}

/// Plans once, and carries it out. Says whether there is more to start than was started.
pub fn once(center: &Center) -> bool {
    carry_out(center, make(center), &center.settings.planning())
}

/// One plan.
fn make(center: &Center) -> Decisions {
    let now = moment::now();
    let mut planner = center.compute.planner();
    center.live().tell(&mut planner, now);
    planner.plan(now)
}

/// Where work is left that found no cards, it is planned on those of runs that will be over soon, so that the engine has it
/// by then. Says whether there is more to start than was started.
fn plan_ahead(center: &Center, policy: &Policy, pause_until: &mut Instant) -> bool {
    let lent = {
        let mut live = center.live();
        if live.has_work() { live.lend() } else { Vec::new() }
    };
    if lent.is_empty() {
        return false;
    }
    let began = Instant::now();
    // Planning ahead preempts nothing: the start may not happen.
    center.compute.planner().set_policy(Policy { reclaims: false, ..*policy });
    let decisions = make(center);
    center.compute.planner().set_policy(*policy);
    *pause_until += (began.elapsed() * PAUSE_PER_PLAN).clamp(PAUSE_AHEAD, LONGEST_PAUSE);
    let is_more = carry_out(center, decisions, policy);
    center.live().take_back(&lent);
    is_more
}

/// Commits and launches. Says whether there is more to start than was started.
fn carry_out(center: &Center, decisions: Decisions, policy: &Policy) -> bool {
    let preempted: Vec<RunId> =
        decisions.preemptions.iter().filter_map(|preemption| preemption.run).collect();
    if !preempted.is_empty() {
        stopping::stop(center, preempted, StopCause::Preempted);
    }
    if decisions.starts.is_empty() {
        return false;
    }
    let is_full = u32::try_from(decisions.starts.len()).unwrap_or(u32::MAX) >= policy.max_starts;
    let decided: Vec<(Ticket, JobId)> =
        decisions.starts.iter().map(|start| (start.ticket, start.job)).collect();
    let launches = starting::start(center, decisions.starts).unwrap_or_else(|error| {
        tracing::error!(%error, "failed to commit a plan; it is planned anew");
        center.loops.failed(PLAN, &error);
        Vec::new()
    });
    settle(center, &decided, &launches);
    let launches: Vec<Launch> = launches.into_iter().map(|(_, launch)| launch).collect();
    launching::launch(center, &launches);
    is_full || (!launches.is_empty() && launches.len() < decided.len())
}

/// Tells the planner which of the runs that it started there are, and which there are not: their jobs wait again.
fn settle(center: &Center, decided: &[(Ticket, JobId)], launches: &[(Ticket, Launch)]) {
    let now = moment::now();
    let known: HashMap<Ticket, &Launch> = launches.iter().map(|(ticket, launch)| (*ticket, launch)).collect();
    let mut planner = center.compute.planner();
    let mut live = center.live();
    for (ticket, job) in decided {
        if let Some(launch) = known.get(ticket) {
            let limit = center.settings.time_limit(&launch.job.spec);
            planner.confirm(*ticket, launch.run.id, now.plus(limit));
        } else {
            planner.end(*ticket, now);
            live.job_not_started(*job);
        }
    }
}
