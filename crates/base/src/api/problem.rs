//! Errors as problem documents (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Lang, SpecProblem};
use serde::Serialize;

use crate::{
    error::{AppError, Unreadable},
    http,
};

/// What was wrong, where, and what to do.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `/api/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the status says, in words.
    pub title: String,
    pub status: u16,
    /// What was wrong.
    pub detail: String,
    /// For programs; never changes its meaning.
    pub code: String,
    /// What to do about it.
    pub hint: String,
    /// Each place in the request that is wrong.
    pub errors: Vec<WrongPlace>,
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

/// A place in a request that is wrong.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WrongPlace {
    /// The field as it is written in JSON, or the line and option of a script.
    pub field: String,
    /// What is wrong there.
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

impl From<&SpecProblem> for WrongPlace {
    fn from(SpecProblem { place, wrong }: &SpecProblem) -> Self {
        let (problem, hint) = (wrong.problem(Lang::En), wrong.hint(Lang::En));
        Self { field: place.text(Lang::En), problem, hint }
    }
}

impl Problem {
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let title =
            StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        Self {
            kind: format!("/api/problems/{code}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            hint: String::new(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    #[must_use]
    pub fn with_hint(self, hint: &str) -> Self {
        Self { hint: hint.to_owned(), ..self }
    }

    /// The center's own fault: told in the log, not to the caller.
    pub fn internal(cause: &str) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(500, "internal", "the center failed to do this")
            .with_hint("try again; if it stays, tell the operators")
    }
}

impl From<&AppError> for Problem {
    fn from(error: &AppError) -> Self {
        let status = http::status(error).as_u16();
        let told = |code: &str, hint: &str| Self::new(status, code, error.to_string()).with_hint(hint);
        match error {
            AppError::Unauthenticated(_) => {
                told("unauthenticated", "send `Authorization: Bearer` with a token from POST /api/v1/login")
            }
            AppError::Forbidden { .. } => {
                told("forbidden", "ask an administrator of your tenant, or the center")
            }
            AppError::NotFound { noun, .. } => {
                let hint = format!("list the {noun}s that you may see, and take an id from there");
                told("not_found", &hint)
            }
            AppError::NoSuchRoute { .. } => {
                told("no_such_route", "GET /api/openapi.json lists all that there is")
            }
            AppError::MethodNotAllowed { .. } => {
                told("method_not_allowed", "GET /api/openapi.json lists the methods of each route")
            }
            AppError::Unreadable { part, .. } => told(part.code(), how_to_write(*part)),
            AppError::Invalid(problems) => {
                let hint = problems.first().map(|problem| problem.wrong.hint(Lang::En)).unwrap_or_default();
                let errors = problems.iter().map(WrongPlace::from).collect();
                Self { errors, ..told("invalid", &hint) }
            }
            AppError::Refused { code, hint, .. } => told(code.code(), hint),
            AppError::TooMany { retry_after_s } => Self {
                retry_after_s: Some(*retry_after_s),
                ..told("too_many_requests", "wait as `Retry-After` says")
            },
            AppError::Internal(cause) => Self::internal(cause),
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::from(&error)
    }
}

fn how_to_write(part: Unreadable) -> &'static str {
    match part {
        Unreadable::Path => "write the id as the list gives it",
        Unreadable::Query => "GET /api/openapi.json lists the parameters",
        Unreadable::Form | Unreadable::ContentType => "send JSON with Content-Type: application/json",
        Unreadable::Body => "send the request again",
        Unreadable::TooLarge => "send less at once",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = self.retry_after_s;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
