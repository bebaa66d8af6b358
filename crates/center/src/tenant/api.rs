//! Tenants over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::{
    api::{
        Problem,
        extract::{Auth, Body},
    },
    http::Id,
};

use super::{
    ask::{self, NewTenant, TenantView},
    rule::TenantChange,
};
use crate::center::Center;

/// Tenants that you may see.
#[utoipa::path(get, path = "/tenants", tag = "accounts", responses((status = 200, body = Vec<TenantView>)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<TenantView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// Signs up a tenant.
#[utoipa::path(post, path = "/tenants", tag = "accounts", request_body = NewTenant,
    responses((status = 201, body = TenantView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn sign_up(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewTenant>,
) -> Result<(StatusCode, Json<TenantView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::create(&center, &caller, body.value).await?)))
}

/// One tenant, by its short name.
#[utoipa::path(get, path = "/tenants/{slug}", tag = "accounts", params(("slug" = String, Path)),
    responses((status = 200, body = TenantView), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
) -> Result<Json<TenantView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &slug).await?))
}

/// Sets a tenant's names, its alliance, and whom its statements are made out to.
#[utoipa::path(patch, path = "/tenants/{slug}", tag = "accounts", params(("slug" = String, Path)),
    request_body = TenantChange, responses((status = 200, body = TenantView), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn change(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
    body: Body<TenantChange>,
) -> Result<Json<TenantView>, Problem> {
    Ok(Json(ask::change(&center, &caller, &slug, body.value).await?))
}
