//! Talking to a center over HTTP.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use base::http::encode;
use domain::{Both, Timestamp, Zone, both};
use serde_json::Value;
use ureq::{
    Agent, http,
    tls::{RootCerts, TlsConfig},
};

use crate::{
    errors::{Category, Failure, said},
    kept::{self, Kept},
    trust,
};

/// The largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// A center, and who asks.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    pub url: String,
    /// The file with the certificates that are trusted, where it is not those that everybody trusts.
    pub ca: Option<PathBuf>,
    token: Option<String>,
    /// The center's time zone, as it named it in its first answer.
    zone: OnceLock<Zone>,
    /// Why no center can be asked: the kept sign-ins or `QIANTANG_TOKEN` can't be used.
    trouble: Option<Failure>,
    /// The profile in use, where the sign-in is a kept one.
    pub profile: Option<String>,
    is_token_given: bool,
}

/// Why there was no answer.
fn why(error: &ureq::Error) -> Both {
    let en = error.to_string();
    match error {
        ureq::Error::Io(error) => {
            let zh = match error.kind() {
                ErrorKind::ConnectionRefused => "连接被拒绝".to_owned(),
                ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => "连接中断".to_owned(),
                ErrorKind::TimedOut => "超时".to_owned(),
                _ => said(error).zh,
            };
            both(zh, en)
        }
        ureq::Error::HostNotFound => both("找不到这个主机", en),
        ureq::Error::ConnectionFailed => both("连接失败", en),
        ureq::Error::Timeout(_) => both("超时", en),
        _ => both(format!("连接出错（{en}）"), en),
    }
}

/// All of an answer as text. One larger than `most` bytes is refused, as a part of it would pass for the whole.
fn read_answer(reader: impl Read, most: u64) -> Result<String, Failure> {
    let mut text = String::new();
    let read = reader
        .take(most.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|error| Failure::broken_answer(&error))?;
    if read as u64 <= most {
        return Ok(text);
    }
    let most_mib = most >> 20;
    let message =
        both(format!("回答超过 {most_mib} MiB"), format!("the answer is larger than {most_mib} MiB"));
    let hint = both("请缩小范围，例如缩短时间", "ask for less, such as a shorter time");
    Err(Failure::system("answer_too_large", message, hint))
}

