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
    /// Nodes behind one switch share a name; empty where it is not known.
    pub switch: Arc<str>,
}

/// The queue 队列 of a contract.
#[derive(Clone, Debug)]
pub struct Queue {
    pub id: ContractId,
    pub tenant: TenantId,
    /// The cohort 共享组 of which it is a member. Not used by this first form.
    pub cohort: Option<AllianceId>,
    /// The pools whose nodes its jobs may use.
    pub pools: Arc<[PoolId]>,
    /// `lending_limit` is not used by this first form.
    pub terms: QueueTerms,
    pub gate: Gate,
    /// Decayed use as of the plan's instant, see [`crate::use_decay`]; what runs now included up to that instant.
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
    pub cards_per_node: u32,
    /// The card model wanted; any where `None`.
    pub model: Option<Arc<str>>,
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
    /// When its time limit ends. Where that is past, the planner takes it to end at once.
    pub expected_end: Timestamp,
}
