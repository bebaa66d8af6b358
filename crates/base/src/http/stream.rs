//! Streams of server-sent events.

use std::{convert::Infallible, future::Future, sync::Arc};

use axum::response::{
    IntoResponse, Response, Sse,
    sse::{Event, KeepAlive},
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use crate::{Base, error::AppError};

/// Starts a stream that `write` sends events to; refused if too many are open.
pub fn open_stream<F: Future<Output = ()> + Send + 'static>(
    base: &Base,
    write: impl FnOnce(mpsc::Sender<Event>) -> F,
) -> Result<Response, AppError> {
    let permit =
        Arc::clone(&base.streams).try_acquire_owned().map_err(|_| AppError::TooMany { retry_after_s: 10 })?;
    let (out, events) = mpsc::channel(16);
    let writing = write(out);
    tokio::spawn(async move {
        writing.await;
        drop(permit);
    });
    let events = ReceiverStream::new(events).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}
