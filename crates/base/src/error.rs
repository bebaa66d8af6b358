//! Errors of requests to the center, before they become a page or a problem document.

use std::error::Error;

use domain::{
    Lang,
    problem::{Place, SpecProblem, Wrong},
};
use store::StoreError;
use tokio::task::JoinError;

use crate::refusal::{Paper, Refused};

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// No valid credentials came with the request.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// There is no such login, or not with this password, or its member is kept out: which is not told.
    #[error("the login or the password is wrong")]
    WrongPassword,
    /// The policies don't allow it, for a thing that the caller may know of.
    #[error("your role does not allow `{action}` here")]
    Forbidden { action: &'static str },
    /// A form without the token of the session's own pages, or from a page elsewhere.
    #[error("this form did not come from a page of yours")]
    ForeignForm,
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
    #[error("{}", .0.text(Lang::En))]
    Refused(Box<Refused>),
    #[error("too many requests: try again in {retry_after_s} s")]
    TooMany { retry_after_s: u64 },
    /// The center takes no more work: it ends, or starts anew.
    #[error("the center is stopping")]
    Stopping,
    /// The center's own fault: its disk or its engine fails. The cause is for the log.
    #[error("the center failed to do this: {}", chain(&**.0))]
    Internal(#[source] Box<dyn Error + Send + Sync>),
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

/// A cause, and the thing that it was met at.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Met {
    what: String,
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}

/// An error with its causes in one line. Some errors say their cause themselves, which is not said again.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.map(ToString::to_string).fold(error.to_string(), |told, cause| {
        if told.contains(&cause) { told } else { format!("{told}: {cause}") }
    })
}

impl AppError {
    /// A fault of the center: an error of a lower layer, or in words.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// A fault of the center that was met at `what`.
    pub fn internal_at(what: impl std::fmt::Display, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::internal(Met { what: what.to_string(), cause: cause.into() })
    }

    /// A file system of the center has no room for this.
    pub fn disk_full() -> Self {
        Refused::DiskFull.into()
    }

    pub fn not_found(noun: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { noun, id: format!("{id}").chars().take(80).collect() }
    }

    pub fn invalid(place: impl Into<Place>, wrong: impl Into<Wrong>) -> Self {
        Self::Invalid(vec![SpecProblem::new(place, wrong)])
    }
}

impl From<Paper> for AppError {
    fn from(refused: Paper) -> Self {
        Refused::Paper(refused).into()
    }
}

impl From<Refused> for AppError {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what } => Refused::AlreadyThere { what }.into(),
            StoreError::PeriodClosed { month, .. } => {
                Refused::PeriodClosed { month: month.to_string() }.into()
            }
            StoreError::NotFound { noun, id } => Self::NotFound { noun, id },
            StoreError::DiskFull { .. } => Self::disk_full(),
            StoreError::Busy { .. } => Self::TooMany { retry_after_s: 1 },
            StoreError::Closed => Self::Stopping,
            other => Self::internal(other),
        }
    }
}

/// Work that was handed to another thread ended without an answer.
impl From<JoinError> for AppError {
    fn from(error: JoinError) -> Self {
        if error.is_cancelled() { Self::Stopping } else { Self::internal(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_its_causes_and_says_them_once() {
        let cause = StoreError::Database { table: "jobs", cause: "disk I/O error".into() };
        let error = AppError::internal_at("job_1", cause.clone());
        let causes: Vec<String> = std::iter::successors(error.source(), |error| (*error).source())
            .map(ToString::to_string)
            .collect();
        assert_eq!(causes, ["job_1".to_owned(), cause.to_string()]);
        assert_eq!(
            error.to_string(),
            "the center failed to do this: job_1: failed to query the table `jobs`: disk I/O error"
        );
        assert!(matches!(AppError::from(cause), AppError::Internal(cause) if cause.is::<StoreError>()));
    }

    #[test]
    fn a_chain_says_each_cause_once() {
        let full = || Box::<dyn Error + Send + Sync>::from("disk full");
        let plain = Met { what: "failed to start".into(), cause: full() };
        assert_eq!(chain(&plain), "failed to start: disk full");
        let telling = Met { what: "failed to start: disk full".into(), cause: full() };
        assert_eq!(chain(&telling), "failed to start: disk full");
    }

    #[test]
    fn a_store_that_is_closed_means_that_the_center_is_stopping() {
        assert!(matches!(AppError::from(StoreError::Closed), AppError::Stopping));
    }

    #[tokio::test]
    async fn work_that_is_cut_off_is_no_fault_and_a_panic_is_one() {
        let cut_off = tokio::spawn(std::future::pending::<()>());
        cut_off.abort();
        assert!(matches!(AppError::from(cut_off.await.unwrap_err()), AppError::Stopping));
        let panicked = tokio::spawn(async { panic!("on purpose") });
        assert!(matches!(AppError::from(panicked.await.unwrap_err()), AppError::Internal(_)));
    }
}
