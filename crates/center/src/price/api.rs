//! Price books over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::{
    api::{
        Problem,
        extract::{Auth, Body},
    },
    http::Id,
};
use domain::PriceBookId;
use serde::Serialize;

use super::ask::{self, NewPriceBook, PriceBookView};
use crate::center::Center;

/// All price books, newest first.
#[utoipa::path(get, path = "/price-books", tag = "money", responses((status = 200, body = Vec<PriceBookView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<PriceBookView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// One price book, by its id or name; the newest of that name.
#[utoipa::path(get, path = "/price-books/{id}", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = PriceBookView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<PriceBookView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &id).await?))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PriceBookCreated {
    pub id: PriceBookId,
}

/// A new version of the prices. What was metered keeps its own.
#[utoipa::path(post, path = "/price-books", tag = "money", request_body = NewPriceBook,
    responses((status = 201, body = PriceBookCreated), (status = 422, body = Problem)))]
pub async fn publish(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewPriceBook>,
) -> Result<(StatusCode, Json<PriceBookCreated>), Problem> {
    let id = ask::create(&center, &caller, body.value).await?;
    Ok((StatusCode::CREATED, Json(PriceBookCreated { id })))
}
