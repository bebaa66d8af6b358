//! Whole addresses of links that people hand on.

use axum::http::{HeaderMap, header};

use crate::center::Center;

/// The address of a path: as this browser names the center, so will the one that the link is sent to.
pub fn whole(center: &Center, headers: &HeaderMap, path: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if center.settings.has_secure_cookies() { "https" } else { "http" };
    format!("{scheme}://{host}{path}")
}
