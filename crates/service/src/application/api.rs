//! Applications over HTTP, for those who decide them.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base::{
    api::{
        Problem,
        extract::{Auth, Body, Params},
    },
    error::AppError,
    http::Id,
    listing::Listing,
};
use center::center::Center;

use super::{
    account::{self, AccountLink},
    ask::{self, ApplicationDetail, ApplicationQuery, ApplicationView, NewVerdict},
    attached,
};

/// Applications, newest first, page by page.
#[utoipa::path(get, path = "/applications", tag = "accounts", params(ApplicationQuery),
    responses((status = 200, body = Listing<ApplicationView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<ApplicationQuery>,
) -> Result<Json<Listing<ApplicationView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, query).await?))
}

/// One application by its number, with all that was done with it.
#[utoipa::path(get, path = "/applications/{number}", tag = "accounts", params(("number" = String, Path)),
    responses((status = 200, body = ApplicationDetail), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<ApplicationDetail>, Problem> {
    Ok(Json(ask::show(&center, &caller, &number).await?))
}

/// Says what a reviewer thinks of an application; the last approval that its path needs makes what was asked for.
#[utoipa::path(post, path = "/applications/{number}/verdicts", tag = "accounts", params(("number" = String, Path)),
    request_body = NewVerdict, responses((status = 201, body = ApplicationDetail), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn judge(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<NewVerdict>,
) -> Result<(StatusCode, Json<ApplicationDetail>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::judge(&center, &caller, &number, body.value).await?)))
}

/// Makes a link by which the first administrator of a new tenant sets a password, in place of the link before.
#[utoipa::path(post, path = "/applications/{number}/link", tag = "accounts", params(("number" = String, Path)),
    responses((status = 201, body = AccountLink), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-secret-answer" = json!(true))))]
pub async fn make_link(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<(StatusCode, Json<AccountLink>), Problem> {
    Ok((StatusCode::CREATED, Json(account::make_link(&center, &caller, &number).await?)))
}

/// A file that the applicant added to an application. Its name and digest are among the application's attachments.
#[utoipa::path(get, path = "/applications/{number}/attachments/{which}", tag = "accounts",
    params(("number" = String, Path), ("which" = u32, Path, minimum = 1)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 404, body = Problem)))]
pub async fn attachment(
    State(center): State<Center>,
    Auth(caller): Auth,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let Ok(Path((number, which))) = path else { return Err(AppError::not_found("application", "").into()) };
    let (_, content) = attached::get(&center, &caller, &number, &which).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], content).into_response())
}
