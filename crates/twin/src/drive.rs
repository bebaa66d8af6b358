//! Runs the center's own planner over a trace: the same code that plans live.
//!
//! One event is one submission or one end; at one instant submissions come before ends, in the order of the trace, and ends
//! in the order of their starts; after each event there is a plan. A run whose time limit is over counts as ended in any plan
//! from then on, also before its end has its turn. Runs may be cut short, by nodes that fail and for guaranteed cards: their jobs
//! wait again, as if they had just been submitted when they first were.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::Arc,
};

use domain::{
    AllianceId, CardMs, CardSet, ContractId, JobId, Millis, NodeId, PoolId, QueueTerms, TenantId, Timestamp,
    node::even_rings,
};
use scheduler::{Cohort, CountedPool, Gate, NodeView, Planner, Queue, Ticket, Waiting};

use crate::{
    cuts::{Cuts, What},
    policy::{Backfill, Order},
    replay::{Cut, Nodes, Setup},
    trace::TraceJob,
};

/// The one pool.
fn pool() -> PoolId {
    PoolId::from_bytes(number(1))
}

/// How often progress is told, in jobs.
const PROGRESS_EVERY: usize = 4096;

/// When each job starts, in milliseconds of the trace, the last time where it was cut short; `None` for one that never can.
pub fn starts(jobs: &[TraceJob], setup: &Setup, progress: &mut dyn FnMut(u64)) -> (Vec<Option<i64>>, Cut) {
    watched(jobs, setup, 0, &mut |_, _, _| {}, progress)
}

/// The same, with a look at the planner after each plan: given the instant, and the job where one was submitted.
/// `forecast_runs` is how far the planner looks ahead for forecasts.
pub fn watched(
    jobs: &[TraceJob],
    setup: &Setup,
    forecast_runs: u32,
    look: &mut dyn FnMut(&mut Planner, i64, Option<usize>),
    progress: &mut dyn FnMut(u64),
) -> (Vec<Option<i64>>, Cut) {
    let mut drive = Drive::new(jobs, setup, forecast_runs);
    let mut next = 0;
    loop {
        let submission = jobs.get(next).map(|job| job.submit_ms);
        let end = drive.next_end();
        let cut = drive.next_cut(submission.is_none() && end.is_none());
        let Some(now) = submission.into_iter().chain(end).chain(cut).min() else { return drive.finish() };
        drive.now = now;
        drive.gather_ends();
        while jobs.get(next).is_some_and(|job| job.submit_ms == now) {
            drive.submit(next);
            drive.plan();
            look(&mut drive.planner, now, Some(next));
            next += 1;
            if next.is_multiple_of(PROGRESS_EVERY) {
                progress(next as u64);
            }
        }
        while let Some(end) = drive.due.pop_front() {
            drive.end(&end);
            drive.plan();
            look(&mut drive.planner, now, None);
        }
        while drive.cut_one() {
            drive.plan();
            look(&mut drive.planner, now, None);
        }
    }
}

/// An end to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    at_ms: i64,
    /// Its rank among the starts.
    rank: u64,
    ticket: Ticket,
    /// Its time limit ends then, too.
    is_at_limit: bool,
}

struct Drive<'a> {
    jobs: &'a [TraceJob],
    planner: Planner,
    now: i64,
    ends: BinaryHeap<Reverse<End>>,
    /// Those of this instant.
    due: VecDeque<End>,
    started: Vec<Option<i64>>,
    starts: u64,
    models: Arc<[Arc<str>]>,
    nodes: Option<Nodes>,
    /// Only where runs can be cut short.
    cuts: Option<Box<Cuts>>,
}

