//! A member's own tokens, with which programs speak for the member.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::Timestamp;

use super::{
    extract::{Id, Sent},
    fault::{self, Fault},
    page::{Page, Visitor, render},
    typed::Typed,
};
use crate::{
    app::sign_in::{self, NewToken, TokenView},
    center::Center,
    error::AppError,
    moment,
};

struct Line {
    t: TokenView,
    has_expired: bool,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    p: Page,
    f: Typed,
    lines: Vec<Line>,
    days: i64,
    /// The one just made: its text is shown this once.
    made: Option<NewToken>,
}

type Fields = Sent<Vec<(String, String)>>;

pub async fn page(State(center): State<Center>, visitor: Visitor) -> Result<Response, Fault> {
    show(&center, &visitor, StatusCode::OK, Typed::default(), None).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    f: Typed,
    made: Option<NewToken>,
) -> Result<Response, Fault> {
    let own = sign_in::list_tokens(center, &visitor.caller).await.map_err(|error| visitor.fault(error))?;
    let now = moment::now();
    let has_expired = |t: &TokenView| t.expires_at.parse::<Timestamp>().is_ok_and(|at| at <= now);
    let page = Tokens {
        p: visitor.page("tokens", visitor.front.ui.t("nav-tokens")),
        f,
        lines: own.into_iter().rev().map(|t| Line { has_expired: has_expired(&t), t }).collect(),
        days: center.settings.limits.token_days,
        made,
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
        Ok(made) => show(&center, &visitor, StatusCode::CREATED, Typed::default(), Some(made)).await,
        Err(error @ AppError::Invalid(_)) => {
            let status = fault::status(&error);
            f.take(visitor.front.ui, error, |name| (name == "name").then_some("name"))
                .map_err(|error| visitor.fault(error))?;
            show(&center, &visitor, status, f, None).await
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
