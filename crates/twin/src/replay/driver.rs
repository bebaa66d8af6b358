//! Runs the center's own planner over a trace: the same code that plans live.
//!
//! An event is one submission or one end. At one instant, submissions come before ends; submissions in the
//! order of the trace, ends in the order of their starts. After each event there is a plan. A run whose time
//! limit is over counts as ended in any plan from then on, even before the turn of its end. Runs may be cut
//! short, by nodes that fail and for guaranteed cards: then their jobs wait again, with their first
//! submission.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::Arc,
};

use domain::{CardMs, CardSet, Millis, PoolId, QueueTerms, ServiceClass, Timestamp, node::even_rings};
use scheduler::{Cohort, CountedPool, Gate, NodeView, Planner, Queue, Ticket, Waiting};

use super::{
    ids::{alliance_id, job_id, job_index, node_id, pool_id, queue_id, tenant_id},
    interrupter::{Interrupter, Interruption},
    outcome::Interruptions,
    setup::{Nodes, Setup},
};
use crate::trace::TraceJob;

/// The number of the only pool.
const POOL: u32 = 1;

/// After how many jobs progress is told.
const PROGRESS_EVERY: usize = 4096;

/// When each job starts, in milliseconds of the trace; `None` for a job that never does. For a job that was
/// cut short, it is the last start.
pub fn starts(
    jobs: &[TraceJob],
    setup: &Setup,
    progress: &mut dyn FnMut(u64),
) -> (Vec<Option<i64>>, Interruptions) {
    watched(jobs, setup, 0, &mut |_, _, _| {}, progress)
}

/// As [`starts`], with a `look` at the planner after each plan, which is told the instant, and the job if one
/// was submitted. The planner forecasts the starts of `forecast_runs` runs.
pub fn watched(
    jobs: &[TraceJob],
    setup: &Setup,
    forecast_runs: u32,
    look: &mut dyn FnMut(&mut Planner, i64, Option<usize>),
    progress: &mut dyn FnMut(u64),
) -> (Vec<Option<i64>>, Interruptions) {
    let mut driver = Driver::new(jobs, setup, forecast_runs);
    // A job that can't start is nothing to plan for: not even the instant of its submission is one to plan at.
    let after = |next: usize| (next..jobs.len()).find(|at| !setup.bars(&jobs[*at])).unwrap_or(jobs.len());
    let mut next = after(0);
    loop {
        let submission = jobs.get(next).map(|job| job.submit_ms);
        let end = driver.next_end();
        let cut = driver.next_interruption(submission.is_none() && end.is_none());
        let Some(now) = submission.into_iter().chain(end).chain(cut).min() else { return driver.finish() };
        driver.now = now;
        driver.gather_ends();
        while jobs.get(next).is_some_and(|job| job.submit_ms == now) {
            driver.submit(next);
            driver.plan();
            look(&mut driver.planner, now, Some(next));
            let before = next;
            next = after(next + 1);
            if before / PROGRESS_EVERY < next / PROGRESS_EVERY {
                progress(next as u64);
            }
        }
        while let Some(end) = driver.due.pop_front() {
            driver.end(&end);
            driver.plan();
            look(&mut driver.planner, now, None);
        }
        while driver.interrupt_once() {
            driver.plan();
            look(&mut driver.planner, now, None);
        }
    }
}

/// The coming end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    at_ms: i64,
    /// The run's rank among the starts.
    rank: u64,
    ticket: Ticket,
    /// The run's time limit ends at the same instant.
    is_at_limit: bool,
}

struct Driver<'a> {
    jobs: &'a [TraceJob],
    planner: Planner,
    now: i64,
    ends: BinaryHeap<Reverse<End>>,
    /// The ends of this instant.
    due: VecDeque<End>,
    started: Vec<Option<i64>>,
    starts: u64,
    models: Arc<[Arc<str>]>,
    nodes: Option<Nodes>,
    /// `None` where nothing can cut a run short.
    interrupter: Option<Box<Interrupter>>,
}

