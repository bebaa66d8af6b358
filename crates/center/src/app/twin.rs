//! The digital twin of this center: its own history replayed, as it is and as it might be, in the background.

mod history;

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use domain::{
    Lang, Millis, Timestamp,
    card::Affinity,
    problem::{Wrong, field},
};
use twin::{Failures, Faults, Figures, Nodes, Policy, QueueSetup, Setup, Terms, Trace};

pub use history::history;

use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    moment,
    refusal::Refusal,
};

/// How many are remembered.
const KEPT: usize = 20;
/// How many run at once: the center's own work comes first.
const AT_ONCE: usize = 1;

/// What is to be tried. What it is compared with is the center as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// The history of the last so many days.
    pub days: u32,
    pub policy: Policy,
    pub nodes: u32,
    pub cards_per_node: u8,
    /// How many times the demand, in thousandths.
    pub demand_milli: u32,
    /// After how many hours a node fails, in the mean.
    pub mtbf_hours: Option<u32>,
    pub repair_hours: u32,
}

impl WhatIf {
    /// The center as it is, over the last 30 days.
    pub fn as_it_is(center: &Center) -> Self {
        let nodes = hall(center);
        Self {
            days: 30,
            policy: own_policy(),
            nodes: nodes.count,
            cards_per_node: nodes.cards_per_node,
            demand_milli: 1000,
            mtbf_hours: None,
            repair_hours: 4,
        }
    }
}

/// How the center plans itself.
pub fn own_policy() -> Policy {
    Policy { order: twin::Order::FairShare, backfill: twin::Backfill::Easy }
}

/// One that was asked for.
#[derive(Debug)]
pub struct Trial {
    pub id: u64,
    pub at: Timestamp,
    pub by: String,
    pub what: WhatIf,
    /// Jobs replayed so far, and in all, of both sides; 0 while the history is read.
    done: AtomicU64,
    total: AtomicU64,
    outcome: OnceLock<Result<Report, AppError>>,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// As it is, and as it might be.
    pub sides: [Figures; 2],
    trace: Trace,
}

impl Report {
    /// A page with plots that needs nothing from outside.
    pub fn html(&self, lang: Lang) -> String {
        let mut sides = self.sides.clone();
        let words = if lang == Lang::Zh { ["现在", "届时"] } else { ["now", "then"] };
        for (side, word) in sides.iter_mut().zip(words) {
            word.clone_into(&mut side.label);
        }
        let faults = Faults { lines: self.trace.jobs.len() as u64, ..Faults::default() };
        twin::report::html(&self.trace, &faults, &sides.iter().collect::<Vec<_>>(), lang)
    }
}

impl Trial {
    /// In thousandths.
    pub fn progress(&self) -> u64 {
        let total = self.total.load(Ordering::Relaxed);
        (self.done.load(Ordering::Relaxed) * 1000).checked_div(total).unwrap_or(0).min(1000)
    }

    /// `None` while it runs.
    pub fn outcome(&self) -> Option<&Result<Report, AppError>> {
        self.outcome.get()
    }
}

/// Those that are remembered, newest first. They go with the center's process.
#[derive(Debug, Default)]
pub struct Trials(Mutex<Vec<Arc<Trial>>>);

impl Trials {
    fn list(&self) -> Vec<Arc<Trial>> {
        self.0.lock().expect("no panic while holding the trials").clone()
    }

    fn add(&self, trial: impl FnOnce(u64) -> Trial) -> Result<Arc<Trial>, AppError> {
        let mut trials = self.0.lock().expect("no panic while holding the trials");
        if trials.iter().filter(|trial| trial.outcome().is_none()).count() >= AT_ONCE {
            return Err(AppError::refused(
                Refusal::TwinIsBusy,
                "the twin is at work on another question",
                "wait for it to end, or ask on your own machine with `qiantang twin`",
            ));
        }
        let trial = Arc::new(trial(trials.first().map_or(1, |newest| newest.id + 1)));
        trials.insert(0, trial.clone());
        trials.truncate(KEPT);
        Ok(trial)
    }
}

pub fn list(center: &Center, caller: &Caller) -> Result<Vec<Arc<Trial>>, AppError> {
    center.policies.check(caller, Action::ReadCapacity, None)?;
    Ok(center.trials.list())
}

pub fn show(center: &Center, caller: &Caller, id: &str) -> Result<Arc<Trial>, AppError> {
    let found = list(center, caller)?.into_iter().find(|trial| trial.id.to_string() == id);
    found.ok_or_else(|| AppError::not_found("trial", id))
}

