//! Every route of the API, as its own document lists them: who may, who sees what, and what bad input does.

mod support;

use std::{collections::BTreeSet, fmt::Write as _, io::Read as _};

use serde_json::{Value, json};
use support::{PASSWORD, Site, Tenant, grant, job};
use ureq::{Agent, http};

const SETTINGS: &str = "[limits]\nsign_ins_per_minute = 1000000\nbody_kib = 256\n";

/// A center with two tenants that have work, and ids of everything that the first one has.
struct Scene {
    site: Site,
    alpha: Tenant,
    beta: Tenant,
    job: String,
    token: String,
    member: String,
    project: String,
}

impl Scene {
    fn new() -> Self {
        let site = Site::new(1, SETTINGS);
        site.publish_price(1_000_000);
        let alpha = site.tenant("alpha", "research", &grant(), 8);
        let beta = site.tenant("beta", "enterprise", &grant(), 8);
        let id = site.submit(&alpha, &job("secret-of-alpha", "echo the log of alpha; echo secret > note"));
        site.wait_for_end(&alpha.developer, &id);
        let spare = site.post("/api/v1/tokens", &alpha.developer, &json!({ "name": "to be ended" }));
        let members = site.get("/api/v1/members", &alpha.admin);
        let finance =
            members.as_array().expect("members").iter().find(|m| m["role"] == "finance").expect("finance");
        let projects = site.get("/api/v1/projects", &alpha.admin);
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        let (token, member, project) = (text(&spare["id"]), text(&finance["id"]), text(&projects[0]["id"]));
        Self { alpha, beta, job: id, token, member, project, site }
    }

    /// Every route: method and path as the document writes them.
    fn routes(&self) -> Vec<(String, String)> {
        let document = self.site.get("/api/openapi.json", "");
        let paths = document["paths"].as_object().expect("paths").iter();
        let methods = |(path, methods): (&String, &Value)| {
            let names = methods.as_object().expect("methods").keys().map(|method| method.to_uppercase());
            names.map(|method| (method, path.clone())).collect::<Vec<_>>()
        };
        paths.flat_map(methods).collect()
    }

    /// A path with the first tenant's ids in it.
    fn filled(&self, path: &str) -> String {
        let id = match path {
            path if path.starts_with("/api/v1/jobs/") => &self.job,
            path if path.starts_with("/api/v1/tokens/") => &self.token,
            path if path.starts_with("/api/v1/members/") => &self.member,
            path if path.starts_with("/api/v1/projects/") => &self.project,
            _ => &self.alpha.contract,
        };
        let query = if path.ends_with("/transfers") {
            format!("?contract={}", self.alpha.contract)
        } else {
            String::new()
        };
        path.replace("{id}", id).replace("{name}", "npu-").replace("{slug}", "alpha") + &query
    }

    /// A body that is in order, so that who asks is all that decides; `None` for a route without one.
    fn body(&self, method: &str, path: &str, who: &str) -> Option<Value> {
        let queue = json!({ "guaranteed_cards": 0, "weight": 1, "max_running_cards": 8, "borrowing_limit": null,
            "lending_limit": null });
        Some(match (method, path.trim_start_matches("/api/v1")) {
            ("POST", "/login") => json!({ "login": "alpha-admin", "password": PASSWORD }),
            ("POST", "/tokens") => json!({ "name": who }),
            ("POST", "/tenants") => json!({ "slug": format!("of-{who}"), "name_zh": "新", "name_en": "New",
                "domain": "research" }),
            ("POST", "/alliances") => {
                json!({ "slug": format!("of-{who}"), "name": { "zh": "新", "en": "New" } })
            }
            ("POST", "/members") => json!({ "login": format!("by-{who}"), "name": "New", "role": "developer",
                "password": PASSWORD, "tenant": "alpha" }),
            ("PATCH", "/members/{id}") => json!({ "is_enabled": true }),
            ("POST", "/projects") => json!({ "slug": format!("by-{who}"), "name": "New", "tenant": "alpha" }),
            ("PATCH", "/projects/{id}") => json!({ "contract": self.alpha.contract }),
            ("POST", "/jobs" | "/jobs/dry-run") => job("matrix", "true"),
            ("POST", "/nodes/{name}/drain") => json!({ "reason": "matrix" }),
            ("PUT", "/nodes/{name}/labels") => json!({ "labels": ["matrix"] }),
            ("PUT", "/nodes/{name}/maintenance") => {
                json!({ "from": "2099-01-01", "until": "2099-01-02", "reason": "matrix" })
            }
            ("PUT", "/alliances/{slug}/lending") => json!({ "lending_limit": 4 }),
            ("POST", "/contracts") => {
                json!({ "number": format!("by-{who}"), "terms": grant(), "pools": ["ascend-910"],
                "starts_at": "2026-01-01", "ends_at": "2027-01-01", "queue": queue, "tenant": "alpha" })
            }
            ("POST", "/contracts/{id}/actions") => json!({ "action": "approve", "reason": "matrix" }),
            ("POST", "/contracts/{id}/top-up") => json!({ "amount_micro_cny": 1, "reference": who }),
            ("POST", "/price-books") => json!({ "name": who, "prices": [{ "pool": "ascend-910",
                "service_class": "spot", "domain": "research", "rate_micro_cny_per_card_hour": 1 }] }),
            ("POST", "/backup") => json!({ "path": self.site.folder.path().join(format!("backup-{who}")) }),
            _ => return None,
        })
    }