impl<'a> Driver<'a> {
    fn new(jobs: &'a [TraceJob], setup: &Setup, forecast_runs: u32) -> Self {
        let policy = scheduler::Policy {
            order: setup.policy.order,
            backfill: setup.policy.backfill,
            use_half_life: setup.use_half_life,
            forecast_runs,
            forecast_ends: u32::MAX,
            ..scheduler::Policy::default()
        };
        let mut planner = Planner::new(policy);
        if let Some(nodes) = &setup.nodes {
            planner.set_places((0..nodes.count).map(|number| node(nodes, number)), &[]);
        } else {
            let counted = CountedPool { pool: pool_id(POOL), model: "card".into(), cards: setup.cards };
            planner.set_places(std::iter::empty(), &[counted]);
        }
        // A queue whose jobs can't start may be guaranteed cards all the same.
        let given = u32::try_from(setup.queues.len()).unwrap_or(u32::MAX);
        let queues = jobs.iter().map(|job| job.queue + 1).max().unwrap_or(0).max(given);
        let first_ms = jobs.first().map_or(0, |job| job.submit_ms);
        let alliances: BTreeSet<u8> = setup.queues.iter().filter_map(|queue| queue.alliance).collect();
        let cohort = |alliance: &u8| Cohort { id: alliance_id(*alliance), lending_limit: None };
        planner.set_cohorts(alliances.iter().map(cohort).collect());
        let pools: Arc<[PoolId]> = Arc::new([pool_id(POOL)]);
        for queue in 0..queues {
            let given = setup.queues.get(queue as usize).copied().unwrap_or_default();
            let terms = QueueTerms {
                guaranteed_cards: given.guaranteed_cards,
                borrowing_limit: given.borrowing_limit,
                lending_limit: given.lending_limit,
                weight: given.weight.max(1),
                max_running_cards: u32::MAX,
            };
            let unpriced = ServiceClass::ALL.into_iter().filter(|class| given.unpriced[*class as usize]);
            let unpriced = unpriced.map(|class| (class, pool_id(POOL)));
            let queue = Queue {
                id: queue_id(queue),
                tenant: tenant_id(queue),
                cohort: given.alliance.map(alliance_id),
                pools: pools.clone(),
                unpriced: unpriced.collect(),
                terms,
                gate: if given.is_shut { Gate::Ended } else { Gate::Open },
                use_card_ms: CardMs::ZERO,
            };
            planner.set_queue(queue, Timestamp::from_millis(first_ms));
        }
        Self {
            jobs,
            planner,
            now: 0,
            ends: BinaryHeap::new(),
            due: VecDeque::new(),
            started: vec![None; jobs.len()],
            starts: 0,
            models: Arc::default(),
            nodes: setup.nodes,
            interrupter: Interrupter::new(setup, first_ms).map(Box::new),
        }
    }

    fn next_end(&mut self) -> Option<i64> {
        while let (Some(Reverse(end)), Some(interrupter)) = (self.ends.peek(), &self.interrupter)
            && !interrupter.is_active(end.ticket, end.rank)
        {
            self.ends.pop();
        }
        self.ends.peek().map(|Reverse(end)| end.at_ms)
    }

    fn next_interruption(&mut self, nothing_else: bool) -> Option<i64> {
        self.interrupter.as_mut()?.next(nothing_else)
    }

    /// Does the next interruption of this instant. Says whether there was one.
    fn interrupt_once(&mut self) -> bool {
        let now = self.now;
        let Some(interrupter) = &mut self.interrupter else { return false };
        let Some(event) = interrupter.due(now) else { return false };
        let at = Timestamp::from_millis(now);
        let mut again = Vec::new();
        match event {
            Interruption::Fails(node) => {
                self.planner.set_takes_runs(node_id(node), false);
                let (over, jobs) = interrupter.fail(node, now);
                for (ticket, job) in over {
                    self.planner.end(ticket, at);
                    self.started[job] = None;
                }
                again = jobs;
            }
            Interruption::Repaired(node) => {
                interrupter.repaired(node, now);
                self.planner.set_takes_runs(node_id(node), true);
            }
            Interruption::Preempted(ticket, rank) => {
                if let Some(job) = interrupter.preempt(ticket, rank, now) {
                    self.planner.end(ticket, at);
                    again.push(job);
                }
            }
        }
        for job in again {
            self.started[job] = None;
            self.submit(job);
        }
        true
    }

