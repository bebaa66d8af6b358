//! Contracts in the books: what their terms earn, and how they come to an end.

use domain::{Millis, Timestamp, Zone};
use serde_json::{Value, json};
use testkit::{PASSWORD, Site, Terminal, grant, job};

use crate::QIANTANG;

const SECONDS: &str = "[billing]\ngrace_ms = 200\naccrue_every_ms = 300\n[engine]\nkill_grace_ms = 300\n";

pub fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn contract(site: &Site, id: &str) -> Value {
    site.get(&format!("/api/v1/contracts/{id}"), &site.operator)
}

/// Draws up a contract of the tenant `firm` and gives its id.
fn drawn_up(site: &Site, new: &Value, terms: &Value, ends_at: &str) -> String {
    let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 2 });
    let new = json!({ "number": new, "terms": terms, "pools": ["ascend-910"], "starts_at": "2020-01-01",
        "ends_at": ends_at, "queue": queue, "tenant": "firm" });
    site.post("/api/v1/contracts", &site.operator, &new)["id"].as_str().expect("an id").to_owned()
}

fn act(site: &Site, id: &str, actions: &[&str]) {
    for action in actions {
        let body = json!({ "action": action, "reason": "test" });
        site.post(&format!("/api/v1/contracts/{id}/actions"), &site.operator, &body);
    }
}

/// The instant of the last act of that name on a contract.
fn acted_at(site: &Site, id: &str, action: &str) -> Timestamp {
    let events = site.get(&format!("/api/v1/contracts/{id}/events"), &site.operator);
    let found = events.as_array().expect("events").iter().rev().find(|event| event["action"] == action);
    found.expect("the act")["at"].as_str().expect("an instant").parse().expect("an instant")
}

/// The entries of a contract with that cause: their instants and amounts.
fn entries(site: &Site, id: &str, cause: &str) -> Vec<(Timestamp, i64)> {
    let all = site.get(&format!("/api/v1/ledger/transfers?contract={id}&limit=200"), &site.operator);
    let of_cause = all["items"].as_array().expect("entries").iter().filter(|entry| entry["cause"] == cause);
    let read = |entry: &Value| {
        let at = entry["at"].as_str().expect("an instant").parse().expect("an instant");
        (at, number(entry, "amount"))
    };
    of_cause.map(read).collect()
}

fn books_are_right(site: &Site) {
    let check = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!((&check["is_balanced"], &check["problems"]), (&json!(true), &json!([])), "{check}");
}

fn pay(site: &Site, id: &str, amount: i64, reference: &str) {
    let paid = json!({ "amount_micro_cny": amount, "reference": reference });
    site.post(&format!("/api/v1/contracts/{id}/top-up"), &site.operator, &paid);
}

/// Proposes to pay so much out; the answer's status.
fn pay_out(site: &Site, id: &str, amount: i64) -> (u16, Value) {
    let new = json!({ "kind": "pay_out", "contract": id, "amount_micro_cny": amount, "corrects": id,
        "reason": "ended early", "reference": "ICBC-OUT-1" });
    site.ask("POST", "/api/v1/corrections", &site.operator, Some(&new))
}

#[test]
fn a_contract_activated_late_earns_from_then_on_and_has_no_months_of_before() {
    let mut site = Site::new(QIANTANG, 1, SECONDS);
    let reserved = json!({ "kind": "reserved", "cards": 2, "fee": 948_000_000 });
    let firm = site.tenant("firm", "enterprise", &reserved, 2);
    let activated = acted_at(&site, &firm.contract, "activate");
    let zone = Zone::default();
    let month = zone.month(activated);
    // The term began in 2020, the center with this month.
    let months = site.get("/api/v1/periods", &site.operator);
    assert_eq!(months.as_array().expect("months").len(), 1, "{months}");
    site.stop();
    let ends = [zone.bounds(month).1, zone.bounds(month.next()).1];
    site.clock_ahead = Millis(ends[1].since(testkit::now()).0 + 3_600_000);
    site.start();
    let earned = site.wait_for("both months", || {
        Some(entries(&site, &firm.contract, "term")).filter(|all| all.len() == 2)
    });
    let end = zone.parse("2099-01-01").expect("a date");
    let due = |at: Timestamp| {
        i64::try_from(948_000_000 * i128::from(at.since(activated).0) / i128::from(end.since(activated).0))
            .expect("it fits")
    };
    assert_eq!([earned[0].1, earned[0].1 + earned[1].1], ends.map(due));
    assert!(earned[0].0 > activated && earned[0].0 < ends[0], "{earned:?}");
    site.post(&format!("/api/v1/periods/{month}/close"), &site.operator, &json!({}));
    let path = format!("/api/v1/contracts/{}/statement?month={month}", firm.contract);
    let statement = site.get(&path, &site.operator);
    assert_eq!(number(&statement["opening"], "micro_cny"), 0);
    assert_eq!(number(&statement["closing"], "micro_cny"), 948_000_000 - earned[0].1, "{statement}");
    books_are_right(&site);

    // Whoever activates a contract after its term is told.
    let late = drawn_up(&site, &json!("LATE"), &reserved, "2021-01-01");
    act(&site, &late, &["submit", "approve"]);
    let body = json!({ "action": "activate" });
    let (status, refused) =
        site.ask("POST", &format!("/api/v1/contracts/{late}/actions"), &site.operator, Some(&body));
    assert_eq!((status, refused["code"].as_str()), (409, Some("contract_state")), "{refused}");
}

