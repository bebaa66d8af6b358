//! Events: what happened, in order, for the portal and the API to follow.

use domain::{JobId, RunId, TenantId, Timestamp};

use crate::db::{Record, Row, StoreError, Tx, json, params, rows, statements};

/// An event before it has its number.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub at: Timestamp,
    /// The tenant that it is about; `None`: it is about the center itself.
    pub tenant: Option<TenantId>,
    pub job: Option<JobId>,
    pub run: Option<RunId>,
    /// As `job_ended`.
    pub kind: String,
    pub data: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Rises with each event.
    pub seq: i64,
    pub event: NewEvent,
}

rows! { event: NewEvent = at, tenant, job, run, kind, data as json }
pub(crate) use event;

statements! { "events";
    APPEND = concat!(event!(insert into "events"), " RETURNING seq");
    LIST = concat!("SELECT seq, ", event!(columns), " FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    LIST_OF_TENANT = concat!(
        "SELECT seq, ", event!(columns), " FROM events WHERE seq > ?1 AND tenant = ?3 ORDER BY seq LIMIT ?2"
    );
    LIST_OF_JOB = concat!(
        "SELECT seq, ", event!(columns),
        " FROM events WHERE seq > ?1 AND job = ?3 AND (?4 IS NULL OR tenant = ?4) ORDER BY seq LIMIT ?2"
    );
    LATEST = "SELECT COALESCE(MAX(seq), 0) FROM events";
}

/// Keeps an event; gives its number.
pub fn append(tx: &Tx, event: &NewEvent) -> Result<i64, StoreError> {
    let data = json(&event.data)?;
    let row = params![event.at, &event.tenant, &event.job, &event.run, &event.kind, &data];
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
        (_, Some(job)) => tx.all(LIST_OF_JOB, params![seq, limit, job, &tenant], numbered),
        (Some(tenant), None) => tx.all(LIST_OF_TENANT, params![seq, limit, tenant], numbered),
        (None, None) => tx.all(LIST, params![seq, limit], numbered),
    }
}

/// The number of the last event, 0 if there is none.
pub fn latest_seq(tx: &Tx) -> Result<i64, StoreError> {
    tx.one(LATEST, params![], |row| row.get(0))
}

/// An event behind its number.
pub(crate) fn numbered(row: Row<'_>) -> Result<Event, StoreError> {
    Ok(Event { seq: row.get(0)?, event: NewEvent::read(row.skip(1))? })
}
