//! Use over HTTP.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use base::api::{
    Problem,
    extract::{Auth, Params},
};

use super::ask::{self, UsageQuery, UsageView};
use crate::{app::statements::Format, center::Center};

/// Use and charges of an interval; a table with `format=csv` or `Accept: text/csv`.
#[utoipa::path(get, path = "/usage", tag = "money", params(UsageQuery),
    responses((status = 200, content((UsageView = "application/json"), (String = "text/csv")))))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<UsageQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = ask::format(&query, accepts.starts_with("text/csv"))?;
    let view = ask::usage(&center, &caller, query).await?;
    Ok(match format {
        Format::Json => Json(view).into_response(),
        Format::Csv => {
            let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
            ([kind], ask::as_csv(&view)).into_response()
        }
    })
}
