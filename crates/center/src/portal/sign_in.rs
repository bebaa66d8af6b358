//! Signing in and out with a browser.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    extract::Sent,
    fault::{self, Fault},
    page::{Front, Page, Visitor, cookie, ok, render},
};
use crate::{app::sign_in, auth::credentials::SESSION_COOKIE, center::Center, error::AppError};

#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    page: Page,
    login: String,
    problem: String,
}

pub async fn page(front: Front) -> Response {
    if front.session.is_some() {
        return Redirect::to("/").into_response();
    }
    let title = front.ui.t("sign-in");
    ok(&SignInPage { page: Page::new(front, "", title), login: String::new(), problem: String::new() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Credentials {
    login: String,
    password: String,
}

/// Signs in. There is no session yet whose token a form could send: the browser's word on where the form came from
/// stands in for it.
pub async fn enter(
    State(center): State<Center>,
    headers: HeaderMap,
    front: Front,
    Sent(form): Sent<Credentials>,
) -> Result<Response, Fault> {
    if !is_own_page(&headers) {
        return Err(Fault::at(front, AppError::Forbidden { action: "csrf" }));
    }
    let member = match sign_in::check(&center, &front.from, &form.login, &form.password).await {
        Ok(member) => member,
        Err(error @ (AppError::Unauthenticated(_) | AppError::TooMany { .. })) => {
            let told = fault::told(front.ui, &error);
            let status = fault::status(&error);
            let problem = format!("{} {}", told.title, told.hint).trim().to_owned();
            let title = front.ui.t("sign-in");
            let login = form.login.chars().take(128).collect();
            return Ok(render(status, &SignInPage { page: Page::new(front, "", title), login, problem }));
        }
        Err(error) => return Err(Fault::at(front, error)),
    };
    let made = sign_in::new_session(&center, member).await;
    let (secret, _) = made.map_err(|error| Fault::at(front.clone(), error))?;
    let age_s = center.settings.limits.session_hours.saturating_mul(3600);
    let to = Redirect::to("/");
    Ok(([(header::SET_COOKIE, session_cookie(&center, &secret, age_s))], to).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Leave {
    csrf: String,
}

pub async fn leave(
    State(center): State<Center>,
    headers: HeaderMap,
    visitor: Visitor,
    Sent(form): Sent<Leave>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    if let Some(secret) = cookie(&headers, SESSION_COOKIE) {
        sign_in::end_session(&center, secret).await.map_err(|error| visitor.fault(error))?;
    }
    Ok(([(header::SET_COOKIE, session_cookie(&center, "", 0))], Redirect::to("/sign-in")).into_response())
}

pub fn session_cookie(center: &Center, secret: &str, age_s: i64) -> String {
    let secure = if center.settings.secure_cookies { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={secret}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// Whether the browser says that the form was one of this center's own pages. Programs that say nothing pass: a page
/// elsewhere can't make a browser keep silent about both.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, there)| there == host),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
impl super::sample::Sample for SignInPage {
    fn samples(page: &Page) -> Vec<Self> {
        let sample = |problem: String| Self { page: page.clone(), login: "li".into(), problem };
        vec![sample(String::new()), sample(page.t("sign-in-wrong"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_sites_are_told_apart() {
        let is_own = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            is_own_page(&headers)
        };
        assert!(is_own(&[("sec-fetch-site", "same-origin")]));
        assert!(!is_own(&[("sec-fetch-site", "cross-site")]));
        assert!(!is_own(&[("sec-fetch-site", "same-site")]));
        assert!(is_own(&[("origin", "http://a.example:8470"), ("host", "a.example:8470")]));
        assert!(!is_own(&[("origin", "http://b.example"), ("host", "a.example")]));
        assert!(!is_own(&[("origin", "null"), ("host", "a.example")]));
    }
}
