//! Requests to a center's API.

use std::io::Read as _;

use serde_json::Value;
use ureq::{Agent, http};

use super::Site;

/// The largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// An agent that takes every status for an answer.
pub fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
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

impl Site {
    /// One request to the center, which has to answer.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_ask(method, path, token, body, &[]).expect("the center answers")
    }

    /// One request with more headers to a center that may be gone.
    pub fn try_ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<(u16, Value), ureq::Error> {
        ask(&self.agent, &self.url, method, path, token, body, headers)
    }

    /// The status and the text of an answer.
    pub fn get_text(&self, path: &str, token: &str) -> (u16, String) {
        let request =
            self.agent.get(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {token}"));
        let response = request.call().expect("the center answers");
        let status = response.status().as_u16();
        let mut text = String::new();
        let body = response.into_body().into_reader().take(MAX_ANSWER_BYTES).read_to_string(&mut text);
        body.expect("the answer is text");
        (status, text)
    }

    /// The answer to a `GET`, which has to be 200.
    pub fn get(&self, path: &str, token: &str) -> Value {
        let (status, answer) = self.ask("GET", path, token, None);
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    /// The answer to a `POST`, which has to succeed.
    pub fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let (status, answer) = self.ask("POST", path, token, Some(body));
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }
}
