//! What the planner knows between plans, and how it is told what changed.

use std::collections::BTreeMap;

use domain::{ContractId, JobId, Millis, NodeId, Placement, PoolId, RunId, ServiceClass, Timestamp};
use rustc_hash::FxHashMap;

use crate::{
    Cohort, Occupied, Order, Policy, Queue, Snapshot,
    account::{Account, Standing},
    ask::Asks,
    explain::Outlook,
    hold::Owner,
    index,
    jobs::Job,
    quotas::Quotas,
    site::{Cards, Site, Space},
    slab::Slab,
    stream::Stream,
};

/// The planner 调度: it is told what changes, and asked for a plan after each change.
///
/// It holds what it was told, indexed so that a plan costs as much as what changed and not as much as what waits. What it
/// starts it takes as running at once; who carries the plan out tells it what came of that.
#[derive(Debug)]
pub struct Planner {
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    /// The number of the plan.
    pub(crate) stamp: u64,
    /// By pool, then model.
    pub(crate) sites: Vec<Site>,
    pub(crate) node_at: FxHashMap<NodeId, (u32, u32)>,
    pub(crate) counted_at: FxHashMap<PoolId, u32>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) account_of: FxHashMap<ContractId, u32>,
    pub(crate) cohorts: Vec<Cohort>,
    /// Only where some queue or cohort keeps cards to itself: else nothing but the free cards limits borrowing.
    pub(crate) quotas: Option<Quotas>,
    pub(crate) asks: Asks,
    pub(crate) jobs: Slab<Job>,
    /// Made when a job is first asked for by its id: who makes one plan of a snapshot never does.
    pub(crate) job_of: Option<FxHashMap<JobId, u32>>,
    pub(crate) runs: Slab<Run>,
    run_of: FxHashMap<RunId, u32>,
    /// By service class, and by queue where queues matter.
    pub(crate) streams: Vec<Stream>,
    /// Of each class the streams that may have jobs; whether a stream is among them.
    pub(crate) busy: [Vec<u32>; ServiceClass::ALL.len()],
    pub(crate) is_busy: Vec<bool>,
    /// Jobs to which a start is promised, and the site of their hold.
    pub(crate) held: BTreeMap<u32, u32>,
    /// The order in which the streams had their turn at last.
    pub(crate) order: Vec<u32>,
    pub(crate) outlook: Option<Outlook>,
    /// No queue has limits or guaranteed cards: what is asked for and found not to be there is all that matters.
    pub(crate) has_no_terms: bool,
    /// The sums of quotas are to be made anew.
    pub(crate) is_stale: bool,
}

/// A run that holds cards.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: Option<RunId>,
    pub(crate) job: JobId,
    pub(crate) account: u32,
    pub(crate) class: ServiceClass,
    pub(crate) cards: Cards,
    pub(crate) started_at: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) is_preempted: bool,
}

pub(crate) const NONE: u32 = u32::MAX;

/// A run of which the planner knows, until it is told of its end. Given again to another run after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u32);

