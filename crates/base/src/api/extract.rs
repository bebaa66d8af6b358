//! Extractors of the API's handlers: the caller, queries and bodies. A fault in any of them is answered with
//! a problem document.

use axum::{
    extract::{FromRef, FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, Method, header, request::Parts},
};
use domain::JobSpec;
use domain::problem::{Wrong, field};
use serde::de::DeserializeOwned;

use crate::api::{Problem, problem::WrongPlace, shape, strict};
use crate::{
    Base,
    auth::{Caller, Once, credentials::SESSION_COOKIE, csrf, identity},
    error::{AppError, Unreadable},
    http::{cookie, peer, read_body},
    refusal::Refused,
};

pub use crate::http::Id;

/// The header that a page of the portal sends with what changes something.
const CSRF: &str = "x-csrf-token";

/// Who asks: the member of a bearer token, or of a browser's session. Counts towards the member's rate limit.
#[derive(Debug)]
pub struct Auth(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Auth
where
    Base: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let base = Base::from_ref(state);
        // A request with an idempotency key was looked at before.
        if let Some(caller) = parts.extensions.get::<Caller>() {
            return Ok(Self(caller.clone()));
        }
        let member = match bearer(&parts.headers) {
            Some(token) => identity::by_token(&base, token).await?,
            None => by_cookie(parts, &base).await?,
        };
        base.limits.request(&member.login)?;
        Ok(Self(Caller { member, from: peer(parts), once: None }))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

async fn by_cookie(parts: &Parts, base: &Base) -> Result<domain::Member, Problem> {
    let missing = AppError::Unauthenticated("no credentials came with the request");
    let secret = cookie(&parts.headers, SESSION_COOKIE).ok_or(missing)?;
    let session = identity::by_session(base, secret).await?;
    let session = session.ok_or(AppError::Unauthenticated("the session has ended: sign in again"))?;
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let sent = parts.headers.get(CSRF).and_then(|token| token.to_str().ok()).unwrap_or_default();
    if !is_safe && !csrf::is_of(&session.csrf, sent) {
        let detail = "a browser's session may change things only from the center's own pages";
        return Err(Problem::new(403, "csrf", detail).with_hint("send the session's token as X-CSRF-Token"));
    }
    if session.must_enrol {
        Err(AppError::from(Refused::SecondFactorNeeded).into())
    } else {
        Ok(session.member)
    }
}

/// Where a request without credentials comes from.
#[derive(Debug)]
pub struct Peer(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(peer(parts)))
    }
}

/// The query, read into `T`; unknown names are refused.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|error| {
            AppError::Unreadable { part: Unreadable::Query, message: error.body_text() }.into()
        })
    }
}

/// A JSON body, with its bytes for the idempotency key.
#[derive(Debug)]
pub struct Body<T> {
    pub value: T,
    pub bytes: axum::body::Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T>
where
    Base: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("application/json") {
            let shown: String = kind.chars().take(60).collect();
            let message = format!("the body came as `{shown}`");
            return Err(AppError::Unreadable { part: Unreadable::ContentType, message }.into());
        }
        let bytes = read_body(request.into_body(), Base::from_ref(state).common.limits.body_kib).await?;
        match strict::from_slice(&bytes) {
            Ok(value) => Ok(Self { value, bytes }),
            Err(error) => Err(unread::<T>(&bytes, &error).0),
        }
    }
}

/// Why a body can't be read: all of its faults, and what it says beside them.
fn unread<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> (Problem, Option<T>) {
    let (code, status) = if error.is_data() { ("invalid", 422) } else { ("bad_json", 400) };
    let detail = format!("the body does not have the form that is asked for: {error}");
    let mut problem =
        Problem::new(status, code, detail).with_hint("GET /api/openapi.json says how the body looks");
    match serde_json::from_slice(bytes) {
        Ok(body) if error.is_data() => {
            let (errors, read) = shape::faults(body);
            problem.errors = errors;
            (problem, read)
        }
        _ => (problem, None),
    }
}

/// The specification of a job. What is wrong with its form and what is wrong with what it says is told at once.
#[derive(Debug)]
pub struct Spec(pub Body<JobSpec>);

impl<S: Send + Sync> FromRequest<S> for Spec
where
    Base: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // As a body of any JSON first, for its content type and size.
        let Body { bytes, .. } = Body::<serde::de::IgnoredAny>::from_request(request, state).await?;
        match strict::from_slice(&bytes) {
            Ok(value) => Ok(Self(Body { value, bytes })),
            Err(error) => {
                let (mut problem, read) = unread::<JobSpec>(&bytes, &error);
                let more = read.map(|spec| spec.problems()).unwrap_or_default();
                // A place with a filler is told already.
                let is_told = |place: &WrongPlace, errors: &[WrongPlace]| {
                    errors.iter().any(|told| told.field.split('.').next() == place.field.split('.').next())
                };
                let more = more.iter().map(WrongPlace::from).filter(|place| !is_told(place, &problem.errors));
                let more: Vec<WrongPlace> = more.collect();
                problem.errors.extend(more);
                Err(problem)
            }
        }
    }
}

/// A body of bytes.
#[derive(Debug)]
pub struct Bytes(pub axum::body::Bytes);

impl<S: Send + Sync> FromRequest<S> for Bytes
where
    Base: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let most = Base::from_ref(state).common.limits.body_kib;
        Ok(Self(read_body(request.into_body(), most).await?))
    }
}

/// The idempotency key of a request, if it came with one.
#[derive(Debug)]
pub struct Key(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let not_text = |_| AppError::invalid(field::IDEMPOTENCY_KEY, Wrong::NotAnIdempotencyKey);
        Ok(Self(Some(value.to_str().map_err(not_text)?.to_owned())))
    }
}

impl Key {
    pub fn once(&self, caller: &Caller, route: &str, body: &[u8]) -> Result<Option<Once>, Problem> {
        let Some(key) = &self.0 else { return Ok(None) };
        Ok(Some(Once::new(caller.member.id, key, &[route.as_bytes(), body])?))
    }
}
