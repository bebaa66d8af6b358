//! Slurm by slurmrestd. A release of it speaks several versions of its interface; the newest one that is
//! known here is taken.
//!
//! The same code reads the answers of all versions (`read`). Only the body of a submission differs (`body`).

mod body;
mod read;
mod token;
mod version;

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use self::{
    token::Tokens,
    version::{DOCUMENTS, Service, Version},
};
use domain::{Both, both};

use super::{
    job::{AccountingQuery, JobRecord, Listing, Submission},
    node::{Daemon, NodeRecord},
    port::{Calls, Port, SlurmError},
    refusal::submission_error,
};
use crate::{slurm::config::Token, sync};

/// How long a question that changes nothing may take at first.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most names in one question: they travel in the address.
const NAMES_AT_ONCE: usize = 50;
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 1 << 30;
/// Slurm's number for a token that it does not accept.
const NOT_AUTHENTIC: i64 = 1007;
/// The service's own errors, for requests that it does not understand.
const OF_THE_SERVICE: Range<i64> = 9000..10_000;

pub(crate) struct Rest {
    url: String,
    tokens: Tokens,
    /// The user who looks at the cluster.
    user: String,
    agent: ureq::Agent,
    /// How long a question that changes nothing may take now.
    patience: Mutex<Duration>,
    /// How long any request may take.
    timeout: Duration,
    pub calls: Arc<Calls>,
    /// Found with the first question, and again when the service no longer knows the version because it was
    /// upgraded.
    found: Mutex<Option<Found>>,
}

#[derive(Clone)]
struct Found {
    service: Service,
    /// Slurm's own release: `24.11.5`.
    release: String,
}

impl Rest {
    pub(crate) fn new(url: &str, token: Token, user: String, timeout: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // The service closes connections whenever it likes, and a request must not be sent twice.
            .max_idle_connections(0)
            .build()
            .into();
        let url = url.trim_end_matches('/').to_owned();
        let patience = Mutex::new(PATIENCE.min(timeout));
        let (tokens, calls, found) = (Tokens::new(token), Arc::default(), Mutex::default());
        Self { url, tokens, user, agent, patience, timeout, calls, found }
    }

    /// Whether Slurm's controller accepts the tokens, in words for people.
    pub(crate) fn check_token(&self) -> Result<Both, SlurmError> {
        self.clock()?;
        Ok(both(
            format!("用户 {} 的令牌被接受", self.user),
            format!("that of {}, {}, is accepted", self.user, self.tokens.origin()),
        ))
    }

    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        sync::lock(&self.found)
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> SlurmError {
        SlurmError::Unreachable(format!("slurmrestd at {}: {why}", self.url))
    }

    /// The service and the version that it speaks.
    fn service(&self) -> Result<Found, SlurmError> {
        if let Some(found) = &*self.found() {
            return Ok(found.clone());
        }
        let document = self.document()?;
        let service = Service::of(&document)
            .map_err(|why| self.unreachable(format!("{why}. Use the commands instead.")))?;
        // Older services do not answer this with a token that Slurm does not accept. Then the question is
        // asked again later.
        let ping = self.get(&format!("/slurm/{}/ping", service.version)).unwrap_or_default();
        let meta = &ping["meta"];
        let release = ["slurm", "Slurm"].iter().find_map(|name| meta[name]["release"].as_str());
        let found = Found { service, release: release.unwrap_or_default().to_owned() };
        if ping.is_null() {
            return Ok(found);
        }
        Ok(self.found().insert(found).clone())
    }

    fn version(&self) -> Result<Version, SlurmError> {
        Ok(self.service()?.service.version)
    }

    /// The service's OpenAPI document.
    fn document(&self) -> Result<Value, SlurmError> {
        let mut answered = Vec::new();
        for path in DOCUMENTS {
            let (status, document) = self.ask("GET", path, &self.user, None).map_err(not_unclear)?;
            if document["paths"].is_object() {
                return Ok(document);
            }
            answered.push(format!("{status} for {path}"));
        }
        Err(self.unreachable(format!("it shows no OpenAPI document ({})", answered.join(", "))))
    }

