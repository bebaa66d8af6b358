//! Notices over HTTP.

use axum::{Json, extract::State};
use base::{
    api::{
        Problem,
        extract::{Auth, Body, Id, Params},
    },
    listing::Listing,
};
use center::center::Center;
use serde::Deserialize;

use super::ask::{self, MarkedRead, NoticeQuery, NoticeView, WishesChange, WishesView};

/// Your notices, the newest first.
#[utoipa::path(get, path = "/notices", tag = "accounts", params(NoticeQuery),
    responses((status = 200, body = Listing<NoticeView>), (status = 422, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<NoticeQuery>,
) -> Result<Json<Listing<NoticeView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, query).await?))
}

/// Marks one of your notices as read.
#[utoipa::path(post, path = "/notices/{id}/read", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, body = MarkedRead), (status = 404, body = Problem)))]
pub async fn read(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<MarkedRead>, Problem> {
    Ok(Json(ask::read(&center, &caller, &id).await?))
}

/// Up to which notice.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The newest notice that you have seen; all where left out.
    pub until: Option<String>,
}

/// Marks your notices as read.
#[utoipa::path(post, path = "/notices/read", tag = "accounts", request_body = Until,
    responses((status = 200, body = MarkedRead), (status = 404, body = Problem)))]
pub async fn read_all(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<Until>,
) -> Result<Json<MarkedRead>, Problem> {
    Ok(Json(ask::read_all(&center, &caller, body.value.until.as_deref()).await?))
}

/// What you want to hear of, and how.
#[utoipa::path(get, path = "/notices/wishes", tag = "accounts", responses((status = 200, body = WishesView)))]
pub async fn wishes(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<WishesView>, Problem> {
    Ok(Json(ask::wishes(&center, &caller).await?))
}

/// Sets what you want to hear of, and how.
#[utoipa::path(patch, path = "/notices/wishes", tag = "accounts", request_body = WishesChange,
    responses((status = 200, body = WishesView), (status = 422, body = Problem)))]
pub async fn set_wishes(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<WishesChange>,
) -> Result<Json<WishesView>, Problem> {
    Ok(Json(ask::set_wishes(&center, &caller, body.value).await?))
}
