//! Jobs: their specifications, how far each has come, and lists of them.

mod columns;
mod filter;
mod lead;
mod list;

use std::collections::BTreeMap;

use domain::{
    CardMs, Job, JobId, JobStatus, MicroCny, TenantId, Timestamp,
    job::{Dropped, Positions},
};

pub use filter::JobFilter;
pub use list::{JobCount, JobPage, JobRow, count_jobs, get_row, page_jobs};

use columns::{state, stop_and_end, tasks};

use crate::db::{Row, StoreError, Tx, json, params, statements};

macro_rules! full_columns {
    () => {
        "j.id, j.tenant, j.project, j.contract, j.submitted_by, j.submitted_at, j.state, j.stop_cause, j.ended_at, \
         j.tasks_total, j.tasks_next, j.tasks_to_retry, j.tasks_running, j.tasks_succeeded, j.tasks_failed, \
         j.tasks_stopped, j.tasks_dropped, j.dropped, s.spec"
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
                       tasks_stopped = ?11, tasks_dropped = ?12, dropped = ?13 WHERE id = ?1";
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
    LIST_RETRIES = "SELECT task, attempt FROM job_retries WHERE job = ?1 ORDER BY task";
}

pub fn insert_job(tx: &Tx, job: &Job) -> Result<(), StoreError> {
    let (tasks, spec) = (&job.tasks, &job.spec);
    let (stop_cause, ended_at) = stop_and_end(job.state);
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
        &spec.card_model,
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
        spec.time_limit_ms,
    ];
    // The tenant's row gives the domain: without one there is nothing to insert.
    tx.update(INSERT, &job.tenant, row)?;
    tx.execute(INSERT_SPEC, params![&job.id, &json(spec)?])?;
    tx.execute(COUNT, params![&job.tenant, job.state.code()])
}

pub fn get_job(tx: &Tx, id: JobId) -> Result<Job, StoreError> {
    tx.get(GET, &id, full_job)
}

/// Keeps the job's state and tasks. Nothing else of a job ever changes.
pub fn update_job_progress(tx: &Tx, job: &Job) -> Result<(), StoreError> {
    let (tenant, state) =
        tx.get(STATE, &job.id, |row| Ok((row.get::<TenantId>(1)?, row.get::<String>(2)?)))?;
    let tasks = &job.tasks;
    let dropped = (!job.dropped.is_empty()).then(|| json(&job.dropped)).transpose()?;
    let (stop_cause, ended_at) = stop_and_end(job.state);
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
        tasks.dropped,
        &dropped,
    ];
    tx.execute(UPDATE_PROGRESS, row)?;
    if state != job.state.code() {
        tx.execute(UNCOUNT, params![&tenant, &state])?;
        tx.execute(COUNT, params![&tenant, job.state.code()])?;
    }
    Ok(())
}

/// What `read` makes of each of the jobs that have not ended, oldest first; one of them is in memory at a time. Those that
/// have ended cost nothing.
pub fn read_active<T>(tx: &Tx, read: impl Fn(&Job) -> T) -> Result<Vec<T>, StoreError> {
    tx.all(LIST_ACTIVE, params![], |row| Ok(read(&full_job(row)?)))
}

/// How many jobs are in each state ([`domain::JobState::status`]), of a tenant or in all. Reads counts that are
/// kept, not the jobs.
pub fn count_by_state(tx: &Tx, tenant: Option<TenantId>) -> Result<BTreeMap<JobStatus, u64>, StoreError> {
    let read = |row: Row<'_>| Ok((row.code(0)?, row.get(1)?));
    let counts = match &tenant {
        Some(tenant) => tx.all(COUNTS_OF, params![tenant], read)?,
        None => tx.all(COUNTS, params![], read)?,
    };
    Ok(counts.into_iter().filter(|(_, jobs)| *jobs > 0).collect())
}

/// Adds to the use and the charge of a job, negative where use is given back, and keeps the start of its
/// first run: the earliest `started_at` that was ever given.
pub fn add_job_use(
    tx: &Tx,
    id: JobId,
    used: CardMs,
    charged: MicroCny,
    started_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.update(ADD_USE, &id, params![&id, used, charged, started_at])
}

/// Adds a task to those that are to be tried again, with the attempt that comes.
pub fn push_retry(tx: &Tx, job: JobId, task: u32, attempt: u32) -> Result<(), StoreError> {
    tx.execute(PUSH_RETRY, params![&job, task, attempt])
}

/// Takes the lowest task off those that are to be tried again, with its attempt.
pub fn pop_retry(tx: &Tx, job: JobId) -> Result<Option<(u32, u32)>, StoreError> {
    let first = tx.find(FIRST_RETRY, params![&job], retry)?;
    if let Some((task, _)) = first {
        tx.execute(DELETE_RETRY, params![&job, task])?;
    }
    Ok(first)
}

/// The tasks that are to be tried again, each with the attempt that comes, in rising order.
pub fn list_retries(tx: &Tx, job: JobId) -> Result<Vec<(u32, u32)>, StoreError> {
    tx.all(LIST_RETRIES, params![&job], retry)
}

/// Takes the tasks at these positions off those that are to be tried again, and names them.
pub fn drop_retries(tx: &Tx, job: JobId, positions: &Positions) -> Result<Vec<u32>, StoreError> {
    let among = list_retries(tx, job)?.into_iter().map(|(task, _)| task);
    let dropped: Vec<u32> = among.filter(|task| positions.contains(*task)).collect();
    for task in &dropped {
        tx.execute(DELETE_RETRY, params![&job, *task])?;
    }
    Ok(dropped)
}

fn retry(row: Row<'_>) -> Result<(u32, u32), StoreError> {
    Ok((row.get(0)?, row.get(1)?))
}

fn full_job(row: Row<'_>) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.get(0)?,
        tenant: row.get(1)?,
        project: row.get(2)?,
        contract: row.get(3)?,
        submitted_by: row.get(4)?,
        submitted_at: row.get(5)?,
        state: state(row.skip(6))?,
        tasks: tasks(row.skip(9))?,
        dropped: if row.is_null(17)? { Dropped::default() } else { row.json(17)? },
        spec: row.json(18)?,
    })
}
