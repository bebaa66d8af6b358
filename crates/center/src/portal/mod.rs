//! The portal: the center in a browser. Pages are whole HTML that read and act without scripts; htmx only
//! keeps them fresh.

pub mod address;
pub(crate) mod api_docs;
pub(crate) mod audit;
pub(crate) mod capacity;
pub(crate) mod contracts;
pub(crate) mod event_list;
pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod member;
pub(crate) mod nodes;
pub(crate) mod overview;
pub(crate) mod people;
#[cfg(test)]
pub(crate) mod sample;
mod shell;
pub(crate) mod sign_in;
pub(crate) mod tenants;
pub(crate) mod tokens;
pub(crate) mod twin;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use base::{
    http::{catch_panics, method_not_allowed, no_such_route, secure},
    noun::{Platform, nouns},
    page::routes::Routes,
};
use domain::Lang;

use crate::center::Center;
pub use base::page::texts::text;

/// The content security policy: a page may load from its own center alone, and send to it alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn routes(platforms: &[Platform<Center>]) -> Routes<Center> {
    nouns(platforms).fold(Routes::default(), |all, noun| all.and((noun.pages)()))
}

/// Every path of a page, of a part of one, or of a stream.
pub fn pages(platforms: &[Platform<Center>]) -> Vec<&'static str> {
    routes(platforms).pages
}

/// Every path that takes a form.
pub fn forms(platforms: &[Platform<Center>]) -> Vec<&'static str> {
    routes(platforms).forms
}

pub fn router(center: Center) -> Router {
    let pages = routes(center.platforms)
        .router
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        // Bodies are read before, with a limit.
        .layer(DefaultBodyLimit::disable())
        .layer(catch_panics())
        .layer(middleware::from_fn_with_state(center.clone(), base::page::fault::tell_faults::<Center>))
        .layer(middleware::from_fn_with_state(center.clone(), switch_language))
        .layer(catch_panics())
        .layer(middleware::from_fn(guard))
        .with_state(center);
    pages.merge(base::page::assets::router())
}

/// The headers of every page. A report says its own policy, which is no less strict.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    secure(headers, POLICY, "same-origin");
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    response
}

/// `?lang=zh` or `?lang=en` on any page keeps the choice and shows the page again without it.
async fn switch_language(State(center): State<Center>, request: Request, next: Next) -> Response {
    let wanted =
        base::page::frame::query_value(request.uri().query(), "lang").and_then(|text| Lang::from_code(&text));
    match wanted {
        Some(lang) if request.method() == Method::GET => {
            let to = base::page::frame::without(request.uri(), "lang");
            let secure = if center.settings.has_secure_cookies() { "; Secure" } else { "" };
            let code = lang.code();
            let cookie = format!("lang={code}; Path=/; Max-Age=31536000; SameSite=Lax{secure}");
            ([(header::SET_COOKIE, cookie)], axum::response::Redirect::to(&to)).into_response()
        }
        _ => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Who may see a thing is decided in `app`, or in a noun's `ask`, which also says what is loaded with it: a page or
    /// a route that goes to the store or to the live state itself does neither.
    #[test]
    fn pages_and_routes_ask_app_alone() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = ["src/portal", "src/api"].map(|folder| root.join(folder));
        let of_nouns = ["src", "../industry/src", "../service/src"].map(|folder| root.join(folder));
        let of_nouns = of_nouns.iter().flat_map(|folder| testkit::files_below(folder));
        let of_nouns = of_nouns.filter(|path| path.ends_with("page.rs") || path.ends_with("api.rs"));
        // Broken in two, so that this file has none of them.
        let forbidden = [concat!("store", "::"), concat!(".li", "ve()"), concat!("center", ".store")];
        let files = folders.iter().flat_map(|folder| testkit::files_below(folder)).chain(of_nouns);
        let files: Vec<_> = files.collect();
        assert!(files.len() > 40, "{files:?}");
        for path in files {
            let source = std::fs::read_to_string(&path).expect("text");
            for word in forbidden {
                assert!(!source.contains(word), "{} has `{word}`: ask app instead", path.display());
            }
        }
    }
}
