//! Runs 运行: one attempt of a job, or of one task of its array, on cards.

use serde::{Deserialize, Serialize};

use crate::{
    CardMs, ContractId, JobId, MicroCny, Millis, Placement, PriceBookId, RatePerCardHour, RunId, TenantId,
    Timestamp, codes,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub job: JobId,
    pub tenant: TenantId,
    pub contract: ContractId,
    /// The position of its task in the array, from 0; 0 for a job without an array.
    pub task: u32,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    pub placement: Placement,
    /// The rate that was in force when it was planned. Later price books don't touch it.
    pub rate: RatePerCardHour,
    /// The price book that was in force when it was planned; `None` where there was none. It says what is waived.
    pub price_book: Option<PriceBookId>,
    /// The longest time that its use is charged for: its time limit, and the time that processes get to end.
    /// `None`: its limit is another's, as that of a job that was handed to Slurm directly.
    pub charged_at_most: Option<Millis>,
    /// Whether its use counts as granted, not sold.
    pub is_granted: bool,
    pub state: RunState,
}

/// Where a run stands. Each state has just the data that it needs. The times of a run never go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// Its row is kept and its cards are taken. The engine may or may not have heard of it.
    Starting {
        planned_at: Timestamp,
        stop: Option<Stop>,
    },
    Running {
        planned_at: Timestamp,
        started_at: Timestamp,
        stop: Option<Stop>,
    },
    Ended {
        planned_at: Timestamp,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        /// Up to when its use is charged, at most `ended_at`. The time after it is the center's.
        charged_until: Timestamp,
        outcome: Outcome,
    },
}

/// A request that a run stop: why, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub cause: StopCause,
    pub at: Timestamp,
}

