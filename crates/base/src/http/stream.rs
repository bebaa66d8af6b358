//! Answers that are written as they are made: server-sent events, and tables of any length.

use std::{convert::Infallible, future::Future, sync::Arc};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use crate::{Base, error::AppError};

/// Starts a stream that `write` sends events to; refused if too many are open.
pub fn open_stream<F: Future<Output = ()> + Send + 'static>(
    base: &Base,
    write: impl FnOnce(mpsc::Sender<Event>) -> F,
) -> Result<Response, AppError> {
    let events = started(base, write)?.map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Starts a table by RFC 4180 that `write` sends the rows of, in parts; refused if too many streams are open. With an
/// error the answer breaks off, so that nobody takes it for the whole.
pub fn open_table<F: Future<Output = ()> + Send + 'static>(
    base: &Base,
    write: impl FnOnce(mpsc::Sender<Result<String, AppError>>) -> F,
) -> Result<Response, AppError> {
    let parts = Body::from_stream(started(base, write)?);
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], parts).into_response())
}

/// Starts to write, and gives what is written.
fn started<T: Send + 'static, F: Future<Output = ()> + Send + 'static>(
    base: &Base,
    write: impl FnOnce(mpsc::Sender<T>) -> F,
) -> Result<ReceiverStream<T>, AppError> {
    let permit =
        Arc::clone(&base.streams).try_acquire_owned().map_err(|_| AppError::TooMany { retry_after_s: 10 })?;
    let (out, written) = mpsc::channel(16);
    let writing = write(out);
    tokio::spawn(async move {
        writing.await;
        drop(permit);
    });
    Ok(ReceiverStream::new(written))
}

/// Starts an answer of bytes as they are, which `write` sends in parts; refused if too many streams are open. With an error
/// it breaks off, so that nobody takes it for the whole.
pub fn open_bytes<F: Future<Output = ()> + Send + 'static>(
    base: &Base,
    headers: HeaderMap,
    write: impl FnOnce(mpsc::Sender<Result<Bytes, AppError>>) -> F,
) -> Result<Response, AppError> {
    Ok((headers, Body::from_stream(started(base, write)?)).into_response())
}
