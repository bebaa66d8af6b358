//! The attachments of an application: as they are listed, and one to read, for those who decide the application and for whoever
//! has its secret.

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
};
use base::{
    approval::{
        Application,
        actions::READ,
        attach,
        attachment::{Attachment, AttachmentKind},
        rows,
    },
    auth::Caller,
    error::AppError,
    http::encode,
    page::frame::Visitor,
};
use center::center::Center;
use domain::Rfc3339;
use serde::Serialize;
use store::{StoreError, Tx};

/// A file that the applicant added.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AttachmentView {
    /// From 1, within its application.
    pub number: u32,
    /// As the applicant's machine names it.
    pub name: String,
    pub kind: AttachmentKind,
    pub bytes: u64,
    pub sha256: String,
    pub added_at: Rfc3339,
}

impl From<Attachment> for AttachmentView {
    fn from(attachment: Attachment) -> Self {
        let Attachment { number, name, kind, bytes, sha256, added_at } = attachment;
        Self { number, name, kind, bytes, sha256, added_at: added_at.into() }
    }
}

/// All of an application.
pub fn views(tx: &Tx, application: &Application) -> Result<Vec<AttachmentView>, StoreError> {
    Ok(attach::of(tx, application.id)?.into_iter().map(AttachmentView::from).collect())
}

/// One with its bytes, for whoever may read the application.
pub async fn get(
    center: &Center,
    caller: &Caller,
    number: &str,
    which: &str,
) -> Result<(Attachment, Vec<u8>), AppError> {
    center.policies.check(caller, READ, None)?;
    let (number, which) = (number.to_owned(), which.to_owned());
    let read = move |tx: &Tx| {
        let found = rows::find(tx, &number)?.ok_or_else(|| AppError::not_found("application", &number))?;
        of_application(tx, &found, &which)
    };
    center.try_read(read).await
}

/// One of an application with its bytes; `which` is its number as it came.
pub fn of_application(
    tx: &Tx,
    application: &Application,
    which: &str,
) -> Result<(Attachment, Vec<u8>), AppError> {
    let number = which.parse().ok();
    let found = number.map(|number| attach::find(tx, application.id, number)).transpose()?.flatten();
    found.ok_or_else(|| AppError::not_found("attachment", which))
}

/// The file, to be kept and never to be shown as a page of the center: strangers wrote it.
pub fn answer((attachment, content): (Attachment, Vec<u8>)) -> Response {
    let name = encode(&attachment.name);
    let headers = [
        (header::CONTENT_TYPE, attachment.kind.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{name}")),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    (headers, Body::from(content)).into_response()
}

pub async fn show(
    State(center): State<Center>,
    path: Result<Path<(String, String)>, PathRejection>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let Ok(Path((number, which))) = path else { return Err(AppError::not_found("page", "")) };
    Ok(answer(get(&center, &visitor.caller, &number, &which).await?))
}
