//! The HTTP API: `/api/v1`, its OpenAPI document with a page to try it out, health and metrics.

mod accounts;
mod docs;
mod extract;
mod jobs;
mod logs;
mod money;
mod nodes;
mod once;
mod ops;
mod problem;
mod slurm;
mod streams;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use utoipa::{Modify, OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};

use docs::{Keys, Security};
pub use problem::Problem;

use crate::{
    base_metrics::RequestLabel,
    center::Center,
    http::{catch_panics, failure_of, method_not_allowed, no_such_route, secure},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Qiantang", description = "The API of an AI computing center. Times are RFC 3339 in UTC; money is in \
        micro-CNY, use in card-milliseconds, durations in milliseconds. Errors are problem documents (RFC 9457)."),
    modifiers(&Security),
    tags(
        (name = "jobs", description = "Work: submitting, following, explaining, stopping"),
        (name = "center", description = "Nodes, cards, capacity, health"),
        (name = "accounts", description = "Tenants, members, projects, signing in"),
        (name = "money", description = "Contracts, prices, use, statements, the ledger"),
    )
)]
struct Doc;

fn routes() -> OpenApiRouter<Center> {
    OpenApiRouter::new()
        .routes(routes!(accounts::login))
        .routes(routes!(accounts::me))
        .routes(routes!(accounts::list_tokens, accounts::new_token))
        .routes(routes!(accounts::revoke_token))
        .routes(routes!(accounts::list_tenants, accounts::new_tenant))
        .routes(routes!(accounts::show_tenant))
        .routes(routes!(accounts::list_alliances, accounts::new_alliance))
        .routes(routes!(accounts::set_lending))
        .routes(routes!(accounts::list_members, accounts::new_member))
        .routes(routes!(accounts::change_member))
        .routes(routes!(accounts::list_projects, accounts::new_project))
        .routes(routes!(accounts::change_project))
        .routes(routes!(jobs::list, jobs::submit))
        .routes(routes!(jobs::submit_script))
        .routes(routes!(jobs::dry_run))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::why))
        .routes(routes!(jobs::runs))
        .routes(routes!(jobs::events))
        .routes(routes!(logs::read))
        .routes(routes!(logs::follow))
        .routes(routes!(streams::events))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::show))
        .routes(routes!(nodes::drain))
        .routes(routes!(nodes::resume))
        .routes(routes!(nodes::set_labels))
        .routes(routes!(nodes::set_maintenance, nodes::cancel_maintenance))
        .routes(routes!(nodes::pools))
        .routes(routes!(money::list_contracts, money::new_contract))
        .routes(routes!(money::show_contract))
        .routes(routes!(money::contract_events))
        .routes(routes!(money::contract_action))
        .routes(routes!(money::top_up))
        .routes(routes!(money::statement))
        .routes(routes!(money::list_prices, money::new_prices))
        .routes(routes!(money::usage))
        .routes(routes!(money::transfers))
        .routes(routes!(money::check_ledger))
        .routes(routes!(ops::overview))
        .routes(routes!(ops::capacity_balance))
        .routes(routes!(ops::history))
        .routes(routes!(ops::audit))
        .routes(routes!(ops::backup))
        .routes(routes!(slurm::accounts))
        .routes(routes!(slurm::apply_accounts))
}

/// The document that describes the API.
pub fn document() -> utoipa::openapi::OpenApi {
    parts().1
}

fn parts() -> (Router<Center>, utoipa::openapi::OpenApi) {
    let (router, mut document) =
        OpenApiRouter::with_openapi(Doc::openapi()).nest("/api/v1", routes()).split_for_parts();
    Keys.modify(&mut document);
    (router, document)
}

pub fn router(center: Center) -> Router {
    let (v1, document) = parts();
    let v1 = v1
        .merge(docs::router(&document))
        .route("/healthz", axum::routing::get(ops::healthz))
        .route("/readyz", axum::routing::get(ops::readyz))
        .route("/metrics", axum::routing::get(ops::metrics))
        .route("/api", axum::routing::any(no_such_route))
        .route("/api/{*rest}", axum::routing::any(no_such_route))
        .method_not_allowed_fallback(method_not_allowed);
    v1.layer(middleware::from_fn_with_state(center.clone(), once::layer))
        .layer(catch_panics())
        .layer(middleware::from_fn_with_state(center.clone(), around))
        .with_state(center)
}

/// Tells errors as problem documents, counts every answer, and gives it the headers that keep browsers from guessing.
async fn around(State(center): State<Center>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(error) = failure_of(&mut response) {
        response = Problem::from(&*error).into_response();
    }
    center.base.metrics.requests.get_or_create(&RequestLabel { status: response.status().as_u16() }).inc();
    secure(response.headers_mut(), "default-src 'none'", "no-referrer");
    response
}
