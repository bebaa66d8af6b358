//! Disks over HTTP.

use axum::{Json, extract::State};
use base::api::{Problem, extract::Auth};

use super::ask::{self, DiskReport};
use crate::center::Center;

/// What is free of the center's disks, for its people, and what your tenant takes of them and may take.
#[utoipa::path(get, path = "/disk", tag = "center",
    responses((status = 200, body = DiskReport), (status = 403, body = Problem)))]
pub async fn show(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<DiskReport>, Problem> {
    Ok(Json(ask::show(&center, &caller).await?))
}
