//! Jobs that no longer go on, and how they ended. The controller knows that for some minutes; after that the
//! engine asks the accounting, in one call for all of them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{RunId, Timestamp};

use super::{
    cancel::cancel_named,
    core::Core,
    direct_job::DirectJob,
    ending,
    find::{claimed_by, looked_for_s},
    finish::finish,
    job_name::job_name,
    table::{TrackedJob, is_job_of},
};
use crate::{
    clock,
    observation::{Observation, Started},
    slurm::client::{
        job::{AccountingQuery, JobRecord, JobState, UNNAMED},
        notation,
    },
};

/// A job that the controller has as ended, or does not have.
pub(super) struct InactiveJob {
    run: RunId,
    number: u32,
    direct: Option<Arc<DirectJob>>,
    started_at: Option<Timestamp>,
    /// The controller's last word on the job, if it was seen since it ended.
    listed: Option<JobRecord>,
    held_by: NumberHolder,
    /// When the controller was first seen not to have the job at all.
    unlisted_at: Option<Timestamp>,
    for_how_long: Duration,
}

/// The job that the controller has under the number now. A controller that died gives the numbers that it has
/// forgotten to other jobs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NumberHolder {
    Nobody,
    TheJob,
    Another,
}

/// The fate of a run whose job the controller does not know, and whose end the accounting does not know.
enum Missing {
    /// Records may be on their way.
    NotYet,
    /// The job never began, so the run can be submitted again.
    NeverBegan,
    Vanished,
}

impl InactiveJob {
    /// The name of the job in Slurm.
    fn name(&self) -> String {
        self.direct.as_ref().map_or_else(|| job_name(self.run), |direct| direct.name.clone())
    }

    /// Whether the controller has said all. The accounting gets times, state and exit code from it, and has
    /// them later.
    fn is_told(&self) -> bool {
        let is_whole = |job: &JobRecord| job.state.is_over() && job.restarts == 0 && job.ended_s.is_some();
        self.listed.as_ref().is_some_and(is_whole)
    }
}

/// Notes that a job does not go on. `None` if its run is no longer in the table. `of_number` is the job that
/// the controller has under its number.
pub(super) fn note_inactive(
    core: &Core,
    run: RunId,
    number: u32,
    direct: Option<Arc<DirectJob>>,
    of_number: Option<&JobRecord>,
) -> Option<InactiveJob> {
    let mut table = core.table();
    let entry = table.runs.get_mut(&run)?;
    let started_at = entry.job.started_at;
    let listed = of_number.filter(|job| is_job_of(run, direct.as_deref(), started_at, job));
    let held_by = match (of_number, listed) {
        (None, _) => NumberHolder::Nobody,
        (Some(_), None) => NumberHolder::Another,
        (Some(_), Some(_)) => NumberHolder::TheJob,
    };
    let since = *entry.job.gone_since.get_or_insert_with(Instant::now);
    if let Some(listed) = listed {
        entry.job.last_listed = Some(listed.clone());
    } else {
        entry.job.unlisted_at.get_or_insert_with(clock::now);
    }
    let (listed, unlisted_at) = (entry.job.last_listed.clone(), entry.job.unlisted_at);
    let for_how_long = since.elapsed();
    Some(InactiveJob { run, number, direct, started_at, listed, held_by, unlisted_at, for_how_long })
}

/// Ends the runs of jobs that do not go on, as far as their ends are known. The controller knows the end for
/// some minutes; after that, and for a job with several lives, the accounting does. Whether there was news.
pub(super) fn resolve(core: &Core, jobs: Vec<InactiveJob>, asking: &mut Duration) -> bool {
    let (told, untold): (Vec<InactiveJob>, Vec<InactiveJob>) =
        jobs.into_iter().partition(InactiveJob::is_told);
    for job in &told {
        match (&job.listed, &job.direct) {
            (Some(listed), Some(_)) => core.finish_direct(job.run, listed),
            (Some(listed), None) => finish(core, job.run, listed),
            (None, _) => {}
        }
    }
    (!untold.is_empty() && resolve_by_accounting(core, untold, asking)) || !told.is_empty()
}

/// Asks the accounting once for all jobs.
fn resolve_by_accounting(core: &Core, jobs: Vec<InactiveJob>, asking: &mut Duration) -> bool {
    let query = AccountingQuery {
        jobs: jobs.iter().map(|job| job.number).collect(),
        names: jobs.iter().map(InactiveJob::name).collect(),
        since: jobs.iter().map(|job| looked_for_s(job.run)).min().unwrap_or(0),
        ..AccountingQuery::default()
    };
    let begun = Instant::now();
    let accounted = core.slurm.accounting(&query);
    *asking += begun.elapsed();
    if let Err(error) = &accounted {
        tracing::warn!(%error, "failed to ask Slurm's accounting; the engine tries again");
    }
    let mut lives: HashMap<u32, Vec<&JobRecord>> = HashMap::new();
    for job in accounted.iter().flatten() {
        lives.entry(job.id).or_default().push(job);
    }
    let mut has_news = false;
    for job in jobs {
        let of_number = lives.get(&job.number).cloned().unwrap_or_default();
        has_news |= resolve_one(core, &job, of_number, accounted.is_ok());
    }
    has_news
}

