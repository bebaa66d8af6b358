//! Slurm by slurmrestd, version 0.0.38 of its interface (0.0.37 where there is no other).
//!
//! Which versions it has is read from its own OpenAPI document. Each question goes out with a token of its user, made by
//! `scontrol token` or signed with Slurm's key.

use std::{
    collections::HashMap,
    fmt::Write as _,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    commands::submission_error,
    config::Token,
    face::{Asked, Calls, Face, FaceError, JobRecord, Listing, NodeRecord, Submission},
    text,
};

/// The versions whose words are known here, the better one first.
const KNOWN: [&str; 2] = ["v0.0.38", "v0.0.37"];
/// How long a token is good.
const TOKEN_S: u64 = 1800;
/// How many names are asked for at once: they travel in the address.
const NAMES_AT_ONCE: usize = 50;
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 1 << 30;

pub(crate) struct Rest {
    url: String,
    token: Token,
    /// As whom the cluster is looked at.
    user: String,
    agent: ureq::Agent,
    pub calls: Arc<Calls>,
    version: OnceLock<&'static str>,
    /// By user, with the second since 1970 until which it is good.
    tokens: Mutex<HashMap<String, (String, u64)>>,
}

impl Rest {
    pub(crate) fn new(url: &str, token: Token, user: String, timeout: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // The service closes a connection whenever it likes, and a request must not be sent twice.
            .max_idle_connections(0)
            .build()
            .into();
        let url = url.trim_end_matches('/').to_owned();
        Self {
            url,
            token,
            user,
            agent,
            calls: Arc::default(),
            version: OnceLock::new(),
            tokens: Mutex::default(),
        }
    }

    fn token(&self, user: &str) -> Result<String, FaceError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut tokens = self.tokens.lock().expect("nothing panics while it is held");
        if let Some((token, until)) = tokens.get(user)
            && now + 60 < *until
        {
            return Ok(token.clone());
        }
        let token = match &self.token {
            Token::Key(path) => signed(path, user, now)?,
            Token::Scontrol { conf } => {
                let mut commands =
                    super::commands::Commands::new(None, conf.clone(), Duration::from_secs(20));
                commands.calls = Arc::clone(&self.calls);
                commands.token(user, TOKEN_S)?
            }
        };
        tokens.insert(user.to_owned(), (token.clone(), now + TOKEN_S));
        Ok(token)
    }

    /// The version to speak, found once.
    fn version(&self) -> Result<&'static str, FaceError> {
        if let Some(version) = self.version.get() {
            return Ok(version);
        }
        let (_, document) = self.ask("GET", "/openapi/v3", &self.user, None)?;
        let paths = document["paths"].as_object().map(|paths| paths.keys().cloned().collect::<Vec<_>>());
        let paths = paths.unwrap_or_default();
        let has = |version: &&&str| paths.contains(&format!("/slurm/{version}/jobs"));
        let Some(version) = KNOWN.iter().find(has) else {
            let mut found: Vec<&str> =
                paths.iter().filter_map(|path| path.strip_prefix("/slurm/")?.split('/').next()).collect();
            found.sort_unstable();
            found.dedup();
            return Err(FaceError::Unreachable(format!(
                "slurmrestd at {} has the versions {found:?} of its interface; {} is spoken here. Use the commands instead.",
                self.url, KNOWN[0]
            )));
        };
        Ok(self.version.get_or_init(|| version))
    }

    /// Status and body of an answer.
    fn ask(
        &self,
        method: &str,
        path: &str,
        user: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), FaceError> {
        let token = self.token(user)?;
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("X-SLURM-USER-NAME", user)
            .header("X-SLURM-USER-TOKEN", token)
            .header("Content-Type", "application/json");
        let text = body.map_or(String::new(), Value::to_string);
        let unreachable = |why: String| FaceError::Unreachable(format!("slurmrestd at {}: {why}", self.url));
        let unclear = |why: String| FaceError::Unclear(format!("slurmrestd at {}: {why}", self.url));
        let request = request.body(text).map_err(|error| unreachable(error.to_string()))?;
        self.calls.count(&call_of(method, path));
        let answer = self.agent.run(request).map_err(|error| match error {
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => unreachable(error.to_string()),
            ureq::Error::Io(ref cause) if cause.kind() == std::io::ErrorKind::ConnectionRefused => {
                unreachable(error.to_string())
            }
            other => unclear(other.to_string()),
        })?;
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let text = body.with_config().limit(MAX_ANSWER_BYTES).read_to_string();
        let text = text.map_err(|error| unclear(error.to_string()))?;
        if status == 401 || status == 403 {
            self.tokens.lock().expect("nothing panics while it is held").remove(user);
            return Err(unreachable(format!("it does not accept the token of {user} ({})", text.trim())));
        }
        let value = if text.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::Null)
        };
        Ok((status, value))
    }

    /// A question that changes nothing.
    fn get(&self, path: &str) -> Result<Value, FaceError> {
        let (status, value) = self.ask("GET", path, &self.user, None).map_err(|error| match error {
            FaceError::Unclear(why) => FaceError::Unreachable(why),
            other => other,
        })?;
        if status != 200 || value.is_null() {
            return Err(FaceError::Unreachable(format!("slurmrestd answered {status}: {}", errors(&value))));
        }
        Ok(value)
    }
}

