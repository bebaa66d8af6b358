//! Applications and their acts as rows.

use domain::{ApplicationId, TenantDomain, Timestamp};
use store::{
    StoreError, Tx,
    db::{Record, json, params, rows, statements},
};

use super::application::{Act, Application, State};

rows! { application: Application =
    id, kind, number, domain as code, applicant, tracking, from_address, form_version, answers as json, state as code, round,
    steps as json, step, decision as json, tenant, created_at, changed_at, due_at, expires_at
}

rows! { act: Act = application, seq, at, deed as code, by, round, step, score, reason, note, changes as json }

statements! { "applications", unique: { "applications.number": "an application with this number" };
    INSERT = application!(insert into "applications");
    GET = concat!("SELECT ", application!(columns), " FROM applications WHERE id = ?1");
    FIND = concat!("SELECT ", application!(columns), " FROM applications WHERE number = ?1");
    CHANGE = "UPDATE applications SET answers = ?2, state = ?3, round = ?4, steps = ?5, step = ?6, decision = ?7, \
        tenant = ?8, changed_at = ?9, due_at = ?10, expires_at = ?11, form_version = ?12 WHERE id = ?1";
    LAST_NUMBER = "SELECT number FROM applications WHERE number >= ?1 AND number < ?2
        ORDER BY length(number) DESC, number DESC LIMIT 1";
    EXPIRED = concat!("SELECT ", application!(columns),
        " FROM applications WHERE expires_at <= ?1 ORDER BY expires_at, id LIMIT ?2");
    DRAFTS_FROM = "SELECT COUNT(*) FROM applications WHERE from_address = ?1 AND state = 'draft'";
    LIST = concat!("SELECT ", application!(columns), " FROM applications WHERE (?1 IS NULL OR id < ?1) \
        AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR domain = ?4) \
        AND (?5 IS NULL OR created_at <= ?5) AND (?6 IS NULL OR due_at <= ?6) \
        AND (?7 = 0 OR state IN ('submitted', 'in_review')) ORDER BY id DESC LIMIT ?8");
    COUNT = "SELECT COUNT(*) FROM applications WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) \
        AND (?3 IS NULL OR domain = ?3) AND (?4 IS NULL OR created_at <= ?4) AND (?5 IS NULL OR due_at <= ?5) \
        AND (?6 = 0 OR state IN ('submitted', 'in_review'))";
    LIVE_WITH = concat!("SELECT ", application!(columns), " FROM applications \
        WHERE state IN ('submitted', 'in_review', 'returned') AND kind = ?1 AND id <> ?2 \
        AND json_extract(answers, '$.' || ?3) = ?4 ORDER BY id LIMIT ?5");
    INSERT_ACT = act!(insert into "application_acts");
    ACTS = concat!("SELECT ", act!(columns), " FROM application_acts WHERE application = ?1 ORDER BY seq");
}

/// Which applications to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub kind: Option<String>,
    pub domain: Option<TenantDomain>,
    /// Drawn up at this instant or before.
    pub until: Option<Timestamp>,
    /// Due at this instant or before.
    pub due_by: Option<Timestamp>,
    /// Those that reviewers have, alone.
    pub is_open: bool,
}

pub fn insert(tx: &Tx, application: &Application) -> Result<(), StoreError> {
    application.insert(tx, INSERT)
}

pub fn get(tx: &Tx, id: ApplicationId) -> Result<Application, StoreError> {
    tx.get(GET, &id, Application::read)
}

pub fn find(tx: &Tx, number: &str) -> Result<Option<Application>, StoreError> {
    tx.find(FIND, params![number], Application::read)
}

pub fn change(tx: &Tx, application: &Application) -> Result<(), StoreError> {
    let Application { id, answers, state, round, steps, step, decision, tenant, .. } = application;
    let (answers, steps, decision) = (json(answers)?, json(steps)?, json(decision)?);
    let row = params![
        id,
        &answers,
        state.code(),
        *round,
        &steps,
        *step,
        &decision,
        tenant,
        application.changed_at,
        &application.due_at,
        &application.expires_at,
        application.form_version
    ];
    tx.update(CHANGE, id, row)
}

/// The highest number from `least` up to `end`, which is left out.
pub fn last_number(tx: &Tx, least: &str, end: &str) -> Result<Option<String>, StoreError> {
    tx.find(LAST_NUMBER, params![least, end], |row| row.get(0))
}

/// The first `limit` of those whose time is over at `now`.
pub fn expired(tx: &Tx, now: Timestamp, limit: u32) -> Result<Vec<Application>, StoreError> {
    tx.all(EXPIRED, params![now, limit], Application::read)
}

pub fn drafts_from(tx: &Tx, address: &str) -> Result<u64, StoreError> {
    tx.one(DRAFTS_FROM, params![address], |row| row.get(0))
}

/// Newest first, after the one of that id.
pub fn list(
    tx: &Tx,
    filter: &Filter,
    after: Option<ApplicationId>,
    limit: u32,
) -> Result<Vec<Application>, StoreError> {
    let (state, domain) = (filter.state.map(State::code), filter.domain.map(TenantDomain::code));
    let row = params![
        &after,
        state,
        &filter.kind,
        domain,
        &filter.until,
        &filter.due_by,
        i64::from(filter.is_open),
        limit
    ];
    tx.all(LIST, row, Application::read)
}

pub fn count(tx: &Tx, filter: &Filter) -> Result<u64, StoreError> {
    let (state, domain) = (filter.state.map(State::code), filter.domain.map(TenantDomain::code));
    let open = i64::from(filter.is_open);
    let row = params![state, &filter.kind, domain, &filter.until, &filter.due_by, open];
    tx.one(COUNT, row, |row| row.get(0))
}

/// Others of a kind that were handed in and not decided, and have that answer to a question; the oldest first.
pub fn live_with(
    tx: &Tx,
    (kind, but): (&str, ApplicationId),
    (question, answer): (&str, &str),
    limit: u32,
) -> Result<Vec<Application>, StoreError> {
    tx.all(LIVE_WITH, params![kind, &but, question, answer, limit], Application::read)
}

pub fn insert_act(tx: &Tx, act: &Act) -> Result<(), StoreError> {
    act.insert(tx, INSERT_ACT)
}

/// All acts, in their order.
pub fn acts(tx: &Tx, application: ApplicationId) -> Result<Vec<Act>, StoreError> {
    tx.all(ACTS, params![&application], Act::read)
}
