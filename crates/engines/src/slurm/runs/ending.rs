//! The end of a run, from Slurm's record of its job and from other facts.

use std::time::Duration;

use domain::{
    Lang, Millis, Timestamp, Zone,
    reason::{Interruption, NotStarted, SlurmPart},
};

use super::gang::GangProgress;
use crate::{
    clock,
    observation::{Ended, Exit, Status},
    slurm::{
        client::job::{JobRecord, JobState},
        script::job::NOT_CLAIMED,
    },
};

/// A job that nobody cancelled, and that Slurm shows as cancelled within this time of its start, could not be
/// launched. Slurm's times are whole seconds.
const AS_IT_BEGAN: Millis = Millis(1000);

/// A run that lasted longer is charged even if its folder says that it never began: its user can write to the
/// folder.
const MOST_UNCHARGED: Millis = Millis(10_000);

const TOO_MUCH_MEMORY: &str = "it was ended because it used more memory than it may";

/// The facts about a run besides Slurm's record of its job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub time_limit: Millis,
    pub claim: Claim,
    /// The part of Slurm that was down during the run, where that can explain the end: no process of the run
    /// is known to have failed.
    pub down: Option<Down>,
    /// Whether anything of the run was still there when its time was over.
    pub was_there: bool,
    /// The word of the run's start when it would not go on.
    pub refused: Option<NotStarted>,
    /// Slurm wrote into the run's log that it used too much memory.
    pub ran_out_of_memory: bool,
    pub end_reason: Option<EndReason>,
    /// Set for a run with a process on each of several nodes.
    pub gang: Option<GangProgress>,
}

/// A part of Slurm that was down, or may have been started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// The slurmd of one of the run's nodes.
    Node,
    /// The controller.
    Slurm,
}

impl Facts {
    /// Whether all processes of the run began.
    pub(crate) fn has_begun(&self) -> bool {
        self.gang.map_or(self.claim != Claim::None, |gang| gang.began == gang.processes)
    }

    /// Why nothing of the run was there, on these nodes, to reach the time limit that Slurm reports.
    fn why_not_there(&self, nodes: &[String]) -> Option<Interruption> {
        let is_gang = self.gang.is_some();
        let nodes = nodes.to_vec();
        match self.down? {
            _ if self.was_there && !is_gang => None,
            Down::Node if !self.has_begun() => {
                Some(Interruption::NeverBegan { nodes, down: SlurmPart::Node })
            }
            Down::Slurm if !self.has_begun() => {
                Some(Interruption::NeverBegan { nodes, down: SlurmPart::Controller })
            }
            Down::Slurm if !is_gang => Some(Interruption::EndMissed { nodes }),
            _ => None,
        }
    }
}

/// Whether a job was let through as the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Claim {
    #[default]
    None,
    /// The job reached the start of its script.
    Made,
    /// The job was let through, and then Slurm started it again and it was not.
    MadeBefore,
}

/// Why the center wants a run's end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EndReason {
    /// The center was told to stop the run.
    Stop,
    /// Slurm did not start the run for so long: it is to be planned elsewhere.
    GivenBack(Duration),
    /// The run reached its time limit.
    TimeOver,
}

/// The end of a run, and a note for its user.
pub(crate) struct Ending {
    pub ended: Ended,
    pub note: Option<String>,
}

