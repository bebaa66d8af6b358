//! The static files, part of the program.

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

#[derive(Clone, Copy)]
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

/// The names of style sheets, and all of them as one.
macro_rules! styles {
    ($($name:literal),*) => {
        (&[$($name),*], concat!($(include_str!(concat!("../../static/css/", $name, ".css"))),*))
    };
}

/// The rules by which the rows of a table become cards: for tables of at least so many columns, in at most so many rem. The
/// column in which rows are picked hardly takes room, and does not count.
macro_rules! cards {
    ($($columns:literal: $room:literal,)*) => {
        concat!("@media screen {", $(
            "@container (max-width: ", $room, "rem) { .table:not(.stays):has(th:nth-child(", $columns, " of :not(.pick))) {",
            include_str!("../../static/css/cards.css"), "} }",
        )* "}")
    };
}

const CARDS: &str = cards! {
    2: 26,
    3: 26,
    4: 31,
    5: 38,
    6: 48,
    7: 60,
    8: 66,
    9: 74,
    10: 82,
};

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: &[Asset] = assets! {
    "qiantang.js": JS,
    "live.js": JS,
    "live-worker.js": JS,
    "log.js": JS,
    "icons.svg": SVG,
    "logo.svg": SVG,
    "favicon.svg": SVG,
    "tide-rail.svg": SVG,
    "tide-wide.svg": SVG,
    "vendor/htmx-2.0.11.min.js": JS,
    "vendor/idiomorph-0.8.0.min.js": JS,
};

/// In this order: a later one may say otherwise than one before it.
const STYLES: (&[&str], &str) = styles![
    "tokens",
    "ground",
    "shell",
    "layout",
    "words",
    "forms",
    "gate",
    "front",
    "narrow",
    "tables",
    "charts",
    "hall",
    "contracts",
    "jobs",
    "log",
    "api",
    "statement",
    "print"
];

/// A browser asks for the styles once.
static STYLE: LazyLock<String> = LazyLock::new(|| format!("{}{CARDS}", STYLES.1));

fn style() -> Asset {
    Asset { path: "/static/qiantang.css", kind: CSS, bytes: STYLE.as_bytes() }
}

pub fn router() -> Router {
    let mut router = Router::new();
    for asset in ASSETS.iter().copied().chain([style()]) {
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
            async move { serve(&asset, cache, tag, &headers) }
        };
        router = router.route(asset.path, get(answer.clone()));
        if asset.path == "/static/favicon.svg" {
            router = router.route("/favicon.svg", get(answer.clone())).route("/favicon.ico", get(answer));
        }
    }
    router
}

fn serve(asset: &Asset, cache: &'static str, tag: HeaderValue, asked: &HeaderMap) -> Response {
    let is_known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag);
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ETAG, tag);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // An image opened by itself must not be a page that runs something; a worker asks its own center.
    let policy = match asset.kind {
        JS => "default-src 'none'; connect-src 'self'",
        _ => "default-src 'none'; style-src 'unsafe-inline'",
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_style_sheet_is_sent_and_says_nothing_that_is_not_there() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("static/css");
        let files = testkit::files_below(&folder);
        let there: BTreeSet<String> = files
            .iter()
            .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
            .collect();
        let (names, _) = STYLES;
        assert_eq!(there, names.iter().chain(&["cards"]).map(|name| (*name).to_owned()).collect());
        let styles = STYLE.as_str();
        assert_eq!(styles.matches('{').count(), styles.matches('}').count());
        let defined: BTreeSet<&str> = styles
            .split("--")
            .skip(1)
            .filter_map(|rest| rest.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        let used = styles.split("var(--").skip(1);
        for name in used.filter_map(|rest| rest.split([')', ',']).next()) {
            assert!(defined.contains(name), "--{name} has no value");
        }
    }
}
