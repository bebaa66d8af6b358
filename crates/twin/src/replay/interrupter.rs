//! Interruptions of runs in a replay: by nodes that fail, and for queues that get their guaranteed cards
//! back.

use std::{cmp::Reverse, collections::BinaryHeap};

use domain::{CardMs, Millis, job::MAX_LOSSES};
use rustc_hash::FxHashMap;
use scheduler::{Preemption, Started, Ticket};

use super::{
    ids::node_number,
    outcome::Interruptions,
    setup::{Failures, Setup},
};
use crate::random::Dice;

/// An event; those of one instant happen in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interruption {
    Repaired(u32),
    /// The run of the ticket is over. It is known by its rank among the starts, since the ticket may be
    /// another run's by then.
    Preempted(Ticket, u64),
    Fails(u32),
}

/// A run that has not ended.
struct ActiveRun {
    rank: u64,
    job: usize,
    start_ms: i64,
    cards: u32,
    nodes: Box<[u32]>,
    is_preempted: bool,
}

pub struct Interrupter {
    events: BinaryHeap<Reverse<(i64, Interruption)>>,
    active: FxHashMap<Ticket, ActiveRun>,
    /// Since when nodes are out.
    out: FxHashMap<u32, i64>,
    /// The outages that are over: from, until.
    outages: Vec<(i64, i64)>,
    failures: Option<(Failures, Dice)>,
    cards_per_node: u32,
    /// How often a node has failed under a job.
    losses: FxHashMap<usize, u32>,
    totals: Interruptions,
}

impl Interrupter {
    /// `None` where nothing can cut a run short.
    pub fn new(setup: &Setup, first_ms: i64) -> Option<Self> {
        let nodes = setup.nodes.filter(|_| setup.failures.is_some());
        if nodes.is_none() && setup.queues.iter().all(|queue| queue.guaranteed_cards == 0) {
            return None;
        }
        let mut interrupter = Self {
            events: BinaryHeap::new(),
            active: FxHashMap::default(),
            out: FxHashMap::default(),
            outages: Vec::new(),
            failures: nodes.and(setup.failures).map(|failures| (failures, Dice(failures.seed))),
            cards_per_node: nodes.map_or(0, |nodes| u32::from(nodes.cards_per_node)),
            losses: FxHashMap::default(),
            totals: Interruptions::default(),
        };
        for node in 0..nodes.map_or(0, |nodes| nodes.count) {
            interrupter.draw(node, first_ms);
        }
        Some(interrupter)
    }

    /// Draws when a node fails that works from `from_ms` on.
    fn draw(&mut self, node: u32, from_ms: i64) {
        let Some((failures, dice)) = &mut self.failures else { return };
        let at = from_ms.saturating_add(dice.exponential(failures.mtbf.0.max(1)));
        self.events.push(Reverse((at, Interruption::Fails(node))));
    }

    /// The instant of the next event. With `nothing_else` the replay has no other event left, and no node
    /// fails any more.
    pub fn next(&mut self, nothing_else: bool) -> Option<i64> {
        while nothing_else && matches!(self.events.peek(), Some(Reverse((_, Interruption::Fails(_))))) {
            self.events.pop();
        }
        self.events.peek().map(|Reverse((at, _))| *at)
    }

    /// The next event of `now`.
    pub fn due(&mut self, now: i64) -> Option<Interruption> {
        let Reverse((at, event)) = *self.events.peek()?;
        (at <= now).then(|| self.events.pop())?;
        Some(event)
    }

    pub fn is_active(&self, ticket: Ticket, rank: u64) -> bool {
        self.active.get(&ticket).is_some_and(|active| active.rank == rank)
    }

    pub fn started(&mut self, start: &Started, job: usize, rank: u64, now: i64) {
        let nodes = start.placement.0.iter().map(|slot| node_number(slot.node)).collect();
        let active = ActiveRun { rank, job, start_ms: now, cards: start.cards, nodes, is_preempted: false };
        self.active.insert(start.ticket, active);
    }

    /// Notes that a run has come to its end. Says whether it had not been cut short before.
    pub fn ended(&mut self, ticket: Ticket, rank: u64) -> bool {
        self.is_active(ticket, rank) && self.active.remove(&ticket).is_some()
    }

    /// Notes the runs that the planner tells to end.
    pub fn note_preemptions(&mut self, preemptions: &[Preemption]) {
        for preemption in preemptions {
            if let Some(active) = self.active.get_mut(&preemption.ticket)
                && !std::mem::replace(&mut active.is_preempted, true)
            {
                let at = preemption.ends_at.floor_millis();
                self.events.push(Reverse((at, Interruption::Preempted(preemption.ticket, active.rank))));
            }
        }
    }

