//! Endpoints and deliveries as rows.

use domain::{MemberId, TenantId, Timestamp};
use store::{
    StoreError, Tx,
    db::{Record as _, params},
    events::Event,
    rows, statements,
};

use super::rule::{After, Answer, DeliveryId, DeliveryState, EndpointId, EndpointKind};
use crate::{moment::new_id, notice::vault::Sealed};

/// An endpoint, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    pub id: EndpointId,
    /// None: the center's, which sees the events of all.
    pub tenant: Option<TenantId>,
    pub kind: EndpointKind,
    pub name: String,
    /// The address, without what is secret of it.
    pub shown: String,
    pub sealed: String,
    pub sealing_key: String,
    pub old_until: Option<Timestamp>,
    /// The kinds of events that it takes.
    pub kinds: Vec<String>,
    pub lang: String,
    pub is_enabled: bool,
    /// Why the center disabled it; empty where it did not.
    pub why: String,
    /// In a row.
    pub failures: u32,
    pub rest_until: Option<Timestamp>,
    pub created_by: MemberId,
    pub created_at: Timestamp,
}

impl Endpoint {
    pub fn takes(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| known == kind)
    }

    pub fn confidential(&self) -> Sealed {
        Sealed { text: self.sealed.clone(), key: self.sealing_key.clone() }
    }
}

/// The use that an endpoint's address and secrets are sealed for.
pub const CONFIDENTIAL: &str = "endpoint";

/// An event on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    /// None: a test.
    pub event: Option<i64>,
    pub kind: String,
    pub at: Timestamp,
    pub state: DeliveryState,
    pub attempts: u32,
    pub due_at: Timestamp,
    pub status: Option<u16>,
    pub answer: String,
    pub tried_at: Option<Timestamp>,
}

impl Delivery {
    pub fn new(endpoint: EndpointId, event: Option<i64>, kind: &str, now: Timestamp) -> Self {
        Self {
            id: new_id!(DeliveryId),
            endpoint,
            event,
            kind: kind.to_owned(),
            at: now,
            state: DeliveryState::Waiting,
            attempts: 0,
            due_at: now,
            status: None,
            answer: String::new(),
            tried_at: None,
        }
    }
}

rows! { endpoint: Endpoint = id, tenant, kind as code, name, shown, sealed, sealing_key, old_until, kinds as json, lang,
is_enabled, why, failures, rest_until, created_by, created_at }
rows! { delivery: Delivery = id, endpoint, event, kind, at, state as code, attempts, due_at, status, answer, tried_at }

statements! { "endpoints";
    INSERT = endpoint!(insert into "endpoints");
    GET = concat!("SELECT ", endpoint!(columns), " FROM endpoints WHERE id = ?1");
    LIST = concat!("SELECT ", endpoint!(columns), " FROM endpoints WHERE (?1 = 1 OR tenant IS ?2) ORDER BY id LIMIT 500");
    COUNT = "SELECT COUNT(*) FROM endpoints WHERE tenant IS ?1";
    ENABLED = concat!("SELECT ", endpoint!(columns), " FROM endpoints WHERE is_enabled = 1");
    READY = concat!("SELECT ", endpoint!(columns), " FROM endpoints e WHERE is_enabled = 1 \
        AND (rest_until IS NULL OR rest_until <= ?1) AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint = e.id \
        AND d.state = 'waiting' AND d.due_at <= ?1)");
    SET = "UPDATE endpoints SET name = ?2, shown = ?3, sealed = ?4, sealing_key = ?5, old_until = ?6, kinds = ?7, \
        lang = ?8, is_enabled = ?9, why = ?10, failures = ?11, rest_until = ?12 WHERE id = ?1";
    FARE = "UPDATE endpoints SET failures = ?2, rest_until = ?3, is_enabled = ?4, why = ?5 WHERE id = ?1";
    RESEAL = "UPDATE endpoints SET sealed = ?2, sealing_key = ?3 WHERE id = ?1";
    DELETE = "DELETE FROM endpoints WHERE id = ?1";
    DELETE_DELIVERIES = "DELETE FROM deliveries WHERE endpoint = ?1";
    INSERT_DELIVERY = concat!(delivery!(insert into "deliveries"), " ON CONFLICT DO NOTHING");
    GET_DELIVERY = concat!("SELECT ", delivery!(columns), " FROM deliveries WHERE id = ?1");
    DUE = concat!("SELECT ", delivery!(columns), " FROM deliveries WHERE endpoint = ?1 AND state = 'waiting' \
        AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3");
    TRIED = "UPDATE deliveries SET state = ?2, attempts = ?3, due_at = ?4, status = ?5, answer = ?6, tried_at = ?7 \
        WHERE id = ?1";
    AGAIN = "UPDATE deliveries SET state = 'waiting', attempts = 0, due_at = ?2 WHERE id = ?1";
    LIST_DELIVERIES = concat!("SELECT ", delivery!(columns), " FROM deliveries WHERE endpoint = ?1 \
        AND (?2 IS NULL OR state = ?2) ORDER BY id DESC LIMIT ?3");
    COUNT_WAITING = "SELECT COUNT(*) FROM deliveries WHERE endpoint = ?1 AND state = ?2";
    PRUNE = "DELETE FROM deliveries WHERE id IN \
        (SELECT id FROM deliveries WHERE state <> 'waiting' AND tried_at < ?1 LIMIT 1000)";
}

