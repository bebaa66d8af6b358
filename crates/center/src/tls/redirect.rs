//! The way from plain HTTP to HTTPS.

use std::{io, net::SocketAddr};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    response::{IntoResponse as _, Redirect},
};
use tokio::net::TcpListener;

/// Tells all callers to come by HTTPS, to the port `secure` of the host that they asked for.
pub async fn redirect(listener: TcpListener, secure: SocketAddr) -> io::Result<()> {
    let answer = move |uri: Uri, headers: HeaderMap| async move {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        match target(host, secure.port(), &uri) {
            // What was sent is sent again as it was, also by POST.
            Some(target) => Redirect::permanent(&target).into_response(),
            None => (StatusCode::BAD_REQUEST, "no host was asked for\n").into_response(),
        }
    };
    axum::serve(listener, Router::new().fallback(answer)).await
}

fn target(host: &str, port: u16, uri: &Uri) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    // A user before the host would be somebody's try to have it read as another one.
    let host = authority.host();
    if host.is_empty() || authority.as_str().contains('@') {
        return None;
    }
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Some(format!("https://{host}{port}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_the_path_and_the_query_stay() {
        let of = |host: &str, port, uri: &str| target(host, port, &uri.parse().unwrap());
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(of("a.example", 443, "/jobs?x=1"), found("https://a.example/jobs?x=1"));
        assert_eq!(of("a.example:80", 8470, "/"), found("https://a.example:8470/"));
        assert_eq!(of("[::1]:80", 8470, "/"), found("https://[::1]:8470/"));
        for host in ["", "me@a.example", "a b"] {
            assert_eq!(of(host, 443, "/"), None, "{host}");
        }
    }
}
