//! Roles over HTTP.

use axum::{Json, extract::State};
use base::api::{Problem, extract::Auth};
use domain::Role;
use serde::Serialize;

use super::rule::Right;
use crate::center::Center;

/// A role, and what it may do.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RoleView {
    pub role: Role,
    /// Whether it is one of the center's own people's, and not of a tenant's.
    pub is_of_center: bool,
    pub rights: Vec<Right>,
}

/// Roles, with what each may do.
#[utoipa::path(get, path = "/roles", tag = "accounts", responses((status = 200, body = Vec<RoleView>)))]
pub async fn list(State(center): State<Center>, Auth(_caller): Auth) -> Result<Json<Vec<RoleView>>, Problem> {
    let view = |role: Role| RoleView {
        role,
        is_of_center: role.is_of_center(),
        rights: Right::of(&center.policies, role),
    };
    Ok(Json(Role::ALL.map(view).into()))
}