impl Client {
    /// By `--profile`, `--url`, `QIANTANG_TOKEN` and the kept sign-ins. `is_new` says that a sign-in is to be made, so that a
    /// profile need not be there yet.
    pub fn open(profile: Option<&str>, url: Option<&str>, ca: Option<&Path>, is_new: bool) -> Self {
        // Where there is no place to keep anything, nothing was kept.
        let kept = kept::place().map_or_else(|_| Ok(Kept::default()), |path| Kept::read(&path));
        let picked = kept.and_then(|kept| {
            let is_known = profile.is_none_or(|name| kept.profiles.contains_key(name));
            kept.pick(profile.filter(|_| is_known || !is_new), url)
        });
        let token = kept::given_token();
        let kept_ca = picked.as_ref().map(|(_, picked)| picked.ca.clone()).unwrap_or_default();
        let ca = ca.map(Path::to_owned).or(kept_ca);
        let roots = ca.as_deref().map_or_else(|| Ok(RootCerts::WebPki), trust::read);
        let trouble = picked.as_ref().err().or(token.as_ref().err()).or(roots.as_ref().err()).cloned();
        let (profile, picked) = picked.unwrap_or_default();
        let token = token.unwrap_or_default();
        let is_token_given = token.is_some();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .tls_config(TlsConfig::builder().root_certs(roots.unwrap_or(RootCerts::WebPki)).build())
            .user_agent(concat!("qiantang/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            url: picked.url,
            ca: ca.map(|path| std::path::absolute(&path).unwrap_or(path)),
            token: token.or(Some(picked.token).filter(|token| !token.is_empty())),
            zone: OnceLock::new(),
            trouble,
            profile,
            is_token_given,
        }
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The token is that of `QIANTANG_TOKEN`, and not a kept one.
    pub fn is_token_given(&self) -> bool {
        self.is_token_given
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

    /// Hands an answer of any length on as it comes; says how many bytes it had.
    pub fn copy(&self, path: &str, accept: &str, out: &mut dyn Write) -> Result<u64, Failure> {
        let response = self.request("GET", path, None, None, accept)?;
        let status = response.status().as_u16();
        let mut reader = response.into_body().into_reader();
        if status >= 400 {
            return Err(Failure::of_answer(status, &read_answer(reader, MAX_ANSWER_BYTES)?));
        }
        let (mut bytes, mut part) = (0, vec![0; 1 << 16]);
        loop {
            let read = reader.read(&mut part).map_err(|error| Failure::broken_answer(&error))?;
            if read == 0 {
                break;
            }
            match out.write_all(&part[..read]) {
                Ok(()) => bytes += read as u64,
                // Whoever reads has had enough, such as `head`.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(bytes),
                Err(error) => {
                    return Err(Failure::no_output(&error));
                }
            }
        }
        Ok(bytes)
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
        if status < 400 { Ok(text) } else { Err(self.refused(status, &text)) }
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
            let message = both(
                format!("无法读取中心的时间：`{date}`"),
                format!("the center's time can't be read: `{date}`"),
            );
            let hint = both(
                "中心前面的代理是否去掉了 `Date` 头？",
                "does a proxy in front of the center take the header `Date` away?",
            );
            Failure::system("no_time", message, hint)
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
        crate::peer::check(&self.url)?;
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header("Accept", accept);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let cannot = |error: ureq::Error| self.cannot(&error);
        let wrong = |error: http::Error| self.wrong(&error);
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

    fn cannot(&self, error: &ureq::Error) -> Failure {
        trust::refused(&self.url, error).unwrap_or_else(|| {
            let hint = both(
                "中心在那里运行吗？`--url` 或 QIANTANG_URL 指明它的地址",
                "is the center running there? `--url` or QIANTANG_URL says where it is",
            );
            let (url, why) = (&self.url, why(error));
            let message =
                both(format!("{url} 没有应答：{}", why.zh), format!("no answer from {url}: {}", why.en));
            Failure::system("no_answer", message, hint)
        })
    }

    fn wrong(&self, error: &http::Error) -> Failure {
        let url = &self.url;
        let message = both(format!("`{url}` 不是地址"), format!("`{url}` is not an address: {error}"));
        let hint = both("请写作 http://HOST:PORT", "write it as http://HOST:PORT");
        Failure::usage("bad_url", message, hint)
    }

    /// Sends a form, as the standards of signing in have it: the status, and the answer's JSON. No token goes with it.
    pub fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Result<(u16, Value), Failure> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        crate::peer::check(&self.url)?;
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", encode(value));
        let body = fields.iter().map(pair).collect::<Vec<_>>().join("&");
        let request = http::Request::builder().method("POST").uri(format!("{}{path}", self.url));
        let request = request.header("Accept", "application/json");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        let response = self.agent.run(request.map_err(|error| self.wrong(&error))?);
        let response = response.map_err(|error| self.cannot(&error))?;
        let status = response.status().as_u16();
        let answer = read_answer(response.into_body().into_reader(), MAX_ANSWER_BYTES)?;
        serde_json::from_str(&answer).map(|answer| (status, answer)).map_err(|_| self.not_a_center())
    }

    /// The events of a stream that follow the one with the id `after`; all where that is empty.
    pub fn events(&self, path: &str, after: &str) -> Result<Events, Failure> {
        let after = (!after.is_empty()).then_some(("Last-Event-ID", after));
        let response = self.request("GET", path, None, after, "text/event-stream")?;
        let status = response.status().as_u16();
        let reader = response.into_body().into_reader();
        if status >= 400 {
            return Err(self.refused(status, &read_answer(reader, MAX_ANSWER_BYTES)?));
        }
        Ok(Events { reader: BufReader::new(reader), id: String::new() })
    }

    /// A refusal. Who is not signed in is told what to do here, and not which header to send.
    fn refused(&self, status: u16, body: &str) -> Failure {
        let mut failure = Failure::of_answer(status, body);
        if failure.code == "unauthenticated" {
            let url = &self.url;
            failure.message = match (self.is_token_given, self.has_token()) {
                (true, _) => both(
                    format!("{url} 不接受 QIANTANG_TOKEN 中的令牌"),
                    format!("{url} does not take the token of QIANTANG_TOKEN"),
                ),
                (false, true) => {
                    both(format!("在 {url} 的登录已失效"), format!("the sign-in at {url} has ended"))
                }
                (false, false) => both(format!("尚未登录 {url}"), format!("nobody is signed in at {url}")),
            };
            failure.hint = if self.is_token_given {
                both(
                    "请清除 QIANTANG_TOKEN，或换成未失效的令牌",
                    "unset QIANTANG_TOKEN, or set it to a token that has not been ended",
                )
            } else {
                both("请登录：qiantang login", "sign in: qiantang login")
            };
        }
        failure
    }

    fn not_a_center(&self) -> Failure {
        let url = &self.url;
        let message =
            both(format!("在 {url} 应答的不是中心"), format!("what answers at {url} is not a center"));
        Failure::not_a_center(Category::System, message)
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
