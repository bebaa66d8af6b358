//! Mails in a browser.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    notice::mail::outbox::MailState,
    page::{
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, render},
    },
};
use center::{
    center::Center,
    notices::send::{self, MailLook, MailView},
};

#[derive(Template)]
#[template(path = "mail/list.html")]
pub struct MailsPage {
    page: Page,
    look: MailLook,
    mails: Vec<MailView>,
    form: Form,
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let page = MailsPage {
        mails: send::list(center, &visitor.caller, None).await?,
        look: send::look(center, &visitor.caller).await?,
        page: visitor.page("mails", visitor.front.ui.t("nav-mails")),
        form,
    };
    Ok(render(status, &page))
}

pub async fn test(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    match send::test(&center, &visitor.caller, form.value("email")).await {
        Ok(_) => Ok(Redirect::to("/mails").into_response()),
        Err(error) => {
            let status =
                form.explain(visitor.front.ui, error, |name| (name == "email").then_some("email"))?;
            show(&center, &visitor, status, form).await
        }
    }
}

pub async fn retry(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    send::retry(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/mails").into_response())
}

#[cfg(test)]
pub mod samples {
    use base::notice::mail::outbox::MailId;
    use domain::Timestamp;

    use super::*;

    impl MailsPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let at = Timestamp::from_secs(1_800_000_000);
            let mail = |state: MailState| MailView {
                id: MailId::from_bytes([1; 16]),
                purpose: "reset".into(),
                address: "li@univ.example".into(),
                state,
                attempts: 2,
                created_at: at.into(),
                due_at: (state == MailState::Waiting).then(|| at.into()),
                ended_at: (state != MailState::Waiting).then(|| at.into()),
                answer: if state == MailState::Sent { String::new() } else { "550 <no> such user".into() },
            };
            let look = |is_on, error: Option<&str>| MailLook {
                is_on,
                error: error.map(str::to_owned),
                waiting: 2,
                failed: 1,
            };
            let mut wrong = Form::with(&[("email", "li".into())]);
            wrong.blame("email", page.t("mails-off"));
            let sample = |look, mails, form| Self { page: page.clone(), look, mails, form };
            vec![
                sample(look(true, None), MailState::ALL.map(mail).to_vec(), Form::default()),
                sample(look(true, Some("connection <refused>")), Vec::new(), wrong),
                sample(look(false, None), Vec::new(), Form::default()),
            ]
        }
    }
}
