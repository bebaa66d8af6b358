//! Corrections over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::{
    api::{
        Problem,
        extract::{Auth, Body, Params},
    },
    http::Id,
    listing::Listing,
};

use super::ask::{self, CorrectionQuery, CorrectionView, Decision, NewCorrection};
use crate::center::Center;

/// Corrections, newest first, page by page.
#[utoipa::path(get, path = "/corrections", tag = "money", params(CorrectionQuery),
    responses((status = 200, body = Listing<CorrectionView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<CorrectionQuery>,
) -> Result<Json<Listing<CorrectionView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, query).await?))
}

/// One correction.
#[utoipa::path(get, path = "/corrections/{id}", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = CorrectionView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<CorrectionView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &id).await?))
}

/// Proposes a correction, which is booked once another person says so.
#[utoipa::path(post, path = "/corrections", tag = "money", request_body = NewCorrection,
    responses((status = 201, body = CorrectionView), (status = 422, body = Problem)))]
pub async fn propose(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewCorrection>,
) -> Result<(StatusCode, Json<CorrectionView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::propose(&center, &caller, body.value).await?)))
}

/// Books a proposed correction, or refuses it.
#[utoipa::path(post, path = "/corrections/{id}/decide", tag = "money", params(("id" = String, Path)),
    request_body = Decision, responses((status = 200, body = CorrectionView), (status = 409, body = Problem)))]
pub async fn decide(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<Decision>,
) -> Result<Json<CorrectionView>, Problem> {
    Ok(Json(ask::decide(&center, &caller, &id, body.value).await?))
}