#[test]
fn a_contract_that_people_end_comes_to_its_end_in_the_books() {
    let site = Site::new(QIANTANG, 1, SECONDS);
    site.tenant("firm", "enterprise", &grant(), 2);
    // A yuan a second or more, so that seconds are seen.
    let soon = testkit::now().plus(Millis::from_hours(1)).to_string();
    let reserved = json!({ "kind": "reserved", "cards": 2, "fee": 3_600_000_000_i64 });
    let id = drawn_up(&site, &json!("R-1"), &reserved, &soon);
    act(&site, &id, &["submit", "approve", "activate"]);
    pay(&site, &id, 1_000_000_000, "R-1-A");
    // The fee is a balance from the beginning; what nobody paid is not paid out.
    let (status, refused) = pay_out(&site, &id, 1_000_000_001);
    assert!(status == 422 && refused.to_string().contains("more than there is"), "{refused}");
    act(&site, &id, &["terminate"]);
    let cancelled =
        site.wait_for("what is due no more", || entries(&site, &id, "fee_cancelled").first().copied());
    assert_eq!(cancelled.1, 2_600_000_000, "what was not paid");
    let (activated, over) = (acted_at(&site, &id, "activate"), acted_at(&site, &id, "terminate"));
    let end: Timestamp = soon.parse().expect("an instant");
    let due = 3_600_000_000 * i128::from(over.since(activated).0) / i128::from(end.since(activated).0);
    let earned: i64 = entries(&site, &id, "term").iter().map(|(_, amount)| amount).sum();
    assert!(earned > 0 && i128::from(earned) == due, "{earned} and {due}");
    let ended = contract(&site, &id);
    assert_eq!(number(&ended, "fee_open_micro_cny"), 0, "{ended}");
    assert_eq!(number(&ended, "posted_money_balance_micro_cny"), 1_000_000_000 - earned, "{ended}");
    let (status, proposed) = pay_out(&site, &id, 1_000_000_000 - earned);
    assert_eq!(status, 201, "{proposed}");
    let path = format!("/api/v1/corrections/{}/decide", proposed["id"].as_str().expect("an id"));
    site.post(&path, &site.operator, &json!({ "book": true }));
    assert_eq!(number(&contract(&site, &id), "posted_money_balance_micro_cny"), 0);

    // A package: its card time is gone, its money waits for a decision, what was not paid is not due.
    let prepaid = json!({ "kind": "prepaid", "package": 3_600_000, "fee": 50_000_000 });
    let id = drawn_up(&site, &json!("P-1"), &prepaid, "2099-01-01");
    act(&site, &id, &["submit", "approve", "activate"]);
    pay(&site, &id, 20_000_000, "P-1-A");
    act(&site, &id, &["terminate"]);
    site.wait_for("its card time is gone", || {
        (number(&contract(&site, &id), "posted_use_balance_card_ms") == 0).then_some(())
    });
    let ended = contract(&site, &id);
    assert_eq!(number(&ended, "posted_money_balance_micro_cny"), 20_000_000, "{ended}");
    assert_eq!(number(&ended, "fee_open_micro_cny"), 0);
    // A capped grant has card time alone; what was never active has nothing to end.
    let id = drawn_up(&site, &json!("G-1"), &json!({ "kind": "grant", "cap": 3_600_000 }), "2099-01-01");
    act(&site, &id, &["submit", "approve", "activate", "terminate"]);
    let never = drawn_up(&site, &json!("R-2"), &reserved, "2099-01-01");
    act(&site, &never, &["terminate"]);
    site.wait_for("its card time is gone", || {
        (number(&contract(&site, &id), "posted_use_balance_card_ms") == 0).then_some(())
    });
    assert_eq!(entries(&site, &never, "term"), []);
    books_are_right(&site);
}

