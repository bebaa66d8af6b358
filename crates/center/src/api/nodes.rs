//! Nodes and pools.

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{
    Problem,
    extract::{Auth, Body, Id},
};
use crate::{
    app::nodes::{self, NodeView, PoolView},
    center::Center,
};

/// All nodes with their cards.
#[utoipa::path(get, path = "/nodes", tag = "center", responses((status = 200, body = Vec<NodeView>)))]
pub async fn list(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Vec<NodeView>>, Problem> {
    Ok(Json(nodes::list(&center, &caller)?))
}

/// One node, by its name.
#[utoipa::path(get, path = "/nodes/{name}", tag = "center", params(("name" = String, Path)),
    responses((status = 200, body = NodeView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes::show(&center, &caller, &name)?))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub reason: String,
}

/// Takes a node out: what runs there goes on to its end.
#[utoipa::path(post, path = "/nodes/{name}/drain", tag = "center", params(("name" = String, Path)),
    request_body = Reason, responses((status = 200, body = NodeView), (status = 404, body = Problem)))]
pub async fn drain(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
    body: Body<Reason>,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes::drain(&center, &caller, &name, &body.value.reason).await?))
}

/// Puts a node back in.
#[utoipa::path(post, path = "/nodes/{name}/resume", tag = "center", params(("name" = String, Path)),
    responses((status = 200, body = NodeView), (status = 404, body = Problem)))]
pub async fn resume(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes::resume(&center, &caller, &name).await?))
}

/// All pools.
#[utoipa::path(get, path = "/pools", tag = "center", responses((status = 200, body = Vec<PoolView>)))]
pub async fn pools(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Vec<PoolView>>, Problem> {
    Ok(Json(nodes::list_pools(&center, &caller)?))
}
