//! Roots of the books.

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    app::roots::{self, AskedRoot, RootView},
    center::Center,
};
use base::api::{
    Problem,
    extract::{Auth, Body},
};

/// The newest 100 roots of the books, newest first: what was signed, and given out.
#[utoipa::path(get, path = "/ledger/roots", tag = "money", responses((status = 200, body = Vec<RootView>)))]
pub async fn roots(State(center): State<Center>, Auth(caller): Auth) -> Result<Json<Vec<RootView>>, Problem> {
    Ok(Json(roots::list(&center, &caller).await?))
}

/// Makes a root now.
#[utoipa::path(post, path = "/ledger/roots", tag = "money", request_body = AskedRoot,
    responses((status = 201, body = RootView), (status = 422, body = Problem)))]
pub async fn make_root(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<AskedRoot>,
) -> Result<(StatusCode, Json<RootView>), Problem> {
    Ok((StatusCode::CREATED, Json(roots::ask(&center, &caller, body.value).await?)))
}
