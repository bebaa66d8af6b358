//! Corrections are entries of their own: two people make one, for a thing that was booked, once.

use serde_json::{Value, json};
use testkit::{PASSWORD, Site, job};

use crate::{
    QIANTANG,
    books::{SECONDS, books_are_right, number, price, runs},
};

#[test]
fn a_correction_needs_two_people_and_what_it_corrects_stays() {
    let settings = format!(
        "{SECONDS}[books]\nseparate_duties = true\n[[pools]]\nname = \"ascend-910\"\n\
        card_model = \"ascend-910\"\nnodes = [{{ name = \"npu-\", count = 1, cards = 8, virtual = true }}]\n"
    );
    let site = Site::with_settings(QIANTANG, &settings);
    let people = ["clerk", "chief", "till"].map(|login| {
        let role = if login == "till" { "center_finance" } else { "contracts" };
        let new = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
        site.post("/api/v1/members", &site.operator, &new);
        site.login(login)
    });
    let [clerk, chief, till] = &people;
    let new = json!({ "slug": "firm", "name_zh": "厂", "name_en": "Firm", "domain": "enterprise" });
    site.post("/api/v1/tenants", &site.operator, &new);
    let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 8 });
    let new = json!({ "number": "M-1", "terms": { "kind": "metered", "credit_limit": 0 }, "pools": ["ascend-910"],
        "starts_at": "2020-01-01", "ends_at": "2099-01-01", "queue": queue, "tenant": "firm" });
    let id = site.post("/api/v1/contracts", clerk, &new)["id"].as_str().expect("an id").to_owned();
    let act = |by: &str, action: &str| {
        let path = format!("/api/v1/contracts/{id}/actions");
        site.ask("POST", &path, by, Some(&json!({ "action": action })))
    };
    assert_eq!(act(clerk, "submit").0, 200);
    let (status, refused) = act(clerk, "approve");
    assert_eq!((status, refused["code"].as_str()), (409, Some("same_person")), "{refused}");
    assert_eq!(act(chief, "approve").0, 200);
    assert_eq!(act(chief, "activate").0, 200);
    let pay = |by: &str| {
        let paid = json!({ "amount_micro_cny": 9_000_000, "reference": "ICBC-9" });
        site.ask("POST", &format!("/api/v1/contracts/{id}/top-up"), by, Some(&paid))
    };
    assert_eq!(pay(chief).0, 403, "who approves takes no money");
    assert_eq!(pay(till).0, 200);

    let propose = |by: &str, more: Value| {
        let mut new = json!({ "kind": "reversal", "contract": "M-1", "amount_micro_cny": 9_000_000,
            "corrects": "icbc-9", "reason": "another customer's" });
        new.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        site.ask("POST", "/api/v1/corrections", by, Some(&new))
    };
    assert_eq!(propose(clerk, json!({})).0, 403);
    for (more, says) in [
        (json!({ "amount_micro_cny": 8_000_000 }), "whole payment"),
        (json!({ "corrects": "icbc-8" }), "names no payment"),
        (json!({ "kind": "pay_out", "amount_micro_cny": 9_000_001, "reference": "x" }), "more than there is"),
        (json!({ "kind": "pay_out" }), "bank's reference"),
        (json!({ "kind": "credit_note", "corrects": "1" }), "more than there is"),
        (json!({ "kind": "credit_note", "corrects": "icbc-9" }), "names nothing of this contract"),
        (json!({ "kind": "allowance", "corrects": "the fan" }), "names nothing of this contract"),
        (json!({ "kind": "write_off", "corrects": "M-2" }), "names nothing of this contract"),
        (json!({ "kind": "credit_note", "corrects": "2999-01" }), "names nothing of this contract"),
        (json!({ "kind": "transfer" }), "no other contract"),
        (json!({ "kind": "write_off" }), "more than there is"),
        (json!({ "kind": "gift" }), "reversal"),
    ] {
        let (status, refused) = propose(till, more.clone());
        assert!(status == 422 && refused.to_string().contains(says), "{more}: {refused}");
    }
    let (status, proposed) = propose(till, json!({}));
    assert_eq!((status, proposed["state"].as_str()), (201, Some("proposed")), "{proposed}");
    let decide = |by: &str, book: bool| {
        let path = format!("/api/v1/corrections/{}/decide", proposed["id"].as_str().expect("an id"));
        site.ask("POST", &path, by, Some(&json!({ "book": book })))
    };
    let (status, refused) = decide(till, true);
    assert_eq!((status, refused["code"].as_str()), (409, Some("same_person")), "{refused}");
    let (status, booked) = decide(&site.operator, true);
    assert_eq!((status, booked["state"].as_str()), (200, Some("booked")), "{booked}");
    let (status, refused) = decide(&site.operator, false);
    assert_eq!((status, refused["code"].as_str()), (409, Some("already_decided")), "a decision is made once");
    let (status, refused) = propose(till, json!({ "corrects": " ICBC-9" }));
    assert!(status == 422 && refused.to_string().contains("reversed already"), "{refused}");
    let after = site.get(&format!("/api/v1/contracts/{id}"), till);
    assert_eq!(number(&after, "money_balance_micro_cny"), 0);
    let entries = site.get(&format!("/api/v1/ledger/transfers?contract={id}"), till);
    let causes: Vec<_> =
        entries["items"].as_array().expect("entries").iter().map(|one| one["cause"].clone()).collect();
    assert_eq!(causes, ["top_up", "reversal"]);
    assert!(
        site.get("/api/v1/audit?action=decide_correction", &site.operator)["items"][0]["detail"]["reason"]
            == "another customer's"
    );
    books_are_right(&site);
}

