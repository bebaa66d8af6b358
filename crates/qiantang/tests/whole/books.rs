//! Money is charged as it was agreed, whatever happens to the center meanwhile.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Site, Tenant, grant, job};

use crate::QIANTANG;

pub const SECONDS: &str = "[billing]\ngrace_ms = 200\naccrue_every_ms = 500\n[engine]\nkill_grace_ms = 300\n";

fn contract(site: &Site, tenant: &Tenant) -> Value {
    site.get(&format!("/api/v1/contracts/{}", tenant.contract), &site.operator)
}

pub fn runs(site: &Site, job: &str) -> Vec<Value> {
    let runs = site.get(&format!("/api/v1/jobs/{job}/runs"), &site.operator);
    runs["items"].as_array().expect("runs").clone()
}

pub fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("no {key} in {value}"))
}

pub fn books_are_right(site: &Site) {
    let check = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!(check["is_balanced"], true, "{check}");
}

/// A job that sleeps on so many cards.
fn sleeps(name: &str, seconds: u32, cards: u32) -> Value {
    let script = format!("#!/bin/sh\nexec sleep {seconds}\n");
    json!({ "name": name, "script": script, "cards_per_node": cards, "time_limit_ms": 120_000 })
}

#[test]
fn a_start_meters_nothing_that_ended_long_ago() {
    let mut site = Site::new(QIANTANG, 2, SECONDS);
    let tenant = site.tenant("univ", "research", &json!({ "kind": "grant", "cap": 60_000 }), 16);
    let short = site.submit(&tenant, &sleeps("short", 2, 8));
    let long = site.submit(&tenant, &sleeps("long", 30, 1));
    for job in [&short, &long] {
        site.wait_for_state(&tenant.developer, job, "running");
    }
    site.kill();
    // The short one would have used up all by now, had it gone on.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(7) {
        std::thread::sleep(Duration::from_millis(100));
    }
    site.start();
    let ended = site.wait_for_end(&tenant.developer, &short);
    assert_eq!(ended["state"], "succeeded", "{ended}");
    let used = number(&ended, "used_card_ms");
    assert!((15_000..24_000).contains(&used), "{ended}");
    let after = contract(&site, &tenant);
    assert_eq!(after["state"], "active", "{after}");
    // The other one goes on, and is metered.
    site.wait_for("use of the other run", || {
        (number(&contract(&site, &tenant), "use_balance_card_ms") < 60_000 - used - 8_000).then_some(())
    });
    assert_eq!(site.get(&format!("/api/v1/jobs/{long}"), &tenant.developer)["state"], "running");
    let events = site.get(&format!("/api/v1/contracts/{}/events", tenant.contract), &site.operator);
    let exhausted = events.as_array().expect("events").iter().any(|event| event["action"] == "exhaust");
    assert!(!exhausted, "{events}");
    site.post(&format!("/api/v1/jobs/{long}/cancel"), &tenant.developer, &json!({}));
    site.wait_for_end(&tenant.developer, &long);
    books_are_right(&site);
}

/// A center with two pools of one node each, and a metered contract over both.
fn two_pools() -> (Site, Tenant) {
    let pool = |name: &str| {
        format!(
            "[[pools]]\nname = \"{name}\"\ncard_model = \"ascend-910\"\n\
             nodes = [{{ name = \"{name}-\", count = 1, cards = 8, cards_per_ring = 4, virtual = true }}]\n"
        )
    };
    let site = Site::with_settings(QIANTANG, &format!("{SECONDS}\n{}{}", pool("ascend-910"), pool("b")));
    let tenant = site.tenant("firm", "enterprise", &grant(), 16);
    let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 16 });
    let new = json!({ "number": "M-1", "terms": { "kind": "metered", "credit_limit": 0 }, "pools": ["ascend-910", "b"],
        "starts_at": "2020-01-01", "ends_at": "2099-01-01", "queue": queue, "tenant": "firm" });
    let id = site.post("/api/v1/contracts", &site.operator, &new)["id"].as_str().expect("an id").to_owned();
    let act = |action: &str| {
        site.post(&format!("/api/v1/contracts/{id}/actions"), &site.operator, &json!({ "action": action }));
    };
    act("submit");
    act("approve");
    // Paid before it is active: without money its balance would have ended at once.
    let paid = json!({ "amount_micro_cny": 1_000_000_000, "reference": "ICBC-1" });
    site.post(&format!("/api/v1/contracts/{id}/top-up"), &site.operator, &paid);
    act("activate");
    let new = json!({ "slug": "paid", "name": "Paid", "contract": id, "tenant": "firm" });
    site.post("/api/v1/projects", &site.operator, &new);
    (site, Tenant { contract: id, ..tenant })
}

