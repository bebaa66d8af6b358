//! One request to an endpoint, and what it answered.

use std::{io::Read as _, time::Duration};

use ipnet::IpNet;
use ureq::{Agent, unversioned::transport::DefaultConnector};

use super::{guard::Guarded, rule::Answer, write::Request};

/// How long an endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The most of an answer that is read.
const MOST_OF_ANSWER: u64 = 2048;

/// A client that follows nowhere, goes by no proxy, and connects to addresses alone that it may.
pub fn agent(listed: Vec<IpNet>) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .proxy(None)
        .http_status_as_error(false)
        .user_agent(concat!("Qiantang/", env!("CARGO_PKG_VERSION")))
        .max_idle_connections(0)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Guarded::new(listed))
}

/// Makes a request.
pub fn post(agent: &Agent, request: Request) -> Answer {
    let Request { url, body, headers } = request;
    let mut call = agent.post(&url).header("content-type", "application/json");
    for (name, value) in headers {
        call = call.header(name, value);
    }
    let mut answered = match call.send(body) {
        Ok(answered) => answered,
        Err(error) => return Answer::none(told(&error)),
    };
    let status = answered.status().as_u16();
    let retry_after = answered.headers().get("retry-after").and_then(|value| value.to_str().ok());
    // Seconds alone are honoured; a date is rare and says less about a clock that may be off.
    let retry_after_s = retry_after.and_then(|text| text.trim().parse().ok());
    let retry_after_s = retry_after_s.filter(|_| matches!(status, 429 | 502..=504));
    let mut bytes = Vec::new();
    // What can't be read of an answer says nothing about its status.
    let _ = answered.body_mut().as_reader().take(MOST_OF_ANSWER).read_to_end(&mut bytes);
    let text: String =
        String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).take(500).collect();
    Answer { status: Some(status), text, retry_after_s, is_good: (200..300).contains(&status) }
}

fn told(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        ureq::Error::HostNotFound => "the host is not found".to_owned(),
        error => error.to_string().chars().take(300).collect(),
    }
}
