//! How a run 运行 is carried out: the port [`Engine`], the local engine, which starts processes on this
//! machine, and the Slurm engine, which hands jobs to a cluster.
//!
//! An engine launches, observes and stops runs by their ids. It keeps its knowledge of each run on disk, so
//! that runs outlive the center. It decides nothing: where a run goes, and what an end means for its job, is
//! for others.

mod check;
mod clock;
pub mod detect;
pub mod disk;
mod engine;
mod environment;
mod folder_lock;
mod interpreter;
mod kept_log;
pub mod local;
mod log;
mod observation;
pub mod ports;
pub mod slurm;
mod spec;
mod sync;

pub use check::Check;
pub use clock::AHEAD_VARIABLE;
pub use engine::{Engine, EngineError, RunOnDisk, RunPlace};
pub use log::{Arrival, LogChunk, LogLayout, Stream};
pub use observation::{Ended, Exit, Leaving, Observation, Started, Status};
pub use spec::{ArrayTask, InvalidSpec, LaunchNode, LaunchSpec, RunLimits, slurm_job_id};