#[test]
fn a_draft_is_changed_by_those_who_draw_up_and_nobody_changes_what_was_submitted() {
    let site = Site::new(QIANTANG, 1, SECONDS);
    let firm = site.tenant("firm", "enterprise", &grant(), 2);
    let operator = Terminal::signed_in(&site, "operator");
    let new = [
        "contracts",
        "new",
        "R-7",
        "--kind",
        "reserved",
        "--tenant",
        "firm",
        "--pool",
        "ascend-910",
        "--from",
        "2026-01-01",
        "--until",
        "2099-01-01",
        "--cards",
        "4",
        "--fee",
        "1000",
    ];
    operator.ok(&new);
    let listed = site.get("/api/v1/contracts", &site.operator);
    let draft =
        listed.as_array().expect("contracts").iter().find(|one| one["number"] == "R-7").expect("it is there");
    let id = draft["id"].as_str().expect("an id").to_owned();
    assert_eq!(number(&draft["queue"], "max_running_cards"), 4, "as many as are reserved: {draft}");

    operator.ok(&["contracts", "edit", "R-7", "--fee", "1200", "--until", "2098-01-01", "--weight", "3"]);
    let changed = contract(&site, &id);
    assert_eq!(changed["terms"], json!({ "kind": "reserved", "cards": 4, "fee": 1_200_000_000 }));
    assert_eq!((number(&changed["queue"], "weight"), number(&changed["queue"], "max_running_cards")), (3, 4));
    assert_eq!(changed["ends_at"], "2097-12-31T16:00:00.000Z");
    let (code, _, told) = operator.run(&["contracts", "edit", "R-7", "--cards", "2"]);
    assert!(code != 0 && told.contains("reserved"), "more cards run than are reserved: {told}");
    let (code, _, told) = operator.run(&["contracts", "edit", "R-7", "--kind", "prepaid", "--fee", "5"]);
    assert!(code != 0 && told.contains("--card-hours"), "{told}");
    let log = site.get("/api/v1/audit?action=submit_contract&limit=1", &site.operator);
    let detail = &log["items"][0]["detail"];
    assert_eq!(detail["changed"], "terms ends_at queue");
    let before = detail["before"].as_str().expect("what it was");
    assert!(before.contains("\"fee\":1000000000"), "{before}");

    let path = format!("/api/v1/contracts/{id}");
    assert_eq!(site.ask("PATCH", &path, &firm.developer, Some(&json!({ "number": "R-8" }))).0, 403);
    assert_eq!(site.ask("PATCH", &path, &firm.admin, Some(&json!({ "number": "R-8" }))).0, 200);
    act(&site, &id, &["submit"]);
    let (status, refused) = site.ask("PATCH", &path, &site.operator, Some(&json!({ "number": "R-9" })));
    assert_eq!((status, refused["code"].as_str()), (409, Some("contract_state")), "{refused}");
    act(&site, &id, &["return"]);
    assert_eq!(site.ask("PATCH", &path, &site.operator, Some(&json!({ "number": "R-9" }))).0, 200);
    books_are_right(&site);
}

/// A center in which duties are separate, with two people who keep contracts and one who keeps money.
fn of_offices(more: &str) -> (Site, [String; 3]) {
    let settings = format!(
        "{SECONDS}[books]\nseparate_duties = true\n{more}[[pools]]\nname = \"ascend-910\"\n\
         card_model = \"ascend-910\"\nnodes = [{{ name = \"npu-\", count = 1, cards = 8, virtual = true }}]\n"
    );
    let site = Site::with_settings(QIANTANG, &settings);
    let people = ["clerk", "chief", "till"].map(|login| {
        let role = if login == "till" { "center_finance" } else { "contracts" };
        let new = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
        site.post("/api/v1/members", &site.operator, &new);
        site.login(login)
    });
    let new = json!({ "slug": "firm", "name_zh": "厂", "name_en": "Firm", "domain": "enterprise" });
    site.post("/api/v1/tenants", &site.operator, &new);
    (site, people)
}

