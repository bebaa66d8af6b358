//! Changes that the state of a job does not allow.

/// A change that the job's state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalJobChange {
    #[error("the job has ended")]
    HasEnded,
    #[error("the job is being stopped")]
    IsStopping,
    #[error("no task of the job waits")]
    NothingWaits,
    #[error("no task of the job runs")]
    NothingRuns,
    #[error("too many single tasks of the job are cancelled")]
    TooScattered,
}
