//! Layers around every answer.

use std::any::Any;

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::AppError;

/// Makes a panic a failure of the center like any other. Belongs inside the layer that renders errors.
pub fn catch_panics() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        AppError::internal(text.unwrap_or_else(|| "a panic".into())).into_response()
    })
}

/// Keeps browsers from guessing, from keeping and from telling others. An answer that says its own policy of
/// contents or of caching keeps it.
pub fn secure(headers: &mut HeaderMap, contents: &'static str, referrer: &'static str) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(contents));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
