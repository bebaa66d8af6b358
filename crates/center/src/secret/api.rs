//! Secrets over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body, Id, Params},
};

use super::ask::{self, NewSecret, Rotated, SecretView, Whose};
use crate::center::Center;

/// The secrets that your jobs may name: their names, never their values.
#[utoipa::path(get, path = "/secrets", tag = "accounts",
    responses((status = 200, body = Vec<SecretView>), (status = 403, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<SecretView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// Keeps a secret, in place of one of the same name and scope.
#[utoipa::path(put, path = "/secrets", tag = "accounts", request_body = NewSecret,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn set(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewSecret>,
) -> Result<StatusCode, Problem> {
    ask::set(&center, &caller, body.value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a secret.
#[utoipa::path(delete, path = "/secrets/{name}", tag = "accounts", params(("name" = String, Path), Whose),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn remove(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(name): Id,
    Params(whose): Params<Whose>,
) -> Result<StatusCode, Problem> {
    ask::remove(&center, &caller, name, whose).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Seals all secrets of the center under a new key.
#[utoipa::path(post, path = "/secrets/rotate-key", tag = "accounts",
    responses((status = 200, body = Rotated), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub async fn rotate_key(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Rotated>, Problem> {
    Ok(Json(ask::rotate_key(&center, &caller).await?))
}
