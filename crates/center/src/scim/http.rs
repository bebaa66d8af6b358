//! SCIM over HTTP: `/scim/v2`.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequestParts, Path, Query, Request, State},
    http::{StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use base::{
    auth::credentials,
    error::AppError,
    http::{catch_panics, failure_of, secure},
    moment,
};
use serde::Deserialize;
use serde_json::Value;
use store::{Tx, tenants};

use super::{
    filter,
    patch::{OF_GROUP, OF_USER},
    people::{Directory, joined},
    rows,
    rule::{PREFIX, ScimToken},
    wire::{self, Fault, MOST_LISTED, answer, list, narrowed},
};
use crate::center::Center;

/// The most bytes of a request: a group with all its members.
const MOST_BYTES: usize = 4 << 20;
/// A token's use is noted at most so often.
const NOTE_EVERY_MS: i64 = 600_000;

pub fn router(center: Center) -> Router {
    Router::new()
        .route("/scim/v2/ServiceProviderConfig", get(config))
        .route("/scim/v2/ResourceTypes", get(resource_types))
        .route("/scim/v2/ResourceTypes/{id}", get(resource_type))
        .route("/scim/v2/Schemas", get(schemas))
        .route("/scim/v2/Schemas/{id}", get(schema))
        .route("/scim/v2/Users", get(list_users).post(make_user))
        .route("/scim/v2/Users/{id}", get(show_user).put(put_user).patch(patch_user).delete(remove_user))
        .route("/scim/v2/Groups", get(list_groups).post(make_group))
        .route("/scim/v2/Groups/{id}", get(show_group).put(put_group).patch(patch_group).delete(remove_group))
        .route("/scim/{*rest}", axum::routing::any(no_such))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(catch_panics())
        .layer(middleware::from_fn(around))
        .with_state(center)
}

async fn no_such(uri: axum::http::Uri) -> Fault {
    Fault::not_found("resource", uri.path())
}

/// Tells errors as SCIM does.
async fn around(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(error) = failure_of(&mut response) {
        let fault = Fault { status: base::http::status(&error), kind: None, detail: error.to_string() };
        response = fault.into_response();
    } else if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let detail = "this is no method of it".to_owned();
        response = Fault { status: StatusCode::METHOD_NOT_ALLOWED, kind: None, detail }.into_response();
    } else if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("the body is above {} KiB", MOST_BYTES >> 10);
        response = Fault { status: StatusCode::PAYLOAD_TOO_LARGE, kind: None, detail }.into_response();
    }
    secure(response.headers_mut(), "default-src 'none'", "no-referrer");
    response
}

/// A directory that has shown its token, and where it asks.
struct Shown {
    token: ScimToken,
    base: String,
}

impl FromRequestParts<Center> for Shown {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, center: &Center) -> Result<Self, Fault> {
        let unknown = || Fault {
            status: StatusCode::UNAUTHORIZED,
            kind: None,
            detail: "the token is none, was revoked, or has expired".to_owned(),
        };
        let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let secret =
            text(header::AUTHORIZATION).and_then(|shown| shown.strip_prefix("Bearer ")).unwrap_or_default();
        if !secret.starts_with(PREFIX) {
            return Err(unknown());
        }
        let hash = credentials::hash(secret);
        let token = center.read(move |tx| rows::find_token(tx, &hash)).await?;
        let now = moment::now();
        let token =
            token.filter(|token| token.revoked_at.is_none() && now < token.expires_at).ok_or_else(unknown)?;
        center.limits.request(&format!("scim {}", token.id))?;
        let base = if let Some(url) = &center.settings.sign_in.url {
            format!("{url}/scim/v2")
        } else {
            let scheme = if center.settings.has_secure_cookies() { "https" } else { "http" };
            format!("{scheme}://{}/scim/v2", text(header::HOST).unwrap_or_default())
        };
        Ok(Self { token, base })
    }
}

