//! What is going on now, in memory: nodes, contracts with their balances, jobs and runs that have not ended.
//!
//! The store is the truth. This is a copy of the part of it that the loops need at every step: read from the store at
//! start, and changed only after a commit, in the order of the commits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use domain::{
    AllianceId, CardMs, CardSet, Contract, ContractId, ContractState, Job, JobId, Lang, MemberId, MicroCny,
    Millis, Node, NodeId, Placement, PoolId, Project, ProjectId, Run, RunId, Tenant, TenantId, Timestamp,
    contract::{Burn, Funds},
    job::{JobState, Tasks},
    ledger::Metered,
    node::NodeState,
    price::PriceBook,
    run::StopCause,
    spec::{Dependency, DependencyKind},
    tenant::Alliance,
};
use engines::Leaving;
use scheduler::{
    Block, Cohort, Gate, NodeView, Occupied, Planner, Queue, Snapshot, Waiting, Window, use_decay::DecayedUse,
};
use store::pools::Pool;

mod cards;

pub use cards::Hold;

#[derive(Debug, Default)]
pub struct Live {
    pub pools: BTreeMap<PoolId, Pool>,
    pub nodes: BTreeMap<NodeId, LiveNode>,
    pub tenants: HashMap<TenantId, Arc<Tenant>>,
    pub alliances: BTreeMap<AllianceId, Alliance>,
    pub contracts: BTreeMap<ContractId, LiveContract>,
    pub projects: BTreeMap<ProjectId, Project>,
    /// What members sign in with.
    pub logins: HashMap<MemberId, String>,
    pub price_books: Vec<PriceBook>,
    /// Jobs that have not ended.
    pub jobs: BTreeMap<JobId, LiveJob>,
    /// Runs that have not ended.
    pub runs: BTreeMap<RunId, LiveRun>,
    /// How many jobs of each tenant have not ended.
    active_jobs: HashMap<TenantId, u32>,
    /// For each job that others wait for, who waits.
    pub waited_for: HashMap<JobId, HashSet<JobId>>,
    /// Runs that want cards which another one holds.
    crowded_out: BTreeSet<RunId>,
    /// Runs that the engine says will be over soon.
    soon_over: BTreeSet<RunId>,
    /// What the planner is still to be told of.
    touched: Touched,
}

/// What changed since the planner was told.
#[derive(Debug, Default)]
struct Touched {
    jobs: HashSet<JobId>,
    runs: HashSet<RunId>,
    /// Those of them that the planner may know without all of their cards.
    displaced: HashSet<RunId>,
    /// Nodes that take runs again, or no more.
    nodes: HashSet<NodeId>,
    /// Nodes came or went.
    are_nodes_new: bool,
}

#[derive(Clone, Debug)]
pub struct LiveNode {
    pub node: Node,
    pub model: Arc<str>,
    pub name: Arc<str>,
    pub switch: Arc<str>,
    pub rings: Arc<[CardSet]>,
    pub labels: Arc<[Arc<str>]>,
    /// Cards that are some run's own.
    held: CardSet,
    /// Those, and the ones that others wait for which are not free as a whole.
    pub busy: CardSet,
}

#[derive(Clone, Debug)]
pub struct LiveContract {
    pub contract: Contract,
    pub pools: Arc<[PoolId]>,
    /// Balances of its two accounts in the ledger, as of the last metering.
    pub use_balance: CardMs,
    pub money_balance: MicroCny,
    pub decayed_use: DecayedUse,
    /// When its runs are stopped, once its balance has ended.
    pub grace_ends_at: Option<Timestamp>,
}

impl LiveContract {
    /// What is left, not counting what its running runs have used since they were last metered.
    pub fn funds(&self) -> Funds {
        Funds::of(self.contract.kind, self.use_balance, self.money_balance)
    }
}

#[derive(Clone, Debug)]
pub struct LiveJob {
    pub job: Arc<Job>,
    /// The card models of which any will do; none where all do.
    pub models: Arc<[Arc<str>]>,
    pub labels: Arc<[Arc<str>]>,
    pub time_limit: Millis,
    /// What it still waits for of other jobs.
    pub unmet: Vec<Dependency>,
    /// Tasks to be tried again, with the attempt that comes.
    pub retries: Vec<(u32, u32)>,
}

#[derive(Clone, Debug)]
pub struct LiveRun {
    pub run: Run,
    pub job_name: Arc<str>,
    pub class: domain::ServiceClass,
    pub time_limit: Millis,
    pub metered: Metered,
    pub hold: Hold,
    /// What the engine last said of it.
    pub leaving: Leaving,
}