    /// A request with any body; gives the status, the kind of the answer and its text. A stream is not read.
    fn send(&self, method: &str, path: &str, token: &str, kind: &str, body: &[u8]) -> (u16, String, String) {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.site.url));
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = if method == "GET" || method == "DELETE" {
            agent.run(request.body(()).expect("a request"))
        } else {
            agent.run(request.header("Content-Type", kind).body(body).expect("a request"))
        };
        let response = match response {
            Ok(response) => response,
            // The center may refuse a body that is too long, or that nobody asked for, before it has read all of it, and
            // hang up: whether the answer gets through before that is up to the network.
            Err(ureq::Error::Io(error)) if body.len() > 200 * 1024 => {
                let problem = json!({ "detail": error.to_string(), "code": "hung_up", "hint": "send less" });
                return (413, "application/problem+json".into(), problem.to_string());
            }
            Err(error) => panic!("{method} {path}: {error}"),
        };
        let status = response.status().as_u16();
        let header = response
            .headers()
            .get("content-type")
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let mut text = Vec::new();
        if !header.starts_with("text/event-stream") {
            response.into_body().into_reader().take(64 << 20).read_to_end(&mut text).expect("an answer");
        }
        (status, header, String::from_utf8_lossy(&text).into_owned())
    }
}

#[test]
fn every_route_answers_each_role_as_the_golden_matrix_says() {
    let scene = Scene::new();
    let auditor = json!({ "login": "auditor", "name": "A", "role": "auditor", "password": PASSWORD });
    scene.site.post("/api/v1/members", &scene.site.operator, &auditor);
    let callers = [
        ("nobody", String::new()),
        ("operator", scene.site.operator.clone()),
        ("auditor", scene.site.login("auditor")),
        ("admin", scene.alpha.admin.clone()),
        ("developer", scene.alpha.developer.clone()),
        ("finance", scene.site.login("alpha-finance")),
        ("stranger", scene.beta.admin.clone()),
    ];
    let mut seen = format!("{:<46}", "route");
    for (who, _) in &callers {
        let _ = write!(seen, " {who:<9}");
    }
    let mut rows: Vec<String> = Vec::new();
    for (method, path) in scene.routes() {
        let mut row = format!("{:<46}", format!("{method} {path}"));
        for (who, token) in &callers {
            let body = scene.body(&method, &path, who).map(|body| body.to_string()).unwrap_or_default();
            let (kind, body) = if path.ends_with("/jobs/script") {
                ("text/plain", "#!/bin/sh\ntrue\n".to_owned())
            } else {
                ("application/json", body)
            };
            let (status, _, text) = scene.send(&method, &scene.filled(&path), token, kind, body.as_bytes());
            // What is refused for another reason than who asks passed the gate.
            let shown = match status {
                200..300 | 409 | 422 => "yes".to_owned(),
                400..500 => status.to_string(),
                _ => panic!("{method} {path} by {who}: {status} {text}"),
            };
            let _ = write!(row, " {shown:<9}");
        }
        rows.push(row.trim_end().to_owned());
    }
    rows.sort();
    let seen = format!("{}\n{}\n", seen.trim_end(), rows.join("\n"));
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/authorization.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &seen).expect("the golden file");
    }
    let kept = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(seen == kept, "the matrix changed; UPDATE_GOLDEN=1 writes it anew. It is now:\n{seen}");
}

