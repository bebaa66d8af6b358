//! Renewals of contracts, and that signatures and renewals count once whatever is killed.

use domain::{Millis, Zone};
use serde_json::{Value, json};
use testkit::{PASSWORD, Site, grant};

use super::{
    alone, books_are_right, click, killed_meanwhile, person, register, sign,
    signing::{code, contract, make, refused},
    take, texts,
};
use crate::QIANTANG;

/// The date so many days from today.
fn day(days: i64) -> String {
    Zone::default().date(testkit::now().plus(Millis::from_hours(24 * days)))
}

#[test]
fn a_contract_is_renewed_for_the_term_after_it_once() {
    let site = Site::new(QIANTANG, 1, &alone());
    let univ = site.tenant("univ", "research", &grant(), 8);
    register(&site, "univ");
    let drawn = |number: &str, ends_at: &str| {
        let queue = json!({ "weight": 3, "guaranteed_cards": 2, "max_running_cards": 4 });
        let terms = json!({ "kind": "reserved", "cards": 4, "fee": 5_000_000 });
        let new = json!({ "number": number, "terms": terms, "pools": ["ascend-910"], "queue": queue,
            "starts_at": day(-300), "ends_at": ends_at, "tenant": "univ" });
        site.post("/api/v1/contracts", &univ.admin, &new)["id"].as_str().expect("an id").to_owned()
    };
    let renew = |id: &str, body: Value| {
        site.ask("POST", &format!("/api/v1/contracts/{id}/renew"), &univ.admin, Some(&body))
    };
    let early = drawn("HZ-1", &day(40));
    take(&site, &site.operator, &early, &["submit", "approve", "activate"]);
    assert_eq!(code(renew(&early, json!({}))), refused("renewal"));
    let browser = testkit::Browser::signed_in(&site, "univ-admin");
    assert!(!browser.get(&format!("/contracts/{early}")).body.contains("/renew\""));
    let id = drawn("HZ-2", &day(20));
    make(&site, &univ.admin, &id);
    assert_eq!(code(renew(&id, json!({}))), refused("contract_state"), "it was never active");
    take(&site, &site.operator, &id, &["submit", "approve"]);
    let text = texts(&site, &univ.admin, &id)[0].clone();
    for by in [&site.operator, &univ.admin] {
        sign(&site, by, &id, &text);
    }
    let before = contract(&site, &id);
    assert!(browser.get(&format!("/contracts/{id}")).body.contains(&format!("/contracts/{id}/renew\"")));
    let answer = browser.send_form(&format!("/contracts/{id}/renew"), &[]);
    let path = answer.header("location");
    let new = contract(&site, path.strip_prefix("/contracts/").expect("a contract"));
    assert_eq!((&new["number"], &new["state"]), (&json!("HZ-2-R"), &json!("draft")));
    for same in ["terms", "queue", "pools", "tenant"] {
        assert_eq!(new[same], before[same], "{same}");
    }
    assert_eq!(new["starts_at"], before["ends_at"]);
    assert!(new["ends_at"].as_str() > new["starts_at"].as_str(), "{new}");
    assert_eq!(
        texts(&site, &univ.admin, new["id"].as_str().expect("an id")).len(),
        1,
        "as the old one has a text"
    );
    assert_eq!(code(renew(&id, json!({ "number": "HZ-9" }))), refused("renewal"), "it is renewed once");
    take(&site, &site.operator, new["id"].as_str().expect("an id"), &["terminate"]);
    let (status, again) = renew(&id, json!({ "number": "HZ-9" }));
    assert_eq!((status, &again["number"]), (201, &json!("HZ-9")), "{again}");
    assert!(browser.get(path).body.contains(&format!("href=\"/contracts/{id}\"")), "it leads to the old one");
}