    fn patience(&self) -> MutexGuard<'_, Duration> {
        sync::lock(&self.patience)
    }

    /// Adapts the patience. The service now and then leaves a question without an answer, so a question that
    /// takes far longer than the last ones is asked again. Where that was wrong, the next one gets more time.
    fn wait_longer(&self, has_timed_out: bool, took: Duration) {
        let mut patience = self.patience();
        let wanted = if has_timed_out { *patience * 2 } else { PATIENCE.max(took * 4) };
        *patience = wanted.min(self.timeout);
    }

    /// Sends a request; returns status and body of the answer.
    fn ask(
        &self,
        method: &str,
        path: &str,
        user: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), SlurmError> {
        let token = self.tokens.of(user)?;
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("X-SLURM-USER-NAME", user)
            .header("X-SLURM-USER-TOKEN", token)
            .header("Content-Type", "application/json")
            // Otherwise the service now and then takes the next caller's connection for the one that was just
            // closed, and resets it. Then nobody knows whether it took the job.
            .header("Connection", "close");
        let text = body.map_or(String::new(), Value::to_string);
        let unclear = |why: String| SlurmError::Unclear(format!("slurmrestd at {}: {why}", self.url));
        let request = request.body(text).map_err(|error| self.unreachable(error))?;
        self.calls.count(&call_of(method, path));
        let is_question = method == "GET";
        let timeout = if is_question { *self.patience() } else { self.timeout };
        let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
        let begun = Instant::now();
        let answer = self.agent.run(request).map_err(|error| match error {
            ureq::Error::Timeout(_) if is_question => {
                self.wait_longer(true, timeout);
                unclear(format!("no answer within {timeout:?}"))
            }
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => self.unreachable(error),
            ureq::Error::Io(ref cause) if cause.kind() == std::io::ErrorKind::ConnectionRefused => {
                self.unreachable(error)
            }
            other => unclear(other.to_string()),
        })?;
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let text = body.with_config().limit(MAX_ANSWER_BYTES).read_to_string();
        if is_question {
            self.wait_longer(text.is_err() && begun.elapsed() >= timeout, begun.elapsed());
        }
        let text = text.map_err(|error| unclear(error.to_string()))?;
        let value = if text.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        if matches!(status, 401 | 403) || read::has_error(&value, NOT_AUTHENTIC..NOT_AUTHENTIC + 1) {
            self.tokens.forget(user);
            let why = read::errors(&value);
            return Err(self.unreachable(format!("Slurm does not accept the token of {user} ({why})")));
        }
        // Not even the path is known: Slurm's own errors come as JSON.
        if status == 404 && !value.is_object() {
            *self.found() = None;
        }
        Ok((status, value))
    }

    /// The list in an answer, under one of the names that it has in the versions.
    fn listed<'a>(&self, answer: &'a Value, names: &[&str]) -> Result<&'a Vec<Value>, SlurmError> {
        let found = names.iter().find_map(|name| answer[name].as_array());
        found.ok_or_else(|| {
            let (names, said) = (names.join("` or `"), read::errors(answer));
            let said = if said.is_empty() { "it names no error" } else { &said };
            self.unreachable(format!("its answer has no list `{names}`: {said}"))
        })
    }

    /// Asks a question that changes nothing.
    fn get(&self, path: &str) -> Result<Value, SlurmError> {
        let (status, value) = self.ask("GET", path, &self.user, None).map_err(not_unclear)?;
        if status != 200 || !value.is_object() {
            return Err(self.unreachable(format!("it answered {status}: {}", read::errors(&value))));
        }
        Ok(value)
    }
}

/// The error of a question that changes nothing: however it fails, it can be asked again.
fn not_unclear(error: SlurmError) -> SlurmError {
    match error {
        SlurmError::Unclear(why) => SlurmError::Unreachable(why),
        other => other,
    }
}

