//! Requests over HTTP.

use std::io::Read as _;

use serde_json::Value;
use ureq::{
    Agent, http,
    tls::{Certificate, RootCerts, TlsConfig},
};

/// The largest answer that is read.
pub const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// An agent that takes every status for an answer.
pub fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
}

/// An agent that trusts certificates that are signed by this one, and no others.
pub fn trusting(ca: &[u8]) -> Agent {
    Agent::config_builder().http_status_as_error(false).tls_config(tls(ca)).build().into()
}

/// TLS with centers whose certificate is signed by this one alone.
pub fn tls(ca: &[u8]) -> TlsConfig {
    let root = Certificate::from_pem(ca).expect("a certificate");
    TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root])).build()
}

/// One request. Returns the status and the JSON of the answer, `Null` where the answer is something else.
pub fn ask(
    agent: &Agent,
    url: &str,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> Result<(u16, Value), ureq::Error> {
    let mut request = http::Request::builder().method(method).uri(format!("{url}{path}"));
    if !token.is_empty() {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = match body {
        Some(body) => agent.run(
            request.header("Content-Type", "application/json").body(body.to_string()).expect("a request"),
        )?,
        None if matches!(method, "POST" | "PATCH" | "PUT") => {
            agent.run(request.body(String::new()).expect("a request"))?
        }
        None => agent.run(request.body(()).expect("a request"))?,
    };
    let status = response.status().as_u16();
    let mut text = String::new();
    response.into_body().into_reader().take(MAX_ANSWER_BYTES).read_to_string(&mut text)?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}
