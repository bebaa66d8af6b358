//! Reading a request: where it goes, cookies, ids in the path, bodies with their limit.

use std::net::SocketAddr;

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, FromRequestParts, Path},
    http::{HeaderMap, Method, Uri, header, request::Parts},
};
use tokio_stream::StreamExt as _;

use crate::error::{AppError, Unreadable};

/// One cookie of a request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// The address at the other end. Each has limits of its own: without it all would share one.
pub fn peer(parts: &Parts) -> String {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>().expect("the server says who connects");
    info.0.ip().to_string()
}

/// Where a stream that broke off is to go on.
pub fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}

/// The handler of paths that are none of the center's.
pub async fn no_such_route(uri: Uri) -> AppError {
    AppError::NoSuchRoute { path: uri.path().to_owned() }
}

/// The handler of methods that a path does not take.
pub async fn method_not_allowed(method: Method, uri: Uri) -> AppError {
    AppError::MethodNotAllowed { method: method.to_string(), path: uri.path().to_owned() }
}

/// The one part of the path that names something.
#[derive(Debug)]
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id))
            .map_err(|error| AppError::Unreadable { part: Unreadable::Path, message: error.body_text() })
    }
}

/// The whole body, of at most `most_kib`. What is beyond is left to [`drain`](super::drain).
pub async fn read_body(body: Body, most_kib: usize) -> Result<Bytes, AppError> {
    let most = most_kib.saturating_mul(1024);
    let mut stream = body.into_data_stream();
    let mut kept = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| AppError::Unreadable {
            part: Unreadable::Body,
            message: format!("the body broke off: {error}"),
        })?;
        if kept.len().saturating_add(chunk.len()) > most {
            let message = format!("the body is above {most_kib} KiB");
            return Err(AppError::Unreadable { part: Unreadable::TooLarge, message });
        }
        kept.extend_from_slice(&chunk);
    }
    Ok(kept.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; session=x=y".parse().unwrap());
        headers.append(header::COOKIE, "lang=en".parse().unwrap());
        assert_eq!(cookie(&headers, "session"), Some("x=y"));
        assert_eq!(cookie(&headers, "lang"), Some("en"));
        assert_eq!(cookie(&headers, "ses"), None);
    }

    #[tokio::test]
    async fn a_body_has_its_limit() {
        assert_eq!(read_body(Body::from(vec![1; 1024]), 1).await.unwrap().len(), 1024);
        for bytes in [1025, 64 * 1024] {
            let refused = read_body(Body::from(vec![1; bytes]), 1).await.unwrap_err();
            assert!(matches!(refused, AppError::Unreadable { part: Unreadable::TooLarge, .. }), "{bytes}");
        }
    }
}
