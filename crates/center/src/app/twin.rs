//! The digital twin of this center: its own history replayed, as it is and as it might be, in the background.

mod history;
mod trials;

use std::sync::Arc;

use domain::{
    Contract, Millis, PoolId, ServiceClass,
    card::Affinity,
    problem::{Wrong, field},
};
use scheduler::Gate;
use twin::{Failures, Nodes, QueueSetup, ReplayPolicy, Setup, Terms, Trace};

pub use history::history;
pub use trials::{Report, Trial, Trials, WhatIf};

use crate::{actions, center::Center, live::gate};
use base::{auth::Caller, error::AppError, moment, refusal::Refused};

/// The center as it is, over the last 30 days.
pub fn as_it_is(center: &Center) -> WhatIf {
    let nodes = hall(center);
    WhatIf {
        days: 30,
        policy: own_policy(center),
        nodes: nodes.count,
        cards_per_node: nodes.cards_per_node,
        demand_milli: 1000,
        mtbf_hours: None,
        repair_hours: 4,
    }
}

/// How the center plans itself.
fn own_policy(center: &Center) -> ReplayPolicy {
    ReplayPolicy::of(&center.settings.planning())
}

/// The trials that are remembered, newest first.
pub fn list(center: &Center, trials: &Trials, caller: &Caller) -> Result<Vec<Arc<Trial>>, AppError> {
    center.policies.check(caller, actions::READ_CAPACITY, None)?;
    Ok(trials.list())
}

pub fn show(center: &Center, trials: &Trials, caller: &Caller, id: &str) -> Result<Arc<Trial>, AppError> {
    let found = list(center, trials, caller)?.into_iter().find(|trial| trial.id.to_string() == id);
    found.ok_or_else(|| AppError::not_found("trial", id))
}

/// Begins a trial in the background.
pub fn start(
    center: &Center,
    trials: &Trials,
    caller: &Caller,
    what: WhatIf,
) -> Result<Arc<Trial>, AppError> {
    center.policies.check(caller, actions::READ_CAPACITY, None)?;
    if what.nodes == 0 {
        return Err(AppError::invalid(field::NODES, Wrong::NoNodesToTry));
    }
    let trial = trials.add(moment::now(), caller.member.login.clone(), what)?;
    let (for_thread, center) = (trial.clone(), center.clone());
    let spawned = std::thread::Builder::new()
        .name("twin".into())
        .spawn(move || for_thread.end(run(&center, &for_thread)));
    if let Err(error) = spawned {
        trial.end(Err(AppError::internal(error)));
    }
    Ok(trial)
}

fn run(center: &Center, trial: &Trial) -> Result<Report, AppError> {
    let what = &trial.what;
    let from = trial.at.minus(Millis::from_hours(24 * i64::from(what.days)));
    let trace = history::read(center, from)?;
    if trace.jobs.is_empty() {
        return Err(Refused::NoHistory.into());
    }
    let now = Setup { queues: queues(center, &trace), ..Setup::on(hall(center), own_policy(center)) };
    let then_nodes = Nodes { count: what.nodes, cards_per_node: what.cards_per_node, ..hall(center) };
    let failures = what.mtbf_hours.map(|mtbf_hours| Failures {
        mtbf: Millis::from_hours(i64::from(mtbf_hours)),
        repair: Millis::from_hours(i64::from(what.repair_hours)),
        seed: 1,
    });
    let then = Setup { queues: now.queues.clone(), failures, ..Setup::on(then_nodes, what.policy) };
    let more = twin::generate::scaled(&trace, what.demand_milli, 1);
    trial.set_total((trace.jobs.len() + more.jobs.len()) as u64);
    let before = trace.jobs.len() as u64;
    let one = |trace: &Trace, setup: &Setup, before: u64| {
        let mut tell = |jobs: u64| trial.set_done(before + jobs);
        twin::figures(trace, &twin::replay(trace, setup, &mut tell), &Terms::default())
    };
    let sides = [one(&trace, &now, 0), one(&more, &then, before)];
    Ok(Report::new(sides, trace))
}

/// The center's nodes, taken as all alike: of the kind that most are of.
fn hall(center: &Center) -> Nodes {
    let live = center.live();
    let mut kinds: std::collections::BTreeMap<(u8, usize), (u32, Affinity)> =
        std::collections::BTreeMap::new();
    for known in live.nodes() {
        let affinity = live.pool(known.node.pool).map(|pool| pool.model.affinity).unwrap_or_default();
        let ring = known.node.rings.first().map_or(0, |ring| ring.len() as usize);
        kinds.entry((known.node.cards, ring)).or_insert((0, affinity)).0 += 1;
    }
    let (&(cards_per_node, ring), &(_, affinity)) =
        kinds.iter().max_by_key(|(_, (count, _))| *count).unwrap_or((&(8, 8), &(0, Affinity::Any)));
    Nodes {
        count: u32::try_from(live.nodes().len()).unwrap_or(u32::MAX),
        cards_per_node,
        affinity,
        ring_len: u8::try_from(ring).unwrap_or(cards_per_node).max(1),
        nodes_per_switch: 32,
    }
}

/// The terms that contracts give their queues, by the trace's numbers, and which jobs they let start, as the
/// center stands now. Alliances beyond the 256th count as none.
fn queues(center: &Center, trace: &Trace) -> Vec<QueueSetup> {
    let (live, now) = (center.live(), moment::now());
    let mut queues = vec![QueueSetup::default(); trace.queues.len()];
    for known in live.contracts() {
        let number =
            trace.queues.find(&known.contract.number).and_then(|number| usize::try_from(number).ok());
        let Some(queue) = number.and_then(|number| queues.get_mut(number)) else { continue };
        let terms = known.contract.queue;
        let alliance = live.tenant(known.contract.tenant).and_then(|tenant| tenant.alliance);
        *queue = QueueSetup {
            weight: terms.weight,
            guaranteed_cards: terms.guaranteed_cards,
            borrowing_limit: terms.borrowing_limit,
            lending_limit: terms.lending_limit,
            alliance: alliance.and_then(|id| live.alliances().position(|known| known == id)?.try_into().ok()),
            is_shut: gate(&known.contract, now) != Gate::Open,
            unpriced: unpriced(&live.unpriced(&known.contract, now), &known.contract),
        };
    }
    queues
}

/// The classes that have no price in any of the contract's pools.
fn unpriced(without: &[(ServiceClass, PoolId)], contract: &Contract) -> [bool; ServiceClass::ALL.len()] {
    ServiceClass::ALL.map(|class| contract.pools.iter().all(|pool| without.contains(&(class, *pool))))
}