/// A contract that one submits and another approves and activates.
fn active(site: &Site, [clerk, chief, _]: &[String; 3], number: &str, terms: &Value) -> String {
    let id = drawn_up(site, &json!(number), terms, "2099-01-01");
    for (by, action) in [(clerk, "submit"), (chief, "approve"), (chief, "activate")] {
        site.post(&format!("/api/v1/contracts/{id}/actions"), by, &json!({ "action": action }));
    }
    id
}

fn draw_up(site: &Site, by: &str, contract: &str, change: Value) -> (u16, Value) {
    let mut body = change;
    body["reason"] = json!("as agreed");
    site.ask("POST", &format!("/api/v1/contracts/{contract}/amendments"), by, Some(&body))
}

fn decide(site: &Site, by: &str, amendment: &Value, approve: bool) -> (u16, Value) {
    let path = format!("/api/v1/amendments/{}/decide", amendment["id"].as_str().expect("an id"));
    site.ask("POST", &path, by, Some(&json!({ "approve": approve, "note": "looked at" })))
}

#[test]
fn an_active_contract_is_amended_by_two_people_and_its_past_stays_as_it_was() {
    let (mut site, people) = of_offices("");
    let [clerk, chief, till] = people.clone();
    let reserved = json!({ "kind": "reserved", "cards": 2, "fee": 948_000_000 });
    let id = active(&site, &people, "R-1", &reserved);
    let more = json!({ "add_fee_micro_cny": 52_000_000, "cards": 4 });
    assert_eq!(draw_up(&site, &till, &id, more.clone()).0, 403, "money is kept by others");
    for (change, says) in [
        (json!({ "add_card_ms": 5 }), "no package"),
        (json!({ "credit_limit_micro_cny": 5 }), "no credit_limit"),
        (json!({}), "nothing changes"),
        (json!({ "ends_at": "2021-01-01" }), "effective"),
        (json!({ "effective": "yesterday", "cards": 4 }), "next_month"),
        (json!({ "add_fee_micro_cny": -1 }), "terms"),
    ] {
        let (status, refused) = draw_up(&site, &clerk, &id, change.clone());
        assert!(status == 422 && refused.to_string().contains(says), "{change}: {refused}");
    }
    let (status, first) = draw_up(&site, &clerk, &id, more);
    assert_eq!((status, first["state"].as_str()), (201, Some("proposed")), "{first}");
    assert_eq!(contract(&site, &id)["terms"], reserved, "nothing changes before it is approved");
    let (status, refused) = draw_up(&site, &chief, &id, json!({ "cards": 3 }));
    assert_eq!((status, refused["code"].as_str()), (409, Some("already_there")), "one at a time: {refused}");
    let (status, refused) = decide(&site, &clerk, &first, true);
    assert_eq!((status, refused["code"].as_str()), (409, Some("same_person")), "{refused}");
    let (status, first) = decide(&site, &chief, &first, true);
    assert_eq!((status, first["state"].as_str()), (200, Some("in_force")), "{first}");
    let (status, refused) = decide(&site, &chief, &first, false);
    assert_eq!((status, refused["code"].as_str()), (409, Some("already_decided")), "{refused}");
    let now = contract(&site, &id);
    assert_eq!(now["terms"], json!({ "kind": "reserved", "cards": 4, "fee": 1_000_000_000 }));
    assert_eq!(
        (number(&now["queue"], "max_running_cards"), number(&now, "fee_open_micro_cny")),
        (4, 1_000_000_000)
    );
    let fees: Vec<i64> = entries(&site, &id, "fee").into_iter().map(|(_, fee)| fee).collect();
    assert_eq!(fees, [948_000_000, 52_000_000]);

    // With the next month the term ends a year earlier.
    let clerk_at = Terminal::signed_in(&site, "clerk");
    let chief_at = Terminal::signed_in(&site, "chief");
    let printed = clerk_at.ok(&[
        "contracts",
        "amend",
        "R-1",
        "--until",
        "2098-01-01",
        "--effective",
        "next_month",
        "--reason",
        "they move",
    ]);
    assert!(printed.contains("2099-01-01") && printed.contains("2098-01-01"), "{printed}");
    let all = site.get(&format!("/api/v1/contracts/{id}/amendments"), &chief);
    let second = all[0]["id"].as_str().expect("an id");
    assert!(chief_at.ok(&["contracts", "approve-amendment", second]).contains("approved"));
    assert_eq!(contract(&site, &id)["ends_at"], "2098-12-31T16:00:00.000Z", "not yet");
    let zone = Zone::default();
    let instant =
        |value: &Value| value.as_str().expect("an instant").parse::<Timestamp>().expect("an instant");
    let from = instant(&first["from_at"]);
    let month = zone.month(from);
    let ends = [zone.bounds(month).1, zone.bounds(month.next()).1];
    site.stop();
    site.clock_ahead = Millis(ends[1].since(testkit::now()).0 + 3_600_000);
    site.start();
    let earned =
        site.wait_for("both months", || Some(entries(&site, &id, "term")).filter(|all| all.len() == 2));
    site.wait_for("the earlier end", || {
        (contract(&site, &id)["ends_at"] == "2097-12-31T16:00:00.000Z").then_some(())
    });
    let versions = site.get(&format!("/api/v1/contracts/{id}/versions"), &site.operator);
    assert_eq!(versions.as_array().expect("versions").len(), 3, "{versions}");
    assert_eq!(instant(&versions[2]["from_at"]), ends[0], "to the instant: {versions}");
    assert_eq!(
        versions[1]["changes"][0],
        json!({ "term": "fee", "before": 948_000_000, "after": 1_000_000_000 })
    );
    // Each version spreads what is left over what is left, and leaves what was earned.
    let activated = instant(&versions[0]["from_at"]);
    let end = |year: &str| zone.parse(&format!("{year}-01-01")).expect("a date");
    let spread = |before: i64, fee: i64, (begin, at): (Timestamp, Timestamp), until: Timestamp| {
        let rest =
            i128::from(fee - before) * i128::from(at.since(begin).0) / i128::from(until.since(begin).0);
        before + i64::try_from(rest).expect("it fits")
    };
    let one = spread(0, 948_000_000, (activated, from), end("2099"));
    let two = spread(one, 1_000_000_000, (from, ends[0]), end("2099"));
    let three = spread(two, 1_000_000_000, (ends[0], ends[1]), end("2098"));
    assert_eq!([earned[0].1, earned[0].1 + earned[1].1], [two, three]);
    let printed = Terminal::signed_in(&site, "chief").ok(&["contracts", "versions", "R-1"]);
    assert!(printed.contains("they move") && printed.contains("chief"), "{printed}");
    let (code, answer) = crate::tamper::verify(&crate::tamper::backup(&site, "amended.db"), &[]);
    assert_eq!((code, &answer["is_clean"]), (0, &json!(true)), "{answer:#}");
    books_are_right(&site);

    // An amendment that waits lapses with the contract.
    let (status, waits) = draw_up(&site, &clerk, &id, json!({ "cards": 5, "effective": "next_day" }));
    assert_eq!(status, 201, "{waits}");
    assert_eq!(decide(&site, &chief, &waits, true).1["state"], "approved");
    act(&site, &id, &["terminate"]);
    let path = format!("/api/v1/amendments/{}", waits["id"].as_str().expect("an id"));
    assert_eq!(site.get(&path, &site.operator)["state"], "lapsed");
    assert_eq!(draw_up(&site, &clerk, &id, json!({ "cards": 6 })).0, 409, "it has ended");
    books_are_right(&site);
}

