//! What can go wrong when the center is asked for something, before it is a page or a problem document.

use domain::problem::{Place, SpecProblem, Wrong};
use store::StoreError;

use crate::refusal::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// No valid credentials came with the request.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The policies don't allow it, for a thing that the caller may know of.
    #[error("your role does not allow `{action}` here")]
    Forbidden { action: &'static str },
    /// It isn't there, or the caller may not know of it.
    #[error("there is no {noun} `{id}`")]
    NotFound { noun: &'static str, id: String },
    #[error("there is nothing at {path}")]
    NoSuchRoute { path: String },
    #[error("{method} is not a method of {path}")]
    MethodNotAllowed { method: String, path: String },
    /// A part of the request is not of the kind that is asked for, so that nothing can be said of the rest.
    #[error("{message}")]
    Unreadable { part: Unreadable, message: String },
    /// The request itself is wrong, in these places.
    #[error("the request is not valid: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<SpecProblem>),
    /// It was understood, and can't be done as things stand.
    #[error("{message}")]
    Refused { code: Refusal, message: String, hint: String },
    #[error("too many requests: try again in {retry_after_s} s")]
    TooMany { retry_after_s: u64 },
    /// The center is stopping, or its disk or engine fails.
    #[error("the center failed to do this: {0}")]
    Internal(String),
}

domain::codes! {
    /// The part of a request that can't be read. Each has its words among the portal's texts, behind `unreadable-`.
    pub enum Unreadable {
        Path = "bad_path",
        Query = "bad_query",
        Form = "bad_form",
        Body = "bad_body",
        /// A body above its limit.
        TooLarge = "too_large",
        ContentType = "wrong_content_type",
    }
}

impl AppError {
    pub fn not_found(noun: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { noun, id: format!("{id}").chars().take(80).collect() }
    }

    pub fn invalid(place: impl Into<Place>, wrong: impl Into<Wrong>) -> Self {
        Self::Invalid(vec![SpecProblem::new(place, wrong)])
    }

    pub fn refused(code: Refusal, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into(), hint: hint.into() }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what } => Self::Refused {
                code: Refusal::AlreadyThere,
                message: format!("{what} is there already"),
                hint: "choose another, or change the one that is there".into(),
            },
            StoreError::NotFound { noun, id } => Self::NotFound { noun, id },
            StoreError::Busy { .. } => Self::TooMany { retry_after_s: 1 },
            other => Self::Internal(other.to_string()),
        }
    }
}