#[test]
fn no_more_is_given_back_than_was_charged_and_money_leaves_once() {
    let site = Site::new(QIANTANG, 1, SECONDS);
    let metered = json!({ "kind": "metered", "credit_limit": 100_000_000_000_i64 });
    let tenant = site.tenant("firm", "enterprise", &metered, 8);
    let book = json!({ "name": "v1", "prices": [price("ascend-910", "normal", 3600)] });
    site.post("/api/v1/price-books", &site.operator, &book);
    let job = site.submit(&tenant, &job("short", "sleep 0.2"));
    site.wait_for_end(&tenant.developer, &job);
    let run = runs(&site, &job).remove(0);
    let (id, charge) = (run["id"].as_str().expect("an id"), number(&run, "charge_micro_cny"));
    assert!(charge > 0, "{run}");
    let propose = |kind: &str, corrects: &str, amount: i64, reference: &str| {
        let new = json!({ "kind": kind, "contract": tenant.contract, "amount_micro_cny": amount,
            "corrects": corrects, "reason": "a fan failed", "reference": reference });
        site.ask("POST", "/api/v1/corrections", &site.operator, Some(&new))
    };
    let book = |(status, proposed): (u16, Value)| {
        assert_eq!(status, 201, "{proposed}");
        let path = format!("/api/v1/corrections/{}/decide", proposed["id"].as_str().expect("an id"));
        site.ask("POST", &path, &site.operator, Some(&json!({ "book": true })))
    };
    let is_refused = |(status, refused): (u16, Value), says: &str| {
        assert!(status == 422 && refused.to_string().contains(says), "{refused}");
    };
    is_refused(propose("credit_note", id, charge + 1, ""), "more than there is");
    // Two are proposed of what is there once: the second can't be booked any more.
    let second = propose("allowance", id, charge, "");
    assert_eq!(book(propose("credit_note", id, charge - 1, "")).0, 200);
    let second_id = second.1["id"].as_str().expect("an id").to_owned();
    is_refused(book(second), "more than there is");
    let refuse = |body: &Value| {
        site.ask("POST", &format!("/api/v1/corrections/{second_id}/decide"), &site.operator, Some(body))
    };
    is_refused(refuse(&json!({ "book": false })), "note");
    let (status, refused) = refuse(&json!({ "book": false, "note": "given back already" }));
    assert_eq!((status, refused["note"].as_str()), (200, Some("given back already")));
    is_refused(propose("allowance", id, 2, ""), "more than there is");
    let month = domain::Zone::default().month(testkit::now()).to_string();
    is_refused(propose("allowance", &month, 2, ""), "more than there is");
    assert_eq!(book(propose("allowance", &month, 1, "")).0, 200);

    // What is paid in leaves by one reference of the bank's once.
    let paid = json!({ "amount_micro_cny": 9_000_000, "reference": "in-1" });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    assert_eq!(book(propose("pay_out", "in-1", 4_000_000, "OUT-1")).0, 200);
    is_refused(propose("pay_out", "in-1", 1_000_000, "out-1"), "another pay-out");
    is_refused(propose("pay_out", "in-2", 1_000_000, "out-2"), "names nothing");
    books_are_right(&site);
}

