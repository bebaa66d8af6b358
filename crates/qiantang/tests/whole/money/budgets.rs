//! Budgets bind like money: what runs ends as a budget is used up, nothing starts, and all goes on once it is raised.

use domain::{Millis, Zone};
use serde_json::{Value, json};
use testkit::{Site, Tenant, Terminal, job};

use crate::{QIANTANG, jobs::waits_for};

/// How long use is not posted at most.
const STEP_MS: i64 = 1_000;
const CARDS: i64 = 8;
/// A micro-yuan a card-millisecond.
const RATE: i64 = 3_600_000;

fn tenant(site: &Site, slug: &str) -> Tenant {
    let tenant = site.tenant(slug, "enterprise", &json!({ "kind": "metered", "credit_limit": 0 }), 8);
    let paid = json!({ "amount_micro_cny": 900_000_000_000_i64, "reference": format!("icbc of {slug}") });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    tenant
}

fn center(more: &str) -> Site {
    let settings = format!("[billing]\naccrue_every_ms = {STEP_MS}\n[engine]\nkill_grace_ms = 200\n{more}");
    let site = Site::new(QIANTANG, 1, &settings);
    site.publish_price(RATE);
    site
}

/// A budget of the tenant's project.
fn budget(site: &Site, tenant: &Tenant, more: &Value) -> String {
    let project = site.get("/api/v1/projects", &tenant.admin)[0]["slug"].clone();
    let mut new =
        json!({ "whose": "project", "name": project, "span": "month", "unit": "card_ms", "hard_stop": true });
    for (key, value) in more.as_object().expect("fields") {
        new[key] = value.clone();
    }
    site.post("/api/v1/budgets", &tenant.admin, &new)["id"].as_str().expect("an id").to_owned()
}

fn shown(site: &Site, tenant: &Tenant, id: &str) -> Value {
    site.get(&format!("/api/v1/budgets/{id}"), &tenant.admin)
}

fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("{key} of {value}"))
}

/// The jobs of a tenant in this state.
fn in_state(site: &Site, tenant: &Tenant, state: &str) -> usize {
    let found = site.get(&format!("/api/v1/jobs?state={state}&limit=200"), &tenant.developer);
    found["items"].as_array().expect("jobs").len()
}

/// The shares of a budget that people were told of.
fn told(budget: &Value) -> Vec<i64> {
    let mut shares: Vec<i64> =
        budget["told"].as_array().expect("alerts").iter().map(|told| number(told, "share")).collect();
    shares.sort_unstable();
    shares
}

#[test]
fn two_hundred_jobs_in_a_race_never_pass_a_budget_by_more_than_a_step_of_what_runs() {
    let mut site = center("");
    let tenant = tenant(&site, "racer");
    let amount = 12_000;
    let id = budget(&site, &tenant, &json!({ "amount": amount }));
    std::thread::scope(|scope| {
        for lane in 0..8 {
            let (site, tenant) = (&site, &tenant);
            scope.spawn(move || {
                for n in 0..25 {
                    // Some run long enough to be under way as the budget ends, however slow the machine is.
                    let script = if n % 5 == 2 { "sleep 4" } else { "sleep 0.4" };
                    site.submit(tenant, &job(&format!("r-{lane}-{n}"), script));
                }
            });
        }
    });
    site.wait_for("the budget to be used up", || {
        (shown(&site, &tenant, &id)["is_used_up"] == true && in_state(&site, &tenant, "running") == 0)
            .then_some(())
    });
    let over = shown(&site, &tenant, &id);
    let spent = number(&over, "spent");
    assert!(spent >= amount && spent <= amount + CARDS * STEP_MS, "{over}");
    assert_eq!((number(&over, "running"), number(&over, "left")), (0, amount - spent), "{over}");
    let waiting = in_state(&site, &tenant, "queued");
    assert!(waiting > 100, "{waiting} wait");
    let stopped = site.get("/api/v1/jobs?state=stopped&limit=200", &tenant.developer);
    let stopped = stopped["items"].as_array().expect("jobs");
    assert!(
        !stopped.is_empty() && stopped.iter().all(|job| job["reason"]["code"] == "budget_ended"),
        "{stopped:?}"
    );
    // What ended so is charged in full.
    for job in stopped {
        assert_eq!(job["used_card_ms"], job["charge_micro_cny"], "{job}");
    }

    // Killed at the edge, the center finds the budget as it was, and starts nothing.
    site.kill();
    site.start();
    let again = shown(&site, &tenant, &id);
    assert_eq!((number(&again, "spent"), again["is_used_up"].clone()), (spent, json!(true)), "{again}");
    let waits = site.submit(&tenant, &job("late", "true"));
    waits_for(&site, &tenant, &waits, "budget_used_up");
    let why = site.get(&format!("/api/v1/jobs/{waits}/why"), &tenant.developer);
    let stands = &why["limit"]["stands"];
    assert_eq!((number(stands, "amount"), number(stands, "spent")), (amount, spent), "{why}");
    let month = Zone::default().month(testkit::now()).to_string();
    assert!(
        why["text"]["en"].as_str().is_some_and(|text| text.contains(&format!("for {month} is used up"))),
        "{why}"
    );
    assert!(why["text"]["zh"].as_str().is_some_and(|text| text.contains("的预算已用尽")), "{why}");
    let trial = site.post("/api/v1/jobs/dry-run", &tenant.developer, &job("trial", "true"));
    assert_eq!(
        (&trial["starts_now"], &trial["verdict"]["code"]),
        (&json!(false), &json!("budget_used_up")),
        "{trial}"
    );
    assert_eq!(trial["verdict"]["text"], why["text"]);
    assert_eq!(in_state(&site, &tenant, "queued"), waiting + 1);
    assert_eq!(told(&shown(&site, &tenant, &id)), [50, 80, 100], "each once, across the restart");

    // Raised, it lets all that wait go on.
    let raised = json!({ "amount": 3_600_000 });
    let (status, raised) = site.ask("PATCH", &format!("/api/v1/budgets/{id}"), &tenant.admin, Some(&raised));
    assert_eq!((status, &raised["is_used_up"]), (200, &json!(false)), "{raised}");
    site.wait_for("all jobs to end", || (in_state(&site, &tenant, "active") == 0).then_some(()));
    // The ledger is ahead of what is live by a moment.
    let all = site.wait_for("the budget to be what the ledger has", || {
        let all = shown(&site, &tenant, &id);
        let used = site.get("/api/v1/usage?group_by=project", &tenant.admin);
        (all["spent"] == used["total"]["used_card_ms"] && number(&all, "running") == 0).then_some(all)
    });
    assert_eq!(told(&all), [50, 80, 100], "what was told stays, and nothing of the raised one is");
    assert_eq!(all["jobs"].as_array().map(Vec::len), Some(10), "{all}");
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], true);
}

