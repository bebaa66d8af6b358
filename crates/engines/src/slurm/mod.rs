//! The Slurm engine: a run is a job of a Slurm cluster.
//!
//! ```text
//! launch() ── record ──> submitter ── sbatch ──> Slurm ── batch script: claims the run, becomes its script
//! observe() <── table of runs <── watcher ── one look at all jobs, then at the accounting of those that ended
//! ```
//!
//! At most one Slurm job computes for a run, whatever dies when. The job's name holds the run's id, and the
//! engine asks Slurm for that name before it submits a run that may have been submitted before. Should two
//! jobs get through all the same, the claim of the first one on the shared folder keeps the second from
//! starting.

pub mod accounts;
mod client;
mod config;
mod disk;
mod doctor;
mod engine;
mod runs;
mod script;
mod shell;
mod spawn_lock;

pub use client::node::{NodeCondition, NodeRecord as SlurmNode};
pub use config::{Access, Owner, SlurmConfig, Times, Token, UsableAccount, UsableAccounts};
pub use doctor::check_slurm;
pub use engine::SlurmEngine;
pub use runs::direct_job::DirectJob;