impl Live {
    /// The snapshot that the planner gets.
    ///
    /// Cost: linear in nodes, contracts, and jobs that have not ended.
    pub fn snapshot(&self, half_life: Millis, now: Timestamp) -> Snapshot {
        Snapshot {
            nodes: self.nodes.values().map(|node| self.node_view(node)).collect(),
            queues: self.contracts.values().map(|known| self.queue(known, half_life, now)).collect(),
            waiting: self.jobs.values().filter_map(waiting).collect(),
            running: self.runs.values().filter_map(occupied).collect(),
            counted: Vec::new(),
            cohorts: self.cohorts(),
        }
    }

    /// Tells the planner what changed since it was told last.
    ///
    /// Cost: linear in what changed and in the contracts; where nodes came or went, in all.
    pub fn tell(&mut self, planner: &mut Planner, half_life: Millis, now: Timestamp) {
        let Touched { jobs, runs, displaced, nodes, are_nodes_new } = std::mem::take(&mut self.touched);
        if are_nodes_new {
            planner.set_places(self.nodes.values().map(|node| self.node_view(node)), &[]);
        }
        for (id, node) in nodes.iter().filter_map(|id| Some((id, self.nodes.get(id)?))) {
            planner.set_takes_runs(*id, node.node.state.takes_runs());
        }
        planner.set_cohorts(self.cohorts());
        for contract in self.contracts.values() {
            planner.set_queue(self.queue(contract, half_life, now), now);
        }
        let has_its_place = |id: &RunId| {
            !displaced.contains(id) && self.runs.get(id).is_some_and(|live| live.hold == Hold::Held)
        };
        // First those that give cards back: others may have the same ones.
        for id in runs.iter().filter(|id| !has_its_place(id)) {
            if let Some(ticket) = planner.ticket(*id) {
                planner.end(ticket, now);
            }
        }
        for occupied in runs.iter().filter_map(|id| self.runs.get(id).and_then(occupied)) {
            match planner.ticket(occupied.run) {
                Some(ticket) => planner.confirm(ticket, occupied.run, occupied.expected_end),
                None => _ = planner.occupy(&occupied, now),
            }
        }
        for id in jobs {
            match self.jobs.get(&id).and_then(waiting) {
                Some(waiting) => planner.submit(&waiting),
                None => planner.withdraw(id),
            }
        }
    }

    /// The planner is to be told of a job again: what it decided was not carried out.
    pub fn touch_job(&mut self, id: JobId) {
        self.touched.jobs.insert(id);
    }

    /// What is known of a run changed.
    pub fn touch_run(&mut self, id: RunId) {
        self.touched.runs.insert(id);
    }

    pub fn set_node_state(&mut self, id: NodeId, state: NodeState) {
        if let Some(known) = self.nodes.get_mut(&id) {
            known.node.state = state;
            self.touched.nodes.insert(id);
        }
    }

    /// Changes of a node other than its state alone.
    pub fn change_node(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        if let Some(known) = self.nodes.get_mut(&id) {
            change(&mut known.node);
            known.labels = known.node.labels.iter().map(|label| label.as_str().into()).collect();
            self.touched.are_nodes_new = true;
        }
    }

    /// A node is behind another switch.
    pub fn rewire_node(&mut self, id: NodeId, switch: &str) {
        if let Some(known) = self.nodes.get_mut(&id) {
            switch.clone_into(&mut known.node.switch);
            known.switch = switch.into();
            self.touched.are_nodes_new = true;
        }
    }

    /// A contract's queue as the planner sees it.
    fn queue(&self, live: &LiveContract, half_life: Millis, now: Timestamp) -> Queue {
        let contract = &live.contract;
        let gate = if contract.state != ContractState::Active {
            Gate::Closed(contract.state)
        } else if now < contract.starts_at {
            Gate::NotYet { starts_at: contract.starts_at }
        } else if now >= contract.ends_at {
            Gate::Ended
        } else {
            Gate::Open
        };
        Queue {
            id: contract.id,
            tenant: contract.tenant,
            cohort: self.tenants.get(&contract.tenant).and_then(|tenant| tenant.alliance),
            pools: live.pools.clone(),
            terms: contract.queue,
            gate,
            use_card_ms: live.decayed_use.at(now, half_life),
        }
    }

    /// What the alliances lend. Each is a cohort.
    fn cohorts(&self) -> Vec<Cohort> {
        let cohort = |of: &Alliance| Cohort { id: of.id, lending_limit: of.lending_limit };
        self.alliances.values().map(cohort).collect()
    }

    fn node_view(&self, live: &LiveNode) -> NodeView {
        NodeView {
            id: live.node.id,
            pool: live.node.pool,
            name: live.name.clone(),
            model: live.model.clone(),
            affinity: self.pools.get(&live.node.pool).map(|pool| pool.model.affinity).unwrap_or_default(),
            rings: live.rings.clone(),
            cards: live.node.all_cards(),
            free: live.node.all_cards().without(live.busy),
            takes_runs: live.node.state.takes_runs(),
            switch: live.switch.clone(),
            labels: live.labels.clone(),
            maintenance: live
                .node
                .maintenance
                .as_ref()
                .map(|work| Window { from: work.from, until: work.until }),
        }
    }