#[test]
fn a_month_s_budget_begins_anew_at_the_center_s_midnight() {
    let mut site = center("");
    let tenant = tenant(&site, "monthly");
    site.stop();
    let (zone, now) = (Zone::default(), testkit::now());
    let end = zone.bounds(zone.month(now)).1;
    site.clock_ahead = Millis(end.since(now).0 - 20_000);
    site.start();
    let id = budget(&site, &tenant, &json!({ "amount": 1_000 }));
    let long = json!({ "name": "long", "script": "#!/bin/sh\nexec sleep 60\n", "cards_per_node": 8 });
    let first = site.submit(&tenant, &long);
    let ended = site.wait_for_end(&tenant.developer, &first);
    assert_eq!(
        (&ended["state"], &ended["reason"]["code"]),
        (&json!("stopped"), &json!("budget_ended")),
        "{ended}"
    );
    let waits = site.submit(&tenant, &job("of-next-month", "true"));
    waits_for(&site, &tenant, &waits, "budget_used_up");
    let before = shown(&site, &tenant, &id);
    assert!(
        testkit::now().plus(site.clock_ahead) < end,
        "the month ended early: the machine is too slow for this test"
    );
    assert!(number(&before, "spent") >= 1_000, "{before}");
    // Nobody does anything, and at midnight it starts.
    assert_eq!(site.wait_for_end(&tenant.developer, &waits)["state"], "succeeded");
    assert!(testkit::now().plus(site.clock_ahead) >= end);
    let next = shown(&site, &tenant, &id);
    assert_eq!(next["month"], zone.month(end).to_string(), "{next}");
    assert!(number(&next, "spent") < 1_000, "{next}");
    assert_eq!(next["is_used_up"], false);
    assert_eq!(told(&next), [50, 80, 100], "of the month that is over");
}

