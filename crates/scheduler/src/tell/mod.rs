//! Answers of the planner: the limit that binds each waiting job, and when the job is expected to start.

pub(crate) mod explain;
pub(crate) mod forecast;
pub(crate) mod limit_text;
pub(crate) mod once;
pub(crate) mod verdict;
