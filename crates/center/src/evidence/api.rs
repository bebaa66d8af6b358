//! The evidence of a run over HTTP.

use axum::{Json, extract::State};
use base::{
    api::{Problem, extract::Auth},
    http::Id,
};

use super::ask::{self, Evidence};
use crate::center::Center;

/// The charge of one run and its reasons: its cards and times, the price, the multiplication, its entries, and the root that seals
/// them.
#[utoipa::path(get, path = "/runs/{id}/evidence", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = Evidence), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<Evidence>, Problem> {
    Ok(Json(ask::show(&center, &caller, &id).await?))
}
