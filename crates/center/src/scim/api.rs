//! The tokens of directories over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body, Id},
};

use super::ask::{self, MadeScimToken, NewScimToken, ScimTokenView};
use crate::center::Center;

/// With which directories keep people.
#[utoipa::path(get, path = "/scim-tokens", tag = "accounts",
    responses((status = 200, body = Vec<ScimTokenView>), (status = 403, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<ScimTokenView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// Makes a token with which a directory keeps a tenant's people. Its text is told this once.
#[utoipa::path(post, path = "/scim-tokens", tag = "accounts", request_body = NewScimToken,
    responses((status = 201, body = MadeScimToken), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)), extensions(("x-secret-answer" = json!(true))))]
pub async fn make(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewScimToken>,
) -> Result<(StatusCode, Json<MadeScimToken>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::make(&center, &caller, body.value).await?)))
}

/// Revokes one of them.
#[utoipa::path(delete, path = "/scim-tokens/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn revoke(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::revoke(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