/// The end of a run whose job has ended.
pub(crate) fn ending(job: &JobRecord, facts: &Facts) -> Ending {
    let started_at = job.started_at();
    let at = job.ended_s.map(Timestamp::from_secs).or(started_at);
    let at = at.unwrap_or_else(clock::now).max(started_at.unwrap_or(Timestamp::from_secs(0)));
    let status = if job.signal == 0 { Status::Code(job.code) } else { Status::Signal(job.signal) };
    let (mut note, mut why) = (None, None);
    let nodes = || job.nodes.clone();
    let is_uncharged = started_at.is_none_or(|from| at.since(from) <= MOST_UNCHARGED)
        || job.reason.contains("LaunchFailure");
    let mut interrupted = |by: Interruption| {
        let how = match by {
            Interruption::NodesTaken | Interruption::NotStartedInTime { .. } => Exit::Preempted,
            _ => Exit::MachineLost,
        };
        why = Some(by);
        how
    };
    let mut noted = |text: String, how: Exit| {
        note = Some(text);
        how
    };
    let how = match job.state {
        _ if started_at.is_some() && facts.refused.is_some() => {
            Exit::FailedToStart(facts.refused.clone().unwrap_or(NotStarted::Other(String::new())))
        }
        JobState::OutOfMemory => noted(TOO_MUCH_MEMORY.to_owned(), Exit::OutOfMemory),
        // Where no cgroup does it, Slurm itself kills such jobs, and says so nowhere else.
        JobState::Failed if facts.ran_out_of_memory && status == Status::Signal(9) => {
            noted(TOO_MUCH_MEMORY.to_owned(), Exit::OutOfMemory)
        }
        JobState::Completed => Exit::Code(0),
        JobState::TimedOut => Exit::TimedOut,
        JobState::Preempted => interrupted(Interruption::NodesTaken),
        JobState::Cancelled | JobState::Forgotten => match facts.end_reason {
            Some(EndReason::GivenBack(waited)) => {
                interrupted(Interruption::NotStartedInTime { waited_s: waited.as_secs() })
            }
            Some(EndReason::TimeOver) => Exit::TimedOut,
            // An engine before this one ended it.
            None if job.state == JobState::Cancelled
                && started_at.is_some_and(|from| at.since(from).0 + 1000 > facts.time_limit.0) =>
            {
                Exit::TimedOut
            }
            None if job.state == JobState::Forgotten && started_at.is_some() => {
                interrupted(Interruption::Forgotten)
            }
            // When a node refuses the launch of a job, Slurm cancels the job. This happens where a controller
            // that died launches a job again and the node still has it: then the processes that began are
            // ended too.
            None if started_at.is_some_and(|from| at.since(from) <= AS_IT_BEGAN) => {
                interrupted(Interruption::CancelledAtStart { nodes: nodes() })
            }
            // For most of these jobs Slurm keeps no status. It sends SIGTERM.
            _ if status == Status::Code(0) => {
                Exit::Stopped { status: started_at.map(|_| Status::Signal(15)) }
            }
            _ => Exit::Stopped { status: started_at.map(|_| status) },
        },
        JobState::Failed if facts.claim == Claim::MadeBefore && job.code == NOT_CLAIMED && is_uncharged => {
            interrupted(Interruption::StartedAgain)
        }
        JobState::Failed if facts.claim != Claim::None && facts.down == Some(Down::Node) => {
            interrupted(Interruption::NodeDown { nodes: nodes() })
        }
        JobState::Failed if facts.claim != Claim::None => match status {
            Status::Signal(signal) => Exit::Signal(signal),
            Status::Code(0) => noted(format!("Slurm says that it failed: {}", job.reason), Exit::Code(1)),
            Status::Code(code) => Exit::Code(code),
        },
        JobState::Failed if job.code == NOT_CLAIMED => {
            Exit::FailedToStart(NotStarted::SharedFolder { nodes: nodes() })
        }
        // The job never reached its script, so this is not the script's fault, and another attempt can't
        // compute twice.
        JobState::Failed if is_uncharged => {
            interrupted(Interruption::NotLaunched { nodes: nodes(), reason: job.reason.clone() })
        }
        JobState::Failed => {
            Exit::FailedToStart(NotStarted::SlurmStart { nodes: nodes(), reason: job.reason.clone() })
        }
        JobState::NodeFailed => interrupted(Interruption::NodeFailed { nodes: nodes() }),
        // A job must not have a second life: see `batch_script`.
        JobState::Requeued
        | JobState::Pending
        | JobState::Running
        | JobState::Completing
        | JobState::Unknown => interrupted(Interruption::Requeued),
    };
    let how = match (how, facts.gang.and_then(GangProgress::end)) {
        // Where daemons die, the step that waits for processes on other nodes may miss their ends.
        (Exit::TimedOut, Some(own)) => {
            note = Some("Slurm did not see that its processes had ended".to_owned());
            own
        }
        // The step itself can be killed, and its end is not that of the processes.
        (Exit::Code(_) | Exit::Signal(_), Some(own)) => {
            note = None;
            own
        }
        (Exit::TimedOut, None) if let Some(by) = facts.why_not_there(&job.nodes) => {
            why = Some(by);
            Exit::MachineLost
        }
        (how, _) => how,
    };
    let was_not_let_through = job.state == JobState::Failed && facts.claim == Claim::None;
    let never_began = was_not_let_through || matches!(how, Exit::FailedToStart(_));
    let started_at = started_at.filter(|_| !(never_began && is_uncharged));
    let note = note.or_else(|| match (&how, &why) {
        (Exit::FailedToStart(why), _) => Some(why.text(Lang::En)),
        (_, Some(why)) => Some(why.text(Lang::En, &Zone::utc())),
        _ => None,
    });
    Ending { ended: Ended { started_at, at, took: None, how, why }, note }
}

