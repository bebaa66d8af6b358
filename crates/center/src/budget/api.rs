//! Budgets over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::api::{
    Problem,
    extract::{Auth, Body, Id},
};

use super::ask::{self, BudgetChange, BudgetDetail, BudgetView, NewBudget};
use crate::center::Center;

/// Budgets that you may see, and how they stand; the one of which most is used first.
#[utoipa::path(get, path = "/budgets", tag = "money",
    responses((status = 200, body = Vec<BudgetView>), (status = 403, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<BudgetView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// One budget, with what was spent of it by day and by job.
#[utoipa::path(get, path = "/budgets/{id}", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = BudgetDetail), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<BudgetDetail>, Problem> {
    Ok(Json(ask::show(&center, &caller, &id).await?))
}

/// Sets a budget for a project or a member.
#[utoipa::path(post, path = "/budgets", tag = "money", request_body = NewBudget,
    responses((status = 201, body = BudgetView), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn make(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewBudget>,
) -> Result<(StatusCode, Json<BudgetView>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::make(&center, &caller, body.value).await?)))
}

/// Changes a budget: how much, of which shares people are told, whether it stops what runs.
#[utoipa::path(patch, path = "/budgets/{id}", tag = "money", params(("id" = String, Path)),
    request_body = BudgetChange,
    responses((status = 200, body = BudgetView), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 422, body = Problem)))]
pub async fn change(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<BudgetChange>,
) -> Result<Json<BudgetView>, Problem> {
    Ok(Json(ask::change(&center, &caller, &id, body.value).await?))
}

/// Takes a budget away: it binds nobody any more.
#[utoipa::path(delete, path = "/budgets/{id}", tag = "money", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn end(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::end(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
