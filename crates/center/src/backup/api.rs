//! Backups over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body},
};
use serde::Deserialize;

use super::ask::{self, BackupDone, Backups};
use crate::center::Center;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupTo {
    /// A file that is not there yet in the center's folder for backups (`backup_dir`): its name, or its whole path. Left out,
    /// its name tells the time.
    pub path: Option<String>,
}

/// The backups in the center's folder for them, the newest first, and when the next is made.
#[utoipa::path(get, path = "/backups", tag = "center",
    responses((status = 200, body = Backups), (status = 403, body = Problem)))]
pub async fn list(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Backups>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// Writes a copy of the database while the center runs, and verifies it.
#[utoipa::path(post, path = "/backup", tag = "center", request_body = BackupTo,
    responses((status = 201, body = BackupDone), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub async fn make(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<BackupTo>,
) -> Result<(StatusCode, Json<BackupDone>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::make(&center, &caller, body.value.path.as_deref()).await?)))
}
