//! The audit log: every change, by whom, when and from where. Append-only.

use std::ops::ControlFlow;

use domain::{AuditId, MemberId, Millis, PersonId, Role, TenantId, Timestamp};
use serde_json::Value;

use crate::db::{self, Row, StoreError, Tx, json, params, statements};

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    pub id: AuditId,
    pub at: Timestamp,
    /// `None`: the center itself.
    pub actor: Option<MemberId>,
    pub actor_login: String,
    /// `None` where nobody had signed in, or where the actor is the center itself.
    pub role: Option<Role>,
    /// The tenant whose things were changed.
    pub tenant: Option<TenantId>,
    /// As `submit_job`.
    pub action: String,
    /// The id or name of the thing that was changed.
    pub subject: String,
    pub from_address: String,
    pub detail: Value,
}

/// The lines that are wanted: those that match all that is `Some`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub tenant: Option<TenantId>,
    pub actor: Option<MemberId>,
    /// By any of the memberships of a person who has several.
    pub person: Option<PersonId>,
    /// Only the lines of the center itself.
    pub is_by_center: bool,
    pub action: Option<String>,
    /// No earlier lines.
    pub from: Option<Timestamp>,
    /// Only earlier lines.
    pub until: Option<Timestamp>,
}

/// How far the time in a line's id, which orders the log, may be from the time of the line: both are taken
/// together, but not in one instant.
const ID_LAG: Millis = Millis(1000);

/// The most lines that are looked at for one page where two filters go together and no index has both.
const MOST_LOOKED_AT: usize = 100_000;

macro_rules! columns {
    () => {
        "id, at, actor, actor_login, role, tenant, action, subject, from_address, detail"
    };
}

statements! { "audit";
    APPEND = concat!("INSERT INTO audit (", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    LIST = concat!("SELECT ", columns!(), " FROM audit WHERE id < ?1 ORDER BY id DESC");
    LIST_OF_TENANT = concat!("SELECT ", columns!(), " FROM audit WHERE id < ?1 AND tenant = ?2 ORDER BY id DESC");
    LIST_OF_ACTOR = concat!(
        "SELECT ", columns!(),
        " FROM audit WHERE id < ?1 AND actor = ?2 AND (?3 IS NULL OR tenant = ?3) ORDER BY id DESC"
    );
    LIST_OF_PERSON = concat!(
        "SELECT ", columns!(), " FROM audit WHERE id < ?1 AND (?3 IS NULL OR tenant = ?3) \
         AND actor IN (SELECT id FROM members WHERE person = ?2) ORDER BY id DESC"
    );
    LIST_OF_ACTION = concat!("SELECT ", columns!(), " FROM audit WHERE id < ?1 AND action = ?2 ORDER BY id DESC");
}

pub fn append(tx: &Tx, record: &AuditRecord) -> Result<(), StoreError> {
    let detail = json(&record.detail)?;
    let row = params![
        &record.id,
        record.at,
        &record.actor,
        &record.actor_login,
        record.role.map_or("", Role::code),
        &record.tenant,
        &record.action,
        &record.subject,
        &record.from_address,
        &detail,
    ];
    tx.execute(APPEND, row)
}

/// The newest `limit` lines that match and are older than `after`, newest first. Where several filters go
/// together, at most 100,000 lines are looked at.
pub fn list(
    tx: &Tx,
    filter: &AuditFilter,
    after: Option<AuditId>,
    limit: u32,
) -> Result<Vec<AuditRecord>, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    scan(tx, filter, after, |row| {
        found.push(record(row)?);
        Ok(found.len() < limit)
    })?;
    Ok(found)
}

/// How many lines match, up to `most`; and whether there may be more.
pub fn count(tx: &Tx, filter: &AuditFilter, most: u64) -> Result<(u64, bool), StoreError> {
    let mut count = 0;
    let is_cut = scan(tx, filter, None, |_| {
        count += 1;
        Ok(count < most)
    })?;
    Ok((count, is_cut))
}

/// Hands the lines that match to `take`, newest first, as long as it wants more. Says whether it ended before the last.
fn scan(
    tx: &Tx,
    filter: &AuditFilter,
    after: Option<AuditId>,
    mut take: impl FnMut(Row<'_>) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let mut after = after.unwrap_or(AuditId::from_bytes([0xff; 16]));
    if let Some(until) = filter.until {
        after = after.min(AuditId::new(until.plus(ID_LAG), [0; 10]));
    }
    let AuditFilter { actor, person, tenant, action, .. } = filter;
    let (sql, bound): (_, &[db::Value<'_>]) = match (actor, person, tenant, action) {
        (Some(actor), ..) => (LIST_OF_ACTOR, params![&after, actor, tenant]),
        (None, Some(person), ..) => (LIST_OF_PERSON, params![&after, person, tenant]),
        (None, None, Some(tenant), _) => (LIST_OF_TENANT, params![&after, tenant]),
        (None, None, None, Some(action)) => (LIST_OF_ACTION, params![&after, action]),
        (None, None, None, None) => (LIST, params![&after]),
    };
    let (mut looked_at, mut is_cut) = (0, false);
    tx.each(sql, bound, |row| {
        looked_at += 1;
        let at: Timestamp = row.get(1)?;
        if filter.from.is_some_and(|from| at < from.minus(ID_LAG)) {
            return Ok(ControlFlow::Break(()));
        }
        let is_in_time =
            filter.from.is_none_or(|from| at >= from) && filter.until.is_none_or(|until| at < until);
        let is_by = !filter.is_by_center || row.get::<Option<MemberId>>(2)?.is_none();
        let action = row.text(6)?;
        let matches = is_in_time && is_by && filter.action.as_ref().is_none_or(|wanted| wanted == action);
        is_cut = (matches && !take(row)?) || looked_at >= MOST_LOOKED_AT;
        Ok(if is_cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(is_cut)
}

fn record(row: Row<'_>) -> Result<AuditRecord, StoreError> {
    let role = match row.text(4)? {
        "" => None,
        _ => Some(row.code(4)?),
    };
    Ok(AuditRecord {
        id: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        actor_login: row.get(3)?,
        role,
        tenant: row.get(5)?,
        action: row.get(6)?,
        subject: row.get(7)?,
        from_address: row.get(8)?,
        detail: row.json(9)?,
    })
}
