//! Ending a session from the page of one's own account.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use base::{error::AppError, http::Id, page::extract::Sent};

use super::ask;
use crate::center::Center;

pub async fn end(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    ask::end(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/tokens#sessions").into_response())
}
