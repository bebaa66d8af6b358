//! Stopping jobs: what waits never starts, what runs is told to end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    Job, JobId, JobStatus, Run, TenantId,
    problem::{Things, Wrong, field},
    reason::JobCause,
    run::StopCause,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Tx, jobs, reasons, recent};

use super::{
    JobDetail,
    cancel_tasks::stop_tasks,
    ending::{ended_or_stopping, took_job},
    named::JobName,
    show, visible,
    wanted::{Asked, JobsWanted},
};
use crate::{actions, app::runs::stopping, center::Center};
use base::{
    auth::{Caller, May},
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    moment,
};

/// How many jobs are stopped in one write: all others wait for it.
const AT_ONCE: u32 = 200;
/// The most jobs that one request stops.
const MOST_JOBS: usize = 10_000;
/// The most jobs that one request names.
pub const MOST_NAMED: usize = 1000;

/// Which jobs to cancel: by their ids, or all that match. One of the two.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelJobs {
    /// Ids, 1,000 at most; tasks of arrays as `JOB_7` and `JOB_[3-9]`.
    #[serde(default)]
    pub jobs: Vec<String>,
    /// All jobs that match and have not ended.
    pub which: Option<JobsWanted>,
    /// Only say how many there are.
    #[serde(default)]
    pub dry_run: bool,
}

/// The outcome of cancelling several jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Cancelled {
    /// Jobs that were named, or that matched.
    pub jobs: u64,
    /// Those of them that had not ended and are stopped now; none in a dry run.
    pub cancelled: u64,
    /// Tasks that were named, had not ended, and are stopped now.
    pub tasks: u64,
    /// One request stops 10,000 jobs at most, and more match: send it again.
    pub and_more: bool,
}

/// Stops a job, or tasks of it. What has ended stays as it is, and that is no error: cancelling twice is cancelling once.
pub async fn cancel(center: &Center, caller: &Caller, name: JobName) -> Result<JobDetail, AppError> {
    let row = visible(center, caller, name.id, actions::CANCEL_JOB).await?;
    let may = center.policies.may(caller, actions::CANCEL_JOB, Some(row.tenant))?;
    let one = name.tasks.as_ref().is_none_or(|tasks| tasks.only().is_some());
    let shown = if one { name.clone() } else { JobName::from(name.id) };
    if name.tasks.is_some() {
        check_tasks(center, &name).await?;
        stop_tasks(center, may, name).await?;
    } else if !row.state.has_ended() {
        stop_jobs(center, may, vec![name.id]).await?;
    }
    show(center, caller, &shown).await
}

/// Fails if the job has none of the tasks that are named.
async fn check_tasks(center: &Center, name: &JobName) -> Result<(), AppError> {
    let name = name.clone();
    center.try_read(move |tx| name.positions(&jobs::get_job(tx, name.id)?).map(drop)).await
}

/// Stops jobs by their ids, all of which the caller must see, or all that match.
pub async fn cancel_many(center: &Center, caller: &Caller, asked: CancelJobs) -> Result<Cancelled, AppError> {
    center.policies.check(caller, actions::CANCEL_JOB, caller.scope()?.tenant())?;
    let CancelJobs { jobs, which, dry_run } = asked;
    match which {
        Some(_) if !jobs.is_empty() => {
            Err(AppError::invalid(field::JOBS, Wrong::NotBeside { other: field::WHICH }))
        }
        Some(wanted) => cancel_wanted(center, caller, wanted, dry_run).await,
        None => {
            let given = jobs.len();
            if !(1..=MOST_NAMED).contains(&given) {
                let wrong = Wrong::Count { of: Things::Jobs, given, least: 1, most: MOST_NAMED };
                return Err(AppError::invalid(field::JOBS, wrong));
            }
            cancel_named(center, caller, &jobs, dry_run).await
        }
    }
}

async fn cancel_named(
    center: &Center,
    caller: &Caller,
    jobs: &[String],
    dry_run: bool,
) -> Result<Cancelled, AppError> {
    // Before any is stopped, the caller must see all of them.
    let mut by_tenant: BTreeMap<TenantId, Vec<JobId>> = BTreeMap::new();
    let (mut tasks, mut ids) = (Vec::new(), BTreeSet::new());
    for text in jobs {
        let name = JobName::parse(text)?;
        let row = visible(center, caller, name.id, actions::CANCEL_JOB).await?;
        ids.insert(name.id);
        if name.tasks.is_some() {
            check_tasks(center, &name).await?;
            tasks.push((row.tenant, name));
        } else {
            by_tenant.entry(row.tenant).or_default().push(name.id);
        }
    }
    let mut outcome = Cancelled { jobs: ids.len() as u64, ..Cancelled::default() };
    if dry_run {
        return Ok(outcome);
    }
    outcome.cancelled = stop_all(center, caller, by_tenant).await?;
    for (tenant, name) in tasks {
        let may = center.policies.may(caller, actions::CANCEL_JOB, Some(tenant))?;
        outcome.tasks += stop_tasks(center, may, name).await?;
    }
    Ok(outcome)
}

