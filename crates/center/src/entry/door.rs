//! A browser in which somebody has come in: its session, its cookies, and the page to go on to.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::{credentials::SESSION_COOKIE, limits::Source},
    error::AppError,
    moment,
    page::{
        carried::{Carried, own_address},
        form::Form,
        frame::Front,
    },
};
use domain::Member;
use store::credentials::OriginRow;

use super::{
    browser::{self, Key},
    state::Onward,
};
use crate::{app::sign_in, center::Center, session::rule::Way};

impl Onward {
    /// As the form for signing in says.
    pub fn of(form: &Form) -> Self {
        Self { carried: Carried::from_sign_in(form.fields()), next: own_address(form.value("next")) }
    }
}

/// The browser of a page.
pub fn browser(front: &Front) -> sign_in::Browser {
    sign_in::Browser { from: front.from.clone(), program: front.program.clone() }
}

/// A cookie that scripts don't reach and other sites' forms don't send.
pub fn cookie(center: &Center, name: &str, value: &str, age_s: i64) -> String {
    let secure = if center.settings.has_secure_cookies() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
}

pub fn session_cookie(center: &Center, secret: &str, age_s: i64) -> String {
    cookie(center, SESSION_COOKIE, secret, age_s)
}

async fn key(center: &Center) -> Result<Key, AppError> {
    let made = || async {
        let new = moment::random();
        center.write(move |tx| Ok(store::failed_sign_ins::browser_key(tx, new)?), |_, _| ()).await
    };
    center.entry.browser_key.get_or_try_init(made).await.copied()
}

/// Where somebody tries to sign in from under a login.
pub async fn source(center: &Center, front: &Front, login: &str) -> Result<Source, AppError> {
    let known = if front.browsers.is_empty() {
        None
    } else {
        browser::known_as(&key(center).await?, &front.browsers, login.trim())
    };
    Ok(Source::new(&front.from).by(known))
}

/// Begins a session in the browser of `front`, which is known again from now on, and goes on.
pub async fn enter(
    center: &Center,
    front: &Front,
    member: Member,
    way: Way,
    onward: Onward,
) -> Result<Response, AppError> {
    enter_by(center, front, member, (way, None), onward).await
}

/// [`enter`] of somebody for whom an issuer vouched, where there is its word.
pub async fn enter_by(
    center: &Center,
    front: &Front,
    member: Member,
    (way, by): (Way, Option<OriginRow>),
    onward: Onward,
) -> Result<Response, AppError> {
    let login = member.login.clone();
    let (secret, session) = sign_in::new_session_by(center, member, browser(front), way, by).await?;
    let to = match onward.carried {
        Some(carried) => {
            center.carried.put(&session.csrf, carried);
            "/carried".to_owned()
        }
        None => onward.next.unwrap_or_else(|| "/".to_owned()),
    };
    let age_s = center.settings.limits.session_hours.saturating_mul(3600);
    let cookie_of_session = session_cookie(center, &secret, age_s);
    let mut response = ([(header::SET_COOKIE, cookie_of_session)], Redirect::to(&to)).into_response();
    if let Some(known) = browser::remembered(&key(center).await?, &front.browsers, &login, moment::random()) {
        let known = cookie(center, browser::COOKIE, &known, browser::AGE_S);
        let known = HeaderValue::from_str(&known).map_err(AppError::internal)?;
        response.headers_mut().append(header::SET_COOKIE, known);
    }
    Ok(response)
}
