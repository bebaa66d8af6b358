//! The HTTP API: `/api/v1`, its OpenAPI document with a page to try it out, health and metrics.

pub(crate) mod accounts;
pub(crate) mod jobs;
pub(crate) mod ledger;
pub(crate) mod logs;
pub(crate) mod money;
pub(crate) mod nodes;
pub(crate) mod ops;
pub(crate) mod slurm;
pub(crate) mod streams;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use base::{
    api::{docs, once},
    noun::{Platform, nouns},
};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

pub use base::api::problem::Problem;
use base::api::{
    answers::Answers,
    docs::{Keys, Security},
};

use crate::{center::Center, device::oauth};
use base::{
    http::{catch_panics, failure_of, method_not_allowed, no_such_route, secure},
    metrics::RequestLabel,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Qiantang", description = "The API of an AI computing center. Times are RFC 3339 in UTC; a date \
        alone is the first instant of that day in the center's time zone, which the header Center-Time-Zone of every answer \
        names. Money is in micro-CNY, use in card-milliseconds, durations in milliseconds. Errors are problem documents (RFC 9457)."),
    modifiers(&Security),
    tags(
        (name = "jobs", description = "Work: submitting, following, explaining, stopping"),
        (name = "center", description = "Nodes, cards, capacity, health"),
        (name = "accounts", description = "Tenants, members, projects, signing in"),
        (name = "money", description = "Contracts, prices, use, statements, the ledger"),
    )
)]
struct Doc;

/// The document that describes the API.
pub fn document(platforms: &[Platform<Center>]) -> utoipa::openapi::OpenApi {
    parts(platforms).1
}

fn parts(platforms: &[Platform<Center>]) -> (Router<Center>, utoipa::openapi::OpenApi) {
    let of_nouns = nouns(platforms).fold(OpenApiRouter::new(), |all, noun| all.merge((noun.api)()));
    let (router, mut document) =
        OpenApiRouter::with_openapi(Doc::openapi()).nest("/api/v1", of_nouns).split_for_parts();
    Keys.modify(&mut document);
    Answers.modify(&mut document);
    (router, document)
}

pub fn router(center: Center) -> Router {
    let (v1, document) = parts(center.platforms);
    let marks = once::Marks::of(&document);
    let v1 = v1
        .merge(docs::router(&document))
        .merge(oauth::router())
        .route("/healthz", axum::routing::get(ops::healthz))
        .route("/readyz", axum::routing::get(ops::readyz))
        .route("/metrics", axum::routing::get(ops::metrics))
        .route("/api", axum::routing::any(no_such_route))
        .route("/api/{*rest}", axum::routing::any(no_such_route))
        .method_not_allowed_fallback(method_not_allowed);
    v1.layer(middleware::from_fn_with_state((center.base.clone(), marks), once::layer))
        .layer(catch_panics())
        .layer(middleware::from_fn_with_state(center.clone(), around))
        .with_state(center)
}

/// Names the center's time zone, for whoever shows instants to people.
const TIME_ZONE: HeaderName = HeaderName::from_static("center-time-zone");

/// Tells errors as problem documents, counts every answer, and gives it the headers that keep browsers from guessing and
/// the one that names the time zone.
async fn around(State(center): State<Center>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(error) = failure_of(&mut response) {
        response = Problem::from(&*error).into_response();
    }
    center.http_metrics.requests.get_or_create(&RequestLabel { status: response.status().as_u16() }).inc();
    let headers = response.headers_mut();
    secure(headers, "default-src 'none'", "no-referrer");
    if let Ok(zone) = HeaderValue::from_str(center.common.time_zone.name()) {
        headers.insert(TIME_ZONE, zone);
    }
    response
}