    /// Lets a node fail: the runs on it are over. Gives these runs with their jobs, and the jobs that wait
    /// again, which are those under which nodes did not fail too often.
    pub fn fail(&mut self, node: u32, now: i64) -> (Vec<(Ticket, usize)>, Vec<usize>) {
        self.totals.node_failures += 1;
        self.out.insert(node, now);
        let repair = self.failures.as_ref().map_or(Millis(0), |(failures, _)| failures.repair);
        self.events.push(Reverse((now.saturating_add(repair.0.max(1)), Interruption::Repaired(node))));
        let on_it = self.active.iter().filter(|(_, active)| active.nodes.contains(&node));
        let mut on_it: Vec<(u64, Ticket)> = on_it.map(|(ticket, active)| (active.rank, *ticket)).collect();
        on_it.sort_unstable();
        self.totals.runs_lost += on_it.len() as u64;
        let over = on_it.into_iter().filter_map(|(_, ticket)| Some((ticket, self.cut_short(ticket, now)?)));
        let over: Vec<(Ticket, usize)> = over.collect();
        let mut jobs: Vec<usize> = over.iter().map(|(_, job)| *job).collect();
        jobs.retain(|job| {
            let losses = self.losses.entry(*job).or_default();
            *losses += 1;
            let is_given_up = *losses >= MAX_LOSSES;
            self.totals.jobs_given_up += u64::from(is_given_up);
            !is_given_up
        });
        (over, jobs)
    }

    pub fn repaired(&mut self, node: u32, now: i64) {
        if let Some(since) = self.out.remove(&node) {
            self.outages.push((since, now));
        }
        self.draw(node, now);
    }

    /// Ends a run that was told to end, unless it has ended. Gives its job, which waits again.
    pub fn preempt(&mut self, ticket: Ticket, rank: u64, now: i64) -> Option<usize> {
        if !self.is_active(ticket, rank) {
            return None;
        }
        self.totals.runs_preempted += 1;
        self.cut_short(ticket, now)
    }

    fn cut_short(&mut self, ticket: Ticket, now: i64) -> Option<usize> {
        let active = self.active.remove(&ticket)?;
        let used = i64::from(active.cards).saturating_mul(now - active.start_ms);
        self.totals.lost = CardMs(self.totals.lost.0.saturating_add(used));
        self.totals.last_ms = Some(now);
        Some(active.job)
    }

    /// Sums up the interruptions, and the outages until `last_ms`.
    pub fn finish(mut self, last_ms: i64) -> Interruptions {
        let last_ms = self.totals.last_ms.map_or(last_ms, |cut_ms| cut_ms.max(last_ms));
        let open = self.out.values().map(|since| (*since, last_ms));
        for (since, until) in self.outages.iter().copied().chain(open) {
            let down = i64::from(self.cards_per_node) * until.min(last_ms).saturating_sub(since).max(0);
            self.totals.down += CardMs(down);
        }
        self.totals
    }
}

