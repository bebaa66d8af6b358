//! Issuers and identities over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body, Id, Params},
};
use serde::Deserialize;

use super::ask::{self, IdentityView, IssuerView, NewPlace, PendingView};
use crate::{app::members::MemberView, center::Center};

/// What of issuers is asked.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct IssuersQuery {
    /// Each issuer is asked now, which takes some seconds where one does not answer.
    #[param(required = false)]
    check: bool,
}

/// Those who sign people in, and how each fares; for the center's people.
#[utoipa::path(get, path = "/issuers", tag = "accounts", params(IssuersQuery),
    responses((status = 200, body = Vec<IssuerView>), (status = 403, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(wanted): Params<IssuersQuery>,
) -> Result<Json<Vec<IssuerView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, wanted.check).await?))
}

/// Who you are at those who sign people in.
#[utoipa::path(get, path = "/me/identities", tag = "accounts", responses((status = 200, body = Vec<IdentityView>)))]
pub async fn identities(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<IdentityView>>, Problem> {
    Ok(Json(ask::identities(&center, &caller).await?))
}

/// Looses one of them from your account, and ends the sessions that it began.
#[utoipa::path(delete, path = "/me/identities/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn unlink(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::unlink(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Those who came by an issuer and have no place yet.
#[utoipa::path(get, path = "/pending-persons", tag = "accounts",
    responses((status = 200, body = Vec<PendingView>), (status = 403, body = Problem)))]
pub async fn pending(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<PendingView>>, Problem> {
    Ok(Json(ask::pending(&center, &caller).await?))
}

/// Gives one of them a place.
#[utoipa::path(post, path = "/pending-persons/{id}", tag = "accounts", params(("id" = String, Path)),
    request_body = NewPlace, responses((status = 201, body = MemberView), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn place(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<NewPlace>,
) -> Result<(StatusCode, Json<MemberView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::place(&center, &caller, &id, body.value).await?)))
}