codes! {
    /// Why a run or a job is to stop.
    pub enum StopCause {
        /// A member or an operator cancelled it.
        Cancelled = "cancelled",
        /// The contract's balance ended.
        BalanceEnded = "balance_ended",
        /// A budget of its project or of its member was used up.
        BudgetEnded = "budget_ended",
        /// The contract's term ended, or it was suspended or terminated.
        ContractEnded = "contract_ended",
        /// Its cards were reclaimed.
        Preempted = "preempted",
        /// It wrote while the center's disk had less free than it must.
        DiskFull = "disk_full",
        /// It wrote while its folder, or its tenant's, took more of the disk than it may.
        DiskQuota = "disk_quota",
    }

    /// A run's state as it is shown: that of a run that has ended is its outcome.
    pub enum RunStatus {
        Starting = "starting",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Signaled = "signaled",
        TimedOut = "timed_out",
        Cancelled = "cancelled",
        BalanceEnded = "balance_ended",
        BudgetEnded = "budget_ended",
        ContractEnded = "contract_ended",
        Preempted = "preempted",
        DiskFull = "disk_full",
        DiskQuota = "disk_quota",
        FailedToStart = "failed_to_start",
        Lost = "lost",
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Its exit code was 0.
    Succeeded,
    /// Its exit code was another.
    Failed {
        exit_code: i32,
    },
    Signaled {
        signal: i32,
    },
    TimedOut,
    Stopped {
        cause: StopCause,
    },
    /// The script could not be started; its standard error says why.
    FailedToStart,
    /// It was lost to a fault of the center: its task is tried again.
    Lost,
}

impl Outcome {
    pub fn is_success(self) -> bool {
        matches!(self, Self::Succeeded)
    }

    /// Whether the center was at fault: the price book says how much of the use is waived, and the task is tried
    /// again.
    pub fn is_fault_of_center(self) -> bool {
        matches!(self, Self::Lost | Self::Stopped { cause: StopCause::Preempted })
    }

    /// The form in which it is stored: a name and a number (exit code or signal, else 0).
    pub fn code(self) -> (&'static str, i32) {
        let number = match self {
            Self::Failed { exit_code } => exit_code,
            Self::Signaled { signal } => signal,
            _ => 0,
        };
        (self.status().code(), number)
    }

    /// The status of a run that ended so.
    pub fn status(self) -> RunStatus {
        match self {
            Self::Succeeded => RunStatus::Succeeded,
            Self::Failed { .. } => RunStatus::Failed,
            Self::Signaled { .. } => RunStatus::Signaled,
            Self::TimedOut => RunStatus::TimedOut,
            Self::Stopped { cause: StopCause::Cancelled } => RunStatus::Cancelled,
            Self::Stopped { cause: StopCause::BalanceEnded } => RunStatus::BalanceEnded,
            Self::Stopped { cause: StopCause::BudgetEnded } => RunStatus::BudgetEnded,
            Self::Stopped { cause: StopCause::ContractEnded } => RunStatus::ContractEnded,
            Self::Stopped { cause: StopCause::Preempted } => RunStatus::Preempted,
            Self::Stopped { cause: StopCause::DiskFull } => RunStatus::DiskFull,
            Self::Stopped { cause: StopCause::DiskQuota } => RunStatus::DiskQuota,
            Self::FailedToStart => RunStatus::FailedToStart,
            Self::Lost => RunStatus::Lost,
        }
    }

    /// The outcome from its name and number; `None` where the name is not known.
    pub fn from_code(name: &str, number: i32) -> Option<Self> {
        Some(match name {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed { exit_code: number },
            "signaled" => Self::Signaled { signal: number },
            "timed_out" => Self::TimedOut,
            "failed_to_start" => Self::FailedToStart,
            "lost" => Self::Lost,
            other => Self::Stopped { cause: StopCause::from_code(other)? },
        })
    }

    /// The exit code that a shell would report: that of the script, or 128 and the signal; `None` where no
    /// process ended by itself.
    pub fn exit_code(self) -> Option<i32> {
        match self {
            Self::Succeeded => Some(0),
            Self::Failed { exit_code } => Some(exit_code),
            Self::Signaled { signal } => Some(128 + signal),
            Self::TimedOut | Self::Stopped { .. } | Self::FailedToStart | Self::Lost => None,
        }
    }
}

/// A change that the run's state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalRunChange {
    #[error("the run had started before")]
    AlreadyStarted,
    #[error("the run had ended before")]
    AlreadyEnded,
}

impl RunState {
    pub fn planned_at(self) -> Timestamp {
        match self {
            Self::Starting { planned_at, .. }
            | Self::Running { planned_at, .. }
            | Self::Ended { planned_at, .. } => planned_at,
        }
    }

    pub fn started_at(self) -> Option<Timestamp> {
        match self {
            Self::Starting { .. } => None,
            Self::Running { started_at, .. } => Some(started_at),
            Self::Ended { started_at, .. } => started_at,
        }
    }

    pub fn ended_at(self) -> Option<Timestamp> {
        match self {
            Self::Ended { ended_at, .. } => Some(ended_at),
            _ => None,
        }
    }

    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    pub fn stop(self) -> Option<Stop> {
        match self {
            Self::Starting { stop, .. } | Self::Running { stop, .. } => stop,
            Self::Ended { .. } => None,
        }
    }

    pub fn has_ended(self) -> bool {
        matches!(self, Self::Ended { .. })
    }

    pub fn status(self) -> RunStatus {
        match self {
            Self::Starting { .. } => RunStatus::Starting,
            Self::Running { .. } => RunStatus::Running,
            Self::Ended { outcome, .. } => outcome.status(),
        }
    }

