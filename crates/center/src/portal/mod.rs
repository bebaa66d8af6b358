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
mod sign_in;
mod statement;
mod submit;
mod tables;
mod tokens;
mod twin;
mod typed;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::center::Center;
use fault::{Fault, Plain};
pub use locale::{keys, text};
use page::Front;

/// What a page may load and where it may send: its own center alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub fn router(center: Center) -> Router {
    let body_bytes = center.settings.limits.body_kib.saturating_mul(1024);
    let pages = Router::new()
        .route("/", get(overview::page))
        .route("/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/events/stream", get(events::stream))
        .route("/jobs", get(jobs::page))
        .route("/jobs/{id}", get(job::page))
        .route("/jobs/{id}/cancel", post(job::cancel))
        .route("/jobs/{id}/log", get(log::download))
        .route("/jobs/{id}/log/stream", get(log::stream))
        .route("/submit", get(submit::page).post(submit::submit))
        .route("/submit/dry-run", post(submit::dry_run))
        .route("/nodes", get(nodes::list))
        .route("/nodes/{name}", get(nodes::page))
        .route("/nodes/{name}/drain", post(nodes::drain))
        .route("/nodes/{name}/resume", post(nodes::resume))
        .route("/nodes/{name}/labels", post(nodes::set_labels))
        .route("/nodes/{name}/maintenance", post(nodes::set_maintenance))
        .route("/nodes/{name}/maintenance/cancel", post(nodes::cancel_maintenance))
        .route("/contracts", get(contracts::list))
        .route("/contracts/new", get(contract_form::form).post(contract_form::create))
        .route("/contracts/{id}", get(contract::page))
        .route("/contracts/{id}/act", post(contract_acts::act))
        .route("/contracts/{id}/act/{action}", get(contract_acts::look))
        .route("/contracts/{id}/top-up", get(contract_acts::top_up_form).post(contract_acts::top_up))
        .route("/contracts/{id}/statement", get(statement::page))
        .route("/statements", get(statement::newest))
        .route("/capacity", get(capacity::page))
        .route("/twin", get(twin::page).post(twin::start))
        .route("/twin/{id}", get(twin::trial))
        .route("/twin/{id}/report", get(twin::report))
        .route("/people", get(people::page))
        .route("/people/members", post(people::new_member))
        .route("/people/members/{id}", post(people::change_member))
        .route("/people/projects", post(people::new_project))
        .route("/people/projects/{id}", post(people::change_project))
        .route("/audit", get(audit::page))
        .route("/tokens", get(tokens::page).post(tokens::make))
        .route("/tokens/password", post(tokens::change_password))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::Extension(overview::Tide::default()))
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(middleware::from_fn_with_state(center.clone(), switch_language))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Plain::internal(&text.unwrap_or_else(|| "a panic".into())).into_response()
        }))
        .layer(middleware::from_fn(guard))
        .with_state(center);
    pages.merge(assets::router())
}

/// The headers of every page.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A report says its own, which is no less strict.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    let fixed: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// `?lang=zh` or `?lang=en` on any page keeps the choice and shows the page again without it.
async fn switch_language(State(center): State<Center>, request: Request, next: Next) -> Response {
    let wanted = page::query_value(request.uri().query(), "lang").and_then(|text| locale::from_code(&text));
    match wanted {
        Some(lang) if request.method() == Method::GET => {
            let to = page::without(request.uri(), "lang");
            let secure = if center.settings.secure_cookies { "; Secure" } else { "" };
            let code = locale::code(lang);
            let cookie = format!("lang={code}; Path=/; Max-Age=31536000; SameSite=Lax{secure}");
            ([(header::SET_COOKIE, cookie)], axum::response::Redirect::to(&to)).into_response()
        }
        _ => next.run(request).await,
    }
}

async fn nowhere(front: Front) -> Fault {
    Fault::at(front, crate::error::AppError::not_found("page", ""))
}

async fn wrong_method(front: Front) -> Fault {
    Fault::at(front, crate::error::AppError::not_found("page", ""))
}