#[test]
fn a_package_grows_and_later_runs_have_its_new_rate() {
    let site = Site::new(QIANTANG, 1, SECONDS);
    let prepaid = json!({ "kind": "prepaid", "package": 3_600_000, "fee": 36_000_000 });
    let firm = site.tenant("firm", "enterprise", &prepaid, 8);
    let rate_of_run = |name: &str| {
        let id = site.submit(&firm, &job(name, "sleep 0.3"));
        site.wait_for_end(&firm.developer, &id);
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &site.operator);
        number(&runs["items"][0], "rate_micro_cny_per_card_hour")
    };
    assert_eq!(rate_of_run("before"), 36_000_000);
    let cheap = json!({ "add_card_ms": 3_600_000, "add_fee_micro_cny": 35_999_999 });
    let (status, refused) = draw_up(&site, &site.operator, &firm.contract, cheap);
    assert!(status == 422 && refused.to_string().contains("cost less"), "{refused}");
    let more = json!({ "add_card_ms": 3_600_000, "add_fee_micro_cny": 108_000_000 });
    let (_, drawn) = draw_up(&site, &firm.admin, &firm.contract, more);
    assert_eq!(decide(&site, &firm.admin, &drawn, true).0, 403, "a tenant approves nothing");
    assert_eq!(decide(&site, &site.operator, &drawn, true).1["state"], "in_force");
    assert_eq!(rate_of_run("after"), 72_000_000);
    let packages: Vec<i64> =
        entries(&site, &firm.contract, "package").into_iter().map(|(_, time)| time).collect();
    assert_eq!(packages, [3_600_000, 3_600_000]);
    books_are_right(&site);
}

