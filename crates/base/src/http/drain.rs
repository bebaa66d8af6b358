//! What a handler leaves of a request's body is read before the answer goes out. A connection that is closed
//! over unread bytes is reset, and a reset takes from the client what it has not read of the answer.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
    http::header,
    middleware::Next,
    response::Response,
};
use tokio::sync::oneshot;
use tokio_stream::{Stream, StreamExt as _};

/// More than this is not read to the end: the client sees a broken connection.
const MOST_BYTES: usize = 16 << 20;
/// Nobody waits longer for a client that stops sending.
const MOST_TIME: Duration = Duration::from_secs(2);

/// A body that is given back where it is not read to its end.
struct GivenBack {
    body: Option<BodyDataStream>,
    back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Stream for GivenBack {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let next = Pin::new(body).poll_next(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        next
    }
}

impl Drop for GivenBack {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody takes it where the connection is gone.
            let _ = back.send(body);
        }
    }
}

/// The layer that reads what handlers leave.
pub async fn drain(request: Request, next: Next) -> Response {
    // A client that asks first whether to send has sent nothing.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    let (back, mut left) = oneshot::channel();
    let request = request
        .map(|body| Body::from_stream(GivenBack { body: Some(body.into_data_stream()), back: Some(back) }));
    let response = next.run(request).await;
    if let Ok(mut body) = left.try_recv() {
        let read = async {
            let mut seen = 0;
            while let Some(Ok(chunk)) = body.next().await {
                seen += chunk.len();
                if seen > MOST_BYTES {
                    break;
                }
            }
        };
        let _is_late = tokio::time::timeout(MOST_TIME, read).await;
    }
    response
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpStream,
        time::Instant,
    };

    use axum::{Router, routing::post};

    use super::*;

    const ANSWER_BYTES: usize = 4 << 20;

    /// The bytes of an answer to a body that is sent after its head was taken.
    fn answer(address: std::net::SocketAddr, sent: &[u8], said: usize) -> std::io::Result<usize> {
        let mut socket = TcpStream::connect(address)?;
        write!(socket, "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {said}\r\n\r\n")?;
        socket.write_all(sent)?;
        let mut all = Vec::new();
        socket.read_to_end(&mut all)?;
        Ok(all.len())
    }

    async fn serve() -> std::net::SocketAddr {
        let app = Router::new()
            .route("/", post(|| async { "x".repeat(ANSWER_BYTES) }))
            .layer(axum::middleware::from_fn(drain));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_arrives_whole_whose_request_nobody_read() {
        let address = serve().await;
        for _ in 0..20 {
            let ask = move || answer(address, &vec![b'x'; 200_000], 200_000);
            let read = tokio::task::spawn_blocking(ask).await.unwrap();
            assert!(read.unwrap() > ANSWER_BYTES);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_client_that_stops_sending_has_its_answer() {
        let address = serve().await;
        let begun = Instant::now();
        let read = tokio::task::spawn_blocking(move || answer(address, b"{", 2)).await.unwrap();
        assert!(read.unwrap() > ANSWER_BYTES);
        assert!(begun.elapsed() >= MOST_TIME);
    }
}
