//! Columns that jobs have wherever they are read: their state and their tasks.

use domain::{
    JobState, Timestamp,
    job::{JobOutcome, Tasks},
    run::StopCause,
};

use crate::db::{Row, StoreError};

/// A statement that reads jobs as lists show them.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, tenant, domain, project, contract, submitted_by, submitted_at, name, nodes, cards_per_node, ",
            "card_model, class, state, stop_cause, ended_at, tasks_total, tasks_next, tasks_to_retry, tasks_running, ",
            "tasks_succeeded, tasks_failed, tasks_stopped, tasks_dropped, started_at, used_card_ms, charged_micro_cny FROM jobs ",
            "WHERE ",
            $condition
        )
    };
}
pub(super) use select;

/// The columns beside the code of a state: the code of the cause of a stop, and the end.
pub(super) fn stop_and_end(state: JobState) -> (Option<&'static str>, Option<Timestamp>) {
    match state {
        JobState::Queued | JobState::Running => (None, None),
        JobState::Stopping { cause } => (Some(cause.code()), None),
        JobState::Ended { at, .. } => (None, Some(at)),
    }
}

/// The state from its columns: code, cause of the stop, end.
pub(super) fn state(row: Row<'_>) -> Result<JobState, StoreError> {
    let end: Option<Timestamp> = row.get(2)?;
    match (row.text(0)?, end) {
        ("queued", None) => Ok(JobState::Queued),
        ("running", None) => Ok(JobState::Running),
        ("stopping", None) => Ok(JobState::Stopping { cause: row.code::<StopCause>(1)? }),
        (_, Some(at)) => Ok(JobState::Ended { at, outcome: row.code::<JobOutcome>(0)? }),
        (other, None) => Err(row.corrupt(format!("its state is `{other}`, and it has no end"))),
    }
}

/// The tasks from their columns.
pub(super) fn tasks(row: Row<'_>) -> Result<Tasks, StoreError> {
    Ok(Tasks {
        total: row.get(0)?,
        next: row.get(1)?,
        to_retry: row.get(2)?,
        running: row.get(3)?,
        succeeded: row.get(4)?,
        failed: row.get(5)?,
        stopped: row.get(6)?,
        dropped: row.get(7)?,
    })
}
