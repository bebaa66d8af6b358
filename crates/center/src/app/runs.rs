//! Runs: starting what was planned, handing it to the engine, and taking in how it went.

use std::{collections::HashMap, sync::Arc};

use domain::{
    CardMs, ContractId, Job, JobId, MicroCny, Millis, NodeId, Outcome, RatePerCardHour, Run, RunId, RunState,
    ServiceClass, Timestamp,
    job::{JobState, Tries},
    ledger::{Account, Metered, Unit, meter},
    price,
    run::StopCause,
};
use engines::{ArrayTask, Ended, Exit, LaunchNode, LaunchSpec, Leaving, RunLimits};
use scheduler::{Started, Ticket};
use serde_json::json;
use store::{
    Tx, contracts, jobs, ledger, runs,
    usage::{self, UseRow},
};

use crate::{
    center::Center,
    error::AppError,
    events::{self, About, Event},
    live::{Hold, Live, LiveRun},
    moment::{self, new_id},
};

/// A run that is committed as starting and goes to the engine next.
#[derive(Clone, Debug)]
pub struct Launch {
    pub run: Run,
    pub job: Arc<Job>,
}

/// The time limit of a job's runs.
pub fn time_limit(center: &Center, job: &Job) -> Millis {
    job.spec.time_limit_ms.unwrap_or(center.settings.jobs.default_time_limit_ms)
}

/// Commits a plan's starts as runs that are starting, before the engine hears of them. A job that was cancelled or a
/// contract that ended since the plan was made is passed over. Gives each with the ticket by which the planner knows it.
pub fn start(center: &Center, starts: Vec<Started>) -> Result<Vec<(Ticket, Launch)>, AppError> {
    let rates = rates(center, &starts);
    let now = moment::now();
    center.write_now(
        move |tx| {
            let mut launches = Vec::with_capacity(starts.len());
            let mut open: HashMap<ContractId, bool> = HashMap::new();
            for start in starts {
                let mut job = jobs::get_job(tx, start.job)?;
                let is_open = if let Some(is_open) = open.get(&job.contract) {
                    *is_open
                } else {
                    let is_open = contracts::get_contract(tx, job.contract)?.state.accepts_jobs();
                    open.insert(job.contract, is_open);
                    is_open
                };
                let Some((rate, is_granted)) = rates.get(&start.job).copied() else { continue };
                if !is_open || job.startable() == 0 {
                    continue;
                }
                let ticket = start.ticket;
                launches.push((ticket, start_one(tx, &mut job, start, rate, is_granted, now)?));
            }
            Ok(launches)
        },
        |center, launches| {
            let mut live = center.live();
            for (_, launch) in launches {
                let limit = time_limit(center, &launch.job);
                live.set_job(launch.job.clone(), limit, None);
                if launch.run.attempt > 1
                    && let Some(job) = live.jobs.get_mut(&launch.job.id)
                {
                    job.retries.retain(|(task, _)| *task != launch.run.task);
                }
                // That it began rules nothing out, so nobody loses hope here.
                live.settle_dependents(&launch.job);
                live.add_run(LiveRun {
                    run: launch.run.clone(),
                    job_name: launch.job.spec.name.as_str().into(),
                    class: launch.job.spec.service_class,
                    time_limit: limit,
                    metered: Metered::default(),
                    hold: Hold::default(),
                    leaving: Leaving::No,
                });
            }
        },
    )
}

fn start_one(
    tx: &Tx,
    job: &mut Job,
    start: Started,
    rate: RatePerCardHour,
    is_granted: bool,
    now: Timestamp,
) -> Result<Launch, AppError> {
    let retry = if job.tasks.to_retry > 0 { jobs::pop_retry(tx, job.id)? } else { None };
    let (task, attempt) = retry.unwrap_or((job.tasks.next, 1));
    job.start_task(retry.is_some()).map_err(|error| AppError::Internal(format!("{}: {error}", job.id)))?;
    let run = Run {
        id: new_id!(RunId),
        job: job.id,
        tenant: job.tenant,
        contract: job.contract,
        task,
        attempt,
        placement: start.placement,
        rate,
        is_granted,
        state: RunState::Starting { planned_at: now, stop: None },
    };
    runs::insert_run(tx, &run)?;
    jobs::update_job_progress(tx, job)?;
    Ok(Launch { run, job: Arc::new(job.clone()) })
}

