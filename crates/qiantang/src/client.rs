//! Talking to a center over HTTP, and where the address and the token are kept.

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader, ErrorKind, Read, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use domain::{Timestamp, Zone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::{Agent, http};

use crate::errors::Failure;

const DEFAULT_URL: &str = "http://127.0.0.1:8470";
/// The largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// The sign-in that `login` keeps: the center's address and a token.
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
    /// The center's time zone, as it named it in its first answer.
    zone: OnceLock<Zone>,
    /// Why no center can be asked: what `login` kept can't be read.
    trouble: Option<Failure>,
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

/// The sign-in that `login` kept; an empty one where nobody has signed in. A file that can't be read is
/// refused: without it, another center would be asked, or nobody would be signed in.
fn read_kept(path: &Path) -> Result<Kept, Failure> {
    let damaged = |why: String| {
        let message = format!("failed to read {}, where the token is kept: {why}", path.display());
        Failure::system("damaged_token", message, "remove this file, then sign in again: qiantang login")
    };
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Kept::default())
        }
        Err(error) => Err(damaged(error.to_string())),
    }
}

/// All of an answer as text. One larger than `most` bytes is refused, as a part of it would pass for the whole.
fn read_answer(reader: impl Read, most: u64) -> Result<String, Failure> {
    let mut text = String::new();
    let read = reader.take(most.saturating_add(1)).read_to_string(&mut text).map_err(|error| {
        Failure::system("broken_answer", format!("the answer broke off: {error}"), "try again")
    })?;
    if read as u64 <= most {
        return Ok(text);
    }
    let message = format!("the answer is larger than {} MiB", most >> 20);
    Err(Failure::system("answer_too_large", message, "ask for less, such as a shorter time"))
}

impl Client {
    /// By `--url` or `QIANTANG_URL`, `QIANTANG_TOKEN`, and what `login` kept.
    pub fn open(url: Option<&str>) -> Self {
        // Where there is no place to keep anything, nothing was kept.
        let kept = kept_at().map_or_else(|_| Ok(Kept::default()), |path| read_kept(&path));
        let (kept, trouble) = match kept {
            Ok(kept) => (kept, None),
            Err(failure) => (Kept::default(), Some(failure)),
        };
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
        Self { agent: config.into(), url, token, zone: OnceLock::new(), trouble }
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The center's time zone; UTC where it has named none that is known here.
    pub fn zone(&self) -> Zone {
        self.zone.get().cloned().unwrap_or_else(Zone::utc)
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
        let (status, text) = self.answer(method, path, body, key, accept)?;
        if status < 400 { Ok(text) } else { Err(Failure::of_answer(status, &text)) }
    }

    /// Whether the center is ready, and what it says of that.
    pub fn is_ready(&self) -> Result<(bool, String), Failure> {
        let (status, text) = self.answer("GET", "/readyz", None, None, "text/plain")?;
        let line = text.lines().next().unwrap_or_default().trim();
        Ok((status < 300, line.chars().take(200).collect()))
    }

    /// The center's time, to the second, as it stamps its answers.
    pub fn time(&self) -> Result<Timestamp, Failure> {
        let response = self.request("GET", "/healthz", None, None, "text/plain")?;
        let date = response.headers().get("date").and_then(|date| date.to_str().ok()).unwrap_or_default();
        let at = jiff::fmt::rfc2822::parse(date).map_err(|_| {
            let message = format!("the center's time can't be read: `{date}`");
            Failure::system(
                "no_time",
                message,
                "does a proxy in front of the center take the header `Date` away?",
            )
        })?;
        Ok(Timestamp::from_secs(at.timestamp().as_second()))
    }

    fn answer(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
        accept: &str,
    ) -> Result<(u16, String), Failure> {
        let key = key.map(|key| ("Idempotency-Key", key));
        let response = self.request(method, path, body, key, accept)?;
        let status = response.status().as_u16();
        Ok((status, read_answer(response.into_body().into_reader(), MAX_ANSWER_BYTES)?))
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        header: Option<(&str, &str)>,
        accept: &str,
    ) -> Result<http::Response<ureq::Body>, Failure> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header("Accept", accept);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let cannot = |error: ureq::Error| {
            let hint = "is the center running there? `--url` or QIANTANG_URL says where it is";
            Failure::system("no_answer", format!("no answer from {}: {error}", self.url), hint)
        };
        let wrong = |error: http::Error| {
            let hint = "write it as http://HOST:PORT";
            Failure::usage("bad_url", format!("`{}` is not an address: {error}", self.url), hint)
        };
        let response = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string());
                self.agent.run(request.map_err(wrong)?).map_err(cannot)
            }
            None if method == "POST" => {
                self.agent.run(request.body(String::new()).map_err(wrong)?).map_err(cannot)
            }
            None => self.agent.run(request.body(()).map_err(wrong)?).map_err(cannot),
        }?;
        let zone =
            response.headers().get("center-time-zone").and_then(|name| name.to_str().ok()?.parse().ok());
        if let Some(zone) = zone {
            self.zone.get_or_init(|| zone);
        }
        Ok(response)
    }

    /// The events of a stream that follow the one with the id `after`; all where that is empty.
    pub fn events(&self, path: &str, after: &str) -> Result<Events, Failure> {
        let after = (!after.is_empty()).then_some(("Last-Event-ID", after));
        let response = self.request("GET", path, None, after, "text/event-stream")?;
        let status = response.status().as_u16();
        let reader = response.into_body().into_reader();
        if status >= 400 {
            return Err(Failure::of_answer(status, &read_answer(reader, MAX_ANSWER_BYTES)?));
        }
        Ok(Events { reader: BufReader::new(reader), id: String::new() })
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

/// An event that a center tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub kind: String,
    /// Where the stream goes on after it.
    pub id: String,
    pub data: String,
}

