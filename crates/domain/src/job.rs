//! Jobs 作业: a specification, and how far its tasks have come.

mod dropped;
mod illegal;
pub mod mail;
pub mod task;
mod tasks;

use serde::{Deserialize, Serialize};

use crate::{
    ContractId, JobId, JobSpec, MemberId, Outcome, ProjectId, TenantId, Timestamp, codes, run::StopCause,
};

pub use dropped::{Dropped, Positions};
pub use illegal::IllegalJobChange;
pub use tasks::Tasks;

/// A task of which the center has lost so many runs is not tried again.
pub const MAX_LOSSES: u32 = 4;

/// How often a task was tried when one more of its runs has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// The center did not start it, so the center does not start it again.
    NotOurs,
    /// How many of its runs were lost, including the last one.
    Lost(u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub tenant: TenantId,
    pub project: ProjectId,
    pub contract: ContractId,
    pub submitted_by: MemberId,
    pub submitted_at: Timestamp,
    pub spec: JobSpec,
    pub state: JobState,
    pub tasks: Tasks,
    /// Tasks to come that were cancelled and never begin.
    pub dropped: Dropped,
}

/// Where a job stands. It is `Running` while a run of it is planned or running, and `Queued` while all its
/// open tasks wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    /// No further task starts, and the running ones are being stopped.
    Stopping {
        cause: StopCause,
    },
    Ended {
        at: Timestamp,
        outcome: JobOutcome,
    },
}

codes! {
    /// How a job ended.
    pub enum JobOutcome {
        /// All tasks ended well.
        Succeeded = "succeeded",
        /// A task did not end well.
        Failed = "failed",
        TimedOut = "timed_out",
        Cancelled = "cancelled",
        /// The contract ended or ran out.
        Stopped = "stopped",
        /// It waited for another job in a way that can't come true any more.
        NeverRan = "never_ran",
        /// The center lost too many of its runs.
        Lost = "lost",
    }

    /// A job's state as it is shown and filtered: that of a job that has ended is its outcome.
    pub enum JobStatus {
        Queued = "queued",
        Running = "running",
        Stopping = "stopping",
        Succeeded = "succeeded",
        Failed = "failed",
        TimedOut = "timed_out",
        Cancelled = "cancelled",
        Stopped = "stopped",
        NeverRan = "never_ran",
        Lost = "lost",
    }
}

impl JobStatus {
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Stopping)
    }
}

impl From<JobOutcome> for JobStatus {
    fn from(outcome: JobOutcome) -> Self {
        match outcome {
            JobOutcome::Succeeded => Self::Succeeded,
            JobOutcome::Failed => Self::Failed,
            JobOutcome::TimedOut => Self::TimedOut,
            JobOutcome::Cancelled => Self::Cancelled,
            JobOutcome::Stopped => Self::Stopped,
            JobOutcome::NeverRan => Self::NeverRan,
            JobOutcome::Lost => Self::Lost,
        }
    }
}

/// Whether a job whose state is told by this code has ended: states that are no outcome are those of open jobs.
pub fn has_ended(state: &str) -> bool {
    JobOutcome::from_code(state).is_some()
}

impl JobOutcome {
    /// The outcome of a job whose only run ended so.
    pub fn of_run(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed { .. } | Outcome::Signaled { .. } | Outcome::FailedToStart => Self::Failed,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Stopped { cause: StopCause::Cancelled } => Self::Cancelled,
            Outcome::Stopped {
                cause:
                    StopCause::BalanceEnded
                    | StopCause::BudgetEnded
                    | StopCause::ContractEnded
                    | StopCause::DiskFull
                    | StopCause::DiskQuota,
            } => Self::Stopped,
            Outcome::Stopped { cause: StopCause::Preempted } | Outcome::Lost => Self::Lost,
        }
    }
}

impl JobState {
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Ended { .. })
    }

    pub fn status(self) -> JobStatus {
        match self {
            Self::Queued => JobStatus::Queued,
            Self::Running => JobStatus::Running,
            Self::Stopping { .. } => JobStatus::Stopping,
            Self::Ended { outcome, .. } => outcome.into(),
        }
    }

    /// The code of [`Self::status`].
    pub fn code(self) -> &'static str {
        self.status().code()
    }
}

impl Job {
    pub fn new(
        id: JobId,
        tenant: TenantId,
        project: ProjectId,
        contract: ContractId,
        submitted_by: MemberId,
        submitted_at: Timestamp,
        spec: JobSpec,
    ) -> Self {
        let tasks = Tasks::new(spec.task_count());
        Self {
            id,
            tenant,
            project,
            contract,
            submitted_by,
            submitted_at,
            spec,
            state: JobState::Queued,
            tasks,
            dropped: Dropped::default(),
        }
    }