#[test]
fn a_tenant_never_sees_anothers_rows() {
    let scene = Scene::new();
    let beta_job = scene.site.submit(&scene.beta, &job("of-beta", "true"));
    scene.site.wait_for_end(&scene.beta.developer, &beta_job);
    let secrets =
        ["alpha", "secret-of-alpha", &scene.job, &scene.alpha.contract, &scene.member, &scene.project];
    let mut looked_at = 0;
    for (method, path) in scene.routes() {
        if method != "GET" {
            continue;
        }
        for token in [&scene.beta.admin, &scene.beta.developer] {
            if path.contains('{') && !path.contains("/nodes/") {
                // By its id it is not there, as an id that nobody has is not there.
                let (status, _, text) = scene.send(&method, &scene.filled(&path), token, "", b"");
                assert!(status == 404 || status == 403, "{path}: {status} {text}");
                assert!(!text.contains("secret-of-alpha"), "{path}: {text}");
            } else {
                let (status, kind, text) =
                    scene.send(&method, &path.replace("{name}", "npu-"), token, "", b"");
                if status == 200 && !kind.starts_with("text/event-stream") {
                    for secret in secrets {
                        assert!(!text.contains(secret), "{path} shows `{secret}`: {text}");
                    }
                    looked_at += 1;
                }
            }
        }
    }
    assert!(looked_at >= 20, "only {looked_at} lists were looked at");
    // Filters don't reach over either, nor do cursors.
    for query in ["tenant=alpha", "name=secret", "state=succeeded", &format!("cursor={}", scene.job)] {
        let list = scene.site.get(&format!("/api/v1/jobs?{query}"), &scene.beta.developer);
        assert!(!list.to_string().contains("alpha"), "{query}: {list}");
    }
    // Waiting for another tenant's job is refused as if it were not there.
    let mut spec = job("waits", "true");
    spec["after"] = json!([{ "job": scene.job, "when": "ended" }]);
    let (status, answer) = scene.site.ask("POST", "/api/v1/jobs", &scene.beta.developer, Some(&spec));
    assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some("after")), "{answer}");
}

