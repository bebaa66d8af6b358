//! What can be asked of endpoints.

use base::{
    auth::{Caller, May},
    change::Changed,
    error::AppError,
    lookup::{self, Names},
    moment::{self, new_id},
    notice::{
        endpoint::{
            rows::{self, CONFIDENTIAL, Delivery, Endpoint},
            rule::{BOTH_SIGN, Confidential, DeliveryId, DeliveryState, EndpointId, EndpointKind},
            sign, write,
        },
        vault::{Sealed, Vault as _},
    },
    params,
    refusal::Refused,
};
use center::center::Center;
use domain::{
    Lang, Rfc3339, TenantId,
    problem::{Wrong, field},
    text::{InvalidLine, LineFault},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Tx};

use super::rule::{self, MOST};

/// The most deliveries that are listed.
const MOST_LISTED: u32 = 200;
/// The most characters of the secret of a bot.
const MOST_SECRET: usize = 200;

/// An endpoint, without what is secret of it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WebhookView {
    pub id: EndpointId,
    /// The tenant's short name; `null` for the center.
    pub tenant_slug: Option<String>,
    pub kind: EndpointKind,
    pub name: String,
    /// The address, without what of it may be secret.
    pub address: String,
    /// The kinds of events that it takes.
    pub events: Vec<String>,
    /// The language of a bot's messages.
    pub lang: String,
    pub is_enabled: bool,
    /// `gone` or `failing` where the center disabled it; empty otherwise.
    pub why: String,
    /// Failures in a row.
    pub failures: u32,
    /// When the next is tried, while it fails.
    pub rest_until: Option<Rfc3339>,
    /// Until when the secret before this one signs as well.
    pub old_secret_until: Option<Rfc3339>,
    pub waiting: u64,
    pub failed: u64,
    pub created_at: Rfc3339,
}

impl WebhookView {
    fn of(tx: &Tx, names: &mut Names<'_>, endpoint: Endpoint) -> Result<Self, StoreError> {
        let now = moment::now();
        let count = |state| rows::count_deliveries(tx, endpoint.id, state);
        Ok(Self {
            id: endpoint.id,
            tenant_slug: endpoint.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug),
            kind: endpoint.kind,
            waiting: count(DeliveryState::Waiting)?,
            failed: count(DeliveryState::Failed)?,
            name: endpoint.name,
            address: endpoint.shown,
            events: endpoint.kinds,
            lang: endpoint.lang,
            is_enabled: endpoint.is_enabled,
            why: endpoint.why,
            failures: endpoint.failures,
            rest_until: endpoint.rest_until.filter(|until| *until > now).map(Rfc3339),
            old_secret_until: endpoint.old_until.filter(|until| *until > now).map(Rfc3339),
            created_at: endpoint.created_at.into(),
        })
    }
}

/// An event on its way to an endpoint, or there.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DeliveryView {
    /// Its `webhook-id`.
    pub id: DeliveryId,
    /// The event's number; `null` for a test.
    pub event: Option<i64>,
    pub kind: String,
    pub state: DeliveryState,
    pub attempts: u32,
    /// When it is tried next, while it waits.
    pub due_at: Option<Rfc3339>,
    /// Of the last answer; `null` where there was none.
    pub status: Option<u16>,
    /// How the last answer began, or why there was none.
    pub answer: String,
    pub at: Rfc3339,
    pub tried_at: Option<Rfc3339>,
}

impl DeliveryView {
    fn of(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event: delivery.event,
            kind: delivery.kind,
            state: delivery.state,
            attempts: delivery.attempts,
            due_at: (delivery.state == DeliveryState::Waiting).then(|| delivery.due_at.into()),
            status: delivery.status,
            answer: delivery.answer,
            at: delivery.at.into(),
            tried_at: delivery.tried_at.map(Rfc3339),
        }
    }
}

