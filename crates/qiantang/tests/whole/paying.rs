//! The papers of a finance office: a statement that can be paid on, debts by age, and the evidence of a disputed run.

use domain::{Millis, Zone};
use serde_json::{Value, json};
use testkit::{Site, Tenant, Terminal, job};

use crate::QIANTANG;

const SETTINGS: &str = "[books]\nseparate_duties = false\ndue_days = 10\n[books.payee]\nname = \"算力中心\"\nbank = \"ICBC\"\naccount = \"1202\"\n";
const FEE: i64 = 100_000_000;
const CODE: &str = "91330100799655058B";

fn reserving() -> (Site, Tenant) {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let tenant = site.tenant("firm", "enterprise", &json!({ "kind": "reserved", "cards": 8, "fee": FEE }), 8);
    (site, tenant)
}

fn amounts(value: &Value, keys: &[&str]) -> Vec<i64> {
    keys.iter().map(|key| value[key].as_i64().unwrap_or_else(|| panic!("no {key} in {value}"))).collect()
}

#[test]
fn a_statement_says_who_pays_whom_how_much() {
    let (site, tenant) = reserving();
    let operator = Terminal::signed_in(&site, "operator");
    let set = operator.ok(&[
        "tenants",
        "set",
        "firm",
        "--legal-name",
        "某某公司",
        "--tax-number",
        &CODE.to_lowercase(),
    ]);
    assert!(set.contains("某某公司") && set.contains(CODE), "{set}");
    let (code, _, refused) = operator.run(&["tenants", "set", "firm", "--tax-number", "91330100799655058C"]);
    assert!(code != 0 && refused.contains("last character `C`"), "{refused}");
    let path = "/api/v1/tenants/firm";
    let both = json!({ "tax_number": CODE, "other_tax_number": "DE 1" });
    assert_eq!(site.ask("PATCH", path, &site.operator, Some(&both)).0, 422);
    assert_eq!(site.ask("PATCH", path, &tenant.admin, Some(&json!({ "legal_name": "x" }))).0, 403);

    let paid = json!({ "amount_micro_cny": 40_000_000, "reference": "ICBC-7" });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    let path = format!("/api/v1/contracts/{}/statement", tenant.contract);
    let face = site.get(&path, &tenant.admin)["face"].clone();
    assert_eq!((&face["payer"]["name"], &face["payer"]["tax_number"]), (&json!("某某公司"), &json!(CODE)));
    assert_eq!((&face["payee"]["account"], &face["due"]["on"]), (&json!("1202"), &Value::Null), "{face}");
    let fees = &face["fees"];
    assert_eq!(amounts(fees, &["opening_micro_cny", "closing_micro_cny"]), [0, 60_000_000], "{face}");
    let lines: Vec<_> = fees["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| (line["what"].clone(), line["reference"].clone(), line["micro_cny"].clone()))
        .collect();
    assert_eq!(lines[0], (json!("fee"), json!(""), json!(FEE)));
    assert_eq!(lines[1], (json!("payment"), json!("ICBC-7"), json!(-40_000_000)));
    assert_eq!(
        amounts(&face["due"], &["fee_micro_cny", "balance_micro_cny", "micro_cny"]),
        [60_000_000, 0, 60_000_000]
    );
    let (_, table) = site.get_text(&format!("{path}?format=csv"), &tenant.admin);
    assert!(table.contains("fee_line,payment,,,,,,,0,-40000000,ICBC-7\r\n"), "{table}");
    let printed = operator.ok(&["statement", "firm-1"]);
    assert!(
        printed.contains("Amount due: CNY 60.00") && printed.contains("算力中心, ICBC, 1202"),
        "{printed}"
    );
}

#[test]
fn a_debt_grows_old_and_is_paid() {
    let (mut site, tenant) = reserving();
    let zone = Zone::default();
    let month = zone.month(testkit::now());
    let restart = |site: &mut Site, days: i64| {
        site.stop();
        let hours = Millis::from_hours(1 + 24 * days);
        site.clock_ahead = Millis(zone.bounds(month).1.since(testkit::now()).0 + hours.0);
        site.start();
    };
    let parts = ["not_due_micro_cny", "days_1_to_30_micro_cny", "days_31_to_60_micro_cny", "total_micro_cny"];
    let ages = |site: &Site| amounts(&site.get("/api/v1/debts", &site.operator)["total"], &parts);
    assert_eq!(ages(&site), [FEE, 0, 0, FEE], "it is on no statement yet");
    restart(&mut site, 0);
    site.post(&format!("/api/v1/periods/{month}/close"), &site.operator, &json!({}));
    let statement =
        site.get(&format!("/api/v1/contracts/{}/statement?month={month}", tenant.contract), &tenant.admin);
    let due_on = zone.date(zone.bounds(month).1.plus(Millis::from_hours(24 * 10 + 1)));
    assert_eq!(statement["face"]["due"]["on"], json!(due_on), "{statement}");
    assert_eq!(ages(&site), [FEE, 0, 0, FEE]);
    restart(&mut site, 10);
    assert_eq!(ages(&site), [FEE, 0, 0, FEE], "the last day has not passed");
    restart(&mut site, 11);
    assert_eq!(ages(&site), [0, FEE, 0, FEE]);
    restart(&mut site, 41);
    assert_eq!(ages(&site), [0, 0, FEE, FEE]);
    let paid = json!({ "amount_micro_cny": FEE - 1, "reference": "ICBC-8" });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    let printed = Terminal::signed_in(&site, "operator").ok(&["debts"]);
    assert!(printed.contains("firm-1") && printed.contains("0.000001"), "{printed}");
    assert_eq!(site.ask("GET", "/api/v1/debts", &tenant.developer, None).0, 403);
    assert_eq!(ages(&site), [0, 0, 1, 1]);
}

#[test]
fn a_run_has_its_evidence() {
    let site = Site::new(QIANTANG, 1, "[billing]\naccrue_every_ms = 200\n");
    site.publish_price(3_600_000_000);
    let terms = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let tenant = site.tenant("firm", "enterprise", &terms, 8);
    let id = site.submit(&tenant, &job("disputed", "sleep 1"));
    site.wait_for_end(&tenant.developer, &id);
    let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
    let run = runs["items"][0]["id"].as_str().expect("a run").to_owned();
    let path = format!("/api/v1/runs/{run}/evidence");
    let evidence = site.wait_for("the run to be sealed", || {
        let evidence = site.get(&path, &tenant.admin);
        (!evidence["link"].is_null()).then_some(evidence)
    });
    let charged = &evidence["charged"];
    let keys = [
        "cards",
        "charged_ms",
        "card_ms",
        "rate_micro_cny_per_card_hour",
        "charge_micro_cny",
        "posted_micro_cny",
    ];
    let [cards, ms, card_ms, rate, charge, posted] = amounts(charged, &keys)[..] else { panic!("{charged}") };
    assert_eq!((card_ms, charge, posted), (cards * ms, rate * card_ms / 3_600_000, charge), "{evidence}");
    assert!(charge > 0 && charged["agrees"] == true, "{evidence}");
    assert_eq!(
        (&evidence["rate_of"], &evidence["price"]["rate_micro_cny_per_card_hour"]),
        (&json!("price_book"), &json!(rate))
    );
    let entries = evidence["entries"].as_array().expect("entries");
    assert_eq!(evidence["entry_count"], json!(entries.len()));
    assert!(entries.iter().all(|entry| entry["run"] == json!(run)), "{evidence}");
    site.post("/api/v1/ledger/roots", &site.operator, &json!({ "reason": "a dispute" }));
    let root = site.get(&path, &tenant.admin)["root"].clone();
    assert!(root["link"].as_i64() >= evidence["link"]["link"].as_i64() && root["root"].is_string(), "{root}");
    let printed = Terminal::signed_in(&site, "firm-admin").ok(&["runs", "evidence", &run]);
    assert!(printed.contains("posted") && printed.contains("qiantang root 1"), "{printed}");
    assert_eq!(
        site.ask("GET", &path, &tenant.developer, None).0,
        403,
        "money is for those who answer for it"
    );
}
