//! Money binds to compute.

mod budgets;

use serde_json::{Value, json};
use testkit::{Site, Tenant, job};

use crate::{
    QIANTANG,
    jobs::{until_told, waits_for},
};

fn contract(site: &Site, tenant: &Tenant) -> Value {
    site.get(&format!("/api/v1/contracts/{}", tenant.contract), &tenant.developer)
}

#[test]
fn money_binds_to_compute() {
    let site = Site::new(QIANTANG, 1, "[billing]\ngrace_ms = 300\n[engine]\nkill_grace_ms = 500\n");
    // A package of eight cards for half a second. A card-millisecond of it costs a thousand micro-CNY.
    let terms = json!({ "kind": "prepaid", "package": 4_000, "fee": 4_000_000 });
    let tenant = site.tenant("small", "enterprise", &terms, 8);
    let endless = json!({ "name": "endless", "script": "#!/bin/sh\nexec sleep 60\n", "cards_per_node": 8 });
    let id = site.submit(&tenant, &endless);
    let ended = site.wait_for_end(&tenant.developer, &id);
    assert_eq!(ended["state"], "stopped", "{ended}");
    let used = ended["used_card_ms"].as_i64().expect("use");
    // The package, the grace, and the moment that stopping takes: never less than was paid for.
    assert!(used >= 4_000, "{used}");
    assert_eq!(ended["charge_micro_cny"].as_i64(), Some(used * 1000), "the grace costs as much");
    let exhausted = contract(&site, &tenant);
    assert_eq!(exhausted["state"], "exhausted");
    assert_eq!(exhausted["use_balance_card_ms"].as_i64(), Some(4_000 - used));
    let (status, refused) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&endless));
    assert_eq!((status, refused["code"].as_str()), (409, Some("contract_not_active")));

    // With another package it goes on. The same reference is booked once.
    let paid = json!({ "card_ms": 1_000_000, "amount_micro_cny": 0, "reference": "second package" });
    for _ in 0..2 {
        site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    }
    let active = contract(&site, &tenant);
    assert_eq!(
        (active["state"].as_str(), active["use_balance_card_ms"].as_i64()),
        (Some("active"), Some(1_004_000 - used))
    );
    let id = site.submit(&tenant, &job("again", "true"));
    assert_eq!(site.wait_for_end(&tenant.developer, &id)["state"], "succeeded");
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], true);
}

#[test]
fn who_pays_in_within_the_grace_keeps_their_runs_and_a_suspension_stops_them_at_once() {
    let site = Site::new(QIANTANG, 1, "[billing]\ngrace_ms = 60000\n[engine]\nkill_grace_ms = 300\n");
    let terms = json!({ "kind": "prepaid", "package": 4_000, "fee": 4_000_000 });
    let tenant = site.tenant("small", "enterprise", &terms, 8);
    let id = site.submit(&tenant, &until_told("goes-on", 8));
    let state = || contract(&site, &tenant)["state"].clone();
    site.wait_for("the balance to end", || (state() == "exhausted").then_some(()));
    let paid = json!({ "card_ms": 3_600_000, "amount_micro_cny": 0, "reference": "in time" });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    assert_eq!(state(), "active");
    let waits = site.submit(&tenant, &job("waits", "true"));
    waits_for(&site, &tenant, &waits, "max_running_cards");
    let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
    assert_eq!(
        (runs["items"].as_array().map(Vec::len), &runs["items"][0]["state"]),
        (Some(1), &json!("running"))
    );

    let act = |action: &str| {
        let body = json!({ "action": action, "reason": "an audit" });
        site.post(&format!("/api/v1/contracts/{}/actions", tenant.contract), &site.operator, &body);
    };
    act("suspend");
    let ended = site.wait_for_end(&tenant.developer, &id);
    assert_eq!(
        (&ended["state"], &ended["reason"]["code"]),
        (&json!("stopped"), &json!("contract_ended")),
        "{ended}"
    );
    waits_for(&site, &tenant, &waits, "contract_closed");
    let (status, refused) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&job("more", "true")));
    assert_eq!((status, refused["code"].as_str()), (409, Some("contract_not_active")), "{refused}");
    act("resume");
    assert_eq!(site.wait_for_end(&tenant.developer, &waits)["state"], "succeeded");
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], true);
}