pub fn insert(tx: &Tx, endpoint: &Endpoint) -> Result<(), StoreError> {
    endpoint.insert(tx, INSERT)
}

pub fn get(tx: &Tx, id: EndpointId) -> Result<Endpoint, StoreError> {
    tx.get(GET, &id, Endpoint::read)
}

/// The endpoints of a tenant, or of the center where there is none; `all` of all tenants, too.
pub fn list(tx: &Tx, all: bool, tenant: Option<TenantId>) -> Result<Vec<Endpoint>, StoreError> {
    tx.all(LIST, params![all, &tenant], Endpoint::read)
}

pub fn count(tx: &Tx, tenant: Option<TenantId>) -> Result<u64, StoreError> {
    tx.one(COUNT, params![&tenant], |row| row.get(0))
}

pub fn enabled(tx: &Tx) -> Result<Vec<Endpoint>, StoreError> {
    tx.all(ENABLED, params![], Endpoint::read)
}

/// Endpoints that do not rest and for which something is due.
pub fn ready(tx: &Tx, now: Timestamp) -> Result<Vec<Endpoint>, StoreError> {
    tx.all(READY, params![now], Endpoint::read)
}

/// Keeps all that can be changed of an endpoint.
pub fn set(tx: &Tx, endpoint: &Endpoint) -> Result<(), StoreError> {
    let Endpoint { id, name, shown, sealed, sealing_key, old_until, kinds, lang, is_enabled, why, .. } =
        endpoint;
    let kinds = store::db::json(kinds)?;
    let row = params![
        id,
        name,
        shown,
        sealed,
        sealing_key,
        old_until,
        &kinds,
        lang,
        is_enabled,
        why,
        endpoint.failures,
        &endpoint.rest_until
    ];
    tx.update(SET, id, row)
}

/// How an endpoint fares after a try.
pub fn fares(tx: &Tx, id: EndpointId, after: &After) -> Result<(), StoreError> {
    let (is_enabled, why) = (after.disabled.is_none(), after.disabled.unwrap_or_default());
    let changed = tx.changed(FARE, params![&id, after.failures, &after.rest_until, is_enabled, why])?;
    // One that was removed meanwhile fares nowhere.
    debug_assert!(changed <= 1);
    Ok(())
}

pub fn reseal(tx: &Tx, id: EndpointId, sealed: &Sealed) -> Result<(), StoreError> {
    tx.update(RESEAL, &id, params![&id, &sealed.text, &sealed.key])
}

/// Removes an endpoint with its deliveries.
pub fn delete(tx: &Tx, id: EndpointId) -> Result<(), StoreError> {
    tx.execute(DELETE_DELIVERIES, params![&id])?;
    tx.update(DELETE, &id, params![&id])
}

/// Keeps a delivery, unless the event is on its way to the endpoint already.
pub fn insert_delivery(tx: &Tx, delivery: &Delivery) -> Result<(), StoreError> {
    delivery.insert(tx, INSERT_DELIVERY)
}

pub fn get_delivery(tx: &Tx, id: DeliveryId) -> Result<Delivery, StoreError> {
    tx.get(GET_DELIVERY, &id, Delivery::read)
}

/// What is due for an endpoint, the longest due first, each with its event.
pub fn due(
    tx: &Tx,
    endpoint: EndpointId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(Delivery, Option<Event>)>, StoreError> {
    let all = tx.all(DUE, params![&endpoint, now, limit], Delivery::read)?;
    let with_event = |delivery: Delivery| {
        let event = match delivery.event {
            Some(seq) => {
                store::events::list_after(tx, seq - 1, None, None, 1)?.into_iter().find(|e| e.seq == seq)
            }
            None => None,
        };
        Ok((delivery, event))
    };
    all.into_iter().map(with_event).collect()
}

/// A delivery was tried. `due_at` is when it is tried again, where it is.
pub fn tried(
    tx: &Tx,
    delivery: &Delivery,
    answer: &Answer,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = match (answer.is_good, due_at) {
        (true, _) => DeliveryState::Delivered,
        (false, Some(_)) => DeliveryState::Waiting,
        (false, None) => DeliveryState::Failed,
    };
    let (attempts, due_at) = (delivery.attempts + 1, due_at.unwrap_or(delivery.due_at));
    let row = params![&delivery.id, state.code(), attempts, due_at, &answer.status, &answer.text, now];
    tx.execute(TRIED, row)
}

/// A delivery is made again, now.
pub fn again(tx: &Tx, id: DeliveryId, now: Timestamp) -> Result<(), StoreError> {
    tx.update(AGAIN, &id, params![&id, now])
}

/// The newest deliveries to an endpoint.
pub fn deliveries(
    tx: &Tx,
    endpoint: EndpointId,
    state: Option<DeliveryState>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    tx.all(LIST_DELIVERIES, params![&endpoint, state.map(DeliveryState::code), limit], Delivery::read)
}

pub fn count_deliveries(tx: &Tx, endpoint: EndpointId, state: DeliveryState) -> Result<u64, StoreError> {
    tx.one(COUNT_WAITING, params![&endpoint, state.code()], |row| row.get(0))
}

/// Removes deliveries that ended before that instant; a part of them where there are many.
pub fn prune(tx: &Tx, before: Timestamp) -> Result<usize, StoreError> {
    tx.changed(PRUNE, params![before])
}
