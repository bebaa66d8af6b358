//! Why runs and jobs ended as they did, where their outcome alone does not tell.

use domain::{
    JobId, RunId,
    reason::{JobCause, RunEnd},
};

use crate::db::{Row, StoreError, Tx, json, params, statements};

statements! { "reasons";
    KEEP = "INSERT INTO reasons (of, reason) VALUES (?1, ?2) ON CONFLICT (of) DO NOTHING";
    SET = "INSERT INTO reasons (of, reason) VALUES (?1, ?2) ON CONFLICT (of) DO UPDATE SET reason = excluded.reason";
    FIND = "SELECT reason FROM reasons WHERE of = ?1";
}

pub fn keep_of_run(tx: &Tx, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
    tx.execute(KEEP, params![&run, &json(end)?])
}

pub fn find_of_run(tx: &Tx, run: RunId) -> Result<Option<RunEnd>, StoreError> {
    tx.find(FIND, params![&run], |row: Row<'_>| row.json(0))
}

/// Keeps the first cause of a job's end: a later one changes nothing.
pub fn keep_of_job(tx: &Tx, job: JobId, cause: &JobCause) -> Result<(), StoreError> {
    tx.execute(KEEP, params![&job, &json(cause)?])
}

/// Keeps the cause of a job's end in place of any before.
pub fn set_of_job(tx: &Tx, job: JobId, cause: &JobCause) -> Result<(), StoreError> {
    tx.execute(SET, params![&job, &json(cause)?])
}

pub fn find_of_job(tx: &Tx, job: JobId) -> Result<Option<JobCause>, StoreError> {
    tx.find(FIND, params![&job], |row: Row<'_>| row.json(0))
}
