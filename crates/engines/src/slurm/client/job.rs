//! Jobs, in words that Slurm's commands and its REST service share.

use std::path::{Path, PathBuf};

use domain::Timestamp;

/// The name that the accounting gives to a job of which it has the end before the start.
pub(crate) const UNNAMED: &str = "allocation";

/// Which records of the accounting are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountingQuery {
    /// The numbers of the jobs; none where only names are known.
    pub jobs: Vec<u32>,
    /// The names of the jobs.
    pub names: Vec<String>,
    /// Without numbers and names: all jobs of these users since then. The answer may hold jobs of others too.
    pub users: Vec<String>,
    /// Without users as well: all jobs of these accounts since then.
    pub accounts: Vec<String>,
    /// The earliest that any of the jobs was submitted, in seconds since 1970.
    pub since: i64,
}

impl AccountingQuery {
    /// Whether the query asks for anything.
    pub(crate) fn names_any(&self) -> bool {
        let all = [&self.names, &self.users, &self.accounts];
        !self.jobs.is_empty() || all.iter().any(|named| !named.is_empty())
    }
}

/// A job to submit: one allocation on named nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Submission {
    /// Ends in the run's id.
    pub name: String,
    pub comment: String,
    /// The user of Slurm; `None` for the user of this process.
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
    /// 0 stands for all memory of a node.
    pub memory_mib_per_node: Option<u64>,
    pub memory_mib_per_cpu: Option<u64>,
    /// The number of tasks that `srun` starts where it is not told otherwise.
    pub tasks: Option<u32>,
    pub tasks_per_node: Option<u32>,
    pub cpus_per_task: Option<u32>,
    /// The least number of processors on each node.
    pub min_cpus: Option<u32>,
    /// The job shares its nodes with no other.
    pub exclusive: bool,
}

impl Submission {
    pub(crate) fn stdout_pattern(&self) -> String {
        pattern(&self.stdout)
    }

    pub(crate) fn stderr_pattern(&self) -> String {
        pattern(&self.stderr)
    }

    /// The numbers of the submission, by slurmrestd's names for them.
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

/// A path where Slurm takes a pattern, in which `%` is special.
fn pattern(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

/// The jobs that the controller lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub jobs: Vec<JobRecord>,
    /// How many jobs could not be read. They are passed over.
    pub unreadable: usize,
}

/// Slurm's record of a job, or of one life of a job: a requeued job has several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobRecord {
    pub id: u32,
    pub name: String,
    pub user: String,
    pub account: String,
    pub partition: String,
    pub state: JobState,
    /// Why the job waits, or how it came to its state.
    pub reason: String,
    pub nodes: Vec<String>,
    /// The cards on all nodes together.
    pub cards: u32,
    /// Seconds since 1970, by the controller's clock.
    pub started_s: Option<i64>,
    pub ended_s: Option<i64>,
    /// When Slurm will end the running job at the latest.
    pub ends_by_s: Option<i64>,
    pub code: i32,
    pub signal: i32,
    /// How often Slurm started the job anew.
    pub restarts: u32,
}

impl JobRecord {
    /// When the job got its nodes; `None` if it never did, whatever start the record names.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        if self.nodes.is_empty() || self.state == JobState::Pending {
            return None;
        }
        self.started_s.map(Timestamp::from_secs)
    }

    /// Whether this life of the job is over, and its end is known.
    pub(crate) fn is_final(&self) -> bool {
        (self.state.is_over() || self.state == JobState::Requeued) && self.ended_s.is_some()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum JobState {
    Pending,
    /// The job has its nodes; also while they are made ready, and while the job is suspended.
    Running,
    /// The job has ended, but some of its processes are not gone yet.
    Completing,
    Completed,
    Failed,
    TimedOut,
    NodeFailed,
    Preempted,
    OutOfMemory,
    Cancelled,
    /// The accounting shows the job as cancelled, and nobody had asked for that: a controller that was
    /// started anew did not know it.
    Forgotten,
    /// This life of the job has ended; the job waits to be started again.
    Requeued,
    /// A state that only a later version of Slurm has.
    #[default]
    Unknown,
}

impl JobState {
    /// Reads the end that the controller lists for a job in this state: when the job ended, and when it will
    /// end at the latest.
    pub(crate) fn read_end(self, end_s: Option<i64>) -> (Option<i64>, Option<i64>) {
        let has_ended = self.is_over() || self == Self::Completing;
        (end_s.filter(|_| has_ended), end_s.filter(|_| self == Self::Running))
    }

    /// Whether no process of the job is left, and none will come.
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