/// Year and month of a release: `24.11.5` is (24, 11). A release that says nothing is older than all others.
fn year_and_month(release: &str) -> (u32, u32) {
    let mut parts = release.split('.').map_while(|part| part.parse().ok());
    parts.next().zip(parts.next()).unwrap_or_default()
}

/// Text as a part of an address.
fn escaped(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The name under which a question is counted, without versions, numbers and arguments.
fn call_of(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let is_version = |part: &str| part.starts_with("v0.");
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = path.split('/').filter(|part| !is_version(part) && !is_number(part));
    parts.fold(method.to_owned() + " ", |all, part| all + "/" + part)
}

impl Port for Rest {
    fn describe(&self) -> Result<String, SlurmError> {
        let Found { service, release } = self.service()?;
        let release = if release.is_empty() { "an unknown version" } else { &release };
        Ok(format!("slurmrestd of Slurm {release}, {}", service.describe()))
    }

    fn submit(&self, job: &Submission) -> Result<u32, SlurmError> {
        let Found { service, release } = self.service()?;
        let body = body::submission(job, service.version, year_and_month(&release));
        let user = job.user.as_deref().unwrap_or(&self.user);
        let path = format!("/slurm/{}/job/submit", service.version);
        let (status, answer) = self.ask("POST", &path, user, Some(&body))?;
        if let Some(number) = read::submitted(&answer) {
            return Ok(number);
        }
        let why = read::errors(&answer);
        if status == 404 && !answer.is_object() {
            return Err(self.unreachable(why));
        }
        if why.is_empty() {
            return Err(SlurmError::Unclear(format!("slurmrestd answered {status} to a submission")));
        }
        // The service itself did not understand the request: Slurm was not asked.
        if read::has_error(&answer, OF_THE_SERVICE) {
            return Err(SlurmError::Refused(why));
        }
        Err(submission_error(&why))
    }

    fn jobs(&self) -> Result<Listing, SlurmError> {
        let answer = self.get(&format!("/slurm/{}/jobs", self.version()?))?;
        let mut listing = Listing::default();
        for job in self.listed(&answer, &["jobs"])? {
            match read::listed(job) {
                Some(job) => listing.jobs.push(job),
                None => listing.unreadable += 1,
            }
        }
        Ok(listing)
    }

    fn accounting(&self, query: &AccountingQuery) -> Result<Vec<JobRecord>, SlurmError> {
        let version = self.version()?;
        // As sacct does: all lives of a job, with their whole times.
        let whole =
            if version < Version(40) { "" } else { "&show_duplicates=true&disable_truncate_usage_time=true" };
        let since = query.since.max(0);
        let path = format!("/slurmdb/{version}/jobs?start_time=uts{since}&skip_steps=true{whole}");
        let of = |key: &str, values: &[String]| format!("{path}&{key}={}", escaped(&values.join(",")));
        let paths = match query.names.as_slice() {
            // Older services can't ask for several users. Then all jobs since that time are read, once in a
            // while.
            [] if query.users.is_empty() => vec![of("account", &query.accounts)],
            [] if version < Version(40) => vec![path],
            [] => vec![of("users", &query.users)],
            names => names.chunks(NAMES_AT_ONCE).map(|names| of("job_name", names)).collect(),
        };
        let mut all = Vec::new();
        for path in paths {
            let answer = self.get(&path)?;
            all.extend(self.listed(&answer, &["jobs"])?.iter().filter_map(read::accounted));
        }
        Ok(all)
    }

    fn cancel(&self, jobs: &[u32]) -> Result<(), SlurmError> {
        let service = self.service()?.service;
        let version = service.version;
        let ask = |path: &str, body: Option<&Value>| {
            let (status, answer) = self.ask("DELETE", path, &self.user, body)?;
            read::cancel_problem(status, &answer).map_or(Ok(()), |why| {
                Err(SlurmError::Unclear(format!("slurmrestd at {} answered {status}: {why}", self.url)))
            })
        };
        // An empty list would mean all jobs that there are.
        if jobs.is_empty() {
            return Ok(());
        }
        if service.cancels_many {
            let numbers: Vec<String> = jobs.iter().map(u32::to_string).collect();
            let body = json!({ "jobs": numbers, "signal": "KILL" });
            return ask(&format!("/slurm/{version}/jobs/"), Some(&body));
        }
        jobs.iter().try_for_each(|job| ask(&format!("/slurm/{version}/job/{job}"), None))
    }

    fn nodes(&self) -> Result<Vec<NodeRecord>, SlurmError> {
        let answer = self.get(&format!("/slurm/{}/nodes", self.version()?))?;
        Ok(self.listed(&answer, &["nodes"])?.iter().flat_map(read::node).collect())
    }

    fn daemons(&self, nodes: &[String]) -> Result<Vec<Daemon>, SlurmError> {
        let answer = self.get(&format!("/slurm/{}/nodes", self.version()?))?;
        let all = self.listed(&answer, &["nodes"])?.iter().filter_map(read::daemon);
        Ok(all.filter(|daemon| nodes.contains(&daemon.node)).collect())
    }

    fn accounted_gres(&self) -> Result<Vec<String>, SlurmError> {
        let version = self.version()?;
        // From v0.0.40 on the path ends in a slash, and the list has another name.
        let slash = if version < Version(40) { "" } else { "/" };
        let answer = self.get(&format!("/slurmdb/{version}/tres{slash}"))?;
        let all = self.listed(&answer, &["TRES", "tres"])?;
        let of_gres = all.iter().filter(|entry| entry["type"] == "gres");
        Ok(of_gres.filter_map(|entry| entry["name"].as_str().map(str::to_owned)).collect())
    }

    fn backlog(&self) -> Result<Option<u64>, SlurmError> {
        let answer = self.get(&format!("/slurm/{}/diag", self.version()?))?;
        Ok(read::count(&answer["statistics"]["dbd_agent_queue_size"]))
    }

    fn clock(&self) -> Result<i64, SlurmError> {
        let answer = self.get(&format!("/slurm/{}/diag", self.version()?))?;
        let at = read::seconds(&answer["statistics"]["req_time"]);
        at.ok_or_else(|| SlurmError::Unclear("slurmrestd does not report the controller's time".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_counted_by_their_kind() {
        for (method, path, want) in [
            ("POST", "/slurm/v0.0.38/job/submit", "POST /slurm/job/submit"),
            ("DELETE", "/slurm/v0.0.38/job/4711", "DELETE /slurm/job"),
            ("GET", "/slurmdb/v0.0.38/jobs?start_time=uts1&job_name=a", "GET /slurmdb/jobs"),
            ("GET", "/openapi/v3", "GET /openapi/v3"),
        ] {
            assert_eq!(call_of(method, path), want);
        }
    }

    #[test]
    fn an_answer_without_its_list_is_no_empty_list() {
        let token = Token::Key("/no/such/key".into());
        let rest = Rest::new("http://slurm:6820", token, "root".to_owned(), PATIENCE);
        assert_eq!(rest.listed(&json!({ "tres": [] }), &["TRES", "tres"]), Ok(&Vec::new()));
        let answer = json!({ "errors": [{ "error": "no database" }] });
        let error = rest.listed(&answer, &["TRES", "tres"]).unwrap_err().to_string();
        let want = "slurmrestd at http://slurm:6820: its answer has no list `TRES` or `tres`: no database";
        assert_eq!(error, want);
        assert!(rest.listed(&json!({ "nodes": {} }), &["nodes"]).is_err());
    }

    #[test]
    fn addresses_hold_no_odd_characters() {
        assert_eq!(escaped("qt-run_1,a b&c=%"), "qt-run_1%2Ca%20b%26c%3D%25");
    }

    #[test]
    fn releases_have_a_year_and_a_month() {
        assert_eq!(year_and_month("24.11.5"), (24, 11));
        assert_eq!(year_and_month("23.02.7"), (23, 2));
        assert_eq!((year_and_month(""), year_and_month("next")), ((0, 0), (0, 0)));
    }
}
