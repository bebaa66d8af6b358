//! Quotes: their prices, by whose authority discounts are given, until when they hold, and that they are accepted once.

use domain::{Millis, Timestamp};
use serde_json::{Value, json};
use testkit::{Browser, Site, job};

use super::{
    act, alone, books_are_right, click, draw_up, hears, killed_meanwhile, line, person, quote, quote_for,
    register,
};
use crate::QIANTANG;

const RATE: i64 = 12_345_677;

fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("no {key} in {value}"))
}

#[test]
fn a_quote_is_what_a_dry_run_says_and_what_a_run_is_charged() {
    let site = Site::new(QIANTANG, 1, &alone());
    site.publish_price(RATE);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000 });
    let firm = site.tenant("firm", "enterprise", &metered, 8);
    let of_time = |card_ms: i64| {
        let line = json!({ "pool": "ascend-910", "service_class": "normal", "cards": 1, "card_ms": card_ms });
        let new = quote_for("firm", "metered", &[line]);
        let made = site.post("/api/v1/quotes", &site.operator, &new);
        assert_eq!(made["lines"][0]["rate_micro_cny_per_card_hour"], RATE);
        number(&made, "amount_micro_cny")
    };
    let spec = job("priced", "sleep 0.4");
    let tried = site.post("/api/v1/jobs/dry-run", &firm.developer, &spec);
    let price = &tried["price"];
    assert_eq!(of_time(number(price, "most_card_ms")), number(price, "most_micro_cny"), "{tried}");
    let id = site.submit(&firm, &spec);
    let ended = site.wait_for_end(&firm.developer, &id);
    let (used, charged) = (number(&ended, "used_card_ms"), number(&ended, "charge_micro_cny"));
    assert!(used > 0 && charged > 0, "{ended}");
    assert_eq!(of_time(used), charged);

    // The contract of a package charges what was quoted for all of it, and so does its rate.
    let new = quote_for("firm", "prepaid", &[line(1000, 0)]);
    let package = draw_up(&site, &site.operator, &new);
    act(&site, &site.operator, &package, "send");
    let (status, accepted) = act(&site, &firm.admin, &package, "accept");
    assert_eq!(status, 200, "{accepted}");
    let id = accepted["contract_id"].as_str().expect("a contract");
    let contract = site.get(&format!("/api/v1/contracts/{id}"), &firm.admin);
    assert_eq!((&contract["state"], &contract["number"]), (&json!("draft"), &accepted["contract"]));
    let terms = json!({ "kind": "prepaid", "package": 3_600_000_000_i64, "fee": RATE * 1000 });
    assert_eq!(contract["terms"], terms, "{contract}");
    assert_eq!(contract["queue"]["max_running_cards"], 8);
    books_are_right(&site);
}