    /// How many tasks may be started now, within the limit of the array.
    pub fn startable(&self) -> u32 {
        match self.state {
            JobState::Queued | JobState::Running => {
                let limit = self.spec.array.as_ref().and_then(|array| array.max_running).unwrap_or(u32::MAX);
                self.tasks.waiting().min(limit.saturating_sub(self.tasks.running))
            }
            JobState::Stopping { .. } | JobState::Ended { .. } => 0,
        }
    }

    /// The job with the outline of its specification.
    #[must_use]
    pub fn outline(&self) -> Self {
        Self { spec: self.spec.outline(), dropped: self.dropped.clone(), ..*self }
    }

    /// Takes in that a run of the next task was planned; `is_retry` if the task was tried before.
    pub fn start_task(&mut self, is_retry: bool) -> Result<(), IllegalJobChange> {
        match self.state {
            JobState::Queued | JobState::Running => {}
            JobState::Stopping { .. } => return Err(IllegalJobChange::IsStopping),
            JobState::Ended { .. } => return Err(IllegalJobChange::HasEnded),
        }
        let tasks = &mut self.tasks;
        if is_retry && tasks.to_retry > 0 {
            tasks.to_retry -= 1;
        } else if !is_retry && tasks.next < tasks.total {
            tasks.next += 1;
            self.pass_dropped();
        } else {
            return Err(IllegalJobChange::NothingWaits);
        }
        self.tasks.running += 1;
        self.state = JobState::Running;
        Ok(())
    }

    /// Cancels tasks that wait: those at `positions` that never began, and so many that were to be tried again. Tasks that
    /// run are told to end elsewhere. Says how many waited.
    pub fn drop_tasks(
        &mut self,
        positions: &Positions,
        to_retry: u32,
        at: Timestamp,
    ) -> Result<u32, IllegalJobChange> {
        match self.state {
            JobState::Queued | JobState::Running => {}
            JobState::Stopping { .. } => return Err(IllegalJobChange::IsStopping),
            JobState::Ended { .. } => return Err(IllegalJobChange::HasEnded),
        }
        let mut dropped = self.dropped.clone();
        let never_began = dropped.add(positions, self.tasks.next, self.tasks.total);
        if dropped.is_too_scattered() {
            return Err(IllegalJobChange::TooScattered);
        }
        self.dropped = dropped;
        let to_retry = to_retry.min(self.tasks.to_retry);
        self.tasks.dropped += never_began;
        self.tasks.to_retry -= to_retry;
        self.tasks.stopped += never_began + to_retry;
        self.pass_dropped();
        self.settle(JobOutcome::Cancelled, at);
        Ok(never_began + to_retry)
    }

    /// The next task is one that begins.
    fn pass_dropped(&mut self) {
        let passed = self.dropped.pass(self.tasks.next);
        self.tasks.next += passed;
        self.tasks.dropped -= passed;
    }

    /// Takes in that a run ended. Says whether its task is to be tried again: always where the run had to
    /// make room for others, and where it was lost until that has happened [`MAX_LOSSES`] times.
    pub fn end_task(
        &mut self,
        outcome: Outcome,
        tries: Tries,
        at: Timestamp,
    ) -> Result<bool, IllegalJobChange> {
        if self.state.has_ended() {
            return Err(IllegalJobChange::HasEnded);
        }
        if self.tasks.running == 0 {
            return Err(IllegalJobChange::NothingRuns);
        }
        self.tasks.running -= 1;
        let may_retry = match (outcome, tries) {
            (Outcome::Stopped { cause: StopCause::Preempted }, Tries::Lost(_)) => true,
            (Outcome::Lost, Tries::Lost(losses)) => losses < MAX_LOSSES,
            _ => false,
        };
        let retry = may_retry && !matches!(self.state, JobState::Stopping { .. });
        match outcome {
            _ if retry => self.tasks.to_retry += 1,
            Outcome::Succeeded => self.tasks.succeeded += 1,
            Outcome::Stopped { .. } => self.tasks.stopped += 1,
            _ => self.tasks.failed += 1,
        }
        self.settle(JobOutcome::of_run(outcome), at);
        Ok(retry)
    }

