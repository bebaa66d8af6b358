//! The static files, part of the program.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

struct Asset {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($path:literal: $kind:expr,)*) => {
        &[$(Asset { path: concat!("/static/", $path), kind: $kind, bytes: include_bytes!(concat!("../../static/", $path)) },)*]
    };
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: &[Asset] = assets! {
    "qiantang.css": CSS,
    "qiantang-data.css": CSS,
    "qiantang.js": JS,
    "icons.svg": SVG,
    "logo.svg": SVG,
    "favicon.svg": SVG,
    "tide-rail.svg": SVG,
    "tide-wide.svg": SVG,
    "tideline.svg": SVG,
    "vendor/htmx-2.0.11.min.js": JS,
    "vendor/htmx-ext-sse-2.2.4.min.js": JS,
};

pub fn router() -> Router {
    let mut router = Router::new();
    for asset in ASSETS {
        // Vendored files carry their version in their name and never change under it.
        let cache = if asset.path.contains("/vendor/") {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=300, must-revalidate"
        };
        let digest = Sha256::digest(asset.bytes);
        let tag = u64::from_be_bytes(std::array::from_fn(|i| digest[i]));
        let tag = HeaderValue::from_str(&format!("\"{tag:016x}\"")).expect("hexadecimal digits");
        let answer = move |headers: HeaderMap| {
            let tag = tag.clone();
            async move { serve(asset, cache, tag, &headers) }
        };
        router = router.route(asset.path, get(answer.clone()));
        if asset.path == "/static/favicon.svg" {
            router = router.route("/favicon.svg", get(answer.clone())).route("/favicon.ico", get(answer));
        }
    }
    router
}

fn serve(asset: &'static Asset, cache: &'static str, tag: HeaderValue, asked: &HeaderMap) -> Response {
    let is_known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag);
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ETAG, tag);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // An image opened by itself must not be a page that runs something.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    response
}