    pub fn add_node(&mut self, node: Node, pool: &Pool) {
        let (held, busy) =
            self.nodes.get(&node.id).map_or((CardSet::EMPTY, CardSet::EMPTY), |live| (live.held, live.busy));
        let live = LiveNode {
            model: pool.model.name.as_str().into(),
            name: node.name.as_str().into(),
            switch: node.switch.as_str().into(),
            rings: node.rings.as_slice().into(),
            labels: node.labels.iter().map(|label| label.as_str().into()).collect(),
            held,
            busy,
            node,
        };
        self.nodes.insert(live.node.id, live);
        self.touched.are_nodes_new = true;
    }

    pub fn add_contract(&mut self, contract: Contract, use_balance: CardMs, money_balance: MicroCny) {
        let pools = contract.pools.as_slice().into();
        let id = contract.id;
        let old = self.contracts.remove(&id);
        let live = LiveContract {
            contract,
            pools,
            use_balance,
            money_balance,
            decayed_use: old.as_ref().map(|old| old.decayed_use).unwrap_or_default(),
            grace_ends_at: old.and_then(|old| old.grace_ends_at),
        };
        self.contracts.insert(id, live);
    }

    /// Takes in a job as it is after a change; drops it if it has ended.
    pub fn set_job(&mut self, job: Arc<Job>, time_limit: Millis, unmet: Option<Vec<Dependency>>) {
        let id = job.id;
        self.touched.jobs.insert(id);
        let old = self.jobs.remove(&id);
        let active = self.active_jobs.entry(job.tenant).or_default();
        if job.state.has_ended() {
            *active -= u32::from(old.is_some());
            return;
        }
        *active += u32::from(old.is_none());
        let unmet = unmet.unwrap_or_else(|| old.as_ref().map(|old| old.unmet.clone()).unwrap_or_default());
        for dependency in &unmet {
            self.waited_for.entry(dependency.job).or_default().insert(id);
        }
        let models = job.spec.card_models().map(Into::into).collect();
        let labels = job.spec.labels.iter().map(|label| label.as_str().into()).collect();
        let retries = old.map(|old| old.retries).unwrap_or_default();
        self.jobs.insert(id, LiveJob { job, models, labels, time_limit, unmet, retries });
    }

    /// Jobs that can never run now that `job` stands as it does. What was waited for and has come about is crossed off.
    pub fn settle_dependents(&mut self, job: &Job) -> Vec<JobId> {
        let Some(dependents) = self.waited_for.get(&job.id).cloned() else { return Vec::new() };
        let mut hopeless = Vec::new();
        for id in dependents {
            let Some(dependent) = self.jobs.get_mut(&id) else { continue };
            let mut is_hopeless = false;
            self.touched.jobs.insert(id);
            dependent.unmet.retain(|dependency| {
                if dependency.job != job.id {
                    return true;
                }
                match fate(dependency.when, job.state, job.tasks) {
                    Fate::Open => true,
                    Fate::Met => false,
                    Fate::Never => {
                        is_hopeless = true;
                        true
                    }
                }
            });
            if is_hopeless {
                hopeless.push(id);
            }
        }
        if job.state.has_ended() {
            self.waited_for.remove(&job.id);
        }
        hopeless
    }

    /// What of `contract` its running runs burn, from the instant of their last metering.
    pub fn burns(&self, contract: ContractId) -> impl Iterator<Item = Burn> {
        self.runs
            .values()
            .filter(move |live| live.run.contract == contract && live.run.state.started_at().is_some())
            .map(|live| Burn { cards: live.run.placement.card_count(), rate: live.run.rate })
    }

    /// Cards of `contract` that runs have, or wait for and run on.
    pub fn cards_in_use(&self, contract: ContractId) -> u32 {
        let is_on_its_cards = |live: &&LiveRun| match live.hold {
            Hold::Held => true,
            Hold::Crowded => live.run.state.started_at().is_some(),
            Hold::Lent | Hold::Left => false,
        };
        let of_contract = self.runs.values().filter(|live| live.run.contract == contract);
        of_contract.filter(is_on_its_cards).map(|live| live.run.placement.card_count()).sum()
    }

    /// How many jobs of a tenant have not ended.
    pub fn jobs_of(&self, tenant: TenantId) -> u32 {
        self.active_jobs.get(&tenant).copied().unwrap_or(0)
    }

