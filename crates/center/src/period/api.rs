//! Periods over HTTP.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use base::{
    api::{
        Problem,
        extract::{Auth, Params},
    },
    http::Id,
    listing::Listing,
};

use super::{
    ask::{self, PeriodDetail, PeriodView},
    entries::{self, EntriesQuery, PeriodAccounts},
};
use crate::{
    app::{statements::Format, transfers::TransferView},
    center::Center,
};

/// The months of the books, the newest first.
#[utoipa::path(get, path = "/periods", tag = "money", responses((status = 200, body = Vec<PeriodView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<PeriodView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// One month: what it lacks to be closed, or its statements with their digests.
#[utoipa::path(get, path = "/periods/{month}", tag = "money", params(("month" = inline(domain::schema::MonthText), Path)),
    responses((status = 200, body = PeriodDetail), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(month): Id,
) -> Result<Json<PeriodDetail>, Problem> {
    Ok(Json(ask::show(&center, &caller, &month).await?))
}

/// The balance of each account before and after a month, with its debits and credits, in both units.
#[utoipa::path(get, path = "/periods/{month}/accounts", tag = "money", params(("month" = inline(domain::schema::MonthText), Path)),
    responses((status = 200, body = PeriodAccounts), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn accounts(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(month): Id,
) -> Result<Json<PeriodAccounts>, Problem> {
    Ok(Json(entries::accounts(&center, &caller, &month).await?))
}

/// All entries of a month as a table, between the opening and the closing balances of the accounts; that of a closed month is
/// always the same bytes. A page of them with `format=json` or `Accept: application/json`.
#[utoipa::path(get, path = "/periods/{month}/entries", tag = "money", params(("month" = inline(domain::schema::MonthText), Path), EntriesQuery),
    responses((status = 200, content((String = "text/csv"), (Listing<TransferView> = "application/json"))),
    (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn entries(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(month): Id,
    Params(query): Params<EntriesQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(match entries::format(&query, accepts.starts_with("application/json"))? {
        Format::Csv => entries::table(&center, &caller, &month).await?,
        Format::Json => Json(entries::page(&center, &caller, &month, &query).await?).into_response(),
    })
}

/// Closes a month for ever: its statements are frozen, and nothing is posted into it any more.
#[utoipa::path(post, path = "/periods/{month}/close", tag = "money", params(("month" = inline(domain::schema::MonthText), Path)),
    responses((status = 200, body = PeriodDetail), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn close(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(month): Id,
) -> Result<Json<PeriodDetail>, Problem> {
    Ok(Json(ask::close(&center, &caller, &month).await?))
}
