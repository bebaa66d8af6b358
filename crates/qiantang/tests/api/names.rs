//! Names are lines of printable text wherever they are given, since terminals, tables and statements show
//! them.

use serde_json::{Value, json};
use testkit::{PASSWORD, Site, grant, job};

use crate::QIANTANG;

/// The lists that would show a thing that was made all the same.
const LISTS: [&str; 9] = [
    "/projects",
    "/alliances",
    "/price-books",
    "/members",
    "/tokens",
    "/tenants",
    "/contracts",
    "/nodes",
    "/audit?limit=200",
];

/// The body with another text at a place.
fn with(body: &Value, place: &[&str], text: &str) -> Value {
    let mut body = body.clone();
    let slot = place.iter().fold(&mut body, |at, key| &mut at[*key]);
    *slot = json!(text);
    body
}

#[test]
fn a_name_that_is_no_line_of_text_is_refused_and_changes_nothing() {
    let site = Site::new(QIANTANG, 1, "");
    let package = json!({ "kind": "prepaid", "package": 3_600_000_000_i64, "fee": 1_000_000 });
    let alpha = site.tenant("alpha", "research", &package, 8);
    let price = json!({ "pool": "ascend-910", "service_class": "normal", "domain": "research",
        "rate_micro_cny_per_card_hour": 1 });
    let member =
        json!({ "login": "m", "name": "M", "role": "admin", "password": PASSWORD, "tenant": "alpha" });
    let tenant = json!({ "slug": "t", "name_zh": "T", "name_en": "T", "domain": "research" });
    let contract = json!({ "number": "t-1", "terms": grant(), "pools": ["ascend-910"], "starts_at": "2020-01-01",
        "ends_at": "2099-01-01", "tenant": "alpha", "queue": { "guaranteed_cards": 0, "borrowing_limit": null,
        "lending_limit": null, "weight": 1, "max_running_cards": 1 } });
    let alliance = json!({ "slug": "al", "name": { "zh": "A", "en": "A" } });
    let top_up = format!("/contracts/{}/top-up", alpha.contract);
    let project = json!({ "slug": "p", "name": "P", "tenant": "alpha" });
    let book = json!({ "name": "v1", "prices": [price] });
    let token = json!({ "name": "t" });
    let drain = json!({ "reason": "r" });
    let payment = json!({ "amount_micro_cny": 1, "reference": "r" });
    let job = job("j", "true");
    let long = "长".repeat(501);
    let cases: [(&str, &Value, &[&str]); 12] = [
        ("/jobs", &job, &["name"]),
        ("/projects", &project, &["name"]),
        ("/alliances", &alliance, &["name", "zh"]),
        ("/alliances", &alliance, &["name", "en"]),
        ("/price-books", &book, &["name"]),
        ("/members", &member, &["name"]),
        ("/tokens", &token, &["name"]),
        ("/tenants", &tenant, &["name_zh"]),
        ("/tenants", &tenant, &["name_en"]),
        ("/contracts", &contract, &["number"]),
        ("/nodes/npu-/drain", &drain, &["reason"]),
        (top_up.as_str(), &payment, &["reference"]),
    ];
    let shown = || {
        LISTS.map(|list| {
            let mut all = site.get(&format!("/api/v1{list}"), &site.operator);
            for each in all.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                // The instant of the answer.
                each.remove("as_of");
            }
            all
        })
    };
    let before = shown();
    for (path, body, place) in cases {
        for bad in ["a\u{7}\u{1b}[31mb\n", "v\u{7}\n1", "", "x\u{85}x", &long] {
            let by = if path == "/jobs" { &alpha.developer } else { &site.operator };
            let body = with(body, place, bad);
            let (status, answer) = site.ask("POST", &format!("/api/v1{path}"), by, Some(&body));
            assert_eq!((status, &answer["code"]), (422, &json!("invalid")), "{path} {body}: {answer}");
            let error = &answer["errors"][0];
            assert_eq!(error["field"], place.join("."), "{path} {body}: {answer}");
            let is_said = |key: &str| error[key].as_str().is_some_and(|said| !said.is_empty());
            assert!(is_said("problem") && is_said("hint"), "{path}: {answer}");
        }
    }
    assert_eq!(shown(), before);
    // The bodies are right but for that text.
    for (path, body, place) in cases {
        if place[0] != "name_en" && place != ["name", "en"] {
            let by = if path == "/jobs" { &alpha.developer } else { &site.operator };
            site.post(&format!("/api/v1{path}"), by, body);
        }
    }
}
