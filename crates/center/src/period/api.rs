//! Periods over HTTP.

use axum::{Json, extract::State};
use base::{
    api::{Problem, extract::Auth},
    http::Id,
};

use super::ask::{self, PeriodDetail, PeriodView};
use crate::center::Center;

/// The months of the books, the newest first.
#[utoipa::path(get, path = "/periods", tag = "money", responses((status = 200, body = Vec<PeriodView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<PeriodView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// One month: what it lacks to be closed, or its statements with their digests.
#[utoipa::path(get, path = "/periods/{month}", tag = "money", params(("month" = String, Path)),
    responses((status = 200, body = PeriodDetail), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(month): Id,
) -> Result<Json<PeriodDetail>, Problem> {
    Ok(Json(ask::show(&center, &caller, &month).await?))
}

/// Closes a month for ever: its statements are frozen, and nothing is posted into it any more.
#[utoipa::path(post, path = "/periods/{month}/close", tag = "money", params(("month" = String, Path)),
    responses((status = 200, body = PeriodDetail), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn close(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(month): Id,
) -> Result<Json<PeriodDetail>, Problem> {
    Ok(Json(ask::close(&center, &caller, &month).await?))
}
