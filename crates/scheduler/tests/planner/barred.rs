//! Jobs that can't start hold no card and no room: what is behind them starts as if they weren't there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{AllianceId, BudgetId, ContractState, JobId, Millis, ServiceClass, Timestamp};
use proptest::prelude::*;
use scheduler::{
    Backfill, Block, Cohort, Decisions, Gate, Order, Planner, Policy, Queue, Snapshot, Ticket, Waiting,
};

use crate::{
    build::*,
    random::{Random, center, random_job},
};

/// Two planners that are told of the same events: one of everything, the other of nothing that can't start.
struct World {
    all: Planner,
    without: Planner,
    now: Timestamp,
    queues: Vec<Queue>,
    /// The jobs that wait.
    jobs: BTreeMap<JobId, Waiting>,
    /// Jobs that can't start whatever happens to their queue.
    hopeless: BTreeSet<JobId>,
    /// Runs by their ends, with the ticket that each planner gave.
    runs: BTreeSet<(Timestamp, Ticket, Ticket)>,
    next: u32,
    started: u32,
}

fn cohort(random: &mut Random) -> Option<AllianceId> {
    random.one_in(3).then(|| AllianceId::from_bytes([u8::try_from(random.below(2)).unwrap(); 16]))
}

/// Whether no job of this class may start in the queue.
fn bars(queue: &Queue, class: ServiceClass) -> bool {
    queue.gate != Gate::Open || queue.pools.iter().all(|pool| queue.unpriced.contains(&(class, *pool)))
}

/// The queue as one that is not there: it keeps no cards and lends all.
fn as_if_gone(queue: &Queue) -> Queue {
    let mut gone = queue.clone();
    if ServiceClass::ALL.into_iter().all(|class| bars(queue, class)) {
        (gone.gate, gone.unpriced) = (Gate::Ended, [].into());
        (gone.terms.guaranteed_cards, gone.terms.lending_limit) = (0, None);
    }
    gone
}

impl World {
    fn new(random: &mut Random, policy: Policy) -> Self {
        let Snapshot { nodes, mut queues, .. } = center(random);
        for queue in &mut queues {
            queue.terms.lending_limit = random.one_in(2).then(|| random.below(9));
            queue.cohort = cohort(random);
        }
        let cohorts = [0, 1].map(|number| Cohort {
            id: AllianceId::from_bytes([number; 16]),
            lending_limit: random.one_in(2).then(|| random.below(9)),
        });
        let queues_without = queues.iter().map(as_if_gone).collect();
        let of = |queues| Snapshot {
            nodes: nodes.clone(),
            queues,
            cohorts: cohorts.into(),
            ..Snapshot::default()
        };
        Self {
            all: Planner::of(&of(queues.clone()), policy, NOW),
            without: Planner::of(&of(queues_without), policy, NOW),
            now: NOW,
            queues,
            jobs: BTreeMap::new(),
            hopeless: BTreeSet::new(),
            runs: BTreeSet::new(),
            next: 0,
            started: 0,
        }
    }

    fn is_barred(&self, job: &Waiting) -> bool {
        let queue = self.queues.iter().find(|queue| queue.id == job.queue);
        self.hopeless.contains(&job.job) || queue.is_none_or(|queue| bars(queue, job.class))
    }

    fn submit(&mut self, random: &mut Random) {
        let queues = u32::try_from(self.queues.len()).unwrap();
        let mut job = random_job(random, self.next, queues);
        (job.block, job.submitted_at, job.models) = (None, self.now, [].into());
        self.next += 1;
        let kinds: [fn(&mut Waiting); 8] = [
            |job| job.nodes = 100,
            |job| job.cards_per_node = 64,
            |job| job.models = [Arc::from("none")].into(),
            |job| job.labels = [Arc::from("none")].into(),
            |job| job.queue = queue_id(99),
            |job| job.block = Some(Block::Budget(BudgetId::from_bytes([9; 16]))),
            |job| job.block = Some(Block::Dependency { waits_for: 1, first: job_id(7) }),
            |job| (job.nodes, job.cards_per_node) = (5, 8),
        ];
        if random.one_in(3) {
            random.of(&kinds)(&mut job);
            job.max_nodes = job.nodes;
            // Five nodes of eight cards are more than any contract lets run.
            self.hopeless.insert(job.job);
        }
        self.all.submit(&job);
        if !self.is_barred(&job) {
            self.without.submit(&job);
        }
        self.jobs.insert(job.job, job);
    }

    /// A contract is paused, ends, comes back; prices come and go.
    fn change_queue(&mut self, random: &mut Random) {
        let at = random.below(u32::try_from(self.queues.len()).unwrap()) as usize;
        let before: Vec<JobId> =
            self.jobs.values().filter(|job| !self.is_barred(job)).map(|job| job.job).collect();
        let queue = &mut self.queues[at];
        if random.one_in(2) {
            let shut = [
                Gate::Closed(ContractState::Exhausted),
                Gate::Closed(ContractState::Suspended),
                Gate::NotYet { starts_at: NOW.plus(Millis::from_hours(10_000)) },
                Gate::Ended,
                Gate::DiskFull(scheduler::DiskShortage { free_mib: 1, floor_mib: 2 }),
            ];
            queue.gate = if queue.gate == Gate::Open { random.of(&shut) } else { Gate::Open };
        } else {
            let class = random.of(&ServiceClass::ALL);
            let unpriced = if bars(queue, class) {
                Vec::new()
            } else {
                queue.pools.iter().map(|pool| (class, *pool)).collect()
            };
            let others = queue.unpriced.iter().copied().filter(|(of, _)| *of != class);
            queue.unpriced = others.chain(unpriced).collect();
        }
        let queue = self.queues[at].clone();
        self.without.set_queue(as_if_gone(&queue), self.now);
        self.all.set_queue(queue, self.now);
        for job in self.jobs.values() {
            match (before.contains(&job.job), self.is_barred(job)) {
                (true, true) => self.without.withdraw(job.job),
                (false, false) => self.without.submit(job),
                _ => {}
            }
        }
    }

