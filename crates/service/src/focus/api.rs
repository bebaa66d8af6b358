//! FOCUS over HTTP.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use base::api::{
    Problem,
    extract::{Auth, Params},
};
use center::center::Center;

use super::ask::{self, FocusQuery};

/// The charges of a month as CSV, in the columns of FOCUS 1.3 (Cost and Usage).
#[utoipa::path(get, path = "/focus/cost-and-usage", tag = "money", params(FocusQuery),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 404, body = Problem)))]
pub async fn cost_and_usage(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<FocusQuery>,
) -> Result<Response, Problem> {
    Ok(ask::cost_and_usage(&center, &caller, query).await?)
}

/// The commitments that were in force in a month as CSV, in the columns of FOCUS 1.3 (Contract Commitment).
#[utoipa::path(get, path = "/focus/contract-commitments", tag = "money", params(FocusQuery),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 404, body = Problem)))]
pub async fn contract_commitments(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<FocusQuery>,
) -> Result<Response, Problem> {
    let table = ask::contract_commitments(&center, &caller, query).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response())
}
