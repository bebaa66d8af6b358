//! What the planner sees: one consistent picture of nodes, queues, waiting jobs and running runs.

use std::sync::Arc;

use domain::{
    AllianceId, CardMs, CardSet, ContractId, ContractState, JobId, Millis, NodeId, Placement, PoolId,
    QueueTerms, RunId, ServiceClass, TenantId, Timestamp, card::Affinity,
};

/// The center at one instant. The order of the lists has no meaning: the same members in another order give the same
/// plan.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Every node once.
    pub nodes: Vec<NodeView>,
    /// Every contract once that has a waiting job or a running run.
    pub queues: Vec<Queue>,
    /// Every job once that has tasks that wait. A job whose queue is not among `queues` waits as under a terminated
    /// contract.
    pub waiting: Vec<Waiting>,
    /// Every run that holds cards, from the moment it was planned.
    pub running: Vec<Occupied>,
    /// Pools of which only the number of cards is known.
    pub counted: Vec<CountedPool>,
    /// Alliances that do something else than lend nothing to others.
    pub cohorts: Vec<Cohort>,
}

/// A pool 资源池 of which only the number of cards is known, and not which are where: as in the records of other
/// centers. A run gets so many cards of it, and no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedPool {
    pub pool: PoolId,
    pub model: Arc<str>,
    pub cards: u32,
}

/// A cohort 共享组 as a whole. Its queues lend to each other; what it lends to those outside of it:
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cohort {
    pub id: AllianceId,
    /// How many of its idle guaranteed cards; `None`: all of them. A cohort that is not listed lends none.
    pub lending_limit: Option<u32>,
}

/// From `from` until `until`.
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
    /// The rings 环. Used where `affinity` is [`Affinity::Rings`]; cards that are in a ring but not in `cards` count
    /// as missing, and nodes that miss cards are taken after whole ones.
    pub rings: Arc<[CardSet]>,
    /// The cards that it has.
    pub cards: CardSet,
    /// Those of `cards` that no run holds, also where the node takes no runs.
    pub free: CardSet,
    /// False where it is drained or failed: nothing is placed on it, and what ends there frees nothing.
    pub takes_runs: bool,
    /// Nodes behind one switch share its name; empty where it is not known. A name may be a path, as in
    /// `superpod-1/leaf-3`: then switches with the same path before the last `/` are near each other.
    pub switch: Arc<str>,
    /// What jobs may ask for: a fast disk, a driver's version.
    pub labels: Arc<[Arc<str>]>,
    /// When it will be out for maintenance: no run is placed on it that could still be there then.
    pub maintenance: Option<Window>,
}

/// The queue 队列 of a contract.
#[derive(Clone, Debug)]
pub struct Queue {
    pub id: ContractId,
    pub tenant: TenantId,
    /// The cohort 共享组 of which it is a member. Those in none lend to and borrow from all others in none.
    pub cohort: Option<AllianceId>,
    /// The pools whose nodes its jobs may use.
    pub pools: Arc<[PoolId]>,
    pub terms: QueueTerms,
    pub gate: Gate,
    /// Decayed use as of the instant at which the planner is told, see [`crate::use_decay`]; what runs now included up to
    /// that instant. From then on the planner counts what runs itself.
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
}

/// A job 作业 that has tasks that wait.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub job: JobId,
    pub queue: ContractId,
    pub class: ServiceClass,
    /// Each run asks for `nodes` × `cards_per_node` cards, all at once; all of its nodes are in one pool.
    pub nodes: u32,
    /// It takes up to so many nodes if it can have them at once; no more than `nodes` where this is not above it.
    pub max_nodes: u32,
    pub cards_per_node: u32,
    /// Each node must be idle, and the run gets all of its cards.
    pub is_exclusive: bool,
    /// The card models that do; any where empty. A run has cards of one of them.
    pub models: Arc<[Arc<str>]>,
    /// Its nodes must have all of these labels.
    pub labels: Arc<[Arc<str>]>,
    /// How long each run may take at most.
    pub time_limit: Millis,
    pub submitted_at: Timestamp,
    /// How many runs may start now as far as the job itself is concerned: 1 for a job that is no array; for an array
    /// what waits, or what its own limit leaves where that is less (`block` then says so).
    pub tasks: u32,
    /// What in the job itself holds back tasks beyond `tasks`. With [`Block::Dependency`] none starts, whatever
    /// `tasks` says.
    pub block: Option<Block>,
}

/// What in a job itself holds back some or all of its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// `waits_for` other jobs have not yet come to where it wants them; `first` is one of them.
    Dependency { waits_for: u32, first: JobId },
    /// As an array it lets `limit` tasks run at once, and `running` do.
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
    /// In all: those of `placement`, or so many of a counted pool.
    pub cards: u32,
    /// The counted pool that they are of, where they are.
    pub counted: Option<PoolId>,
    pub started_at: Timestamp,
    /// When its time limit ends. Where that is past, the planner takes it to end at once.
    pub expected_end: Timestamp,
    /// It was told to end before its time, for a queue that wants its own cards back.
    pub is_preempted: bool,
}