#[test]
fn signatures_and_renewals_count_once_whatever_is_clicked_and_killed() {
    const CONTRACTS: usize = 8;
    let mut site = Site::new(QIANTANG, 1, &alone());
    let univ = site.tenant("univ", "research", &grant(), 8);
    register(&site, "univ");
    let second = person(&site, "second", "operator");
    let new = json!({ "login": "univ-second", "name": "second", "role": "admin", "password": PASSWORD,
        "tenant": "univ" });
    site.post("/api/v1/members", &site.operator, &new);
    let theirs = [univ.admin.clone(), site.login("univ-second")];
    let ours = [site.operator.clone(), second];
    let people = || ours.iter().chain(&theirs).cloned();
    site.keep_address();
    let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 8 });
    let terms = json!({ "kind": "prepaid", "package": 3_600_000, "fee": 12_000_000 });
    let ids: Vec<String> = (0..CONTRACTS)
        .map(|at| {
            let new = json!({ "number": format!("HZ-{at}"), "terms": terms, "pools": ["ascend-910"],
                "queue": queue, "starts_at": day(-300), "ends_at": day(20), "tenant": "univ" });
            let made = site.post("/api/v1/contracts", &site.operator, &new);
            let id = made["id"].as_str().expect("an id").to_owned();
            assert_eq!(make(&site, &site.operator, &id).0, 201);
            assert_eq!(take(&site, &site.operator, &id, &["submit", "approve"]).0, 200);
            id
        })
        .collect();

    // Two people of each side sign all of them, and the center is killed all the while.
    let wanted: Vec<(String, Value)> = ids
        .iter()
        .map(|id| {
            let text = &texts(&site, &site.operator, id)[0];
            let body = json!({ "version": 1, "sha256": text["sha256"], "password": PASSWORD });
            (format!("/api/v1/contracts/{id}/signatures"), body)
        })
        .collect();
    let signers = people().map(|token| click(&site, token, wanted.clone())).collect();
    let told = killed_meanwhile(&mut site, signers, 600);
    assert!(told <= 2 * CONTRACTS, "{told} were told that they signed");
    let acts = |action: &str| {
        let lines = site.get(&format!("/api/v1/audit?limit=200&action={action}"), &site.operator);
        lines["items"].as_array().expect("lines").len()
    };
    assert_eq!(acts("sign_contract"), 2 * CONTRACTS);
    for id in &ids {
        let found = contract(&site, id);
        assert_eq!((&found["state"], &found["fee_open_micro_cny"]), (&json!("active"), &json!(12_000_000)));
        let text = &texts(&site, &site.operator, id)[0];
        let mut sides: Vec<&str> = text["signatures"]
            .as_array()
            .expect("signatures")
            .iter()
            .map(|one| one["side"].as_str().expect("a side"))
            .collect();
        sides.sort_unstable();
        assert_eq!((sides, &text["is_intact"]), (vec!["center", "tenant"], &json!(true)), "{text}");
        let events = site.get(&format!("/api/v1/contracts/{id}/events"), &site.operator);
        let is_active = |one: &&Value| one["action"] == "activate";
        assert_eq!(events.as_array().expect("events").iter().filter(is_active).count(), 1, "{events}");
    }
    books_are_right(&site);

    // The same with their renewals, each under a number of whoever asks.
    let renewers = people()
        .zip(0..)
        .map(|(token, at)| {
            let renew = |id: &String| {
                let number = format!("{}-{at}", &id[id.len() - 12..]);
                (format!("/api/v1/contracts/{id}/renew"), json!({ "number": number }))
            };
            click(&site, token, ids.iter().map(renew).collect())
        })
        .collect();
    let told = killed_meanwhile(&mut site, renewers, 200);
    assert!(told <= CONTRACTS, "{told} were told that they renewed");
    let all = site.get("/api/v1/contracts", &site.operator);
    assert_eq!(all.as_array().expect("contracts").len(), 1 + 2 * CONTRACTS);
    let renewed = site.get("/api/v1/audit?limit=200&action=renew_contract", &site.operator);
    assert_eq!(renewed["items"].as_array().expect("lines").len(), CONTRACTS);
    books_are_right(&site);
}