/// What a question is counted as: without versions, numbers and what is asked for.
fn call_of(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let is_version = |part: &str| part.starts_with("v0.");
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = path.split('/').filter(|part| !is_version(part) && !is_number(part));
    parts.fold(method.to_owned() + " ", |all, part| all + "/" + part)
}

/// What an answer says went wrong.
fn errors(answer: &Value) -> String {
    let of = |error: &Value| {
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        let parts: Vec<&str> =
            [text("description"), text("error")].into_iter().filter(|t| !t.is_empty()).collect();
        parts.join(": ")
    };
    let all: Vec<String> = answer["errors"].as_array().into_iter().flatten().map(of).collect();
    all.join("; ")
}

/// A token as Slurm itself signs them (JWT, HS256), for a user.
fn signed(key: &Path, user: &str, now: u64) -> Result<String, FaceError> {
    let failed = |error| FaceError::Unreachable(format!("failed to read the key {}: {error}", key.display()));
    let key = std::fs::read(key).map_err(failed)?;
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "exp": now + TOKEN_S, "iat": now, "sun": user });
    let text = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(hmac(&key, text.as_bytes()))))
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

/// Text for an address.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            all.push(char::from(byte));
        } else {
            let _never_fails = write!(all, "%{byte:02X}");
        }
        all
    })
}

impl Face for Rest {
    fn describe(&self) -> Result<String, FaceError> {
        let version = self.version()?;
        let answer = self.get(&format!("/slurm/{version}/ping"))?;
        let release = answer["meta"]["Slurm"]["release"].as_str().unwrap_or("an unknown version");
        Ok(format!("slurmrestd ({version}) of Slurm {release}"))
    }

    fn submit(&self, job: &Submission) -> Result<u32, FaceError> {
        let version = self.version()?;
        let path = |path: &Path| path.display().to_string().replace('%', "%%");
        let nodes = job.nodes.len();
        let mut env = serde_json::Map::from_iter([("PATH".to_owned(), json!("/usr/bin:/bin"))]);
        env.extend(job.env.iter().map(|(name, value)| (name.clone(), json!(value))));
        let mut properties = json!({
            "name": job.name,
            "comment": job.comment,
            "no_requeue": true,
            "open_mode": "append",
            "current_working_directory": job.work_dir.display().to_string(),
            "standard_output": path(&job.stdout),
            "standard_error": path(&job.stderr),
            "nodes": [nodes, nodes],
            "nodelist": job.nodes.join(","),
            "time_limit": job.time_limit_min,
            "tasks": u32::try_from(nodes).unwrap_or(1) * job.tasks_per_node,
            "tasks_per_node": job.tasks_per_node,
            "cpus_per_task": job.cpus_per_task,
            "environment": env,
        });
        for (name, value) in
            [("account", &job.account), ("partition", &job.partition), ("qos", &job.qos), ("gres", &job.gres)]
        {
            if let Some(value) = value {
                properties[name] = json!(value);
            }
        }
        if let Some(mib) = job.memory_mib_per_node {
            properties["memory_per_node"] = json!(mib);
        }
        let body = json!({ "script": job.script, "job": properties });
        let user = job.user.as_deref().unwrap_or(&self.user);
        let (status, answer) =
            self.ask("POST", &format!("/slurm/{version}/job/submit"), user, Some(&body))?;
        if let Some(number) = answer["job_id"].as_u64().and_then(|number| u32::try_from(number).ok())
            && number > 0
        {
            return Ok(number);
        }
        let why = errors(&answer);
        if why.is_empty() {
            return Err(FaceError::Unclear(format!("slurmrestd answered {status} to a submission")));
        }
        Err(submission_error(&why))
    }

    fn jobs(&self) -> Result<Listing, FaceError> {
        let answer = self.get(&format!("/slurm/{}/jobs", self.version()?))?;
        let Some(jobs) = answer["jobs"].as_array() else {
            return Err(FaceError::Unreachable(format!("slurmrestd lists no jobs: {}", errors(&answer))));
        };
        let mut listing = Listing::default();
        for job in jobs {
            match listed(job) {
                Some(job) => listing.jobs.push(job),
                None => listing.unreadable += 1,
            }
        }
        Ok(listing)
    }

    fn accounting(&self, asked: &Asked) -> Result<Vec<JobRecord>, FaceError> {
        let version = self.version()?;
        let mut all = Vec::new();
        for names in asked.names.chunks(NAMES_AT_ONCE) {
            let names = escaped(&names.join(","));
            let since = asked.since.max(0);
            let query =
                format!("/slurmdb/{version}/jobs?start_time=uts{since}&skip_steps=true&job_name={names}");
            let answer = self.get(&query)?;
            let Some(jobs) = answer["jobs"].as_array() else {
                return Err(FaceError::Unreachable(format!(
                    "slurmrestd has no accounting: {}",
                    errors(&answer)
                )));
            };
            all.extend(jobs.iter().filter_map(accounted));
        }
        Ok(all)
    }

