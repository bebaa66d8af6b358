//! Debts over HTTP.

use axum::{Json, extract::State};
use base::api::{Problem, extract::Auth};

use super::ask::{self, Ageing};
use crate::center::Center;

/// Open fees and balances below 0, by tenant and by how long they have been due.
#[utoipa::path(get, path = "/debts", tag = "money", responses((status = 200, body = Ageing)))]
pub async fn list(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Ageing>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}
