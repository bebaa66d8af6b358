//! Sessions over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Id},
};

use super::ask::{self, SessionView};
use crate::center::Center;

/// The browsers that you are signed in with.
#[utoipa::path(get, path = "/sessions", tag = "accounts", responses((status = 200, body = Vec<SessionView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<SessionView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, None).await?))
}

/// Signs one of them out.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn end(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::end(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
