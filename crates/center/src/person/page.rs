//! What a browser does for a person: to go on as another of their members, an address, and who may sign in.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::credentials::SESSION_COOKIE,
    error::{AppError, Unreadable},
    http::{Id, cookie},
    page::extract::Sent,
};

use super::ask::{self, OwnChange, PersonChange};
use crate::{
    app::{members, sign_in},
    center::Center,
    entry::door::session_cookie,
    portal::tokens,
};

/// Goes on as another member that the person is. Forms of the pages of before are not taken any more.
pub async fn go_on_as(
    State(center): State<Center>,
    headers: HeaderMap,
    Sent { form, .. }: Sent,
) -> Result<Response, AppError> {
    let secret = cookie(&headers, SESSION_COOKIE).unwrap_or_default();
    let (secret, age_s) = sign_in::go_on_as(&center, secret, form.value("member")).await?;
    // The page from which it was chosen may be of what the other member does not see.
    Ok(([(header::SET_COOKIE, session_cookie(&center, &secret, age_s))], Redirect::to("/")).into_response())
}

pub async fn set_email(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let wanted = OwnChange { email: form.value("email").to_owned() };
    match ask::change_own(&center, &visitor.caller, wanted).await {
        Ok(_) => Ok(Redirect::to("/tokens?changed=email").into_response()),
        Err(error) => {
            let status =
                form.explain(visitor.front.ui, error, |name| (name == "email").then_some("email"))?;
            tokens::show_email(&center, &visitor, status, form).await
        }
    }
}

/// Lets a member's person sign in, or keeps them out wherever they are a member.
pub async fn let_in(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let is_enabled = form.value("is_enabled").parse().map_err(|_| AppError::Unreadable {
        part: Unreadable::Form,
        message: "`is_enabled` is neither `true` nor `false`".into(),
    })?;
    let member = members::show(&center, &visitor.caller, &id).await?;
    let person = ask::of_member(&center, &visitor.caller, member.id).await?.id.to_string();
    let wanted = PersonChange { is_enabled: Some(is_enabled), ..PersonChange::default() };
    ask::change(&center, &visitor.caller, &person, wanted).await?;
    Ok(Redirect::to(&format!("/people/members/{id}")).into_response())
}