pub fn price(pool: &str, class: &str, yuan: i64) -> Value {
    json!({ "pool": pool, "service_class": class, "domain": "enterprise",
        "rate_micro_cny_per_card_hour": yuan * 1_000_000 })
}

fn publish(site: &Site, name: &str, prices: &[Value], confirmed: bool) -> (u16, Value) {
    let book = json!({ "name": name, "prices": prices, "confirmed": confirmed });
    site.ask("POST", "/api/v1/price-books", &site.operator, Some(&book))
}

#[test]
fn each_start_has_the_rate_of_its_own_pool() {
    let (site, tenant) = two_pools();
    let (status, _) =
        publish(&site, "both", &[price("ascend-910", "normal", 3600), price("b", "normal", 7200)], false);
    assert_eq!(status, 201);
    let mut array = sleeps("both", 1, 8);
    (array["array"], array["project"]) = (json!({ "ranges": [{ "first": 0, "last": 1 }] }), json!("paid"));
    let id = site.submit(&tenant, &array);
    site.wait_for_end(&tenant.developer, &id);
    let mut rates: Vec<_> = runs(&site, &id)
        .iter()
        .map(|run| {
            assert!(run["price_book"].is_string(), "{run}");
            let charge =
                number(run, "rate_micro_cny_per_card_hour") * number(run, "used_card_ms") / 3_600_000;
            assert_eq!(number(run, "charge_micro_cny"), charge, "{run}");
            let node = run["places"][0]["node"].as_str().expect("a node").to_owned();
            (node, number(run, "rate_micro_cny_per_card_hour") / 1_000_000)
        })
        .collect();
    rates.sort();
    assert_eq!(rates, [("ascend-910-".to_owned(), 3600), ("b-".to_owned(), 7200)]);
    books_are_right(&site);
}

#[test]
fn what_has_no_price_is_refused_and_holds_no_card() {
    let (site, tenant) = two_pools();
    publish(&site, "first", &[price("ascend-910", "normal", 5), price("b", "urgent", 9)], false);
    let job = |class: &str, cards: u32, seconds: u32| {
        let mut job = sleeps(class, seconds, cards);
        (job["service_class"], job["project"]) = (json!(class), json!("paid"));
        job
    };
    let (status, refused) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&job("spot", 1, 1)));
    assert_eq!((status, refused["code"].as_str()), (409, Some("no_price")), "{refused}");
    // Where only one pool has a price, it runs there alone.
    let id = site.submit(&tenant, &job("urgent", 1, 1));
    site.wait_for_end(&tenant.developer, &id);
    assert_eq!(runs(&site, &id)[0]["places"][0]["node"], "b-");

    // A new version that drops a line, doubles one or gives one away says so first.
    let next = [price("ascend-910", "normal", 10)];
    let (status, refused) = publish(&site, "second", &next, false);
    assert_eq!((status, refused["code"].as_str()), (409, Some("price_change")), "{refused}");
    let told = refused.to_string();
    assert!(told.contains("b urgent enterprise: 9.00 → no price") && told.contains("5.00 → 10.00"), "{told}");
    let past = json!({ "name": "late", "prices": next, "confirmed": true, "effective_from": "2020-01-01" });
    let (status, refused) = site.ask("POST", "/api/v1/price-books", &site.operator, Some(&past));
    assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!("effective_from")), "{refused}");
    // What waits for the dropped line says so, and keeps nobody from the cards.
    let holder = site.submit(&tenant, &job("urgent", 8, 3));
    site.wait_for_state(&tenant.developer, &holder, "running");
    let waiting = site.submit(&tenant, &job("urgent", 8, 1));
    assert_eq!(publish(&site, "second", &next, true).0, 201);
    site.wait_for_end(&tenant.developer, &holder);
    site.wait_for("the verdict", || {
        let why = site.get(&format!("/api/v1/jobs/{waiting}/why"), &tenant.developer);
        (why["verdict"]["code"] == "no_price" || why["code"] == "no_price").then_some(())
    });
    let mut other = job("normal", 8, 1);
    other["project"] = json!("work");
    let other = site.submit(&tenant, &other);
    assert_eq!(site.wait_for_end(&tenant.developer, &other)["state"], "succeeded");
    books_are_right(&site);
}

