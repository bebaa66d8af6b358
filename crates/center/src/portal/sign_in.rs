//! Signing in and out with a browser.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::credentials::SESSION_COOKIE,
    error::AppError,
    http::{cookie, status},
    noun::welcome,
    page::{
        carried::{Carried, escaped, own_address},
        extract::{Asked, Sent, SentByStranger},
        fault,
        form::Form,
        frame::{Front, Page, Visitor, render},
    },
};
use serde::Deserialize;

use crate::{
    app::sign_in,
    center::Center,
    entry::{
        door::{self, session_cookie},
        state::Onward,
    },
    oidc::{issuers::Offered, onward::way_to},
    second_factor::code,
};

#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    page: Page,
    form: Form,
    /// The page that shows the center to strangers.
    welcome: Option<&'static str>,
    issuers: Vec<Offered>,
    /// Somebody's issuer is found by their address.
    with_email: bool,
    /// The center sends mail, and so a link for another password.
    has_mail: bool,
}

impl SignInPage {
    /// The page to go on to, for the address of an issuer's sign-in.
    fn next_query(&self) -> String {
        match self.form.value("next") {
            "" => String::new(),
            next => format!("?next={}", escaped(next)),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInQuery {
    /// The page to go on to.
    next: String,
    /// `none` where no issuer was found for an address.
    issuer: String,
}

pub async fn page(State(center): State<Center>, front: Front, Asked(query): Asked<SignInQuery>) -> Response {
    let next = own_address(&query.next);
    if front.session.is_some() {
        return Redirect::to(next.as_deref().unwrap_or("/")).into_response();
    }
    let mut form = Form::with(&[("next", next.unwrap_or_default())]);
    if query.issuer == "none" {
        form.notice = front.ui.t("sign-in-no-issuer");
    }
    show(&center, front, StatusCode::OK, form)
}

/// A form that was typed while its session ended, for whoever has signed in again.
pub async fn carried(State(center): State<Center>, visitor: Visitor) -> Response {
    match center.carried.get(&visitor.csrf) {
        Some(carried) => fault::carried_page(visitor.front, StatusCode::OK, carried, Form::default()),
        None => Redirect::to("/").into_response(),
    }
}

fn show(center: &Center, front: Front, status: StatusCode, form: Form) -> Response {
    if let Some(carried) = Carried::from_sign_in(form.fields()) {
        return fault::carried_page(front, status, carried, form);
    }
    let title = front.ui.t("sign-in");
    let welcome = welcome(center.platforms);
    let issuers = center.issuers.offered(front.ui.lang);
    let with_email = center.issuers.all().iter().any(|one| !one.settings.email_domains.is_empty());
    let has_mail = center.common.mail.is_on();
    let page = Page::new(front, "", title);
    render(status, &SignInPage { page, form, welcome, issuers, with_email, has_mail })
}

pub async fn enter(
    State(center): State<Center>,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    let source = door::source(&center, &front, form.value("login")).await?;
    let checked = sign_in::check(&center, &source, form.value("login"), form.raw("password")).await;
    let members = match checked {
        Ok(members) => members,
        Err(error @ AppError::WrongPassword) => {
            form.notice = fault::told(front.ui, &error).title;
            return Ok(show(&center, front, status(&error), form));
        }
        Err(error) => {
            let status = form.explain(front.ui, error, |_| None)?;
            return Ok(show(&center, front, status, form));
        }
    };
    let member = members.into_iter().next().ok_or(AppError::WrongPassword)?;
    code::go_on(&center, &front, member, Onward::of(&form)).await
}

/// Whoever is signed in has been told of the tries that failed.
pub async fn failures_seen(
    State(center): State<Center>,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    sign_in::tell_failures(&center, visitor.caller.member.person).await?;
    Ok(Redirect::to(own_address(&visitor.front.next).as_deref().unwrap_or("/")).into_response())
}

pub async fn leave(State(center): State<Center>, headers: HeaderMap, _: Sent) -> Result<Response, AppError> {
    let mut to = "/sign-in".to_owned();
    if let Some(secret) = cookie(&headers, SESSION_COOKIE)
        && let Some(origin) = sign_in::end_session(&center, secret).await?
        && let Some(issuer) = center.issuers.at(&origin.issuer)
        && let Some(url) = issuer.end_session_url(&origin.id_token, &center.issuers.center_url)
    {
        to = way_to(&center, url);
    }
    Ok(([(header::SET_COOKIE, session_cookie(&center, "", 0))], Redirect::to(&to)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::Sample;

    impl Sample for SignInPage {
        fn samples(page: &Page) -> Vec<Self> {
            let offered = |name: &str| Offered { name: name.into(), label: "Univ < A".into() };
            let sample = |notice: String| {
                let mut form = Form::with(&[("login", "li".into())]);
                form.notice = notice;
                let welcome = Some("/welcome").filter(|_| form.is_good());
                let issuers = if form.is_good() { vec![offered("a"), offered("b")] } else { Vec::new() };
                let with_email = form.is_good();
                let has_mail = form.is_good();
                Self { page: page.clone(), form, welcome, issuers, with_email, has_mail }
            };
            vec![sample(String::new()), sample(page.t("sign-in-wrong"))]
        }
    }
}
