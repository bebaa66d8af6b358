//! Forms and queries, as the portal takes them from a request.

use axum::{
    Form as UrlEncoded,
    body::Bytes,
    extract::{
        FromRef, FromRequest, FromRequestParts, Multipart, Query, Request, multipart::MultipartError,
        rejection::FormRejection,
    },
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::page::{
    carried::Carried,
    form::Form,
    frame::{Front, Visitor},
};
use crate::{
    Base,
    approval::attachment,
    auth::csrf,
    error::{AppError, Unreadable},
    http::read_body,
};

/// A form that a page of the visitor's own session sent.
///
/// Whoever changes something takes the visitor from here: a form without the token of that session never gets
/// to a handler, and the table of routes takes no handler of forms without this argument.
#[derive(Debug)]
pub struct Sent {
    pub visitor: Visitor,
    pub form: Form,
}

impl<S: Send + Sync> FromRequest<S> for Sent
where
    Base: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let (mut parts, body) = request.into_parts();
        let front = Front::from_request_parts(&mut parts, state).await?;
        let visitor = Visitor::from_request_parts(&mut parts, state).await;
        let (path, is_own_page) = (parts.uri.path().to_owned(), is_own_page(&parts.headers));
        let (visitor, form) = match visitor {
            Err(AppError::Unauthenticated(why)) => (
                Err(AppError::Unauthenticated(why)),
                read(Request::from_parts(parts, body)).await.unwrap_or_default(),
            ),
            Err(error) => return Err(error),
            Ok(visitor) => (Ok(visitor), read(Request::from_parts(parts, body)).await?),
        };
        let is_of_session = |visitor: &Visitor| csrf::is_of(&visitor.csrf, form.value("csrf"));
        match visitor {
            Ok(visitor) if is_of_session(&visitor) => Ok(Self { visitor, form }),
            other => {
                if is_own_page {
                    front.carry(Carried::of(&path, form.fields()));
                }
                Err(other.err().unwrap_or(AppError::ForeignForm))
            }
        }
    }
}

/// A form from somebody who is not signed in, and whose page has no token to send: the browser's word on
/// where the form came from stands in for it.
#[derive(Debug)]
pub struct SentByStranger {
    pub front: Front,
    pub form: Form,
}

impl<S: Send + Sync> FromRequest<S> for SentByStranger {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let (front, request) = of_own_page(request, state).await?;
        Ok(Self { front, form: read(request).await? })
    }
}

/// Who sends a form without a session, and the form, which a page of the center's own has to have sent.
async fn of_own_page<S: Send + Sync>(request: Request, state: &S) -> Result<(Front, Request), AppError> {
    let (mut parts, body) = request.into_parts();
    let front = Front::from_request_parts(&mut parts, state).await?;
    if !is_own_page(&parts.headers) {
        return Err(AppError::ForeignForm);
    }
    Ok((front, Request::from_parts(parts, body)))
}

/// A form with files from somebody who is not signed in: [`SentByStranger`], for pages that files are chosen on.
#[derive(Debug)]
pub struct FilesByStranger {
    pub front: Front,
    pub form: Form,
    /// Those that were chosen, in their order; a field that was left empty gives none.
    pub files: Vec<SentFile>,
}

/// A file as a browser sends it.
#[derive(Clone, Debug)]
pub struct SentFile {
    /// As it is called where it comes from.
    pub name: String,
    pub content: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for FilesByStranger {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let (front, request) = of_own_page(request, state).await?;
        let unreadable = |part, message| AppError::Unreadable { part, message };
        let of_part = |error: MultipartError| unreadable(Unreadable::Form, error.body_text());
        let (parts, body) = request.into_parts();
        if !has_files(&parts.headers) {
            return Err(unreadable(Unreadable::ContentType, "the form is not one with files".to_owned()));
        }
        let body = read_body(body, MOST_OF_FILES_KIB).await?;
        let sent = Multipart::from_request(Request::from_parts(parts, body.into()), &()).await;
        let mut sent = sent.map_err(|error| unreadable(Unreadable::ContentType, error.body_text()))?;
        let (mut values, mut files) = (Vec::new(), Vec::new());
        while let Some(part) = sent.next_field().await.map_err(of_part)? {
            let name = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                None => values.push((name, part.text().await.map_err(of_part)?)),
                Some(name) => {
                    let content = part.bytes().await.map_err(of_part)?;
                    if !name.is_empty() {
                        files.push(SentFile { name, content });
                    }
                }
            }
        }
        Ok(Self { front, form: Form::of(values), files })
    }
}

/// A request by which a mail program ends mail (RFC 8058): it has neither a session nor a page, and what it may do is said by
/// the signature in its address. Of its body nothing is needed.
#[derive(Debug)]
pub struct SentByMail {
    pub front: Front,
}

impl<S: Send + Sync> FromRequest<S> for SentByMail {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let (mut parts, _) = request.into_parts();
        Ok(Self { front: Front::from_request_parts(&mut parts, state).await? })
    }
}

async fn read(request: Request) -> Result<Form, AppError> {
    match UrlEncoded::<Vec<(String, String)>>::from_request(request, &()).await {
        Ok(UrlEncoded(fields)) => Ok(Form::of(fields)),
        Err(error) => {
            let part = match error {
                FormRejection::InvalidFormContentType(_) => Unreadable::ContentType,
                _ => Unreadable::Form,
            };
            Err(AppError::Unreadable { part, message: error.body_text() })
        }
    }
}

/// The most that a form with files may have, in KiB: all attachments of an application, and its text.
const MOST_OF_FILES_KIB: usize = (attachment::MOST_OF_ALL_MIB + 1) << 10;

/// Whether a form with files comes.
pub(super) fn has_files(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

/// Whether the browser says that the form was one of this center's own pages. Programs that say nothing pass:
/// a page elsewhere can't make a browser keep silent about both.
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

/// The query of the address: the part behind `?`.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Asked<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(asked)| Self(asked))
            .map_err(|error| AppError::Unreadable { part: Unreadable::Query, message: error.body_text() })
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
