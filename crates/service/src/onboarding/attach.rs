//! Files that an applicant adds to an application, or takes away, by its secret.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    approval::{
        Application,
        actions::{ATTACH, DETACH},
        attachment::{Attachment, File},
        keep,
    },
    audit::{self, Change},
    auth::{Action, credentials},
    error::AppError,
    http::Id,
    moment,
    page::{
        extract::{Asked, FilesByStranger, SentFile},
        frame::Front,
    },
    refusal::Refused,
};
use center::center::Center;
use domain::Timestamp;
use serde_json::json;
use store::Tx;

use super::{
    ask::{of_secret, read_by_secret},
    page::{self, SecretQuery},
};
use crate::application::attached;

/// Adds all of the files or, where one can't be had, none of them.
async fn add(center: &Center, from: &str, whose: (&str, &str), files: Vec<SentFile>) -> Result<(), AppError> {
    let look = move || {
        let file = |SentFile { name, content }| {
            File::read(&name, content).map_err(|(name, why)| Refused::Attachment { name, why }.into())
        };
        files.into_iter().map(file).collect::<Result<Vec<_>, AppError>>()
    };
    let files = tokio::task::spawn_blocking(look).await??;
    write(center, from, whose, move |tx, application, now| {
        let add = |file| Ok((ATTACH, keep::attach(tx, application, file, now)?));
        files.iter().map(add).collect()
    })
    .await
}

async fn remove(center: &Center, from: &str, whose: (&str, &str), which: &str) -> Result<(), AppError> {
    let number = which.parse().map_err(|_| AppError::not_found("attachment", which))?;
    write(center, from, whose, move |tx, application, now| {
        Ok(vec![(DETACH, keep::detach(tx, application, number, now)?)])
    })
    .await
}

/// Changes the attachments of the application that the secret is for, with a line of the audit log for each.
async fn write(
    center: &Center,
    from: &str,
    (number, secret): (&str, &str),
    work: impl Fn(&Tx, &Application, Timestamp) -> Result<Vec<(Action, Attachment)>, AppError> + Send + 'static,
) -> Result<(), AppError> {
    center.limits.application(from)?;
    let (number, secret, from) = (number.to_owned(), credentials::hash(secret), from.to_owned());
    let change = move |tx: &Tx| {
        let application = of_secret(tx, &number, &secret)?;
        for (action, Attachment { name, sha256, .. }) in work(tx, &application, moment::now())? {
            let detail = json!({ "number": application.number, "name": name, "sha256": sha256 });
            let subject = application.id.to_string();
            audit::record_stranger(tx, &from, Change { tenant: None, action, subject, detail })?;
        }
        Ok(())
    };
    center.write(change, |_, ()| ()).await
}

/// A form of the application's page: files to add, or the number of one to take away.
pub async fn change(
    State(center): State<Center>,
    Id(number): Id,
    FilesByStranger { front, mut form, files }: FilesByStranger,
) -> Result<Response, AppError> {
    let secret = form.value("secret").to_owned();
    let which = form.value("remove").to_owned();
    let whose = (number.as_str(), secret.as_str());
    let done = if !which.is_empty() {
        remove(&center, &front.from, whose, &which).await
    } else if files.is_empty() {
        form.blame("files", front.ui.t("attachments-choose-one"));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return page::show_tracked(&center, front, &number, secret.clone(), status, (None, form)).await;
    } else {
        add(&center, &front.from, whose, files).await
    };
    match done {
        Ok(()) => Ok(Redirect::to(&page::address(&number, &secret)).into_response()),
        Err(error) => {
            let status = form.explain(front.ui, error, |_| None)?;
            page::show_tracked(&center, front, &number, secret.clone(), status, (None, form)).await
        }
    }
}

/// One of them, for whoever has the application's secret.
pub async fn show(
    State(center): State<Center>,
    path: Result<Path<(String, String)>, PathRejection>,
    front: Front,
    Asked(query): Asked<SecretQuery>,
) -> Result<Response, AppError> {
    center.limits.request(&front.from)?;
    let Ok(Path((number, which))) = path else { return Err(AppError::not_found("page", "")) };
    let read = move |tx: &Tx, application: Application| attached::of_application(tx, &application, &which);
    let whose = (number.as_str(), query.secret.as_str());
    Ok(attached::answer(read_by_secret(&center, &front.from, whose, read).await?))
}
