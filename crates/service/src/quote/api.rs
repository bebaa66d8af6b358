//! Quotes over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::{
    api::{
        Problem,
        extract::{Auth, Body, Params},
    },
    http::Id,
    listing::Listing,
};
use center::center::Center;

use super::ask::{self, NewQuote, QuoteQuery, QuoteView};

/// Quotes that you may see, newest first, page by page.
#[utoipa::path(get, path = "/quotes", tag = "money", params(QuoteQuery),
    responses((status = 200, body = Listing<QuoteView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<QuoteQuery>,
) -> Result<Json<Listing<QuoteView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, query).await?))
}

/// Draws up a quote at the prices in force, as a draft.
#[utoipa::path(post, path = "/quotes", tag = "money", request_body = NewQuote,
    responses((status = 201, body = QuoteView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn draw_up(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewQuote>,
) -> Result<(StatusCode, Json<QuoteView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::draw_up(&center, &caller, body.value).await?)))
}

/// One quote, by its number.
#[utoipa::path(get, path = "/quotes/{number}", tag = "money", params(("number" = String, Path)),
    responses((status = 200, body = QuoteView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<QuoteView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &number).await?))
}

/// Grants the discount of a draft that its drawer may not give alone.
#[utoipa::path(post, path = "/quotes/{number}/grant", tag = "money", params(("number" = String, Path)),
    responses((status = 200, body = QuoteView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn grant(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<QuoteView>, Problem> {
    Ok(Json(ask::grant(&center, &caller, &number).await?))
}

/// Sends a quote to the one that it is for.
#[utoipa::path(post, path = "/quotes/{number}/send", tag = "money", params(("number" = String, Path)),
    responses((status = 200, body = QuoteView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn send(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<QuoteView>, Problem> {
    Ok(Json(ask::send(&center, &caller, &number).await?))
}

/// Accepts a quote; the draft of a contract with exactly its terms comes of it.
#[utoipa::path(post, path = "/quotes/{number}/accept", tag = "money", params(("number" = String, Path)),
    responses((status = 200, body = QuoteView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn accept(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<QuoteView>, Problem> {
    Ok(Json(ask::accept(&center, &caller, &number).await?))
}

/// Takes back a quote that nobody has accepted.
#[utoipa::path(post, path = "/quotes/{number}/withdraw", tag = "money", params(("number" = String, Path)),
    responses((status = 200, body = QuoteView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn withdraw(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<QuoteView>, Problem> {
    Ok(Json(ask::withdraw(&center, &caller, &number).await?))
}
