//! Invoices over HTTP.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{
    api::{
        Problem,
        extract::{Auth, Body, Params},
    },
    http::Id,
    listing::Listing,
};
use center::center::Center;

use super::{
    ask::{self, InvoiceDetail, InvoiceQuery, InvoiceView, NewInvoice, OpenQuery, StatementOf},
    decide::{self, InvoiceRefusal, InvoiceReversal, IssuedInvoice},
    table::{self, Imported, NumbersTable},
};

/// Invoices, newest first, page by page: a tenant's own, or all for the center's people.
#[utoipa::path(get, path = "/invoices", tag = "money", params(InvoiceQuery),
    responses((status = 200, body = Listing<InvoiceView>), (status = 404, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<InvoiceQuery>,
) -> Result<Json<Listing<InvoiceView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, query).await?))
}

/// One invoice, by the number of its request, with its statements.
#[utoipa::path(get, path = "/invoices/{request}", tag = "money", params(("request" = String, Path)),
    responses((status = 200, body = InvoiceDetail), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(request): Id,
) -> Result<Json<InvoiceDetail>, Problem> {
    Ok(Json(ask::show(&center, &caller, &request).await?))
}

/// The statements of closed months that are in no invoice, with what each bills.
#[utoipa::path(get, path = "/invoices/statements", tag = "money", params(OpenQuery),
    responses((status = 200, body = Vec<StatementOf>), (status = 404, body = Problem)))]
pub async fn statements(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<OpenQuery>,
) -> Result<Json<Vec<StatementOf>>, Problem> {
    Ok(Json(ask::open_statements(&center, &caller, query).await?))
}

/// Requests an invoice over statements of closed months. A statement is in one invoice at most.
#[utoipa::path(post, path = "/invoices", tag = "money", request_body = NewInvoice,
    responses((status = 201, body = InvoiceDetail), (status = 409, body = Problem)))]
pub async fn request(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewInvoice>,
) -> Result<(StatusCode, Json<InvoiceDetail>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::request(&center, &caller, body.value).await?)))
}

/// Issues a requested invoice under the number that the tax system gave it.
#[utoipa::path(post, path = "/invoices/{request}/issue", tag = "money", params(("request" = String, Path)),
    request_body = IssuedInvoice, responses((status = 200, body = InvoiceDetail), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
pub async fn issue(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(request): Id,
    body: Body<IssuedInvoice>,
) -> Result<Json<InvoiceDetail>, Problem> {
    Ok(Json(decide::issue(&center, &caller, &request, body.value).await?))
}

/// Refuses a requested invoice: its statements may be in another.
#[utoipa::path(post, path = "/invoices/{request}/refuse", tag = "money", params(("request" = String, Path)),
    request_body = InvoiceRefusal, responses((status = 200, body = InvoiceDetail), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
pub async fn refuse(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(request): Id,
    body: Body<InvoiceRefusal>,
) -> Result<Json<InvoiceDetail>, Problem> {
    Ok(Json(decide::refuse(&center, &caller, &request, body.value).await?))
}

/// Withdraws a requested invoice: its statements may be in another.
#[utoipa::path(post, path = "/invoices/{request}/withdraw", tag = "money", params(("request" = String, Path)),
    responses((status = 200, body = InvoiceDetail), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn withdraw(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(request): Id,
) -> Result<Json<InvoiceDetail>, Problem> {
    Ok(Json(decide::withdraw(&center, &caller, &request).await?))
}

/// Takes an issued invoice back by a red-letter one: its statements may be in another.
#[utoipa::path(post, path = "/invoices/{request}/reverse", tag = "money", params(("request" = String, Path)),
    request_body = InvoiceReversal, responses((status = 200, body = InvoiceDetail), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
pub async fn reverse(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(request): Id,
    body: Body<InvoiceReversal>,
) -> Result<Json<InvoiceDetail>, Problem> {
    Ok(Json(decide::reverse(&center, &caller, &request, body.value).await?))
}

/// The requested invoices as CSV, for the tax system.
#[utoipa::path(get, path = "/invoices/export", tag = "money",
    responses((status = 200, body = String, content_type = "text/csv"), (status = 409, body = Problem)))]
pub async fn export(State(center): State<Center>, Auth(caller): Auth) -> Result<Response, Problem> {
    let table = table::export(&center, &caller).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response())
}

/// Issues the invoices of a table of numbers: all of them, or none where a line is wrong.
#[utoipa::path(post, path = "/invoices/import", tag = "money", request_body = NumbersTable,
    responses((status = 200, body = Imported), (status = 409, body = Problem)))]
pub async fn import(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NumbersTable>,
) -> Result<Json<Imported>, Problem> {
    Ok(Json(table::import(&center, &caller, body.value).await?))
}
