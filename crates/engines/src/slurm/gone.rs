//! Jobs that the controller no longer has as ones that go on: how they ended, it tells for some minutes, and then the accounting,
//! asked once for all of them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{RunId, Timestamp};

use super::{
    Core, DirectJob,
    cancel::cancel_named,
    direct::UNNAMED,
    face::{Asked, JobRecord, JobState},
    finish::finish,
    is_job_of, job_name, judge, now,
    submit::{claimed_by, looked_for_s},
    text,
};
use crate::{Observation, Started};

/// A job whose controller no longer has it as one that goes on.
pub(super) struct Gone {
    run: RunId,
    number: u32,
    direct: Option<Arc<DirectJob>>,
    started_at: Option<Timestamp>,
    /// As the controller had it last, if it was seen since it ended.
    listed: Option<JobRecord>,
    under: Under,
    /// When it was first seen not to have it at all.
    unlisted_at: Option<Timestamp>,
    for_how_long: Duration,
}

/// What the controller has under its number now. One that died gives numbers anew that it has forgotten.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Under {
    Nothing,
    Itself,
    Another,
}

/// What a job comes to that the controller does not know, and of whose end the accounting does not.
enum Missing {
    /// Records may be on the way.
    NotYet,
    /// It never began, so its run can be handed in again.
    NeverBegan,
    Vanished,
}

impl Gone {
    /// What its job is called in Slurm.
    fn name(&self) -> String {
        self.direct.as_ref().map_or_else(|| job_name(self.run), |direct| direct.name.clone())
    }

    /// The controller has said all: accounting gets its times, state and exit code from there, and has them later.
    fn is_told(&self) -> bool {
        let is_whole = |job: &JobRecord| job.state.is_over() && job.restarts == 0 && job.ended_s.is_some();
        self.listed.as_ref().is_some_and(is_whole)
    }
}

/// Takes note that a job does not go on; `None` if its run is not known any more. `of_number`: what the controller has under its
/// number.
pub(super) fn leaves(
    core: &Core,
    run: RunId,
    number: u32,
    direct: Option<Arc<DirectJob>>,
    of_number: Option<&JobRecord>,
) -> Option<Gone> {
    let mut known = core.known();
    let entry = known.runs.get_mut(&run)?;
    let started_at = entry.started_at;
    let listed = of_number.filter(|job| is_job_of(run, direct.as_deref(), started_at, job));
    let under = match (of_number, listed) {
        (None, _) => Under::Nothing,
        (Some(_), None) => Under::Another,
        (Some(_), Some(_)) => Under::Itself,
    };
    let since = *entry.gone_since.get_or_insert_with(Instant::now);
    if let Some(listed) = listed {
        entry.last_listed = Some(listed.clone());
    } else {
        entry.unlisted_at.get_or_insert_with(now);
    }
    let (listed, unlisted_at) = (entry.last_listed.clone(), entry.unlisted_at);
    Some(Gone { run, number, direct, started_at, listed, under, unlisted_at, for_how_long: since.elapsed() })
}

/// Jobs that ended, or are nowhere. How, the controller tells itself for some minutes; then, and of a job that had several
/// lives, accounting does.
pub(super) fn settle(core: &Core, gone: Vec<Gone>, asking: &mut Duration) -> bool {
    let (told, gone): (Vec<Gone>, Vec<Gone>) = gone.into_iter().partition(Gone::is_told);
    for gone in &told {
        match (&gone.listed, &gone.direct) {
            (Some(job), Some(_)) => core.finish_direct(gone.run, job),
            (Some(job), None) => finish(core, gone.run, job),
            (None, _) => {}
        }
    }
    (!gone.is_empty() && account_for(core, gone, asking)) || !told.is_empty()
}