#[test]
fn bad_input_is_a_clear_problem_and_leaves_nothing_behind() {
    let scene = Scene::new();
    let jobs_before =
        scene.site.get("/api/v1/jobs?limit=200", &scene.site.operator)["items"].as_array().map(Vec::len);
    let huge = "9".repeat(400);
    let bodies: Vec<(&str, Vec<u8>)> = [
        "",
        "{",
        "[]",
        "null",
        "0",
        "\"x\"",
        "{\"unknown\": 1}",
        "{\"name\": 1e999}",
        "{\"name\": \"\\ud800\"}",
    ]
    .into_iter()
    .map(|text| ("application/json", text.as_bytes().to_vec()))
    .chain([
        ("application/json", b"{\"name\": \"\xff\xfe\"}".to_vec()),
        ("application/json", format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)).into_bytes()),
        ("application/json", format!("{{\"nodes\": {huge}}}").into_bytes()),
        ("application/json", vec![b' '; 300 * 1024]),
        ("text/html", b"<p>".to_vec()),
        ("text/plain", b"#!/bin/sh\n#SBATCH --nodes=99999999999999999999\n".to_vec()),
        ("text/plain", b"\xff\xfe".to_vec()),
    ])
    .collect();
    let specs = [
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
    ];
    let mut sent = 0;
    let mut look = |method: &str, path: &str, token: &str, kind: &str, body: &[u8]| {
        let (status, header, text) = scene.send(method, path, token, kind, body);
        sent += 1;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert!(status < 500, "{method} {path} {shown}: {status} {text}");
        if status >= 400 {
            assert_eq!(header, "application/problem+json", "{method} {path}: {text}");
            let problem: Value = serde_json::from_str(&text).expect("a problem");
            let is_said = |key: &str| problem[key].as_str().is_some_and(|said| !said.is_empty());
            assert!(
                is_said("detail") && is_said("code") && is_said("hint"),
                "{method} {path} {shown}: {text}"
            );
        }
        status
    };
    for (method, path) in scene.routes() {
        // Tokens of its own would be ended by these.
        if path.contains("/tokens") || path.contains("/login") {
            continue;
        }
        for token in [&scene.site.operator, &scene.alpha.admin] {
            for id in [
                "x",
                "%FF",
                "..%2f..%2fetc",
                "job_ffffffffffffffffffffffffffffffff",
                &huge,
                "%E9%92%B1",
                "%00",
            ] {
                if path.contains('{') {
                    let filled = path.replace("{id}", id).replace("{name}", id).replace("{slug}", id);
                    let status = look(&method, &filled, token, "application/json", b"{}");
                    assert!(status >= 400, "{method} {filled}: {status}");
                }
            }
            if method == "GET" {
                for query in [
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
                ] {
                    if !path.contains("stream") && !path.ends_with("/events") {
                        let filled = scene.filled(&path);
                        let joint = if filled.contains('?') { '&' } else { '?' };
                        look(&method, &format!("{filled}{joint}{query}"), token, "", b"");
                    }
                }
            } else if method != "DELETE" {
                // Any text is a script, so only what is no text, or has bad options, is bad there.
                let is_script = path.ends_with("/script");
                for (kind, body) in bodies.iter().filter(|(kind, _)| !is_script || *kind == "text/plain") {
                    let without_body = path.ends_with("/cancel") || path.ends_with("/resume");
                    let status = look(&method, &scene.filled(&path), token, kind, body);
                    assert!(status >= 400 || without_body, "{method} {path}: {status}");
                }
            }
        }
    }
    for change in &specs {
        let mut spec = job("bad", "true");
        for (key, value) in change.as_object().expect("an object") {
            spec[key] = value.clone();
        }
        let body = spec.to_string();
        let status =
            look("POST", "/api/v1/jobs", &scene.alpha.developer, "application/json", body.as_bytes());
        assert_eq!(status, 422, "{change}");
        // A dry run says the same, or that no node will ever do.
        let (status, answer) =
            scene.site.ask("POST", "/api/v1/jobs/dry-run", &scene.alpha.developer, Some(&spec));
        assert!(status == 422 || answer["verdict"]["code"] == "never_fits", "{change}: {status} {answer}");
    }
    println!("{sent} bad requests");
    let jobs_after =
        scene.site.get("/api/v1/jobs?limit=200", &scene.site.operator)["items"].as_array().map(Vec::len);
    assert_eq!(jobs_before, jobs_after, "something was kept");
    assert_eq!(scene.site.get("/api/v1/ledger/check", &scene.site.operator)["is_balanced"], true);
}

#[test]
fn a_key_makes_one_job_and_pages_add_up() {
    let scene = Scene::new();
    let (site, alpha) = (&scene.site, &scene.alpha);
    let spec = job("once", "true");
    let send = |spec: &Value, key: &str| {
        let key = [("Idempotency-Key", key)];
        site.try_ask("POST", "/api/v1/jobs", &alpha.developer, Some(spec), &key).expect("an answer")
    };
    let (first, second) = (send(&spec, "k1"), send(&spec, "k1"));
    assert_eq!((first.0, second.0), (201, 201));
    assert_eq!(first.1["id"], second.1["id"]);
    let (status, problem) = send(&job("another", "true"), "k1");
    assert_eq!((status, problem["code"].as_str()), (409, Some("idempotency_key_reused")));
    assert_eq!(send(&spec, "no spaces please").0, 422);
    for n in 0..7 {
        site.submit(alpha, &job(&format!("page-{n}"), "true"));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/api/v1/jobs?limit=3&cursor={cursor}"), &alpha.developer);
        let ids = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|job| job["id"].as_str().expect("an id").to_owned());
        seen.extend(ids);
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen.len(), 9);
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first, none twice: {seen:?}");
}