/// Begins one in the background.
pub fn start(center: &Center, caller: &Caller, what: WhatIf) -> Result<Arc<Trial>, AppError> {
    center.policies.check(caller, Action::ReadCapacity, None)?;
    if what.nodes == 0 {
        return Err(AppError::invalid(field::NODES, Wrong::NoNodesToTry));
    }
    let trial = center.trials.add(|id| Trial {
        id,
        at: moment::now(),
        by: caller.member.login.clone(),
        what,
        done: AtomicU64::new(0),
        total: AtomicU64::new(0),
        outcome: OnceLock::new(),
    })?;
    let (for_thread, center) = (trial.clone(), center.clone());
    let spawned = std::thread::Builder::new().name("twin".into()).spawn(move || {
        let outcome = run(&center, &for_thread);
        let _only_once = for_thread.outcome.set(outcome);
    });
    if let Err(error) = spawned {
        let _only_once = trial.outcome.set(Err(AppError::Internal(error.to_string())));
    }
    Ok(trial)
}

fn run(center: &Center, trial: &Trial) -> Result<Report, AppError> {
    let what = &trial.what;
    let from = trial.at.minus(Millis::from_hours(24 * i64::from(what.days)));
    let trace = history::read(center, from)?;
    if trace.jobs.is_empty() {
        return Err(AppError::refused(
            Refusal::NoHistory,
            "no run has ended in that time",
            "take more days, or replay a trace with `qiantang twin`",
        ));
    }
    let now = Setup { queues: queues(center, &trace), ..Setup::on(hall(center), own_policy()) };
    let then_nodes = Nodes { count: what.nodes, cards_per_node: what.cards_per_node, ..hall(center) };
    let failures = what.mtbf_hours.map(|mtbf_hours| Failures {
        mtbf: Millis::from_hours(i64::from(mtbf_hours)),
        repair: Millis::from_hours(i64::from(what.repair_hours)),
        seed: 1,
    });
    let then = Setup { queues: now.queues.clone(), failures, ..Setup::on(then_nodes, what.policy) };
    let more = twin::generate::scaled(&trace, what.demand_milli, 1);
    trial.total.store((trace.jobs.len() + more.jobs.len()) as u64, Ordering::Relaxed);
    let before = trace.jobs.len() as u64;
    let one = |trace: &Trace, setup: &Setup, before: u64| {
        let mut tell = |jobs: u64| trial.done.store(before + jobs, Ordering::Relaxed);
        twin::figures(trace, &twin::replay(trace, setup, &mut tell), &Terms::default())
    };
    let sides = [one(&trace, &now, 0), one(&more, &then, before)];
    Ok(Report { sides, trace })
}

/// The center's nodes, taken as all alike: of the kind that most are of.
fn hall(center: &Center) -> Nodes {
    let live = center.live();
    let mut kinds: std::collections::BTreeMap<(u8, usize), (u32, Affinity)> =
        std::collections::BTreeMap::new();
    for known in live.nodes.values() {
        let affinity = live.pools.get(&known.node.pool).map(|pool| pool.model.affinity).unwrap_or_default();
        let ring = known.node.rings.first().map_or(0, |ring| ring.len() as usize);
        kinds.entry((known.node.cards, ring)).or_insert((0, affinity)).0 += 1;
    }
    let (&(cards_per_node, ring), &(_, affinity)) =
        kinds.iter().max_by_key(|(_, (count, _))| *count).unwrap_or((&(8, 8), &(0, Affinity::Any)));
    Nodes {
        count: u32::try_from(live.nodes.len()).unwrap_or(u32::MAX),
        cards_per_node,
        affinity,
        ring_len: u8::try_from(ring).unwrap_or(cards_per_node).max(1),
        nodes_per_switch: 32,
    }
}

/// What the contracts give their queues, by the trace's numbers. Alliances beyond the 256th count as none.
fn queues(center: &Center, trace: &Trace) -> Vec<QueueSetup> {
    let live = center.live();
    let mut queues = vec![QueueSetup::default(); trace.queues.len()];
    for known in live.contracts.values() {
        let number =
            trace.queues.find(&known.contract.number).and_then(|number| usize::try_from(number).ok());
        let Some(queue) = number.and_then(|number| queues.get_mut(number)) else { continue };
        let terms = known.contract.queue;
        let alliance = live.tenants.get(&known.contract.tenant).and_then(|tenant| tenant.alliance);
        *queue = QueueSetup {
            weight: terms.weight,
            guaranteed_cards: terms.guaranteed_cards,
            borrowing_limit: terms.borrowing_limit,
            lending_limit: terms.lending_limit,
            alliance: alliance
                .and_then(|id| live.alliances.keys().position(|known| *known == id)?.try_into().ok()),
        };
    }
    queues
}
