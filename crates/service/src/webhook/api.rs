//! Endpoints over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body, Id, Params},
};
use center::center::Center;
use serde::Deserialize;

use super::ask::{self, DeliveryView, MadeWebhook, NewWebhook, WebhookChange, WebhookView};

/// The endpoints that events are posted to.
#[utoipa::path(get, path = "/webhooks", tag = "accounts",
    responses((status = 200, body = Vec<WebhookView>), (status = 403, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<WebhookView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// Makes an endpoint, and tells the secret of a webhook this once.
#[utoipa::path(post, path = "/webhooks", tag = "accounts", extensions(("x-secret-answer" = json!(true))),
    request_body = NewWebhook, responses((status = 201, body = MadeWebhook), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn make(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewWebhook>,
) -> Result<(StatusCode, Json<MadeWebhook>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::make(&center, &caller, body.value).await?)))
}

/// One endpoint.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, body = WebhookView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<WebhookView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &id).await?))
}

/// Changes an endpoint, or disables or enables it.
#[utoipa::path(patch, path = "/webhooks/{id}", tag = "accounts", params(("id" = String, Path)),
    request_body = WebhookChange, responses((status = 200, body = WebhookView), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn change(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<WebhookChange>,
) -> Result<Json<WebhookView>, Problem> {
    Ok(Json(ask::change(&center, &caller, &id, body.value).await?))
}

/// Removes an endpoint, with what waits for it.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn remove(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::remove(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret, which is told this once; the one before signs as well for a day.
#[utoipa::path(post, path = "/webhooks/{id}/rotate", tag = "accounts",
    extensions(("x-secret-answer" = json!(true))), params(("id" = String, Path)),
    responses((status = 200, body = MadeWebhook), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn rotate(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<MadeWebhook>, Problem> {
    Ok(Json(ask::rotate(&center, &caller, &id).await?))
}

/// Posts an event that means nothing, to see whether it gets there.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "accounts", params(("id" = String, Path)),
    responses((status = 201, body = DeliveryView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn test(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::test(&center, &caller, &id).await?)))
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveryQuery {
    /// `waiting`, `delivered` or `failed`; all where left out.
    pub state: Option<String>,
}

/// The newest deliveries to an endpoint, each with its last answer.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "accounts", params(("id" = String, Path), DeliveryQuery),
    responses((status = 200, body = Vec<DeliveryView>), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn deliveries(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<DeliveryQuery>,
) -> Result<Json<Vec<DeliveryView>>, Problem> {
    Ok(Json(ask::deliveries(&center, &caller, &id, query.state.as_deref()).await?))
}

/// Which event.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The delivery's id.
    pub delivery: String,
}

/// Posts an event again, under the id that it had.
#[utoipa::path(post, path = "/webhooks/{id}/replay", tag = "accounts", params(("id" = String, Path)),
    request_body = Replay, responses((status = 200, body = DeliveryView), (status = 403, body = Problem),
    (status = 404, body = Problem)))]
pub async fn replay(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<Replay>,
) -> Result<Json<DeliveryView>, Problem> {
    Ok(Json(ask::replay(&center, &caller, &id, &body.value.delivery).await?))
}