/// Whether slurmstepd says in a log that it killed the job for its use of memory.
pub(crate) fn tells_of_memory(log: &str) -> bool {
    let of_slurm = log.lines().filter(|line| line.starts_with("slurmstepd"));
    let mut said = of_slurm.map(str::to_ascii_lowercase);
    said.any(|line| line.contains("memory limit") || line.contains("oom_kill") || line.contains("oom-kill"))
}

/// Whether bash could not read the batch script, by the first line that it wrote. The start is made here, so
/// the fault is in the run's own script.
pub(crate) fn tells_of_syntax(job: &JobRecord, first_line: &str) -> bool {
    (job.state, job.code, job.signal) == (JobState::Failed, 2, 0)
        && first_line.contains("/slurm_script: line ")
}

/// The life of a job that was the run's: the first that got nodes, or else the last.
pub(crate) fn life(mut lives: Vec<&JobRecord>) -> Option<&JobRecord> {
    lives.sort_by_key(|life| (life.started_at().is_none(), life.started_s, life.ended_s));
    match lives.first() {
        Some(first) if first.started_at().is_some() => Some(first),
        _ => lives.last().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: JobState) -> JobRecord {
        JobRecord {
            state,
            nodes: vec!["n1".into()],
            started_s: Some(1_700_000_000),
            ended_s: Some(1_700_000_010),
            ..JobRecord::default()
        }
    }

    fn facts() -> Facts {
        Facts { time_limit: Millis::from_secs(10), claim: Claim::Made, ..Facts::default() }
    }

    #[test]
    fn states_become_ends() {
        let failed = |code, signal| JobRecord { code, signal, ..job(JobState::Failed) };
        let short = JobRecord { ended_s: Some(1_700_000_003), ..job(JobState::Cancelled) };
        for (job, want) in [
            (job(JobState::Completed), Exit::Code(0)),
            (failed(7, 0), Exit::Code(7)),
            (failed(0, 9), Exit::Signal(9)),
            (failed(0, 11), Exit::Signal(11)),
            (failed(124, 0), Exit::Code(124)),
            (short.clone(), Exit::Stopped { status: Some(Status::Signal(15)) }),
            (job(JobState::Cancelled), Exit::TimedOut),
            (job(JobState::TimedOut), Exit::TimedOut),
            (job(JobState::NodeFailed), Exit::MachineLost),
            (job(JobState::Requeued), Exit::MachineLost),
            (job(JobState::Preempted), Exit::Preempted),
            (job(JobState::OutOfMemory), Exit::OutOfMemory),
            (JobRecord { signal: 9, ..short }, Exit::Stopped { status: Some(Status::Signal(9)) }),
            (JobRecord { nodes: vec![], ..job(JobState::Cancelled) }, Exit::Stopped { status: None }),
            (job(JobState::Forgotten), Exit::MachineLost),
            (JobRecord { nodes: vec![], ..job(JobState::Forgotten) }, Exit::Stopped { status: None }),
        ] {
            assert_eq!(ending(&job, &facts()).ended.how, want, "{job:?}");
        }
    }

    #[test]
    fn what_slurm_cancelled_as_it_began_was_stopped_by_nobody() {
        let at_once = JobRecord { ended_s: Some(1_700_000_000), ..job(JobState::Cancelled) };
        let later = JobRecord { ended_s: Some(1_700_000_005), ..job(JobState::Cancelled) };
        let stopped = Exit::Stopped { status: Some(Status::Signal(15)) };
        let unclaimed = Facts { claim: Claim::None, ..facts() };
        let wanted = Facts { end_reason: Some(EndReason::Stop), ..unclaimed.clone() };
        for (job, facts, want) in [
            (&at_once, &unclaimed, Exit::MachineLost),
            (&at_once, &facts(), Exit::MachineLost),
            (&later, &facts(), stopped.clone()),
            (&at_once, &wanted, stopped.clone()),
            (&later, &unclaimed, stopped),
        ] {
            assert_eq!(ending(job, facts).ended.how, want, "{job:?} {facts:?}");
        }
    }

    #[test]
    fn a_gang_whose_node_was_down_did_not_fail_itself() {
        let failed = JobRecord { signal: 9, ended_s: Some(1_700_000_002), ..job(JobState::Failed) };
        assert_eq!(ending(&failed, &facts()).ended.how, Exit::Signal(9));
        let down = Facts { down: Some(Down::Node), ..facts() };
        assert_eq!(ending(&failed, &down).ended.how, Exit::MachineLost);
    }

    #[test]
    fn a_gang_that_slurm_left_hanging_did_not_take_too_long() {
        let gang = |began, ended, failure| Some(GangProgress { processes: 2, began, ended, failure });
        let over = Facts { end_reason: Some(EndReason::TimeOver), ..facts() };
        let down = Facts { down: Some(Down::Node), ..over.clone() };
        for (facts, gang, want) in [
            (&over, None, Exit::TimedOut),
            (&over, gang(2, 0, None), Exit::TimedOut),
            (&over, gang(2, 1, None), Exit::TimedOut),
            (&over, gang(1, 1, None), Exit::TimedOut),
            (&over, gang(2, 2, None), Exit::Code(0)),
            (&over, gang(2, 1, Some(5)), Exit::Code(5)),
            (&over, gang(2, 1, Some(139)), Exit::Signal(11)),
            (&down, gang(2, 1, None), Exit::TimedOut),
            (&down, gang(1, 0, None), Exit::MachineLost),
            (&down, gang(0, 0, None), Exit::MachineLost),
            (&down, gang(2, 2, None), Exit::Code(0)),
        ] {
            let facts = Facts { gang, ..facts.clone() };
            for state in [JobState::Cancelled, JobState::TimedOut] {
                assert_eq!(ending(&job(state), &facts).ended.how, want, "{state:?} {facts:?}");
            }
            let stopped = Facts { end_reason: Some(EndReason::Stop), down: None, ..facts };
            let short = JobRecord { ended_s: Some(1_700_000_005), ..job(JobState::Cancelled) };
            assert!(matches!(ending(&short, &stopped).ended.how, Exit::Stopped { .. }), "{stopped:?}");
        }
    }

    #[test]
    fn a_gang_ends_as_its_processes_say_and_not_as_their_step_does() {
        // As if the step had written to a pipe that was closed.
        let failed = JobRecord { signal: 13, ..job(JobState::Failed) };
        for (ended, failure, want) in [
            (1, Some(2), Exit::Code(2)),
            (1, Some(139), Exit::Signal(11)),
            (2, None, Exit::Code(0)),
            (1, None, Exit::Signal(13)),
        ] {
            let gang = Some(GangProgress { processes: 2, began: 2, ended, failure });
            let Ending { ended, note } = ending(&failed, &Facts { gang, ..facts() });
            assert_eq!((ended.how, note), (want, None), "{gang:?}");
        }
    }

    #[test]
    fn what_was_not_there_as_daemons_were_down_is_lost() {
        let node = Some(Down::Node);
        let slurm = Some(Down::Slurm);
        for (claim, down, was_there, want) in [
            (Claim::None, node, false, Exit::MachineLost),
            (Claim::None, slurm, false, Exit::MachineLost),
            (Claim::Made, slurm, false, Exit::MachineLost),
            (Claim::Made, node, false, Exit::TimedOut),
            (Claim::Made, slurm, true, Exit::TimedOut),
            // Its user may have deleted the claim.
            (Claim::None, None, false, Exit::TimedOut),
            (Claim::None, node, true, Exit::TimedOut),
            (Claim::None, slurm, true, Exit::TimedOut),
        ] {
            let facts = Facts { claim, down, was_there, end_reason: Some(EndReason::TimeOver), ..facts() };
            for state in [JobState::Cancelled, JobState::TimedOut] {
                assert_eq!(ending(&job(state), &facts).ended.how, want, "{state:?} {facts:?}");
            }
        }
    }

    #[test]
    fn what_a_user_says_of_the_start_makes_no_hour_free() {
        let after = |seconds: i64| JobRecord {
            code: NOT_CLAIMED,
            ended_s: Some(1_700_000_000 + seconds),
            ..job(JobState::Failed)
        };
        for facts in [
            Facts { claim: Claim::None, ..facts() },
            Facts { claim: Claim::MadeBefore, ..facts() },
            Facts { refused: Some(NotStarted::Other("no such program".into())), ..facts() },
        ] {
            let is_free = |seconds: i64| {
                let ended = ending(&after(seconds), &facts).ended;
                ended.started_at.is_none() || matches!(ended.how, Exit::MachineLost)
            };
            assert!(is_free(10), "{facts:?}");
            assert!(!is_free(11), "{facts:?}");
            // Slurm itself says this.
            let job = JobRecord { reason: "JobLaunchFailure".into(), ..after(11) };
            let ended = ending(&job, &facts).ended;
            assert!(ended.started_at.is_none() || matches!(ended.how, Exit::MachineLost), "{facts:?}");
        }
    }

    #[test]
    fn what_the_center_wants_to_end_is_not_lost() {
        let forgotten = job(JobState::Forgotten);
        for (reason, want) in [
            (None, Exit::MachineLost),
            (Some(EndReason::Stop), Exit::Stopped { status: Some(Status::Signal(15)) }),
            (Some(EndReason::GivenBack(Duration::from_secs(9))), Exit::Preempted),
            (Some(EndReason::TimeOver), Exit::TimedOut),
        ] {
            assert_eq!(
                ending(&forgotten, &Facts { end_reason: reason, ..facts() }).ended.how,
                want,
                "{reason:?}"
            );
        }
    }

    #[test]
    fn what_was_never_let_through_has_not_started() {
        let unclaimed = Facts { claim: Claim::None, ..facts() };
        for (job, facts) in [
            (JobRecord { code: NOT_CLAIMED, ..job(JobState::Failed) }, &unclaimed),
            (
                job(JobState::Failed),
                &Facts { refused: Some(NotStarted::Other("no such program".into())), ..facts() },
            ),
        ] {
            let Ending { ended, note } = ending(&job, facts);
            assert_eq!(ended.started_at, None);
            assert!(
                matches!(&ended.how, Exit::FailedToStart(why) if Some(why.text(Lang::En)) == note),
                "{ended:?}"
            );
        }
        let not_by_slurm = ending(&JobRecord { code: 1, ..job(JobState::Failed) }, &unclaimed).ended;
        assert_eq!((not_by_slurm.started_at, not_by_slurm.how), (None, Exit::MachineLost));
    }

    #[test]
    fn the_first_life_with_nodes_is_the_runs() {
        let first = job(JobState::NodeFailed);
        let second = JobRecord { started_s: Some(1_700_000_100), ..job(JobState::Failed) };
        let waiting = JobRecord { nodes: vec![], started_s: None, ended_s: None, ..job(JobState::Pending) };
        assert_eq!(life(vec![&second, &waiting, &first]), Some(&first));
        assert_eq!(life(vec![&waiting]), Some(&waiting));
        assert_eq!(life(vec![]), None);
    }
}