/// A new endpoint.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    #[schema(value_type = domain::schema::Line64)]
    pub name: String,
    /// `webhook`, `dingtalk`, `feishu` or `wecom`.
    #[schema(value_type = EndpointKind)]
    pub kind: String,
    /// Where events are posted to.
    pub url: String,
    /// The secret of a bot, as its chat shows it; none where it has none. That of a webhook is made by the center.
    #[serde(default)]
    #[schema(write_only)]
    pub secret: String,
    /// The kinds of events that it takes: `job_ended`, `contract_changed`.
    pub events: Vec<String>,
    /// The language of a bot's messages, `zh` or `en`; `zh` where left out.
    #[serde(default)]
    pub lang: String,
    /// The tenant's short name, for the center's people; the caller's own where left out.
    pub tenant: Option<String>,
}

impl std::fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewWebhook").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An endpoint that was made, or has another secret. The secret is told this once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub struct MadeWebhook {
    pub webhook: WebhookView,
    /// `whsec_…`, by which a receiver knows that an event is the center's; `null` for a bot.
    pub secret: Option<String>,
}

impl std::fmt::Debug for MadeWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeWebhook").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// A change of an endpoint. What is left out stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    #[schema(value_type = Option<domain::schema::Line64>)]
    pub name: Option<String>,
    pub events: Option<Vec<String>>,
    pub lang: Option<String>,
    /// Enabling it again tries at once what waits.
    pub is_enabled: Option<bool>,
}

/// The endpoints of the caller's tenant; for the center's people those of all, and of the center.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<WebhookView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, rule::READ, scope)?;
    center
        .read(move |tx| {
            let mut names = Names::of(tx);
            let all = rows::list(tx, scope.is_none(), scope)?.into_iter();
            all.map(|endpoint| WebhookView::of(tx, &mut names, endpoint)).collect()
        })
        .await
}

/// The endpoint of that id, if the caller may see it.
async fn find(center: &Center, caller: &Caller, id: &str) -> Result<Endpoint, AppError> {
    let id: EndpointId = params::id(id, "webhook")?;
    let scope = caller.scope()?.tenant();
    let found = center.read(move |tx| rows::get(tx, id)).await?;
    if scope.is_some() && scope != found.tenant {
        return Err(AppError::not_found("webhook", id));
    }
    Ok(found)
}

pub async fn show(center: &Center, caller: &Caller, id: &str) -> Result<WebhookView, AppError> {
    let found = find(center, caller, id).await?;
    center.policies.check(caller, rule::READ, found.tenant)?;
    center.read(move |tx| WebhookView::of(tx, &mut Names::of(tx), found)).await
}

async fn to_keep(center: &Center, caller: &Caller, id: &str) -> Result<(May, Endpoint), AppError> {
    let found = find(center, caller, id).await?;
    Ok((center.policies.may(caller, rule::KEEP, found.tenant)?, found))
}

/// The kinds of events that there are.
pub fn kinds(center: &Center) -> Vec<&'static str> {
    center.kinds().iter().map(|kind| kind.code()).collect()
}

fn check_events(center: &Center, events: &[String]) -> Result<(), AppError> {
    let known = kinds(center);
    if let Some(other) = events.iter().find(|event| !known.contains(&event.as_str())) {
        return Err(AppError::invalid(field::EVENTS, Wrong::unknown(other, &known)));
    }
    if events.is_empty() {
        let empty = InvalidLine { most: known.len(), fault: LineFault::Empty };
        return Err(AppError::invalid(field::EVENTS, Wrong::Line(empty)));
    }
    Ok(())
}

fn read_lang(text: &str) -> Result<String, AppError> {
    if text.is_empty() {
        return Ok(Lang::Zh.code().to_owned());
    }
    let known = Lang::ALL.map(Lang::code);
    Ok(params::word(field::LANG, text, Lang::from_code, &known)?.code().to_owned())
}

fn seal(center: &Center, tx: &Tx, id: EndpointId, confidential: &Confidential) -> Result<Sealed, AppError> {
    let text = serde_json::to_string(confidential).map_err(AppError::internal)?;
    center.seal(tx, id.as_bytes(), CONFIDENTIAL, &text)
}

