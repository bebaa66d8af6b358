//! The `Idempotency-Key` header on everything that is posted: the same request with the same key takes effect
//! once, and is answered as the first time.
//!
//! That it was carried out is kept in the transaction that makes the change (see [`Base::change`]),
//! its answer right after. Submitting jobs has its own way, in one transaction for both.

use std::{collections::HashSet, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use utoipa::openapi::{OpenApi, path::Operation};

use crate::api::{
    Problem,
    extract::{Auth, Key},
};
use crate::{
    Base,
    auth::once::{Answer, Once},
    error::AppError,
    http::read_body,
};

/// Says that an answer is that of the first time.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The most of an answer that is kept, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// The mark of a route whose posts keep keys of their own (`own`), or change nothing that could be done twice (`none`):
/// an extension in the route's own description.
pub const KEYS: &str = "x-idempotency-key";

/// The mark of a route whose answers hold a secret, which is told once and kept nowhere.
pub const SECRET: &str = "x-secret-answer";

/// The paths of routes with the marks [`KEYS`] and [`SECRET`].
#[derive(Clone, Debug, Default)]
pub struct Marks {
    elsewhere: Arc<HashSet<String>>,
    secret: Arc<HashSet<String>>,
}

impl Marks {
    pub fn of(document: &OpenApi) -> Self {
        let marked = |mark: &str| {
            let paths = document.paths.paths.iter();
            let is_marked = |post: &Operation| {
                post.extensions.as_ref().is_some_and(|extensions| extensions.contains_key(mark))
            };
            let paths = paths.filter(|(_, item)| item.post.as_ref().is_some_and(is_marked));
            Arc::new(paths.map(|(path, _)| path.clone()).collect())
        };
        Self { elsewhere: marked(KEYS), secret: marked(SECRET) }
    }
}

pub async fn layer(State((base, marks)): State<(Base, Marks)>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let is_post = request.method() == Method::POST && !marks.elsewhere.contains(&path);
    if !is_post || !request.headers().contains_key("idempotency-key") {
        return next.run(request).await;
    }
    match keyed(&base, request, next, marks.secret.contains(&path)).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(base: &Base, request: Request, next: Next, is_secret: bool) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Key(key) = Key::from_request_parts(&mut parts, base).await?;
    let Auth(mut caller) = Auth::from_request_parts(&mut parts, base).await?;
    let bytes = read_body(body, base.common.limits.body_kib).await?;
    let path = parts.uri.path().to_owned();
    let once = Once::new(caller.member.id, &key.unwrap_or_default(), &[b"POST", path.as_bytes(), &bytes])?;
    let once = Arc::new(once);
    let asked = once.clone();
    let earlier = base.try_read(move |tx| asked.earlier(tx)).await?;
    if let Some(Answer { status, body }) = earlier {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Ok((status, [kind, (REPLAYED, HeaderValue::from_static("true"))], body).into_response());
    }
    caller.once = Some(once.clone());
    parts.extensions.insert(caller);
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if !once.has_begun() || !response.status().is_success() || is_secret {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.map_err(AppError::internal)?;
    let answer = Answer { status: parts.status.as_u16(), body: String::from_utf8_lossy(&bytes).into_owned() };
    // The change is made. Failing to keep its answer does not undo it.
    if let Err(error) = base.write(move |tx| once.answer(tx, &answer), |_, ()| {}).await {
        tracing::error!(%error, "failed to keep the answer to a request with an idempotency key");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}
