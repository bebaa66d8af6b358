//! Nodes and pools.

use axum::{Json, extract::State};
use serde::Deserialize;

use crate::{
    app::nodes::{self, NewMaintenance, NodeView, PoolView},
    center::Center,
};
use base::api::{
    Problem,
    extract::{Auth, Body, Id},
};

/// All nodes with their cards.
#[utoipa::path(get, path = "/nodes", tag = "center", responses((status = 200, body = Vec<NodeView>)))]
pub async fn list(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Vec<NodeView>>, Problem> {
    Ok(Json(nodes::list(&center, &caller).await?))
}

/// One node, by its name.
#[utoipa::path(get, path = "/nodes/{name}", tag = "center", params(("name" = String, Path)),
    responses((status = 200, body = NodeView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes::show(&center, &caller, &name).await?))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    #[schema(value_type = domain::schema::Line200)]
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

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    #[schema(value_type = Vec<domain::schema::Label>)]
    pub labels: Vec<String>,
}

/// Sets what jobs may ask of a node, in place of what was there.
#[utoipa::path(put, path = "/nodes/{name}/labels", tag = "center", params(("name" = String, Path)),
    request_body = Labels, responses((status = 200, body = NodeView), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn set_labels(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
    body: Body<Labels>,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes::set_labels(&center, &caller, &name, body.value.labels).await?))
}

/// Sets when a node will be out for maintenance: no run starts that could still be there then, and it is drained for as
/// long as it takes.
#[utoipa::path(put, path = "/nodes/{name}/maintenance", tag = "center", params(("name" = String, Path)),
    request_body = NewMaintenance, responses((status = 200, body = NodeView), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn set_maintenance(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
    body: Body<NewMaintenance>,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes::set_maintenance(&center, &caller, &name, Some(body.value)).await?))
}

/// Calls a maintenance off; one that has begun ends now.
#[utoipa::path(delete, path = "/nodes/{name}/maintenance", tag = "center", params(("name" = String, Path)),
    responses((status = 200, body = NodeView), (status = 404, body = Problem)))]
pub async fn cancel_maintenance(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
) -> Result<Json<NodeView>, Problem> {
    Ok(Json(nodes::set_maintenance(&center, &caller, &name, None).await?))
}

/// All pools.
#[utoipa::path(get, path = "/pools", tag = "center", responses((status = 200, body = Vec<PoolView>)))]
pub async fn pools(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Vec<PoolView>>, Problem> {
    Ok(Json(nodes::list_pools(&center, &caller)?))
}
