//! Bad input is answered with a clear problem and leaves nothing behind.

use std::cell::Cell;

use serde_json::{Value, json};
use testkit::job;

use crate::scene::{Route, Scene};

/// Sends bad requests to a scene. Each is answered with a problem document if it is refused, and none makes
/// the center fail.
struct Prober {
    scene: Scene,
    jobs_before: usize,
    sent: Cell<usize>,
}

impl Prober {
    fn new() -> Self {
        let scene = Scene::new();
        let jobs_before = jobs(&scene);
        Self { scene, jobs_before, sent: Cell::new(0) }
    }

    /// Returns the status.
    fn send(&self, method: &str, path: &str, token: &str, kind: &str, body: &[u8]) -> u16 {
        let answer = self.scene.send(method, path, token, kind, body);
        self.sent.set(self.sent.get() + 1);
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let (status, text) = (answer.status, answer.text);
        assert!(status < 500, "{method} {path} {shown}: {status} {text}");
        if status >= 400 {
            assert_eq!(answer.content_type, "application/problem+json", "{method} {path}: {text}");
            let problem: Value = serde_json::from_str(&text).expect("a problem");
            let is_said = |key: &str| problem[key].as_str().is_some_and(|said| !said.is_empty());
            assert!(
                is_said("detail") && is_said("code") && is_said("hint"),
                "{method} {path} {shown}: {text}"
            );
        }
        status
    }

    /// All routes but those that would end the callers' own tokens.
    fn routes(&self) -> Vec<Route> {
        let routes = self.scene.routes().into_iter();
        routes.filter(|(_, path)| !path.contains("/tokens") && !path.contains("/login")).collect()
    }

    /// Those who may do most.
    fn callers(&self) -> [&str; 2] {
        [&self.scene.site.operator, &self.scene.alpha.admin]
    }

    fn assert_nothing_was_kept(&self) {
        println!("{} bad requests", self.sent.get());
        assert!(self.sent.get() > 0, "nothing was sent");
        assert_eq!(self.jobs_before, jobs(&self.scene), "a job was kept");
        let ledger = self.scene.site.get("/api/v1/ledger/check", &self.scene.site.operator);
        assert_eq!(ledger["is_balanced"], true, "{ledger}");
    }
}

/// How many jobs the center shows on one page.
fn jobs(scene: &Scene) -> usize {
    let list = scene.site.get("/api/v1/jobs?limit=200", &scene.site.operator);
    list["items"].as_array().expect("items").len()
}

#[test]
fn a_bad_id_is_a_clear_problem() {
    let prober = Prober::new();
    let huge = "9".repeat(400);
    let ids =
        ["x", "%FF", "..%2f..%2fetc", "job_ffffffffffffffffffffffffffffffff", &huge, "%E9%92%B1", "%00"];
    for (method, path) in prober.routes().into_iter().filter(|(_, path)| path.contains('{')) {
        for token in prober.callers() {
            for id in ids {
                let filled = path.replace("{id}", id).replace("{name}", id).replace("{slug}", id);
                let status = prober.send(&method, &filled, token, "application/json", b"{}");
                assert!(status >= 400, "{method} {filled}: {status}");
            }
        }
    }
    prober.assert_nothing_was_kept();
}

#[test]
fn a_bad_query_is_a_clear_problem() {
    let prober = Prober::new();
    let queries = [
        "limit=-1",
        "limit=0",
        "limit=99999999999999999999",
        "cursor=%FF",
        "unknown=1",
        "from=never",
        "month=2026-99",
        "offset=-9223372036854775808",
        "state=asleep",
        "limit=201",
        "&&&=",
        "group_by=x",
    ];
    let is_list =
        |method: &str, path: &str| method == "GET" && !path.contains("stream") && !path.ends_with("/events");
    for (_, path) in prober.routes().into_iter().filter(|(method, path)| is_list(method, path)) {
        for token in prober.callers() {
            for query in queries {
                let filled = prober.scene.filled(&path);
                let joint = if filled.contains('?') { '&' } else { '?' };
                prober.send("GET", &format!("{filled}{joint}{query}"), token, "", b"");
            }
        }
    }
    prober.assert_nothing_was_kept();
}