/// What each start is charged: by the contract's kind, and the price book in force for the pool it is placed in.
fn rates(center: &Center, starts: &[Started]) -> HashMap<JobId, (RatePerCardHour, bool)> {
    let live = center.live();
    let rate = |start: &Started| {
        let job = &live.jobs.get(&start.job)?.job;
        let rate = rate_on(&live, job.contract, start.placement.0.first()?.node, job.spec.service_class);
        if rate.is_none() {
            tracing::error!(job = %job.id, "no price for this pool, class and domain: the job is not started");
        }
        Some((start.job, rate?))
    };
    starts.iter().filter_map(rate).collect()
}

/// What a run on this node is charged, and whether it is granted; `None` where there must be a price and is none.
pub fn rate_on(
    live: &Live,
    contract: ContractId,
    node: NodeId,
    class: ServiceClass,
) -> Option<(RatePerCardHour, bool)> {
    let contract = &live.contracts.get(&contract)?.contract;
    let pool = live.nodes.get(&node)?.node.pool;
    let domain = live.tenants.get(&contract.tenant)?.domain;
    let book = price::in_force(&live.price_books, moment::now());
    let listed = book.and_then(|book| book.rate(pool, class, domain));
    let is_metered = matches!(contract.kind, domain::contract::ContractKind::Metered { .. });
    if is_metered && listed.is_none() {
        return None;
    }
    Some((contract.kind.rate(listed.unwrap_or_default()), contract.kind.is_grant()))
}

/// Hands runs to the engine. What it refuses ends as failed to start.
pub fn launch(center: &Center, launches: &[Launch]) {
    let mut failed = Vec::new();
    for launch in launches {
        let Some(spec) = launch_spec(center, &launch.run, &launch.job) else { continue };
        if let Err(error) = center.compute.engine.launch(&spec) {
            tracing::error!(run = %launch.run.id, %error, "failed to launch a run");
            if let engines::EngineError::InvalidSpec(_) = error {
                let ended = Ended {
                    started_at: None,
                    at: moment::now(),
                    how: Exit::FailedToStart(error.to_string()),
                };
                failed.push((launch.run.id, Seen::Ended(ended)));
            }
        }
    }
    if !failed.is_empty() {
        take_in(center, failed);
    }
}

/// Hands a run to the engine that it has not heard of; ends it instead if it was asked to stop meanwhile.
pub fn relaunch(center: &Center, id: RunId) {
    let Some((run, job)) = ({
        let live = center.live();
        live.runs.get(&id).and_then(|l| Some((l.run.clone(), live.jobs.get(&l.run.job)?.job.clone())))
    }) else {
        return;
    };
    if run.state.stop().is_some() {
        // The engine keeps it from ever starting.
        if let Err(error) = center.compute.engine.stop(id) {
            tracing::error!(run = %id, %error, "failed to stop a run");
        }
        return;
    }
    if let Some(engine) = &center.compute.slurm {
        match super::direct::seen(center, job.id) {
            Ok(None) => {}
            Ok(Some(direct)) => {
                if let Err(error) = engine.adopt(&direct) {
                    tracing::error!(run = %id, %error, "failed to take up a job that was handed to Slurm directly");
                }
                return;
            }
            Err(error) => {
                tracing::error!(run = %id, %error, "failed to read how a run came about; it is tried again");
                return;
            }
        }
    }
    launch(center, &[Launch { run, job }]);
}

fn launch_spec(center: &Center, run: &Run, job: &Job) -> Option<LaunchSpec> {
    let live = center.live();
    let settings = &center.settings;
    let nodes = run.placement.0.iter().map(|slot| {
        let node = live.nodes.get(&slot.node)?;
        let pool = live.pools.get(&node.node.pool)?;
        Some(LaunchNode {
            name: node.node.name.clone(),
            cards: slot.cards,
            card_count: node.node.cards,
            vendor: pool.model.vendor,
            model: pool.model.name.clone(),
            is_virtual: node.node.is_virtual,
        })
    });
    let array = job.spec.array.as_ref().and_then(|array| {
        let (min, max) = array.bounds()?;
        let step = match array.ranges.as_slice() {
            [range] => range.step,
            _ => 1,
        };
        Some(ArrayTask { index: array.index(run.task)?, count: job.spec.task_count(), min, max, step })
    });
    let own_env = job.spec.env.iter();
    let env = settings.jobs.env.iter().chain(own_env).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mib = |mib: u64| mib.saturating_mul(1 << 20);
    Some(LaunchSpec {
        run: run.id,
        job: job.id,
        tenant: job.tenant,
        uid_index: live.tenants.get(&job.tenant)?.uid_index,
        job_name: job.spec.name.clone(),
        project: job.spec.project.clone().unwrap_or_default(),
        array,
        script: job.spec.script.clone(),
        args: job.spec.args.clone(),
        env,
        nodes: nodes.collect::<Option<_>>()?,
        launch: job.spec.launch,
        batch: job.spec.batch.clone(),
        exclusive: job.spec.exclusive,
        time_limit: time_limit(center, job),
        kill_grace: settings.engine.kill_grace_ms,
        log_limit_bytes: mib(settings.engine.log_limit_mib),
        limits: RunLimits {
            max_processes: u32::try_from(settings.engine.max_processes).unwrap_or(u32::MAX),
            max_open_files: u32::try_from(settings.engine.max_open_files).unwrap_or(u32::MAX),
            memory_bytes: settings.engine.memory_mib.map(mib),
            file_size_bytes: settings.engine.file_size_mib.map(mib),
        },
    })
}

