//! Runs the center's own planner over a trace: the same code that plans live.
//!
//! One event is one submission or one end; at one instant submissions come before ends, in the order of the trace, and ends
//! in the order of their starts; after each event there is a plan. A run whose time limit is over counts as ended in any plan
//! from then on, also before its end has its turn.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

use domain::{CardMs, ContractId, JobId, Millis, PoolId, QueueTerms, TenantId, Timestamp};
use scheduler::{CountedPool, Gate, Planner, Queue, Ticket, Waiting};

use crate::{
    policy::{Backfill, Order},
    replay::Setup,
    trace::TraceJob,
};

const POOL: PoolId = PoolId::from_bytes([1; 16]);

/// How often progress is told, in jobs.
const PROGRESS_EVERY: usize = 4096;

/// When each job starts, in milliseconds of the trace; `None` for one that never can.
pub fn starts(jobs: &[TraceJob], setup: &Setup, progress: &mut dyn FnMut(u64)) -> Vec<Option<i64>> {
    let mut drive = Drive::new(jobs, setup);
    let mut next = 0;
    loop {
        let submission = jobs.get(next).map(|job| job.submit_ms);
        let end = drive.ends.peek().map(|Reverse(end)| end.at_ms);
        let Some(now) = submission.into_iter().chain(end).min() else { return drive.started };
        drive.now = now;
        drive.gather_ends();
        while jobs.get(next).is_some_and(|job| job.submit_ms == now) {
            drive.submit(next);
            drive.plan();
            next += 1;
            if next.is_multiple_of(PROGRESS_EVERY) {
                progress(next as u64);
            }
        }
        while let Some(end) = drive.due.pop_front() {
            drive.end(&end);
            drive.plan();
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
}

impl<'a> Drive<'a> {
    fn new(jobs: &'a [TraceJob], setup: &Setup) -> Self {
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
            forecast_runs: 0,
            ..scheduler::Policy::default()
        };
        let mut planner = Planner::new(policy);
        let cards = setup.cards;
        planner.set_places(std::iter::empty(), &[CountedPool { pool: POOL, model: "card".into(), cards }]);
        let queues = jobs.iter().map(|job| job.queue + 1).max().unwrap_or(0);
        let pools: Arc<[PoolId]> = Arc::new([POOL]);
        for queue in 0..queues {
            let terms = QueueTerms {
                guaranteed_cards: 0,
                borrowing_limit: None,
                lending_limit: None,
                weight: setup.weights.get(queue as usize).copied().unwrap_or(1).max(1),
                max_running_cards: u32::MAX,
            };
            let queue = Queue {
                id: queue_id(queue),
                tenant: TenantId::from_bytes(number(u64::from(queue))),
                cohort: None,
                pools: pools.clone(),
                terms,
                gate: Gate::Open,
                use_card_ms: CardMs::ZERO,
            };
            planner.set_queue(queue, Timestamp::from_millis(jobs.first().map_or(0, |job| job.submit_ms)));
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
        }
    }

    /// Takes the ends of this instant from those to come, and frees what its time limit ends.
    fn gather_ends(&mut self) {
        while let Some(Reverse(end)) = self.ends.peek().copied()
            && end.at_ms == self.now
        {
            self.ends.pop();
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
        self.planner.submit(Waiting {
            job: JobId::from_bytes(number(index as u64)),
            queue: queue_id(job.queue),
            class: job.class,
            nodes: job.cards,
            max_nodes: job.cards,
            cards_per_node: 1,
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
        for start in self.planner.plan(Timestamp::from_millis(self.now)).starts {
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

/// Ids that are numbers.
fn number(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn queue_id(queue: u32) -> ContractId {
    ContractId::from_bytes(number(u64::from(queue)))
}

fn index(job: JobId) -> usize {
    let [.., a, b, c, d, e, f, g, h] = *job.as_bytes();
    usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).expect("jobs are numbered by their index")
}
