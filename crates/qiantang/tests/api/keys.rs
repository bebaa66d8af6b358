//! Idempotency keys: a request that is sent again with its key changes nothing more.

use serde_json::{Value, json};
use testkit::{Site, job};

use crate::scene::alpha_alone;

/// Posts with a key. Returns the status and the answer.
fn post_with_key(site: &Site, path: &str, token: &str, body: Option<&Value>, key: &str) -> (u16, Value) {
    site.try_ask("POST", path, token, body, &[("Idempotency-Key", key)]).expect("the center answers")
}

fn audit_lines(site: &Site) -> usize {
    let page = site.get("/api/v1/audit?limit=200", &site.operator);
    page["items"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_key_makes_one_job() {
    let (site, alpha) = alpha_alone();
    let send = |spec: &Value, key| post_with_key(&site, "/api/v1/jobs", &alpha.developer, Some(spec), key);
    let spec = job("once", "true");
    let (first, second) = (send(&spec, "k1"), send(&spec, "k1"));
    assert_eq!((first.0, second.0), (201, 201));
    assert_eq!(first.1["id"], second.1["id"]);
    let (status, problem) = send(&job("another", "true"), "k1");
    assert_eq!((status, problem["code"].as_str()), (409, Some("idempotency_key_reused")));
}

/// Goes over everything that an operator can post: the same request with the same key again changes nothing
/// and is answered as before.
#[test]
fn a_key_makes_each_change_once() {
    let (site, alpha) = alpha_alone();
    let operator = &site.operator;
    let contract = site.get("/api/v1/contracts", operator)[0].clone();
    let contract = contract["id"].as_str().expect("an id");
    let suspend = format!("/api/v1/contracts/{contract}/actions");
    let node = site.get("/api/v1/nodes", operator)[0]["name"].as_str().expect("a name").to_owned();
    let (drain, resume) = (format!("/api/v1/nodes/{node}/drain"), format!("/api/v1/nodes/{node}/resume"));
    let cancel = format!("/api/v1/jobs/{}/cancel", site.submit(&alpha, &job("long", "sleep 600")));
    let tenant = json!({ "slug": "gamma", "name_zh": "丙", "name_en": "Gamma", "domain": "research" });
    let alliance = json!({ "slug": "vision", "name": { "zh": "视觉", "en": "Vision" } });
    let changes = [
        (&*cancel, None),
        ("/api/v1/tenants", Some(tenant)),
        ("/api/v1/alliances", Some(alliance)),
        (&suspend, Some(json!({ "action": "suspend", "reason": "a test" }))),
        (&drain, Some(json!({ "reason": "a test" }))),
        (&resume, None),
    ];
    for (n, (path, body)) in changes.iter().enumerate() {
        let post = |body: Option<&Value>| post_with_key(&site, path, operator, body, &format!("key-{n}"));
        let before = audit_lines(&site);
        let first = post(body.as_ref());
        assert!((200..300).contains(&first.0), "{path}: {first:?}");
        let after = audit_lines(&site);
        assert_eq!(after, before + 1, "{path} is a change");
        assert_eq!(post(body.as_ref()), first, "{path} is answered as before");
        assert_eq!(audit_lines(&site), after, "{path} changed nothing more");
        let (status, problem) = post(Some(&json!({ "other": true })));
        assert_eq!((status, problem["code"].as_str()), (409, Some("idempotency_key_reused")), "{path}");
    }
}

#[test]
fn a_refused_request_keeps_no_key() {
    let (site, alpha) = alpha_alone();
    let path = format!("/api/v1/contracts/{}/top-up", alpha.contract);
    let wrong = json!({ "amount_micro_cny": -1, "reference": "r" });
    for _ in 0..2 {
        let (status, answer) = post_with_key(&site, &path, &site.operator, Some(&wrong), "refused");
        assert_eq!(status, 422, "{answer}");
    }
}

#[test]
fn a_key_with_spaces_is_refused() {
    let (site, alpha) = alpha_alone();
    let key = "no spaces please";
    let spec = job("once", "true");
    assert_eq!(post_with_key(&site, "/api/v1/jobs", &alpha.developer, Some(&spec), key).0, 422);
    assert_eq!(post_with_key(&site, "/api/v1/tenants", &site.operator, None, key).0, 422);
}

#[test]
fn a_secret_is_told_once() {
    let (site, alpha) = alpha_alone();
    let operator = &site.operator;
    let name = json!({ "name": "laptop" });
    let post = |token| post_with_key(&site, "/api/v1/tokens", token, Some(&name), "token");
    assert_eq!(post(operator).0, 201);
    let (status, problem) = post(operator);
    assert_eq!((status, problem["code"].as_str()), (409, Some("idempotency_answer_lost")));
    let tokens = site.get("/api/v1/tokens", operator);
    assert_eq!(tokens.as_array().map(Vec::len), Some(2), "the sign-in's and this one: {tokens}");
    assert_eq!(post(&alpha.developer).0, 201, "another member's keys are their own");
}