/// A stream of events.
#[derive(Debug)]
pub struct Events<R = ureq::BodyReader<'static>> {
    reader: BufReader<R>,
    /// The last that was told; it holds until another is.
    id: String,
}

impl<R: Read> Events<R> {
    /// The next event; `None` where the stream is closed. An event that breaks off is none.
    pub fn next(&mut self) -> std::io::Result<Option<Event>> {
        let mut event = Event::default();
        let mut line = String::new();
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                if !event.kind.is_empty() {
                    return Ok(Some(Event { id: self.id.clone(), ..event }));
                }
            } else if let Some((name, value)) = line.split_once(':') {
                let value = value.strip_prefix(' ').unwrap_or(value);
                match name {
                    "event" => value.clone_into(&mut event.kind),
                    "id" => value.clone_into(&mut self.id),
                    "data" => event.data.push_str(value),
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_large_is_refused_and_not_cut() {
        assert_eq!(read_answer(&b"four"[..], 4).unwrap(), "four");
        let failure = read_answer(&b"fiver"[..], 4).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.category.exit_code()), ("answer_too_large", 5));
    }

    #[test]
    fn what_is_kept_and_cannot_be_read_is_no_missing_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.json");
        assert_eq!(read_kept(&path).unwrap().url, "");
        std::fs::write(&path, "{\"url\": \"http://a").unwrap();
        let failure = read_kept(&path).unwrap_err();
        assert!(failure.message.contains(path.to_str().unwrap()), "{}", failure.message);
    }

    #[test]
    fn events_are_read_one_by_one_and_a_torn_one_is_none() {
        let text =
            ": hello\n\nevent: log\nid: 3\ndata: abc\n\nevent: end\r\ndata: {}\r\n\r\nevent: log\ndata: to";
        let mut events = Events { reader: BufReader::new(text.as_bytes()), id: String::new() };
        let event =
            |kind: &str, data: &str| Some(Event { kind: kind.into(), id: "3".into(), data: data.into() });
        assert_eq!(events.next().unwrap(), event("log", "abc"));
        assert_eq!(events.next().unwrap(), event("end", "{}"));
        assert_eq!(events.next().unwrap(), None);
    }
}
