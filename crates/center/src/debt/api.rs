//! Debts over HTTP.

use axum::{Json, extract::State};
use base::api::{Problem, extract::Auth};

use super::ask::{self, Ageing};
use crate::center::Center;

/// What is open of fees and owed on accounts, by tenant and by how long it has been due.
#[utoipa::path(get, path = "/debts", tag = "money", responses((status = 200, body = Ageing)))]
pub async fn list(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Ageing>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}
