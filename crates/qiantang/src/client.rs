//! Talking to a center over HTTP, and where the address and the token are kept.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::{Agent, http};

use crate::errors::Failure;

const DEFAULT_URL: &str = "http://127.0.0.1:8470";

/// What `login` keeps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    url: String,
    token: String,
}

/// A center, and who asks.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    pub url: String,
    token: Option<String>,
}

/// Where `login` keeps the address and the token.
pub fn kept_at() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("QIANTANG_CONFIG") {
        return Ok(path.into());
    }
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    let hint = "set HOME, or QIANTANG_CONFIG to a file";
    base.map(|base| base.join("qiantang/client.json"))
        .ok_or_else(|| Failure::system("no_home", "there is no place to keep the token", hint))
}

impl Client {
    /// By `--url` or `QIANTANG_URL`, `QIANTANG_TOKEN`, and what `login` kept.
    pub fn open(url: Option<&str>) -> Self {
        let kept: Kept = kept_at()
            .ok()
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let known = if kept.url.is_empty() { DEFAULT_URL } else { &kept.url };
        let url = url.unwrap_or(known);
        let url = url.trim_end_matches('/').to_owned();
        // A kept token is for the center that gave it and no other.
        let kept_token = (kept.url == url && !kept.token.is_empty()).then_some(kept.token);
        let token = std::env::var("QIANTANG_TOKEN").ok().filter(|token| !token.is_empty()).or(kept_token);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .user_agent(concat!("qiantang/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), url, token }
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send("GET", path, None, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send("POST", path, Some(body), None)
    }

    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send("PUT", path, Some(body), None)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send("PATCH", path, Some(body), None)
    }

    pub fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.send("DELETE", path, None, None)
    }

    /// A POST that takes effect once however often it is sent.
    pub fn post_once(&self, path: &str, body: &Value, key: &str) -> Result<Value, Failure> {
        self.send("POST", path, Some(body), Some(key))
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Value, Failure> {
        let text = self.ask(method, path, body, key, "application/json")?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|_| self.not_a_center())
    }

    /// An answer as text.
    pub fn text(&self, path: &str, accept: &str) -> Result<String, Failure> {
        self.ask("GET", path, None, None, accept)
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
        accept: &str,
    ) -> Result<String, Failure> {
        let response = self.request(method, path, body, key, accept)?;
        let status = response.status().as_u16();
        let mut text = String::new();
        let mut reader = response.into_body().into_reader().take(64 << 20);
        reader.read_to_string(&mut text).map_err(|error| {
            Failure::system("broken_answer", format!("the answer broke off: {error}"), "try again")
        })?;
        if status < 400 { Ok(text) } else { Err(Failure::of_answer(status, &text)) }
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
        accept: &str,
    ) -> Result<http::Response<ureq::Body>, Failure> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header("Accept", accept);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let cannot = |error: ureq::Error| {
            let hint = "is the center running there? `--url` or QIANTANG_URL says where it is";
            Failure::system("no_answer", format!("no answer from {}: {error}", self.url), hint)
        };
        let wrong = |error: http::Error| {
            let hint = "write it as http://HOST:PORT";
            Failure::usage("bad_url", format!("`{}` is not an address: {error}", self.url), hint)
        };
        match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string());
                self.agent.run(request.map_err(wrong)?).map_err(cannot)
            }
            None if method == "POST" => {
                self.agent.run(request.body(String::new()).map_err(wrong)?).map_err(cannot)
            }
            None => self.agent.run(request.body(()).map_err(wrong)?).map_err(cannot),
        }
    }

    /// Hands each event of a stream to `take` (kind, id, data) until it gives false or the stream ends.
    pub fn follow(&self, path: &str, mut take: impl FnMut(&str, &str, &str) -> bool) -> Result<(), Failure> {
        let response = self.request("GET", path, None, None, "text/event-stream")?;
        let status = response.status().as_u16();
        let reader = BufReader::new(response.into_body().into_reader());
        if status >= 400 {
            let mut text = String::new();
            let _ = reader.take(1 << 20).read_to_string(&mut text);
            return Err(Failure::of_answer(status, &text));
        }
        let (mut kind, mut id, mut data) = (String::new(), String::new(), String::new());
        for line in reader.lines() {
            let Ok(line) = line else { return Ok(()) };
            if line.is_empty() {
                if !kind.is_empty() && !take(&kind, &id, &data) {
                    return Ok(());
                }
                (kind, data) = (String::new(), String::new());
            } else if let Some((name, value)) = line.split_once(':') {
                let value = value.strip_prefix(' ').unwrap_or(value);
                match name {
                    "event" => value.clone_into(&mut kind),
                    "id" => value.clone_into(&mut id),
                    "data" => data.push_str(value),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Keeps the address and a token, for the owner's eyes only.
    pub fn keep(&self, token: &str) -> Result<PathBuf, Failure> {
        let path = kept_at()?;
        let cannot = |error: std::io::Error| {
            Failure::system(
                "not_kept",
                format!("failed to write {}: {error}", path.display()),
                "check the folder",
            )
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
        }
        let kept = Kept { url: self.url.clone(), token: token.to_owned() };
        let text = serde_json::to_string_pretty(&kept).unwrap_or_default();
        let _ = std::fs::remove_file(&path);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(cannot)?;
        file.write_all(text.as_bytes()).map_err(cannot)?;
        Ok(path)
    }

    fn not_a_center(&self) -> Failure {
        let hint = "check the address: something else may be listening there";
        Failure::system("not_a_center", format!("what answers at {} is not a center", self.url), hint)
    }
}