#[test]
fn the_bound_that_was_told_holds() {
    let (site, tenant) = two_pools();
    publish(&site, "dear", &[price("ascend-910", "normal", 3600), price("b", "normal", 3600)], false);
    let stubborn = json!({ "name": "stubborn", "project": "paid", "cards_per_node": 1, "time_limit_ms": 1500,
        "script": "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.05; done\n" });
    let dry = site.post("/api/v1/jobs/dry-run", &tenant.developer, &stubborn);
    let id = site.submit(&tenant, &stubborn);
    let ended = site.wait_for_end(&tenant.developer, &id);
    let (charged, most) = (number(&ended, "charge_micro_cny"), number(&dry["price"], "most_micro_cny"));
    assert!(charged > most / 2 && charged <= most, "{charged} of {most}");
    assert_eq!(number(&ended, "most_micro_cny"), most, "the job promises what its dry run did");
    books_are_right(&site);
}

#[test]
fn a_payment_is_booked_once_and_the_answer_says_so() {
    let (site, tenant) = two_pools();
    let path = format!("/api/v1/contracts/{}/top-up", tenant.contract);
    let pay = |path: &str, amount: i64, reference: &str| {
        site.ask(
            "POST",
            path,
            &site.operator,
            Some(&json!({ "amount_micro_cny": amount, "reference": reference })),
        )
    };
    let lines = || {
        let audit = site.get("/api/v1/audit?action=top_up", &site.operator);
        audit["items"].as_array().expect("lines").len()
    };
    assert_eq!(lines(), 1);
    for reference in ["ICBC-1", "icbc-1 ", " Icbc-1"] {
        let (status, again) = pay(&path, 1_000_000_000, reference);
        assert_eq!((status, again["booked"].as_bool()), (200, Some(false)), "{again}");
    }
    let (status, refused) = pay(&path, 5, "icbc-1");
    assert_eq!((status, refused["code"].as_str()), (409, Some("already_there")), "{refused}");
    assert!(refused.to_string().contains("M-1"), "it names the contract: {refused}");
    assert_eq!(lines(), 1);
    let (status, new) = pay(&path, 7, "ICBC-2");
    assert_eq!((status, new["booked"].as_bool()), (200, Some(true)), "{new}");
    assert_eq!(number(&new, "money_balance_micro_cny"), 1_000_000_007);

    // A grant takes no money, reserved cards no more than their fee; what is reserved bounds what runs.
    let other = site.tenant("univ", "research", &grant(), 8);
    let (status, refused) = pay(&format!("/api/v1/contracts/{}/top-up", other.contract), 5, "icbc-3");
    assert_eq!((status, refused["code"].as_str()), (422, Some("invalid")), "{refused}");
    let reserved = json!({ "kind": "reserved", "cards": 2, "fee": 120_000_000_000_i64 });
    let queue = json!({ "weight": 1, "guaranteed_cards": 2, "max_running_cards": 32 });
    let new = json!({ "number": "R-1", "terms": reserved, "pools": ["b"], "starts_at": "2020-01-01",
        "ends_at": "2099-01-01", "queue": queue, "tenant": "univ" });
    let (status, refused) = site.ask("POST", "/api/v1/contracts", &site.operator, Some(&new));
    assert!(status == 422 && refused.to_string().contains("reserved"), "{refused}");
}

