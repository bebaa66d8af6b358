//! Jobs that somebody handed to Slurm directly, and that are billed here: what was seen of each, as the engine wrote it.

use domain::JobId;

use crate::{
    StoreError, Tx,
    sql::{params, statements},
};

statements! { "direct";
    INSERT = "INSERT INTO direct_jobs (job, seen) VALUES (?1, ?2)";
    FIND = "SELECT seen FROM direct_jobs WHERE job = ?1";
}

/// Keeps what was seen, JSON, of a job whose row is there.
pub fn insert(tx: &Tx, job: JobId, seen: &str) -> Result<(), StoreError> {
    tx.execute(INSERT, params![&job, seen]).map(|_| ())
}

/// What was seen of a job; `None` for one that was asked for here.
pub fn find(tx: &Tx, job: JobId) -> Result<Option<String>, StoreError> {
    tx.find(FIND, params![&job], |row| row.get(0))
}
