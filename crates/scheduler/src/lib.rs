//! The planner: which job starts next, on which cards, which run gives back borrowed cards, and why the other
//! jobs wait. Pure: the same knowledge, policy and instant give the same plan, byte for byte, in whatever
//! order the planner was told; no I/O, no clock, no randomness.
//!
//! [`Planner`] keeps what it knows between plans and is told what changes: the live center and the twin drive
//! it so. [`plan()`] and [`try_out`] make a planner of a [`Snapshot`] and ask it once.
//!
//! # How a plan is made
//!
//! 1. Nodes are put into *card pools*, one for each pool and card model (`hall::card_pool`, `knows::nodes`),
//!    and are indexed there by the kind of their free cards (`hall::free_index`): nodes with the same free
//!    cards in their rings are equal to the search. Of some pools only the number of cards is known.
//! 2. What jobs ask for is kept once for all jobs that ask for the same (`knows::ask`): an *ask* that can
//!    never fit is found there, and one that found no cards in a plan is not searched for again.
//! 3. Jobs whose promised start has come have their turns first. The others follow in order (`knows::lane`,
//!    `knows::queue_state`): by service class; then by [`Order`], which is the standing of their queues
//!    (those below their guaranteed cards first, then by decayed use over weight with a penalty for each
//!    running card), or has nothing to do with queues; then by age.
//! 4. A job starts if its contract lets it, if the cards that others are guaranteed and don't lend are left
//!    to them (`knows::quota_tree`, `knows::sharing`), and if its own cards are found. `hall::fit` says how
//!    good a node is and which cards it gives, `hall::busy` which of equally good nodes it is; few switches
//!    and groups of switches come first. A gang gets all its nodes or none; an elastic job gets as many as
//!    there are, up to its most.
//! 5. A job within its queue's guaranteed cards that finds none gets them back from queues that borrowed them
//!    (`plan::reclaim`): their runs are told to end, the lowest class first, then the newest, and no more
//!    than needed.
//! 6. A job that waits for cards may get cards held for it from its earliest start on (`plan::promise`,
//!    `hall::earliest_start`): with EASY backfill the first job of each card pool and class, with
//!    conservative backfill all. Others start only where they are not in the way. For the first job of each
//!    queue that the queue's own limit holds back, room is kept within that limit.
//! 7. Each job that goes on waiting has a verdict (`tell::explain`) with the limit that binds it, and the
//!    first jobs have a forecast start (`tell::forecast`), worked out when somebody asks.
//!
//! # What is promised
//!
//! A promised start is only ever made earlier, whoever comes later, as long as runs keep to their time
//! limits, nodes stay up and queues keep their terms. So large gangs don't starve: a job that is the first in
//! order of its card pool and class, while no other has a promise there, is promised a start no later than
//! the end of the longest time limit that runs then. The wait for that turn is bounded by the promises before
//! it, each of which ends with a start. Guaranteed cards are back within [`Policy::preemption_grace`]. On
//! nodes, promised cards are certain ones, chosen when the promise is made: backfill goes around them.
//!
//! # What it costs
//!
//! With n nodes, k kinds of free cards among them (25 at most with two rings of four, 9 without rings on 8
//! cards), s switches, q queues with waiting jobs, a different asks in a queue, r runs, w waiting jobs:
//!
//! | step | cost |
//! |---|---|
//! | a job comes or goes | constant, and the jobs of its queue that are younger |
//! | a run ends | constant for each of its nodes, log r, and the runs of its queue |
//! | a node goes out or comes back | n of its card pool |
//! | nodes come or go | n + r + asks |
//! | a plan | q log q + q × a; nothing where no job waits |
//! | a start | k + log r, and up to 64 nodes of the best kinds; k × s + the nodes found for a gang |
//! | a job that can't start | constant where its ask has failed before in the plan, else k |
//! | a promise | the ends up to it; again only when something may bring it forward |
//! | conservative backfill | each waiting job a promise: w × (r + w) a plan, at most |
//! | a reclaim | b log b in the borrowing runs, and the square of those looked at, 1,024 at most |
//! | a verdict | constant, and k once for each ask |
//! | the first verdict after a plan | a forecast: n + r log r, and for each end log n, k and further ends |
//!
//! The further ends are those until enough cards are free for the first job that waits. A forecast is bounded
//! by [`Policy::forecast_runs`] and [`Policy::forecast_ends`]. No cost multiplies jobs with nodes or with
//! jobs, but for conservative backfill.
//!
//! # How the folders depend on each other
//!
//! `snapshot`, `policy` and `limit` are the words; `hall` uses them, `knows` uses `hall`, `plan` uses both,
//! and `tell` uses all. None uses a later one.

mod hall;
mod index;
mod knows;
mod limit;
mod plan;
mod policy;
mod snapshot;
mod tell;

pub use knows::{
    planner::{Planner, Ticket},
    use_decay,
};
pub use limit::{Limit, Misfit};
pub use plan::decisions::{Decisions, Preemption, Started};
pub use policy::{Backfill, Order, Policy};
pub use snapshot::{
    Block, Cohort, CountedPool, DiskShortage, Gate, NodeView, Occupied, Queue, Snapshot, Waiting, Window,
};
pub use tell::{
    once::{plan, try_out},
    verdict::{Certainty, Plan, PlannedStart, TryOut, Verdict},
};