#[test]
fn a_soft_budget_tells_a_member_s_binds_who_submits_and_each_sees_their_own() {
    let site = center("");
    let (alpha, beta) = (tenant(&site, "alpha"), tenant(&site, "beta"));
    let soft = budget(
        &site,
        &alpha,
        &json!({ "unit": "micro_cny", "amount": 400, "hard_stop": false, "alerts": [10, 100] }),
    );
    let of_admin = json!({ "whose": "member", "name": "alpha-admin", "amount": 100, "span": "total" });
    let of_admin = budget(&site, &alpha, &of_admin);
    let run = |token: &str, name: &str| {
        let spec = job(name, "sleep 0.6");
        let id = site.post("/api/v1/jobs", token, &spec)["id"].as_str().expect("an id").to_owned();
        site.wait_for_end(token, &id)
    };
    // The project's budget only tells, and the administrator's binds the administrator alone.
    assert_eq!(run(&alpha.developer, "of-developer")["state"], "succeeded");
    assert_eq!(run(&alpha.admin, "of-admin")["reason"]["code"], "budget_ended");
    assert_eq!(run(&alpha.developer, "again")["state"], "succeeded");
    let over = shown(&site, &alpha, &soft);
    assert_eq!((&over["is_used_up"], &over["reached"]), (&json!(true), &json!([10, 100])), "{over}");
    let overview = site.get("/api/v1/overview", &alpha.admin);
    let events = overview["events"].as_array().expect("events").iter();
    let mut alerts: Vec<(Value, i64)> = events
        .filter(|event| event["kind"] == "budget_alert")
        .map(|event| (event["data"]["name"].clone(), number(&event["data"], "share")))
        .collect();
    alerts.sort_by_key(|(name, share)| (name.to_string(), *share));
    let of = |name: &str, share: i64| (json!(name), share);
    let own = [50, 80, 100].map(|share| of("alpha-admin", share));
    let all = own.into_iter().chain([
        of(over["name"].as_str().expect("a name"), 10),
        of(over["name"].as_str().expect("a name"), 100),
    ]);
    assert_eq!(alerts, all.collect::<Vec<_>>(), "each share of each budget once");
    let waits = site.post("/api/v1/jobs", &alpha.admin, &job("waits", "true"))["id"].clone();
    let waits = waits.as_str().expect("an id");
    waits_for(&site, &alpha, waits, "budget_used_up");

    // Developers see what binds them, and other tenants nothing.
    let ids = |token: &str| -> Vec<String> {
        let all = site.get("/api/v1/budgets", token);
        let all = all.as_array().expect("budgets").iter();
        all.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&alpha.developer), std::slice::from_ref(&soft));
    assert_eq!(ids(&alpha.admin).len(), 2);
    assert_eq!(ids(&site.operator).len(), 2);
    assert!(ids(&beta.admin).is_empty());
    for (method, body) in [("GET", None), ("PATCH", Some(json!({ "amount": 5 }))), ("DELETE", None)] {
        for (token, id, want) in [
            (&beta.admin, &soft, 404),
            (&alpha.developer, &of_admin, 404),
            (&alpha.developer, &soft, if method == "GET" { 200 } else { 403 }),
        ] {
            let (status, answer) = site.ask(method, &format!("/api/v1/budgets/{id}"), token, body.as_ref());
            assert_eq!(status, want, "{method}: {answer}");
        }
    }

    // What is not understood is refused.
    let new = json!({ "whose": "project", "name": "none", "span": "month", "unit": "card_ms", "amount": 1, "hard_stop": true });
    let refused = |key: &str, value: Value, at: &str| {
        let mut new = new.clone();
        new["name"] = json!("alpha-admin");
        new["whose"] = json!("member");
        new[key] = value;
        let (status, answer) = site.ask("POST", "/api/v1/budgets", &alpha.admin, Some(&new));
        assert_eq!(status, 422, "{key}: {answer}");
        assert!(answer["errors"].to_string().contains(at), "{at}: {answer}");
    };
    refused("name", json!("beta-admin"), "name");
    refused("whose", json!("key"), "whose");
    refused("span", json!("week"), "span");
    refused("unit", json!("yuan"), "unit");
    refused("amount", json!(0), "amount");
    refused("alerts", json!([50, 101]), "alerts");
    refused("from", json!("2026-01-01"), "from");
    let twice = json!({ "whose": "member", "name": "alpha-admin", "span": "total", "unit": "card_ms", "amount": 1,
        "hard_stop": true });
    assert_eq!(site.ask("POST", "/api/v1/budgets", &alpha.admin, Some(&twice)).0, 409);

    // By commands: taken away it binds nobody.
    let terminal = Terminal::signed_in(&site, "alpha-admin");
    let listed = terminal.ok(&["budgets"]);
    assert!(listed.contains(&soft) && listed.contains("0.0000 card-hours"), "{listed}");
    let shown = terminal.ok(&["budgets", "show", &of_admin]);
    assert!(shown.contains("of-admin") && shown.contains("100 %"), "{shown}");
    terminal.ok(&["budgets", "set", &soft, "--yuan", "5", "--hard"]);
    let raised = site.get(&format!("/api/v1/budgets/{soft}"), &alpha.admin);
    assert_eq!((number(&raised, "amount"), &raised["hard_stop"]), (5_000_000, &json!(true)), "{raised}");
    terminal.ok(&["budgets", "end", &of_admin]);
    assert_eq!(site.wait_for_end(&alpha.admin, waits)["state"], "succeeded");
    let made = terminal.json(&["budgets", "new", "--member", "alpha-admin", "--card-hours", "2", "--soft"]);
    assert_eq!((number(&made, "amount"), &made["span"]), (7_200_000, &json!("month")), "{made}");
    let audit = site.get("/api/v1/audit?action=manage_budget", &site.operator);
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(5), "{audit}");
}
