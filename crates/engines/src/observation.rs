//! The state of a run, as an engine tells it.

use domain::{
    Millis, Timestamp,
    reason::{Interruption, NotStarted},
};
use serde::{Deserialize, Serialize};

/// The state of a run, as its engine knows it. The Slurm engine keeps it on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Observation {
    /// The engine never heard of the run, or its launch is still on the way.
    NotLaunched,
    /// The engine takes care of the run. `started` is there once its processes run. `seen_at` is the last instant at
    /// which the engine saw the run go on; `None`: not since the engine started.
    Alive { started: Option<Started>, leaving: Leaving, seen_at: Option<Timestamp> },
    /// The run is over, and none of its processes is left.
    Ended(Ended),
    /// The engine took care of the run, but nobody saw its end: its supervisor was killed, the machine went
    /// down, or Slurm lost its job. No process of it that could be found is left.
    Vanished {
        started: Option<Started>,
        /// The last instant at which the run is known to have been alive, to about half a minute.
        last_seen: Option<Timestamp>,
    },
}

/// Whether the next run can be launched on a run's cards already, to start when they are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    #[default]
    No,
    /// Earlier runs of its kind were over within seconds of their start.
    Soon,
    /// The run's first node says that its processes are gone.
    Now,
}

/// The start of a run's first process.
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
    /// How long it took from its start, by a clock that nobody sets; `None` where nobody measured that.
    #[serde(default)]
    pub took: Option<Millis>,
    pub how: Exit,
    /// More on an end that was not the run's own: [`Exit::MachineLost`] or [`Exit::Preempted`].
    #[serde(default)]
    pub why: Option<Interruption>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// The processes of all its nodes ended by themselves, with the first exit code that is not 0, or with 0.
    Code(i32),
    /// The first process of a node that did not end with 0 was ended by this signal, and not by the engine.
    Signal(i32),
    /// The run reached its time limit.
    TimedOut,
    /// The center stopped the run. `status` is how its first process then ended, `None` if it never started.
    Stopped { status: Option<Status> },
    /// The run could not be started. The reason is for whoever submitted its job.
    FailedToStart(NotStarted),
    /// The disk had no room for what a run needs to be started.
    NoRoom,
    /// The machine of the run is gone.
    MachineLost,
    /// The cluster took the run's nodes for other work.
    Preempted,
    /// The run used more memory than it may.
    OutOfMemory,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Code(i32),
    Signal(i32),
}