    fn cancel(&self, jobs: &[u32]) -> Result<(), FaceError> {
        let version = self.version()?;
        for job in jobs {
            let (status, answer) =
                self.ask("DELETE", &format!("/slurm/{version}/job/{job}"), &self.user, None)?;
            let why = errors(&answer).to_lowercase();
            let is_over = why.contains("invalid job id") || why.contains("already completing or completed");
            if status != 200 && !is_over {
                return Err(FaceError::Unclear(format!("slurmrestd answered {status}: {why}")));
            }
        }
        Ok(())
    }

    fn nodes(&self) -> Result<Vec<NodeRecord>, FaceError> {
        let answer = self.get(&format!("/slurm/{}/nodes", self.version()?))?;
        let nodes = answer["nodes"].as_array().into_iter().flatten();
        Ok(nodes.flat_map(node).collect())
    }

    fn clock(&self) -> Result<i64, FaceError> {
        let answer = self.get(&format!("/slurm/{}/diag", self.version()?))?;
        let at = answer["statistics"]["req_time"].as_i64();
        at.ok_or_else(|| FaceError::Unclear("slurmrestd does not tell the controller's time".to_owned()))
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().filter(|seconds| *seconds > 0)
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// A job as the controller has it.
fn listed(job: &Value) -> Option<JobRecord> {
    // The status that the system gave: code and signal in one number.
    let status = job["exit_code"].as_i64().and_then(|status| i32::try_from(status).ok()).unwrap_or(0);
    let state = text::job_state(job["job_state"].as_str()?);
    let is_over = state.is_over();
    Some(JobRecord {
        id: number(&job["job_id"])?,
        name: word(&job["name"]),
        user: word(&job["user_name"]),
        account: word(&job["account"]),
        partition: word(&job["partition"]),
        state,
        reason: word(&job["state_reason"]),
        nodes: text::hosts(job["nodes"].as_str().unwrap_or_default())?,
        cards: text::cards_of_tres(job["tres_alloc_str"].as_str().unwrap_or_default()),
        started_s: seconds(&job["start_time"]),
        // While it runs, this is when it will end at the latest.
        ended_s: seconds(&job["end_time"]).filter(|_| is_over),
        code: (status >> 8) & 0xff,
        signal: status & 0x7f,
        restarts: number(&job["restart_cnt"]).unwrap_or(0),
    })
}

/// A job as accounting has it. It shows no exit codes in this version: the controller's word is taken for them.
fn accounted(job: &Value) -> Option<JobRecord> {
    let cards = |entry: &Value| {
        let is_card = entry["type"] == "gres" && matches!(entry["name"].as_str(), Some("npu" | "gpu"));
        if is_card { number(&entry["count"]).unwrap_or(0) } else { 0 }
    };
    let exit = &job["exit_code"];
    Some(JobRecord {
        id: number(&job["job_id"])?,
        name: word(&job["name"]),
        user: word(&job["user"]),
        account: word(&job["account"]),
        partition: word(&job["partition"]),
        state: text::job_state(job["state"]["current"].as_str()?),
        reason: word(&job["state"]["reason"]),
        nodes: text::hosts(job["nodes"].as_str().unwrap_or_default())?,
        cards: job["tres"]["allocated"].as_array().into_iter().flatten().map(cards).sum(),
        started_s: seconds(&job["time"]["start"]),
        ended_s: seconds(&job["time"]["end"]),
        code: exit["return_code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(0),
        signal: exit["signal"]["signal_id"].as_i64().and_then(|id| i32::try_from(id).ok()).unwrap_or(0),
        restarts: 0,
    })
}

/// A node, a record for each of its partitions.
fn node(node: &Value) -> Vec<NodeRecord> {
    let flags = node["state_flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let state = flags.fold(word(&node["state"]), |all, flag| format!("{all}+{}", flag.to_ascii_lowercase()));
    let record = |partition: &Value| {
        Some(NodeRecord {
            name: node["name"].as_str()?.to_owned(),
            address: word(&node["address"]),
            partition: word(partition),
            condition: text::node_condition(&state),
            state: state.clone(),
            reason: word(&node["reason"]),
            gres: text::gres_of_node(node["gres"].as_str().unwrap_or_default()),
            cpus: number(&node["cpus"])?,
            memory_mib: node["real_memory"].as_u64()?,
            features: word(&node["features"])
                .split(',')
                .filter(|f| !f.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    };
    node["partitions"].as_array().into_iter().flatten().filter_map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_signed_as_the_standard_says() {
        // RFC 4231, test cases 2 and 6.
        let hex = |bytes: [u8; 32]| bytes.iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
        assert_eq!(
            hex(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

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
    fn addresses_hold_no_odd_characters() {
        assert_eq!(escaped("qt-run_1,a b&c=%"), "qt-run_1%2Ca%20b%26c%3D%25");
    }
}
