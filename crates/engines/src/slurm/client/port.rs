//! The narrow port to Slurm: all that the engine asks of it, in words that are neither those of its commands
//! nor those of its REST service. Each [`Port`] says the same of the same cluster, so the engine does not
//! know which one it has.

use std::{collections::BTreeMap, sync::Mutex};

use super::{
    job::{AccountingQuery, JobRecord, Listing, Submission},
    node::{Daemon, NodeRecord},
};
use crate::{engine::EngineError, sync};

/// Asks Slurm. Calls block, each for a bounded time.
pub(crate) trait Port: Send + Sync {
    /// Names the way to Slurm, for people: `the commands of slurm 22.05.8`.
    fn describe(&self) -> Result<String, SlurmError>;

    /// Submits a job and gives its number.
    fn submit(&self, job: &Submission) -> Result<u32, SlurmError>;

    /// Lists all jobs that the controller knows, including those that ended lately.
    fn jobs(&self) -> Result<Listing, SlurmError>;

    /// Reads the accounting's records of some jobs, with all their lives: a requeued job has several. A job
    /// that the accounting does not know has none.
    fn accounting(&self, query: &AccountingQuery) -> Result<Vec<JobRecord>, SlurmError>;

    /// Ends jobs. Those that have ended are passed over.
    fn cancel(&self, jobs: &[u32]) -> Result<(), SlurmError>;

    /// Lists the nodes, with a record for each partition that a node is in.
    fn nodes(&self) -> Result<Vec<NodeRecord>, SlurmError>;

    /// Lists the daemons of some nodes.
    fn daemons(&self, nodes: &[String]) -> Result<Vec<Daemon>, SlurmError>;

    /// Lists the kinds of generic resources that the accounting counts: `npu`, `gpu`.
    fn accounted_gres(&self) -> Result<Vec<String>, SlurmError>;

    /// Counts the records on their way from the controller to the accounting; `None` where Slurm does not
    /// tell.
    fn backlog(&self) -> Result<Option<u64>, SlurmError>;

    /// Reads the controller's clock, in seconds since 1970.
    fn clock(&self) -> Result<i64, SlurmError>;
}

/// How often each thing was asked of Slurm, by the name of the command or by the path in the REST service.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<BTreeMap<String, u64>>);

impl Calls {
    pub(crate) fn count(&self, call: &str) {
        let mut all = sync::lock(&self.0);
        if let Some(count) = all.get_mut(call) {
            *count += 1;
        } else {
            all.insert(call.to_owned(), 1);
        }
    }

    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        sync::lock(&self.0).clone()
    }
}

/// Why Slurm did not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SlurmError {
    /// Slurm said no, and would say no again.
    #[error("{0}")]
    Refused(String),
    /// Slurm was not asked: it can't be reached, or takes nothing more now.
    #[error("{0}")]
    Unreachable(String),
    /// Slurm may have done it: the answer did not come, or can't be read.
    #[error("{0}")]
    Unclear(String),
}

impl From<SlurmError> for EngineError {
    fn from(error: SlurmError) -> Self {
        Self::Slurm(error.to_string())
    }
}
