//! The codes of reasons, with their values.

use serde::{Deserialize, Serialize};

use super::system::SystemError;
use crate::{
    JobId, Millis, RunId, Timestamp, codes,
    job::{JobOutcome, Tasks},
    run::{Outcome, StopCause},
    spec::DependencyKind,
};

codes! {
    /// A step on the way to a run's first process.
    pub enum Step {
        TenantFolders = "tenant_folders",
        /// The work folder, with the script in it.
        WorkFolder = "work_folder",
        Cgroup = "cgroup",
        RankTable = "rank_table",
        Outputs = "outputs",
        Record = "record",
        Process = "process",
        Session = "session",
        Limits = "limits",
        /// The tenant's own user.
        User = "user",
        Privileges = "privileges",
        /// The places that a run may open.
        Places = "places",
        /// The system calls that a run may make.
        Calls = "calls",
        /// IPC, shared memory and processes of its own.
        Room = "room",
        Network = "network",
    }

    /// A part of Slurm that was not there.
    pub enum SlurmPart {
        /// The slurmd of one of the run's nodes.
        Node = "node",
        Controller = "controller",
    }
}

/// Why a run could not be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NotStarted {
    /// The program that the script's first line names can't be executed.
    Interpreter {
        path: String,
        error: SystemError,
        /// The script has the line ends of Windows, so that the name ends with a carriage return.
        #[serde(default)]
        has_windows_line_ends: bool,
    },
    NoProgramNamed {
        line: String,
    },
    TooManyProcesses,
    ArgumentsTooLong,
    /// The script itself can't be executed.
    Program {
        error: SystemError,
    },
    /// The run could not be kept apart from others.
    Isolation {
        step: Step,
        error: SystemError,
    },
    /// The run's surroundings could not be made.
    Preparation {
        step: Step,
        error: SystemError,
    },
    /// No port is left for `MASTER_PORT`.
    NoPort,
    /// The process that looks after the run was lost before it began.
    SupervisorLost {
        how: String,
    },
    /// The secrets that it was to get are not there any more.
    SecretsGone,
    /// The cards that the run was to have are not on the machine.
    NoCards {
        node: String,
        missing: Vec<u32>,
    },
    /// The folder in which the run is to start can't be entered there.
    Folder {
        path: String,
        node: String,
    },
    /// Slurm started the run on a node that is none of its own.
    WrongNode {
        node: String,
    },
    /// The shared folder can't be written to on these nodes.
    SharedFolder {
        nodes: Vec<String>,
    },
    /// Slurm could not start the run on these nodes, for a reason of its own.
    SlurmStart {
        nodes: Vec<String>,
        reason: String,
    },
    /// Slurm took no such job: its own words.
    SlurmRefused {
        said: String,
    },
    /// Slurm's user of the tenant is not known here.
    NoUser {
        user: String,
    },
    /// Only a center that is root can run jobs as that user.
    NotRoot {
        user: String,
    },
    NoSuchNode {
        node: String,
    },
    /// The center has not all for the run, or the engine will not have it: its own words.
    Launch {
        said: String,
    },
    /// In words alone, by a program before this one, or by whoever could write them.
    #[serde(untagged)]
    Other(String),
}

/// Why a run was cut short, or lost, by no fault of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Interruption {
    /// Nobody saw its end: its supervisor was killed, or its machine went down.
    Vanished {
        last_seen: Option<Timestamp>,
    },
    NodeFailed {
        nodes: Vec<String>,
    },
    /// The slurmd of one of these nodes was down.
    NodeDown {
        nodes: Vec<String>,
    },
    /// It never began on each of these nodes, as a part of Slurm was down.
    NeverBegan {
        nodes: Vec<String>,
        down: SlurmPart,
    },
    /// Slurm was down soon after its start, and missed its end.
    EndMissed {
        nodes: Vec<String>,
    },
    /// Slurm's controller was started anew and did not know it.
    Forgotten,
    /// Slurm cancelled it as it began on these nodes.
    CancelledAtStart {
        nodes: Vec<String>,
    },
    /// Slurm lost sight of it and started it again.
    StartedAgain,
    Requeued,
    /// Slurm could not start it on these nodes.
    NotLaunched {
        nodes: Vec<String>,
        reason: String,
    },
    /// Its account in Slurm took no jobs for so long.
    AccountClosed {
        waited_s: u64,
    },
    /// Slurm did not start it for so long.
    NotStartedInTime {
        waited_s: u64,
    },
    /// Slurm gave its nodes to other jobs.
    NodesTaken,
    /// The disk had no room for its start.
    NoRoom,
    /// An engine before this one did not tell.
    Untold,
}

/// Why a run ended as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum RunEnd {
    Succeeded,
    Failed {
        exit_code: i32,
    },
    Signaled {
        signal: i32,
    },
    /// It used more memory than it may; `None` where the limit is another's.
    OutOfMemory {
        limit_mib: Option<u64>,
    },
    TimedOut {
        limit_ms: Option<i64>,
    },
    Stopped {
        cause: StopCause,
    },
    FailedToStart {
        why: NotStarted,
    },
    Lost {
        why: Interruption,
    },
    /// Its cards were taken by whoever hands them out.
    TakenAway {
        why: Interruption,
    },
}

