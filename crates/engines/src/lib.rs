//! How a run 运行 is carried out: the port [`Engine`], the engine that starts processes on this machine, and the one that
//! hands jobs to a Slurm cluster.
//!
//! An engine is told to launch, observe and stop runs by their ids, and keeps what it knows about each so that it
//! outlives the center. It decides nothing: which run goes where, and what an end means for a job, is for others.

pub mod detect;
mod interpreter;
pub mod local;
pub mod slurm;
mod spec;

use domain::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

pub use spec::{ArrayTask, InvalidSpec, LaunchNode, LaunchSpec, RunLimits, slurm_job_id};

/// Carries out runs. All calls return soon; none waits for a run.
pub trait Engine: Send + Sync {
    /// Starts the run, unless it was started, or stopped, before: any number of calls with one run id, by any number
    /// of centers one after the other, start it at most once. Returns when the launch is handed on; how it went is
    /// told by [`Self::observe`].
    fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError>;

    /// What is known about the run now.
    fn observe(&self, run: RunId) -> Result<Observation, EngineError>;

    /// Ends the run: SIGTERM to all its processes, SIGKILL after its grace. Returns at once. A run that was not
    /// started yet will never be; one that has ended stays as it is.
    fn stop(&self, run: RunId) -> Result<(), EngineError>;

    /// Up to `max_bytes` of what the run wrote to `stream`, from byte `offset` on. Beyond the end it gives no bytes.
    fn read_log(
        &self,
        run: RunId,
        stream: Stream,
        offset: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, EngineError>;

    /// Removes record and logs of a run that is not alive. A run that is forgotten could be launched again: forget it
    /// only when its end is on disk elsewhere.
    fn forget(&self, run: RunId) -> Result<(), EngineError>;
}

/// What an engine knows about a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Observation {
    /// It was never heard of, or its launch is still on the way.
    NotLaunched,
    /// It is taken care of; `started` once its processes run.
    Alive { started: Option<Started>, leaving: Leaving },
    /// It is over, and nothing of it is left.
    Ended(Ended),
    /// It was taken care of, but its end was not seen: its supervisor was killed, or the machine went down. Nothing
    /// of it is left that could be found.
    Vanished {
        started: Option<Started>,
        /// The last instant at which it is known to have been alive, to about half a minute.
        last_seen: Option<Timestamp>,
        /// The machine has been started anew since.
        machine_restarted: bool,
    },
}

/// Whether what comes next can be launched on a run's cards, to start when they are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    #[default]
    No,
    /// Going by others of its kind it will be over within seconds of its start.
    Soon,
    /// Its processes are said to be gone.
    Now,
}

/// When the first process of a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub at: Timestamp,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// `None` if none of its processes was ever started.
    pub started_at: Option<Timestamp>,
    /// When its last process was gone: from then on its cards are free.
    pub at: Timestamp,
    pub how: Exit,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// All its nodes' processes ended by themselves; the first exit code that is not 0, or 0.
    Code(i32),
    /// The first process of a node that did not end with 0 was ended by this signal, and not by the engine.
    Signal(i32),
    /// It reached its time limit.
    TimedOut,
    /// [`Engine::stop`] was called; `status` is how its first process then ended, `None` if it never started.
    Stopped { status: Option<Status> },
    /// It could not be started; the reason is for the one who submitted it.
    FailedToStart(String),
    /// The machine that it ran on is gone.
    MachineLost,
    /// Whoever hands out the machines took them for something else.
    Preempted,
    /// It was ended because it used more memory than it may.
    OutOfMemory,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Code(i32),
    Signal(i32),
}

/// One of the two outputs of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    pub fn code(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogChunk {
    pub bytes: Vec<u8>,
    /// Where `bytes` begins.
    pub offset: u64,
    /// How many bytes the log has now.
    pub end_offset: u64,
    /// The run wrote more than its limit; what is kept is the beginning.
    pub truncated: bool,
}

/// What an engine can't do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    #[error("failed to launch the run: {0}")]
    InvalidSpec(#[from] InvalidSpec),
    #[error("this machine can't isolate runs: {missing}. {hint}")]
    CannotIsolate { missing: String, hint: String },
    #[error("failed to start the engine's host process: {0}")]
    Host(String),
    #[error("the engine's folder {0} is in use by another center")]
    InUse(std::path::PathBuf),
    #[error("Slurm: {0}")]
    Slurm(String),
    #[error("the run {0} is alive")]
    Alive(RunId),
    #[error("failed to {what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl EngineError {
    /// Names what was tried, for use with `map_err`.
    pub(crate) fn io<E: Into<std::io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source: source.into() }
    }
}