    /// The code by which it is stored: `starting`, `running` or `ended`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Starting { .. } => "starting",
            Self::Running { .. } => "running",
            Self::Ended { .. } => "ended",
        }
    }

    /// Takes in that the run started at `at`, by the engine. If the clock went back, the run started when it
    /// was planned.
    pub fn start(self, at: Timestamp) -> Result<Self, IllegalRunChange> {
        match self {
            Self::Starting { planned_at, stop } => {
                Ok(Self::Running { planned_at, started_at: at.max(planned_at), stop })
            }
            Self::Running { .. } => Err(IllegalRunChange::AlreadyStarted),
            Self::Ended { .. } => Err(IllegalRunChange::AlreadyEnded),
        }
    }

    /// [`Self::start`] by the clock of a cluster's accounting, which may be behind the clock by which the run
    /// was planned, or count whole seconds. The accounting holds: if the run started before it was planned,
    /// the plan is moved back.
    pub fn start_as_accounted(self, at: Timestamp) -> Result<Self, IllegalRunChange> {
        match self {
            Self::Starting { planned_at, stop } => {
                Ok(Self::Running { planned_at: planned_at.min(at), started_at: at, stop })
            }
            other => other.start(at),
        }
    }

    /// Takes in that the run is to stop. The first cause stays.
    pub fn request_stop(self, cause: StopCause, at: Timestamp) -> Result<Self, IllegalRunChange> {
        let first = |stop: Option<Stop>| Some(stop.unwrap_or(Stop { cause, at }));
        match self {
            Self::Starting { planned_at, stop } => Ok(Self::Starting { planned_at, stop: first(stop) }),
            Self::Running { planned_at, started_at, stop } => {
                Ok(Self::Running { planned_at, started_at, stop: first(stop) })
            }
            Self::Ended { .. } => Err(IllegalRunChange::AlreadyEnded),
        }
    }

    /// Takes in that the run ended at `at`, and that its use is charged until `charged_until`. A run that was to
    /// stop ended for that cause, unless it succeeded.
    fn end(
        self,
        at: Timestamp,
        charged_until: Timestamp,
        outcome: Outcome,
    ) -> Result<Self, IllegalRunChange> {
        let (planned_at, started_at, stop) = match self {
            Self::Starting { planned_at, stop } => (planned_at, None, stop),
            Self::Running { planned_at, started_at, stop } => (planned_at, Some(started_at), stop),
            Self::Ended { .. } => return Err(IllegalRunChange::AlreadyEnded),
        };
        let outcome = match stop {
            Some(Stop { cause, .. }) if outcome != Outcome::Succeeded => Outcome::Stopped { cause },
            _ => outcome,
        };
        let from = started_at.unwrap_or(planned_at);
        let ended_at = at.max(from);
        let charged_until = charged_until.clamp(from, ended_at);
        Ok(Self::Ended { planned_at, started_at, ended_at, charged_until, outcome })
    }
}

impl Run {
    /// Takes in that the run ended at `at`. `known_until` is the last instant at which it is known to have been
    /// alive, where nobody saw its end; then its use is charged no further.
    pub fn end(
        &mut self,
        at: Timestamp,
        known_until: Option<Timestamp>,
        outcome: Outcome,
    ) -> Result<(), IllegalRunChange> {
        // Where it was done before its cards were taken, its notice came to nothing.
        let charged_until =
            if outcome.is_success() { self.charged_at_most_until(at) } else { self.charged_until(at) };
        self.state = self.state.end(at, charged_until.min(known_until.unwrap_or(at)), outcome)?;
        Ok(())
    }

    /// Whether a run that has ended is charged to its end, or to its bound. One that the center cut short may be
    /// charged for less; and so may one that was to stop, where nobody saw its end.
    pub fn is_charged_in_full(&self) -> bool {
        let RunState::Ended { ended_at, charged_until, outcome, .. } = self.state else { return true };
        let most = self.charged_at_most_until(ended_at);
        let may_be_unseen = matches!(outcome, Outcome::Lost | Outcome::Stopped { .. });
        charged_until == most || (charged_until < most && may_be_unseen)
    }

    /// Up to when the run's use is charged, as of `now`: to its end, its notice where its cards are reclaimed, and
    /// no longer than `charged_at_most`.
    pub fn charged_until(&self, now: Timestamp) -> Timestamp {
        if let RunState::Ended { charged_until, .. } = self.state {
            return charged_until.min(now);
        }
        let notice = self.state.stop().filter(|stop| stop.cause == StopCause::Preempted).map(|stop| stop.at);
        self.charged_at_most_until(notice.map_or(now, |at| at.min(now)))
    }

