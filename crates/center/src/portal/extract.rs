//! What pages take from a request: forms, queries, ids. What can't be read is told on a page of its own, in the reader's
//! language, and not as a line of text.

use axum::{
    Form,
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::FormRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use tokio_stream::StreamExt as _;

use super::{fault::Fault, page::Front};
use crate::{center::Center, error::AppError, refusal::Refusal};

/// How many times the limit is read on and thrown away: a browser that is hung up on while it sends shows nothing but
/// that the line broke.
const READ_ON: usize = 16;

/// A form as browsers send it.
#[derive(Debug)]
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Center> for Sent<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, center: &Center) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let Ok(front) = Front::from_request_parts(&mut parts, center).await;
        let most = center.settings.limits.body_kib.saturating_mul(1024);
        let read = match read(body, most).await {
            Ok(bytes) => Form::from_request(Request::from_parts(parts, Body::from(bytes)), center)
                .await
                .map(|Form(form)| Self(form))
                .map_err(|error| match error {
                    FormRejection::InvalidFormContentType(_) => {
                        refused(Refusal::WrongContentType, "the form came in another format")
                    }
                    other => refused(Refusal::BadForm, &other.body_text()),
                }),
            Err(error) => Err(error),
        };
        read.map_err(|error| Fault::at(front, error))
    }
}

/// What stands behind `?` in the address.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Center> for Asked<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, center: &Center) -> Result<Self, Fault> {
        match Query::<T>::from_request_parts(parts, center).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => {
                let Ok(front) = Front::from_request_parts(parts, center).await;
                Err(Fault::at(front, refused(Refusal::BadAddress, &error.body_text())))
            }
        }
    }
}

/// The one part of the path that names something.
#[derive(Debug)]
pub struct Id(pub String);

impl FromRequestParts<Center> for Id {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, center: &Center) -> Result<Self, Fault> {
        if let Ok(Path(id)) = Path::<String>::from_request_parts(parts, center).await {
            Ok(Self(id))
        } else {
            let Ok(front) = Front::from_request_parts(parts, center).await;
            Err(Fault::at(front, AppError::not_found("page", "")))
        }
    }
}

fn refused(code: Refusal, message: &str) -> AppError {
    AppError::refused(code, message, "go back, load the page again, and send the form from there")
}

/// The whole body, of at most `most` bytes.
async fn read(body: Body, most: usize) -> Result<Bytes, AppError> {
    let mut stream = body.into_data_stream();
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| refused(Refusal::BadForm, "the form broke off"))?;
        seen = seen.saturating_add(chunk.len());
        if seen > most.saturating_mul(READ_ON) {
            break;
        }
        if seen <= most {
            kept.extend_from_slice(&chunk);
        }
    }
    if seen > most { Err(refused(Refusal::TooLarge, "the form is too large")) } else { Ok(kept.into()) }
}