impl Planner {
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            now: Timestamp::default(),
            stamp: 0,
            sites: Vec::new(),
            node_at: FxHashMap::default(),
            counted_at: FxHashMap::default(),
            accounts: Vec::new(),
            account_of: FxHashMap::default(),
            cohorts: Vec::new(),
            quotas: None,
            asks: Asks::default(),
            jobs: Slab::default(),
            job_of: None,
            runs: Slab::default(),
            run_of: FxHashMap::default(),
            streams: vec![Stream::default(); ServiceClass::ALL.len()],
            busy: [const { Vec::new() }; ServiceClass::ALL.len()],
            is_busy: vec![false; ServiceClass::ALL.len()],
            held: BTreeMap::new(),
            order: Vec::new(),
            outlook: None,
            has_no_terms: false,
            is_stale: true,
        }
    }

    /// One that knows what is in `snapshot`. The order of its lists has no meaning.
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

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides otherwise from now on. `order` must stay what it was while jobs wait.
    pub fn set_policy(&mut self, policy: Policy) {
        debug_assert!(policy.order == self.policy.order || self.jobs.iter().next().is_none());
        self.policy = policy;
    }

    /// What cohorts lend to those outside of them.
    pub fn set_cohorts(&mut self, cohorts: Vec<Cohort>) {
        self.is_stale |= self.cohorts != cohorts;
        self.cohorts = cohorts;
    }

    /// A queue that is new, or is otherwise than it was.
    pub fn set_queue(&mut self, queue: Queue, now: Timestamp) {
        self.outlook = None;
        let Some(&known) = self.account_of.get(&queue.id) else {
            let account = index(self.accounts.len());
            self.account_of.insert(queue.id, account);
            let pools = self.asks.pools(&queue.pools);
            self.accounts.push(Account::new(queue, pools, now));
            if self.policy.order == Order::FairShare {
                let streams = self.accounts.len() * ServiceClass::ALL.len();
                self.streams.resize(streams, Stream::default());
                self.is_busy.resize(streams, false);
            }
            self.is_stale = true;
            return;
        };
        let account = &mut self.accounts[known as usize];
        let (terms, cohort, gate, pools) =
            (account.queue.terms, account.queue.cohort, account.queue.gate, account.queue.pools.clone());
        account.set(queue, now);
        let (new, limit) = (&account.queue, account.limit);
        let (has_moved, has_turned) = (new.pools != pools, new.gate != gate);
        self.is_stale |= has_moved || new.terms != terms || new.cohort != cohort;
        if has_moved {
            account.pools = self.asks.pools(&account.queue.pools);
        }
        if has_moved || has_turned || new_limit_matters(limit, terms) {
            let of_queue: Vec<u32> =
                self.jobs.iter().filter(|(_, job)| job.account == known).map(|(slot, _)| slot).collect();
            for slot in of_queue {
                let (job, account) = (&self.jobs[slot], &self.accounts[known as usize]);
                let ask = self.asks.in_pools(job.ask, account.pools, &self.sites);
                self.step_back(slot);
                self.jobs[slot].ask = ask;
                self.line_up(slot);
            }
        }
    }

    /// A run that holds cards already.
    pub fn occupy(&mut self, run: &Occupied, now: Timestamp) -> Ticket {
        self.now = self.now.max(now);
        let cards = self.cards_at(&run.placement, run.counted, run.cards);
        let account = self.account_of.get(&run.queue).copied().unwrap_or(NONE);
        let slot = self.begin(Run {
            id: Some(run.run),
            job: run.job,
            account,
            class: run.class,
            cards,
            started_at: run.started_at,
            end: run.expected_end,
            is_preempted: run.is_preempted,
        });
        self.run_of.insert(run.run, slot);
        Ticket(slot)
    }

    pub(crate) fn begin(&mut self, run: Run) -> u32 {
        let (account, count, end, site) = (run.account, run.cards.count, run.end, run.cards.site);
        let slot = self.runs.insert(run);
        if let Some(site) = self.sites.get_mut(site as usize) {
            site.begin(slot, &self.runs[slot].cards, end);
            for hold in site.holds.iter_mut().filter(|hold| hold.from < end) {
                hold.spare = hold.spare.saturating_sub(count);
            }
        }
        if let Some(of) = self.accounts.get_mut(account as usize) {
            of.begin(slot, count, end, self.now);
            if let Some(quotas) = &mut self.quotas {
                quotas.count(of.branch, i64::from(count));
            }
        }
        self.outlook = None;
        slot
    }

    /// Names a run that was started as `ticket`, and says when it ends at the latest.
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
        if let Some(site) = self.sites.get_mut(run.cards.site as usize) {
            site.set_end(slot, &run.cards, before, end);
            site.holds.iter_mut().for_each(|hold| hold.is_stale = true);
        }
        if let Some(of) = self.accounts.get_mut(run.account as usize) {
            of.set_end(slot, end);
        }
        self.outlook = None;
    }

    /// The ticket of a run that was named.
    pub fn ticket(&self, id: RunId) -> Option<Ticket> {
        self.run_of.get(&id).copied().map(Ticket)
    }

    /// A run has ended: its cards are free.
    pub fn end(&mut self, ticket: Ticket, now: Timestamp) {
        let Some(run) = self.runs.remove(ticket.0) else { return };
        self.now = self.now.max(now);
        if let Some(id) = run.id {
            self.run_of.remove(&id);
        }
        if let Some(site) = self.sites.get_mut(run.cards.site as usize) {
            site.end(ticket.0, &run.cards, run.end);
            self.is_stale |= self.quotas.is_some() && site.has_out(&run.cards);
            let are_many = site.holds.len() > 1;
            for hold in site.holds.iter_mut().filter(|hold| are_many || run.end >= hold.from) {
                hold.is_stale = true;
            }
        }
        if let Some(of) = self.accounts.get_mut(run.account as usize) {
            of.end(ticket.0, self.now);
            if let Some(quotas) = &mut self.quotas {
                quotas.count(of.branch, -i64::from(run.cards.count));
            }
        }
        self.outlook = None;
    }

    /// Cards that are free on nodes that take runs.
    pub fn free_cards(&self) -> u32 {
        self.sites.iter().map(Site::free_cards).sum()
    }

    /// Free cards that are on nodes on which something runs. The share of them in the free cards measures how broken up
    /// the nodes are.
    pub fn scattered_cards(&self) -> u32 {
        let of = |site: &Site| match &site.space {
            Space::Nodes { hall, .. } => hall.scattered_cards(),
            Space::Counted { .. } => 0,
        };
        self.sites.iter().map(of).sum()
    }

    pub(crate) fn drop_hold(&mut self, slot: u32) {
        if let Some(site) = self.held.remove(&slot) {
            if let Some(account) = self.accounts.get_mut(self.jobs[slot].account as usize) {
                account.forget_promise(slot);
            }
            self.sites[site as usize].remove_hold(Owner::Job(slot));
        }
    }

    /// That of the queue of a stream.
    pub(crate) fn standing(&mut self, stream: u32) -> Standing {
        match self.policy.order {
            Order::FairShare => {
                let account = &mut self.accounts[stream as usize / ServiceClass::ALL.len()];
                account.standing(&self.policy, self.now)
            }
            Order::Fifo | Order::ShortestFirst => Standing::EQUAL,
        }
    }

    pub(crate) fn placement(&self, cards: &Cards) -> Placement {
        match &self.sites[cards.site as usize].space {
            Space::Nodes { ground, .. } => ground.placement(&cards.places),
            Space::Counted { .. } => Placement(Vec::new()),
        }
    }

    /// Time limits are counted from `now`.
    pub(crate) fn end_of(&self, limit: Millis) -> Timestamp {
        self.now.plus(limit)
    }
}

/// Whether jobs that asked for more than the contract allows may now be within it, or the other way round.
fn new_limit_matters(limit: u32, before: domain::QueueTerms) -> bool {
    let borrowable = before.borrowing_limit.map(|limit| before.guaranteed_cards.saturating_add(limit));
    limit != before.max_running_cards.min(borrowable.unwrap_or(u32::MAX))
}
