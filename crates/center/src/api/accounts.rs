//! Signing in, tokens, members, projects.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

use crate::{
    app::{
        members::{self, MemberChange, MemberView, NewMember},
        projects::{self, NewProject, ProjectView},
        sign_in::{self, NewToken, TokenView},
    },
    center::Center,
    second_factor::ask as second_factor,
};
use base::api::{
    Problem,
    extract::{Auth, Body, Id, Peer},
};
use base::{
    auth::{Caller, limits::Source},
    error::AppError,
};

type Created<T> = (StatusCode, Json<T>);

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub login: String,
    pub password: String,
    /// The token's name in your list of tokens; `sign-in` where left out.
    pub token_name: Option<String>,
    /// A code of the second factor, or a recovery code. Needed where the person has one.
    pub code: Option<String>,
    /// The short name of the tenant as whose member the token speaks, `-` for the center's own people. Needed where the
    /// person is a member in several places.
    pub tenant: Option<String>,
}

/// Gives a token for a login and a password.
#[utoipa::path(post, path = "/login", tag = "accounts",
    extensions(("x-idempotency-key" = json!("none")), ("x-secret-answer" = json!(true))), request_body = SignIn, security(()),
    responses((status = 201, body = NewToken), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub async fn login(
    State(center): State<Center>,
    Peer(from): Peer,
    body: Body<SignIn>,
) -> Result<Created<NewToken>, Problem> {
    let SignIn { login, password, token_name, code, tenant } = body.value;
    let source = Source::new(&from);
    let members = sign_in::check(&center, &source, &login, &password).await?;
    let person = members.first().ok_or(AppError::WrongPassword)?.person;
    second_factor::pass(&center, &source, person, code.as_deref()).await?;
    let member = sign_in::choose(&center, members, tenant).await?;
    let name = token_name.unwrap_or_else(|| "sign-in".into());
    let made = sign_in::new_token(&center, &Caller { member, from, once: None }, &name).await?;
    let failed_sign_ins = sign_in::tell_failures(&center, person).await?;
    Ok((StatusCode::CREATED, Json(NewToken { failed_sign_ins, ..made })))
}

/// Your tokens.
#[utoipa::path(get, path = "/tokens", tag = "accounts", responses((status = 200, body = Vec<TokenView>)))]
pub async fn list_tokens(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<TokenView>>, Problem> {
    Ok(Json(sign_in::list_tokens(&center, &caller).await?))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenName {
    #[schema(value_type = domain::schema::Line64)]
    pub name: String,
}

/// A new token. Its text is told this once.
#[utoipa::path(post, path = "/tokens", tag = "accounts", extensions(("x-secret-answer" = json!(true))), request_body = TokenName,
    responses((status = 201, body = NewToken)))]
pub async fn new_token(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<TokenName>,
) -> Result<Created<NewToken>, Problem> {
    Ok((StatusCode::CREATED, Json(sign_in::new_token(&center, &caller, &body.value.name).await?)))
}

/// Ends a token of yours.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn revoke_token(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    sign_in::revoke_token(&center, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Members that you may see.
#[utoipa::path(get, path = "/members", tag = "accounts", responses((status = 200, body = Vec<MemberView>)))]
pub async fn list_members(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<MemberView>>, Problem> {
    Ok(Json(members::list(&center, &caller).await?))
}

/// A new member.
#[utoipa::path(post, path = "/members", tag = "accounts", request_body = NewMember,
    responses((status = 201, body = MemberView), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn new_member(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewMember>,
) -> Result<Created<MemberView>, Problem> {
    Ok((StatusCode::CREATED, Json(members::create(&center, &caller, body.value).await?)))
}

/// Lets a member in or out, gives a name or a role, or a new password.
#[utoipa::path(patch, path = "/members/{id}", tag = "accounts", params(("id" = String, Path)),
    request_body = MemberChange, responses((status = 200, body = MemberView), (status = 404, body = Problem)))]
pub async fn change_member(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<MemberChange>,
) -> Result<Json<MemberView>, Problem> {
    Ok(Json(members::change(&center, &caller, &id, body.value).await?))
}

/// Projects that you may see.
#[utoipa::path(get, path = "/projects", tag = "accounts", responses((status = 200, body = Vec<ProjectView>)))]
pub async fn list_projects(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<ProjectView>>, Problem> {
    Ok(Json(projects::list(&center, &caller).await?))
}

/// A new project.
#[utoipa::path(post, path = "/projects", tag = "accounts", request_body = NewProject,
    responses((status = 201, body = ProjectView), (status = 409, body = Problem)))]
pub async fn new_project(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewProject>,
) -> Result<Created<ProjectView>, Problem> {
    Ok((StatusCode::CREATED, Json(projects::create(&center, &caller, body.value).await?)))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectChange {
    /// A contract's number or id; `null` for none.
    pub contract: Option<String>,
}

/// Gives a project another contract.
#[utoipa::path(patch, path = "/projects/{id}", tag = "accounts", params(("id" = String, Path)),
    request_body = ProjectChange, responses((status = 200, body = ProjectView), (status = 404, body = Problem)))]
pub async fn change_project(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<ProjectChange>,
) -> Result<Json<ProjectView>, Problem> {
    Ok(Json(projects::set_contract(&center, &caller, &id, body.value.contract.as_deref()).await?))
}
