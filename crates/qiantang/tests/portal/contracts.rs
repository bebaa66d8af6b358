//! Contracts by hand: drawn up, decided, paid in.

use serde_json::{Value, json};
use testkit::{Answer, Browser, grant};

use crate::scene::Scene;

/// The fields of a contract that can be made.
const DRAFT: [(&str, &str); 12] = [
    ("number", "HZ-9"),
    ("tenant", "alpha"),
    ("kind", "metered"),
    ("credit", "100"),
    ("pool", "ascend-910"),
    ("starts", "2026-01-01"),
    ("ends", "2099-01-01"),
    ("guaranteed", "4"),
    ("most", "8"),
    ("weight", "2"),
    ("borrowing", ""),
    ("lending", ""),
];

/// The draft with other values in some fields.
fn draft<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = DRAFT.to_vec();
    for (name, value) in changes {
        fields.iter_mut().find(|(known, _)| known == name).expect("a field of the form").1 = value;
    }
    fields
}

fn act(browser: &Browser, page: &str, action: &str, reason: &str) -> Answer {
    browser.send_form(&format!("{page}/act"), &[("action", action), ("reason", reason)])
}

/// The path of a page with an active contract that is billed by use.
fn metered_contract(scene: &Scene) -> String {
    scene.site.publish_price(1_000_000);
    let terms = json!({ "kind": "metered", "credit_limit": 100_000_000 });
    format!("/contracts/{}", scene.site.tenant("paying", "enterprise", &terms, 8).contract)
}

fn kept(scene: &Scene, page: &str) -> Value {
    scene.site.get(&format!("/api/v1{page}"), &scene.site.operator)
}

#[test]
fn a_draft_that_can_not_be_comes_back_with_each_fault_at_its_field() {
    let scene = Scene::new();
    let mut operator = scene.browser("operator");
    let bad = draft(&[("ends", "2026-01-01"), ("guaranteed", "9"), ("weight", "none")]);
    for (lang, said) in [("en", "give a day after the first"), ("zh", "要晚于开始的那一天")] {
        operator.lang = lang;
        let refused = operator.send_form("/contracts/new", &bad);
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains(said), "said at its field: {}", refused.body);
        assert_eq!(refused.body.matches("class=\"error\"").count(), 3, "{}", refused.body);
        for kept in ["value=\"HZ-9\"", "value=\"none\"", "value=\"100\""] {
            assert!(refused.body.contains(kept), "what was typed is kept: {kept}");
        }
    }
}

#[test]
fn a_contract_is_drawn_up_and_decided_by_hand() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    let made = operator.send_form("/contracts/new", &DRAFT);
    assert_eq!(made.status, 303, "{}", made.body);
    let twice = operator.send_form("/contracts/new", &DRAFT);
    assert_eq!(twice.status, 409);
    assert!(twice.body.contains("id=\"number-error\""), "the number is taken: {}", twice.body);

    let page = made.header("location");
    let shown = operator.get(page).body;
    assert!(shown.contains("Draft") && shown.contains("Not active yet") && shown.contains("/act/submit"));
    for action in ["submit", "approve", "activate"] {
        let look = operator.get(&format!("{page}/act/{action}"));
        assert_eq!(look.status, 200, "{}", look.body);
        let done = act(&operator, page, action, "");
        assert_eq!(done.status, 303, "{action}: {}", done.body);
    }
    assert_eq!(kept(&scene, page)["state"], "active");
}

#[test]
fn an_administrator_draws_up_and_hands_in_a_contract_and_no_more() {
    let scene = Scene::new();
    let admin = scene.browser("alpha-admin");
    let mut fields = draft(&[("number", "HZ-10")]);
    fields.retain(|(name, _)| *name != "tenant");
    let made = admin.send_form("/contracts/new", &fields);
    assert_eq!(made.status, 303, "{}", made.body);
    let status = |action| act(&admin, made.header("location"), action, "x").status;
    assert_eq!((status("approve"), status("submit"), status("approve")), (403, 303, 403));
}

#[test]
fn a_payment_is_reviewed_and_booked_once() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    let page = metered_contract(&scene);
    let top_up = format!("{page}/top-up");
    let balance = || kept(&scene, &page)["money_balance_micro_cny"].clone();

    let wrong = operator.send_form(&top_up, &[("amount", "much"), ("reference", ""), ("step", "book")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("value=\"much\"") && wrong.body.contains("id=\"reference-error\""));

    let payment = [("amount", "1,000"), ("reference", "bank 1")];
    let review = operator.send_form(&top_up, &payment);
    assert_eq!(review.status, 200, "{}", review.body);
    assert!(review.body.contains("¥ 1,000.00") && review.body.contains("value=\"book\""), "{}", review.body);
    assert_eq!(balance(), 0, "looking books nothing");

    let book = || operator.send_form(&top_up, &[payment[0], payment[1], ("step", "book")]);
    let booked = book();
    assert_eq!(booked.status, 303, "{}", booked.body);
    let again = book();
    assert_eq!(again.status, 409);
    assert!(again.body.contains("was booked before"), "{}", again.body);
    assert_eq!(balance(), 1_000_000_000, "one reference is booked once");

    let other = operator.send_form(&top_up, &[("amount", "2"), payment[1], ("step", "book")]);
    assert_eq!(other.status, 409);
    assert!(other.body.contains("id=\"reference-error\""), "{}", other.body);
}