/// Bodies that no route takes, with their content types.
fn bad_bodies() -> Vec<(&'static str, Vec<u8>)> {
    let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let huge = format!("{{\"nodes\": {}}}", "9".repeat(400));
    let as_json = [
        b"".to_vec(),
        b"{".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"0".to_vec(),
        b"\"x\"".to_vec(),
        b"{\"unknown\": 1}".to_vec(),
        b"{\"name\": 1e999}".to_vec(),
        b"{\"name\": \"\\ud800\"}".to_vec(),
        b"{\"name\": \"\xff\xfe\"}".to_vec(),
        nested.into_bytes(),
        huge.into_bytes(),
        vec![b' '; 300 * 1024],
    ];
    let others = [
        ("text/html", b"<p>".to_vec()),
        ("text/plain", b"#!/bin/sh\n#SBATCH --nodes=99999999999999999999\n".to_vec()),
        ("text/plain", b"\xff\xfe".to_vec()),
    ];
    as_json.into_iter().map(|body| ("application/json", body)).chain(others).collect()
}

#[test]
fn a_bad_body_is_a_clear_problem() {
    let prober = Prober::new();
    let bodies = bad_bodies();
    let takes_body = |method: &str| method != "GET" && method != "DELETE";
    for (method, path) in prober.routes().into_iter().filter(|(method, _)| takes_body(method)) {
        // Any text is a script. Bad is there only what is no text, or has bad options.
        let is_script = path.ends_with("/script");
        let optional = ["/cancel", "/resume", "/rotate-key", "{id}/rotate", "{id}/test"];
        let is_body_optional = optional.iter().any(|end| path.ends_with(end));
        for token in prober.callers() {
            for (kind, body) in bodies.iter().filter(|(kind, _)| !is_script || *kind == "text/plain") {
                let status = prober.send(&method, &prober.scene.filled(&path), token, kind, body);
                assert!(status >= 400 || is_body_optional, "{method} {path}: {status}");
            }
        }
    }
    prober.assert_nothing_was_kept();
}

/// Changes of which each makes a valid specification a bad one.
fn bad_changes() -> Vec<Value> {
    vec![
        json!({ "nodes": -1 }),
        json!({ "nodes": 0 }),
        json!({ "nodes": 4_294_967_295_u32 }),
        json!({ "cards_per_node": 65 }),
        json!({ "cards_per_node": 3 }),
        json!({ "time_limit_ms": i64::MAX }),
        json!({ "time_limit_ms": -1 }),
        json!({ "name": "" }),
        json!({ "name": "a\u{0}b" }),
        json!({ "script": "" }),
        json!({ "project": "nowhere" }),
        json!({ "card_model": "abacus" }),
        json!({ "env": { "A=B": "" } }),
        json!({ "array": { "ranges": [{ "first": 0, "last": 4_294_967_295_u32 }] } }),
        json!({ "array": { "ranges": [{ "first": 5, "last": 1 }] } }),
        json!({ "array": { "ranges": [{ "first": 0, "last": 9, "step": 0 }] } }),
        json!({ "after": [{ "job": "job_1", "when": "ended" }] }),
        json!({ "service_class": "gold" }),
        json!({ "nodes": 2 }),
        json!({ "max_nodes": 0 }),
        json!({ "max_nodes": 5000 }),
        json!({ "labels": ["no such label"] }),
        json!({ "labels": ["nowhere"] }),
        json!({ "labels": vec!["x"; 17] }),
        json!({ "card_model": "ascend-910|abacus" }),
        json!({ "args": vec!["x"; 300] }),
        json!({ "comment": "x".repeat(5000) }),
    ]
}

#[test]
fn a_bad_specification_is_a_clear_problem_to_a_dry_run_too() {
    let prober = Prober::new();
    let developer = &prober.scene.alpha.developer;
    for change in bad_changes() {
        let mut spec = job("bad", "true");
        for (key, value) in change.as_object().expect("an object") {
            spec[key] = value.clone();
        }
        let body = spec.to_string();
        let status = prober.send("POST", "/api/v1/jobs", developer, "application/json", body.as_bytes());
        assert_eq!(status, 422, "{change}");
        // A dry run says the same, or that no node will ever do.
        let (status, answer) = prober.scene.site.ask("POST", "/api/v1/jobs/dry-run", developer, Some(&spec));
        assert!(status == 422 || answer["verdict"]["code"] == "never_fits", "{change}: {status} {answer}");
    }
    prober.assert_nothing_was_kept();
}
