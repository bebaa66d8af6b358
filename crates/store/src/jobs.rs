//! Jobs: what was asked for, how far each has come, and lists of them.

mod list;

use std::collections::BTreeMap;

use domain::{
    CardMs, Job, JobId, JobState, MicroCny, TenantId, Timestamp,
    job::{JobOutcome, Tasks},
    run::StopCause,
};

pub use list::{JobFilter, JobPage, JobRow, get_row, list_jobs, page_jobs};

use crate::{
    StoreError, Tx,
    sql::{Row, json, params, statements},
};

#[cfg(test)]
pub(crate) use list::STATEMENTS as LIST_STATEMENTS;

macro_rules! full_columns {
    () => {
        "j.id, j.tenant, j.project, j.contract, j.submitted_by, j.submitted_at, j.state, j.stop_cause, j.ended_at, \
         j.tasks_total, j.tasks_next, j.tasks_to_retry, j.tasks_running, j.tasks_succeeded, j.tasks_failed, \
         j.tasks_stopped, s.spec"
    };
}

statements! { "jobs";
    INSERT = "INSERT INTO jobs (id, tenant, domain, project, contract, submitted_by, submitted_at, name, nodes, \
              cards_per_node, card_model, class, state, stop_cause, ended_at, tasks_total, tasks_next, \
              tasks_to_retry, tasks_running, tasks_succeeded, tasks_failed, tasks_stopped, used_card_ms, \
              charged_micro_cny, time_limit_ms) SELECT ?1, t.id, t.domain, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
              ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, 0, 0, ?22 FROM tenants t WHERE t.id = ?2";
    INSERT_SPEC = "INSERT INTO job_specs (job, spec) VALUES (?1, ?2)";
    GET = concat!("SELECT ", full_columns!(), " FROM jobs j JOIN job_specs s ON s.job = j.id WHERE j.id = ?1");
    LIST_ACTIVE = concat!(
        "SELECT ", full_columns!(),
        " FROM jobs j JOIN job_specs s ON s.job = j.id WHERE j.ended_at IS NULL ORDER BY j.id"
    );
    STATE = "SELECT id, tenant, state FROM jobs WHERE id = ?1";
    UPDATE_PROGRESS = "UPDATE jobs SET state = ?2, stop_cause = ?3, ended_at = ?4, tasks_total = ?5, tasks_next = ?6, \
                       tasks_to_retry = ?7, tasks_running = ?8, tasks_succeeded = ?9, tasks_failed = ?10, \
                       tasks_stopped = ?11 WHERE id = ?1";
    ADD_USE = "UPDATE jobs SET used_card_ms = used_card_ms + ?2, charged_micro_cny = charged_micro_cny + ?3, \
               started_at = CASE WHEN started_at IS NULL OR started_at > ?4 THEN COALESCE(?4, started_at) \
               ELSE started_at END WHERE id = ?1";
    COUNT = "INSERT INTO job_counts (tenant, state, jobs) VALUES (?1, ?2, 1) \
             ON CONFLICT (tenant, state) DO UPDATE SET jobs = job_counts.jobs + 1";
    UNCOUNT = "UPDATE job_counts SET jobs = jobs - 1 WHERE tenant = ?1 AND state = ?2";
    COUNTS = "SELECT state, CAST(SUM(jobs) AS BIGINT) FROM job_counts GROUP BY state";
    COUNTS_OF = "SELECT state, jobs FROM job_counts WHERE tenant = ?1";
    PUSH_RETRY = "INSERT INTO job_retries (job, task, attempt) VALUES (?1, ?2, ?3)";
    FIRST_RETRY = "SELECT task, attempt FROM job_retries WHERE job = ?1 ORDER BY task LIMIT 1";
    DELETE_RETRY = "DELETE FROM job_retries WHERE job = ?1 AND task = ?2";
    DELETE_RETRIES = "DELETE FROM job_retries WHERE job = ?1";
    LIST_RETRIES = "SELECT task, attempt FROM job_retries WHERE job = ?1 ORDER BY task";
}

pub fn insert_job(tx: &Tx, job: &Job) -> Result<(), StoreError> {
    let (tasks, spec) = (&job.tasks, &job.spec);
    let (stop_cause, ended_at) = state_columns(job.state);
    let row = params![
        &job.id,
        &job.tenant,
        &job.project,
        &job.contract,
        &job.submitted_by,
        job.submitted_at,
        &spec.name,
        spec.nodes,
        spec.cards_per_node,
        spec.card_model.as_deref(),
        spec.service_class.code(),
        job.state.code(),
        stop_cause,
        ended_at,
        tasks.total,
        tasks.next,
        tasks.to_retry,
        tasks.running,
        tasks.succeeded,
        tasks.failed,
        tasks.stopped,
        spec.time_limit_ms.map(|limit| limit.0),
    ];
    if tx.execute(INSERT, row)? == 0 {
        return Err(StoreError::not_found("tenant", &job.tenant));
    }
    tx.execute(INSERT_SPEC, params![&job.id, &json(spec)?])?;
    tx.execute(COUNT, params![&job.tenant, job.state.code()]).map(|_| ())
}

pub fn get_job(tx: &Tx, id: JobId) -> Result<Job, StoreError> {
    tx.find(GET, params![&id], full_job)?.ok_or_else(|| StoreError::not_found("job", &id))
}