#[cfg(test)]
mod tests {
    use domain::card::Affinity;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Terms, Trace, TraceJob, figures, replay,
        replay::{
            outcome::ReplayOutcome,
            setup::{Nodes, QueueSetup},
        },
        trace::tests::{any_jobs, job},
    };

    const NODES: Nodes =
        Nodes { count: 2, cards_per_node: 4, affinity: Affinity::Any, ring_len: 4, nodes_per_switch: 2 };

    fn trace(jobs: Vec<TraceJob>) -> Trace {
        let mut trace = Trace::new("test");
        trace.queues.of("a");
        trace.queues.of("b");
        trace.jobs = jobs;
        trace
    }

    fn run(trace: &Trace, setup: &Setup) -> ReplayOutcome {
        replay(trace, setup, &mut |_| {})
    }

    #[test]
    fn a_guarantee_cuts_short_who_borrowed_it() {
        let of = |submit_ms: i64, queue: u32, cards: u32| TraceJob {
            submit_ms,
            run_ms: 100_000,
            estimate_ms: 100_000,
            cards,
            queue,
            ..job()
        };
        let trace = trace(vec![of(0, 1, 4), of(5000, 1, 4), of(10_000, 0, 4)]);
        let owner = QueueSetup { guaranteed_cards: 4, ..QueueSetup::default() };
        let setup = Setup { queues: vec![owner], ..Setup::new(8, "easy".parse().unwrap()) };
        let outcome = run(&trace, &setup);
        let starts: Vec<_> = outcome.runs.iter().map(|fate| fate.unwrap().start_ms).collect();
        // The newest run that borrowed ends within the grace, and is run anew when the first has ended.
        let grace = scheduler::Policy::default().preemption_grace.0;
        assert_eq!(starts, [0, 100_000, 10_000 + grace]);
        assert_eq!((outcome.interruptions.runs_preempted, outcome.interruptions.runs_lost), (1, 0));
        assert_eq!(outcome.interruptions.lost, CardMs(4 * (5000 + grace)));
        let without = run(&trace, &Setup::new(8, "easy".parse().unwrap()));
        assert_eq!(without.runs[2].unwrap().start_ms, 100_000);
    }

    #[test]
    fn what_an_alliance_lends_inside_it_goes_first_to_its_own() {
        let of = |queue: u32| TraceJob { run_ms: 10, estimate_ms: 10, cards: 8, queue, ..job() };
        let trace = trace(vec![of(1), of(2)]);
        let owner = QueueSetup { guaranteed_cards: 8, lending_limit: Some(0), ..QueueSetup::default() };
        let setup = Setup { queues: vec![owner], ..Setup::new(8, "easy".parse().unwrap()) };
        assert!(run(&trace, &setup).runs.iter().all(Option::is_none), "nothing is lent");
        let lends = QueueSetup { lending_limit: None, alliance: Some(1), ..owner };
        let setup = Setup { queues: vec![lends], ..setup };
        assert!(run(&trace, &setup).runs.iter().all(Option::is_some));
    }

    #[test]
    fn nodes_fail_and_come_back() {
        let of = |submit_ms: i64| TraceJob { submit_ms, run_ms: 3000, estimate_ms: 3000, cards: 4, ..job() };
        let trace = trace((0..2000).map(|number| of(number * 2000)).collect());
        let failures = Failures { mtbf: Millis(100_000), repair: Millis(20_000), seed: 1 };
        let setup = Setup { failures: Some(failures), ..Setup::on(NODES, "easy".parse().unwrap()) };
        let outcome = run(&trace, &setup);
        let cut = outcome.interruptions;
        // 2 nodes over 4,000 s or more: some 80 / 1.2 failures, each with an outage of 20 s, and most under a
        // run.
        assert!((40..130).contains(&cut.node_failures), "{cut:?}");
        assert!(cut.runs_lost > 20 && cut.runs_lost <= cut.node_failures, "{cut:?}");
        assert!(cut.down.0 <= cut.node_failures.cast_signed() * 4 * 20_000, "{cut:?}");
        assert!(cut.down.0 >= (cut.node_failures.cast_signed() - 2) * 4 * 20_000, "{cut:?}");
        assert_eq!(outcome, run(&trace, &setup), "the same seed, the same failures");
        let figures = figures(&trace, &outcome, &Terms::default());
        let parts = figures.balance;
        assert_eq!(parts.capacity, parts.sold() + parts.lost + parts.down + parts.idle);
        assert!(parts.idle >= CardMs(0) && parts.lost > CardMs(0));
    }

    #[test]
    fn a_job_under_which_nodes_always_fail_is_given_up() {
        let long = TraceJob { run_ms: 1_000_000, estimate_ms: 1_000_000, cards: 8, ..job() };
        let trace = trace(vec![long]);
        let failures = Failures { mtbf: Millis(1000), repair: Millis(10), seed: 7 };
        let setup = Setup { failures: Some(failures), ..Setup::on(NODES, "easy".parse().unwrap()) };
        let outcome = run(&trace, &setup);
        assert_eq!((outcome.runs[0], outcome.interruptions.jobs_given_up), (None, 1));
        let figures = figures(&trace, &outcome, &Terms::default());
        assert_eq!((figures.jobs_given_up, figures.jobs_too_wide), (1, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// Whatever fails and is preempted, there are never more cards at work than there are in all, and
        /// every job is accounted for.
        #[test]
        fn cards_are_never_given_twice(jobs in any_jobs(), seed: u64, guaranteed in 0_u32..8) {
            let mut trace = trace(jobs);
            for (number, job) in (0_u32..).zip(&mut trace.jobs) {
                job.queue = number % 2;
            }
            let failures = Failures { mtbf: Millis(40), repair: Millis(5), seed };
            let owner = QueueSetup { guaranteed_cards: guaranteed, ..QueueSetup::default() };
            let setup = Setup::on(NODES, "fair-share+easy".parse().unwrap());
            let setup = Setup { failures: Some(failures), queues: vec![owner], ..setup };
            let outcome = run(&trace, &setup);
            let mut steps: Vec<(i64, i64)> = Vec::new();
            for (job, fate) in trace.jobs.iter().zip(&outcome.runs) {
                let Some(fate) = fate else { continue };
                prop_assert!(fate.start_ms >= job.submit_ms);
                steps.push((fate.start_ms, i64::from(job.cards)));
                steps.push((fate.end_ms, -i64::from(job.cards)));
            }
            steps.sort_unstable();
            let mut busy = 0;
            for (_, step) in steps {
                busy += step;
                prop_assert!(busy <= 8);
            }
            let parts = figures(&trace, &outcome, &Terms::default()).balance;
            prop_assert!(parts.idle >= CardMs(0) && parts.down >= CardMs(0), "{:?}", parts);
            prop_assert_eq!(parts.capacity, parts.sold() + parts.lost + parts.down + parts.idle);
            let ended = outcome.runs.iter().flatten().count() as u64;
            let wide = trace.jobs.iter().filter(|job| job.cards > 8).count() as u64;
            prop_assert_eq!(ended + outcome.interruptions.jobs_given_up + wide, trace.jobs.len() as u64);
        }
    }
}
