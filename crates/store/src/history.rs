//! The center's own past as a trace to be replayed.

use std::ops::ControlFlow;

use domain::{ContractId, JobId, MemberId, Millis, ServiceClass, TenantDomain, Timestamp};

use crate::{
    db::{Row, StoreError, Tx, params, statements},
    runs::placement,
};

/// A task that has run, by the last of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    pub job: JobId,
    pub task: u32,
    pub contract: ContractId,
    pub submitted_by: MemberId,
    pub domain: TenantDomain,
    pub class: ServiceClass,
    pub submitted_at: Timestamp,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub cards: u32,
    /// The limit that its job asked for.
    pub time_limit: Option<Millis>,
    pub card_model: Option<String>,
}

statements! { "runs";
    PAST = "SELECT r.job, r.task, r.contract, j.submitted_by, j.domain, j.class, j.submitted_at, r.started_at, \
            r.ended_at, r.placement, j.time_limit_ms, j.card_model FROM runs r JOIN jobs j ON j.id = r.job \
            WHERE r.started_at >= ?1 AND r.ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM runs n \
            WHERE n.job = r.job AND n.task = r.task AND n.attempt > r.attempt AND n.started_at IS NOT NULL) \
            ORDER BY r.started_at DESC LIMIT ?2";
}

/// The newest tasks that started at `from` or later and have ended, newest first, `limit` at most.
pub fn past_runs(
    tx: &Tx,
    from: Timestamp,
    limit: u32,
    mut each: impl FnMut(PastRun),
) -> Result<(), StoreError> {
    tx.each(PAST, params![from, limit], |row| {
        each(past_run(row)?);
        Ok(ControlFlow::Continue(()))
    })
}

fn past_run(row: Row<'_>) -> Result<PastRun, StoreError> {
    Ok(PastRun {
        job: row.get(0)?,
        task: row.get(1)?,
        contract: row.get(2)?,
        submitted_by: row.get(3)?,
        domain: row.code(4)?,
        class: row.code(5)?,
        submitted_at: row.get(6)?,
        started_at: row.get(7)?,
        ended_at: row.get(8)?,
        cards: placement(row, 9)?.card_count(),
        time_limit: row.get(10)?,
        card_model: row.get(11)?,
    })
}