/// Reads with what the directory may see.
async fn read(
    center: &Center,
    shown: Shown,
    work: impl FnOnce(&mut Directory<'_>) -> Result<Value, Fault> + Send + 'static,
) -> Result<Value, Fault> {
    let settings = center.settings.clone();
    center.read(move |tx| Ok(at_work(tx, &shown, &settings.oidc, work).map(|(value, _, _)| value))).await?
}

type Done = (Value, Vec<domain::PersonId>, Vec<base::events::Event>);

fn at_work(
    tx: &Tx,
    shown: &Shown,
    issuers: &[crate::settings::oidc::OidcSettings],
    work: impl FnOnce(&mut Directory<'_>) -> Result<Value, Fault>,
) -> Result<Done, Fault> {
    let tenant = shown.token.tenant.map(|id| tenants::get_tenant(tx, id)).transpose()?;
    let mut directory = Directory {
        tx,
        token: &shown.token,
        slug: tenant.map(|tenant| tenant.slug),
        issuers,
        now: moment::now(),
        base: &shown.base,
        persons: Vec::new(),
        events: Vec::new(),
    };
    let value = work(&mut directory)?;
    Ok((value, directory.persons, directory.events))
}

/// A refusal inside of a transaction, which undoes it.
#[derive(Debug)]
struct Undone(Fault);

impl std::fmt::Display for Undone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Undone {}

/// Changes something, with its lines in the audit log and its events, or nothing.
async fn write(
    center: &Center,
    shown: Shown,
    work: impl FnOnce(&mut Directory<'_>) -> Result<Value, Fault> + Send + 'static,
) -> Result<Value, Fault> {
    let settings = center.settings.clone();
    let act = move |tx: &Tx| {
        let now = moment::now();
        if shown.token.last_used_at.is_none_or(|at| now.since(at).0 > NOTE_EVERY_MS) {
            rows::note_use(tx, shown.token.id, now)?;
        }
        at_work(tx, &shown, &settings.oidc, work).map_err(|fault| AppError::internal(Undone(fault)))
    };
    let told = |center: &Center, (_, persons, events): &Done| {
        for person in persons {
            center.credentials.forget_person(*person);
        }
        for event in events {
            center.tell(event.clone());
        }
    };
    match center.write(act, told).await {
        Ok((value, _, _)) => Ok(value),
        Err(AppError::Internal(cause)) => match cause.downcast::<Undone>() {
            Ok(undone) => Err(undone.0),
            Err(cause) => Err(AppError::Internal(cause).into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// The body of a request, of one of SCIM's types.
struct Sent(Value);

impl axum::extract::FromRequest<Center> for Sent {
    type Rejection = Fault;

    async fn from_request(request: Request, center: &Center) -> Result<Self, Fault> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !matches!(&*kind, "application/scim+json" | "application/json") {
            let detail = "the body is application/scim+json".to_owned();
            return Err(Fault { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, kind: None, detail });
        }
        let bytes = Bytes::from_request(request, center).await.map_err(|error| Fault {
            status: error.status(),
            kind: None,
            detail: error.body_text(),
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Fault::bad("invalidSyntax", error.to_string()))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    filter: Option<String>,
    #[serde(rename = "startIndex")]
    start: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    #[serde(rename = "excludedAttributes")]
    but: Option<String>,
}

impl Asked {
    /// From which thing on, counted from 1, and how many.
    fn page(&self) -> Result<(usize, usize), Fault> {
        let number = |text: &Option<String>, name: &str, none: i64| match text {
            None => Ok(none),
            Some(text) => {
                text.parse::<i64>().map_err(|_| Fault::value(format!("`{name}` is a whole number")))
            }
        };
        let most = i64::try_from(MOST_LISTED).unwrap_or(i64::MAX);
        let start = number(&self.start, "startIndex", 1)?.clamp(1, 1 << 31);
        let count = number(&self.count, "count", 100)?.clamp(0, most);
        Ok((usize::try_from(start).unwrap_or(1), usize::try_from(count).unwrap_or(0)))
    }

    fn narrowed(&self, resource: Value) -> Value {
        narrowed(resource, self.attributes.as_deref(), self.but.as_deref())
    }
}

async fn config(shown: Shown) -> Response {
    answer(StatusCode::OK, &wire::config(&shown.base))
}

fn all(items: &[Value]) -> Response {
    answer(StatusCode::OK, &list(items.len(), 1, items))
}

fn one(items: Vec<Value>, id: &str) -> Result<Response, Fault> {
    let found = items.into_iter().find(|item| item["id"] == id);
    Ok(answer(StatusCode::OK, &found.ok_or_else(|| Fault::not_found("resource", id))?))
}

async fn resource_types(shown: Shown) -> Response {
    all(&wire::resource_types(&shown.base))
}

async fn resource_type(shown: Shown, Path(id): Path<String>) -> Result<Response, Fault> {
    one(wire::resource_types(&shown.base), &id)
}

async fn schemas(shown: Shown) -> Response {
    all(&wire::schemas(&shown.base))
}

async fn schema(shown: Shown, Path(id): Path<String>) -> Result<Response, Fault> {
    one(wire::schemas(&shown.base), &id)
}

/// Where a page begins and how much it has, as the store wants it.
fn rows_of((start, count): (usize, usize)) -> (u32, u32) {
    (u32::try_from(count).unwrap_or(0), u32::try_from(start - 1).unwrap_or(u32::MAX))
}

async fn list_users(
    State(center): State<Center>,
    shown: Shown,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let filter = asked.filter.as_deref().map(|text| filter::read(text, true)).transpose()?;
    let page = asked.page()?;
    let found = read(&center, shown, move |directory| {
        let (total, users) =
            rows::list_users(directory.tx, directory.tenant(), filter.as_ref(), rows_of(page))?;
        let items = users.iter().map(|user| Ok(asked.narrowed(directory.shown(user)?)));
        let items = items.collect::<Result<Vec<_>, Fault>>()?;
        Ok(list(usize::try_from(total).unwrap_or(usize::MAX), page.0, &items))
    });
    Ok(answer(StatusCode::OK, &found.await?))
}

async fn show_user(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let found = read(&center, shown, move |directory| {
        let user = directory.user(&id)?;
        Ok(asked.narrowed(directory.shown(&user)?))
    });
    Ok(answer(StatusCode::OK, &found.await?))
}

fn made(resource: &Value) -> Response {
    let mut response = answer(StatusCode::CREATED, resource);
    if let Some(at) = resource["meta"]["location"].as_str().and_then(|at| at.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, at);
    }
    response
}

async fn make_user(State(center): State<Center>, shown: Shown, Sent(body): Sent) -> Result<Response, Fault> {
    let given = OF_USER.read(&body)?;
    let resource = write(&center, shown, move |directory| {
        let user = directory.make(given)?;
        directory.shown(&user)
    });
    Ok(made(&resource.await?))
}

async fn put_user(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
    Sent(body): Sent,
) -> Result<Response, Fault> {
    let mut given = OF_USER.read(&body)?;
    let resource = write(&center, shown, move |directory| {
        let user = directory.user(&id)?;
        // Whoever is out is not let in by what says nothing of it.
        given.entry("active").or_insert(Value::Bool(user.is_active));
        let user = directory.change(&user, given)?;
        directory.shown(&user)
    });
    Ok(answer(StatusCode::OK, &resource.await?))
}

async fn patch_user(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
    Sent(body): Sent,
) -> Result<Response, Fault> {
    let resource = write(&center, shown, move |directory| {
        let user = directory.user(&id)?;
        let all = OF_USER.patched(joined(&user), &body)?;
        let user = directory.change(&user, all)?;
        directory.shown(&user)
    });
    Ok(answer(StatusCode::OK, &resource.await?))
}

async fn remove_user(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let removed = write(&center, shown, move |directory| {
        let user = directory.user(&id)?;
        directory.remove(&user).map(|()| Value::Null)
    });
    removed.await.map(|_| StatusCode::NO_CONTENT)
}

async fn list_groups(
    State(center): State<Center>,
    shown: Shown,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let filter = asked.filter.as_deref().map(|text| filter::read(text, false)).transpose()?;
    let page = asked.page()?;
    let found = read(&center, shown, move |directory| {
        let (total, groups) =
            rows::list_groups(directory.tx, directory.tenant(), filter.as_ref(), rows_of(page))?;
        let items = groups.iter().map(|group| Ok(asked.narrowed(directory.shown_group(group)?)));
        let items = items.collect::<Result<Vec<_>, Fault>>()?;
        Ok(list(usize::try_from(total).unwrap_or(usize::MAX), page.0, &items))
    });
    Ok(answer(StatusCode::OK, &found.await?))
}

async fn show_group(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let found = read(&center, shown, move |directory| {
        let group = directory.group(&id)?;
        Ok(asked.narrowed(directory.shown_group(&group)?))
    });
    Ok(answer(StatusCode::OK, &found.await?))
}

async fn make_group(State(center): State<Center>, shown: Shown, Sent(body): Sent) -> Result<Response, Fault> {
    let given = OF_GROUP.read(&body)?;
    let resource = write(&center, shown, move |directory| {
        let group = directory.make_group(&given)?;
        directory.shown_group(&group)
    });
    Ok(made(&resource.await?))
}

async fn put_group(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
    Sent(body): Sent,
) -> Result<Response, Fault> {
    let given = OF_GROUP.read(&body)?;
    let resource = write(&center, shown, move |directory| {
        let group = directory.group(&id)?;
        let group = directory.change_group(&group, &given)?;
        directory.shown_group(&group)
    });
    Ok(answer(StatusCode::OK, &resource.await?))
}

async fn patch_group(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
    Sent(body): Sent,
) -> Result<Response, Fault> {
    let resource = write(&center, shown, move |directory| {
        let group = directory.group(&id)?;
        let all = OF_GROUP.patched(directory.joined_group(&group)?, &body)?;
        let group = directory.change_group(&group, &all)?;
        directory.shown_group(&group)
    });
    Ok(answer(StatusCode::OK, &resource.await?))
}

async fn remove_group(
    State(center): State<Center>,
    shown: Shown,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let removed = write(&center, shown, move |directory| {
        let group = directory.group(&id)?;
        directory.remove_group(&group).map(|()| Value::Null)
    });
    removed.await.map(|_| StatusCode::NO_CONTENT)
}
