//! The port: what the center asks of an engine.

use domain::RunId;

use crate::{
    observation::Observation,
    spec::{InvalidSpec, LaunchSpec},
};

/// Carries out runs. All calls return soon; none waits for a run.
pub trait Engine: Send + Sync {
    /// Starts the run, unless it was started or stopped before. Any number of calls with one run id, by any
    /// number of centers one after the other, start the run at most once. The call returns when the launch is
    /// handed on; [`Self::observe`] tells how it went.
    fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError>;

    /// Tells the present state of the run.
    fn observe(&self, run: RunId) -> Result<Observation, EngineError>;

    /// Ends the run: all its processes get SIGTERM, and SIGKILL after its grace. The call returns at once. A
    /// run that was not started yet will never be; a run that has ended stays as it is.
    fn stop(&self, run: RunId) -> Result<(), EngineError>;

    /// Reads up to `max_bytes` of a log of the run, from byte `offset` on. Beyond the end there are no bytes.
    fn read_log(
        &self,
        run: RunId,
        stream: Stream,
        offset: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, EngineError>;
}

domain::codes! {
    /// One of the two outputs of a run.
    pub enum Stream {
        Stdout = "stdout",
        Stderr = "stderr",
    }
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogChunk {
    pub bytes: Vec<u8>,
    /// The offset of `bytes` in the log.
    pub offset: u64,
    /// The length of the log now.
    pub end_offset: u64,
    /// The run wrote more than its limit; its log keeps the beginning.
    pub truncated: bool,
}

/// An engine's failure.
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
    #[error("failed to {what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl EngineError {
    /// Names the failed step, for use with `map_err`.
    pub(crate) fn io<E: Into<std::io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source: source.into() }
    }
}
