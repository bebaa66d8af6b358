//! The planner's knowledge: nodes, queues, runs and waiting jobs, and how it is told of changes.

pub(crate) mod ask;
pub(crate) mod job;
pub(crate) mod lane;
pub(crate) mod lining_up;
pub(crate) mod nodes;
pub(crate) mod outlook;
pub(crate) mod planner;
pub(crate) mod queue_state;
pub(crate) mod quota_tree;
pub(crate) mod sharing;
pub(crate) mod slab;
pub mod use_decay;
