//! The state of the center over HTTP, for everybody.

use axum::{Json, extract::State};
use base::api::{Problem, extract::Peer};
use center::center::Center;

use super::ask::{self, StatusView};

/// How the center is now: what works, what is out, and what is planned. No sign-in is needed.
#[utoipa::path(get, path = "/status", tag = "center", security(()),
    responses((status = 200, body = StatusView), (status = 429, body = Problem)))]
pub async fn show(State(center): State<Center>, Peer(from): Peer) -> Result<Json<StatusView>, Problem> {
    center.limits.request(&from)?;
    Ok(Json(ask::status(&center)))
}
