//! The runs that are not over, and the threads that see them through: submitters, a watcher, and a listener
//! for ends.

mod cancel;
pub(super) mod core;
pub(super) mod direct;
pub(super) mod direct_job;
mod ending;
mod find;
mod finish;
mod gang;
mod inactive_jobs;
mod job_name;
pub(super) mod listen;
pub(super) mod notices;
pub(super) mod outages;
mod short_runs;
mod submission;
pub(super) mod submit;
pub(super) mod table;
pub(super) mod watch;
