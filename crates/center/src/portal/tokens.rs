//! A member's own account: the password, and the tokens with which programs speak for the member.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::Timestamp;
use serde::Deserialize;

use super::{
    extract::{Asked, Id, Sent},
    fault::{self, Fault},
    page::{Page, Visitor, render},
    sign_in::session_cookie,
    typed::Typed,
};
use crate::{
    app::{
        members::{self, MemberChange},
        sign_in::{self, NewToken, TokenView},
    },
    center::Center,
    error::AppError,
    moment,
};

struct Line {
    token: TokenView,
    has_expired: bool,
}

#[derive(Template)]
#[template(path = "tokens.html")]
pub struct TokensPage {
    page: Page,
    login: String,
    tokens: Vec<Line>,
    days: i64,
    told: Told,
}

/// What a form of the page left behind.
#[derive(Default)]
struct Told {
    token: Typed,
    password: Typed,
    /// The token just made: its text is shown this once.
    made: Option<NewToken>,
    has_new_password: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// `password` after it was changed.
    changed: String,
}

type Fields = Sent<Vec<(String, String)>>;

pub async fn page(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Fault> {
    let told = Told { has_new_password: wanted.changed == "password", ..Told::default() };
    show(&center, &visitor, StatusCode::OK, told).await
}

async fn show(center: &Center, visitor: &Visitor, status: StatusCode, told: Told) -> Result<Response, Fault> {
    let own = sign_in::list_tokens(center, &visitor.caller).await.map_err(|error| visitor.fault(error))?;
    let now = moment::now();
    let has_expired = |t: &TokenView| t.expires_at.parse::<Timestamp>().is_ok_and(|at| at <= now);
    let page = TokensPage {
        page: visitor.page("tokens", visitor.front.ui.t("nav-tokens")),
        login: visitor.caller.member.login.clone(),
        tokens: own.into_iter().rev().map(|token| Line { has_expired: has_expired(&token), token }).collect(),
        days: center.settings.limits.token_days,
        told,
    };
    Ok(render(status, &page))
}

pub async fn make(
    State(center): State<Center>,
    visitor: Visitor,
    Sent(fields): Fields,
) -> Result<Response, Fault> {
    let mut f = Typed::of(fields);
    visitor.check_csrf(f.value("csrf"))?;
    match sign_in::new_token(&center, &visitor.caller, f.value("name")).await {
        Ok(made) => {
            let told = Told { made: Some(made), ..Told::default() };
            show(&center, &visitor, StatusCode::CREATED, told).await
        }
        Err(error @ AppError::Invalid(_)) => {
            let status = fault::status(&error);
            f.take(visitor.front.ui, error, |name| (name == "name").then_some("name"))
                .map_err(|error| visitor.fault(error))?;
            show(&center, &visitor, status, Told { token: f, ..Told::default() }).await
        }
        Err(error) => Err(visitor.fault(error)),
    }
}

pub async fn revoke(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
    Sent(fields): Fields,
) -> Result<Response, Fault> {
    visitor.check_csrf(Typed::of(fields).value("csrf"))?;
    sign_in::revoke_token(&center, &visitor.caller, &id).await.map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to("/tokens").into_response())
}

/// A new password of one's own. It ends all sessions and tokens of the old one; this browser gets a new session.
pub async fn change_password(
    State(center): State<Center>,
    visitor: Visitor,
    Sent(fields): Fields,
) -> Result<Response, Fault> {
    let mut f = Typed::of(fields);
    visitor.check_csrf(f.value("csrf"))?;
    let failed = |error| visitor.fault(error);
    let ui = visitor.front.ui;
    // As they were typed, space and all.
    let [old, new, again] = ["old", "new", "again"].map(|name| f.all(name).pop().unwrap_or_default());
    if new != again {
        f.blame_by(ui, "again", "again");
    }
    match sign_in::check(&center, &visitor.front.from, &visitor.caller.member.login, &old).await {
        Ok(_) => {}
        Err(AppError::Unauthenticated(_)) => f.blame_by(ui, "old", "old-password"),
        Err(error) => return Err(failed(error)),
    }
    let id = visitor.caller.member.id.to_string();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if f.is_good() {
        let change = MemberChange { is_enabled: None, password: Some(new) };
        match members::change(&center, &visitor.caller, &id, change).await {
            Ok(_) => {
                let member = visitor.caller.member.clone();
                let (secret, _) = sign_in::new_session(&center, member).await.map_err(failed)?;
                let age_s = center.settings.limits.session_hours.saturating_mul(3600);
                let cookie = [(header::SET_COOKIE, session_cookie(&center, &secret, age_s))];
                return Ok((cookie, Redirect::to("/tokens?changed=password")).into_response());
            }
            Err(error @ AppError::Invalid(_)) => {
                status = fault::status(&error);
                f.take(ui, error, |name| (name == "password").then_some("new")).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
    }
    show(&center, &visitor, status, Told { password: f, ..Told::default() }).await
}

#[cfg(test)]
impl super::sample::Sample for TokensPage {
    fn samples(page: &Page) -> Vec<Self> {
        use super::sample::views;
        let line = |last_used_at: Option<&str>, has_expired: bool| Line {
            token: TokenView {
                id: views::id("tok_"),
                name: "Laptop <1>".into(),
                created_at: views::AT.into(),
                expires_at: views::LATER.into(),
                last_used_at: last_used_at.map(str::to_owned),
            },
            has_expired,
        };
        let sample = |tokens: Vec<Line>, told: Told| Self {
            page: page.clone(),
            login: "li".into(),
            tokens,
            days: 90,
            told,
        };
        let made = NewToken {
            token: "QT_0".into(),
            id: views::id("tok_"),
            expires_at: views::LATER.into(),
            member: views::member(),
        };
        let mut token = Typed::with(&[("name", " ".into())]);
        token.blame_by(page.ui, "name", "name");
        let mut password = Typed::default();
        for field in ["old", "new", "again"] {
            password.blame_by(page.ui, field, "again");
        }
        vec![
            sample(
                vec![line(Some(views::AT), false), line(None, true)],
                Told { made: Some(made), has_new_password: true, ..Told::default() },
            ),
            sample(Vec::new(), Told { token, password, ..Told::default() }),
        ]
    }
}