    fn finish(self) -> (Vec<Option<i64>>, Interruptions) {
        let last =
            self.started.iter().zip(self.jobs).filter_map(|(start, job)| Some((*start)? + job.run_ms)).max();
        let cut = self
            .interrupter
            .map(|interrupter| interrupter.finish(last.unwrap_or(i64::MIN)))
            .unwrap_or_default();
        (self.started, cut)
    }

    /// Takes the ends of this instant from the coming ones, and ends runs at once that are at their time
    /// limits.
    fn gather_ends(&mut self) {
        while let Some(Reverse(end)) = self.ends.peek().copied()
            && end.at_ms == self.now
        {
            self.ends.pop();
            if let Some(interrupter) = &mut self.interrupter {
                // A run that was cut short has ended before.
                if !interrupter.ended(end.ticket, end.rank) {
                    continue;
                }
            }
            if end.is_at_limit {
                self.planner.end(end.ticket, Timestamp::from_millis(self.now));
            }
            self.due.push_back(end);
        }
    }

    fn end(&mut self, end: &End) {
        if !end.is_at_limit {
            self.planner.end(end.ticket, Timestamp::from_millis(self.now));
        }
    }

    fn submit(&mut self, index: usize) {
        let job = &self.jobs[index];
        let (nodes, cards_per_node) = self.nodes.map_or((job.cards, 1), |nodes| nodes.shape(job.cards));
        self.planner.submit(&Waiting {
            job: job_id(index),
            queue: queue_id(job.queue),
            class: job.class,
            nodes,
            max_nodes: nodes,
            cards_per_node,
            is_exclusive: false,
            models: self.models.clone(),
            labels: self.models.clone(),
            time_limit: Millis(job.estimate_ms),
            submitted_at: Timestamp::from_millis(job.submit_ms),
            tasks: 1,
            block: None,
        });
    }

    fn plan(&mut self) {
        let decisions = self.planner.plan(Timestamp::from_millis(self.now));
        if let Some(interrupter) = &mut self.interrupter {
            for start in &decisions.starts {
                interrupter.started(start, job_index(start.job), self.starts, self.now);
                self.starts += 1;
            }
            self.starts -= decisions.starts.len() as u64;
            interrupter.note_preemptions(&decisions.preemptions);
        }
        for start in decisions.starts {
            let index = job_index(start.job);
            let job = &self.jobs[index];
            self.started[index] = Some(self.now);
            self.ends.push(Reverse(End {
                at_ms: self.now + job.run_ms,
                rank: self.starts,
                ticket: start.ticket,
                is_at_limit: job.estimate_ms <= job.run_ms,
            }));
            self.starts += 1;
        }
    }
}

