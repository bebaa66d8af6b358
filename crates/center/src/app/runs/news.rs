//! Taking in how runs went: the engine's news, and the use that is posted.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    CardMs, Job, MicroCny, Millis, Outcome, ProjectId, Run, RunId, TenantId, Timestamp, TransferId, Zone,
    job::{JobOutcome, JobState, Tries},
    ledger::{Account, Unit},
    metering::{Calendar, Metered, meter},
    price::Waivers,
    reason::{Interruption, JobCause, RunEnd},
    run::StopCause,
};
use engines::{Ended, Exit};
use serde_json::json;
use store::{
    Tx, jobs, ledger, periods,
    prices::get_price_book,
    reasons, runs,
    usage::{self, UseRow},
};

use crate::{
    app::{
        contracts::{self, StateChange},
        jobs::ending,
    },
    center::Center,
    event_kinds,
    live::Use,
    settings::Settings,
    voucher::redeem,
    wakers::WATCH,
};
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

/// How a run ended, as its engine tells.
struct End {
    at: Timestamp,
    /// How long it took, by a clock that nobody sets.
    took: Option<Millis>,
    /// The last instant at which it is known to have been alive, where nobody saw its end.
    known_until: Option<Timestamp>,
    why: RunEnd,
}

/// A job as the end of a run of it leaves it, and the task to try again with the attempt that comes.
type EndedTask = (Arc<Job>, Option<(u32, u32)>);

/// The changes that one run's news made.
#[derive(Debug)]
pub struct Taken {
    run: Run,
    /// Use that was posted with it.
    posted: Use,
    /// The same in its parts, each at its instant.
    parts: Vec<(Timestamp, Use)>,
    /// Its contract is active again, as use was given back.
    replenished: Option<StateChange>,
    /// It has started since the last news.
    has_started: bool,
    ended: Option<EndedTask>,
    events: Vec<Event>,
}

