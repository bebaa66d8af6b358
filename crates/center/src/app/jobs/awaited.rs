//! Jobs that others wait for.

use domain::{Job, job::JobState, reason::JobCause};
use store::{StoreError, Tx, jobs};

use crate::live::{Fate, fate};

/// A row that may be missing.
pub fn found<T>(row: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match row {
        Ok(row) => Ok(Some(row)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first of the jobs that this one waits for which rules its start out.
pub fn ruled_out_by(tx: &Tx, job: &Job) -> Result<Option<JobCause>, StoreError> {
    for dependency in &job.spec.after {
        let of = dependency.job;
        let Some(other) = found(jobs::get_row(tx, of))? else {
            return Ok(Some(JobCause::DependencyGone { job: of }));
        };
        if let (Fate::Never, JobState::Ended { outcome, .. }) =
            (fate(dependency.when, other.state, other.tasks), other.state)
        {
            return Ok(Some(JobCause::Dependency { job: of, when: dependency.when, ended: outcome }));
        }
    }
    Ok(None)
}
