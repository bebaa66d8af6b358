//! The port: what the center asks of an engine.

use std::path::PathBuf;

use domain::{JobId, RunId, TenantId};

use crate::{
    disk::Held,
    log::{LogChunk, LogLayout, Stream},
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

    /// Ends the run as [`Self::stop`] does, without its grace where the engine can do that.
    fn end_at_once(&self, run: RunId) -> Result<(), EngineError> {
        self.stop(run)
    }

    /// Stops the run's processes where they are, where the engine can do that: it is about to be ended.
    fn freeze(&self, _run: RunId) -> Result<(), EngineError> {
        Ok(())
    }

    /// The folders on whose file systems runs write.
    fn folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// What each of the runs holds of these file systems; each walk ends after `most_files`.
    fn held_by_runs(&self, runs: &[RunPlace], _most_files: u64) -> Vec<RunOnDisk> {
        vec![RunOnDisk::default(); runs.len()]
    }

    /// What all folders of a tenant's runs hold.
    fn held_by_tenant(&self, _tenant: TenantId, _uid_index: u32, _most_files: u64) -> Held {
        Held::default()
    }

    /// Reads up to `max_bytes` of a log of the run, from byte `offset` on, or from the end of what is left out where
    /// that byte is. What is read ends where bytes are left out. Beyond the end there are no bytes.
    fn read_log(
        &self,
        run: RunId,
        stream: Stream,
        offset: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, EngineError>;

    /// Tells how far the two logs of the run reach, and in which order their bytes came.
    fn log_layout(&self, run: RunId) -> Result<LogLayout, EngineError>;
}

/// A run, and whose folders it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPlace {
    pub run: RunId,
    pub tenant: TenantId,
    pub job: JobId,
}

/// What a run holds of the disks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOnDisk {
    /// What is the run's own: its temporary folder, its logs, files without a name.
    pub own: Held,
    /// The part of it that is in no folder of its tenant.
    pub elsewhere_bytes: u64,
    /// Its job's folder, which all runs of the job share.
    pub work: Held,
    /// The bytes that its processes have written so far, wherever to; 0 where that can't be told.
    pub written_bytes: u64,
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
