//! The kinds of events that the center tells of.

use base::events::Kind;

use crate::notices::topics::{CONTRACT_TOPICS, JOB_TOPICS, NODE_TOPICS};

/// A job was handed in.
pub const JOB_SUBMITTED: Kind = Kind::new("job_submitted");
/// A job is being stopped: its runs were told to end.
pub const JOB_STOPPING: Kind = Kind::new("job_stopping");
/// Tasks of a job were cancelled, and the job goes on.
pub const TASKS_CANCELLED: Kind = Kind::new("tasks_cancelled");
/// A job ended, with its outcome.
pub const JOB_ENDED: Kind = Kind::new("job_ended").tells(JOB_TOPICS);
/// A run began.
pub const RUN_STARTED: Kind = Kind::new("run_started");
/// A run ended, with what it used and cost.
pub const RUN_ENDED: Kind = Kind::new("run_ended");
/// A contract changed its state, or money came in.
pub const CONTRACT_CHANGED: Kind = Kind::new("contract_changed").tells(CONTRACT_TOPICS);
/// A node changed its state, its labels or its maintenance.
pub const NODE_CHANGED: Kind = Kind::new("node_changed").tells(NODE_TOPICS);
