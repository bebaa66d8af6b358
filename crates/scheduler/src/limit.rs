//! The limits that hold jobs back, with their numbers and the codes that the API gives them.

use std::sync::Arc;

use domain::{BudgetId, ContractState, JobId, ServiceClass, Timestamp, budget::UsedUp};
use serde::{Deserialize, Serialize};

/// The limit that binds a job, with its numbers. Where several would bind, it is the first in this order:
/// no price, never fits, contract, disk, budget, dependency, array, nodes that are out, running cards, cards that come back, a job
/// ahead in the same queue, cards kept for others, free cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Limit {
    /// The job can't start as the center is set up, however long it waits.
    NeverFits {
        nodes: u32,
        cards_per_node: u32,
        why: Misfit,
    },
    /// The price book in force has no price for the class in any pool that the job could use.
    NoPrice {
        class: ServiceClass,
    },
    /// The contract's state holds its queue; `expired` also where the contract's term is over.
    ContractClosed {
        state: ContractState,
    },
    ContractNotStarted {
        starts_at: Timestamp,
    },
    /// A disk of the center has `free_mib` free and must have `floor_mib`: nothing starts until there is room.
    DiskFull {
        free_mib: u64,
        floor_mib: u64,
    },
    /// A budget of the job's project or of its member is used up, and nothing that it counts starts.
    BudgetUsedUp {
        budget: BudgetId,
        /// How it stands. The planner itself does not know.
        #[serde(skip_serializing_if = "Option::is_none")]
        stands: Option<Arc<UsedUp>>,
    },
    /// The job waits for `waits_for` other jobs, `first` among them.
    Dependency {
        waits_for: u32,
        first: JobId,
    },
    /// The array's own limit; `running` includes tasks that start in this plan.
    ArrayLimit {
        running: u32,
        limit: u32,
    },
    /// `running` + `asked` is more than the contract's `limit` of running cards: its maximum, or its
    /// guaranteed cards with those that it may borrow.
    MaxRunningCards {
        running: u32,
        asked: u32,
        limit: u32,
    },
    /// Of the nodes that could take the job, `usable` take runs and `out` are drained or failed; it needs
    /// `needed`.
    NodesOut {
        out: u32,
        usable: u32,
        needed: u32,
    },
    /// The pool with the most free cards has `free`.
    FreeCards {
        free: u32,
        asked: u32,
    },
    /// Enough cards are free, but not together: `nodes_fitting` nodes have enough, and the job needs
    /// `nodes_needed`.
    Fragmented {
        free: u32,
        asked: u32,
        nodes_fitting: u32,
        nodes_needed: u32,
    },
    /// The cards that the job would take are held for `job`, which comes before it.
    Behind {
        job: JobId,
        ahead: u32,
    },
    /// Enough cards may be free, but those that others are guaranteed and don't lend are kept for them: the
    /// job's queue may borrow `available` more.
    KeptForOthers {
        available: u32,
        asked: u32,
    },
    /// The job is within its queue's guaranteed cards, and the runs that borrowed these were told to end by
    /// `until`.
    Reclaiming {
        asked: u32,
        until: Timestamp,
    },
    /// The nodes that the job could have go into maintenance at `from`, before it would end.
    Maintenance {
        from: Timestamp,
    },
    /// The job starts in the next plan: this one has started `limit` runs.
    MaxStarts {
        limit: u32,
    },
    /// No plan has looked at the job yet. The planner itself never says so.
    NotPlanned,
    /// The job has its cards and is being started, since this instant. The planner itself never says so.
    Starting {
        since: Timestamp,
    },
}

/// Why a job never fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Misfit {
    /// The job asks for no node or no card.
    NothingAsked,
    /// No pool of the contract has cards of one of these models.
    NoSuchModel { models: Arc<[Arc<str>]> },
    /// No node that the job may use has all of these labels.
    NoSuchLabels { labels: Arc<[Arc<str>]> },
    /// No node that the job may use has more than `most` cards: this one has, of the pool where that is known by name.
    CardsPerNode { most: u32, node: Arc<str>, pool: Option<Arc<str>> },
    /// The wiring of the nodes allows only these numbers of cards a node.
    Affinity { asked: u32, allowed: Arc<[u32]> },
    /// No pool has more than `usable` nodes that could take a part of the job.
    TooManyNodes { usable: u32 },
    /// The job asks for more cards than the contract may ever have running.
    AboveContractLimit { limit: u32 },
}

impl Limit {
    /// Names the pool of the node that a limit is about, by the node's name.
    pub fn name_pool(&mut self, pool_of: impl FnOnce(&str) -> Option<Arc<str>>) {
        if let Self::NeverFits { why: Misfit::CardsPerNode { node, pool, .. }, .. } = self {
            *pool = pool_of(node);
        }
    }

    /// Says how the budget stands that a limit is about.
    pub fn tell_budget(&mut self, how: impl FnOnce(BudgetId) -> Option<UsedUp>) {
        if let Self::BudgetUsedUp { budget, stands } = self {
            *stands = how(*budget).map(Arc::new);
        }
    }

    /// The limit's name in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeverFits { .. } => "never_fits",
            Self::NoPrice { .. } => "no_price",
            Self::ContractClosed { .. } => "contract_closed",
            Self::ContractNotStarted { .. } => "contract_not_started",
            Self::DiskFull { .. } => "disk_full",
            Self::BudgetUsedUp { .. } => "budget_used_up",
            Self::Dependency { .. } => "dependency",
            Self::ArrayLimit { .. } => "array_limit",
            Self::MaxRunningCards { .. } => "max_running_cards",
            Self::NodesOut { .. } => "nodes_out",
            Self::FreeCards { .. } => "free_cards",
            Self::Fragmented { .. } => "fragmented",
            Self::Behind { .. } => "behind",
            Self::KeptForOthers { .. } => "kept_for_others",
            Self::Reclaiming { .. } => "reclaiming",
            Self::Maintenance { .. } => "maintenance",
            Self::MaxStarts { .. } => "max_starts",
            Self::NotPlanned => "not_planned",
            Self::Starting { .. } => "starting",
        }
    }
}