#[test]
fn what_is_above_the_bound_is_approved_by_operators_alone() {
    let (site, people) = of_offices("approve_up_to_micro_cny = 1000000000\n");
    let [clerk, chief, till] = people.clone();
    let reserved = |fee: i64| json!({ "kind": "reserved", "cards": 2, "fee": fee });
    let large = drawn_up(&site, &json!("R-1"), &reserved(1_000_000_001), "2099-01-01");
    let path = format!("/api/v1/contracts/{large}/actions");
    site.post(&path, &clerk, &json!({ "action": "submit" }));
    let approve = json!({ "action": "approve" });
    let (status, refused) = site.ask("POST", &path, &chief, Some(&approve));
    assert_eq!((status, refused["code"].as_str()), (409, Some("above_limit")), "{refused}");
    assert_eq!(site.ask("POST", &path, &site.operator, Some(&approve)).0, 200);
    // Up to the bound the chief approves; an amendment counts with what it makes of the contract.
    let small = active(&site, &people, "R-2", &reserved(1_000_000_000));
    let (_, drawn) = draw_up(&site, &clerk, &small, json!({ "add_fee_micro_cny": 1 }));
    let (status, refused) = decide(&site, &chief, &drawn, true);
    assert_eq!((status, refused["code"].as_str()), (409, Some("above_limit")), "{refused}");
    assert_eq!(decide(&site, &site.operator, &drawn, true).0, 200);
    // A correction by its amount; whoever may not book it can still refuse it.
    site.post(
        &format!("/api/v1/contracts/{small}/top-up"),
        &till,
        &json!({ "amount_micro_cny": 1_000_000_001, "reference": "ICBC-1" }),
    );
    let reversal = json!({ "kind": "reversal", "contract": "R-2", "amount_micro_cny": 1_000_000_001,
        "corrects": "ICBC-1", "reason": "another customer's" });
    let proposed = site.post("/api/v1/corrections", &site.operator, &reversal);
    let path = format!("/api/v1/corrections/{}/decide", proposed["id"].as_str().expect("an id"));
    let (status, refused) = site.ask("POST", &path, &till, Some(&json!({ "book": true })));
    assert_eq!((status, refused["code"].as_str()), (409, Some("above_limit")), "{refused}");
    assert_eq!(site.ask("POST", &path, &till, Some(&json!({ "book": false, "note": "too much" }))).0, 200);
    books_are_right(&site);
}

#[test]
fn a_package_that_makes_a_card_hour_too_dear_is_refused() {
    let site = Site::new(QIANTANG, 1, "");
    let new = json!({ "slug": "firm", "name_zh": "厂", "name_en": "Firm", "domain": "enterprise" });
    site.post("/api/v1/tenants", &site.operator, &new);
    let ask = |number: &str, package: i64| {
        let terms = json!({ "kind": "prepaid", "package": package, "fee": 1_000_000_000_000_i64 });
        let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 2 });
        let new = json!({ "number": number, "terms": terms, "pools": ["ascend-910"], "starts_at": "2020-01-01",
            "ends_at": "2099-01-01", "queue": queue, "tenant": "firm" });
        site.ask("POST", "/api/v1/contracts", &site.operator, Some(&new))
    };
    let (status, refused) = ask("dear", 3_599_999);
    assert!(
        status == 422 && refused.to_string().contains("1,000,000.00 CNY for each card-hour"),
        "{refused}"
    );
    assert_eq!(ask("bound", 3_600_000).0, 201);
}
