//! The planner's input: one consistent picture of nodes, queues, waiting jobs and running runs.

use std::sync::Arc;

use domain::{
    AllianceId, BudgetId, CardMs, CardSet, ContractId, ContractState, JobId, Millis, NodeId, Placement,
    PoolId, QueueTerms, RunId, ServiceClass, TenantId, Timestamp, card::Affinity,
};

/// The center at one instant. The order of the lists has no meaning: the same members in another order give
/// the same plan.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Every node once.
    pub nodes: Vec<NodeView>,
    /// Every contract once that has a waiting job or a running run.
    pub queues: Vec<Queue>,
    /// Every job once that has waiting tasks. A job whose queue is not among `queues` waits as under a
    /// terminated contract.
    pub waiting: Vec<Waiting>,
    /// Every run that holds cards, from the moment it was planned.
    pub running: Vec<Occupied>,
    /// Pools of which only the number of cards is known.
    pub counted: Vec<CountedPool>,
    /// Alliances that lend to queues outside of them. An alliance that is not listed lends nothing.
    pub cohorts: Vec<Cohort>,
}

/// A pool 资源池 of which only the number of cards is known, and not their nodes, as in the records of other
/// centers. A run gets a number of its cards, and no placement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedPool {
    pub pool: PoolId,
    pub model: Arc<str>,
    pub cards: u32,
}

/// A cohort 共享组: queues that lend to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cohort {
    pub id: AllianceId,
    /// How many of its idle guaranteed cards the cohort lends to queues outside of it; `None`: all.
    pub lending_limit: Option<u32>,
}

/// The time from `from` until `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// A node 节点 as the planner sees it.
#[derive(Clone, Debug)]
pub struct NodeView {
    pub id: NodeId,
    pub name: Arc<str>,
    pub pool: PoolId,
    /// The card model's name; all cards of a node are of one model.
    pub model: Arc<str>,
    pub affinity: Affinity,
    /// The rings 环. Used where `affinity` is [`Affinity::Rings`]. Cards that are in a ring but not in
    /// `cards` count as missing, and nodes that miss cards are taken after whole ones.
    pub rings: Arc<[CardSet]>,
    /// The cards of the node.
    pub cards: CardSet,
    /// Those of `cards` that no run holds, also where the node takes no runs.
    pub free: CardSet,
    /// False where the node is drained or failed: no run is placed on it, and cards that come free on it are
    /// not used.
    pub takes_runs: bool,
    /// Nodes behind one switch share its name; empty where the switch is not known. A name may be a path, as
    /// in `superpod-1/leaf-3`: then switches with the same path before the last `/` are near each other.
    pub switch: Arc<str>,
    /// Properties that jobs may ask for: a fast disk, a driver's version.
    pub labels: Arc<[Arc<str>]>,
    /// When the node is out for maintenance: no run is placed on it that could still be there then.
    pub maintenance: Option<Window>,
}

/// The queue 队列 of a contract.
#[derive(Clone, Debug)]
pub struct Queue {
    pub id: ContractId,
    pub tenant: TenantId,
    /// The cohort 共享组 of which the queue is a member. Queues in no cohort lend to and borrow from all
    /// others in none.
    pub cohort: Option<AllianceId>,
    /// The pools whose nodes its jobs may use.
    pub pools: Arc<[PoolId]>,
    /// Those of `pools` in which a service class has no price. No job of the class starts there.
    pub unpriced: Arc<[(ServiceClass, PoolId)]>,
    pub terms: QueueTerms,
    pub gate: Gate,
    /// Decayed use as of the instant at which the planner is told, see [`crate::use_decay`]. Includes the use
    /// of running cards up to that instant; from then on the planner counts it itself.
    pub use_card_ms: CardMs,
}

/// Whether a queue's jobs may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// The contract is in a state that holds its queue.
    Closed(ContractState),
    NotYet {
        starts_at: Timestamp,
    },
    /// The contract's term is over.
    Ended,
    /// A disk of the center has less free than it must: nothing starts.
    DiskFull(DiskShortage),
}

/// A disk of the center that has less free than it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskShortage {
    pub free_mib: u64,
    pub floor_mib: u64,
}

/// A job 作业 with waiting tasks.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub job: JobId,
    pub queue: ContractId,
    pub class: ServiceClass,
    /// Each run asks for `nodes` × `cards_per_node` cards, all at once; all of its nodes are in one pool.
    pub nodes: u32,
    /// The most nodes that a run takes if it can have them at once. A number below `nodes` counts as `nodes`.
    pub max_nodes: u32,
    pub cards_per_node: u32,
    /// Each node must be idle, and a run gets all of its cards.
    pub is_exclusive: bool,
    /// The card models that will do; any where empty. A run has cards of one of them.
    pub models: Arc<[Arc<str>]>,
    /// The labels that the nodes of a run must have.
    pub labels: Arc<[Arc<str>]>,
    /// The longest time that each run may take.
    pub time_limit: Millis,
    pub submitted_at: Timestamp,
    /// How many runs may start now as far as the job itself is concerned: 1 for a job that is no array. For
    /// an array it is the number of waiting tasks, or that which the array's own limit leaves, if it is
    /// smaller (`block` then says so).
    pub tasks: u32,
    /// Why tasks beyond `tasks` are held back. With [`Block::Budget`] and [`Block::Dependency`] none starts, whatever `tasks`
    /// says.
    pub block: Option<Block>,
}

/// Why a job itself holds back some or all of its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// A budget that counts the job is used up.
    Budget(BudgetId),
    /// The job depends on `waits_for` other jobs that have not come that far; `first` is one of them.
    Dependency { waits_for: u32, first: JobId },
    /// The array lets `limit` tasks run at once, and `running` do.
    ArrayLimit { running: u32, limit: u32 },
}

/// A run 运行 that holds cards.
#[derive(Clone, Debug)]
pub struct Occupied {
    pub run: RunId,
    pub job: JobId,
    pub queue: ContractId,
    pub class: ServiceClass,
    pub placement: Placement,
    /// The number of cards, of `placement` or of the counted pool.
    pub cards: u32,
    /// The counted pool of the cards, where they are of one.
    pub counted: Option<PoolId>,
    pub started_at: Timestamp,
    /// The end of the run's time limit. Where that is past, the planner takes the run to end at once.
    pub expected_end: Timestamp,
    /// The run was told to end before its time, for a queue that gets its guaranteed cards back.
    pub is_preempted: bool,
}