/// The secret of a new endpoint.
fn secret_of(kind: EndpointKind, given: &str) -> Result<String, AppError> {
    let chars = given.chars().count();
    if kind.is_ours() {
        if chars > 0 {
            return Err(AppError::invalid(field::SECRETS, Wrong::NotBeside { other: field::KIND }));
        }
        return Ok(sign::secret_of(&moment::random()));
    }
    if chars > MOST_SECRET {
        return Err(AppError::invalid(field::SECRETS, Wrong::TooLong { chars, most: MOST_SECRET }));
    }
    Ok(given.trim().to_owned())
}

/// Makes an endpoint.
pub async fn make(center: &Center, caller: &Caller, new: NewWebhook) -> Result<MadeWebhook, AppError> {
    let tenant: Option<TenantId> = lookup::named_or_own(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, rule::KEEP, tenant)?;
    let name: String = params::line::<64>(field::NAME, new.name)?.into();
    let known = EndpointKind::ALL.map(EndpointKind::code);
    let kind = params::word(field::KIND, &new.kind, EndpointKind::from_code, &known)?;
    let url = rule::read_url(kind, &new.url, &center.common.notices)?;
    check_events(center, &new.events)?;
    let lang = read_lang(&new.lang)?;
    let secret = secret_of(kind, &new.secret)?;
    let (id, now, by) = (new_id!(EndpointId), moment::now(), caller.member.id);
    let (handle, told) = (center.clone(), kind.is_ours().then(|| secret.clone()));
    let write = move |tx: &Tx| {
        if rows::count(tx, tenant)? >= MOST {
            return Err(Refused::TooManyWebhooks { most: MOST }.into());
        }
        let confidential = Confidential { url: url.to_string(), secret, old_secret: None };
        let sealed = seal(&handle, tx, id, &confidential)?;
        let endpoint = Endpoint {
            id,
            tenant,
            kind,
            name,
            shown: rule::shown(kind, &url),
            sealed: sealed.text,
            sealing_key: sealed.key,
            old_until: None,
            kinds: new.events,
            lang,
            is_enabled: true,
            why: String::new(),
            failures: 0,
            rest_until: None,
            created_by: by,
            created_at: now,
        };
        rows::insert(tx, &endpoint)?;
        let detail =
            json!({ "name": endpoint.name, "address": endpoint.shown, "endpoint_kind": kind.code() });
        let view = WebhookView::of(tx, &mut Names::of(tx), endpoint)?;
        Ok(Changed::new(id, detail, view))
    };
    let webhook = center.change(may, write, |_, _| ()).await?;
    Ok(MadeWebhook { webhook, secret: told })
}

/// Changes an endpoint.
pub async fn change(
    center: &Center,
    caller: &Caller,
    id: &str,
    change: WebhookChange,
) -> Result<WebhookView, AppError> {
    let (may, found) = to_keep(center, caller, id).await?;
    let name = change.name.map(|name| params::line::<64>(field::NAME, name)).transpose()?;
    let lang = change.lang.as_deref().map(read_lang).transpose()?;
    if let Some(events) = &change.events {
        check_events(center, events)?;
    }
    let id = found.id;
    let write = move |tx: &Tx| {
        let before = rows::get(tx, id)?;
        let mut endpoint = before.clone();
        if let Some(name) = name {
            endpoint.name = name.into();
        }
        if let Some(events) = change.events {
            endpoint.kinds = events;
        }
        if let Some(lang) = lang {
            endpoint.lang = lang;
        }
        if let Some(is_enabled) = change.is_enabled {
            if is_enabled && !endpoint.is_enabled {
                (endpoint.failures, endpoint.rest_until) = (0, None);
            }
            (endpoint.is_enabled, endpoint.why) = (is_enabled, String::new());
        }
        let is_same = endpoint == before;
        rows::set(tx, &endpoint)?;
        let detail =
            json!({ "name": endpoint.name, "address": endpoint.shown, "is_enabled": endpoint.is_enabled });
        let view = WebhookView::of(tx, &mut Names::of(tx), endpoint)?;
        Ok(if is_same { Changed::nothing(view) } else { Changed::new(id, detail, view) })
    };
    center.change(may, write, |_, _| ()).await
}

