//! The planner with all that it knows, and how it is told of queues and runs.

use std::collections::BTreeMap;

use domain::{ContractId, JobId, Millis, NodeId, Placement, PoolId, RunId, ServiceClass, Timestamp};
use rustc_hash::FxHashMap;

use super::{
    ask::Asks,
    job::WaitingJob,
    lane::Lane,
    outlook::Outlook,
    queue_state::{QueueStanding, QueueState, running_limit},
    quota_tree::QuotaTree,
    slab::Slab,
};
use crate::{
    hall::{
        card_pool::{CardPool, Space},
        hold::HoldOwner,
        search::PoolCards,
    },
    index::index,
    policy::{Order, Policy},
    snapshot::{Cohort, Occupied, Queue, Snapshot},
};

/// The planner 调度: it is told of changes, and asked for a plan after them.
///
/// The planner keeps all that it is told, indexed so that the cost of a plan grows with the changes and not
/// with the jobs that wait. It takes the runs that it starts as running at once; whoever carries the plan out
/// tells it what became of them.
#[derive(Debug)]
pub struct Planner {
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    /// The number of the last plan, from 1.
    pub(crate) plan_number: u64,
    /// By pool, then model.
    pub(crate) card_pools: Vec<CardPool>,
    /// The card pool and rank of each node.
    pub(crate) node_at: FxHashMap<NodeId, (u32, u32)>,
    pub(crate) counted_at: FxHashMap<PoolId, u32>,
    pub(crate) queues: Vec<QueueState>,
    pub(crate) queue_at: FxHashMap<ContractId, u32>,
    pub(crate) cohorts: Vec<Cohort>,
    /// `None` where no queue or cohort keeps cards to itself: then only the free cards limit borrowing.
    pub(crate) quotas: Option<QuotaTree>,
    pub(crate) asks: Asks,
    pub(crate) jobs: Slab<WaitingJob>,
    /// Made when a job is first asked for by its id, which a single plan of a snapshot never does.
    pub(crate) job_of: Option<FxHashMap<JobId, u32>>,
    pub(crate) runs: Slab<KnownRun>,
    run_of: FxHashMap<RunId, u32>,
    /// By service class, and by queue where queues matter.
    pub(crate) lanes: Vec<Lane>,
    /// For each class, the lanes that may have jobs.
    pub(crate) busy_lanes: [Vec<u32>; ServiceClass::ALL.len()],
    /// For each lane, whether it is among the busy ones.
    pub(crate) is_lane_busy: Vec<bool>,
    /// Jobs to which a start is promised, and the card pool of their hold.
    pub(crate) held: BTreeMap<u32, u32>,
    /// The order in which the lanes had their last turns.
    pub(crate) order: Vec<u32>,
    pub(crate) outlook: Option<Outlook>,
    /// No queue has a limit or guaranteed cards. Then a job waits for nothing but free cards.
    pub(crate) has_no_terms: bool,
    /// The tree of quotas is to be built anew.
    pub(crate) quotas_are_stale: bool,
}

/// A run that holds cards.
#[derive(Debug)]
pub(crate) struct KnownRun {
    pub(crate) id: Option<RunId>,
    pub(crate) job: JobId,
    pub(crate) queue: u32,
    pub(crate) class: ServiceClass,
    pub(crate) cards: PoolCards,
    pub(crate) started_at: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) is_preempted: bool,
}

/// The index of something that is not known.
pub(crate) const NONE: u32 = u32::MAX;

/// Names a run that the planner knows, until the planner is told of the run's end. After that another run may
/// get the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u32);

