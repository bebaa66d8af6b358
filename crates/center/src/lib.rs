//! The center's service: what can be asked of it (`app`), how it is asked over HTTP (`api`) and in a browser
//! (`portal`), and the loops that make it run. Who may is the ground's matter (`base::auth`), by this crate's policies.

pub mod actions;
mod amendment;
pub mod api;
pub mod app;
mod backup;
pub mod break_glass;
pub mod budget;
pub mod center;
pub mod compute;
pub mod correction;
pub mod debt;
pub mod device;
pub mod disk;
pub mod entry;
pub mod event_kinds;
pub mod evidence;
pub mod first_steps;
pub mod fits;
pub mod generated;
mod inventory;
pub mod invitation;
pub mod live;
mod load;
pub mod log;
pub mod loops;
pub mod metrics;
pub mod notices;
mod nouns;
pub mod oidc;
pub mod period;
pub mod person;
pub use nouns::PLATFORM;
pub mod portal;
pub mod price;
pub mod reason;
pub mod restore;
pub mod retirement;
pub mod role;
pub mod scim;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod settings;
pub mod signing;
pub mod start;
pub mod tenant;
pub mod tls;
pub mod usage;
pub mod voucher;
pub mod waiting;
pub mod wakers;

use std::{
    ffi::OsString,
    future::{Future, IntoFuture as _},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
};

use app::{capacity, twin};
use axum::{
    Extension, Router,
    http::{HeaderValue, header},
    middleware::map_request,
};
use base::noun::Platform;
use center::Center;
use engines::ports::HeldPort;
use settings::{EngineKind, Settings};
use start::{FirstOperator, StartError};
use tls::{Current, Peer, TlsListener};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tower_http::set_header::SetResponseHeaderLayer;

/// The programs by which a center starts its helpers, with their arguments.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The engine's host process.
    pub host: Vec<OsString>,
    /// The keeper of the center's port.
    pub keeper: Vec<OsString>,
}

/// A started center, for the one who started it.
#[derive(Debug)]
pub struct Ready {
    pub center: Center,
    pub address: SocketAddr,
    /// It speaks HTTPS there.
    pub is_secure: bool,
    /// Set when the center was started for the first time.
    pub first_operator: Option<FirstOperator>,
}

/// Runs the center until `stop` is done, then lets requests end and leaves running runs to their supervisors.
pub async fn serve(
    platforms: &'static [Platform<Center>],
    settings: Settings,
    programs: Programs,
    on_ready: impl FnOnce(Ready) + Send,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StartError> {
    let listen = settings.listen;
    let certificate = match settings.http.tls.clone() {
        Some(files) => Some(Arc::new(Current::new(files.clone(), tls::read(&files)?))),
        None => None,
    };
    let redirect = settings.http.tls.as_ref().and_then(|files| files.redirect);
    let cannot_listen = |cause| StartError::Listen { address: listen.to_string(), cause };
    // Bound first: a second center on the same address ends before it touches anything.
    let (listener, port) = match settings.engine.kind {
        // Runs are on this machine, and would find the port free while the center is down.
        EngineKind::Local => {
            start::make_data_folder(&settings)?;
            let (data_dir, keeper) = (settings.data_dir.clone(), programs.keeper);
            let taken =
                tokio::task::spawn_blocking(move || HeldPort::take(&data_dir, keeper, listen)).await?;
            let port = taken.map_err(cannot_listen)?;
            let listener = port.listener().and_then(TcpListener::from_std).map_err(cannot_listen)?;
            (listener, Some(port))
        }
        EngineKind::Slurm => (TcpListener::bind(listen).await.map_err(cannot_listen)?, None),
    };
    let address = listener.local_addr().map_err(cannot_listen)?;
    let plain = match redirect {
        Some(at) => {
            let cannot_redirect = |cause| StartError::Listen { address: at.to_string(), cause };
            Some(TcpListener::bind(at).await.map_err(cannot_redirect)?)
        }
        None => None,
    };
    let opened = tokio::task::spawn_blocking(move || start::open(platforms, settings, programs.host));
    let (center, sleepers, first_operator) = opened.await??;
    let threads = loops::start(&center, sleepers, certificate.clone()).map_err(StartError::Loop)?;

    let app: Router = Router::new()
        .merge(api::router(center.clone()))
        .merge(portal::router(center.clone()))
        .merge(oidc::logout::router(center.clone()))
        .merge(scim::http::router(center.clone()))
        .layer(Extension(capacity::Recent::default()))
        .layer(Extension(twin::Trials::default()))
        .layer(axum::middleware::from_fn(base::http::drain))
        .layer(base::http::compress());
    let mut helpers = tokio::task::JoinSet::new();
    helpers.spawn(read_again_on_hangup(certificate.clone()));
    if let Some(plain) = plain {
        helpers.spawn(async move {
            if let Err(error) = tls::redirect(plain, address).await {
                tracing::error!(%error, "plain HTTP is redirected no more");
            }
        });
    }
    let is_secure = certificate.is_some();
    on_ready(Ready { center: center.clone(), address, is_secure, first_operator });
    let stopping = center.clone();
    let (begin_to_stop, stop_begun) = tokio::sync::oneshot::channel::<()>();
    let graceful = async move {
        stop.await;
        tracing::info!("stopping: runs go on under their supervisors");
        stopping.begin_to_stop();
        let _ = begin_to_stop.send(());
    };
    let serving: Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>> = match certificate {
        None => {
            let service = app.into_make_service_with_connect_info::<SocketAddr>();
            Box::pin(axum::serve(listener, service).with_graceful_shutdown(graceful).into_future())
        }
        Some(current) => {
            let listener = TlsListener::new(listener, current).map_err(cannot_listen)?;
            let service = over_tls(app).into_make_service_with_connect_info::<Peer>();
            Box::pin(axum::serve(listener, service).with_graceful_shutdown(graceful).into_future())
        }
    };
    tokio::select! {
        end = serving => end.map_err(cannot_listen)?,
        // Streams end by themselves when the center stops; a client that holds on is not waited for.
        () = async { let _ = stop_begun.await; tokio::time::sleep(std::time::Duration::from_secs(5)).await } => {}
    }
    let join = move || {
        // From here on the keeper tells callers that there is no center.
        drop(port);
        for thread in threads {
            drop(thread.join());
        }
        if let Err(error) = app::roots::seal(&center) {
            tracing::error!(%error, "failed to seal the last rows of the books; the next start does it");
        }
    };
    Ok(tokio::task::spawn_blocking(join).await?)
}

/// How long a browser comes by HTTPS alone.
const HTTPS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The center's routes for callers over TLS.
fn over_tls(app: Router) -> Router {
    app.layer(SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, HTTPS_ALONE))
        .layer(map_request(async |request| tls::as_over_tcp(request)))
}

/// Has the certificate read again with each SIGHUP, which otherwise does nothing to a center.
async fn read_again_on_hangup(certificate: Option<Arc<Current>>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => return tracing::error!(%error, "SIGHUP is not listened to"),
    };
    while hangup.recv().await.is_some() {
        if let Some(current) = &certificate {
            current.read_again();
        } else {
            tracing::info!("SIGHUP: there is no certificate to be read again");
        }
    }
}
