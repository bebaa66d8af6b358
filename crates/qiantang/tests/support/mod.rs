//! A real center in a process of its own, for tests and benches that go through the real binary and HTTP.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod load;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ureq::{Agent, http};

pub const PASSWORD: &str = "a-long-password";
/// Nothing that is waited for takes longer, even on a slow and busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A center's folder and settings; the process comes and goes.
pub struct Site {
    pub folder: tempfile::TempDir,
    settings: PathBuf,
    process: Option<Child>,
    pub url: String,
    agent: Agent,
    pub operator: String,
}

/// Someone who works for a tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub slug: String,
    pub developer: String,
    pub admin: String,
    pub contract: String,
    pub uid_index: u32,
}

impl Site {
    /// A new center with virtual nodes of eight cards. `more` is added to the settings.
    pub fn new(nodes: u32, more: &str) -> Self {
        Self::with_settings(&format!(
            "{more}\n[[pools]]\nname = \"ascend-910\"\n\
             card_model = \"ascend-910\"\nnodes = [{{ name = \"npu-\", count = {nodes}, cards = 8, cards_per_ring = 4, \
             virtual = true }}]\n"
        ))
    }

    /// A new center with these settings, besides its address and folder.
    pub fn with_settings(settings_text: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("qiantang-test-").tempdir().expect("a folder");
        // Runs with their own uids pass through it.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))
            .expect("a mode");
        let settings = folder.path().join("center.toml");
        let data = folder.path().join("data");
        let text = format!("listen = \"127.0.0.1:0\"\ndata_dir = \"{}\"\n{settings_text}", data.display());
        std::fs::write(&settings, text).expect("settings");
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        let (process, url, operator) = (None, String::new(), String::new());
        let mut site = Self { folder, settings, process, url, agent, operator };
        site.start();
        let (status, answer) = site.try_login("operator");
        assert_eq!(status, 201, "{answer}");
        answer["token"].as_str().expect("a token").clone_into(&mut site.operator);
        site
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn binary() -> &'static Path {
        Path::new(env!("CARGO_BIN_EXE_qiantang"))
    }

    /// Starts the center's process and waits until it is ready. Gives how long that took.
    pub fn start(&mut self) -> Duration {
        assert!(self.process.is_none(), "it runs");
        let began = Instant::now();
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("center.log"));
        let mut child = Command::new(Self::binary())
            .args(["serve", "--config"])
            .arg(&self.settings)
            .env("QIANTANG_OPERATOR_PASSWORD", PASSWORD)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
            .env("QIANTANG__LIMITS__REQUESTS_PER_SECOND", "1000000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let url = line.trim().strip_prefix("listening on ");
        let Some(url) = url else { panic!("the center did not start: {line}\n{}", self.log()) };
        url.clone_into(&mut self.url);
        // Read on, so that it never writes into a closed pipe.
        std::thread::spawn(move || drop(out.read_to_end(&mut Vec::new())));
        self.process = Some(child);
        began.elapsed()
    }

