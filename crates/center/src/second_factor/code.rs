//! The second page of signing in: the code of the second factor, for a browser in which the password was right.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::credentials,
    error::AppError,
    http::cookie,
    page::{
        extract::SentByStranger,
        form::Form,
        frame::{Front, Page, render},
    },
};
use domain::Member;

use super::{ask, rule};
use crate::{
    app::sign_in,
    center::Center,
    entry::{
        door,
        state::{Half, Onward},
    },
    session::rule::Way,
};

/// The cookie of a sign-in that is half done.
const COOKIE: &str = "half";
const AGE_S: i64 = 300;
const PATH: &str = "/sign-in/code";

#[derive(Template)]
#[template(path = "second_factor/code.html")]
pub struct CodePage {
    page: Page,
    login: String,
    form: Form,
}

fn kept_under(secret: &str) -> String {
    credentials::hash(secret).map(|byte| format!("{byte:02x}")).concat()
}

/// The way on of somebody whose password was right, as a member that they are: in, or to the code first.
pub async fn go_on(
    center: &Center,
    front: &Front,
    member: Member,
    onward: Onward,
) -> Result<Response, AppError> {
    if !ask::is_bound(center, member.person).await? {
        return door::enter(center, front, member, Way::Password, onward).await;
    }
    Ok(ask_code(center, Half { person: member.person, login: member.login, by: None, onward, wrong: 0 }))
}

/// Sends a browser to the page that asks for the code.
pub fn ask_code(center: &Center, half: Half) -> Response {
    let secret = credentials::new_secret("");
    center.entry.halves.put(&kept_under(&secret), half);
    let cookie = door::cookie(center, COOKIE, &secret, AGE_S);
    ([(header::SET_COOKIE, cookie)], Redirect::to(PATH)).into_response()
}

fn half(center: &Center, headers: &HeaderMap) -> Option<(String, Half)> {
    let kept = kept_under(cookie(headers, COOKIE)?);
    let half = center.entry.halves.get(&kept)?;
    Some((kept, half))
}

fn anew() -> Response {
    Redirect::to("/sign-in").into_response()
}

pub async fn page(State(center): State<Center>, headers: HeaderMap, front: Front) -> Response {
    match half(&center, &headers) {
        Some((_, half)) => show(front, StatusCode::OK, half.login, Form::default()),
        None => anew(),
    }
}

fn show(front: Front, status: StatusCode, login: String, form: Form) -> Response {
    let title = front.ui.t("sign-in");
    render(status, &CodePage { page: Page::new(front, "", title), login, form })
}

pub async fn enter(
    State(center): State<Center>,
    headers: HeaderMap,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    let Some((kept, half)) = half(&center, &headers) else { return Ok(anew()) };
    let source = door::source(&center, &front, &half.login).await?;
    let way = match ask::pass_code(&center, &source, half.person, form.value("code")).await {
        Ok(way) => way,
        Err(error) => {
            let is_wrong = matches!(error, AppError::Invalid(_));
            let status = form.explain(front.ui, error, |name| (name == "code").then_some("code"))?;
            let (login, wrong) = (half.login.clone(), half.wrong + u32::from(is_wrong));
            if wrong >= rule::MOST_WRONG {
                center.entry.halves.take(&kept);
                return Ok(anew());
            }
            center.entry.halves.put(&kept, Half { wrong, ..half });
            return Ok(show(front, status, login, form));
        }
    };
    // Of two who send the form at once one is in, as the code is good once.
    center.entry.halves.take(&kept);
    let member = sign_in::first_member(&center, half.person).await?;
    let way = if half.by.is_some() { way.by_issuer() } else { way };
    let mut response = door::enter_by(&center, &front, member, (way, half.by), half.onward).await?;
    let over = HeaderValue::from_str(&door::cookie(&center, COOKIE, "", 0)).map_err(AppError::internal)?;
    response.headers_mut().append(header::SET_COOKIE, over);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::Sample;

    impl Sample for CodePage {
        fn samples(page: &Page) -> Vec<Self> {
            let mut wrong = Form::with(&[("code", "123 456".into())]);
            wrong.blame_for(page.ui, "code", domain::problem::SignInFault::NotTheCode);
            let mut slow = Form::default();
            slow.notice = page.t("sign-in-wrong");
            let sample = |form: Form| Self { page: page.clone(), login: "li".into(), form };
            vec![sample(Form::default()), sample(wrong), sample(slow)]
        }
    }
}
