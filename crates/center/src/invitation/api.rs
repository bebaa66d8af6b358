//! Invitations over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use base::{
    api::{
        Problem,
        extract::{Auth, Body, Id, Peer},
    },
    auth::limits::Source,
};

use super::ask::{self, InvitationView, Joining, MadeInvitation, NewInvitation, Offer};
use crate::{app::members::MemberView, center::Center};

type Created<T> = (StatusCode, Json<T>);

/// Invitations that you may see; their links are told to nobody.
#[utoipa::path(get, path = "/invitations", tag = "accounts",
    responses((status = 200, body = Vec<InvitationView>), (status = 403, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<InvitationView>>, Problem> {
    Ok(Json(ask::list(&center, &caller).await?))
}

/// Invites somebody, and tells the link this once.
#[utoipa::path(post, path = "/invitations", tag = "accounts",
    extensions(("x-secret-answer" = json!(true))), request_body = NewInvitation,
    responses((status = 201, body = MadeInvitation), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn invite(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewInvitation>,
) -> Result<Created<MadeInvitation>, Problem> {
    Ok((StatusCode::CREATED, Json(ask::invite(&center, &caller, body.value).await?)))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/invitations/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn take_back(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::take_back(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a link offers, by its last part.
#[utoipa::path(get, path = "/join/{token}", tag = "accounts", params(("token" = String, Path)), security(()),
    responses((status = 200, body = Offer), (status = 409, body = Problem)))]
pub async fn look(State(center): State<Center>, Id(token): Id) -> Result<Json<Offer>, Problem> {
    Ok(Json(ask::look(&center, &token).await?))
}

/// Makes you a member by a link: as the person of a login, or, with a name, as somebody new.
#[utoipa::path(post, path = "/join", tag = "accounts", extensions(("x-idempotency-key" = json!("none"))),
    request_body = Joining, security(()),
    responses((status = 201, body = MemberView), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
pub async fn join(
    State(center): State<Center>,
    Peer(from): Peer,
    body: Body<Joining>,
) -> Result<Created<MemberView>, Problem> {
    let (member, _) = ask::join(&center, &Source::new(&from), body.value).await?;
    Ok((StatusCode::CREATED, Json(ask::seen(&center, member).await?)))
}
