//! The portal: the center in a browser. Pages are whole HTML that read and act without scripts; htmx only keeps them
//! fresh.

mod assets;
mod audit;
mod capacity;
mod contract;
mod contract_acts;
mod contract_form;
mod contracts;
mod events;
mod extract;
mod fault;
mod form;
mod hall;
mod job;
mod jobs;
mod kit;
mod locale;
mod log;
mod nodes;
mod overview;
mod page;
mod people;
mod routes;
#[cfg(test)]
mod sample;
mod shell;
mod sign_in;
mod statement;
mod submit;
mod tables;
mod tokens;
mod twin;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use domain::Lang;

use crate::{
    center::Center,
    http::{catch_panics, method_not_allowed, no_such_route, secure},
};
pub use locale::{keys, text};
use routes::Routes;

/// What a page may load and where it may send: its own center alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn routes() -> Routes<Center> {
    Routes::default()
        .page("/", overview::page)
        .page("/sign-in", sign_in::page)
        .form("/sign-in", sign_in::enter)
        .form("/sign-out", sign_in::leave)
        .page("/events/stream", events::stream)
        .page("/jobs", jobs::page)
        .page("/jobs/{id}", job::page)
        .form("/jobs/{id}/cancel", job::cancel)
        .page("/jobs/{id}/log", log::download)
        .page("/jobs/{id}/log/stream", log::stream)
        .page("/submit", submit::page)
        .form("/submit", submit::submit)
        .form("/submit/dry-run", submit::dry_run)
        .page("/nodes", nodes::list)
        .page("/nodes/{name}", nodes::page)
        .form("/nodes/{name}/drain", nodes::drain)
        .form("/nodes/{name}/resume", nodes::resume)
        .form("/nodes/{name}/labels", nodes::set_labels)
        .form("/nodes/{name}/maintenance", nodes::set_maintenance)
        .form("/nodes/{name}/maintenance/cancel", nodes::cancel_maintenance)
        .page("/contracts", contracts::list)
        .page("/contracts/new", contract_form::form)
        .form("/contracts/new", contract_form::create)
        .page("/contracts/{id}", contract::page)
        .form("/contracts/{id}/act", contract_acts::act)
        .page("/contracts/{id}/act/{action}", contract_acts::look)
        .page("/contracts/{id}/top-up", contract_acts::top_up_form)
        .form("/contracts/{id}/top-up", contract_acts::top_up)
        .page("/contracts/{id}/statement", statement::page)
        .page("/statements", statement::newest)
        .page("/capacity", capacity::page)
        .page("/twin", twin::page)
        .form("/twin", twin::start)
        .page("/twin/{id}", twin::trial)
        .page("/twin/{id}/report", twin::report)
        .page("/people", people::page)
        .form("/people/members", people::new_member)
        .form("/people/members/{id}", people::change_member)
        .form("/people/projects", people::new_project)
        .form("/people/projects/{id}", people::change_project)
        .page("/audit", audit::page)
        .page("/tokens", tokens::page)
        .form("/tokens", tokens::make)
        .form("/tokens/password", tokens::change_password)
        .form("/tokens/{id}/revoke", tokens::revoke)
}

/// Every path that takes a form.
pub fn forms() -> Vec<&'static str> {
    routes().forms
}

pub fn router(center: Center) -> Router {
    let pages = routes()
        .router
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        // Bodies are read before, with a limit.
        .layer(DefaultBodyLimit::disable())
        .layer(catch_panics())
        .layer(middleware::from_fn_with_state(center.clone(), fault::tell_faults::<Center>))
        .layer(middleware::from_fn_with_state(center.clone(), switch_language))
        .layer(catch_panics())
        .layer(middleware::from_fn(guard))
        .with_state(center);
    pages.merge(assets::router())
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
    let wanted = page::query_value(request.uri().query(), "lang").and_then(|text| Lang::from_code(&text));
    match wanted {
        Some(lang) if request.method() == Method::GET => {
            let to = page::without(request.uri(), "lang");
            let secure = if center.settings.secure_cookies { "; Secure" } else { "" };
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

    /// Who may see a thing is decided in `app`, which also says what is loaded with it: a page that goes to the store or
    /// to the live state itself does neither.
    #[test]
    fn pages_ask_app_alone() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal");
        // Broken in two, so that this file has none of them.
        let forbidden = [concat!("store", "::"), concat!(".li", "ve()"), concat!("center", ".store")];
        let files = super::sample::files(&folder);
        assert!(files.len() > 20, "{files:?}");
        for path in files {
            let source = std::fs::read_to_string(&path).expect("text");
            for word in forbidden {
                assert!(!source.contains(word), "{} has `{word}`: ask app instead", path.display());
            }
        }
    }
}