    fn end_next(&mut self) {
        let Some((at, all, without)) = self.runs.pop_first() else { return };
        self.now = self.now.max(at);
        self.all.end(all, self.now);
        self.without.end(without, self.now);
    }

    fn plan(&mut self, random: &mut Random) {
        let Decisions { starts, preemptions } = self.all.plan(self.now);
        let beside = self.without.plan(self.now);
        let told = |of: &Decisions| -> Vec<_> {
            of.starts.iter().map(|start| (start.job, start.placement.clone(), start.expected_end)).collect()
        };
        let ended = |of: &[scheduler::Preemption]| -> Vec<_> {
            of.iter().map(|one| (one.job, one.for_job, one.ends_at)).collect()
        };
        assert_eq!(ended(&preemptions), ended(&beside.preemptions));
        let decisions = Decisions { starts, preemptions };
        assert_eq!(told(&decisions), told(&beside));
        for (start, other) in decisions.starts.iter().zip(&beside.starts) {
            let job = self.jobs.get_mut(&start.job).expect("it waits");
            job.tasks -= 1;
            let lasts = job.time_limit.0 / i64::from(random.of(&[1, 1, 2, 5]));
            self.runs.insert((self.now.plus(Millis(lasts)), start.ticket, other.ticket));
            self.started += 1;
            if job.tasks == 0 {
                self.jobs.remove(&start.job);
            }
        }
    }

    /// The verdict on a job that can start names no job ahead of it that can't.
    fn assert_verdicts(&mut self) {
        let barred: Vec<JobId> =
            self.jobs.values().filter(|job| self.is_barred(job)).map(|job| job.job).collect();
        for job in self.jobs.values().filter(|job| !barred.contains(&job.job)) {
            let verdict = self.all.verdict(job.job).expect("it waits");
            if let scheduler::Limit::Behind { job: ahead, .. } = verdict.limit {
                assert!(!barred.contains(&ahead), "{} is behind one that can't start", job.job);
            }
        }
    }
}

fn play(seed: u64, policy: Policy, look: impl Fn(&mut World)) -> u32 {
    let mut random = Random::new(seed);
    let mut world = World::new(&mut random, policy);
    for _ in 0..80 {
        match random.below(10) {
            0..5 => world.submit(&mut random),
            // Whoever waits for cards that come back goes on waiting for them when its queue was shut meanwhile.
            5 if !policy.reclaims => world.change_queue(&mut random),
            6 => world.now = world.now.plus(Millis(i64::from(random.below(1_800_000)))),
            _ => world.end_next(),
        }
        world.plan(&mut random);
        look(&mut world);
    }
    world.started
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_behind_a_job_that_cannot_start_starts_as_if_it_were_not_there(seed: u64, reclaims: bool) {
        let orders = [Order::FairShare, Order::Fifo, Order::ShortestFirst];
        let backfills = [Backfill::None, Backfill::Easy, Backfill::Conservative];
        for (order, backfill) in orders.into_iter().flat_map(|order| backfills.map(|backfill| (order, backfill))) {
            play(seed, Policy { order, backfill, reclaims, ..Policy::default() }, World::assert_verdicts);
        }
    }
}

/// By these seeds a verdict told of room that was kept for a job before its price went, or before another took its slot.
#[test]
fn no_verdict_names_a_job_ahead_that_cannot_start() {
    let orders = [Order::FairShare, Order::Fifo, Order::ShortestFirst];
    let backfills = [Backfill::None, Backfill::Easy, Backfill::Conservative];
    for (order, backfill) in orders.into_iter().flat_map(|order| backfills.map(|backfill| (order, backfill)))
    {
        for (seed, reclaims) in [(13_296_991_304_291_257_646, false), (261_227_067_685_337_616, true)] {
            let policy = Policy { order, backfill, reclaims, ..Policy::default() };
            play(seed, policy, World::assert_verdicts);
        }
    }
}

#[test]
fn jobs_start_beside_those_that_cannot() {
    let started: u32 =
        (0..20).map(|seed| play(seed, Policy { reclaims: false, ..Policy::default() }, |_| ())).sum();
    assert!(started > 200, "{started}");
}

/// A contract that has ended, or can't pay, keeps no guaranteed cards from the others.
#[test]
fn a_queue_that_is_shut_keeps_no_cards() {
    for gate in [Gate::Open, Gate::Ended, Gate::Closed(ContractState::Exhausted)] {
        let mut keeps = queue(1);
        (keeps.terms.guaranteed_cards, keeps.terms.lending_limit, keeps.gate) = (8, Some(0), gate);
        let mut snapshot = Snapshot {
            nodes: vec![node(0, domain::card::Affinity::Any)],
            queues: vec![queue(0), keeps],
            ..Snapshot::default()
        };
        snapshot.waiting = vec![job(0, 0, 1, 8)];
        let wanted: &[u32] = if gate == Gate::Open { &[] } else { &[0] };
        assert_eq!(started(&snapshot), wanted, "{gate:?}");
    }
}