    fn charged_at_most_until(&self, until: Timestamp) -> Timestamp {
        match (self.state.started_at(), self.charged_at_most) {
            (Some(started_at), Some(most)) => until.min(started_at.plus(most)),
            _ => until,
        }
    }

    /// The card time that is charged, from the start to `now`.
    pub fn used(&self, now: Timestamp) -> CardMs {
        let Some(started_at) = self.state.started_at() else { return CardMs::ZERO };
        CardMs::of(self.placement.card_count(), started_at, self.charged_until(now))
    }

    /// The time from the start to `now`, or to the end if the run has ended.
    pub fn elapsed(&self, now: Timestamp) -> Millis {
        self.state.started_at().map_or(Millis(0), |from| self.state.ended_at().unwrap_or(now).since(from))
    }

    /// The charge for [`Self::used`], before anything is waived.
    pub fn charge(&self, now: Timestamp) -> MicroCny {
        self.rate.charge(self.used(now)).unwrap_or(MicroCny(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Start(i64),
        StartAsAccounted(i64),
        Stop(usize, i64),
        End(i64, Outcome),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0_i64..1000).prop_map(Step::Start),
            (0_i64..1000).prop_map(Step::StartAsAccounted),
            ((0_usize..4), 0_i64..1000).prop_map(|(cause, at)| Step::Stop(cause, at)),
            (0_i64..1000, 0_i32..3).prop_map(|(at, code)| {
                Step::End(
                    at,
                    if code == 0 { Outcome::Succeeded } else { Outcome::Failed { exit_code: code } },
                )
            }),
        ];
        prop::collection::vec(step, 0..12)
    }

    proptest! {
        #[test]
        fn no_path_leads_to_an_illegal_state(planned in 0_i64..1000, steps in steps()) {
            let mut state = RunState::Starting { planned_at: Timestamp::from_millis(planned), stop: None };
            for step in steps {
                let before = state;
                let next = match step {
                    Step::Start(at) => state.start(Timestamp::from_millis(at)),
                    Step::StartAsAccounted(at) => state.start_as_accounted(Timestamp::from_millis(at)),
                    Step::Stop(cause, at) => state.request_stop(StopCause::ALL[cause], Timestamp::from_millis(at)),
                    Step::End(at, outcome) => state.end(Timestamp::from_millis(at), Timestamp::from_millis(at), outcome),
                };
                state = next.unwrap_or(state);
                prop_assert!(!before.has_ended() || state == before, "an ended run changed");
                prop_assert!(state.planned_at() == before.planned_at() || Some(state.planned_at()) == state.started_at());
                if let Some(started_at) = before.started_at() {
                    prop_assert_eq!(state.started_at(), Some(started_at), "a start changed");
                }
                if let Some(stop) = before.stop() {
                    prop_assert!(state.has_ended() || state.stop() == Some(stop), "the first stop stays");
                }
                prop_assert!(state.started_at().is_none_or(|at| at >= state.planned_at()));
                prop_assert!(state.ended_at().is_none_or(|at| at >= state.started_at().unwrap_or(state.planned_at())));
            }
        }

        #[test]
        fn outcomes_survive_their_codes(kind in 0_usize..7, number in 1_i32..200, cause in 0_usize..4) {
            let outcome = [
                Outcome::Succeeded,
                Outcome::Failed { exit_code: number },
                Outcome::Signaled { signal: number },
                Outcome::TimedOut,
                Outcome::Stopped { cause: StopCause::ALL[cause] },
                Outcome::FailedToStart,
                Outcome::Lost,
            ][kind];
            let (name, number) = outcome.code();
            prop_assert_eq!(Outcome::from_code(name, number), Some(outcome));
        }
    }
}
