//! Requests to a center's API.

use std::io::Read as _;

use serde_json::Value;

use super::Site;
use crate::http::{MAX_ANSWER_BYTES, ask};

impl Site {
    /// One request to the center, which has to answer.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        match self.try_ask(method, path, token, body, &[]) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}; the center's log:\n{}", self.log()),
        }
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