/// Asks accounting, once for all.
fn account_for(core: &Core, gone: Vec<Gone>, asking: &mut Duration) -> bool {
    let asked = Asked {
        jobs: gone.iter().map(|gone| gone.number).collect(),
        names: gone.iter().map(Gone::name).collect(),
        since: gone.iter().map(|gone| looked_for_s(gone.run)).min().unwrap_or(0),
        ..Asked::default()
    };
    let begun = Instant::now();
    let accounted = core.face.accounting(&asked);
    *asking += begun.elapsed();
    if let Err(error) = &accounted {
        tracing::warn!(%error, "failed to ask Slurm's accounting; it is tried again");
    }
    let mut lives: HashMap<u32, Vec<&JobRecord>> = HashMap::new();
    for job in accounted.iter().flatten() {
        lives.entry(job.id).or_default().push(job);
    }
    let mut has_news = false;
    for Gone { run, number, direct, started_at, listed, under, unlisted_at, for_how_long } in gone {
        let mut known_lives = lives.get(&number).cloned().unwrap_or_default();
        // Numbers come round again. A job whose end is accounted for before its start has no name and no partition yet.
        let is_unnamed =
            |job: &JobRecord| job.partition.is_empty() && job.name == UNNAMED && job.ended_s.is_some();
        known_lives.retain(|job| {
            is_job_of(run, direct.as_deref(), started_at, job)
                || direct.is_none() && under != Under::Another && is_unnamed(job)
        });
        let has_second_life = direct.is_none()
            && under == Under::Itself
            && listed.as_ref().is_some_and(|job| job.state == JobState::Requeued || job.restarts > 0);
        let life = judge::life(known_lives);
        let end = match (life, &listed) {
            // Slurm's accounting shows exit codes without their highest bit; the controller does not.
            (Some(life), Some(job)) if is_final(life) && job.ended_s == life.ended_s => {
                let state = if job.state.is_over() { job.state } else { life.state };
                Some(JobRecord { state, code: job.code, signal: job.signal, ..life.clone() })
            }
            // Its number was given to another job, which was cancelled: accounting mixes them up.
            (Some(life), None) if is_final(life) && is_late(life, unlisted_at) => {
                let state = text::accounted_state(life.state, false);
                Some(JobRecord { state, ..life.clone() })
            }
            (Some(life), _) if is_final(life) => Some(life.clone()),
            // Accounting lags; the controller has the same times.
            (_, Some(job)) if job.state.is_over() && for_how_long > core.config.times.accounting => {
                Some(job.clone())
            }
            _ => None,
        };
        if has_second_life && let Err(error) = cancel_named(core, run, &[number]) {
            tracing::warn!(%run, %error, "failed to cancel a job that Slurm started again; it is tried again");
        }
        if let Some(job) = end {
            if direct.is_some() {
                core.finish_direct(run, &job);
            } else {
                finish(core, run, &job);
            }
            has_news = true;
        } else if listed.is_none() && accounted.is_ok() {
            // Where accounting has its start and never gets its end, a controller that died took that with it.
            match missing(core, run, direct.is_some() || life.is_some_and(|life| !life.nodes.is_empty())) {
                Missing::NotYet => {}
                Missing::NeverBegan => hand_in_again(core, run, number),
                Missing::Vanished => vanish(core, run),
            }
            has_news = true;
        } else if let Some(entry) = core.known().runs.get_mut(&run) {
            entry.missing_since = None;
        }
    }
    has_news
}

fn is_final(life: &JobRecord) -> bool {
    (life.state.is_over() || life.state == JobState::Requeued) && life.ended_s.is_some()
}

/// Whether its end came when the controller did not know it any more.
fn is_late(life: &JobRecord, unlisted_at: Option<Timestamp>) -> bool {
    let end = life.ended_s.map(Timestamp::from_secs);
    unlisted_at.zip(end).is_some_and(|(unlisted_at, end)| end > unlisted_at)
}

/// What a job comes to whose end nobody tells. A controller that dies forgets what it was given last.
fn missing(core: &Core, run: RunId, has_begun: bool) -> Missing {
    let times = &core.config.times;
    let (since, has_begun) = {
        let mut known = core.known();
        let Some(entry) = known.runs.get_mut(&run) else { return Missing::NotYet };
        (*entry.missing_since.get_or_insert_with(Instant::now), has_begun || entry.started_at.is_some())
    };
    let for_how_long = since.elapsed();
    if for_how_long <= times.lost {
        return Missing::NotYet;
    }
    // Whichever job comes first makes the claim, so another one is safe where there is none.
    if !has_begun && claimed_by(core, run).is_none() {
        return Missing::NeverBegan;
    }
    let nothing_is_on_the_way = || matches!(core.face.backlog(), Ok(Some(0)));
    if for_how_long > times.vanish || nothing_is_on_the_way() { Missing::Vanished } else { Missing::NotYet }
}

fn hand_in_again(core: &Core, run: RunId, number: u32) {
    tracing::warn!(%run, number, "Slurm has forgotten the job of a run that had not begun: it is handed in again");
    let mut known = core.known();
    let Some(entry) = known.runs.get_mut(&run) else { return };
    (entry.number, entry.submitted_at) = (None, None);
    entry.forgotten.push(number);
    (entry.gone_since, entry.missing_since, entry.last_listed) = (None, None, None);
    entry.unlisted_at = None;
    entry.may_be_there = true;
    known.queue.push_back(run);
    core.to_submit.notify_one();
}

fn vanish(core: &Core, run: RunId) {
    let (started, last_seen) = {
        let known = core.known();
        let Some(entry) = known.runs.get(&run) else { return };
        (entry.started_at.map(|at| Started { at }), entry.last_seen)
    };
    tracing::warn!(%run, "Slurm's controller does not know the job of a run any more, and its accounting does not know its end");
    core.end(
        run,
        Observation::Vanished { started, last_seen, machine_restarted: false },
        Some("Slurm lost its job"),
    );
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
