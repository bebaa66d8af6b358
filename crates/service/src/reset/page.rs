//! The pages of whoever forgot a password.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::{Asked, SentByStranger},
        form::Form,
        frame::{Front, Page, render},
    },
};
use center::center::Center;
use serde::Deserialize;

use super::ask;

#[derive(Template)]
#[template(path = "reset/forgot.html")]
pub struct ForgotPage {
    page: Page,
    /// The center sends mail.
    has_mail: bool,
    is_sent: bool,
    form: Form,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ForgotQuery {
    sent: String,
}

pub async fn forgot(
    State(center): State<Center>,
    front: Front,
    Asked(query): Asked<ForgotQuery>,
) -> Response {
    show(&center, front, StatusCode::OK, query.sent == "1", Form::default())
}

fn show(center: &Center, front: Front, status: StatusCode, is_sent: bool, form: Form) -> Response {
    let title = front.ui.t("forgot-title");
    let has_mail = center.common.mail.is_on();
    render(status, &ForgotPage { page: Page::new(front, "", title), has_mail, is_sent, form })
}

pub async fn send(
    State(center): State<Center>,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    match ask::forgot(&center, &front.from, form.value("email")) {
        Ok(()) => Ok(Redirect::to("/forgot?sent=1").into_response()),
        Err(error) => {
            let status = form.explain(front.ui, error, |name| (name == "email").then_some("email"))?;
            Ok(show(&center, front, status, false, form))
        }
    }
}

#[derive(Template)]
#[template(path = "reset/reset.html")]
pub struct ResetPage {
    page: Page,
    token: String,
    login: String,
    form: Form,
}

pub async fn look(State(center): State<Center>, Id(token): Id, front: Front) -> Result<Response, AppError> {
    show_reset(&center, front, StatusCode::OK, token, Form::default()).await
}

async fn show_reset(
    center: &Center,
    front: Front,
    status: StatusCode,
    token: String,
    form: Form,
) -> Result<Response, AppError> {
    let login = ask::look(center, &front.from, &token).await?;
    let title = front.ui.t("reset-title");
    Ok(render(status, &ResetPage { page: Page::new(front, "", title), token, login, form }))
}

pub async fn set(
    State(center): State<Center>,
    Id(token): Id,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    let password = form.raw("password").to_owned();
    if password != form.raw("again") {
        form.blame("again", front.ui.t("reset-differ"));
        return show_reset(&center, front, StatusCode::UNPROCESSABLE_ENTITY, token, form).await;
    }
    match ask::set(&center, &front.from, &token, password).await {
        Ok(()) => Ok(Redirect::to("/sign-in").into_response()),
        Err(error) => {
            let status = form.explain(front.ui, error, |name| (name == "password").then_some("password"))?;
            show_reset(&center, front, status, token, form).await
        }
    }
}

#[cfg(test)]
pub mod samples {
    use super::*;

    impl ForgotPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let mut wrong = Form::with(&[("email", "a <b>".into())]);
            wrong.blame("email", page.t("reset-differ"));
            let sample = |has_mail, is_sent, form| Self { page: page.clone(), has_mail, is_sent, form };
            vec![
                sample(true, false, Form::default()),
                sample(true, false, wrong),
                sample(true, true, Form::default()),
                sample(false, false, Form::default()),
            ]
        }
    }

    impl ResetPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let mut wrong = Form::default();
            for field in ["password", "again"] {
                wrong.blame(field, page.t("reset-differ"));
            }
            let sample =
                |form| Self { page: page.clone(), token: "SECRET".into(), login: "li <1>".into(), form };
            vec![sample(Form::default()), sample(wrong)]
        }
    }
}