/// Takes news of runs into the store: starts, ends, use and charges, and where their jobs stand then. All in one
/// commit; news that was taken in before changes nothing.
pub fn take_in(center: &Center, news: Vec<(RunId, Seen)>) {
    let is_accounted = center.compute.slurm.is_some();
    let settings = center.settings.clone();
    let done = center.write_now(
        move |tx| {
            let mut taken = Vec::with_capacity(news.len());
            for (id, seen) in news {
                if let Some(change) = take_one(tx, &settings, id, seen, is_accounted)? {
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
pub fn take_one(
    tx: &Tx,
    settings: &Settings,
    id: RunId,
    seen: Seen,
    is_accounted: bool,
) -> Result<Option<Taken>, AppError> {
    let zone = settings.time_zone;
    let runs::RunRow { mut run, metered } = runs::get_run(tx, id)?;
    let before = run.state;
    if before.has_ended() {
        return Ok(None);
    }
    let (started_at, end) = match seen {
        Seen::Started(at) => (Some(at), None),
        Seen::Ended(ended) => {
            let Ended { started_at, at, took, how, why } = ended;
            (started_at, Some(End { at, took, known_until: None, why: run_end(how, why) }))
        }
        // Its cards were nobody else's until now.
        Seen::Vanished { started_at, last_seen } => {
            let now = moment::now();
            (
                started_at,
                Some(End {
                    at: now,
                    took: None,
                    // Use that nobody observed is not charged.
                    known_until: Some(last_seen.unwrap_or(run.state.planned_at())),
                    why: RunEnd::Lost { why: Interruption::Vanished { last_seen } },
                }),
            )
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
    let mut why = None;
    if let Some(End { at, took, known_until, why: told }) = end {
        let at = end_by(run.state.started_at(), at, took);
        // It has not ended before, as was seen above.
        let _: Result<(), _> = run.end(at, known_until, told.outcome());
        why = Some(told);
    }
    if run.state == before {
        return Ok(None);
    }
    let has_started = before.started_at().is_none() && run.state.started_at().is_some();
    runs::update_run_state(tx, &run)?;
    let Some(ended_at) = run.state.ended_at() else {
        jobs::add_job_use(tx, run.job, CardMs::ZERO, MicroCny::ZERO, run.state.started_at())?;
        return Ok(Some(Taken {
            run,
            posted: Use::default(),
            parts: Vec::new(),
            replenished: None,
            has_started,
            ended: None,
            events,
        }));
    };

    let settled = settle(tx, zone, &run, metered, ended_at)?;
    let (metered, posted) = (settled.metered, settled.posted);
    let run_outcome = run.state.outcome().unwrap_or(Outcome::Lost);
    let (code, number) = run_outcome.code();
    let data = json!({
        "task": run.task, "attempt": run.attempt, "outcome": code, "number": number,
        "used_card_ms": metered.used, "charge_micro_cny": metered.charged,
    });
    events.push(events::record(tx, ended_at, about, event_kinds::RUN_ENDED, data)?);

    let mut job = jobs::get_job(tx, run.job)?;
    // A job that somebody handed to Slurm directly is not the center's to start again.
    let why = ended_by(why, run_outcome, &job, settings, is_accounted);
    if why != RunEnd::plain(run_outcome) {
        reasons::keep_of_run(tx, run.id, &why)?;
    }
    let stopping = match job.state {
        JobState::Stopping { cause } => Some(cause),
        _ => None,
    };
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
    if !again {
        keep_cause(tx, &job, &run, why, stopping)?;
    }
    let Use { used, charged, .. } = posted;
    jobs::add_job_use(tx, job.id, used, charged, run.state.started_at())?;
    // A run that never started is not counted as ended.
    let counted_at = run.state.started_at().map(|_| ended_at);
    settled.add_to_days(tx, zone, (job.tenant, job.project), counted_at)?;
    let replenished = contracts::replenish(tx, run.contract, posted)?;
    if let JobState::Ended { at, outcome } = job.state {
        let data = json!({ "outcome": outcome.code(), "name": job.spec.name });
        events.push(events::record(tx, at, About { run: None, ..about }, event_kinds::JOB_ENDED, data)?);
    }
    let (parts, ended) = (settled.parts, Some((Arc::new(job), retry)));
    Ok(Some(Taken { run, posted, parts, replenished, has_started, ended, events }))
}

/// A clock that was set by more than this between start and end does not tell how long a run took.
const CLOCK_SET_BY: Millis = Millis::from_secs(1);

/// When a run ended that took so long: by the wall clock, unless that was set meanwhile.
fn end_by(started_at: Option<Timestamp>, at: Timestamp, took: Option<Millis>) -> Timestamp {
    let Some(measured) = started_at.zip(took).map(|(since, took)| since.plus(took)) else { return at };
    let off_us = (measured.as_micros() - at.as_micros()).abs();
    if off_us > CLOCK_SET_BY.0 * 1000 { measured } else { at }
}

/// The use that was posted for a run.
#[derive(Debug)]
pub struct Settled {
    /// How far the run is metered with it.
    pub metered: Metered,
    pub posted: Use,
    /// The parts of that use, each with the instant at which it was posted.
    parts: Vec<(Timestamp, Use)>,
}

impl Settled {
    /// Adds the use to that of the days on which it was posted, and counts the run on the day of its end.
    pub fn add_to_days(
        &self,
        tx: &Tx,
        zone: &Zone,
        (tenant, project): (TenantId, ProjectId),
        ended_at: Option<Timestamp>,
    ) -> Result<(), AppError> {
        let mut days: BTreeMap<i64, (u64, Use)> = BTreeMap::new();
        for (at, posted) in &self.parts {
            days.entry(zone.day(*at)).or_default().1 += *posted;
        }
        if let Some(at) = ended_at {
            days.entry(zone.day(at)).or_default().0 += 1;
        }
        for (day, (runs, Use { used, charged, .. })) in days {
            usage::add_use(tx, day, &UseRow { tenant, project, runs, used, charged })?;
        }
        Ok(())
    }
}

/// Meters a run that goes on, with the use of its job and its days. Gives nothing for one that ended meanwhile, which was
/// metered with its end, and for one that is metered further, which stays so.
pub fn meter_running(tx: &Tx, zone: &Zone, id: RunId, until: Timestamp) -> Result<Option<Posted>, AppError> {
    let row = runs::get_run(tx, id)?;
    if row.run.state.has_ended() || row.run.used(until) < row.metered.used {
        return Ok(None);
    }
    let settled = settle(tx, zone, &row.run, row.metered, until)?;
    let job = jobs::get_row(tx, row.run.job)?;
    let Use { used, charged, .. } = settled.posted;
    jobs::add_job_use(tx, job.id, used, charged, None)?;
    settled.add_to_days(tx, zone, (job.tenant, job.project), None)?;
    Ok(Some(Posted { run: id, metered: settled.metered, parts: settled.parts }))
}

/// Use of a run that goes on, as it was posted.
#[derive(Clone, Debug)]
pub struct Posted {
    pub run: RunId,
    /// How far it is metered.
    pub metered: Metered,
    /// Each part with its instant.
    pub parts: Vec<(Timestamp, Use)>,
}

/// Meters a run up to `until`: posts the use that is due.
pub fn settle(
    tx: &Tx,
    zone: &Zone,
    run: &Run,
    metered: Metered,
    until: Timestamp,
) -> Result<Settled, AppError> {
    let is_cut_short = run.state.outcome().is_some_and(Outcome::is_fault_of_center);
    let waivers = match run.price_book.filter(|_| is_cut_short) {
        Some(book) => get_price_book(tx, book)?.waivers,
        None => Waivers::ALL,
    };
    let calendar = Calendar { zone, open_from: periods::open_from(tx)?, now: moment::now() };
    let mut settled = Settled { metered, posted: Use::default(), parts: Vec::new() };
    for entries in meter(run, metered, until, waivers, calendar) {
        let mut part = Use::default();
        for posting in &entries.postings {
            ledger::post(tx, posting, new_id!(TransferId), entries.at)?;
            let is_use = posting.debit == Account::Contract(run.contract);
            let signed = if is_use { posting.amount } else { -posting.amount };
            match posting.unit {
                Unit::CardMs => part.used = CardMs(signed),
                Unit::MicroCny => part.charged = MicroCny(signed),
            }
        }
        if let Some(corrects) = entries.postings.first().map(|posting| posting.corrects) {
            part.by_vouchers = redeem::charged(tx, run, part.charged, (entries.at, corrects))?;
        }
        settled.metered = entries.metered;
        settled.posted += part;
        settled.parts.push((entries.at, part));
    }
    if !settled.parts.is_empty() {
        runs::set_metered(tx, run.id, settled.metered)?;
    }
    Ok(settled)
}

/// The end of a run, by its engine's word.
fn run_end(how: Exit, why: Option<Interruption>) -> RunEnd {
    match how {
        Exit::Code(0) => RunEnd::Succeeded,
        Exit::Code(exit_code) => RunEnd::Failed { exit_code },
        Exit::Signal(signal) => RunEnd::Signaled { signal },
        Exit::TimedOut => RunEnd::TimedOut { limit_ms: None },
        // The center asked for it and has kept why. Without a reason kept, somebody else told the supervisor.
        Exit::Stopped { .. } => RunEnd::Stopped { cause: StopCause::Cancelled },
        Exit::FailedToStart(why) => RunEnd::FailedToStart { why },
        Exit::MachineLost => RunEnd::Lost { why: why.unwrap_or(Interruption::Untold) },
        // Its disk is the center's matter, too: the task is tried again.
        Exit::NoRoom => RunEnd::Lost { why: Interruption::NoRoom },
        // Whoever hands out the machines did it, so to the tenant it is the center's fault.
        Exit::Preempted => match why {
            Some(why) => RunEnd::TakenAway { why },
            None => RunEnd::Stopped { cause: StopCause::Preempted },
        },
        Exit::OutOfMemory => RunEnd::OutOfMemory { limit_mib: None },
    }
}

/// Why a run ended, with the limits that it came to. What the engine told holds unless the center had asked for the end.
fn ended_by(
    told: Option<RunEnd>,
    outcome: Outcome,
    job: &Job,
    settings: &Settings,
    is_accounted: bool,
) -> RunEnd {
    match told.filter(|told| told.outcome() == outcome) {
        Some(RunEnd::TimedOut { .. }) => {
            RunEnd::TimedOut { limit_ms: Some(settings.time_limit(&job.spec).0) }
        }
        // On Slurm the limit is the cluster's.
        Some(RunEnd::OutOfMemory { .. }) => {
            RunEnd::OutOfMemory { limit_mib: settings.engine.memory_mib.filter(|_| !is_accounted) }
        }
        Some(told) => told,
        None => RunEnd::plain(outcome),
    }
}

/// Keeps why a job ended as it did: of an array the first of its tasks that did not end well; the stop, where it was to stop.
fn keep_cause(
    tx: &Tx,
    job: &Job,
    run: &Run,
    end: RunEnd,
    stopping: Option<StopCause>,
) -> Result<(), AppError> {
    let cause = match (job.state, stopping) {
        (JobState::Ended { outcome: JobOutcome::Succeeded, .. }, _) => return Ok(()),
        (JobState::Ended { .. }, Some(cause)) => {
            return Ok(reasons::set_of_job(tx, job.id, &JobCause::Stopped { cause })?);
        }
        _ if end == RunEnd::Succeeded => return Ok(()),
        _ => {
            let task = job.spec.array.as_ref().map(|array| array.index(run.task).unwrap_or(run.task));
            JobCause::Run { run: run.id, task, end }
        }
    };
    Ok(reasons::keep_of_job(tx, job.id, &cause)?)
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
            live.spend((job.project, job.submitted_by), &change.parts);
            live.run_ended(change.run.id, job, *retry)
        } else {
            live.run_changed(&change.run);
            Vec::new()
        }
    };
    if let Some(replenished) = &change.replenished {
        contracts::applied(center, replenished);
    }
    if change.has_started {
        center.metrics.runs_started.inc();
    }
    if change.ended.is_some() {
        center.metrics.run_ended(change.run.state);
        if !hopeless.is_empty() {
            ending::give_up(center, hopeless);
        }
        center.compute.wakers.plan();
    }
    center.compute.wakers.meter();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_took_what_it_took_whatever_the_clock_says() {
        let at = |secs: i64| Timestamp::from_secs(1_000_000 + secs);
        let took = Some(Millis::from_secs(40));
        // The clock was set back an hour, or ahead of the supervisor's.
        assert_eq!(end_by(Some(at(0)), at(-3560), took), at(40));
        assert_eq!(end_by(Some(at(3600)), at(40), took), at(3640));
        assert_eq!(end_by(Some(at(0)), at(40).plus(Millis(3)), took), at(40).plus(Millis(3)));
        assert_eq!(end_by(Some(at(0)), at(50), None), at(50));
        assert_eq!(end_by(None, at(50), took), at(50));
    }
}
