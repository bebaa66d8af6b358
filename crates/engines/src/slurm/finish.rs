//! The end of a run: what its folder and its nodes tell of it besides Slurm's record of its job.

use std::ops::RangeInclusive;

use domain::RunId;

use super::{
    Core, batch, daemon,
    face::{JobRecord, JobState},
    judge::{self, Claim, Down, Facts, Gang, Wanted},
    submit::{adopt, is_named},
};
use crate::{Observation, Stream};

/// Takes in the end of a run's job.
pub(super) fn finish(core: &Core, run: RunId, job: &JobRecord) {
    let (spec, wanted) = {
        let known = core.known();
        let Some(entry) = known.runs.get(&run) else { return };
        let over = entry.is_due.then_some(Wanted::TimeOver);
        let stop = entry.stop.then_some(Wanted::Stop);
        (entry.spec.clone(), entry.waited_too_long.map(Wanted::Back).or(over).or(stop))
    };
    let account = spec.as_ref().and_then(|spec| core.account_of(spec.tenant).ok());
    let word = |name: &str| core.shared.word(run, name, account.as_ref()?.uid);
    let claimed: Option<u32> = word("claim").and_then(|text| text.parse().ok());
    if let Some(other) = claimed.filter(|other| *other != job.id) {
        // The file is its user's, who may have put any number there.
        match is_named(core, run, other) {
            Ok(true) => {
                // Another job of the run got through before this one: that one is the run.
                tracing::warn!(%run, number = job.id, other, "a run's Slurm job came too late: another one is the run");
                return adopt(core, run, other);
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%run, %error, "failed to look for another Slurm job of a run; it is tried again");
                return;
            }
        }
    }
    // What its start and Slurm leave in its folder tells of failures only.
    let has_failed = job.state != JobState::Completed;
    let word = |name: &str| if has_failed { word(name) } else { None };
    let is_gang = spec.as_ref().is_some_and(|spec| !batch::is_once(spec));
    let is_cut_short = matches!(job.state, JobState::TimedOut | JobState::Cancelled | JobState::Forgotten);
    let is_over_time =
        job.state == JobState::TimedOut || is_cut_short && matches!(wanted, Some(Wanted::TimeOver));
    let gang = spec.as_ref().filter(|_| is_gang && is_cut_short).map(|spec| gang(spec.nodes.len(), word));
    let has_failed_by_no_process =
        job.state == JobState::Failed && is_gang && claimed.is_some() && word("failed").is_none();
    let is_second = word("second").is_some_and(|text| text.parse() == Ok(job.id));
    let log = account
        .as_ref()
        .filter(|_| has_failed)
        .and_then(|account| core.shared.tail(run, Stream::Stderr, account.uid))
        .unwrap_or_default();
    let claim = match claimed {
        // Its own script is all that the shell could have had to read before.
        None if word("stderr").is_some_and(|first| judge::tells_of_syntax(job, &first)) => Claim::Made,
        Some(_) if is_second => Claim::MadeBefore,
        Some(_) => Claim::Made,
        None => Claim::None,
    };
    // Of a job that is there, its slurmstepd writes into its output that it ends it. An output there is where anything began.
    let was_there = is_over_time
        && account
            .as_ref()
            .and_then(|account| core.shared.changed_s(run, Stream::Stderr, account.uid))
            .map_or(claimed.is_some(), |at| {
                at >= job.ended_s.unwrap_or(i64::MAX).saturating_sub(daemon::SLACK_S)
            });
    let mut facts = Facts {
        time_limit: spec.as_ref().map(|spec| spec.time_limit).unwrap_or_default(),
        down: None,
        was_there,
        claim,
        refused: word("refused"),
        ran_out_of_memory: judge::tells_of_memory(&log),
        wanted,
        gang,
    };
    let is_unbegun = is_over_time && spec.is_some() && !facts.has_begun();
    let since_s = job.started_s.map_or(i64::MAX, |at| at.saturating_sub(daemon::SLACK_S));
    // What kept a process from its start, or from telling of a quick end, was there then; later it is no reason.
    let begun_s = since_s.saturating_add(daemon::STARTING_S).min(job.ended_s.unwrap_or(i64::MAX));
    if is_over_time && spec.is_some() && core.outages().overlap(&(since_s..=begun_s)) {
        facts.down = Some(Down::Slurm);
    }
    if has_failed_by_no_process || is_unbegun {
        let until_s = if is_unbegun { begun_s } else { i64::MAX };
        match was_node_down(core, run, job, since_s..=until_s) {
            Some(true) => facts.down = Some(Down::Node),
            Some(false) => {}
            None => return,
        }
    }
    let judge::Verdict { ended, note } = judge::verdict(job, &facts);
    core.end(run, Observation::Ended(ended), note.as_deref());
}

/// Whether the slurmd of one of a run's nodes was down in this time, in seconds since 1970; `None` where that can't be told yet.
fn was_node_down(core: &Core, run: RunId, job: &JobRecord, within_s: RangeInclusive<i64>) -> Option<bool> {
    let daemons = match core.face.daemons(&job.nodes) {
        Ok(daemons) => daemons,
        Err(error) => {
            tracing::warn!(%run, %error, "failed to ask Slurm about a run's nodes; it is tried again");
            return None;
        }
    };
    let was_down = daemons.iter().any(|daemon| daemon.was_down(within_s.clone()));
    // The controller hears of a new daemon a while after its start.
    let gone_since = core.known().runs.get(&run).and_then(|entry| entry.gone_since);
    let is_early = gone_since.is_some_and(|since| since.elapsed() < daemon::HEARD_OF);
    (was_down || !is_early).then_some(was_down)
}

/// How far a gang came, by what its processes left in its folder.
fn gang(processes: usize, word: impl Fn(&str) -> Option<String>) -> Gang {
    let of_rank = |name: &str| {
        let words = (0..processes).map(|rank| word(&format!("{name}.{rank}")));
        words.flatten().collect::<Vec<String>>()
    };
    let codes: Vec<i32> = of_rank("ended").iter().filter_map(|code| code.parse().ok()).collect();
    let has_failed = codes.iter().any(|code| *code != 0);
    // What came after the first failure, or when they were told to end, has no file of that name.
    let failure = word("failed").and_then(|code| code.parse().ok()).filter(|_| has_failed);
    Gang { processes, began: of_rank("began").len(), ended: codes.len(), failure }
}