/// Why a job ended as it did, where its state alone does not tell. An array's is the first of its tasks that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum JobCause {
    /// As this run of it ended. `task` is the index in its array, if it is one.
    Run {
        run: RunId,
        task: Option<u32>,
        end: RunEnd,
    },
    /// A job that it waited for ended so that it can't start any more.
    Dependency {
        job: JobId,
        when: DependencyKind,
        ended: JobOutcome,
    },
    /// A job that it waited for is not there any more.
    DependencyGone {
        job: JobId,
    },
    Stopped {
        cause: StopCause,
    },
}

/// How a job ended, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobEnd {
    pub outcome: JobOutcome,
    pub tasks: Tasks,
    pub cause: Option<JobCause>,
}

impl RunEnd {
    /// The end of a run of which nothing but its outcome is known.
    pub fn plain(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed { exit_code } => Self::Failed { exit_code },
            Outcome::Signaled { signal } => Self::Signaled { signal },
            Outcome::TimedOut => Self::TimedOut { limit_ms: None },
            Outcome::Stopped { cause } => Self::Stopped { cause },
            Outcome::FailedToStart => Self::FailedToStart { why: NotStarted::Other(String::new()) },
            Outcome::Lost => Self::Lost { why: Interruption::Untold },
        }
    }

    /// The outcome of a run that ended so.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Succeeded => Outcome::Succeeded,
            Self::Failed { exit_code } => Outcome::Failed { exit_code: *exit_code },
            Self::Signaled { signal } => Outcome::Signaled { signal: *signal },
            // The kernel kills such a process.
            Self::OutOfMemory { .. } => Outcome::Signaled { signal: 9 },
            Self::TimedOut { .. } => Outcome::TimedOut,
            Self::Stopped { cause } => Outcome::Stopped { cause: *cause },
            Self::FailedToStart { .. } => Outcome::FailedToStart,
            Self::Lost { .. } => Outcome::Lost,
            Self::TakenAway { .. } => Outcome::Stopped { cause: StopCause::Preempted },
        }
    }

    /// The reason's name in the API: of a run that failed to start, or was cut short, that of why.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "exit_code",
            Self::Signaled { .. } => "signal",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::TimedOut { .. } => "time_limit",
            Self::Stopped { cause } => cause.code(),
            Self::FailedToStart { why } => why.code(),
            Self::Lost { why } | Self::TakenAway { why } => why.code(),
        }
    }
}

impl NotStarted {
    /// A step that failed on the way, in words of the system.
    pub fn preparation(step: Step, error: SystemError) -> Self {
        Self::Preparation { step, error }
    }

    pub fn code(&self) -> &'static str {
        match self {
            Self::Interpreter { .. } => "interpreter",
            Self::NoProgramNamed { .. } => "no_program_named",
            Self::TooManyProcesses => "too_many_processes",
            Self::ArgumentsTooLong => "arguments_too_long",
            Self::Program { .. } => "program",
            Self::Isolation { .. } => "isolation",
            Self::Preparation { .. } => "preparation",
            Self::NoPort => "no_port",
            Self::SecretsGone => "secrets_gone",
            Self::SupervisorLost { .. } => "supervisor_lost",
            Self::NoCards { .. } => "no_cards",
            Self::Folder { .. } => "folder",
            Self::WrongNode { .. } => "wrong_node",
            Self::SharedFolder { .. } => "shared_folder",
            Self::SlurmStart { .. } => "slurm_start",
            Self::SlurmRefused { .. } => "slurm_refused",
            Self::NoUser { .. } => "no_user",
            Self::NotRoot { .. } => "not_root",
            Self::NoSuchNode { .. } => "no_such_node",
            Self::Launch { .. } => "launch",
            Self::Other(_) => "failed_to_start",
        }
    }
}

impl Interruption {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Vanished { .. } => "vanished",
            Self::NodeFailed { .. } => "node_failed",
            Self::NodeDown { .. } => "node_down",
            Self::NeverBegan { .. } => "never_began",
            Self::EndMissed { .. } => "end_missed",
            Self::Forgotten => "forgotten",
            Self::CancelledAtStart { .. } => "cancelled_at_start",
            Self::StartedAgain => "started_again",
            Self::Requeued => "requeued",
            Self::NotLaunched { .. } => "not_launched",
            Self::AccountClosed { .. } => "account_closed",
            Self::NotStartedInTime { .. } => "not_started_in_time",
            Self::NodesTaken => "nodes_taken",
            Self::NoRoom => "no_room",
            Self::Untold => "lost",
        }
    }
}

impl JobEnd {
    /// The reason's name in the API.
    pub fn code(&self) -> &'static str {
        match &self.cause {
            Some(JobCause::Run { task: Some(_), .. }) => "tasks",
            Some(JobCause::Run { end, .. }) => end.code(),
            Some(JobCause::Dependency { .. }) => "dependency",
            Some(JobCause::DependencyGone { .. }) => "dependency_gone",
            Some(JobCause::Stopped { cause }) => cause.code(),
            None => self.outcome.code(),
        }
    }
}

/// The name of a signal as shells write it, where it is one of those that end processes.
pub(super) fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        5 => "TRAP",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        10 => "USR1",
        11 => "SEGV",
        12 => "USR2",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        31 => "SYS",
        _ => return None,
    })
}

pub(super) fn limit(limit_ms: i64) -> String {
    Millis(limit_ms).to_string()
}