#[test]
fn fees_are_due_and_no_cash_before_they_are_paid() {
    let site = Site::new(QIANTANG, 1, SECONDS);
    let reserved = json!({ "kind": "reserved", "cards": 2, "fee": 948_000_000 });
    let tenant = site.tenant("firm", "enterprise", &reserved, 2);
    let accounts = || {
        let (_, text) = site.get_text("/metrics", &site.operator);
        let line = |account: &str, side: &str| {
            let name = format!("qiantang_ledger_{side}_total{{account=\"{account}\",unit=\"micro_cny\"}} ");
            text.lines()
                .find_map(|line| line.strip_prefix(&name))
                .map_or(0, |n| n.parse::<i64>().expect("a number"))
        };
        ["cash", "receivable"].map(|account| line(account, "credits") - line(account, "debits"))
    };
    // Nobody paid yet: no cash.
    assert_eq!(accounts(), [0, -948_000_000], "nothing is cash; the fee is owed");
    let path = format!("/api/v1/contracts/{}/top-up", tenant.contract);
    let pay = |amount: i64, reference: &str| {
        site.ask(
            "POST",
            &path,
            &site.operator,
            Some(&json!({ "amount_micro_cny": amount, "reference": reference })),
        )
    };
    assert_eq!(pay(900_000_000, "a").0, 200);
    let (status, refused) = pay(100_000_000, "b");
    assert!(status == 422 && refused.to_string().contains("48"), "no more than is open: {refused}");
    assert_eq!(pay(48_000_000, "b").0, 200);
    assert_eq!(accounts(), [-948_000_000, 0]);

    // A payment that is taken back is due again, and can be paid anew.
    let reversal = json!({ "kind": "reversal", "contract": tenant.contract, "amount_micro_cny": 48_000_000,
        "corrects": "B", "reason": "another customer's" });
    let proposed = site.post("/api/v1/corrections", &site.operator, &reversal);
    let decide = format!("/api/v1/corrections/{}/decide", proposed["id"].as_str().expect("an id"));
    site.post(&decide, &site.operator, &json!({ "book": true }));
    assert_eq!(number(&contract(&site, &tenant), "fee_open_micro_cny"), 48_000_000);
    assert_eq!(accounts(), [-900_000_000, -48_000_000]);
    assert_eq!(pay(48_000_000, "c").0, 200);
    assert_eq!(accounts(), [-948_000_000, 0]);
    books_are_right(&site);
}

/// A run on all cards under a metered contract, which another contract takes back; the first attempt as it ended.
fn preempted(preempted_percent: u8) -> (Site, Value) {
    let site = Site::new(QIANTANG, 1, SECONDS);
    let queue =
        |guaranteed: u32| json!({ "weight": 1, "guaranteed_cards": guaranteed, "max_running_cards": 8 });
    let metered = json!({ "kind": "metered", "credit_limit": 100_000_000_000_i64 });
    let borrower = site.tenant_in("firm", "enterprise", &metered, &queue(0), None);
    let owner = site.tenant_in("univ", "research", &grant(), &queue(8), None);
    let book = json!({ "name": "v1", "prices": [price("ascend-910", "normal", 3600)],
        "waivers": { "lost_percent": 100, "preempted_percent": preempted_percent } });
    site.post("/api/v1/price-books", &site.operator, &book);
    let long = site.submit(&borrower, &sleeps("borrows", 20, 8));
    site.wait_for("its start", || runs(&site, &long).first()?["started_at"].as_str().map(drop));
    // It is to be worth something.
    let began = Instant::now();
    site.wait_for("a second", || (began.elapsed() > Duration::from_secs(1)).then_some(()));
    let own = site.submit(&owner, &sleeps("owns", 1, 8));
    site.wait_for_end(&owner.developer, &own);
    let first = site.wait_for("its end", || {
        let all = runs(&site, &long);
        all.into_iter().find(|run| run["attempt"] == 1 && run["state"] == "preempted")
    });
    site.post(&format!("/api/v1/jobs/{long}/cancel"), &borrower.developer, &json!({}));
    site.wait_for_end(&borrower.developer, &long);
    books_are_right(&site);
    (site, first)
}

#[test]
fn a_preempted_run_pays_up_to_its_notice_less_what_the_price_book_waives() {
    let (site, run) = preempted(0);
    let used = number(&run, "used_card_ms");
    assert!(used >= 8_000 && used <= 8 * number(&run, "elapsed_ms"), "{run}");
    assert_eq!((number(&run, "charge_micro_cny"), number(&run, "waived_micro_cny")), (used * 1000, 0));
    let balance = site.get("/api/v1/capacity-balance", &site.operator);
    assert_eq!(balance["closes"], true, "{balance}");
    let kept = 8 * number(&run, "elapsed_ms") - used;
    assert_eq!(
        (number(&balance, "failed_card_ms"), number(&balance, "preempted_card_ms")),
        (0, kept),
        "{balance}"
    );

    let (site, run) = preempted(75);
    let used = number(&run, "used_card_ms");
    let (charged, waived) = (number(&run, "charge_micro_cny"), number(&run, "waived_micro_cny"));
    assert_eq!((charged + waived, waived), (used * 1000, (used * 1000 * 75 + 99) / 100), "{run}");
    let entries = site.get("/api/v1/ledger/transfers?order=newest&limit=200", &site.operator);
    let causes =
        entries["items"].as_array().expect("entries").iter().map(|one| one["cause"].as_str().unwrap_or(""));
    assert_eq!(causes.filter(|cause| *cause == "waiver").count(), 2, "card time and money: {entries}");
}

