//! Taking in how runs went: the engine's news, and the use that is posted.

use std::sync::Arc;

use domain::{
    CardMs, Job, MicroCny, Outcome, Run, RunId, Timestamp, TransferId,
    job::{JobState, Tries},
    ledger::{Account, Metered, Unit, meter},
    run::StopCause,
};
use engines::{Ended, Exit};
use serde_json::json;
use store::{
    Tx, jobs, ledger, runs,
    usage::{self, UseRow},
};

use crate::{app::jobs::ending, center::Center, event_kinds, live::Use, wakers::WATCH};
use base::{
    error::AppError,
    events::{self, About, Event},
    moment::{self, new_id},
};

/// News of a run from the engine.
#[derive(Clone, Debug)]
pub enum Seen {
    Started(Timestamp),
    Ended(Ended),
    Vanished { started_at: Option<Timestamp>, last_seen: Option<Timestamp> },
}

/// A job as the end of a run of it leaves it, and the task to try again with the attempt that comes.
type EndedTask = (Arc<Job>, Option<(u32, u32)>);

/// The changes that one run's news made.
#[derive(Debug)]
pub struct Taken {
    run: Run,
    /// Use that was posted with it.
    posted: Use,
    /// It has started since the last news.
    has_started: bool,
    ended: Option<EndedTask>,
    events: Vec<Event>,
}

/// Takes news of runs into the store: starts, ends, use and charges, and where their jobs stand then. All in one
/// commit; news that was taken in before changes nothing.
pub fn take_in(center: &Center, news: Vec<(RunId, Seen)>) {
    let is_accounted = center.compute.slurm.is_some();
    let done = center.write_now(
        move |tx| {
            let mut taken = Vec::with_capacity(news.len());
            for (id, seen) in news {
                if let Some(change) = take_one(tx, id, seen, is_accounted)? {
                    taken.push(change);
                }
            }
            Ok(taken)
        },
        |center, taken| apply_all(center, taken),
    );
    if let Err(error) = done {
        tracing::error!(%error, "failed to take in news of runs; it is tried again");
        center.loops.failed(WATCH, &error);
    }
}

/// Takes in news of one run. Times that an accounting of others gives hold as they are.
pub fn take_one(tx: &Tx, id: RunId, seen: Seen, is_accounted: bool) -> Result<Option<Taken>, AppError> {
    let runs::RunRow { mut run, metered } = runs::get_run(tx, id)?;
    let before = run.state;
    if before.has_ended() {
        return Ok(None);
    }
    let (started_at, end) = match seen {
        Seen::Started(at) => (Some(at), None),
        Seen::Ended(ended) => (ended.started_at, Some((ended.at, outcome(&ended.how)))),
        Seen::Vanished { started_at, last_seen } => {
            (started_at, Some((last_seen.unwrap_or_else(moment::now), Outcome::Lost)))
        }
    };
    let about = About { tenant: Some(run.tenant), job: Some(run.job), run: Some(run.id) };
    let mut events = Vec::new();
    if let Some(at) = started_at
        && let Ok(running) = if is_accounted { run.state.start_as_accounted(at) } else { run.state.start(at) }
    {
        run.state = running;
        let since = running.started_at().unwrap_or(at);
        let data = json!({ "task": run.task, "attempt": run.attempt, "cards": run.placement.card_count() });
        events.push(events::record(tx, since, about, event_kinds::RUN_STARTED, data)?);
    }
    if let Some((at, outcome)) = end
        && let Ok(ended) = run.state.end(at, outcome)
    {
        run.state = ended;
    }
    if run.state == before {
        return Ok(None);
    }
    let has_started = before.started_at().is_none() && run.state.started_at().is_some();
    runs::update_run_state(tx, &run)?;
    let Some(ended_at) = run.state.ended_at() else {
        jobs::add_job_use(tx, run.job, CardMs::ZERO, MicroCny::ZERO, run.state.started_at())?;
        return Ok(Some(Taken { run, posted: Use::default(), has_started, ended: None, events }));
    };

    let (metered, posted) = settle(tx, &run, metered, ended_at)?;
    let run_outcome = run.state.outcome().unwrap_or(Outcome::Lost);
    let (code, number) = run_outcome.code();
    let data = json!({
        "task": run.task, "attempt": run.attempt, "outcome": code, "number": number,
        "used_card_ms": metered.used, "charge_micro_cny": metered.charged,
    });
    events.push(events::record(tx, ended_at, about, event_kinds::RUN_ENDED, data)?);

    let mut job = jobs::get_job(tx, run.job)?;
    // A job that somebody handed to Slurm directly is not the center's to start again.
    let tries = if !run_outcome.is_fault_of_center() {
        Tries::Lost(0)
    } else if store::direct::find(tx, job.id)?.is_some() {
        Tries::NotOurs
    } else {
        Tries::Lost(runs::count_lost(tx, job.id, run.task)?)
    };
    let again =
        job.end_task(run_outcome, tries, ended_at).map_err(|error| AppError::internal_at(run.job, error))?;
    let retry = again.then_some((run.task, run.attempt + 1));
    if let Some((task, attempt)) = retry {
        jobs::push_retry(tx, job.id, task, attempt)?;
    }
    jobs::update_job_progress(tx, &job)?;
    let Use { used, charged } = posted;
    jobs::add_job_use(tx, job.id, used, charged, run.state.started_at())?;
    let row = UseRow { tenant: job.tenant, project: job.project, runs: 1, used, charged };
    usage::add_use(tx, ended_at, &row)?;
    if let JobState::Ended { at, outcome } = job.state {
        let data = json!({ "outcome": outcome.code(), "name": job.spec.name });
        events.push(events::record(tx, at, About { run: None, ..about }, event_kinds::JOB_ENDED, data)?);
    }
    Ok(Some(Taken { run, posted, has_started, ended: Some((Arc::new(job), retry)), events }))
}

