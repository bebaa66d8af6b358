//! The narrow port to Slurm: all that the engine asks of it, in words that are neither those of its commands nor those of
//! its REST service. Each [`Face`] says the same of the same cluster, so the engine does not know which one it has.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use super::daemon::Daemon;

/// Asks Slurm. Calls block, each for a bounded time.
pub(crate) trait Face: Send + Sync {
    /// What it is, for people: `commands of Slurm 22.05.8`.
    fn describe(&self) -> Result<String, FaceError>;

    /// Hands a job in; gives its number.
    fn submit(&self, job: &Submission) -> Result<u32, FaceError>;

    /// All jobs that the controller knows, those that ended lately among them.
    fn jobs(&self) -> Result<Listing, FaceError>;

    /// What is kept in accounting of some jobs, all their lives (a requeued job has several). Nothing for a job that is
    /// not there.
    fn accounting(&self, asked: &Asked) -> Result<Vec<JobRecord>, FaceError>;

    /// Ends jobs. Those that have ended are passed over.
    fn cancel(&self, jobs: &[u32]) -> Result<(), FaceError>;

    /// A line for each node and partition that it is in.
    fn nodes(&self) -> Result<Vec<NodeRecord>, FaceError>;

    /// The daemons of some nodes.
    fn daemons(&self, nodes: &[String]) -> Result<Vec<Daemon>, FaceError>;

    /// The kinds of generic resources that the accounting counts: `npu`, `gpu`.
    fn accounted_gres(&self) -> Result<Vec<String>, FaceError>;

    /// How many records are on the way from the controller to the accounting; `None` where it does not tell.
    fn backlog(&self) -> Result<Option<u64>, FaceError>;

    /// The controller's clock, in seconds since 1970.
    fn clock(&self) -> Result<i64, FaceError>;
}

/// How often each thing was asked of Slurm, by the command or the way in the REST service that it is called there.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<BTreeMap<String, u64>>);

impl Calls {
    pub(crate) fn count(&self, call: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(call) {
            *count += 1;
        } else {
            all.insert(call.to_owned(), 1);
        }
    }

    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FaceError {
    /// Slurm said no, and would again.
    #[error("{0}")]
    Refused(String),
    /// Slurm was not asked: it can't be reached, or can't take more now.
    #[error("{0}")]
    Unreachable(String),
    /// It is not known whether it was done: the answer did not come, or can't be read.
    #[error("{0}")]
    Unclear(String),
}

/// What is asked of accounting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Their numbers; none where only names are known.
    pub jobs: Vec<u32>,
    /// Their names.
    pub names: Vec<String>,
    /// All that these users had at some time since then, and maybe others', where neither numbers nor names are given.
    pub users: Vec<String>,
    /// The same of these accounts, where no users are given either.
    pub accounts: Vec<String>,
    /// The earliest that any of them was handed in, in seconds since 1970.
    pub since: i64,
}

impl Asked {
    /// Whether it asks for anything.
    pub(crate) fn names_any(&self) -> bool {
        let all = [&self.names, &self.users, &self.accounts];
        !self.jobs.is_empty() || all.iter().any(|named| !named.is_empty())
    }
}

/// A job to hand in: one allocation on named nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Submission {
    /// Ends in the run's id.
    pub name: String,
    pub comment: String,
    /// A Slurm user other than the one that the center is.
    pub user: Option<String>,
    pub account: Option<String>,
    pub partition: Option<String>,
    pub qos: Option<String>,
    /// The batch script, with its `#!` line.
    pub script: String,
    pub work_dir: PathBuf,
    pub stdout: PathBuf,
    pub stderr: PathBuf,
    pub nodes: Vec<String>,
    /// On each node: `npu:ascend910:8`.
    pub gres: Option<String>,
    pub time_limit_min: u32,
    /// 0 is all that a node has.
    pub memory_mib_per_node: Option<u64>,
    pub memory_mib_per_cpu: Option<u64>,
    /// Tasks that `srun` starts where it is not told how many.
    pub tasks: Option<u32>,
    pub tasks_per_node: Option<u32>,
    pub cpus_per_task: Option<u32>,
    /// Processors on each node at the least.
    pub min_cpus: Option<u32>,
    /// The nodes alone.
    pub exclusive: bool,
    /// Environment of the batch script before it sets its own.
    pub env: Vec<(String, String)>,
}

impl Submission {
    /// Its numbers by the names that slurmrestd has for them.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let nodes = u32::try_from(self.nodes.len()).unwrap_or(1);
        let tasks = self.tasks.or_else(|| Some(self.tasks_per_node? * nodes));
        [
            ("tasks", tasks.map(u64::from)),
            ("tasks_per_node", self.tasks_per_node.map(u64::from)),
            ("cpus_per_task", self.cpus_per_task.map(u64::from)),
            ("minimum_cpus_per_node", self.min_cpus.map(u64::from)),
            ("memory_per_node", self.memory_mib_per_node),
            ("memory_per_cpu", self.memory_mib_per_cpu),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Jobs as the controller lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub jobs: Vec<JobRecord>,
    /// How many could not be read; they are passed over.
    pub unreadable: usize,
}

/// What Slurm says of a job, or of one of its lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobRecord {
    pub id: u32,
    pub name: String,
    pub user: String,
    pub account: String,
    pub partition: String,
    pub state: JobState,
    /// Why it waits, or how it came to its state.
    pub reason: String,
    pub nodes: Vec<String>,
    /// On all its nodes together.
    pub cards: u32,
    /// Seconds since 1970, by the controller's clock.
    pub started_s: Option<i64>,
    pub ended_s: Option<i64>,
    /// When it will be ended at the latest, while it runs.
    pub ends_by_s: Option<i64>,
    pub code: i32,
    pub signal: i32,
    /// How often it was started anew.
    pub restarts: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum JobState {
    Pending,
    /// Its nodes are its own; also while they are made ready, and while it is suspended.
    Running,
    /// It has ended, but not all of its processes are gone yet.
    Completing,
    Completed,
    Failed,
    TimedOut,
    NodeFailed,
    Preempted,
    OutOfMemory,
    Cancelled,
    /// Accounting shows it as cancelled, and nobody had asked for that: a controller that was started anew did not know it.
    Forgotten,
    /// This life of it has ended; it waits to be started again.
    Requeued,
    /// A state of a later version of Slurm.
    #[default]
    Unknown,
}

impl JobState {
    /// Nothing of it is left, and nothing will be.
    pub(crate) fn is_over(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Failed
                | Self::TimedOut
                | Self::NodeFailed
                | Self::Preempted
                | Self::OutOfMemory
                | Self::Cancelled
                | Self::Forgotten
        )
    }
}

/// A node in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    pub name: String,
    pub address: String,
    pub partition: String,
    pub condition: NodeCondition,
    /// As Slurm writes it: `mixed`, `down*`.
    pub state: String,
    pub reason: String,
    /// `npu` or `gpu`, type, count.
    pub gres: Option<(String, Option<String>, u32)>,
    pub cpus: u32,
    pub memory_mib: u64,
    pub features: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeCondition {
    Up,
    Drained,
    Down,
}
