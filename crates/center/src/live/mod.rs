//! Everything that goes on now, in memory: nodes, contracts with their balances, jobs and runs that have not ended.
//!
//! The store is the truth. This is a copy of the part of it that the loops need at every step and can't wait for: read
//! from the store at start, and changed after a commit only, in the order of the commits. The collections are private,
//! and a change has one function with its name, in the file of its noun; everybody else gets to read.

mod budgets;
mod cards;
mod contracts;
#[cfg(test)]
pub(crate) mod fixtures;
mod jobs;
mod lending;
mod nodes;
mod planning;
mod runs;
mod spending;
mod tenants;
mod used;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::{AllianceId, ContractId, JobId, Millis, NodeId, PoolId, RunId, TenantId, Timestamp, Zone};
use scheduler::DiskShortage;
use store::pools::{GoneNode, Pool};

pub use budgets::{Budgets, BudgetsSeen, Crossed, LiveBudget};
pub use contracts::{By, LiveContract};
pub use jobs::{Fate, LiveJob, fate};
pub use nodes::LiveNode;
pub use planning::gate;
pub use runs::{Hold, LiveRun};
pub use tenants::LiveTenant;
pub use used::Use;

#[derive(Debug)]
pub struct Live {
    /// In this time past use comes to count half.
    half_life: Millis,
    /// The time limit of jobs that name none.
    default_time_limit: Millis,
    pools: BTreeMap<PoolId, Pool>,
    nodes: BTreeMap<NodeId, LiveNode>,
    /// Nodes that went: runs of the past name them, and nobody else gets the name of one that was retired.
    gone: BTreeMap<NodeId, GoneNode>,
    tenants: HashMap<TenantId, LiveTenant>,
    /// How many of its idle guaranteed cards each alliance lends.
    lending_limits: BTreeMap<AllianceId, Option<u32>>,
    /// Price books in force and to come.
    price_books: Vec<domain::price::PriceBook>,
    contracts: BTreeMap<ContractId, LiveContract>,
    budgets: Budgets,
    /// The center's, by which the months of budgets begin.
    zone: &'static Zone,
    /// When the next approved amendment is to come into force.
    next_amendment: Option<Timestamp>,
    /// Jobs that have not ended.
    jobs: BTreeMap<JobId, LiveJob>,
    /// Runs that have not ended.
    runs: BTreeMap<RunId, LiveRun>,
    /// How many jobs of each tenant have not ended.
    active_jobs: HashMap<TenantId, u32>,
    /// The bytes that each tenant's waiting jobs have on the disk.
    waiting_bytes: HashMap<TenantId, u64>,
    /// For each job that others wait for, the jobs that wait.
    waited_for: HashMap<JobId, HashSet<JobId>>,
    /// Runs that want cards which another one holds.
    crowded_out: BTreeSet<RunId>,
    /// Runs that the engine says will be over soon.
    soon_over: BTreeSet<RunId>,
    /// A disk that has less free than it must.
    shortage: Option<DiskShortage>,
    touched: Touched,
}

/// Changes of which the planner is still to be told.
#[derive(Debug, Default)]
struct Touched {
    jobs: HashSet<JobId>,
    runs: HashSet<RunId>,
    /// Those of the runs that the planner may know without all of their cards.
    displaced: HashSet<RunId>,
    /// Nodes that take runs again, or no more.
    nodes: HashSet<NodeId>,
    /// Nodes came or went.
    are_nodes_new: bool,
}

impl Live {
    /// Nothing goes on yet.
    pub fn new(half_life: Millis, default_time_limit: Millis, zone: &'static Zone) -> Self {
        Self {
            half_life,
            default_time_limit,
            pools: BTreeMap::new(),
            nodes: BTreeMap::new(),
            gone: BTreeMap::new(),
            tenants: HashMap::new(),
            lending_limits: BTreeMap::new(),
            price_books: Vec::new(),
            contracts: BTreeMap::new(),
            budgets: Budgets::default(),
            zone,
            next_amendment: None,
            jobs: BTreeMap::new(),
            runs: BTreeMap::new(),
            active_jobs: HashMap::new(),
            waiting_bytes: HashMap::new(),
            waited_for: HashMap::new(),
            crowded_out: BTreeSet::new(),
            soon_over: BTreeSet::new(),
            shortage: None,
            touched: Touched::default(),
        }
    }
}
