//! Errors as problem documents (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Lang, SpecProblem};
use serde::Serialize;
use serde_json::Value;

use super::chinese;
use crate::{
    error::{AppError, Unreadable},
    http,
    text::Sentence,
};

/// A problem document (RFC 9457): the fault, its place, and the advice on it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `/api/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The meaning of the status, in words.
    pub title: &'static str,
    pub status: u16,
    /// The fault, in words.
    pub detail: String,
    /// For programs; never changes its meaning.
    pub code: String,
    /// Advice on how to mend or avoid the fault.
    pub hint: String,
    /// Each place in the request that is wrong.
    pub errors: Vec<WrongPlace>,
    /// The fault in both languages; `null` where only those meet it who write programs.
    pub text: Option<Box<Sentence>>,
    /// The advice in both languages, as `text`.
    pub advice: Option<Box<Sentence>>,
    /// The values of a refusal, such as a limit and what it met. Their names are each code's own.
    #[schema(value_type = Object)]
    pub values: Box<Value>,
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

/// A place in a request that is wrong.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WrongPlace {
    /// The field as it is written in JSON, or the line and option of a script.
    pub field: String,
    /// The fault in that place, in words.
    pub problem: String,
    /// Advice on how to put it right.
    pub hint: String,
    /// The place, the fault and the advice in one line, in both languages; `null` where the body is not of the shape that is
    /// asked for, which is for whoever writes programs.
    pub text: Option<Sentence>,
}

impl From<&SpecProblem> for WrongPlace {
    fn from(problem: &SpecProblem) -> Self {
        let SpecProblem { place, wrong } = problem;
        let text = Sentence::of(|lang| problem.text(lang));
        let (told, hint) = (wrong.problem(Lang::En), wrong.hint(Lang::En));
        Self { field: place.text(Lang::En), problem: told, hint, text: Some(text) }
    }
}

impl Problem {
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let title =
            StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        Self {
            kind: format!("/api/problems/{code}"),
            title,
            status,
            detail: detail.into(),
            code: code.to_owned(),
            hint: String::new(),
            errors: Vec::new(),
            text: None,
            advice: None,
            values: Box::new(Value::Object(serde_json::Map::new())),
            retry_after_s: None,
        }
    }

    #[must_use]
    pub fn with_hint(self, hint: &str) -> Self {
        Self { hint: hint.to_owned(), ..self }
    }
}

impl From<&AppError> for Problem {
    fn from(error: &AppError) -> Self {
        let status = http::status(error).as_u16();
        let chinese = chinese::words(error);
        let in_both = |detail: &str, hint: &str| match chinese.clone() {
            Some((fault, advice)) => (
                Some(Box::new(Sentence { zh: fault, en: detail.to_owned() })),
                Some(Box::new(Sentence { zh: advice, en: hint.to_owned() })),
            ),
            None => (None, None),
        };
        let said = |code: &str, detail: String, hint: &str| {
            let (text, advice) = in_both(&detail, hint);
            let retry_after_s = http::retry_after_s(error);
            Self { text, advice, retry_after_s, ..Self::new(status, code, detail).with_hint(hint) }
        };
        let told = |code: &str, hint: &str| said(code, error.to_string(), hint);
        match error {
            AppError::Unauthenticated(_) => {
                told("unauthenticated", "send `Authorization: Bearer` with a token from POST /api/v1/login")
            }
            AppError::WrongPassword => {
                told("wrong_password", "check both; an operator or your administrator can set a new password")
            }
            AppError::Forbidden { action } => {
                let action = chinese::action_in(Lang::En, action);
                let detail = format!("your role does not have this right: {action}");
                said("forbidden", detail, "ask an administrator of your tenant, or the center")
            }
            AppError::ForeignForm => told("csrf", "load the page again, and send its form"),
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
                let all = |lang: Lang| problems.iter().map(|problem| problem.text(lang)).collect::<Vec<_>>();
                let text = Sentence {
                    zh: format!("请求有误：{}", all(Lang::Zh).join("；")),
                    en: error.to_string(),
                };
                let advice =
                    problems.first().map(|problem| Box::new(Sentence::of(|lang| problem.wrong.hint(lang))));
                Self { errors, text: Some(Box::new(text)), advice, ..told("invalid", &hint) }
            }
            AppError::Refused(refused) => Self {
                text: Some(Box::new(Sentence::of(|lang| refused.text(lang)))),
                advice: Some(Box::new(Sentence::of(|lang| refused.hint(lang)))),
                values: Box::new(refused.values()),
                ..told(refused.code(), &refused.hint(Lang::En))
            },
            AppError::TooMany { .. } => told("too_many_requests", "wait as `Retry-After` says"),
            AppError::Stopping => told("stopping", "wait as `Retry-After` says and send the request again"),
            // The cause is told in the log, not to the caller.
            AppError::Internal(_) => {
                tracing::error!(%error, "a request failed");
                said("internal", "the center failed to do this".to_owned(), TRY_AGAIN)
            }
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::from(&error)
    }
}

const TRY_AGAIN: &str = "try again; if it stays, tell the operators";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_center_that_stops_says_when_to_come_back() {
        let problem = Problem::from(AppError::Stopping);
        assert_eq!((problem.status, problem.code.as_str()), (503, "stopping"));
        assert_eq!(problem.detail, "the center is stopping");
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    }

    #[test]
    fn faults_that_people_meet_are_told_in_both_languages() {
        let errors = [
            AppError::WrongPassword,
            AppError::Forbidden { action: "manage_member" },
            AppError::not_found("price book", "x"),
            AppError::TooMany { retry_after_s: 3 },
            AppError::Stopping,
            AppError::internal("no"),
        ];
        for error in &errors {
            let problem = Problem::from(error);
            let (text, advice) = (problem.text.expect("text"), problem.advice.expect("advice"));
            assert_eq!((&text.en, &advice.en), (&problem.detail, &problem.hint));
            for zh in [&text.zh, &advice.zh] {
                assert!(zh.contains(|letter: char| ('\u{2e80}'..='\u{9fff}').contains(&letter)), "{zh}");
            }
        }
        assert_eq!(Problem::from(&errors[2]).text.unwrap().zh, "没有价目 `x`");
    }

    #[test]
    fn the_cause_of_a_fault_is_not_told_to_the_caller() {
        let problem = Problem::from(AppError::internal("/var/lib/center is full"));
        assert_eq!((problem.status, problem.code.as_str()), (500, "internal"));
        assert_eq!(problem.detail, "the center failed to do this");
        assert!(!problem.into_response().headers().contains_key(header::RETRY_AFTER));
    }
}
