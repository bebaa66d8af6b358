//! What the planner decided: the plan 计划, and for each job that goes on waiting the limit that binds.

use std::sync::Arc;

use domain::{ContractState, JobId, Placement, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Preemption;

/// What to start, and why the rest waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In the order in which they were decided; an array may be in it several times, once a task.
    pub starts: Vec<Start>,
    /// Runs to end before their time, so that queues get their guaranteed cards back.
    pub preemptions: Vec<Preemption>,
    /// One for every job that still has tasks that wait, in planning order.
    pub verdicts: Vec<Verdict>,
}

/// One run to start now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Start {
    pub job: JobId,
    pub placement: Placement,
}

/// What a dry run found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// Where its first run would start at once.
    pub starts_now: Option<Placement>,
    /// Why it, or what is left of it, would wait.
    pub verdict: Option<Verdict>,
}

/// Why a job waits, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub job: JobId,
    pub limit: Limit,
    /// How many jobs before it in the planning order also wait for cards or for their contract's limit. Jobs that
    /// can't start for reasons of their own (dependency, closed contract, never fits) are not ahead of anybody.
    pub ahead: u32,
    /// When it, or the next of its tasks, is expected to start.
    pub forecast_start: Option<Timestamp>,
    pub certainty: Certainty,
}

/// What a forecast start is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Cards are held for it. It starts then or earlier, as long as runs keep to their time limits, nodes stay up and
    /// nothing comes before it in the order.
    Exact,
    /// The order run forward on the time limits, with backfill. Runs that end early bring it forward; jobs that
    /// come before it later put it back.
    Estimate,
    /// No forecast: too far back in the order, or waiting for what has no known end.
    Unknown,
}

/// The limit that binds, with its numbers. Where several would, the first in this order: never fits, contract,
/// dependency, array, nodes that are out, running cards, cards that come back, a job ahead in its own queue, what is kept for
/// others, free cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Limit {
    /// It can't start as things are set up, however long it waits.
    NeverFits {
        nodes: u32,
        cards_per_node: u32,
        why: Misfit,
    },
    /// The contract's state holds its queue; `expired` also where the term is over.
    ContractClosed {
        state: ContractState,
    },
    ContractNotStarted {
        starts_at: Timestamp,
    },
    /// `waits_for` other jobs, `first` among them.
    Dependency {
        waits_for: u32,
        first: JobId,
    },
    /// The array's own limit; `running` with what starts in this plan.
    ArrayLimit {
        running: u32,
        limit: u32,
    },
    /// `running` + `asked` is more than the contract's `limit` of running cards: its maximum, or its guaranteed cards
    /// and what it may borrow.
    MaxRunningCards {
        running: u32,
        asked: u32,
        limit: u32,
    },
    /// Of the nodes that could take it, `usable` take runs and `out` are drained or failed; it needs `needed`.
    NodesOut {
        out: u32,
        usable: u32,
        needed: u32,
    },
    /// In the pool that has most, `free` cards.
    FreeCards {
        free: u32,
        asked: u32,
    },
    /// Enough cards are free, but not together: `nodes_fitting` nodes have `cards_per_node` where it needs them.
    Fragmented {
        free: u32,
        asked: u32,
        nodes_fitting: u32,
        nodes_needed: u32,
    },
    /// `job` is before it, and what it would take is held for that one.
    Behind {
        job: JobId,
        ahead: u32,
    },
    /// Enough may be free, but what is guaranteed to others and not lent is kept for them: of what it may borrow,
    /// `available` cards are left.
    KeptForOthers {
        available: u32,
        asked: u32,
    },
    /// It is within what its queue is guaranteed, and runs that borrowed these cards were told to end until then.
    Reclaiming {
        asked: u32,
        until: Timestamp,
    },
    /// The nodes that it could have are out for maintenance from then on, before it would end.
    Maintenance {
        from: Timestamp,
    },
    /// It starts in the next plan: this one has started `limit` runs.
    MaxStarts {
        limit: u32,
    },
}

/// Why a job never fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Misfit {
    /// It asks for no node or no card.
    NothingAsked,
    /// No pool of the contract has cards of one of these models.
    NoSuchModel { models: Arc<[Arc<str>]> },
    /// No node that it may use has all of these labels.
    NoSuchLabels { labels: Arc<[Arc<str>]> },
    /// No node that it may use has more than `most` cards.
    CardsPerNode { most: u32 },
    /// The wiring of the nodes allows only these numbers of cards a node.
    Affinity { asked: u32, allowed: Arc<[u32]> },
    /// No pool has more than `usable` nodes that could take a part of it.
    TooManyNodes { usable: u32 },
    /// It asks for more cards than the contract may ever have running.
    AboveContractLimit { limit: u32 },
}

impl Limit {
    /// As it is named in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeverFits { .. } => "never_fits",
            Self::ContractClosed { .. } => "contract_closed",
            Self::ContractNotStarted { .. } => "contract_not_started",
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
        }
    }
}

impl Verdict {
    /// As it is named in the API.
    pub fn code(&self) -> &'static str {
        self.limit.code()
    }
}