fn node(of: &Nodes, number: u32) -> NodeView {
    let cards = CardSet::first(of.cards_per_node);
    NodeView {
        id: node_id(number),
        name: format!("node-{number:06}").into(),
        pool: pool_id(POOL),
        model: "card".into(),
        affinity: of.affinity,
        rings: even_rings(of.cards_per_node, of.ring_len).into(),
        cards,
        free: cards,
        takes_runs: true,
        switch: format!("leaf-{:05}", number / of.nodes_per_switch.max(1)).into(),
        labels: [].into(),
        maintenance: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use domain::card::Affinity;

    use super::*;
    use crate::{
        replay::{reference, reference_policies, setup::QueueSetup},
        trace::tests::any_jobs,
    };

    fn starts_of(jobs: &[TraceJob], setup: &Setup) -> Vec<Option<i64>> {
        starts(jobs, setup, &mut |_| {}).0
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        /// The planner of a center plans as the plain simulators do.
        #[test]
        fn it_agrees_with_the_plain_simulators(jobs in any_jobs()) {
            let of = |policy: &str| Setup::new(8, policy.parse().unwrap());
            for policy in ["fcfs", "easy", "sjf"] {
                let plain = reference_policies::starts(&jobs, &of(policy), &mut |_| {});
                prop_assert_eq!(starts_of(&jobs, &of(policy)), plain, "{}", policy);
            }
            prop_assert_eq!(starts_of(&jobs, &of("easy")), reference::starts(&jobs, 8, true));
        }

        /// Eight nodes of one card are eight cards. With EASY backfill they may differ, since promised cards
        /// are certain ones.
        #[test]
        fn nodes_of_one_card_are_counted_cards(jobs in any_jobs()) {
            let nodes = Nodes { count: 8, cards_per_node: 1, affinity: Affinity::Any, ring_len: 1, nodes_per_switch: 8 };
            for policy in ["fcfs", "sjf", "fair-share"] {
                let counted = Setup::new(8, policy.parse().unwrap());
                let placed = Setup::on(nodes, policy.parse().unwrap());
                prop_assert_eq!(starts_of(&jobs, &counted), starts_of(&jobs, &placed), "{}", policy);
            }
        }

        /// Jobs without a price, or whose contract can't pay or has ended, hold no cards: the others start as if they
        /// were not in the trace.
        #[test]
        fn jobs_that_cannot_start_hold_no_cards(jobs in any_jobs(), seed: u64) {
            let mut dice = crate::random::Dice(seed);
            let draw = |dice: &mut crate::random::Dice, most| u32::try_from(dice.below(most)).expect("it is small");
            let classes = ServiceClass::ALL;
            let jobs: Vec<TraceJob> = jobs
                .into_iter()
                .map(|job| TraceJob {
                    queue: draw(&mut dice, 4),
                    class: classes[draw(&mut dice, 3) as usize],
                    ..job
                })
                .collect();
            let queues: Vec<QueueSetup> = (0..4)
                .map(|_| QueueSetup {
                    guaranteed_cards: draw(&mut dice, 5),
                    lending_limit: (dice.below(2) == 0).then(|| draw(&mut dice, 3)),
                    is_shut: dice.below(3) == 0,
                    unpriced: classes.map(|_| dice.below(4) == 0),
                    ..QueueSetup::default()
                })
                .collect();
            let may = |job: &&TraceJob| !queues[job.queue as usize].bars(job.class);
            let kept: Vec<TraceJob> = jobs.iter().filter(may).copied().collect();
            // Queues of which nothing may start are not there, and keep no cards.
            let has_any = |queue: &QueueSetup| classes.into_iter().any(|class| !queue.bars(class));
            let only_those = |queue: &QueueSetup| if has_any(queue) { *queue } else { QueueSetup::default() };
            let without: Vec<QueueSetup> = queues.iter().map(only_those).collect();
            for policy in ["fcfs", "easy", "conservative", "sjf", "fair-share+easy"] {
                let nodes = Nodes { count: 2, cards_per_node: 4, affinity: Affinity::Any, ring_len: 4, nodes_per_switch: 2 };
                for center in [Setup::new(8, policy.parse().unwrap()), Setup::on(nodes, policy.parse().unwrap())] {
                    let all = starts_of(&jobs, &Setup { queues: queues.clone(), ..center.clone() });
                    prop_assert!(jobs.iter().zip(&all).all(|(job, start)| may(&job) || start.is_none()));
                    let all: Vec<Option<i64>> =
                        jobs.iter().zip(all).filter(|(job, _)| may(job)).map(|(_, start)| start).collect();
                    let beside = starts_of(&kept, &Setup { queues: without.clone(), ..center });
                    prop_assert_eq!(all, beside, "{}", policy);
                }
            }
        }

        /// With conservative backfill no job starts later because of jobs that come after it.
        #[test]
        fn conservative_backfill_delays_nobody(jobs in any_jobs(), keep in 0_usize..40) {
            let exact: Vec<TraceJob> = jobs.iter().map(|job| TraceJob { estimate_ms: job.run_ms, ..*job }).collect();
            let setup = Setup::new(8, "conservative".parse().unwrap());
            let all = starts_of(&exact, &setup);
            let kept = &exact[..keep.min(exact.len())];
            let alone = starts_of(kept, &setup);
            prop_assert!(all.iter().zip(&alone).all(|(with, without)| with <= without), "{:?} {:?}", all, alone);
        }
    }
}