impl<'a> Drive<'a> {
    fn new(jobs: &'a [TraceJob], setup: &Setup, forecast_runs: u32) -> Self {
        let policy = scheduler::Policy {
            order: match setup.policy.order {
                Order::Submission => scheduler::Order::Fifo,
                Order::Shortest => scheduler::Order::ShortestFirst,
                Order::FairShare => scheduler::Order::FairShare,
            },
            backfill: match setup.policy.backfill {
                Backfill::None => scheduler::Backfill::None,
                Backfill::Easy => scheduler::Backfill::Easy,
                Backfill::Conservative => scheduler::Backfill::Conservative,
            },
            use_half_life: setup.use_half_life,
            forecast_runs,
            forecast_ends: u32::MAX,
            ..scheduler::Policy::default()
        };
        let mut planner = Planner::new(policy);
        if let Some(nodes) = &setup.nodes {
            planner.set_places((0..nodes.count).map(|number| node(nodes, number)), &[]);
        } else {
            let counted = CountedPool { pool: pool(), model: "card".into(), cards: setup.cards };
            planner.set_places(std::iter::empty(), &[counted]);
        }
        let queues = jobs.iter().map(|job| job.queue + 1).max().unwrap_or(0);
        let first_ms = jobs.first().map_or(0, |job| job.submit_ms);
        let alliances: BTreeSet<u8> = setup.queues.iter().filter_map(|queue| queue.alliance).collect();
        let cohort = |alliance: &u8| Cohort { id: alliance_id(*alliance), lending_limit: None };
        planner.set_cohorts(alliances.iter().map(cohort).collect());
        let pools: Arc<[PoolId]> = Arc::new([pool()]);
        for queue in 0..queues {
            let given = setup.queues.get(queue as usize).copied().unwrap_or_default();
            let terms = QueueTerms {
                guaranteed_cards: given.guaranteed_cards,
                borrowing_limit: given.borrowing_limit,
                lending_limit: given.lending_limit,
                weight: given.weight.max(1),
                max_running_cards: u32::MAX,
            };
            let queue = Queue {
                id: queue_id(queue),
                tenant: TenantId::from_bytes(number(u64::from(queue))),
                cohort: given.alliance.map(alliance_id),
                pools: pools.clone(),
                terms,
                gate: Gate::Open,
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
            cuts: Cuts::new(setup, first_ms).map(Box::new),
        }
    }

    fn next_end(&mut self) -> Option<i64> {
        while let (Some(Reverse(end)), Some(cuts)) = (self.ends.peek(), &self.cuts)
            && !cuts.is_live(end.ticket, end.rank)
        {
            self.ends.pop();
        }
        self.ends.peek().map(|Reverse(end)| end.at_ms)
    }

    fn next_cut(&mut self, nothing_else: bool) -> Option<i64> {
        self.cuts.as_mut()?.next(nothing_else)
    }

    /// Does the next of what happens at this instant to nodes and to runs that are to end before their time.
    fn cut_one(&mut self) -> bool {
        let Some((what, now)) = self.cuts.as_mut().and_then(|cuts| cuts.due(self.now)).zip(Some(self.now))
        else {
            return false;
        };
        let Some(cuts) = &mut self.cuts else { return false };
        let at = Timestamp::from_millis(now);
        let mut again = Vec::new();
        match what {
            What::Fails(node) => {
                self.planner.set_takes_runs(node_id(node), false);
                let (over, jobs) = cuts.fail(node, now);
                for (ticket, job) in over {
                    self.planner.end(ticket, at);
                    self.started[job] = None;
                }
                again = jobs;
            }
            What::Repaired(node) => {
                cuts.repaired(node, now);
                self.planner.set_takes_runs(node_id(node), true);
            }
            What::Preempted(ticket, rank) => {
                if let Some(job) = cuts.preempt(ticket, rank, now) {
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

    fn finish(self) -> (Vec<Option<i64>>, Cut) {
        let last =
            self.started.iter().zip(self.jobs).filter_map(|(start, job)| Some((*start)? + job.run_ms)).max();
        let cut = self.cuts.map(|cuts| cuts.finish(last.unwrap_or(i64::MIN))).unwrap_or_default();
        (self.started, cut)
    }

    /// Takes the ends of this instant from those to come, and frees what its time limit ends.
    fn gather_ends(&mut self) {
        while let Some(Reverse(end)) = self.ends.peek().copied()
            && end.at_ms == self.now
        {
            self.ends.pop();
            if let Some(cuts) = &mut self.cuts {
                // One that was cut short has ended before.
                if !cuts.ended(end.ticket, end.rank) {
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
        if let Some(cuts) = &mut self.cuts {
            for start in &decisions.starts {
                cuts.started(start, index(start.job), self.starts, self.now);
                self.starts += 1;
            }
            self.starts -= decisions.starts.len() as u64;
            cuts.tell(&decisions.preemptions);
        }
        for start in decisions.starts {
            let index = index(start.job);
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

fn node(of: &Nodes, number_of: u32) -> NodeView {
    let cards = CardSet::first(of.cards_per_node);
    NodeView {
        id: node_id(number_of),
        name: format!("node-{number_of:06}").into(),
        pool: pool(),
        model: "card".into(),
        affinity: of.affinity,
        rings: even_rings(of.cards_per_node, of.ring_len).into(),
        cards,
        free: cards,
        takes_runs: true,
        switch: format!("leaf-{:05}", number_of / of.nodes_per_switch.max(1)).into(),
        labels: [].into(),
        maintenance: None,
    }
}

fn node_id(of: u32) -> NodeId {
    NodeId::from_bytes(number(u64::from(of)))
}

fn alliance_id(of: u8) -> AllianceId {
    AllianceId::from_bytes(number(u64::from(of)))
}

/// Ids that are numbers.
pub(crate) fn number(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub(crate) fn job_id(index: usize) -> JobId {
    JobId::from_bytes(number(index as u64))
}

fn queue_id(queue: u32) -> ContractId {
    ContractId::from_bytes(number(u64::from(queue)))
}

pub(crate) fn index(job: JobId) -> usize {
    let [.., low] = job.as_bytes().as_chunks::<8>().0 else { unreachable!("ids have 16 bytes") };
    usize::try_from(u64::from_be_bytes(*low)).expect("jobs are numbered by their index")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use domain::card::Affinity;

    use super::*;
    use crate::{plain, reference, trace::tests::any_jobs};

    fn starts_of(jobs: &[TraceJob], setup: &Setup) -> Vec<Option<i64>> {
        starts(jobs, setup, &mut |_| {}).0
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        /// The planner that runs centers plans as the plain simulators do.
        #[test]
        fn it_agrees_with_the_plain_simulators(jobs in any_jobs()) {
            let of = |policy: &str| Setup::new(8, policy.parse().unwrap());
            for policy in ["fcfs", "easy", "sjf"] {
                let plain = plain::starts(&jobs, &of(policy), &mut |_| {});
                prop_assert_eq!(starts_of(&jobs, &of(policy)), plain, "{}", policy);
            }
            prop_assert_eq!(starts_of(&jobs, &of("easy")), reference::starts(&jobs, 8, true));
        }

        /// Eight nodes of one card are eight cards; but promised cards are certain ones, which backfill must leave alone.
        #[test]
        fn nodes_of_one_card_are_counted_cards(jobs in any_jobs()) {
            let nodes = Nodes { count: 8, cards_per_node: 1, affinity: Affinity::Any, ring_len: 1, nodes_per_switch: 8 };
            for policy in ["fcfs", "sjf", "fair-share"] {
                let counted = Setup::new(8, policy.parse().unwrap());
                let placed = Setup::on(nodes, policy.parse().unwrap());
                prop_assert_eq!(starts_of(&jobs, &counted), starts_of(&jobs, &placed), "{}", policy);
            }
        }

        /// With conservative backfill nobody starts later for those that came after: without them it is as late.
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