async fn cancel_wanted(
    center: &Center,
    caller: &Caller,
    wanted: JobsWanted,
    dry_run: bool,
) -> Result<Cancelled, AppError> {
    if wanted == JobsWanted::default() {
        // Nothing said is not all: who means all says `active`.
        let wrong = Wrong::Count { of: Things::Filters, given: 0, least: 1, most: 11 };
        return Err(AppError::invalid(field::WHICH, wrong));
    }
    let asked = Asked::of(caller, center.settings.time_zone, wanted)?;
    let filter = center.try_read(move |tx| asked.filter(tx)).await?;
    let Some(filter) = open_ones(filter)? else { return Ok(Cancelled::default()) };
    if dry_run {
        let counted = center.read(move |tx| jobs::count_jobs(tx, &filter)).await?;
        let (jobs, and_more) = (counted.jobs, counted.and_more);
        return Ok(Cancelled { jobs, and_more, ..Cancelled::default() });
    }
    let (mut outcome, mut after) = (Cancelled::default(), None);
    loop {
        let for_read = filter.clone();
        let page = center.read(move |tx| jobs::page_jobs(tx, &for_read, after, AT_ONCE)).await?;
        outcome.jobs += page.rows.len() as u64;
        let mut by_tenant: BTreeMap<TenantId, Vec<JobId>> = BTreeMap::new();
        for row in page.rows {
            by_tenant.entry(row.tenant).or_default().push(row.id);
        }
        outcome.cancelled += stop_all(center, caller, by_tenant).await?;
        after = page.next;
        if after.is_none() {
            return Ok(outcome);
        }
        if outcome.jobs >= MOST_JOBS as u64 {
            return Ok(Cancelled { and_more: true, ..outcome });
        }
    }
}

/// The filter for those that are still to be stopped; `None` if it asks for jobs alone that are stopping.
fn open_ones(mut filter: jobs::JobFilter) -> Result<Option<jobs::JobFilter>, AppError> {
    if let Some(ended) = filter.states.iter().find(|state| state.has_ended()) {
        let wrong = Wrong::unknown(ended.code(), &["active", "queued", "running"]);
        return Err(AppError::invalid(field::STATE, wrong));
    }
    let open = [JobStatus::Queued, JobStatus::Running];
    let is_wanted = |state: &JobStatus| filter.states.is_empty() || filter.states.contains(state);
    filter.states = open.into_iter().filter(is_wanted).collect();
    Ok(Some(filter).filter(|filter| !filter.states.is_empty()))
}

/// Stops jobs, each tenant's for itself, and says how many had not ended.
async fn stop_all(
    center: &Center,
    caller: &Caller,
    by_tenant: BTreeMap<TenantId, Vec<JobId>>,
) -> Result<u64, AppError> {
    let mut count = 0;
    for (tenant, ids) in by_tenant {
        let may = center.policies.may(caller, actions::CANCEL_JOB, Some(tenant))?;
        for some in ids.chunks(AT_ONCE as usize) {
            count += stop_jobs(center, may.clone(), some.to_vec()).await?;
        }
    }
    Ok(count)
}

/// A job that was stopped, with its runs that are to stop.
struct Stopped {
    job: Arc<Job>,
    event: Event,
    runs: Vec<Run>,
    line: (String, Value),
}

async fn stop_jobs(center: &Center, may: May, ids: Vec<JobId>) -> Result<u64, AppError> {
    let stopped = center
        .change(
            may,
            move |tx| {
                let stopped = ids.iter().map(|id| stop_one(tx, *id)).collect::<Result<Vec<_>, _>>()?;
                let stopped: Vec<Stopped> = stopped.into_iter().flatten().collect();
                let lines: Vec<_> = stopped.iter().map(|stopped| stopped.line.clone()).collect();
                Ok(Changed::each(lines, stopped))
            },
            |center, stopped| {
                for Stopped { job, event, runs, .. } in stopped {
                    stopping::apply_stops(center, runs);
                    took_job(center, job);
                    center.tell(event.clone());
                }
            },
        )
        .await?;
    for Stopped { runs, .. } in &stopped {
        stopping::tell_engine_to_stop(center, runs);
    }
    Ok(stopped.len() as u64)
}

/// `None` if it has ended.
fn stop_one(tx: &Tx, id: JobId) -> Result<Option<Stopped>, AppError> {
    let (cause, now) = (StopCause::Cancelled, moment::now());
    let mut job = jobs::get_job(tx, id)?;
    if job.stop(cause, now).is_err() {
        return Ok(None);
    }
    jobs::update_job_progress(tx, &job)?;
    if job.state.has_ended() {
        reasons::set_of_job(tx, id, &JobCause::Stopped { cause })?;
    }
    let mut runs = Vec::new();
    for run in recent::active_runs(tx, id)? {
        runs.extend(stopping::request_stop(tx, run.run.id, cause)?);
    }
    let about = About { tenant: Some(job.tenant), job: Some(id), run: None };
    let (kind, data) = ended_or_stopping(&job);
    let event = events::record(tx, now, about, kind, data)?;
    let line = (id.to_string(), json!({ "name": job.spec.name }));
    Ok(Some(Stopped { job: Arc::new(job), event, runs, line }))
}
