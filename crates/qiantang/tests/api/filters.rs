//! Jobs are listed, counted and cancelled by any mix of filters.

use serde_json::{Value, json};
use testkit::{Site, Tenant, grant, job};

use crate::{QIANTANG, scene::alpha_alone};

/// The names of the jobs that a filter finds.
fn names(site: &Site, token: &str, query: &str) -> Vec<String> {
    let list = site.get(&format!("/api/v1/jobs?total=true&{query}"), token);
    let items = list["items"].as_array().expect("items").iter();
    let names: Vec<String> = items.map(|job| job["name"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(list["total"], json!({ "count": names.len(), "and_more": false }), "{query}: {list}");
    names
}

/// A job that waits until it is cancelled: more cards than the contract may use at once are taken.
fn blocked(name: &str, class: &str) -> Value {
    let mut spec = job(name, "sleep 600");
    spec["service_class"] = json!(class);
    spec["cards_per_node"] = json!(8);
    spec
}

/// A center of one node whose cards are all taken by the first job, with two more of the developer and one of the
/// administrator that wait.
fn busy() -> (Site, Tenant) {
    let (site, alpha) = alpha_alone();
    let first = site.submit(&alpha, &blocked("runs", "normal"));
    site.wait_for_state(&alpha.developer, &first, "running");
    site.submit(&alpha, &blocked("waits-normal", "normal"));
    site.submit(&alpha, &blocked("waits-spot", "spot"));
    site.post("/api/v1/jobs", &alpha.admin, &blocked("waits-too", "normal"));
    (site, alpha)
}

#[test]
fn jobs_are_found_by_state_owner_class_pool_and_time() {
    let (site, alpha) = busy();
    let of = |query: &str| names(&site, &alpha.developer, query);
    assert_eq!(of("state=running"), ["runs"]);
    assert_eq!(of("state=queued"), ["waits-too", "waits-spot", "waits-normal"]);
    assert_eq!(of("state=queued,running").len(), 4);
    assert_eq!(of("state=ended"), [""; 0]);
    assert_eq!(of("mine=true&state=active"), ["waits-spot", "waits-normal", "runs"]);
    assert_eq!(of("member=alpha-admin"), ["waits-too"]);
    assert_eq!(of("service_class=spot&name=WAITS"), ["waits-spot"]);
    assert_eq!(of("pool=ascend-910").len(), 4, "one runs there, three may start there");
    assert_eq!(of("since=2020-01-01&until=2099-01-01").len(), 4);
    assert_eq!(of("until=2020-01-01"), [""; 0]);
    assert_eq!(of("since=2099-01-01"), [""; 0]);
    let at = site.get("/api/v1/jobs?name=waits-spot", &alpha.developer)["items"][0]["submitted_at"].clone();
    let at = at.as_str().expect("an instant");
    assert_eq!(of(&format!("since={at}")).last().map(String::as_str), Some("waits-spot"), "from {at} on");
    assert!(!of(&format!("until={at}")).contains(&"waits-spot".to_owned()));
    assert_eq!(names(&site, &site.operator, "project=work&tenant=alpha").len(), 4);
}

#[test]
fn a_filter_that_is_not_understood_is_refused_with_its_name() {
    let (site, alpha) = alpha_alone();
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    for (query, field) in [
        ("state=queued,asleep", "state"),
        ("member=nobody", "member"),
        ("member=beta-developer", "member"),
        ("project=no-such", "project"),
        ("tenant=beta", "tenant"),
        ("pool=no-such", "pool"),
        ("service_class=gold", "service_class"),
        ("since=soon", "since"),
        ("since=2026-02-01&until=2026-01-01", "since"),
        ("mine=true&member=alpha-admin", "member"),
    ] {
        let (status, answer) = site.ask("GET", &format!("/api/v1/jobs?{query}"), &alpha.developer, None);
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some(field)), "{query}: {answer}");
    }
    let (_, answer) = site.ask("GET", "/api/v1/jobs?state=x&since=y&service_class=z", &alpha.developer, None);
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(3), "all at once: {answer}");
    drop(beta);
}

#[test]
fn all_that_match_are_cancelled_in_one_request() {
    let (site, alpha) = busy();
    let cancel = |token: &str, body: &Value| site.ask("POST", "/api/v1/jobs/cancel", token, Some(body));
    let which = json!({ "state": "queued", "mine": true });
    let (status, dry) = cancel(&alpha.developer, &json!({ "which": which, "dry_run": true }));
    assert_eq!((status, &dry), (200, &json!({ "jobs": 2, "cancelled": 0, "tasks": 0, "and_more": false })));
    assert_eq!(names(&site, &alpha.developer, "state=queued").len(), 3, "a dry run changes nothing");
    let (_, done) = cancel(&alpha.developer, &json!({ "which": which }));
    assert_eq!(done, json!({ "jobs": 2, "cancelled": 2, "tasks": 0, "and_more": false }));
    assert_eq!(names(&site, &alpha.developer, "state=queued"), ["waits-too"]);
    assert_eq!(names(&site, &alpha.developer, "state=cancelled"), ["waits-spot", "waits-normal"]);
    let lines = site.get("/api/v1/audit?action=cancel_job", &alpha.admin);
    assert_eq!(lines["items"].as_array().map(Vec::len), Some(2), "a line for each job: {lines}");

    // By their ids; again, and with one that is not the caller's.
    let list = site.get("/api/v1/jobs?state=active", &alpha.developer);
    let ids: Vec<Value> =
        list["items"].as_array().expect("items").iter().map(|job| job["id"].clone()).collect();
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    let (status, _) = cancel(&beta.developer, &json!({ "jobs": ids }));
    assert_eq!(status, 404);
    assert_eq!(names(&site, &alpha.developer, "state=active").len(), 2, "nothing was done");
    let (_, done) = cancel(&alpha.developer, &json!({ "jobs": ids }));
    assert_eq!(done, json!({ "jobs": 2, "cancelled": 2, "tasks": 0, "and_more": false }));
    for id in &ids {
        site.wait_for_state(&alpha.developer, id.as_str().expect("an id"), "cancelled");
    }
    let (_, done) = cancel(&alpha.developer, &json!({ "jobs": ids }));
    assert_eq!(done, json!({ "jobs": 2, "cancelled": 0, "tasks": 0, "and_more": false }), "twice is once");
}

#[test]
fn nothing_said_is_not_everything() {
    let (site, alpha) = alpha_alone();
    for (body, field) in [
        (json!({ "which": {} }), "which"),
        (json!({ "which": { "mine": true }, "jobs": ["job_1"] }), "jobs"),
        (json!({ "which": { "state": "failed" } }), "state"),
    ] {
        let (status, answer) = site.ask("POST", "/api/v1/jobs/cancel", &alpha.developer, Some(&body));
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some(field)), "{body}: {answer}");
    }
}

#[test]
fn more_jobs_than_one_write_takes_are_cancelled() {
    let site = Site::new(QIANTANG, 1, "");
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    for n in 0..450 {
        site.submit(&alpha, &blocked(&format!("wave-{n}"), "spot"));
    }
    let which = json!({ "which": { "name": "wave-", "state": "active" } });
    let done = site.post("/api/v1/jobs/cancel", &site.operator, &which);
    assert_eq!(done, json!({ "jobs": 450, "cancelled": 450, "tasks": 0, "and_more": false }));
}