#[test]
fn money_that_nobody_paid_does_not_leave_and_card_time_goes_back_with_its_payment() {
    let site = Site::new(QIANTANG, 1, SECONDS);
    let prepaid = json!({ "kind": "prepaid", "package": 3_600_000, "fee": 10_000_000 });
    let tenant = site.tenant("firm", "enterprise", &prepaid, 8);
    let metered = site.tenant("lab", "enterprise", &json!({ "kind": "metered", "credit_limit": 0 }), 8);
    let granted = site.tenant("univ", "research", &json!({ "kind": "grant", "cap": null }), 8);
    let propose = |kind: &str, corrects: &str, amount: i64, to: Option<&str>| {
        let reference = if kind == "pay_out" { "OUT-1" } else { "" };
        let new = json!({ "kind": kind, "contract": tenant.contract, "amount_micro_cny": amount, "to_contract": to,
            "corrects": corrects, "reason": "it ends", "reference": reference });
        site.ask("POST", "/api/v1/corrections", &site.operator, Some(&new))
    };
    let book = |(status, proposed): (u16, Value)| {
        assert_eq!(status, 201, "{proposed}");
        let path = format!("/api/v1/corrections/{}/decide", proposed["id"].as_str().expect("an id"));
        site.post(&path, &site.operator, &json!({ "book": true }));
    };
    let is_refused = |(status, refused): (u16, Value), says: &str| {
        assert!(status == 422 && refused.to_string().contains(says), "{refused}");
    };
    let top_up = |body: &Value| {
        site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, body);
    };
    is_refused(propose("pay_out", "firm-1", 1, None), "more than there is: 0.00 CNY");
    is_refused(propose("transfer", "firm-1", 1, Some("lab-1")), "more than there is: 0.00 CNY");
    top_up(&json!({ "amount_micro_cny": 4_000_000, "reference": "in-1" }));
    is_refused(propose("transfer", "firm-1", 4_000_001, Some("lab-1")), "4.00 CNY");
    is_refused(propose("transfer", "firm-1", 1, Some("univ-1")), "no contract to which money can be moved");
    assert_eq!(granted.slug, "univ");
    book(propose("transfer", "firm-1", 3_000_000, Some("lab-1")));
    book(propose("pay_out", "in-1", 1_000_000, None));
    let lab = site.get(&format!("/api/v1/contracts/{}", metered.contract), &site.operator);
    assert_eq!(number(&lab, "money_balance_micro_cny"), 3_000_000);

    // Card time comes with money or alone, and goes back with it.
    let card_time = || {
        let shown = site.get(&format!("/api/v1/contracts/{}", tenant.contract), &site.operator);
        number(&shown, "use_balance_card_ms")
    };
    top_up(&json!({ "amount_micro_cny": 5_000_000, "card_ms": 1000, "reference": "both" }));
    top_up(&json!({ "card_ms": 70, "reference": "time" }));
    assert_eq!(card_time(), 3_601_070);
    book(propose("reversal", "both", 5_000_000, None));
    book(propose("reversal", "time", 0, None));
    assert_eq!(card_time(), 3_600_000);
    is_refused(propose("reversal", "time", 0, None), "reversed already");
    books_are_right(&site);
}
