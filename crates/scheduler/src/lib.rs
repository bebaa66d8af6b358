//! The planner: which job starts next, on which cards, and why the others wait. Pure: the same snapshot, policy and
//! instant give the same plan, byte for byte, whatever the order of the lists in the snapshot; no I/O, no clock, no
//! randomness.
//!
//! # How a plan is made
//!
//! 1. Nodes are put into *sites*, one a pool and card model (`site`), and indexed there by the kind of their free cards
//!    (`hall`): nodes with the same free cards in their rings are one thing to the search.
//! 2. Each job gets the *shape* of what it asks for in its queue (`shape`): what can never fit is found here, once a
//!    shape, and what found no cards is not searched for again.
//! 3. Jobs have their turn in order (`order`): service class; then the standing of their queues, those below their
//!    guaranteed cards first and then by decayed use over weight, with a penalty for each card that runs, those that this
//!    plan starts included; then age. The standing changes with each start.
//! 4. A job starts if its contract lets it (`quota`) and its cards are found (`fit` says how good a node is and which
//!    cards it gives). A gang gets all its nodes or nothing.
//! 5. The first job in each site that has its quota but not its cards gets them held from its earliest start on
//!    (`backfill`), and the first of each queue that its limit holds back gets room kept in it. Others start only where
//!    they are not in the way. So large gangs don't starve: once a job is the first in order that its contract lets start,
//!    it starts at the latest when what ran then has come to its time limit. A job of a higher class, or of a queue
//!    below its guaranteed cards, still comes before it.
//! 6. Each job that goes on waiting gets a verdict (`explain`) with the limit that binds at the end of the plan, and the
//!    first of them a forecast start (`forecast`).
//!
//! # What it costs
//!
//! With n nodes, k kinds of free cards among them (25 at most with two rings of four, 9 without rings on 8 cards), s
//! switches, q queues, w waiting jobs, r running runs:
//!
//! | step | cost |
//! |---|---|
//! | sites | n log n; the sort is linear where nodes come sorted by pool, model, switch, name |
//! | shapes and streams | w × log of the queues and of their shapes; w log w where jobs don't come oldest first |
//! | a turn | constant where the queue stays in front, else log q |
//! | a start | k + log n; k × s + the nodes found for a gang |
//! | a job that can't start | constant where its shape has failed before, else k |
//! | holding cards, at most once a site | r log r + n |
//! | keeping room, at most once a queue | r log r of the queue's runs |
//! | a verdict | constant, k once a shape |
//! | the forecast | n + r log r, then at each end log n and k; bounded by [`Policy::forecast_runs`] and [`Policy::forecast_ends`] |
//!
//! Nothing multiplies jobs with nodes or with jobs. With nothing free a plan is linear in what waits.
//!
//! # What this first form leaves out
//!
//! Lending limits and cohorts (idle cards of other queues may be used up to the own limits; who is below its guarantee is
//! first in order, and nothing is reclaimed), jobs of flexible size, and carrying the index over from one plan to the
//! next. They belong into `quota`, `shape` and `hall`; other kinds of backfill and of order become values of [`Policy`]
//! and are decided in `backfill` and `order` alone.

mod account;
mod ask;
mod explain;
mod fit;
mod forecast;
mod ground;
mod hall;
mod hold;
mod market;
mod places;
mod plan;
mod planner;
mod policy;
mod promise;
mod quotas;
mod ranks;
mod reclaim;
#[cfg(test)]
mod sample;
mod site;
mod slab;
mod snapshot;
mod stream;
mod text;
pub mod use_decay;
mod verdict;

pub use plan::{Decisions, Preemption, Started, plan, try_out};
pub use planner::{Planner, Ticket};
pub use policy::{Backfill, Order, Policy};
pub use snapshot::{Block, Cohort, CountedPool, Gate, NodeView, Occupied, Queue, Snapshot, Waiting, Window};
pub use verdict::{Certainty, Limit, Misfit, Plan, Start, Trial, Verdict};

/// A length as a rank or index. Limits of the domain keep them far below 2^32.
pub(crate) fn index(len: usize) -> u32 {
    u32::try_from(len).expect("a center has fewer than 2^32 of anything")
}
