//! The newest runs, events and transfers, and a contract's balance in the past.

use std::collections::{BTreeMap, btree_map::Entry};

use domain::{
    ContractId, JobId, RunId, TenantId, Timestamp,
    ledger::{Account, Unit},
};

use crate::{
    db::{Row, StoreError, Tx, params, statements},
    events::{Event, event, numbered},
    ledger::{
        TransferRow, balance,
        rows::{transfer_columns, transfer_row},
    },
    runs::{RunRow, run_columns, run_row},
};

statements! { "runs";
    LATEST_RUN = concat!("SELECT ", run_columns!(), " FROM runs WHERE job = ?1 ORDER BY id DESC LIMIT 1");
    RUNS_BEFORE =
        concat!("SELECT ", run_columns!(), " FROM runs WHERE job = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    ACTIVE_RUNS = concat!("SELECT ", run_columns!(), " FROM runs WHERE ended_at IS NULL AND job = ?1 ORDER BY id");
    EVENTS_BEFORE = concat!("SELECT seq, ", event!(columns), " FROM events WHERE seq < ?3 ORDER BY seq DESC LIMIT ?1");
    EVENTS_OF_BEFORE = concat!(
        "SELECT seq, ", event!(columns), " FROM events WHERE tenant = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?1"
    );
    COUNT_EVENTS = "SELECT COUNT(*) FROM (SELECT seq FROM events LIMIT ?1)";
    COUNT_EVENTS_OF = "SELECT COUNT(*) FROM (SELECT seq FROM events WHERE tenant = ?2 LIMIT ?1)";
    NAME_OF_JOB = "SELECT name FROM jobs WHERE id = ?1";
    ENDED = "SELECT id FROM jobs WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT ?1";
    ENDED_OF = "SELECT id FROM jobs WHERE tenant = ?2 AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT ?1";
    CREDITS_SINCE = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfers \
                      WHERE credit_contract = ?1 AND credit = 'contract' AND at >= ?2 AND unit = ?3";
    DEBITS_SINCE = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfers \
                     WHERE debit_contract = ?1 AND debit = 'contract' AND at >= ?2 AND unit = ?3";
    TRANSFERS_BEFORE =
        concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
    COUNT_TRANSFERS = "SELECT COUNT(*) FROM (SELECT seq FROM transfers LIMIT ?1)";
    COUNT_TRANSFERS_OF = "SELECT (SELECT COUNT(*) FROM (SELECT seq FROM transfers WHERE debit_contract = ?2 LIMIT ?1)) + \
                          (SELECT COUNT(*) FROM (SELECT seq FROM transfers WHERE credit_contract = ?2 LIMIT ?1))";
    JOB_OF_RUN = "SELECT j.id, j.name FROM runs r JOIN jobs j ON j.id = r.job WHERE r.id = ?1";
    TRANSFER_AT = "SELECT at FROM transfers WHERE seq = ?1";
    DEBITS_BEFORE = concat!(
        "SELECT ", transfer_columns!(),
        " FROM transfers WHERE debit_contract = ?4 AND (at, seq) < (?2, ?1) ORDER BY at DESC, seq DESC LIMIT ?3"
    );
    CREDITS_BEFORE = concat!(
        "SELECT ", transfer_columns!(),
        " FROM transfers WHERE credit_contract = ?4 AND (at, seq) < (?2, ?1) ORDER BY at DESC, seq DESC LIMIT ?3"
    );
}

/// The newest run of a job.
pub fn latest_run(tx: &Tx, job: JobId) -> Result<Option<RunRow>, StoreError> {
    tx.find(LATEST_RUN, params![&job], run_row)
}

/// A job's runs, newest first, older than `before`.
pub fn runs_before(
    tx: &Tx,
    job: JobId,
    before: Option<RunId>,
    limit: u32,
) -> Result<Vec<RunRow>, StoreError> {
    let before = before.unwrap_or(RunId::from_bytes([0xff; 16]));
    tx.all(RUNS_BEFORE, params![&job, &before, limit], run_row)
}

/// A job's runs that have not ended.
pub fn active_runs(tx: &Tx, job: JobId) -> Result<Vec<RunRow>, StoreError> {
    tx.all(ACTIVE_RUNS, params![&job], run_row)
}

/// The newest events of a tenant, or of all, before number `before`, newest first.
pub fn events_before(
    tx: &Tx,
    tenant: Option<TenantId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let before = before.unwrap_or(i64::MAX);
    match &tenant {
        Some(tenant) => tx.all(EVENTS_OF_BEFORE, params![limit, tenant, before], numbered),
        None => tx.all(EVENTS_BEFORE, params![limit, &tenant, before], numbered),
    }
}

/// How many events there are, of a tenant or in all; up to `most`.
pub fn count_events(tx: &Tx, tenant: Option<TenantId>, most: u32) -> Result<u64, StoreError> {
    match &tenant {
        Some(tenant) => tx.one(COUNT_EVENTS_OF, params![most, tenant], |row| row.get(0)),
        None => tx.one(COUNT_EVENTS, params![most], |row| row.get(0)),
    }
}

/// The jobs that events are about, with their names.
pub fn jobs_of_events(tx: &Tx, events: &[Event]) -> Result<BTreeMap<JobId, String>, StoreError> {
    let mut names = BTreeMap::new();
    for job in events.iter().filter_map(|event| event.event.job) {
        if let Entry::Vacant(free) = names.entry(job)
            && let Some(name) = tx.find(NAME_OF_JOB, params![&job], |row| row.get(0))?
        {
            free.insert(name);
        }
    }
    Ok(names)
}

/// The jobs of a tenant, or of all, that ended last; the last of them first.
pub fn ended_jobs(tx: &Tx, tenant: Option<TenantId>, limit: u32) -> Result<Vec<JobId>, StoreError> {
    let read = |row: Row<'_>| row.get(0);
    match &tenant {
        Some(tenant) => tx.all(ENDED_OF, params![limit, tenant], read),
        None => tx.all(ENDED, params![limit], read),
    }
}

/// A contract's balance in one unit at an instant: the credits less the debits of all transfers before it.
///
/// Cost: linear in the contract's transfers since then.
pub fn balance_at(tx: &Tx, contract: ContractId, unit: Unit, at: Timestamp) -> Result<i64, StoreError> {
    let code = unit.code();
    let credits: i64 = tx.one(CREDITS_SINCE, params![&contract, at, code], |row| row.get(0))?;
    let debits: i64 = tx.one(DEBITS_SINCE, params![&contract, at, code], |row| row.get(0))?;
    // The balance of now is kept, and fewer transfers are after the instant than before it.
    Ok(balance(tx, Account::Contract(contract), unit)? - (credits - debits))
}

/// How much was credited to a contract in one unit from an instant on.
///
/// Cost: linear in the contract's transfers since then.
pub fn credits_since(tx: &Tx, contract: ContractId, unit: Unit, at: Timestamp) -> Result<i64, StoreError> {
    tx.one(CREDITS_SINCE, params![&contract, at, unit.code()], |row| row.get(0))
}

/// The `limit` newest transfers before number `before` (`None`: from the newest on), newest first; a
/// contract's in the order of their times.
pub fn transfers_before(
    tx: &Tx,
    contract: Option<ContractId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<TransferRow>, StoreError> {
    let seq = before.unwrap_or(i64::MAX);
    let Some(contract) = contract else { return tx.all(TRANSFERS_BEFORE, params![seq, limit], transfer_row) };
    let at = tx.find(TRANSFER_AT, params![seq], |row| row.get::<Timestamp>(0))?;
    let at = at.unwrap_or(Timestamp::from_micros(i64::MAX));
    let bound = params![seq, at, limit, &contract];
    let mut rows = tx.all(DEBITS_BEFORE, bound, transfer_row)?;
    rows.extend(tx.all(CREDITS_BEFORE, bound, transfer_row)?);
    rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.transfer.at, row.seq)));
    rows.truncate(limit as usize);
    Ok(rows)
}

/// How many transfers there are, of a contract or in all; up to `most`, or twice that of a contract.
pub fn count_transfers(tx: &Tx, contract: Option<ContractId>, most: u32) -> Result<u64, StoreError> {
    match &contract {
        Some(contract) => tx.one(COUNT_TRANSFERS_OF, params![most, contract], |row| row.get(0)),
        None => tx.one(COUNT_TRANSFERS, params![most], |row| row.get(0)),
    }
}

/// The job of a run, with its name.
pub fn job_of_run(tx: &Tx, run: RunId) -> Result<Option<(JobId, String)>, StoreError> {
    tx.find(JOB_OF_RUN, params![&run], |row| Ok((row.get(0)?, row.get(1)?)))
}