/// News of a run from the engine.
#[derive(Clone, Debug)]
pub enum Seen {
    Started(Timestamp),
    Ended(Ended),
    Vanished { started_at: Option<Timestamp>, last_seen: Option<Timestamp> },
}

/// A job as the end of a run of it leaves it, and the task to try again with the attempt that comes.
type EndedTask = (Arc<Job>, Option<(u32, u32)>);

/// What taking in one run's news changed.
#[derive(Debug)]
pub struct Taken {
    run: Run,
    used: CardMs,
    charged: MicroCny,
    /// That it started is news.
    has_started: bool,
    ended: Option<EndedTask>,
    events: Vec<Event>,
}

/// Takes news of runs into the store: starts, ends, what they used and cost, and what that makes of their jobs. All in
/// one commit; news that was taken in before changes nothing. Does not wait for the commit.
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
    }
}

/// Takes news of one run in. Where times are those of an accounting that others keep, they hold as they are.
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
        events.push(events::record(tx, since, about, "run_started", data)?);
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
        let taken =
            Taken { run, used: CardMs::ZERO, charged: MicroCny::ZERO, has_started, ended: None, events };
        return Ok(Some(taken));
    };

    let (metered, used, charged) = settle(tx, &run, metered, ended_at)?;
    let run_outcome = run.state.outcome().unwrap_or(Outcome::Lost);
    let (code, number) = run_outcome.code();
    let data = json!({
        "task": run.task, "attempt": run.attempt, "outcome": code, "number": number,
        "used_card_ms": metered.used, "charge_micro_cny": metered.charged,
    });
    events.push(events::record(tx, ended_at, about, "run_ended", data)?);

    let mut job = jobs::get_job(tx, run.job)?;
    // What somebody handed to Slurm directly is not the center's to start again.
    let tries = if !run_outcome.is_fault_of_center() {
        Tries::Lost(0)
    } else if store::direct::find(tx, job.id)?.is_some() {
        Tries::NotOurs
    } else {
        Tries::Lost(runs::count_lost(tx, job.id, run.task)?)
    };
    let again = job
        .end_task(run_outcome, tries, ended_at)
        .map_err(|error| AppError::Internal(format!("{}: {error}", run.job)))?;
    let retry = again.then_some((run.task, run.attempt + 1));
    if let Some((task, attempt)) = retry {
        jobs::push_retry(tx, job.id, task, attempt)?;
    }
    jobs::update_job_progress(tx, &job)?;
    jobs::add_job_use(tx, job.id, used, charged, run.state.started_at())?;
    let row = UseRow { tenant: job.tenant, project: job.project, runs: 1, used, charged };
    usage::add_use(tx, ended_at, &row)?;
    if let JobState::Ended { at, outcome } = job.state {
        let data = json!({ "outcome": outcome.code(), "name": job.spec.name });
        events.push(events::record(tx, at, About { run: None, ..about }, "job_ended", data)?);
    }
    Ok(Some(Taken { run, used, charged, has_started, ended: Some((Arc::new(job), retry)), events }))
}