impl Planner {
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            now: Timestamp::default(),
            plan_number: 0,
            card_pools: Vec::new(),
            node_at: FxHashMap::default(),
            counted_at: FxHashMap::default(),
            queues: Vec::new(),
            queue_at: FxHashMap::default(),
            cohorts: Vec::new(),
            quotas: None,
            asks: Asks::default(),
            jobs: Slab::default(),
            job_of: None,
            runs: Slab::default(),
            run_of: FxHashMap::default(),
            lanes: vec![Lane::default(); ServiceClass::ALL.len()],
            busy_lanes: [const { Vec::new() }; ServiceClass::ALL.len()],
            is_lane_busy: vec![false; ServiceClass::ALL.len()],
            held: BTreeMap::new(),
            order: Vec::new(),
            outlook: None,
            has_no_terms: false,
            quotas_are_stale: true,
        }
    }

    /// A planner that knows what is in `snapshot`. The order of the snapshot's lists has no meaning.
    pub fn of(snapshot: &Snapshot, policy: Policy, now: Timestamp) -> Self {
        let mut planner = Self::new(policy);
        planner.now = now;
        planner.set_places(snapshot.nodes.iter().cloned(), &snapshot.counted);
        planner.set_cohorts(snapshot.cohorts.clone());
        for queue in &snapshot.queues {
            planner.set_queue(queue.clone(), now);
        }
        for run in &snapshot.running {
            planner.occupy(run, now);
        }
        planner.free_as_seen(&snapshot.nodes);
        planner.submit_all(&snapshot.waiting);
        planner
    }

    /// Plans by another policy from now on. `order` must stay the same while jobs wait.
    pub fn set_policy(&mut self, policy: Policy) {
        debug_assert!(policy.order == self.policy.order || self.jobs.iter().next().is_none());
        self.policy = policy;
    }

    /// Says what cohorts lend to queues outside of them.
    pub fn set_cohorts(&mut self, cohorts: Vec<Cohort>) {
        self.quotas_are_stale |= self.cohorts != cohorts;
        self.cohorts = cohorts;
    }

    /// Takes in a queue that is new or has changed.
    pub fn set_queue(&mut self, told: Queue, now: Timestamp) {
        self.outlook = None;
        let Some(&known) = self.queue_at.get(&told.id) else {
            self.queue_at.insert(told.id, index(self.queues.len()));
            let pools = self.asks.pools_of(&told);
            self.queues.push(QueueState::new(told, pools, now));
            if self.policy.order == Order::FairShare {
                let lanes = self.queues.len() * ServiceClass::ALL.len();
                self.lanes.resize(lanes, Lane::default());
                self.is_lane_busy.resize(lanes, false);
            }
            self.quotas_are_stale = true;
            return;
        };
        let queue = &mut self.queues[known as usize];
        let before = std::mem::replace(&mut queue.told, told);
        queue.renew(now);
        let (new, limit) = (&queue.told, queue.limit);
        let (pools_changed, gate_changed) =
            ((&new.pools, &new.unpriced) != (&before.pools, &before.unpriced), new.gate != before.gate);
        self.quotas_are_stale |=
            pools_changed || gate_changed || new.terms != before.terms || new.cohort != before.cohort;
        if pools_changed {
            queue.pools = self.asks.pools_of(&queue.told);
        }
        if pools_changed || gate_changed || limit != running_limit(&before.terms) {
            let of_queue: Vec<u32> =
                self.jobs.iter().filter(|(_, job)| job.queue == known).map(|(slot, _)| slot).collect();
            for slot in of_queue {
                let (job, queue) = (&self.jobs[slot], &self.queues[known as usize]);
                let ask = self.asks.in_pools(job.ask, queue.pools[job.class as usize], &self.card_pools);
                self.leave_lane(slot);
                self.jobs[slot].ask = ask;
                self.enter_lane(slot);
            }
        }
    }

    /// Takes in a run that holds cards already.
    pub fn occupy(&mut self, run: &Occupied, now: Timestamp) -> Ticket {
        self.now = self.now.max(now);
        let cards = self.cards_at(&run.placement, run.counted, run.cards);
        let queue = self.queue_at.get(&run.queue).copied().unwrap_or(NONE);
        let slot = self.begin(KnownRun {
            id: Some(run.run),
            job: run.job,
            queue,
            class: run.class,
            cards,
            started_at: run.started_at,
            end: run.expected_end,
            is_preempted: run.is_preempted,
        });
        self.run_of.insert(run.run, slot);
        Ticket(slot)
    }

    pub(crate) fn begin(&mut self, run: KnownRun) -> u32 {
        let (queue, count, end, card_pool) = (run.queue, run.cards.count, run.end, run.cards.card_pool);
        let slot = self.runs.insert(run);
        if let Some(card_pool) = self.card_pools.get_mut(card_pool as usize) {
            card_pool.begin(slot, &self.runs[slot].cards, end);
            for hold in card_pool.holds.iter_mut().filter(|hold| hold.from < end) {
                hold.spare = hold.spare.saturating_sub(count);
            }
        }
        if let Some(of) = self.queues.get_mut(queue as usize) {
            of.begin(slot, count, end, self.now);
            if let Some(quotas) = &mut self.quotas {
                quotas.count(of.branch, i64::from(count));
            }
        }
        self.outlook = None;
        slot
    }

    /// Gives its id to the run that a plan started as `ticket`, and says when the run ends at the latest.
    pub fn confirm(&mut self, ticket: Ticket, id: RunId, expected_end: Timestamp) {
        self.runs[ticket.0].id = Some(id);
        self.run_of.insert(id, ticket.0);
        self.set_end(ticket.0, expected_end);
    }

    pub(crate) fn set_end(&mut self, slot: u32, end: Timestamp) {
        let run = &mut self.runs[slot];
        if run.end == end {
            return;
        }
        let before = std::mem::replace(&mut run.end, end);
        if let Some(card_pool) = self.card_pools.get_mut(run.cards.card_pool as usize) {
            card_pool.set_end(slot, &run.cards, before, end);
            card_pool.holds.iter_mut().for_each(|hold| hold.is_stale = true);
        }
        if let Some(of) = self.queues.get_mut(run.queue as usize) {
            of.set_end(slot, end);
        }
        self.outlook = None;
    }

    /// The ticket of a run whose id the planner was told.
    pub fn ticket(&self, id: RunId) -> Option<Ticket> {
        self.run_of.get(&id).copied().map(Ticket)
    }

    /// Takes in that a run has ended: its cards are free.
    pub fn end(&mut self, ticket: Ticket, now: Timestamp) {
        let Some(run) = self.runs.remove(ticket.0) else { return };
        self.now = self.now.max(now);
        if let Some(id) = run.id {
            self.run_of.remove(&id);
        }
        if let Some(card_pool) = self.card_pools.get_mut(run.cards.card_pool as usize) {
            card_pool.end(ticket.0, &run.cards, run.end);
            self.quotas_are_stale |= self.quotas.is_some() && card_pool.has_node_out(&run.cards);
            let are_many = card_pool.holds.len() > 1;
            for hold in card_pool.holds.iter_mut().filter(|hold| are_many || run.end >= hold.from) {
                hold.is_stale = true;
            }
        }
        if let Some(of) = self.queues.get_mut(run.queue as usize) {
            of.end(ticket.0, self.now);
            if let Some(quotas) = &mut self.quotas {
                quotas.count(of.branch, -i64::from(run.cards.count));
            }
        }
        self.outlook = None;
    }

    /// Free cards on nodes that take runs.
    pub fn free_cards(&self) -> u32 {
        self.card_pools.iter().map(CardPool::free_cards).sum()
    }

    pub(crate) fn drop_hold(&mut self, slot: u32) {
        if let Some(card_pool) = self.held.remove(&slot) {
            if let Some(queue) = self.queues.get_mut(self.jobs[slot].queue as usize) {
                queue.forget_promise(slot);
            }
            self.card_pools[card_pool as usize].remove_hold(HoldOwner::Job(slot));
        }
    }

    /// The standing of a lane's queue.
    pub(crate) fn standing(&mut self, lane: u32) -> QueueStanding {
        match self.policy.order {
            Order::FairShare => {
                let queue = &mut self.queues[lane as usize / ServiceClass::ALL.len()];
                queue.standing(&self.policy, self.now)
            }
            Order::Fifo | Order::ShortestFirst => QueueStanding::EQUAL,
        }
    }

    pub(crate) fn placement(&self, cards: &PoolCards) -> Placement {
        match &self.card_pools[cards.card_pool as usize].space {
            Space::Nodes { topology, .. } => topology.placement(&cards.places),
            Space::Counted { .. } => Placement(Vec::new()),
        }
    }

    /// The end of a run that starts now and has this time limit.
    pub(crate) fn end_of(&self, limit: Millis) -> Timestamp {
        self.now.plus(limit)
    }
}