#[test]
fn the_document_is_whole_and_has_no_dead_references() {
    let scene = Scene::new();
    let document = scene.site.get("/api/openapi.json", "");
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let found = document.pointer(reference.trim_start_matches('#'));
        assert!(found.is_some(), "{reference} leads nowhere");
    }
    for (method, path) in scene.routes() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(
            operation["summary"].as_str().is_some_and(|text| text.len() > 5),
            "{method} {path} has no summary"
        );
        assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                references.insert(reference.clone());
            }
            map.values().for_each(|inner| collect(inner, references));
        }
        Value::Array(all) => all.iter().for_each(|inner| collect(inner, references)),
        _ => {}
    }
}

/// Each thing that is posted and makes or changes something, with who may: the same request with the same key again changes
/// nothing and is answered as before.
#[test]
fn a_key_makes_each_change_once() {
    let scene = Scene::new();
    let (site, operator) = (&scene.site, &scene.site.operator);
    let post = |path: &str, body: Option<&Value>, key: &str| {
        site.try_ask("POST", path, operator, body, &[("Idempotency-Key", key)]).expect("an answer")
    };
    let contract = site.get("/api/v1/contracts", operator)[0].clone();
    let contract = contract["id"].as_str().expect("an id");
    let top_up = format!("/api/v1/contracts/{contract}/top-up");
    let suspend = format!("/api/v1/contracts/{contract}/actions");
    let node = site.get("/api/v1/nodes", operator)[0]["name"].as_str().expect("a name").to_owned();
    let (drain, resume) = (format!("/api/v1/nodes/{node}/drain"), format!("/api/v1/nodes/{node}/resume"));
    let cancel = format!("/api/v1/jobs/{}/cancel", site.submit(&scene.alpha, &job("long", "sleep 600")));
    let changes = [
        (&*cancel, None),
        (
            "/api/v1/tenants",
            Some(json!({ "slug": "gamma", "name_zh": "丙", "name_en": "Gamma", "domain": "research" })),
        ),
        ("/api/v1/alliances", Some(json!({ "slug": "vision", "name": { "zh": "视觉", "en": "Vision" } }))),
        (&suspend, Some(json!({ "action": "suspend", "reason": "a test" }))),
        (&drain, Some(json!({ "reason": "a test" }))),
        (&resume, None),
    ];
    let lines = || {
        let page = site.get("/api/v1/audit?limit=200", operator);
        page["items"].as_array().map_or(0, Vec::len)
    };
    for (n, (path, body)) in changes.iter().enumerate() {
        let key = format!("key-{n}");
        let before = lines();
        let first = post(path, body.as_ref(), &key);
        assert!((200..300).contains(&first.0), "{path}: {first:?}");
        let after = lines();
        assert_eq!(after, before + 1, "{path} is a change");
        assert_eq!(post(path, body.as_ref(), &key), first, "{path} is answered as before");
        assert_eq!(lines(), after, "{path} changed nothing more");
        let other = post(path, Some(&json!({ "other": true })), &key);
        assert_eq!((other.0, other.1["code"].as_str()), (409, Some("idempotency_key_reused")), "{path}");
    }
    // What was refused did not take effect and keeps no key.
    let wrong = json!({ "amount_micro_cny": -1, "reference": "r" });
    assert_eq!(post(&top_up, Some(&wrong), "refused").0, 422);
    assert_eq!(post(&top_up, Some(&wrong), "refused").0, 422);
    assert_eq!(post("/api/v1/tenants", None, "no spaces please").0, 422);
    // A secret is told once.
    let name = json!({ "name": "laptop" });
    assert_eq!(post("/api/v1/tokens", Some(&name), "token").0, 201);
    let again = post("/api/v1/tokens", Some(&name), "token");
    assert_eq!((again.0, again.1["code"].as_str()), (409, Some("idempotency_answer_lost")));
    assert_eq!(
        site.get("/api/v1/tokens", operator).as_array().map(Vec::len),
        Some(2),
        "the sign-in's and this one"
    );
    // Another member's keys are another's.
    let theirs = site.try_ask(
        "POST",
        "/api/v1/tokens",
        &scene.alpha.developer,
        Some(&name),
        &[("Idempotency-Key", "token")],
    );
    assert_eq!(theirs.expect("an answer").0, 201);
}
