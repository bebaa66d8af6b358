//! Layers around every answer.

use std::any::Any;

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
};

use crate::error::AppError;

/// Makes a panic a failure of the center like any other. Belongs inside the layer that renders errors.
pub fn catch_panics() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        AppError::internal(text.unwrap_or_else(|| "a panic".into())).into_response()
    })
}

/// The least answer that is worth it to be compressed: one that fills a packet.
const LEAST_COMPRESSED: u64 = 1024;

/// Compresses text for those who take it so. Streams of events are left alone: each event is to arrive as it happens.
pub fn compress() -> CompressionLayer<impl Predicate> {
    let is_worth_it = SizeAbove::new(LEAST_COMPRESSED)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("application/octet-stream"));
    CompressionLayer::new().compress_when(is_worth_it)
}

/// Keeps browsers from guessing, from keeping and from telling others. An answer that says its own policy of
/// contents or of caching keeps it.
pub fn secure(headers: &mut HeaderMap, contents: &'static str, referrer: &'static str) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(contents));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
