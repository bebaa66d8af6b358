//! What happened, in order: what the portal and the API follow.

use domain::{JobId, RunId, TenantId, Timestamp};

use crate::{
    StoreError, Tx,
    sql::{Row, json, params, statements},
};

/// Something that happened, before it has its number.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub at: Timestamp,
    /// Whose it is; `None`: the center's own.
    pub tenant: Option<TenantId>,
    pub job: Option<JobId>,
    pub run: Option<RunId>,
    /// As `job.ended`.
    pub kind: String,
    pub data: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Rises with each event.
    pub seq: i64,
    pub event: NewEvent,
}

macro_rules! columns {
    () => {
        "seq, at, tenant, job, run, kind, data"
    };
}

statements! { "events";
    APPEND = "INSERT INTO events (at, tenant, job, run, kind, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING seq";
    LIST = concat!("SELECT ", columns!(), " FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    LIST_OF_TENANT = concat!("SELECT ", columns!(), " FROM events WHERE seq > ?1 AND tenant = ?3 ORDER BY seq LIMIT ?2");
    LIST_OF_JOB = concat!(
        "SELECT ", columns!(),
        " FROM events WHERE seq > ?1 AND job = ?3 AND (?4 IS NULL OR tenant = ?4) ORDER BY seq LIMIT ?2"
    );
    LATEST = "SELECT COALESCE(MAX(seq), 0) FROM events";
}

/// Keeps an event; gives its number.
pub fn append(tx: &Tx, event: &NewEvent) -> Result<i64, StoreError> {
    let data = json(&event.data)?;
    let row =
        params![event.at, event.tenant.as_ref(), event.job.as_ref(), event.run.as_ref(), &event.kind, &data,];
    tx.one(APPEND, row, |row| row.get(0))
}

/// The first `limit` events after number `seq`, of a tenant and of a job where given.
pub fn list_after(
    tx: &Tx,
    seq: i64,
    tenant: Option<TenantId>,
    job: Option<JobId>,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    match (&tenant, &job) {
        (_, Some(job)) => tx.all(LIST_OF_JOB, params![seq, limit, job, tenant.as_ref()], event),
        (Some(tenant), None) => tx.all(LIST_OF_TENANT, params![seq, limit, tenant], event),
        (None, None) => tx.all(LIST, params![seq, limit], event),
    }
}

/// The number of the last event, 0 if there is none.
pub fn latest_seq(tx: &Tx) -> Result<i64, StoreError> {
    tx.one(LATEST, params![], |row| row.get(0))
}

pub(crate) fn event(row: Row<'_>) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.get(0)?,
        event: NewEvent {
            at: row.get(1)?,
            tenant: row.get(2)?,
            job: row.get(3)?,
            run: row.get(4)?,
            kind: row.get(5)?,
            data: row.json(6)?,
        },
    })
}