#[test]
fn a_lost_run_pays_as_far_as_it_was_seen_less_what_the_price_book_waives() {
    let site = Site::new(QIANTANG, 1, SECONDS);
    let metered = json!({ "kind": "metered", "credit_limit": 100_000_000_000_i64 });
    let tenant = site.tenant("firm", "enterprise", &metered, 8);
    let book = json!({ "name": "v1", "prices": [price("ascend-910", "normal", 3600)],
        "waivers": { "lost_percent": 50, "preempted_percent": 0 } });
    site.post("/api/v1/price-books", &site.operator, &book);
    let job = site.submit(&tenant, &sleeps("dies", 60, 8));
    let posted = site.wait_for("use that is posted", || {
        let entries = site.get("/api/v1/ledger/transfers?limit=200", &site.operator);
        let uses = entries["items"].as_array().expect("entries").iter();
        Some(uses.filter(|one| one["unit"] == "card_ms").map(|one| number(one, "amount")).sum())
            .filter(|used: &i64| *used > 0)
    });
    let first = runs(&site, &job).remove(0);
    crate::periods::kill_supervisor(&site, first["id"].as_str().expect("an id"));
    let lost = site.wait_for("its end", || {
        runs(&site, &job).into_iter().find(|run| run["attempt"] == 1 && run["state"] == "lost")
    });
    site.post(&format!("/api/v1/jobs/{job}/cancel"), &tenant.developer, &json!({}));
    site.wait_for_end(&tenant.developer, &job);
    let used = number(&lost, "used_card_ms");
    let (charged, waived) = (number(&lost, "charge_micro_cny"), number(&lost, "waived_micro_cny"));
    assert!(used >= posted && used <= 8 * number(&lost, "elapsed_ms"), "{posted}: {lost}");
    assert_eq!((charged + waived, waived), (used * 1000, (used * 1000 + 1) / 2), "{lost}");
    books_are_right(&site);
}

#[test]
fn a_run_that_its_engine_does_not_know_is_lost_and_not_charged() {
    let (mut site, tenant) = two_pools();
    publish(&site, "dear", &[price("ascend-910", "normal", 3600), price("b", "normal", 3600)], false);
    let mut spec = sleeps("copied", 2, 1);
    spec["project"] = json!("paid");
    let id = site.submit(&tenant, &spec);
    site.wait_for("its start", || runs(&site, &id).first()?["started_at"].as_str().map(drop));
    site.kill();
    // As a copy of the database in a new folder: nothing of the engine's is there.
    let runs_folder = site.data().join("runs");
    std::fs::rename(&runs_folder, site.data().join("runs-elsewhere")).expect("it is moved");
    site.start();
    let ended = site.wait_for_end(&tenant.developer, &id);
    assert_eq!(ended["state"], "succeeded", "it is tried again: {ended}");
    let all = runs(&site, &id);
    let lost = all.iter().find(|run| run["attempt"] == 1).expect("the first attempt");
    assert_eq!((lost["state"].as_str(), number(lost, "charge_micro_cny")), (Some("lost"), 0), "{lost}");
    assert_eq!(all.len(), 2);
    books_are_right(&site);
}

#[test]
fn figures_for_prometheus_are_those_of_the_ledger() {
    let mut site = Site::new(QIANTANG, 1, SECONDS);
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let id = site.submit(&tenant, &job("short", "sleep 0.3"));
    let used = number(&site.wait_for_end(&tenant.developer, &id), "used_card_ms");
    let delivered = |site: &Site| {
        let (_, text) = site.get_text("/metrics", &site.operator);
        let name = "qiantang_ledger_credits_total{account=\"delivered\",unit=\"card_ms\"} ";
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("it is told")
            .parse::<i64>()
            .expect("a number")
    };
    assert_eq!(delivered(&site), used);
    site.stop();
    site.start();
    assert_eq!(delivered(&site), used, "a start loses nothing");
}
