//! What can go wrong when the center is asked for something, before it is a page or a problem document.

use domain::spec::SpecProblem;
use store::StoreError;

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
    /// A part of the request is not of the kind that is asked for, so that nothing can be said of what is in it.
    #[error("{message}")]
    Unreadable { part: Unreadable, message: String },
    /// The request itself is wrong, in these places.
    #[error("the request is not valid: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<SpecProblem>),
    /// It was understood, and can't be done as things stand.
    #[error("{message}")]
    Refused { code: &'static str, message: String, hint: String },
    #[error("too many requests: try again in {retry_after_s} s")]
    TooMany { retry_after_s: u64 },
    /// The center is stopping, or its disk or engine fails.
    #[error("the center failed to do this: {0}")]
    Internal(String),
}

/// The part of a request that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Path,
    Query,
    Form,
    Body,
    /// A body above its limit.
    TooLarge,
    ContentType,
}

impl Unreadable {
    /// For programs; never changes its meaning.
    pub fn code(self) -> &'static str {
        match self {
            Self::Path => "bad_path",
            Self::Query => "bad_query",
            Self::Form => "bad_form",
            Self::Body => "bad_body",
            Self::TooLarge => "too_large",
            Self::ContentType => "wrong_content_type",
        }
    }
}

impl AppError {
    pub fn not_found(noun: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { noun, id: format!("{id}").chars().take(80).collect() }
    }

    pub fn invalid(field: &str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid(vec![SpecProblem::new(field, problem, hint)])
    }

    pub fn refused(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into(), hint: hint.into() }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what } => Self::Refused {
                code: "already_there",
                message: format!("{what} is there already"),
                hint: "choose another, or change the one that is there".into(),
            },
            StoreError::NotFound { noun, id } => Self::NotFound { noun, id },
            StoreError::Busy { .. } => Self::TooMany { retry_after_s: 1 },
            other => Self::Internal(other.to_string()),
        }
    }
}
