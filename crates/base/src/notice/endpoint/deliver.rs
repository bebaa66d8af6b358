//! What the loop of webhooks does: each endpoint for which something is due and that does not rest gets it, a few endpoints
//! beside each other, the deliveries to one in their order.
//!
//! The work is bounded whatever waits: an endpoint that fails rests longer and longer and gets one delivery a time, so that
//! ten thousand events for a receiver that is down cost as many requests as one event does.

use store::{Tx, events::Event};
use ureq::Agent;

use super::{
    post,
    rows::{self, CONFIDENTIAL, Delivery, Endpoint},
    rule::{self, After, Answer, Confidential, EndpointKind, lang_of},
    write::{self, Request},
};
use crate::{
    error::AppError,
    events::{self, About, Kind},
    handle::Base,
    moment,
    notice::{said, vault::Vault},
};

/// Endpoints that are posted to beside each other.
const BESIDE: usize = 8;

/// What goes into one request.
struct Parcel {
    deliveries: Vec<Delivery>,
    request: Result<Request, String>,
}

/// What was posted, what came of it, and how the endpoint fares after it.
struct Tried {
    deliveries: Vec<Delivery>,
    answer: Answer,
    after: After,
}

/// One turn; whether something was done. `disabled` is the kind of event that tells that an endpoint was disabled.
pub fn turn(
    base: &Base,
    vault: &(impl Vault + Sync),
    agent: &Agent,
    disabled: Kind,
) -> Result<bool, AppError> {
    let now = moment::now();
    let ready = base.read_now(|tx| Ok(rows::ready(tx, now)?))?;
    for some in ready.chunks(BESIDE) {
        let results: Vec<Result<(), AppError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = some
                .iter()
                .map(|endpoint| scope.spawn(|| serve(base, vault, agent, endpoint, disabled)))
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, Result<(), AppError>>| {
                thread.join().unwrap_or_else(|_| Err(AppError::internal("a delivery panicked")))
            };
            threads.into_iter().map(join).collect()
        });
        results.into_iter().collect::<Result<(), AppError>>()?;
        if *base.stopping.borrow() {
            break;
        }
    }
    Ok(!ready.is_empty())
}

/// Posts what is due to one endpoint, until it fails, rests, or has all.
fn serve(
    base: &Base,
    vault: &impl Vault,
    agent: &Agent,
    endpoint: &Endpoint,
    disabled: Kind,
) -> Result<(), AppError> {
    let (now, id) = (moment::now(), endpoint.id);
    let most = rule::at_once(endpoint.failures);
    let due = base.read_now(|tx| Ok(rows::due(tx, id, now, most)?))?;
    let opened = vault.open(id.as_bytes(), CONFIDENTIAL, &endpoint.confidential())?;
    let confidential: Confidential = serde_json::from_str(&opened).map_err(AppError::internal)?;
    let (mut failures, mut tried) = (endpoint.failures, Vec::new());
    for parcel in parcels(base, endpoint, &confidential, due) {
        let mut answer = match parcel.request {
            Ok(request) => post::post(agent, request),
            Err(why) => Answer::none(why),
        };
        if answer.is_good && !write::took(endpoint.kind, &answer.text) {
            answer.is_good = false;
        }
        let after = rule::after(endpoint.kind, failures, &answer, moment::now(), moment::random::<1>()[0]);
        failures = after.failures;
        let goes_on = after.disabled.is_none() && after.rest_until.is_none();
        tried.push(Tried { deliveries: parcel.deliveries, answer, after });
        if !goes_on || *base.stopping.borrow() {
            break;
        }
    }
    // Kept together: after a crash in between a receiver gets them again under the ids that it knows.
    keep(base, endpoint, tried, disabled)
}

/// A webhook gets each event by itself; a bot as many as go into one message.
fn parcels<'a>(
    base: &'a Base,
    endpoint: &'a Endpoint,
    confidential: &'a Confidential,
    due: Vec<(Delivery, Option<Event>)>,
) -> Box<dyn Iterator<Item = Parcel> + 'a> {
    if endpoint.kind == EndpointKind::Webhook {
        return Box::new(due.into_iter().map(move |(delivery, event)| {
            let now = moment::now();
            let at = event.as_ref().map_or(delivery.at, |event| event.event.at);
            let body = write::body(&delivery.kind, event.as_ref(), at);
            let signs_old = endpoint.old_until.is_some_and(|until| now < until);
            let request = write::webhook(confidential, &delivery.id.to_string(), body, now, signs_old);
            Parcel { deliveries: vec![delivery], request }
        }));
    }
    let lang = lang_of(&endpoint.lang);
    let line = |(delivery, event): &(Delivery, Option<Event>)| match event {
        Some(event) => said::event(base.kinds(), lang, &event.event.kind, &event.event.data),
        None => said::event(base.kinds(), lang, &delivery.kind, &serde_json::Value::Null),
    };
    let lines: Vec<String> = due.iter().map(line).collect();
    let (lines, count) = write::fitting(endpoint.kind, &lines);
    let request = write::bot(endpoint.kind, confidential, (base.name(lang), lang), &lines, moment::now());
    let deliveries = due.into_iter().take(count).map(|(delivery, _)| delivery).collect();
    Box::new(std::iter::once(Parcel { deliveries, request: Ok(request) }))
}

fn keep(base: &Base, endpoint: &Endpoint, tried: Vec<Tried>, disabled: Kind) -> Result<(), AppError> {
    let Endpoint { id, tenant, name, shown, .. } = endpoint.clone();
    let write = move |tx: &Tx| -> Result<_, AppError> {
        let now = moment::now();
        for Tried { deliveries, answer, .. } in &tried {
            for delivery in deliveries {
                let dice = moment::random::<1>()[0];
                let again = rule::again(delivery.attempts + 1, answer, now, dice);
                rows::tried(tx, delivery, answer, again, now)?;
            }
        }
        let Some(last) = tried.last() else { return Ok(None) };
        rows::fares(tx, id, &last.after)?;
        let Some(why) = last.after.disabled else { return Ok(None) };
        tracing::warn!(endpoint = %id, why, status = last.answer.status, "an endpoint was disabled");
        let data = serde_json::json!({ "endpoint": id, "name": name, "address": shown, "why": why });
        Ok(Some(events::record(tx, now, About { tenant, ..About::default() }, disabled, data)?))
    };
    base.write_now(write, |base, event| {
        if let Some(event) = event {
            base.tell(event.clone());
        }
    })?;
    Ok(())
}
