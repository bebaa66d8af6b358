//! The texts of contracts over HTTP, their signatures, and renewals.

use axum::{Json, extract::State, http::StatusCode};
use base::{
    api::{
        Problem,
        extract::{Auth, Body},
    },
    http::Id,
};

use super::ask::{self, ContractTextView, NewSignature, Renewal};
use crate::{app::contracts::ContractView, center::Center};

/// The texts of a contract and its amendments with their signatures, by version.
#[utoipa::path(get, path = "/contracts/{id}/texts", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ContractTextView>), (status = 404, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<Vec<ContractTextView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, &id).await?))
}

/// Has the text of a contract made, which both sides then sign before the contract is active.
#[utoipa::path(post, path = "/contracts/{id}/texts", tag = "money", params(("id" = String, Path)),
    responses((status = 201, body = ContractTextView), (status = 409, body = Problem)))]
pub async fn make(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<(StatusCode, Json<ContractTextView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::make(&center, &caller, &id).await?)))
}

/// Signs a version of the text by its digest, for the side that you are of. With the second signature the contract is active.
#[utoipa::path(post, path = "/contracts/{id}/signatures", tag = "money", params(("id" = String, Path)),
    request_body = NewSignature, responses((status = 201, body = ContractTextView), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn sign(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<NewSignature>,
) -> Result<(StatusCode, Json<ContractTextView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::sign(&center, &caller, &id, body.value).await?)))
}

/// Drafts the contract that goes on where this one ends, from 30 days before its end on.
#[utoipa::path(post, path = "/contracts/{id}/renew", tag = "money", params(("id" = String, Path)),
    request_body = Renewal, responses((status = 201, body = ContractView), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn renew(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<Renewal>,
) -> Result<(StatusCode, Json<ContractView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::renew(&center, &caller, &id, body.value).await?)))
}
