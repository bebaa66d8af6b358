//! Alliances over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body},
};
use base::{http::Id, text::Text};
use center::center::Center;
use domain::AllianceId;
use serde::{Deserialize, Serialize};

use super::ask::{self, AllianceView, NewAlliance};

/// All alliances and who is in them.
#[utoipa::path(get, path = "/alliances", tag = "accounts", responses((status = 200, body = Vec<AllianceView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<AllianceView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AllianceCreated {
    pub id: AllianceId,
}

/// Founds an alliance.
#[utoipa::path(post, path = "/alliances", tag = "accounts", request_body = NewAlliance,
    responses((status = 201, body = AllianceCreated)))]
pub async fn found(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewAlliance>,
) -> Result<(StatusCode, Json<AllianceCreated>), Problem> {
    let id = ask::found(&center, &caller, body.value).await?;
    Ok((StatusCode::CREATED, Json(AllianceCreated { id })))
}

/// One alliance, by its short name.
#[utoipa::path(get, path = "/alliances/{slug}", tag = "accounts", params(("slug" = String, Path)),
    responses((status = 200, body = AllianceView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
) -> Result<Json<AllianceView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &slug).await?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lending {
    /// Cards; `null`: all that are idle.
    pub lending_limit: Option<u32>,
}

/// Sets what an alliance lends to those outside of it.
#[utoipa::path(put, path = "/alliances/{slug}/lending", tag = "accounts", params(("slug" = String, Path)),
    request_body = Lending, responses((status = 200, body = AllianceView), (status = 404, body = Problem)))]
pub async fn set_lending(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
    body: Body<Lending>,
) -> Result<Json<AllianceView>, Problem> {
    Ok(Json(ask::set_lending(&center, &caller, &slug, body.value.lending_limit).await?))
}

/// The names of an alliance.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllianceNames {
    pub name: Text,
}

/// Gives an alliance other names.
#[utoipa::path(patch, path = "/alliances/{slug}", tag = "accounts", params(("slug" = String, Path)),
    request_body = AllianceNames, responses((status = 200, body = AllianceView), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn rename(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
    body: Body<AllianceNames>,
) -> Result<Json<AllianceView>, Problem> {
    Ok(Json(ask::rename(&center, &caller, &slug, body.value.name).await?))
}