#[test]
fn the_kinds_of_contracts_come_of_their_quotes() {
    let site = Site::new(QIANTANG, 1, &alone());
    site.publish_price(12_000_000);
    let univ = site.tenant("univ", "research", &testkit::grant(), 8);
    let accepted = |new: &Value| {
        let number = draw_up(&site, &site.operator, new);
        assert_eq!(act(&site, &site.operator, &number, "send").0, 200);
        let (status, answer) = act(&site, &univ.admin, &number, "accept");
        assert_eq!(status, 200, "{answer}");
        let id = answer["contract_id"].as_str().expect("a contract");
        site.get(&format!("/api/v1/contracts/{id}"), &univ.admin)
    };
    let whole = json!({ "pool": "ascend-910", "service_class": "normal", "cards": 4, "discount_bp": 2500 });
    let mut reserved = quote_for("univ", "reserved", std::slice::from_ref(&whole));
    (reserved["starts_at"], reserved["ends_at"]) = (json!("2098-01-01"), json!("2098-02-01"));
    let contract = accepted(&reserved);
    // 31 days of 24 hours with 4 cards at 12 yuan, a quarter off.
    let terms = json!({ "kind": "reserved", "cards": 4, "fee": 31 * 24 * 4 * 9_000_000_i64 });
    assert_eq!((&contract["terms"], &contract["queue"]["guaranteed_cards"]), (&terms, &json!(4)));
    let mut metered = quote_for("univ", "metered", &[line(10, 0)]);
    metered["credit_limit_micro_cny"] = json!(7_000_000);
    assert_eq!(accepted(&metered)["terms"], json!({ "kind": "metered", "credit_limit": 7_000_000 }));
    let contract = accepted(&quote_for("univ", "grant", &[line(10, 0)]));
    assert_eq!(contract["terms"], json!({ "kind": "grant", "cap": 36_000_000 }));

    let refused = |new: &Value, field: &str| {
        let (status, answer) = site.ask("POST", "/api/v1/quotes", &site.operator, Some(new));
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some(field)), "{answer}");
    };
    let with = |key: &str, value: Value| {
        let mut new = quote_for("univ", "prepaid", &[line(10, 0)]);
        new[key] = value;
        new
    };
    refused(&with("kind", json!("lease")), "kind");
    refused(&with("lines", json!([])), "lines");
    refused(&with("lines", json!([line(1, 0), line(2, 0)])), "lines");
    refused(&with("lines", json!([line(1, 10_001)])), "discount_bp");
    refused(&with("lines", json!([line(0, 0)])), "card_ms");
    refused(&with("credit_limit_micro_cny", json!(1)), "credit_limit_micro_cny");
    refused(&with("ends_at", json!("2019-01-01")), "ends_at");
    refused(&with("valid_until", json!("2019-01-01")), "valid_until");
    let days = |days: i64| testkit::now().plus(Millis::from_hours(24 * days)).to_string();
    let mut short = with("ends_at", json!(days(20)));
    for (until, why) in [(days(366), "365 days"), (days(30), "`ends_at`")] {
        short["valid_until"] = json!(until);
        let answer = site.ask("POST", "/api/v1/quotes", &site.operator, Some(&short)).1;
        assert!(answer["errors"][0].to_string().contains(why), "{until}: {answer}");
    }
    refused(&with("valid_until", json!("2098-01-01")), "valid_until");
    refused(&with("application", json!("A-2026-000001")), "tenant");
    refused(&quote_for("univ", "metered", &[line(1, 1)]), "discount_bp");
    refused(&quote_for("univ", "grant", &[line(1, 1)]), "discount_bp");
    refused(&quote_for("univ", "reserved", &[line(1, 0)]), "card_ms");
    let urgent = json!({ "pool": "ascend-910", "service_class": "urgent", "cards": 1, "card_ms": 1000 });
    let other = json!({ "name": "other", "confirmed": true, "prices": [{ "pool": "ascend-910",
        "service_class": "normal", "domain": "research", "rate_micro_cny_per_card_hour": 5 }] });
    site.post("/api/v1/price-books", &site.operator, &other);
    refused(&quote_for("univ", "prepaid", &[urgent]), "lines");
}

#[test]
fn a_discount_beyond_one_s_authority_takes_a_second_person() {
    let settings =
        super::SETTINGS.to_owned() + "[quotes.discount_bp]\ncontracts = 1000\noperator = 3000\n[books]\n";
    let site = Site::new(QIANTANG, 1, &settings);
    site.publish_price(12_000_000);
    let new = json!({ "slug": "firm", "name_zh": "甲", "name_en": "A", "domain": "enterprise" });
    site.post("/api/v1/tenants", &site.operator, &new);
    let clerks = ["clerk", "clerk-2"].map(|login| person(&site, login, "contracts"));
    let second = person(&site, "second", "operator");
    let money = person(&site, "money", "center_finance");
    let drawn = |by: &str, bp: u32| draw_up(&site, by, &quote_for("firm", "prepaid", &[line(10, bp)]));
    let code =
        |(status, answer): (u16, Value)| (status, answer["code"].as_str().unwrap_or_default().to_owned());
    let above = (409, "discount_above".to_owned());

    // A tenth a clerk gives alone.
    let own = drawn(&clerks[0], 1000);
    assert_eq!(act(&site, &clerks[0], &own, "send").0, 200);
    // More than that neither the same clerk nor another, but an operator does.
    let more = drawn(&clerks[0], 1001);
    assert_eq!(code(act(&site, &clerks[0], &more, "send")), above);
    assert_eq!(code(act(&site, &clerks[1], &more, "grant")), above);
    assert_eq!(act(&site, &money, &more, "grant").0, 403);
    let (status, granted) = act(&site, &site.operator, &more, "grant");
    assert_eq!((status, &granted["granted_by"]), (200, &json!("operator")), "{granted}");
    assert_eq!(act(&site, &clerks[0], &more, "send").0, 200, "it was granted");
    // What no role gives alone takes two operators.
    let most = drawn(&site.operator, 3001);
    assert_eq!(code(act(&site, &site.operator, &most, "send")), above);
    assert_eq!(code(act(&site, &site.operator, &most, "grant")), (409, "same_person".to_owned()));
    assert_eq!(act(&site, &second, &most, "grant").0, 200);
    assert_eq!(act(&site, &site.operator, &most, "send").0, 200);
    // What was sent is not granted any more, nor sent again.
    assert_eq!(code(act(&site, &second, &most, "grant")), (409, "quote_state".to_owned()));
    assert_eq!(code(act(&site, &second, &most, "send")), (409, "quote_state".to_owned()));
    let audit = site.get("/api/v1/audit?limit=200&action=grant_discount", &site.operator);
    assert_eq!(audit["items"].as_array().expect("lines").len(), 2);
}

