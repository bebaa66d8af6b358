//! The planner: which job starts next, on which cards, and why the others wait. Pure: the same snapshot, policy and
//! instant give the same plan, byte for byte; no I/O, no clock, no randomness.

mod backfill;
mod explain;
mod fit;
mod forecast;
mod hall;
mod order;
mod plan;
mod policy;
mod quota;
#[cfg(test)]
mod sample;
mod shape;
mod site;
mod snapshot;
mod text;
pub mod use_decay;
mod verdict;

pub use plan::{plan, try_out};
pub use policy::Policy;
pub use snapshot::{Block, Gate, NodeView, Occupied, Queue, Snapshot, Waiting};
pub use verdict::{Certainty, Limit, Misfit, Plan, Start, Trial, Verdict};
