//! The end of a run, from Slurm's record of its job, and from the facts that its folder and its nodes add to
//! that.

use std::{io, ops::RangeInclusive, sync::Arc, time::Duration};

use domain::{RunId, reason::NotStarted};

use super::{
    core::Core,
    ending::{self, Claim, Down, EndReason, Ending, Facts},
    find::{adopt, is_named},
    gang::{self, GangProgress},
};
use crate::{
    log::Stream,
    observation::Observation,
    slurm::{
        client::job::{JobRecord, JobState},
        disk::user::UnixUser,
        script::sbatch,
    },
    spec::LaunchSpec,
};

/// A daemon that was started so many seconds before a run may not have been ready for it yet; clocks differ,
/// too.
const SLACK_S: i64 = 5;
/// Within so many seconds all processes of a run have begun, and the controller has written down what it had
/// heard by then.
const STARTING_S: i64 = 60;
/// Within that time the controller has heard of a daemon's start.
const HEARD_OF: Duration = Duration::from_secs(10);

/// Ends the run whose job has ended. Where something can't be told yet, the run stays as it is, and the next
/// look tries again.
pub(super) fn finish(core: &Core, run: RunId, job: &JobRecord) {
    if let Err(error) = try_to_finish(core, run, job) {
        tracing::warn!(%run, %error, "failed to read what a run has left; the engine tries again");
    }
}

/// The files that a run has left in its folder. All are absent where the run has no user.
struct Left<'a> {
    core: &'a Core,
    run: RunId,
    user: Option<UnixUser>,
}

impl Left<'_> {
    fn word(&self, name: &str) -> io::Result<Option<String>> {
        self.user.as_ref().map_or(Ok(None), |user| self.core.shared.word(self.run, name, user.uid))
    }

    fn number(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(self.word(name)?.and_then(|text| text.parse().ok()))
    }

    /// The last few kilobytes of its standard error.
    fn errors(&self) -> io::Result<Option<String>> {
        let tail = |user: &UnixUser| self.core.shared.tail(self.run, Stream::Stderr, user.uid);
        self.user.as_ref().map_or(Ok(None), tail)
    }

    /// When something was last written to its standard error, in seconds since 1970.
    fn last_error_s(&self) -> io::Result<Option<i64>> {
        let changed_s = |user: &UnixUser| self.core.shared.changed_s(self.run, Stream::Stderr, user.uid);
        self.user.as_ref().map_or(Ok(None), changed_s)
    }

    /// How far a gang came.
    fn gang(&self, processes: usize, is_pipe_broken: bool) -> io::Result<GangProgress> {
        let of_rank = |name: &str| {
            let words = (0..processes).map(|rank| self.word(&format!("{name}.{rank}")));
            let words: io::Result<Vec<Option<String>>> = words.collect();
            Ok::<_, io::Error>(words?.into_iter().flatten().collect::<Vec<String>>())
        };
        let codes: Vec<i32> = of_rank("ended")?.iter().filter_map(|code| code.parse().ok()).collect();
        let has_failed = codes.iter().any(|code| *code != 0);
        let left = self.word("failed")?.and_then(|code| code.parse().ok());
        let failure = gang::own_failure(left, has_failed, is_pipe_broken);
        Ok(GangProgress { processes, began: of_rank("began")?.len(), ended: codes.len(), failure })
    }
}