#[test]
fn a_quote_keeps_its_prices_and_ends_by_the_clock() {
    let mut site = Site::new(QIANTANG, 1, &alone());
    site.publish_price(12_000_000);
    let firm = site.tenant("firm", "enterprise", &testkit::grant(), 8);
    let sent = || {
        let number = draw_up(&site, &site.operator, &quote_for("firm", "prepaid", &[line(10, 0)]));
        assert_eq!(act(&site, &site.operator, &number, "send").0, 200);
        number
    };
    let (kept, late, unseen) = (sent(), sent(), sent());
    let taken_back = sent();
    assert_eq!(act(&site, &site.operator, &taken_back, "withdraw").0, 200);
    assert_eq!(act(&site, &firm.admin, &taken_back, "accept").0, 409);
    site.post(
        "/api/v1/price-books",
        &site.operator,
        &json!({ "name": "dearer", "confirmed": true, "prices": [{ "pool": "ascend-910", "service_class": "normal",
            "domain": "enterprise", "rate_micro_cny_per_card_hour": 99_000_000 }] }),
    );
    let (status, accepted) = act(&site, &firm.admin, &kept, "accept");
    assert_eq!((status, number(&accepted, "amount_micro_cny")), (200, 120_000_000), "{accepted}");
    assert_eq!(accepted["price_book"], "test");

    // From the instant on nobody accepts it, whether the loop has come by or not.
    site.stop();
    site.clock_ahead = Millis::from_hours(31 * 24);
    site.start();
    site.operator = site.login("operator");
    let admin = site.login("firm-admin");
    let (status, refused) = act(&site, &admin, &late, "accept");
    assert_eq!((status, refused["code"].as_str()), (409, Some("quote_state")), "{refused}");
    assert_eq!(quote(&site, &admin, &late)["state"], "expired");
    site.wait_for("the clock", || {
        let of_clock = site.get("/api/v1/audit?limit=200&action=expire_quote", &site.operator);
        (of_clock["items"].as_array()?.len() == 2).then_some(())
    });
    assert!(quote(&site, &admin, &unseen)["ended_at"].is_string());
    let valid: Timestamp = accepted["valid_until"].as_str().expect("an instant").parse().expect("one");
    let drawn: Timestamp = accepted["drawn_at"].as_str().expect("an instant").parse().expect("one");
    assert!((valid.since(drawn).0 - Millis::from_hours(30 * 24).0).abs() < 1000, "{accepted}");
}

