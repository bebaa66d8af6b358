//! Jobs that end without a run of theirs that ended.

use std::sync::Arc;

use domain::{Job, JobId, job::JobState};
use serde_json::{Value, json};
use store::{jobs, reasons};

use super::awaited::ruled_out_by;
use crate::{center::Center, event_kinds};
use base::{
    error::AppError,
    events::{self, About, Kind},
    moment,
};

/// The event that tells where a job stands that does not go on.
pub(super) fn ended_or_stopping(job: &Job) -> (Kind, Value) {
    match job.state {
        JobState::Ended { outcome, .. } => {
            (event_kinds::JOB_ENDED, json!({ "outcome": outcome.code(), "name": job.spec.name }))
        }
        _ => (event_kinds::JOB_STOPPING, json!({ "name": job.spec.name })),
    }
}

/// Takes a changed job into what is live, with all jobs that waited for it.
pub(super) fn took_job(center: &Center, job: &Arc<Job>) {
    let hopeless = center.live().job_changed(job);
    if !hopeless.is_empty() {
        give_up(center, hopeless);
    }
    center.compute.wakers.plan();
}

/// Ends jobs that wait for what can't come about. Called from a commit's own thread, so it hands the work on without
/// waiting for it.
pub fn give_up(center: &Center, ids: Vec<JobId>) {
    let now = moment::now();
    let follow = center.clone();
    center.store.submit(
        move |tx| -> Result<_, AppError> {
            let mut ended = Vec::new();
            for id in ids {
                let mut job = jobs::get_job(tx, id)?;
                if job.never_run(now).is_err() {
                    continue;
                }
                jobs::update_job_progress(tx, &job)?;
                if let Some(cause) = ruled_out_by(tx, &job)? {
                    reasons::set_of_job(tx, id, &cause)?;
                }
                let about = About { tenant: Some(job.tenant), job: Some(id), run: None };
                let (kind, data) = ended_or_stopping(&job);
                ended.push((Arc::new(job), events::record(tx, now, about, kind, data)?));
            }
            Ok(ended)
        },
        move |result| match result {
            Ok(ended) => {
                for (job, event) in ended {
                    took_job(&follow, &job);
                    follow.tell(event);
                }
            }
            Err(error) => tracing::error!(%error, "failed to end jobs that can never run"),
        },
    );
}
