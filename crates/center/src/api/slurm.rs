//! Routes of the center's accounts in Slurm.

use axum::{Json, extract::State};

use crate::{
    app::slurm_accounts::{self, AccountsView},
    center::Center,
};
use base::api::{Problem, extract::Auth};

/// The accounts of tenants and projects in Slurm, and what would be changed there. Nothing is changed.
#[utoipa::path(get, path = "/slurm/accounts", tag = "center", responses((status = 200, body = AccountsView),
    (status = 403, body = Problem), (status = 409, body = Problem)))]
pub async fn accounts(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<AccountsView>, Problem> {
    Ok(Json(slurm_accounts::show(&center, &caller).await?))
}

/// Brings Slurm's accounts in step, once.
#[utoipa::path(post, path = "/slurm/accounts/apply", tag = "center", responses((status = 200, body = AccountsView),
    (status = 403, body = Problem), (status = 409, body = Problem)))]
pub async fn apply_accounts(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<AccountsView>, Problem> {
    Ok(Json(slurm_accounts::apply(&center, &caller).await?))
}