/// `of_number` are the lives that the accounting has under the job's number, if it answered. Whether there
/// was news.
fn resolve_one(core: &Core, job: &InactiveJob, of_number: Vec<&JobRecord>, has_answered: bool) -> bool {
    let run = job.run;
    // Numbers come round again.
    let is_its_life = |life: &JobRecord| {
        // A job whose end reaches the accounting before its start has no name and no partition there yet.
        let is_unnamed = life.partition.is_empty() && life.name == UNNAMED && life.ended_s.is_some();
        is_job_of(run, job.direct.as_deref(), job.started_at, life)
            || job.direct.is_none() && job.held_by != NumberHolder::Another && is_unnamed
    };
    let life = ending::life(of_number.into_iter().filter(|life| is_its_life(life)).collect());
    let is_again = |listed: &JobRecord| listed.state == JobState::Requeued || listed.restarts > 0;
    let has_second_life = job.direct.is_none()
        && job.held_by == NumberHolder::TheJob
        && job.listed.as_ref().is_some_and(is_again);
    if has_second_life && let Err(error) = cancel_named(core, run, &[job.number]) {
        tracing::warn!(%run, %error, "failed to cancel a job that Slurm started again; the engine tries again");
    }
    if let Some(end) = known_end(core, job, life) {
        if job.direct.is_some() {
            core.finish_direct(run, &end);
        } else {
            finish(core, run, &end);
        }
        return true;
    }
    if job.listed.is_none() && has_answered {
        // Where the accounting has the start and never gets the end, a controller that died took the end with
        // it.
        let has_begun = job.direct.is_some() || life.is_some_and(|life| !life.nodes.is_empty());
        match missing(core, run, has_begun) {
            Missing::NotYet => {}
            Missing::NeverBegan => submit_again(core, run, job.number),
            Missing::Vanished => vanish(core, run),
        }
        return true;
    }
    if let Some(entry) = core.table().runs.get_mut(&run) {
        entry.job.missing_since = None;
    }
    false
}

/// The end of a job, from the controller's last word and from its life in the accounting.
fn known_end(core: &Core, job: &InactiveJob, life: Option<&JobRecord>) -> Option<JobRecord> {
    let life = life.filter(|life| life.is_final());
    match (life, &job.listed) {
        // Slurm's accounting shows exit codes without their highest bit; the controller shows it.
        (Some(life), Some(listed)) if listed.ended_s == life.ended_s => {
            let state = if listed.state.is_over() { listed.state } else { life.state };
            Some(JobRecord { state, code: listed.code, signal: listed.signal, ..life.clone() })
        }
        // The job's number went to another job, which was cancelled: the accounting mixes them up.
        (Some(life), None) if is_late(life, job.unlisted_at) => {
            let state = notation::accounted_state(life.state, false);
            Some(JobRecord { state, ..life.clone() })
        }
        (Some(life), _) => Some(life.clone()),
        // The accounting lags; the controller has the same times.
        (None, Some(listed)) if listed.state.is_over() && job.for_how_long > core.config.times.accounting => {
            Some(listed.clone())
        }
        (None, _) => None,
    }
}

/// Whether the end came when the controller did not know the job any more.
fn is_late(life: &JobRecord, unlisted_at: Option<Timestamp>) -> bool {
    let end = life.ended_s.map(Timestamp::from_secs);
    unlisted_at.zip(end).is_some_and(|(unlisted_at, end)| end > unlisted_at)
}

/// Decides on a run whose end nobody tells. A controller that dies forgets the jobs that it was given
/// last.
fn missing(core: &Core, run: RunId, has_begun: bool) -> Missing {
    let times = &core.config.times;
    let (since, has_begun) = {
        let mut table = core.table();
        let Some(entry) = table.runs.get_mut(&run) else { return Missing::NotYet };
        (
            *entry.job.missing_since.get_or_insert_with(Instant::now),
            has_begun || entry.job.started_at.is_some(),
        )
    };
    let for_how_long = since.elapsed();
    if for_how_long <= times.lost {
        return Missing::NotYet;
    }
    // The first job of a run makes the claim, so another job is safe where there is no claim.
    if !has_begun {
        match claimed_by(core, run) {
            Ok(None) => return Missing::NeverBegan,
            Ok(Some(_)) => {}
            Err(error) => {
                tracing::warn!(%run, %error, "failed to tell whether a run has begun; the engine tries again");
                return Missing::NotYet;
            }
        }
    }
    let nothing_is_on_the_way = || matches!(core.slurm.backlog(), Ok(Some(0)));
    if for_how_long > times.vanish || nothing_is_on_the_way() { Missing::Vanished } else { Missing::NotYet }
}

fn submit_again(core: &Core, run: RunId, number: u32) {
    tracing::warn!(%run, number, "Slurm has forgotten the job of a run that had not begun; the run is submitted again");
    let mut table = core.table();
    let Some(entry) = table.runs.get_mut(&run) else { return };
    (entry.job, entry.may_be_there) = (TrackedJob::default(), true);
    entry.forgotten.push(number);
    table.queue.push_back(run);
    core.to_submit.notify_one();
}

fn vanish(core: &Core, run: RunId) {
    let (started, last_seen) = {
        let table = core.table();
        let Some(entry) = table.runs.get(&run) else { return };
        (entry.job.started_at.map(|at| Started { at }), entry.last_seen)
    };
    tracing::warn!(%run, "neither Slurm's controller nor its accounting knows how the job of a run ended");
    core.end(run, Observation::Vanished { started, last_seen }, Some("Slurm lost its job"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_late_after_the_controller_has_forgotten_the_job() {
        let at = Timestamp::from_secs;
        let life = |ended_s| JobRecord { ended_s, ..JobRecord::default() };
        assert!(is_late(&life(Some(11)), Some(at(10))));
        assert!(!is_late(&life(Some(10)), Some(at(10))), "it was purged after its end");
        assert!(!is_late(&life(Some(11)), None));
        assert!(!is_late(&life(None), Some(at(10))));
    }
}
