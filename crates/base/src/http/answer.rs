//! Errors on their way to the front that was asked.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::error::{AppError, Unreadable};

/// The one place that says which status an error has.
pub fn status(error: &AppError) -> StatusCode {
    match error {
        AppError::Unauthenticated(_) | AppError::WrongPassword => StatusCode::UNAUTHORIZED,
        AppError::Forbidden { .. } | AppError::ForeignForm => StatusCode::FORBIDDEN,
        AppError::NotFound { .. } | AppError::NoSuchRoute { .. } => StatusCode::NOT_FOUND,
        AppError::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        AppError::Unreadable { part, .. } => match part {
            Unreadable::Path | Unreadable::Query | Unreadable::Form | Unreadable::Body => {
                StatusCode::BAD_REQUEST
            }
            Unreadable::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Unreadable::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        },
        AppError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AppError::Refused(refused) if refused.is_for_lack_of_room() => StatusCode::INSUFFICIENT_STORAGE,
        AppError::Refused(refused) if refused.is_for_lack_of_proof() => StatusCode::FORBIDDEN,
        AppError::Refused(_) => StatusCode::CONFLICT,
        AppError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        AppError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        AppError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A center that stops to be started anew is back by then.
const AFTER_A_STOP_S: u64 = 5;
/// What fills a disk is ended within seconds; where people have to make room, it takes longer.
const AFTER_A_FULL_DISK_S: u64 = 15;

/// After how many seconds the same request may go through, where time alone can help.
pub fn retry_after_s(error: &AppError) -> Option<u64> {
    match error {
        AppError::TooMany { retry_after_s } => Some(*retry_after_s),
        AppError::Stopping => Some(AFTER_A_STOP_S),
        AppError::Refused(refused) if refused.is_for_lack_of_room() => Some(AFTER_A_FULL_DISK_S),
        _ => None,
    }
}

/// An error in an answer that no front has rendered yet.
#[derive(Clone, Debug)]
struct Failure(Arc<AppError>);

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status = status(&self);
        // The line is read only where a front failed to render the error.
        let mut response = (status, format!("{status}\n")).into_response();
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

/// Takes the error out of an answer that is one.
pub fn failure_of(response: &mut Response) -> Option<Arc<AppError>> {
    response.extensions_mut().remove::<Failure>().map(|failure| failure.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_in_its_answer_once() {
        let mut response = AppError::not_found("page", "x").into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let found = failure_of(&mut response).expect("the error");
        assert!(matches!(*found, AppError::NotFound { noun: "page", .. }));
        assert!(failure_of(&mut response).is_none());
        assert!(failure_of(&mut "all is well".into_response()).is_none());
    }
}
