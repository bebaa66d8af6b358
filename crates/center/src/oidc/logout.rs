//! An issuer tells that a session of its has ended: the center's sessions that it began end too (back-channel logout).

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use base::{
    audit::{self, Change},
    auth::credentials,
    error::AppError,
    http::{catch_panics, failure_of, peer, secure, status},
    moment,
};
use serde::Deserialize;
use serde_json::json;
use store::{StoreError, Tx, credentials as rows, tenants};

use super::{fault::Fault, issuer::Issuer, rule, verify::Logout};
use crate::center::Center;

/// The most bytes of a logout token's form.
const MOST_BYTES: usize = 64 << 10;

pub fn router(center: Center) -> Router {
    Router::new()
        .route("/sign-in/oidc/{name}/logout", post(end))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(catch_panics())
        .layer(middleware::from_fn(around))
        .with_state(center)
}

/// Tells errors as issuers expect them.
async fn around(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(error) = failure_of(&mut response) {
        let body = json!({ "error": "invalid_request", "error_description": error.to_string() });
        let code =
            if matches!(*error, AppError::Refused(_)) { StatusCode::BAD_REQUEST } else { status(&error) };
        response = (code, axum::Json(body)).into_response();
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    secure(headers, "default-src 'none'", "no-referrer");
    response
}

#[derive(Deserialize)]
struct Sent {
    logout_token: String,
}

/// Who asks, for the limits.
struct From(String);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for From {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, AppError> {
        Ok(Self(peer(parts)))
    }
}

async fn end(
    State(center): State<Center>,
    Path(name): Path<String>,
    From(from): From,
    Form(sent): Form<Sent>,
) -> Result<StatusCode, AppError> {
    center.limits.request(&format!("logout {from}"))?;
    let issuer = center.issuers.named(&name).ok_or_else(|| AppError::not_found("issuer", &name))?.clone();
    let asked = issuer.clone();
    let token = tokio::task::spawn_blocking(move || asked.logout_token(&sent.logout_token)).await?;
    let token = token.map_err(|fault| fault.refused(&issuer.settings))?;
    end_sessions(&center, &issuer, token, from).await?;
    Ok(StatusCode::OK)
}

async fn end_sessions(center: &Center, issuer: &Issuer, token: Logout, from: String) -> Result<(), AppError> {
    let settings = issuer.settings.clone();
    let write = move |tx: &Tx| {
        let mark = credentials::hash(&format!("{} {}", settings.issuer, token.jti));
        match rows::use_token(tx, &mark, moment::now(), token.expires_at) {
            Err(StoreError::Conflict { .. }) => return Err(Fault::Replayed.refused(&settings)),
            other => other?,
        }
        // One that names the session ends that one alone.
        let subject = token.subject.as_deref();
        let begun = rows::begun_by(tx, &settings.issuer, subject, token.sid.as_deref())?;
        for session in &begun {
            rows::delete_session(tx, session.id)?;
        }
        if let Some(first) = begun.first() {
            let login = tenants::get_person(tx, first.person)?.login;
            let detail = json!({ "login": login, "issuer": settings.name, "sessions": begun.len() });
            let change =
                Change { tenant: None, action: rule::END, subject: first.person.to_string(), detail };
            audit::record_stranger(tx, &from, change)?;
        }
        Ok(begun)
    };
    let forget = |center: &Center, begun: &Vec<rows::Begun>| {
        for session in begun {
            center.credentials.forget(&session.hash);
        }
    };
    center.write(write, forget).await.map(drop)
}
