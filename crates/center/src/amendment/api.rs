//! Amendments over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::{
    api::{
        Problem,
        extract::{Auth, Body},
    },
    http::Id,
};

use super::ask::{self, AmendmentView, Approval, NewAmendment, VersionView};
use crate::center::Center;

/// The amendments of a contract, the newest first.
#[utoipa::path(get, path = "/contracts/{id}/amendments", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = Vec<AmendmentView>), (status = 404, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<Vec<AmendmentView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, &id).await?))
}

/// The versions of a contract's terms, oldest first, each with the instant from which it holds.
#[utoipa::path(get, path = "/contracts/{id}/versions", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = Vec<VersionView>), (status = 404, body = Problem)))]
pub async fn versions(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<Vec<VersionView>>, Problem> {
    Ok(Json(ask::versions(&center, &caller, &id).await?))
}

/// Draws up an amendment, which holds once another person approves it.
#[utoipa::path(post, path = "/contracts/{id}/amendments", tag = "money", params(("id" = String, Path)),
    request_body = NewAmendment, responses((status = 201, body = AmendmentView), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn draw_up(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<NewAmendment>,
) -> Result<(StatusCode, Json<AmendmentView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::draw_up(&center, &caller, &id, body.value).await?)))
}

/// One amendment.
#[utoipa::path(get, path = "/amendments/{id}", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = AmendmentView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<AmendmentView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &id).await?))
}

/// Approves an amendment, or refuses it.
#[utoipa::path(post, path = "/amendments/{id}/decide", tag = "money", params(("id" = String, Path)),
    request_body = Approval, responses((status = 200, body = AmendmentView), (status = 409, body = Problem)))]
pub async fn decide(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<Approval>,
) -> Result<Json<AmendmentView>, Problem> {
    Ok(Json(ask::decide(&center, &caller, &id, body.value).await?))
}