/// Meters a run up to `now`: posts the use that is due. Gives how far the run is metered then, and how much was posted.
pub fn settle(tx: &Tx, run: &Run, metered: Metered, now: Timestamp) -> Result<(Metered, Use), AppError> {
    let (postings, upto) = meter(run, metered, now);
    let mut posted = Use::default();
    for posting in &postings {
        ledger::post(tx, posting, new_id!(TransferId), now)?;
        let signed =
            if posting.debit == Account::Contract(run.contract) { posting.amount } else { -posting.amount };
        match posting.unit {
            Unit::CardMs => posted.used = CardMs(signed),
            Unit::MicroCny => posted.charged = MicroCny(signed),
        }
    }
    if !postings.is_empty() {
        runs::set_metered(tx, run.id, upto)?;
    }
    Ok((upto, posted))
}

fn outcome(how: &Exit) -> Outcome {
    match how {
        Exit::Code(0) => Outcome::Succeeded,
        Exit::Code(exit_code) => Outcome::Failed { exit_code: *exit_code },
        Exit::Signal(signal) => Outcome::Signaled { signal: *signal },
        Exit::TimedOut => Outcome::TimedOut,
        // The center asked for it and has kept why. Without a reason kept, somebody else told the supervisor.
        Exit::Stopped { .. } => Outcome::Stopped { cause: StopCause::Cancelled },
        Exit::FailedToStart(_) => Outcome::FailedToStart,
        Exit::MachineLost => Outcome::Lost,
        // Whoever hands out the machines did it, so to the tenant it is the center's fault.
        Exit::Preempted => Outcome::Stopped { cause: StopCause::Preempted },
        // The kernel kills such a process; the run's standard error tells more.
        Exit::OutOfMemory => Outcome::Signaled { signal: 9 },
    }
}

/// Brings what is live up to date with runs' news, and tells of them.
pub fn apply_all(center: &Center, taken: &[Taken]) {
    for change in taken {
        apply(center, change);
        for event in &change.events {
            center.tell(event.clone());
        }
    }
}

/// Brings what is live up to date with one run's news.
fn apply(center: &Center, change: &Taken) {
    let hopeless = {
        let mut live = center.live();
        live.charge(change.run.contract, change.posted, moment::now());
        if let Some((job, retry)) = &change.ended {
            live.run_ended(change.run.id, job, *retry)
        } else {
            live.run_changed(&change.run);
            Vec::new()
        }
    };
    if change.has_started {
        center.metrics.runs_started.inc();
    }
    if change.ended.is_some() {
        center.metrics.run_ended(change.run.state, change.posted.used, change.posted.charged);
        if !hopeless.is_empty() {
            ending::give_up(center, hopeless);
        }
        center.compute.wakers.plan();
    }
    center.compute.wakers.meter();
}
