//! Mails over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body, Id, Params},
};
use center::{
    center::Center,
    notices::send::{self, MailLook, MailView},
};
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MailQuery {
    /// `waiting`, `sent` or `failed`; all where left out.
    pub state: Option<String>,
}

/// The newest mails, and how each fares; what they say is told to nobody.
#[utoipa::path(get, path = "/mails", tag = "center", params(MailQuery),
    responses((status = 200, body = Vec<MailView>), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<MailQuery>,
) -> Result<Json<Vec<MailView>>, Problem> {
    Ok(Json(send::list(&center, &caller, query.state.as_deref()).await?))
}

/// Whether the center sends mail, and the relay takes it: it is asked.
#[utoipa::path(get, path = "/mails/relay", tag = "center",
    responses((status = 200, body = MailLook), (status = 403, body = Problem)))]
pub async fn look(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<MailLook>, Problem> {
    Ok(Json(send::look(&center, &caller).await?))
}

/// Whom a test goes to.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestMail {
    pub email: String,
}

/// Sends a test mail.
#[utoipa::path(post, path = "/mails/test", tag = "center", request_body = TestMail,
    responses((status = 201, body = MailView), (status = 403, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn test(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<TestMail>,
) -> Result<(StatusCode, Json<MailView>), Problem> {
    Ok((StatusCode::CREATED, Json(send::test(&center, &caller, &body.value.email).await?)))
}

/// Tries a mail again that failed.
#[utoipa::path(post, path = "/mails/{id}/retry", tag = "center", params(("id" = String, Path)),
    responses((status = 200, body = MailView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn retry(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<MailView>, Problem> {
    Ok(Json(send::retry(&center, &caller, &id).await?))
}