    /// Stops the job: no waiting task starts any more. A job of which nothing runs ends at once.
    pub fn stop(&mut self, cause: StopCause, at: Timestamp) -> Result<(), IllegalJobChange> {
        match self.state {
            JobState::Ended { .. } => Err(IllegalJobChange::HasEnded),
            JobState::Stopping { .. } => Ok(()),
            JobState::Queued | JobState::Running => {
                self.state = JobState::Stopping { cause };
                self.settle(JobOutcome::of_run(Outcome::Stopped { cause }), at);
                Ok(())
            }
        }
    }

    /// Ends a job that waits for another in a way that can't come true any more.
    pub fn never_run(&mut self, at: Timestamp) -> Result<(), IllegalJobChange> {
        match self.state {
            JobState::Queued => {
                self.state = JobState::Ended { at, outcome: JobOutcome::NeverRan };
                Ok(())
            }
            JobState::Running => Err(IllegalJobChange::NothingWaits),
            JobState::Stopping { .. } => Err(IllegalJobChange::IsStopping),
            JobState::Ended { .. } => Err(IllegalJobChange::HasEnded),
        }
    }

    /// Ends the job if no task runs or waits; queues it if tasks wait and none runs. `last` is how the last
    /// task ended.
    fn settle(&mut self, last: JobOutcome, at: Timestamp) {
        if self.tasks.running > 0 {
            return;
        }
        let outcome = match self.state {
            JobState::Stopping { cause } => match JobOutcome::of_run(Outcome::Stopped { cause }) {
                // All tasks had ended by themselves before the stop reached them.
                _ if self.tasks.succeeded == self.tasks.total => JobOutcome::Succeeded,
                outcome => outcome,
            },
            JobState::Queued | JobState::Running if self.tasks.waiting() == 0 => {
                if self.tasks.total == 1 {
                    last
                } else if self.tasks.succeeded == self.tasks.total {
                    JobOutcome::Succeeded
                } else if self.tasks.failed > 0 {
                    JobOutcome::Failed
                } else if last == JobOutcome::Stopped {
                    JobOutcome::Stopped
                } else {
                    // The others ended well: only tasks that were cancelled are left.
                    JobOutcome::Cancelled
                }
            }
            JobState::Running => {
                self.state = JobState::Queued;
                return;
            }
            _ => return,
        };
        self.state = JobState::Ended { at, outcome };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{ArraySpec, IndexRange};
    use proptest::prelude::*;

    fn job(tasks: u32) -> Job {
        let array = (tasks > 1).then(|| ArraySpec {
            ranges: vec![IndexRange { first: 1, last: tasks, step: 1 }],
            max_running: Some(3),
        });
        let spec = JobSpec { name: "j".into(), script: "true".into(), array, ..JobSpec::default() };
        Job::new(
            JobId::from_bytes([1; 16]),
            TenantId::from_bytes([2; 16]),
            ProjectId::from_bytes([3; 16]),
            ContractId::from_bytes([4; 16]),
            MemberId::from_bytes([5; 16]),
            Timestamp::default(),
            spec,
        )
    }

    #[test]
    fn a_single_task_ends_its_job_as_it_ended() {
        for (outcome, want) in [
            (Outcome::Succeeded, JobOutcome::Succeeded),
            (Outcome::Failed { exit_code: 3 }, JobOutcome::Failed),
            (Outcome::TimedOut, JobOutcome::TimedOut),
            (Outcome::Stopped { cause: StopCause::BalanceEnded }, JobOutcome::Stopped),
        ] {
            let mut job = job(1);
            job.start_task(false).unwrap();
            assert!(!job.end_task(outcome, Tries::Lost(0), Timestamp::from_secs(1)).unwrap());
            assert_eq!(job.state, JobState::Ended { at: Timestamp::from_secs(1), outcome: want });
        }
    }

    #[test]
    fn a_lost_run_is_tried_again_but_not_for_ever() {
        let mut job = job(1);
        for losses in 1..=MAX_LOSSES {
            assert_eq!(job.startable(), 1);
            job.start_task(losses > 1).unwrap();
            let again = job.end_task(Outcome::Lost, Tries::Lost(losses), Timestamp::default()).unwrap();
            assert_eq!((again, job.state == JobState::Queued), (losses < MAX_LOSSES, losses < MAX_LOSSES));
        }
        assert_eq!(job.state.code(), "lost");
    }

    #[test]
    fn a_run_that_makes_room_is_tried_again_however_often() {
        let preempted = Outcome::Stopped { cause: StopCause::Preempted };
        let mut job = job(1);
        for attempt in 0..3 * MAX_LOSSES {
            job.start_task(attempt > 0).unwrap();
            // Some were lost besides.
            assert!(job.end_task(preempted, Tries::Lost(MAX_LOSSES - 1), Timestamp::default()).unwrap());
            assert_eq!(job.state, JobState::Queued);
        }
    }

    #[test]
    fn what_is_not_the_centers_to_start_is_not_tried_again() {
        for outcome in [Outcome::Lost, Outcome::Stopped { cause: StopCause::Preempted }] {
            let mut job = job(1);
            job.start_task(false).unwrap();
            assert!(!job.end_task(outcome, Tries::NotOurs, Timestamp::default()).unwrap());
            assert_eq!(job.state.code(), "lost");
        }
    }

    #[test]
    fn stopping_a_queued_job_ends_it_at_once() {
        let mut job = job(9);
        job.stop(StopCause::Cancelled, Timestamp::default()).unwrap();
        assert_eq!(job.state.code(), "cancelled");
        assert_eq!(job.start_task(false), Err(IllegalJobChange::HasEnded));
    }

    #[test]
    fn tasks_that_are_cancelled_before_their_turn_never_begin() {
        let mut job = job(9);
        job.start_task(false).unwrap();
        // Of 0 to 3 the first runs.
        assert_eq!(job.drop_tasks(&Positions::new([(0, 3), (7, 7)]), 0, Timestamp::default()), Ok(4));
        assert_eq!((job.tasks.next, job.tasks.waiting(), job.tasks.stopped), (4, 4, 4));
        assert_eq!(job.drop_tasks(&Positions::new([(1, 4)]), 0, Timestamp::default()), Ok(1), "one was left");
        for next in [5, 6, 8] {
            assert_eq!(job.tasks.next, next);
            job.start_task(false).unwrap();
        }
        assert_eq!(job.start_task(false), Err(IllegalJobChange::NothingWaits));
        for _ in 0..4 {
            job.end_task(Outcome::Succeeded, Tries::Lost(0), Timestamp::default()).unwrap();
        }
        assert_eq!((job.state.code(), job.tasks.succeeded, job.tasks.stopped), ("cancelled", 4, 5));
    }

    #[test]
    fn a_job_all_of_whose_tasks_are_cancelled_is_cancelled() {
        let mut job = job(9);
        job.drop_tasks(&Positions::new([(0, 8)]), 0, Timestamp::default()).unwrap();
        assert_eq!(job.state.code(), "cancelled");
        assert!(job.tasks.is_consistent());
    }

    proptest! {
        #[test]
        fn no_path_leads_to_an_illegal_state(total in 1_u32..8, steps in prop::collection::vec((0_u8..12, 1_u32..6), 0..60)) {
            let mut job = job(total);
            let outcomes = [
                Outcome::Succeeded, Outcome::Failed { exit_code: 1 }, Outcome::Lost, Outcome::TimedOut,
                Outcome::Stopped { cause: StopCause::Cancelled },
            ];
            for (step, losses) in steps {
                let before = job.clone();
                let done = match step {
                    0..=2 => job.start_task(false).is_ok(),
                    3 => job.start_task(true).is_ok(),
                    4..=8 => job.end_task(outcomes[usize::from(step) - 4], Tries::Lost(losses), Timestamp::from_secs(9)).is_ok(),
                    9 => job.stop(StopCause::Cancelled, Timestamp::from_secs(9)).is_ok(),
                    _ => {
                        let some = Positions::new([(losses, losses + u32::from(step) - 10)]);
                        job.drop_tasks(&some, losses % 2, Timestamp::from_secs(9)).is_ok()
                    }
                };
                prop_assert_eq!(job.tasks.dropped, job.dropped.count());
                prop_assert!(!job.dropped.contains(job.tasks.next), "a cancelled task is next");
                prop_assert!(done || job == before, "a refused change changed something");
                prop_assert!(job.tasks.is_consistent(), "{:?}", job.tasks);
                prop_assert!(!before.state.has_ended() || job == before, "an ended job changed");
                prop_assert_eq!(job.state == JobState::Running, job.tasks.running > 0 && !matches!(job.state, JobState::Stopping { .. }));
                if job.state.has_ended() {
                    prop_assert_eq!(job.tasks.running, 0);
                    prop_assert_eq!(job.startable(), 0);
                }
                if matches!(job.state, JobState::Ended { outcome: JobOutcome::Succeeded, .. }) {
                    prop_assert_eq!(job.tasks.succeeded, job.tasks.total);
                }
            }
        }
    }
}