fn try_to_finish(core: &Core, run: RunId, job: &JobRecord) -> io::Result<()> {
    let (spec, end_reason) = {
        let table = core.table();
        let Some(entry) = table.runs.get(&run) else { return Ok(()) };
        let over = entry.is_due.then_some(EndReason::TimeOver);
        let stop = entry.stop.then_some(EndReason::Stop);
        (entry.spec.clone(), entry.waited_too_long.map(EndReason::GivenBack).or(over).or(stop))
    };
    let left = Left { core, run, user: core.owner_of_run(run)? };
    let claimed = left.number("claim")?;
    if let Some(other) = claimed.filter(|other| *other != job.id)
        && !is_the_run_all_the_same(core, run, job.id, other)
    {
        return Ok(());
    }
    // The words that the run's start and Slurm leave in the folder tell of failures only.
    let has_failed = job.state != JobState::Completed;
    let word = |name: &str| if has_failed { left.word(name) } else { Ok(None) };
    let is_gang = spec.as_ref().is_some_and(|spec| !sbatch::is_once(spec));
    let is_cut_short = matches!(job.state, JobState::TimedOut | JobState::Cancelled | JobState::Forgotten);
    let is_over_time =
        job.state == JobState::TimedOut || is_cut_short && matches!(end_reason, Some(EndReason::TimeOver));
    let may_tell = is_gang && (is_cut_short || job.state == JobState::Failed);
    let is_pipe_broken = job.state == JobState::Failed && gang::is_pipe_broken(job);
    let of_gang = |spec: &Arc<LaunchSpec>| left.gang(spec.nodes.len(), is_pipe_broken);
    let gang = spec.as_ref().filter(|_| may_tell).map(of_gang).transpose()?;
    // Then the gang's step failed: a node may be lost. Otherwise Slurm's word on the step is all there is.
    let has_failed_by_no_process =
        job.state == JobState::Failed && claimed.is_some() && gang.is_some_and(|gang| !gang.tells_its_end());
    let is_second = has_failed && left.number("second")? == Some(job.id);
    let log = if has_failed { left.errors()?.unwrap_or_default() } else { String::new() };
    let claim = match claimed {
        // A shell that stops at the syntax of the run's own script does so before the claim.
        None if word("stderr")?.is_some_and(|first| ending::tells_of_syntax(job, &first)) => Claim::Made,
        Some(_) if is_second => Claim::MadeBefore,
        Some(_) => Claim::Made,
        None => Claim::None,
    };
    // When a job's time is over, its slurmstepd writes that into the job's standard error, a file that exists
    // as soon as anything of the job has begun. A job that was no longer there has written nothing so late.
    let was_there = is_over_time
        && left
            .last_error_s()?
            .map_or(claimed.is_some(), |at| at >= job.ended_s.unwrap_or(i64::MAX).saturating_sub(SLACK_S));
    let mut facts = Facts {
        time_limit: spec.as_ref().map(|spec| spec.time_limit).unwrap_or_default(),
        down: None,
        was_there,
        claim,
        refused: word("refused")?.map(|word| refusal(&word)),
        ran_out_of_memory: ending::tells_of_memory(&log),
        end_reason,
        gang,
    };
    let is_unbegun = is_over_time && spec.is_some() && !facts.has_begun();
    let since_s = job.started_s.map_or(i64::MAX, |at| at.saturating_sub(SLACK_S));
    // An outage after this time did not keep a process from its start, nor from telling of a quick end.
    let begun_s = since_s.saturating_add(STARTING_S).min(job.ended_s.unwrap_or(i64::MAX));
    if is_over_time && spec.is_some() && core.outages().overlap(&(since_s..=begun_s)) {
        facts.down = Some(Down::Slurm);
    }
    if has_failed_by_no_process || is_unbegun {
        let until_s = if is_unbegun { begun_s } else { i64::MAX };
        match was_node_down(core, run, job, since_s..=until_s) {
            Some(true) => facts.down = Some(Down::Node),
            Some(false) => {}
            None => return Ok(()),
        }
    }
    let Ending { ended, note } = ending::ending(job, &facts);
    core.end(run, Observation::Ended(ended), note.as_deref());
    Ok(())
}

/// Why the run's start would not go on, by the word that it left.
fn refusal(word: &str) -> NotStarted {
    serde_json::from_str(word).unwrap_or_else(|_| NotStarted::Other(word.to_owned()))
}

/// Whether the job `number` is the run although the run's claim names another job. The claim's file is its
/// user's, who may have written any number into it.
fn is_the_run_all_the_same(core: &Core, run: RunId, number: u32, claimed: u32) -> bool {
    match is_named(core, run, claimed) {
        Ok(true) => {
            tracing::warn!(%run, number, claimed, "a Slurm job of a run came too late; the one that made the claim is the run");
            adopt(core, run, claimed);
            false
        }
        Ok(false) => true,
        Err(error) => {
            tracing::warn!(%run, %error, "failed to look for another Slurm job of a run; the engine tries again");
            false
        }
    }
}

/// Whether the slurmd of one of the run's nodes was down within this time, in seconds since 1970; `None`
/// where that can't be told yet.
fn was_node_down(core: &Core, run: RunId, job: &JobRecord, within_s: RangeInclusive<i64>) -> Option<bool> {
    let daemons = match core.slurm.daemons(&job.nodes) {
        Ok(daemons) => daemons,
        Err(error) => {
            tracing::warn!(%run, %error, "failed to ask Slurm about a run's nodes; the engine tries again");
            return None;
        }
    };
    let was_down = daemons.iter().any(|daemon| daemon.was_down(within_s.clone()));
    // The controller hears of a new daemon a while after its start.
    let gone_since = core.table().runs.get(&run).and_then(|entry| entry.job.gone_since);
    let is_early = gone_since.is_some_and(|since| since.elapsed() < HEARD_OF);
    (was_down || !is_early).then_some(was_down)
}