#[test]
fn payments_are_listed_newest_first_in_pages() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    let page = metered_contract(&scene);
    let pay = |amount: i64, reference: &str| {
        let body = json!({ "amount_micro_cny": amount, "reference": reference });
        scene.site.post(&format!("/api/v1{page}/top-up"), &scene.site.operator, &body);
    };
    pay(1_000_000_000, "first");
    for n in 0..25 {
        pay(1_000_000 + n, &format!("more {n}"));
    }
    let first = operator.get(&page).body;
    let cursor = first.split("?cursor=").nth(1).and_then(|rest| rest.split('#').next());
    let cursor = cursor.expect("a link to older ones");
    let second = operator.get(&format!("{page}?cursor={cursor}")).body;
    assert!(!first.contains("¥ 1,000.00</span></td>"), "the newest come first");
    assert!(second.contains("¥ 1,000.00</span></td>"), "{second}");
    assert!(!second.contains("rel=\"next\""), "these are the last");
}

#[test]
fn a_decision_needs_its_reason_which_the_page_and_the_audit_log_show_as_text() {
    let scene = Scene::new();
    scene.site.tenant("beta", "enterprise", &grant(), 8);
    let operator = scene.browser("operator");
    let page = format!("/contracts/{}", scene.alpha.contract);
    let bare = act(&operator, &page, "suspend", " ");
    assert_eq!(bare.status, 422);
    assert!(bare.body.contains("say why"), "{}", bare.body);

    assert_eq!(act(&operator, &page, "suspend", "an audit of <b>its</b> use").status, 303);
    let shown = operator.get(&page).body;
    assert!(shown.contains("an audit of &#60;b&#62;its"), "{shown}");
    let log = |query: &str| operator.get(&format!("/audit?action=decide_contract&{query}")).body;
    let of_alpha = log("tenant=alpha&actor=operator");
    assert!(of_alpha.contains("an audit of") && of_alpha.contains(&format!("href=\"{page}\"")), "{of_alpha}");
    assert!(!log("tenant=beta").contains("an audit of"));
}

#[test]
fn a_draft_is_changed_in_the_form_that_drew_it_up() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    let made = operator.send_form("/contracts/new", &DRAFT);
    let page = made.header("location").to_owned();
    let edit = format!("{page}/edit");
    assert!(operator.get(&page).body.contains(&format!("href=\"{edit}\"")));
    let form = operator.get(&edit).body;
    for kept in ["value=\"HZ-9\"", "value=\"100.00\"", "value=\"2099-01-01\""] {
        assert!(form.contains(kept), "{kept}: {form}");
    }
    let refused = operator.send_form(&edit, &draft(&[("ends", "2025-01-01"), ("number", "HZ-10")]));
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("value=\"HZ-10\"") && refused.body.contains("value=\"2025-01-01\""));
    let changed = operator.send_form(&edit, &draft(&[("credit", "250"), ("number", "HZ-10")]));
    assert_eq!((changed.status, changed.header("location")), (303, &*page), "{}", changed.body);
    let now = kept(&scene, &page);
    assert_eq!((&now["number"], &now["terms"]["credit_limit"]), (&json!("HZ-10"), &json!(250_000_000)));
    act(&operator, &page, "submit", "");
    assert!(!operator.get(&page).body.contains("/edit"), "nobody changes what was submitted");
    assert_eq!(operator.get(&edit).status, 409);
}

#[test]
fn an_amendment_is_drawn_up_and_approved_by_hand() {
    let scene = Scene::new();
    let page = metered_contract(&scene);
    let mut operator = scene.browser("operator");
    let form = operator.get(&format!("{page}/amend")).body;
    assert!(form.contains("value=\"100.00\"") && form.contains("value=\"2099-01-01\""), "{form}");
    let fields = |credit: &'static str, ends: &'static str, reason: &'static str| {
        [
            ("effective", "now"),
            ("ends", ends),
            ("credit", credit),
            ("guaranteed", "0"),
            ("most", "8"),
            ("weight", "1"),
            ("borrowing", ""),
            ("lending", ""),
            ("reason", reason),
        ]
    };
    let amend = format!("{page}/amend");
    let refused = operator.send_form(&amend, &fields("250", "2099-01-01", ""));
    assert!(
        refused.status == 422 && refused.body.contains("value=\"250\""),
        "a reason is needed: {}",
        refused.body
    );
    let refused = operator.send_form(&amend, &fields("100.00", "2020-05-01", "shorter"));
    assert!(refused.status == 422 && refused.body.contains("id=\"ends-error\""), "{}", refused.body);
    let made = operator.send_form(&amend, &fields("250", "2098-01-01", "they <grow>"));
    assert_eq!((made.status, made.header("location")), (303, &*format!("{page}#versions")), "{}", made.body);
    let shown = operator.get(&page).body;
    assert!(shown.contains("they &#60;grow&#62;") || shown.contains("they &lt;grow&gt;"), "{shown}");
    assert!(shown.contains("Credit limit: ¥ 100.00") && shown.contains("2098-01-01"), "{shown}");
    let id = kept(&scene, &format!("{page}/amendments"))[0]["id"].as_str().expect("an id").to_owned();
    let decide = format!("/amendments/{id}/decide");
    let refused = operator.send_form(&decide, &[("decision", "refuse"), ("note", "")]);
    assert_eq!(refused.status, 422, "who is refused is told why: {}", refused.body);
    assert!(refused.body.contains("they ") && refused.body.contains("role=\"alert\""), "{}", refused.body);
    let approved = operator.send_form(&decide, &[("decision", "approve")]);
    assert_eq!(approved.status, 303, "{}", approved.body);
    operator.lang = "zh";
    let shown = operator.get(&page).body;
    assert!(shown.contains("信用额度") && shown.contains("启用时的条款"), "{shown}");
    assert_eq!(kept(&scene, &page)["terms"]["credit_limit"], 250_000_000);
}
