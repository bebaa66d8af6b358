//! Persons over HTTP.

use axum::{Json, extract::State};
use base::{
    Base,
    api::{
        Problem,
        extract::{Auth, Body, Id},
    },
};

use super::ask::{self, Me, OwnChange, PersonChange, PersonView};
use crate::center::Center;

/// Who you are, and what else you may be.
#[utoipa::path(get, path = "/me", tag = "accounts", responses((status = 200, body = Me)))]
pub async fn me(State(base): State<Base>, Auth(caller): Auth) -> Result<Json<Me>, Problem> {
    Ok(Json(ask::me(&base, &caller).await?))
}

/// Gives you an e-mail address.
#[utoipa::path(patch, path = "/me", tag = "accounts", request_body = OwnChange,
    responses((status = 200, body = Me), (status = 422, body = Problem)))]
pub async fn change_own(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<OwnChange>,
) -> Result<Json<Me>, Problem> {
    Ok(Json(ask::change_own(&center, &caller, body.value).await?))
}

/// Everybody who can sign in, with their memberships; for the center's people.
#[utoipa::path(get, path = "/persons", tag = "accounts",
    responses((status = 200, body = Vec<PersonView>), (status = 403, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<PersonView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// Lets a person in or out, wherever they are a member, or gives them a name, an address or a password.
#[utoipa::path(patch, path = "/persons/{id}", tag = "accounts", params(("id" = String, Path)),
    request_body = PersonChange, responses((status = 200, body = PersonView), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<PersonChange>,
) -> Result<Json<PersonView>, Problem> {
    Ok(Json(ask::change(&center, &caller, &id, body.value).await?))
}