#[test]
fn a_tenant_sees_what_was_sent_to_it_and_no_other_s() {
    let site = Site::new(QIANTANG, 1, &alone());
    site.publish_price(12_000_000);
    let alpha = site.tenant("alpha", "research", &testkit::grant(), 8);
    let beta = site.tenant("beta", "research", &testkit::grant(), 8);
    let finance = site.login("alpha-finance");
    let of = |by: &str| {
        let list = site.get("/api/v1/quotes", by);
        let items = list["items"].as_array().expect("quotes");
        assert_eq!(number(&list["total"], "count"), i64::try_from(items.len()).expect("few"));
        items.iter().map(|quote| quote["number"].as_str().expect("a number").to_owned()).collect::<Vec<_>>()
    };
    let drawn = || draw_up(&site, &site.operator, &quote_for("alpha", "prepaid", &[line(10, 500)]));
    let (draft, sent, dropped) = (drawn(), drawn(), drawn());
    act(&site, &site.operator, &sent, "send");
    act(&site, &site.operator, &dropped, "withdraw");
    assert_eq!(of(&site.operator), [dropped.clone(), sent.clone(), draft.clone()]);
    for tenants in [&alpha.admin, &finance] {
        assert_eq!(of(tenants), std::slice::from_ref(&sent));
    }
    assert!(of(&beta.admin).is_empty());
    assert_eq!(site.ask("GET", "/api/v1/quotes", &alpha.developer, None).0, 403);
    for number in [&draft, &dropped] {
        assert_eq!(site.ask("GET", &format!("/api/v1/quotes/{number}"), &alpha.admin, None).0, 404);
        assert_eq!(act(&site, &alpha.admin, number, "accept").0, 404);
    }
    let shown = quote(&site, &finance, &sent);
    assert_eq!((&shown["drawn_by"], &shown["amount_micro_cny"]), (&Value::Null, &json!(114_000_000)));
    assert_eq!(quote(&site, &site.operator, &sent)["drawn_by"], "operator");
    // The center does not accept its own offer, nor another tenant this one's.
    assert_eq!(act(&site, &site.operator, &sent, "accept").0, 403);
    assert_eq!(act(&site, &beta.admin, &sent, "accept").0, 404);
    assert_eq!(act(&site, &alpha.developer, &sent, "accept").0, 403);
    assert_eq!(act(&site, &alpha.admin, &sent, "send").0, 403);
    assert_eq!(act(&site, &alpha.admin, &sent, "withdraw").0, 403);
    assert_eq!(act(&site, &finance, &sent, "accept").0, 200);
    // The list of events tells of it in words, to those whose matter it is.
    let events = |login: &str| Browser::signed_in(&site, login).get("/events").body;
    let told = events("alpha-finance");
    assert!(told.contains(&format!("href=\"/quotes/{sent}\"")) && told.contains("accepted</span>"), "{told}");
    assert!(!events("beta-admin").contains(&sent));
    // And so do the inboxes: what came to the tenant's, and what it did to the center's.
    let page = format!("/quotes/{sent}");
    for (by, topic) in
        [(&alpha.admin, "quote_moved"), (&finance, "quote_moved"), (&site.operator, "quote_accepted")]
    {
        hears(&site, by, topic, &page);
    }
    let inbox = site.get("/api/v1/notices", &beta.admin).to_string();
    assert!(!inbox.contains("/quotes/"), "{inbox}");
}

#[test]
fn a_quote_is_accepted_once_whatever_is_clicked_and_killed() {
    const QUOTES: usize = 24;
    let mut site = Site::new(QIANTANG, 1, &alone());
    site.publish_price(12_000_000);
    let firm = site.tenant("firm", "enterprise", &testkit::grant(), 8);
    register(&site, "firm");
    site.keep_address();
    let numbers: Vec<String> = (0..QUOTES)
        .map(|_| {
            let number = draw_up(&site, &site.operator, &quote_for("firm", "prepaid", &[line(10, 0)]));
            assert_eq!(act(&site, &site.operator, &number, "send").0, 200);
            number
        })
        .collect();
    // Two people who click at the same time, and ask again whatever was not answered.
    let clickers: Vec<_> = [firm.admin.clone(), site.login("firm-finance")]
        .into_iter()
        .map(|token| {
            let wanted = numbers.iter().map(|number| (format!("/api/v1/quotes/{number}/accept"), json!({})));
            click(&site, token, wanted.collect())
        })
        .collect();
    let made = killed_meanwhile(&mut site, clickers, 200);
    assert!(made <= QUOTES, "{made} were told that they accepted");
    let contracts = site.get("/api/v1/contracts", &site.operator);
    let contracts = contracts.as_array().expect("contracts");
    let accepted = site.get("/api/v1/audit?limit=200&action=accept_quote", &site.operator);
    assert_eq!(accepted["items"].as_array().expect("lines").len(), QUOTES);
    assert_eq!(contracts.len(), QUOTES + 1);
    for number in &numbers {
        let found = quote(&site, &site.operator, number);
        assert_eq!(found["state"], "accepted", "{found}");
        let of_quote: Vec<&Value> =
            contracts.iter().filter(|one| one["number"] == found["contract"]).collect();
        let [contract] = &of_quote[..] else { panic!("{} contracts of {number}", of_quote.len()) };
        assert_eq!((&contract["id"], &contract["state"]), (&found["contract_id"], &json!("draft")));
        let texts = super::texts(&site, &site.operator, contract["id"].as_str().expect("an id"));
        assert_eq!(texts.len(), 1, "it has its text with its draft");
    }
    books_are_right(&site);
}
