//! Jobs that were handed to Slurm directly and are billed here, each as it was seen, in the words of the
//! engine.

use domain::JobId;

use crate::db::{StoreError, Tx, params, statements};

statements! { "direct_jobs";
    INSERT = "INSERT INTO direct_jobs (job, seen) VALUES (?1, ?2)";
    FIND = "SELECT seen FROM direct_jobs WHERE job = ?1";
}

/// Keeps a job as it was seen, as JSON. The job's own row must be there.
pub fn insert(tx: &Tx, job: JobId, seen: &str) -> Result<(), StoreError> {
    tx.execute(INSERT, params![&job, seen])
}

/// The job as it was seen; `None` for one that was submitted to the center.
pub fn find(tx: &Tx, job: JobId) -> Result<Option<String>, StoreError> {
    tx.find(FIND, params![&job], |row| row.get(0))
}