/// Gives a webhook another secret. The one before signs as well for a day.
pub async fn rotate(center: &Center, caller: &Caller, id: &str) -> Result<MadeWebhook, AppError> {
    let (may, found) = to_keep(center, caller, id).await?;
    if !found.kind.is_ours() {
        let wrong = Wrong::unknown(found.kind.code(), &[EndpointKind::Webhook.code()]);
        return Err(AppError::invalid(field::KIND, wrong));
    }
    let (id, now, secret) = (found.id, moment::now(), sign::secret_of(&moment::random()));
    let (handle, new) = (center.clone(), secret.clone());
    let write = move |tx: &Tx| {
        let mut endpoint = rows::get(tx, id)?;
        let opened = handle.open(id.as_bytes(), CONFIDENTIAL, &endpoint.confidential())?;
        let before: Confidential = serde_json::from_str(&opened).map_err(AppError::internal)?;
        let confidential = Confidential { secret: new, old_secret: Some(before.secret), url: before.url };
        let sealed = seal(&handle, tx, id, &confidential)?;
        (endpoint.sealed, endpoint.sealing_key) = (sealed.text, sealed.key);
        endpoint.old_until = Some(now.plus(BOTH_SIGN));
        rows::set(tx, &endpoint)?;
        let detail = json!({ "name": endpoint.name, "address": endpoint.shown, "new_secret": true });
        Ok(Changed::new(id, detail, WebhookView::of(tx, &mut Names::of(tx), endpoint)?))
    };
    let webhook = center.change(may, write, |_, _| ()).await?;
    Ok(MadeWebhook { webhook, secret: Some(secret) })
}

/// Removes an endpoint, with what waits for it.
pub async fn remove(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let (may, found) = to_keep(center, caller, id).await?;
    let write = move |tx: &Tx| {
        rows::delete(tx, found.id)?;
        let detail = json!({ "name": found.name, "address": found.shown, "is_removed": true });
        Ok(Changed::new(found.id, detail, ()))
    };
    center.change(may, write, |_, ()| ()).await
}

/// Sends an event that means nothing, to see whether it gets there.
pub async fn test(center: &Center, caller: &Caller, id: &str) -> Result<DeliveryView, AppError> {
    let (may, found) = to_keep(center, caller, id).await?;
    let delivery = Delivery::new(found.id, None, write::TEST, moment::now());
    let write = move |tx: &Tx| {
        rows::insert_delivery(tx, &delivery)?;
        let detail = json!({ "name": found.name, "address": found.shown, "is_test": true });
        Ok(Changed::new(found.id, detail, DeliveryView::of(delivery.clone())))
    };
    center.change(may, write, |_, _| ()).await
}

/// The newest deliveries to an endpoint, of one state or of all.
pub async fn deliveries(
    center: &Center,
    caller: &Caller,
    id: &str,
    state: Option<&str>,
) -> Result<Vec<DeliveryView>, AppError> {
    let found = find(center, caller, id).await?;
    center.policies.check(caller, rule::READ, found.tenant)?;
    let known = DeliveryState::ALL.map(DeliveryState::code);
    let given = state.filter(|text| !text.is_empty());
    let state =
        given.map(|text| params::word(field::STATE, text, DeliveryState::from_code, &known)).transpose()?;
    let all = center.read(move |tx| rows::deliveries(tx, found.id, state, MOST_LISTED)).await?;
    Ok(all.into_iter().map(DeliveryView::of).collect())
}

/// Posts an event again, under the id that it had.
pub async fn replay(
    center: &Center,
    caller: &Caller,
    id: &str,
    delivery: &str,
) -> Result<DeliveryView, AppError> {
    let (may, found) = to_keep(center, caller, id).await?;
    let delivery: DeliveryId = params::id(delivery, "delivery")?;
    let now = moment::now();
    let write = move |tx: &Tx| {
        if rows::get_delivery(tx, delivery)?.endpoint != found.id {
            return Err(AppError::not_found("delivery", delivery));
        }
        rows::again(tx, delivery, now)?;
        let view = DeliveryView::of(rows::get_delivery(tx, delivery)?);
        let detail = json!({ "name": found.name, "address": found.shown, "is_replay": true });
        Ok(Changed::new(found.id, detail, view))
    };
    center.change(may, write, |_, _| ()).await
}