/// Keeps the job's state and tasks; nothing else of it ever changes.
pub fn update_job_progress(tx: &Tx, job: &Job) -> Result<(), StoreError> {
    let before =
        tx.find(STATE, params![&job.id], |row| Ok((row.get::<TenantId>(1)?, row.get::<String>(2)?)))?;
    let (tenant, state) = before.ok_or_else(|| StoreError::not_found("job", &job.id))?;
    let tasks = &job.tasks;
    let (stop_cause, ended_at) = state_columns(job.state);
    let row = params![
        &job.id,
        job.state.code(),
        stop_cause,
        ended_at,
        tasks.total,
        tasks.next,
        tasks.to_retry,
        tasks.running,
        tasks.succeeded,
        tasks.failed,
        tasks.stopped,
    ];
    tx.execute(UPDATE_PROGRESS, row)?;
    if state != job.state.code() {
        tx.execute(UNCOUNT, params![&tenant, &state])?;
        tx.execute(COUNT, params![&tenant, job.state.code()])?;
    }
    Ok(())
}

/// Jobs that have not ended, whole, oldest first. Costs nothing for those that have.
pub fn list_active(tx: &Tx) -> Result<Vec<Job>, StoreError> {
    tx.all(LIST_ACTIVE, params![], full_job)
}

/// How many jobs are in each state ([`JobState::code`]), of a tenant or in all. Reads kept counts, not the jobs.
pub fn count_by_state(tx: &Tx, tenant: Option<TenantId>) -> Result<BTreeMap<String, u64>, StoreError> {
    let read = |row: Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let counts = match &tenant {
        Some(tenant) => tx.all(COUNTS_OF, params![tenant], read)?,
        None => tx.all(COUNTS, params![], read)?,
    };
    Ok(counts.into_iter().filter(|(_, jobs)| *jobs > 0).collect())
}

/// Adds to what the job has used and was charged (less than nothing for what is given back), and keeps the start of its
/// first run: the earliest `started_at` that was ever given.
pub fn add_job_use(
    tx: &Tx,
    id: JobId,
    used: CardMs,
    charged: MicroCny,
    started_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    match tx.execute(ADD_USE, params![&id, used, charged, started_at])? {
        0 => Err(StoreError::not_found("job", &id)),
        _ => Ok(()),
    }
}

/// Keeps that a task is to be tried again, and with which attempt.
pub fn push_retry(tx: &Tx, job: JobId, task: u32, attempt: u32) -> Result<(), StoreError> {
    tx.execute(PUSH_RETRY, params![&job, task, attempt]).map(|_| ())
}

/// Takes the lowest task that is to be tried again, with its attempt.
pub fn pop_retry(tx: &Tx, job: JobId) -> Result<Option<(u32, u32)>, StoreError> {
    let first = tx.find(FIRST_RETRY, params![&job], retry)?;
    if let Some((task, _)) = first {
        tx.execute(DELETE_RETRY, params![&job, task])?;
    }
    Ok(first)
}

/// Takes a certain task off those to be tried again; says whether it was one.
pub fn take_retry(tx: &Tx, job: JobId, task: u32) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE_RETRY, params![&job, task])? > 0)
}

/// Forgets the tasks to be tried again, of a job that tries none any more; says how many.
pub fn clear_retries(tx: &Tx, job: JobId) -> Result<usize, StoreError> {
    tx.execute(DELETE_RETRIES, params![&job])
}

/// Tasks to be tried again, each with the attempt that comes, in rising order.
pub fn list_retries(tx: &Tx, job: JobId) -> Result<Vec<(u32, u32)>, StoreError> {
    tx.all(LIST_RETRIES, params![&job], retry)
}

fn retry(row: Row<'_>) -> Result<(u32, u32), StoreError> {
    Ok((row.get(0)?, row.get(1)?))
}

/// What of a state is beside its code: why it stops, and when it ended.
fn state_columns(state: JobState) -> (Option<&'static str>, Option<Timestamp>) {
    match state {
        JobState::Queued | JobState::Running => (None, None),
        JobState::Stopping { cause } => (Some(cause.code()), None),
        JobState::Ended { at, .. } => (None, Some(at)),
    }
}

/// The state from its columns: code, cause of the stop, end.
fn state(row: Row<'_>, code: usize, stop_cause: usize, ended_at: usize) -> Result<JobState, StoreError> {
    let end: Option<Timestamp> = row.get(ended_at)?;
    match (row.text(code)?, end) {
        ("queued", None) => Ok(JobState::Queued),
        ("running", None) => Ok(JobState::Running),
        ("stopping", None) => Ok(JobState::Stopping { cause: row.code(stop_cause, StopCause::from_code)? }),
        (_, Some(at)) => Ok(JobState::Ended { at, outcome: row.code(code, JobOutcome::from_code)? }),
        (other, None) => Err(row.corrupt(format!("its state is `{other}`, and it has no end"))),
    }
}

/// Tasks from seven columns.
fn tasks(row: Row<'_>, from: usize) -> Result<Tasks, StoreError> {
    Ok(Tasks {
        total: row.get(from)?,
        next: row.get(from + 1)?,
        to_retry: row.get(from + 2)?,
        running: row.get(from + 3)?,
        succeeded: row.get(from + 4)?,
        failed: row.get(from + 5)?,
        stopped: row.get(from + 6)?,
    })
}

fn full_job(row: Row<'_>) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.get(0)?,
        tenant: row.get(1)?,
        project: row.get(2)?,
        contract: row.get(3)?,
        submitted_by: row.get(4)?,
        submitted_at: row.get(5)?,
        state: state(row, 6, 7, 8)?,
        tasks: tasks(row, 9)?,
        spec: row.json(16)?,
    })
}
