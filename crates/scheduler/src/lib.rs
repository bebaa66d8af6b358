//! The planner: which job starts next, on which cards, which run gives back what it borrowed, and why the others wait. Pure:
//! the same knowledge, policy and instant give the same plan, byte for byte, whatever the order in which it came; no I/O, no
//! clock, no randomness.
//!
//! [`Planner`] keeps what it knows between plans and is told what changes: the live center and the twin drive it so. [`plan`]
//! and [`try_out`] make one of a [`Snapshot`] and ask it once.
//!
//! # How a plan is made
//!
//! 1. Nodes are put into *sites*, one a pool and card model (`site`, `places`), and indexed there by the kind of their free
//!    cards (`hall`): nodes with the same free cards in their rings are one thing to the search. Of some pools only the number of
//!    cards is known.
//! 2. What jobs *ask* for is kept once for all that ask for the same (`ask`): what can never fit is found there, and what found
//!    no cards in a plan is not searched for again.
//! 3. Jobs whose promised start has come have their turn first; then the others in order (`jobs`, `stream`, `account`): service class;
//!    then by [`Order`]: the standing of their queues, those below their guaranteed cards first and then by decayed use over
//!    weight with a penalty for each card that runs, or no queues at all; then age.
//! 4. A job starts if its contract lets it, if what others are guaranteed and don't lend is left to them (`quotas`, `market`),
//!    and if its cards are found (`fit` says how good a node is and which cards it gives, `busy` which of those that are as good;
//!    few switches and groups of switches come first). A gang gets all its nodes or nothing; an elastic one as many as there are, up to its most.
//! 5. A job within its queue's guaranteed cards that finds none gets them back from those that borrowed them (`reclaim`): runs
//!    are told to end, the lowest class first, then the newest, and no more than needed.
//! 6. Who waits for cards may get them held from its earliest start on (`promise`, `hold`): with EASY backfill the first in each
//!    site and class, with conservative backfill all. Others start only where they are not in the way. The first of each queue
//!    that its own limit holds back gets room kept in it.
//! 7. Each job that goes on waiting has a verdict (`explain`) with the limit that binds, and the first of them a forecast start
//!    (`forecast`), worked out when somebody asks.
//!
//! # What is promised
//!
//! A start once promised is only ever made earlier, whoever comes later, as long as runs keep to their time limits, nodes stay
//! up and queues keep their terms. So large gangs don't starve: a job that is the first in order of its site and class when no
//! other has a promise there is promised a start no later than the end of the longest time limit that runs then; the wait for
//! that turn is bounded by the promises before it, of which each ends with a start. Guaranteed cards are back within
//! [`Policy::preemption_grace`]. On nodes promised cards are certain ones, chosen when the promise is made: backfill goes around
//! them.
//!
//! # What it costs
//!
//! With n nodes, k kinds of free cards among them (25 at most with two rings of four, 9 without rings on 8 cards), s
//! switches, q queues with waiting jobs, a different asks in a queue, r running runs, w waiting jobs:
//!
//! | step | cost |
//! |---|---|
//! | a job comes or goes | constant, and the jobs of its queue that are younger |
//! | a run ends | constant a node, log r, and the runs of its queue |
//! | a node goes out or comes back | n of its site |
//! | nodes come or go | n + r + asks |
//! | a plan | q log q + q × a; nothing where nobody waits |
//! | a start | k + log r, and up to 64 nodes of the best kinds; k × s + the nodes found for a gang |
//! | a job that can't start | constant where its ask has failed before in the plan, else k |
//! | a promise | the ends up to it; again only when something may bring it forward |
//! | conservative backfill | each waiting job a promise: w × (r + w) a plan, at most |
//! | a reclaim | log and square of the borrowing runs looked at, 1,024 at most |
//! | a verdict | constant, k once an ask |
//! | the first verdict after a plan | a forecast: n + r log r, then at each end log n, k, and the ends until enough cards are free for the first that waits; bounded by [`Policy::forecast_runs`] and [`Policy::forecast_ends`] |
//!
//! Nothing multiplies jobs with nodes or with jobs, but for conservative backfill.

mod account;
mod ask;
mod busy;
mod explain;
mod fit;
mod forecast;
mod ground;
mod hall;
mod hold;
mod jobs;
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