    /// What the runs of a job have used and cost since they were last metered.
    pub fn unmetered(&self, job: JobId, now: Timestamp) -> (CardMs, MicroCny) {
        let mut sums = (CardMs::ZERO, MicroCny::ZERO);
        if self.jobs.get(&job).is_none_or(|live| live.job.tasks.running == 0) {
            return sums;
        }
        for live in self.runs.values().filter(|live| live.run.job == job) {
            sums.0 += live.run.used(now) - live.metered.used;
            sums.1 = MicroCny(sums.1.0 + live.run.charge(now).0 - live.metered.charged.0);
        }
        sums
    }

    /// The name of a tenant in `lang`, or its id if it is gone.
    pub fn tenant_name(&self, id: TenantId, lang: Lang) -> String {
        self.tenants.get(&id).map_or_else(
            || id.to_string(),
            |tenant| match lang {
                Lang::Zh => tenant.name_zh.clone(),
                Lang::En => tenant.name_en.clone(),
            },
        )
    }
}

/// What has become of something waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    Met,
    Never,
}

/// Whether a job in `state` is, may still be, or can't be what `when` asks for.
pub fn fate(when: DependencyKind, state: JobState, tasks: Tasks) -> Fate {
    use domain::job::JobOutcome;
    let JobState::Ended { outcome, .. } = state else {
        let has_begun = tasks.next > 0;
        return if when == DependencyKind::Started && has_begun { Fate::Met } else { Fate::Open };
    };
    let is_met = match when {
        DependencyKind::Started | DependencyKind::Ended => true,
        DependencyKind::Succeeded => outcome == JobOutcome::Succeeded,
        DependencyKind::Failed => outcome != JobOutcome::Succeeded,
    };
    if is_met { Fate::Met } else { Fate::Never }
}

/// A job as the planner sees it, if tasks of it wait.
pub fn waiting(live: &LiveJob) -> Option<Waiting> {
    let job = &live.job;
    if job.tasks.waiting() == 0 || matches!(job.state, JobState::Stopping { .. } | JobState::Ended { .. }) {
        return None;
    }
    let tasks = job.startable();
    let block = match (live.unmet.first(), &job.spec.array) {
        (Some(first), _) => Some(Block::Dependency {
            waits_for: u32::try_from(live.unmet.len()).unwrap_or(u32::MAX),
            first: first.job,
        }),
        (None, Some(array)) if tasks == 0 => Some(Block::ArrayLimit {
            running: job.tasks.running,
            limit: array.max_running.unwrap_or(u32::MAX),
        }),
        _ => None,
    };
    Some(Waiting {
        job: job.id,
        queue: job.contract,
        class: job.spec.service_class,
        nodes: job.spec.nodes,
        max_nodes: job.spec.most_nodes(),
        cards_per_node: job.spec.cards_per_node,
        is_exclusive: job.spec.exclusive,
        models: live.models.clone(),
        labels: live.labels.clone(),
        time_limit: live.time_limit,
        submitted_at: job.submitted_at,
        tasks,
        block,
    })
}

/// A run as the planner sees it, if it counts as running.
fn occupied(live: &LiveRun) -> Option<Occupied> {
    let placement = match live.hold {
        // The planner leaves out what is another's.
        Hold::Held | Hold::Crowded => live.run.placement.clone(),
        Hold::Lent => Placement(Vec::new()),
        Hold::Left => return None,
    };
    let from = live.run.state.started_at().unwrap_or_else(|| live.run.state.planned_at());
    Some(Occupied {
        run: live.run.id,
        job: live.run.job,
        queue: live.run.contract,
        class: live.class,
        placement,
        cards: live.run.placement.card_count(),
        counted: None,
        started_at: from,
        expected_end: from.plus(live.time_limit),
        is_preempted: live.run.state.stop().is_some_and(|stop| stop.cause == StopCause::Preempted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::job::JobOutcome;

    #[test]
    fn what_is_waited_for_comes_about_or_can_not() {
        use DependencyKind as K;
        let ended = |outcome| JobState::Ended { at: Timestamp::default(), outcome };
        let (waits, begun) = (Tasks::new(1), Tasks { next: 1, ..Tasks::new(1) });
        let states = [
            (JobState::Queued, waits),
            // It was preempted, and waits again.
            (JobState::Queued, begun),
            (JobState::Running, begun),
            (ended(JobOutcome::Succeeded), begun),
            (ended(JobOutcome::Cancelled), waits),
        ];
        for (when, want) in [
            (K::Started, [Fate::Open, Fate::Met, Fate::Met, Fate::Met, Fate::Met]),
            (K::Ended, [Fate::Open, Fate::Open, Fate::Open, Fate::Met, Fate::Met]),
            (K::Succeeded, [Fate::Open, Fate::Open, Fate::Open, Fate::Met, Fate::Never]),
            (K::Failed, [Fate::Open, Fate::Open, Fate::Open, Fate::Never, Fate::Met]),
        ] {
            assert_eq!(states.map(|(state, tasks)| fate(when, state, tasks)), want, "{when:?}");
        }
    }
}
