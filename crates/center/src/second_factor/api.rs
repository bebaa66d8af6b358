//! Second factors over HTTP. They are set up with a browser.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Id},
};

use super::ask::{self, SecondFactorView};
use crate::center::Center;

/// Whether you have a second factor, and how many recovery codes are left.
#[utoipa::path(get, path = "/me/second-factor", tag = "accounts", responses((status = 200, body = SecondFactorView)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<SecondFactorView>, Problem> {
    Ok(Json(ask::show(&center, &caller).await?))
}

/// Removes the second factor of somebody else, who lost it; all their sessions and tokens end. For operators.
#[utoipa::path(delete, path = "/persons/{id}/second-factor", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn reset(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::reset(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
