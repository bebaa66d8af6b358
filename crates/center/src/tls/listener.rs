//! TLS on the center's port.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    extract::{ConnectInfo, Request, connect_info::Connected},
    http::{HeaderValue, header},
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, crypto::ring},
    server::TlsStream,
};

use super::Current;

/// How long a caller may take to agree on a key.
const SHAKES_HANDS_WITHIN: Duration = Duration::from_secs(10);
/// How many callers may be about it at once.
const MOST_SHAKING_HANDS: usize = 1024;
/// Every TLS connection begins with this byte: a record of the handshake.
const HANDSHAKE: u8 = 0x16;

type Caller = (TlsStream<TcpStream>, SocketAddr);

/// Callers with whom a key is agreed on. One that takes its time keeps nobody else waiting.
#[derive(Debug)]
pub struct TlsListener {
    address: SocketAddr,
    agreed: mpsc::Receiver<Caller>,
}

/// The address of a caller over TLS.
#[derive(Clone, Copy, Debug)]
pub struct Peer(SocketAddr);

impl TlsListener {
    pub fn new(listener: TcpListener, current: Arc<Current>) -> Result<Self, io::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error: rustls::Error| io::Error::other(error))?
            .with_no_client_auth()
            .with_cert_resolver(current);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let address = listener.local_addr()?;
        let (out, agreed) = mpsc::channel(16);
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), out));
        Ok(Self { address, agreed })
    }
}

/// Accepts callers until nobody wants them any more.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, out: mpsc::Sender<Caller>) {
    let room = Arc::new(Semaphore::new(MOST_SHAKING_HANDS));
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let accepted = tokio::select! {
            () = out.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            // The caller went away: nobody else waits for that.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                // The machine is short of something, such as open files.
                tracing::error!(%error, "no caller can be accepted; it is tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let (acceptor, out) = (acceptor.clone(), out.clone());
        tokio::spawn(async move {
            match timeout(SHAKES_HANDS_WITHIN, agree(&acceptor, stream)).await {
                Ok(Ok(Some(agreed))) => {
                    // Nobody wants it once the center stops.
                    let _ = out.send((agreed, address)).await;
                }
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => tracing::debug!(%address, %error, "no key was agreed on with a caller"),
            }
            drop(permit);
        });
    }
}

/// Agrees on a key. A caller who speaks plain HTTP is told what is spoken here.
async fn agree(acceptor: &TlsAcceptor, mut stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
        let body = "this center speaks HTTPS here: write https:// in its address\n";
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close";
        stream
            .write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
            .await?;
        stream.shutdown().await?;
        // What is unread when a socket closes has the answer thrown away.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
        return Ok(None);
    }
    stream.set_nodelay(true)?;
    acceptor.accept(stream).await.map(Some)
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Caller {
        match self.agreed.recv().await {
            Some(caller) => caller,
            // The other end lives as long as this one.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Makes a request over TLS one as all handlers know it: who calls is said the same way, and so is the host, which HTTP/2
/// has in another place.
pub fn as_over_tcp(mut request: Request) -> Request {
    if let Some(ConnectInfo(Peer(address))) = request.extensions().get::<ConnectInfo<Peer>>().copied() {
        request.extensions_mut().insert(ConnectInfo(address));
    }
    let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host.filter(|_| !request.headers().contains_key(header::HOST)) {
        request.headers_mut().insert(header::HOST, host);
    }
    request
}
