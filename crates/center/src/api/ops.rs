//! The center as a whole: overview, capacity, audit, health, metrics.

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    app::{
        audit_log::{self, AuditQuery, AuditView},
        capacity::{self, CapacityView, Interval, Recent},
        ops,
        overview::{self, Overview},
        twin,
    },
    center::Center,
};
use base::api::{
    Problem,
    extract::{Auth, Params},
};
use base::{
    auth::{Caller, identity},
    listing::Listing,
    loops::LoopView,
};

/// The overview: your tenant's part, or the whole center for its people.
#[utoipa::path(get, path = "/overview", tag = "center", responses((status = 200, body = Overview)))]
pub async fn overview(
    State(center): State<Center>,
    Extension(recent): Extension<Recent>,
    Auth(caller): Auth,
) -> Result<Json<Overview>, Problem> {
    Ok(Json(overview::overview(&center, &recent, &caller).await?))
}

/// How the center's own loops fare: when each had its last turn, and what fails since when.
#[utoipa::path(get, path = "/loops", tag = "center",
    responses((status = 200, body = Vec<LoopView>), (status = 403, body = Problem)))]
pub async fn loops(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Vec<LoopView>>, Problem> {
    Ok(Json(overview::loops(&center, &caller)?))
}

/// The balance of all card time in an interval, to the card-millisecond.
#[utoipa::path(get, path = "/capacity-balance", tag = "center", params(Interval),
    responses((status = 200, body = CapacityView), (status = 403, body = Problem)))]
pub async fn capacity_balance(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(interval): Params<Interval>,
) -> Result<Json<CapacityView>, Problem> {
    Ok(Json(capacity::balance(&center, &caller, interval).await?))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HistoryFrom {
    /// RFC 3339, or a date: only what started then or later.
    #[param(inline, value_type = Option<domain::schema::InstantOrDay>)]
    pub from: Option<String>,
}

/// The center's past runs, as a trace for the digital twin: a CSV with a line for each task, the newest
/// million at most.
#[utoipa::path(get, path = "/history", tag = "center", params(HistoryFrom),
    responses((status = 200, content_type = "text/csv", body = String), (status = 403, body = Problem),
    (status = 422, body = Problem)))]
pub async fn history(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(from): Params<HistoryFrom>,
) -> Result<Response, Problem> {
    let text = twin::history(&center, &caller, from.from.as_deref()).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// The audit log, newest first.
#[utoipa::path(get, path = "/audit", tag = "center", params(AuditQuery),
    responses((status = 200, body = Listing<AuditView>), (status = 403, body = Problem)))]
pub async fn audit(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(filter): Params<AuditQuery>,
) -> Result<Json<Listing<AuditView>>, Problem> {
    Ok(Json(audit_log::list(&center, &caller, filter).await?))
}

/// The process lives.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers, no disk is full, all loops go on, and the center is not stopping.
pub async fn readyz(State(center): State<Center>) -> Response {
    match ops::readiness(&center).await {
        Ok(told) => told.into_response(),
        Err(told) => (StatusCode::SERVICE_UNAVAILABLE, told).into_response(),
    }
}

/// Figures for Prometheus: with a token of the center's people, or for all where the settings say so.
pub async fn metrics(State(center): State<Center>, headers: HeaderMap) -> Result<Response, Problem> {
    let caller = if center.settings.open_metrics {
        None
    } else {
        let token =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let member = identity::by_token(&center, token.unwrap_or_default()).await?;
        Some(Caller { member, from: String::new(), once: None })
    };
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_open = accepts.contains("application/openmetrics-text");
    let told = ops::metrics(&center, caller.as_ref(), is_open).await?;
    let kind = if is_open {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    Ok(([(header::CONTENT_TYPE, kind)], told).into_response())
}