    /// What the center wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("center.log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// SIGKILL: nothing is tidied up.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("it is killed");
        process.wait().expect("it is gone");
    }

    /// SIGTERM, and its exit.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let mut process = self.process.take().expect("it runs");
        let term = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        assert!(term.expect("kill").success());
        process.wait().expect("it ends")
    }

    /// A request; gives the status and the JSON of the answer, `Null` if it is none.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_ask(method, path, token, body, &[]).expect("an answer")
    }

    /// The same with more headers, where the center may be gone.
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

    /// The status and the answer as it is.
    pub fn try_text(&self, path: &str, token: &str) -> (u16, String) {
        let request =
            self.agent.get(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {token}"));
        let response = request.call().expect("an answer");
        let status = response.status().as_u16();
        let mut text = String::new();
        response.into_body().into_reader().take(64 << 20).read_to_string(&mut text).expect("text");
        (status, text)
    }

    pub fn get(&self, path: &str, token: &str) -> Value {
        let (status, answer) = self.ask("GET", path, token, None);
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    pub fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let (status, answer) = self.ask("POST", path, token, Some(body));
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    fn try_login(&self, login: &str) -> (u16, Value) {
        let body = json!({ "login": login, "password": PASSWORD });
        self.ask("POST", "/api/v1/login", "", Some(&body))
    }

    pub fn login(&self, login: &str) -> String {
        let (status, answer) = self.try_login(login);
        assert_eq!(status, 201, "{answer}");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// A tenant with a contract of `terms`, a project `work`, and people.
    pub fn tenant(&self, slug: &str, domain: &str, terms: &Value, most_cards: u32) -> Tenant {
        let queue = json!({ "guaranteed_cards": 0, "borrowing_limit": null, "lending_limit": null, "weight": 1,
            "max_running_cards": most_cards });
        self.tenant_in(slug, domain, terms, &queue, None)
    }

    /// The same, with terms of its queue, in an alliance or none.
    pub fn tenant_in(
        &self,
        slug: &str,
        domain: &str,
        terms: &Value,
        queue: &Value,
        alliance: Option<&str>,
    ) -> Tenant {
        let operator = &self.operator;
        let new =
            json!({ "slug": slug, "name_zh": slug, "name_en": slug, "domain": domain, "alliance": alliance });
        self.post("/api/v1/tenants", operator, &new);
        for role in ["developer", "admin", "finance"] {
            let login = format!("{slug}-{role}");
            let new =
                json!({ "login": login, "name": login, "role": role, "password": PASSWORD, "tenant": slug });
            self.post("/api/v1/members", operator, &new);
        }
        let new = json!({ "number": format!("{slug}-1"), "terms": terms, "pools": ["ascend-910"],
            "starts_at": "2020-01-01", "ends_at": "2099-01-01", "queue": queue, "tenant": slug });
        let contract =
            self.post("/api/v1/contracts", operator, &new)["id"].as_str().expect("an id").to_owned();
        for action in ["submit", "approve", "activate"] {
            let path = format!("/api/v1/contracts/{contract}/actions");
            self.post(&path, operator, &json!({ "action": action, "reason": "test" }));
        }
        let new = json!({ "slug": "work", "name": "Work", "contract": contract, "tenant": slug });
        self.post("/api/v1/projects", operator, &new);
        let developer = self.login(&format!("{slug}-developer"));
        let admin = self.login(&format!("{slug}-admin"));
        Tenant { slug: slug.to_owned(), developer, admin, contract, uid_index: 0 }
    }

    /// A price for all work, as metered contracts need one.
    pub fn publish_price(&self, micro_cny_per_card_hour: i64) {
        let mut prices = Vec::new();
        for class in ["urgent", "normal", "spot"] {
            for domain in ["research", "enterprise", "government"] {
                prices.push(json!({ "pool": "ascend-910", "service_class": class, "domain": domain,
                    "rate_micro_cny_per_card_hour": micro_cny_per_card_hour }));
            }
        }
        self.post("/api/v1/price-books", &self.operator, &json!({ "name": "test", "prices": prices }));
    }

    pub fn submit(&self, tenant: &Tenant, spec: &Value) -> String {
        self.post("/api/v1/jobs", &tenant.developer, spec)["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until the job is over; gives it as it is then.
    pub fn wait_for_end(&self, token: &str, id: &str) -> Value {
        self.wait_for(&format!("the end of {id}"), || {
            let job = self.get(&format!("/api/v1/jobs/{id}"), token);
            (!matches!(job["state"].as_str(), Some("queued" | "running" | "stopping"))).then_some(job)
        })
    }

    /// Waits until a job is in a state.
    pub fn wait_for_state(&self, token: &str, id: &str, state: &str) -> Value {
        self.wait_for(&format!("{id} to be {state}"), || {
            let job = self.get(&format!("/api/v1/jobs/{id}"), token);
            (job["state"] == state).then_some(job)
        })
    }

    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < until, "waited too long for {what}\n{}", self.log());
            // Looks again soon, without taking the processor from what it waits for.
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Slurm tells of whole seconds: a job that begins in the second in which its contract did is billed from the contract
    /// on, which is a part of a second less than Slurm accounts for.
    pub fn wait_for_next_second(&self) {
        let second = || std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
        let now = second();
        self.wait_for("the next second", || (second() > now).then_some(()));
    }

    pub fn stdout(&self, token: &str, id: &str) -> String {
        self.get(&format!("/api/v1/jobs/{id}/logs"), token)["data"].as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
            let _ = process.wait();
        }
    }
}

/// One request by an agent of one's own.
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
    response.into_body().into_reader().take(64 << 20).read_to_string(&mut text)?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// A folder that other users can get into.
pub fn open_folder() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("qt-").tempdir_in("/tmp").expect("a folder");
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a mode");
    dir
}

/// A job that runs `script` on one card.
pub fn job(name: &str, script: &str) -> Value {
    json!({ "name": name, "script": format!("#!/bin/sh\n{script}\n"), "time_limit_ms": 60_000 })
}

/// A grant without end.
pub fn grant() -> Value {
    json!({ "kind": "grant", "cap": null })
}
