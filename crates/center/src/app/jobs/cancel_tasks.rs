//! Stopping single tasks of an array: those that wait never begin, those that run are told to end, and the others go on.

use std::sync::Arc;

use domain::{
    Job, Run,
    job::{Dropped, IllegalJobChange, JobState},
    reason::JobCause,
    run::StopCause,
};
use serde_json::json;
use store::{Tx, jobs, reasons, recent};

use super::{
    ending::{ended_or_stopping, took_job},
    named::JobName,
};
use crate::{app::runs::stopping, center::Center, event_kinds};
use base::{
    auth::May,
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    moment,
    refusal::Refused,
};

/// What was done to a job's tasks.
struct Stopped {
    job: Arc<Job>,
    event: Event,
    /// Told to end.
    runs: Vec<Run>,
    /// Were to be tried again.
    retries: Vec<u32>,
    count: u64,
}

/// Stops the tasks that are named. Says how many had not ended.
pub(super) async fn stop_tasks(center: &Center, may: May, name: JobName) -> Result<u64, AppError> {
    let stopped = center
        .change(
            may,
            move |tx| {
                let Some(stopped) = stop(tx, &name)? else { return Ok(Changed::nothing(None)) };
                let tasks = name.tasks.as_ref().map(ToString::to_string).unwrap_or_default();
                let detail = json!({ "name": stopped.job.spec.name, "task": tasks });
                Ok(Changed::new(name.id, detail, Some(stopped)))
            },
            |center, stopped| {
                let Some(Stopped { job, event, runs, retries, .. }) = stopped else { return };
                stopping::apply_stops(center, runs);
                center.live().retries_dropped(job.id, retries);
                took_job(center, job);
                center.tell(event.clone());
            },
        )
        .await?;
    let Some(stopped) = stopped else { return Ok(0) };
    stopping::tell_engine_to_stop(center, &stopped.runs);
    Ok(stopped.count)
}

/// `None` if none of them goes on or waits.
fn stop(tx: &Tx, name: &JobName) -> Result<Option<Stopped>, AppError> {
    let (cause, now) = (StopCause::Cancelled, moment::now());
    let mut job = jobs::get_job(tx, name.id)?;
    let Some(positions) = name.positions(&job)? else { return Ok(None) };
    if !matches!(job.state, JobState::Queued | JobState::Running) {
        return Ok(None);
    }
    let retries = jobs::drop_retries(tx, job.id, &positions)?;
    let to_retry = u32::try_from(retries.len()).unwrap_or(u32::MAX);
    let waited = job.drop_tasks(&positions, to_retry, now).map_err(|error| match error {
        IllegalJobChange::TooScattered => Refused::TooManyRanges { most: Dropped::MOST }.into(),
        other => AppError::internal_at(name.id, other),
    })?;
    let mut runs = Vec::new();
    for row in recent::active_runs(tx, job.id)? {
        let is_new = positions.contains(row.run.task) && row.run.state.stop().is_none();
        if is_new {
            runs.extend(stopping::request_stop(tx, row.run.id, cause)?);
        }
    }
    let count = u64::from(waited) + runs.len() as u64;
    if count == 0 {
        return Ok(None);
    }
    jobs::update_job_progress(tx, &job)?;
    let about = About { tenant: Some(job.tenant), job: Some(job.id), run: None };
    let (kind, data) = if job.state.has_ended() {
        reasons::keep_of_job(tx, job.id, &JobCause::Stopped { cause })?;
        ended_or_stopping(&job)
    } else {
        (event_kinds::TASKS_CANCELLED, json!({ "name": job.spec.name, "tasks": count }))
    };
    let event = events::record(tx, now, about, kind, data)?;
    Ok(Some(Stopped { job: Arc::new(job), event, runs, retries, count }))
}
