//! Nodes and pools that go, over HTTP.

use axum::{Json, extract::State};
use base::{
    api::{
        Problem,
        extract::{Auth, Body},
    },
    http::Id,
};
use serde::Deserialize;

use super::ask::{self, RetirementView};
use crate::center::Center;

/// Why a node or a pool goes.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhyItGoes {
    /// Shown beside it; may be empty.
    #[schema(value_type = domain::schema::Line200OrNone)]
    pub reason: String,
}

/// What differs between the nodes that are here and those that the settings, or Slurm, name; and what was retired.
#[utoipa::path(get, path = "/retirement", tag = "center", responses((status = 200, body = RetirementView)))]
pub async fn look(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<RetirementView>, Problem> {
    Ok(Json(ask::look(&center, &caller)?))
}

/// Retires a node: it takes no more runs, and is gone once the last there has ended. Its history and its name stay.
#[utoipa::path(post, path = "/nodes/{name}/retire", tag = "center", params(("name" = String, Path)),
    request_body = WhyItGoes, responses((status = 200, body = RetirementView), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn retire_node(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
    body: Body<WhyItGoes>,
) -> Result<Json<RetirementView>, Problem> {
    Ok(Json(ask::retire_node(&center, &caller, &name, &body.value.reason).await?))
}

/// Removes a node that never ran anything. Its name is free again.
#[utoipa::path(delete, path = "/nodes/{name}", tag = "center", params(("name" = String, Path)),
    responses((status = 200, body = RetirementView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn remove_node(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
) -> Result<Json<RetirementView>, Problem> {
    Ok(Json(ask::remove_node(&center, &caller, &name).await?))
}

/// Brings a node back that was retired, or is being retired.
#[utoipa::path(post, path = "/nodes/{name}/bring-back", tag = "center", params(("name" = String, Path)),
    responses((status = 200, body = RetirementView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn bring_back_node(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
) -> Result<Json<RetirementView>, Problem> {
    Ok(Json(ask::bring_back_node(&center, &caller, &name).await?))
}

/// Retires a pool with all its nodes.
#[utoipa::path(post, path = "/pools/{name}/retire", tag = "center", params(("name" = String, Path)),
    request_body = WhyItGoes, responses((status = 200, body = RetirementView), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn retire_pool(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
    body: Body<WhyItGoes>,
) -> Result<Json<RetirementView>, Problem> {
    Ok(Json(ask::retire_pool(&center, &caller, &name, &body.value.reason).await?))
}

/// Brings a pool back. Its nodes stay retired until each is brought back.
#[utoipa::path(post, path = "/pools/{name}/bring-back", tag = "center", params(("name" = String, Path)),
    responses((status = 200, body = RetirementView), (status = 404, body = Problem)))]
pub async fn bring_back_pool(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
) -> Result<Json<RetirementView>, Problem> {
    Ok(Json(ask::bring_back_pool(&center, &caller, &name).await?))
}