/// Meters a run up to `now`: posts what is due. Gives how far it is metered then, and by how much more than before.
pub fn settle(
    tx: &Tx,
    run: &Run,
    metered: Metered,
    now: Timestamp,
) -> Result<(Metered, CardMs, MicroCny), AppError> {
    let (postings, upto) = meter(run, metered, now);
    let (mut used, mut charged) = (CardMs::ZERO, MicroCny::ZERO);
    for posting in &postings {
        ledger::post(tx, posting, new_id!(TransferId), now)?;
        let signed =
            if posting.debit == Account::Contract(run.contract) { posting.amount } else { -posting.amount };
        match posting.unit {
            Unit::CardMs => used = CardMs(signed),
            Unit::MicroCny => charged = MicroCny(signed),
        }
    }
    if !postings.is_empty() {
        runs::set_metered(tx, run.id, upto)?;
    }
    Ok((upto, used, charged))
}

fn outcome(how: &Exit) -> Outcome {
    match how {
        Exit::Code(0) => Outcome::Succeeded,
        Exit::Code(exit_code) => Outcome::Failed { exit_code: *exit_code },
        Exit::Signal(signal) => Outcome::Signaled { signal: *signal },
        Exit::TimedOut => Outcome::TimedOut,
        // Asked by the center, which has kept why; without a reason kept, somebody else told the supervisor to.
        Exit::Stopped { .. } => Outcome::Stopped { cause: StopCause::Cancelled },
        Exit::FailedToStart(_) => Outcome::FailedToStart,
        Exit::MachineLost => Outcome::Lost,
        // By those who hand out the machines, so it is the center's fault to the tenant.
        Exit::Preempted => Outcome::Stopped { cause: StopCause::Preempted },
        // What the kernel does to such a process; the run's standard error tells more.
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
    let half_life = center.settings.billing.use_half_life_ms;
    let mut live = center.live();
    if let Some(contract) = live.contracts.get_mut(&change.run.contract) {
        contract.use_balance = CardMs(contract.use_balance.0 - change.used.0);
        contract.money_balance = MicroCny(contract.money_balance.0 - change.charged.0);
        contract.decayed_use = contract.decayed_use.add(change.used, moment::now(), half_life);
    }
    if change.has_started {
        center.metrics.runs_started.inc();
    }
    let Some((job, retry)) = &change.ended else {
        if let Some(known) = live.runs.get_mut(&change.run.id) {
            known.run = change.run.clone();
        }
        live.touch_run(change.run.id);
        drop(live);
        center.compute.wakers.meter();
        return;
    };
    live.remove_run(change.run.id);
    let limit = time_limit(center, job);
    live.set_job(job.clone(), limit, None);
    if let (Some(retry), Some(known)) = (retry, live.jobs.get_mut(&job.id)) {
        known.retries.push(*retry);
    }
    let hopeless = live.settle_dependents(job);
    drop(live);
    center.metrics.run_ended(change.run.state, change.used, change.charged);
    if !hopeless.is_empty() {
        super::jobs::give_up(center, hopeless);
    }
    center.compute.wakers.plan();
    center.compute.wakers.meter();
}

/// Asks runs to stop: keeps why, then tells the engine.
pub fn stop(center: &Center, ids: Vec<RunId>, cause: StopCause) {
    let stopped = center.write_now(
        move |tx| {
            let mut stopped = Vec::new();
            for id in ids {
                if let Some(run) = request_stop(tx, id, cause)? {
                    stopped.push(run);
                }
            }
            Ok(stopped)
        },
        |center, stopped| apply_stops(center, stopped),
    );
    match stopped {
        Ok(stopped) => tell_engine_to_stop(center, &stopped),
        Err(error) => tracing::error!(%error, "failed to stop runs; it is tried again"),
    }
}

/// Keeps that a run is to stop; `None` if it has ended.
pub fn request_stop(tx: &Tx, id: RunId, cause: StopCause) -> Result<Option<Run>, AppError> {
    let mut row = runs::get_run(tx, id)?;
    let Ok(state) = row.run.state.request_stop(cause, moment::now()) else { return Ok(None) };
    row.run.state = state;
    runs::update_run_state(tx, &row.run)?;
    Ok(Some(row.run))
}

pub fn apply_stops(center: &Center, stopped: &[Run]) {
    let mut live = center.live();
    for run in stopped {
        if let Some(known) = live.runs.get_mut(&run.id) {
            known.run.state = run.state;
        }
        live.touch_run(run.id);
    }
}

/// After the commit. A failure is mended by the watch loop, which looks at stopping runs again and again.
pub fn tell_engine_to_stop(center: &Center, stopped: &[Run]) {
    for run in stopped {
        if let Err(error) = center.compute.engine.stop(run.id) {
            tracing::error!(run = %run.id, %error, "failed to tell the engine to stop a run");
        }
    }
}
