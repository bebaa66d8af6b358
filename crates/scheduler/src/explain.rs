//! For each job that waits: the limit that binds when the plan is made.

use std::collections::BTreeMap;

use domain::{ContractState, JobId, Timestamp};

use crate::{
    Block, Certainty, Gate, Limit, Verdict, Waiting,
    forecast::forecast,
    plan::{Pending, Planner},
};

/// One verdict a pending job, in their order. Linear in the jobs; for each shape a few searches besides.
pub(crate) fn explain(planner: &mut Planner) -> Vec<Verdict> {
    let (forecasts, promises) = (forecast(planner), promises(planner));
    let mut ahead = 0;
    let mut verdicts = Vec::with_capacity(planner.pending.len());
    for i in 0..planner.pending.len() {
        let Pending { job, shape, started, tasks } = planner.pending[i];
        let limit = if tasks == 0 {
            own_limit(planner, job, shape, started)
        } else {
            shared_limit(planner, job, shape, ahead)
        };
        let forecast = forecasts.get(ahead as usize).copied().flatten().filter(|_| tasks > 0);
        let (forecast_start, certainty) = match (promises.get(&job.job), forecast) {
            (Some(&start), _) => (Some(start), Certainty::Exact),
            (None, Some(start)) => (Some(start), Certainty::Estimate),
            (None, None) => (None, Certainty::Unknown),
        };
        verdicts.push(Verdict { job: job.job, limit, ahead, forecast_start, certainty });
        ahead += u32::from(tasks > 0);
    }
    verdicts
}

/// From when cards are held for which job; nothing where no forecast is wanted.
fn promises(planner: &Planner) -> BTreeMap<JobId, Timestamp> {
    let held = planner.sites.iter().filter_map(|site| site.held.as_ref());
    held.filter(|_| planner.policy.forecast_runs > 0).map(|held| (held.job, held.start)).collect()
}

/// What lies in the job or its contract.
fn own_limit(planner: &Planner, job: &Waiting, shape: u32, started: u32) -> Limit {
    let shape = &planner.shapes.list[shape as usize];
    if let Some(why) = &shape.misfit {
        return Limit::NeverFits { nodes: job.nodes, cards_per_node: job.cards_per_node, why: why.clone() };
    }
    match planner.accounts[shape.queue as usize].queue.gate {
        Gate::Closed(state) => return Limit::ContractClosed { state },
        Gate::Ended => return Limit::ContractClosed { state: ContractState::Expired },
        Gate::NotYet { starts_at } => return Limit::ContractNotStarted { starts_at },
        Gate::Open => {}
    }
    match job.block {
        Some(Block::Dependency { waits_for, first }) => Limit::Dependency { waits_for, first },
        Some(Block::ArrayLimit { running, limit }) => {
            Limit::ArrayLimit { running: running.saturating_add(started), limit }
        }
        None => unreachable!("a job with nothing in its own way waits for cards"),
    }
}

/// What lies in what others have. Constant once the shape was looked at.
fn shared_limit(planner: &mut Planner, job: &Waiting, index: u32, ahead: u32) -> Limit {
    let end = planner.now.plus(job.time_limit);
    let shape = &planner.shapes.list[index as usize];
    let account = &planner.accounts[shape.queue as usize];
    if let Some(limit) = &shape.nodes_out {
        return limit.clone();
    }
    if account.is_above_limit_with(shape.asked) {
        return Limit::MaxRunningCards { running: account.running, asked: shape.asked, limit: account.limit };
    }
    if let Some(job) = account.keeps_from(shape.asked, end) {
        return Limit::Behind { job, ahead };
    }
    let held = shape.sites.iter().filter_map(|&site| planner.sites[site as usize].held.as_ref());
    let closed = crate::hall::index(held.filter(|held| held.start < end).count());
    let known = shape.limits.iter().find(|(of, _)| *of == closed).map(|(_, limit)| limit.clone());
    let limit = known.unwrap_or_else(|| {
        let limit = card_limit(planner, index, end);
        planner.shapes.list[index as usize].limits.push((closed, limit.clone()));
        limit
    });
    match limit {
        Limit::Behind { job, .. } => Limit::Behind { job, ahead },
        limit => limit,
    }
}

/// What lies in the cards.
fn card_limit(planner: &Planner, shape: u32, end: Timestamp) -> Limit {
    let shape = &planner.shapes.list[shape as usize];
    let (nodes, ask) = (shape.nodes, shape.cards_per_node);
    let sites = || shape.sites.iter().map(|&site| &planner.sites[site as usize]);
    if sites().any(|site| site.open_until(end).fitting(ask) >= nodes) {
        return Limit::MaxStarts { limit: planner.policy.max_starts };
    }
    let fits = |site: &&crate::site::Site| site.hall.fitting(ask) >= nodes;
    if let Some(held) = sites().filter(fits).find_map(|site| site.held.as_ref()) {
        return Limit::Behind { job: held.job, ahead: 0 };
    }
    let most = sites().map(|site| &site.hall).max_by_key(|hall| (hall.free_cards, hall.fitting(ask)));
    let (free, nodes_fitting) = most.map_or((0, 0), |hall| (hall.free_cards, hall.fitting(ask)));
    if free < shape.asked {
        Limit::FreeCards { free, asked: shape.asked }
    } else {
        Limit::Fragmented { free, asked: shape.asked, nodes_fitting, nodes_needed: nodes }
    }
}
