//! What reviewers hear of and see: whoever's step it is, and who else has what is asked for.

use serde_json::{Value, json};
use testkit::{Browser, Site, Terminal, apply, credit_code, join_form};

use super::{SETTINGS, approve, judge, person, send, shown};
use crate::QIANTANG;

#[test]
fn whoever_s_step_it_is_hears_once_each_time_that_it_opens() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let clerk = person(&site, "clerk", "contracts");
    let (number, secret) = apply(&site, "enterprise", "firm");
    let heard = |by: &str| -> Vec<String> {
        let notices = site.get("/api/v1/notices", by)["items"].clone();
        let notices = notices.as_array().expect("notices").iter();
        let of_it = |notice: &&Value| {
            notice["topic"] == "application_to_review" && notice["data"]["number"] == *number
        };
        notices.filter(of_it).map(|notice| notice["text"]["en"].as_str().expect("text").to_owned()).collect()
    };
    let wait = |by: &str, count: usize| {
        site.wait_for("a notice", || Some(heard(by)).filter(|heard| heard.len() == count))
    };
    // A company's goes to those who keep contracts first, and it is no matter of an operator yet.
    assert!(!wait(&clerk, 1)[0].contains("again"));
    assert_eq!(heard(&site.operator).len(), 0);
    assert_eq!(judge(&site, &clerk, &number, &approve()).0, 201);
    wait(&site.operator, 1);
    assert_eq!(heard(&clerk).len(), 1);
    // It goes back and comes again: the first step opens once more, and says so.
    let back = json!({ "verdict": "return", "reason": "Which data?" });
    assert_eq!(judge(&site, &site.operator, &number, &back).0, 201);
    let more = [("secret", secret.as_str()), ("act", "hand-in")];
    let path = format!("/apply/{number}");
    assert_eq!(send(&Browser::new(&site), &path, &join_form("enterprise", "firm"), &more).status, 303);
    let told = wait(&clerk, 2);
    assert!(told[0].contains("handed in again"), "{told:?}");
    assert_eq!(heard(&site.operator).len(), 1);
}

/// The form of an organisation, with one answer of another's.
fn mixed(slug: &str, name: &'static str, value: String) -> Vec<(&'static str, String)> {
    let mut form = join_form("enterprise", slug);
    form.retain(|(known, _)| *known != name);
    form.push((name, value));
    form
}

#[test]
fn a_short_name_and_a_credit_code_are_one_organisation_s_alone() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let clerk = person(&site, "clerk", "contracts");
    person(&site, "firm-two-admin", "auditor");
    let sign_up = |slug: &str| {
        let new = json!({ "slug": slug, "name_zh": "甲", "name_en": "A", "domain": "enterprise",
            "legal_name": "甲", "tax_number": credit_code(slug) });
        site.post("/api/v1/tenants", &site.operator, &new);
    };
    sign_up("alpha");
    let (number, secret) = apply(&site, "enterprise", "firm");
    let stranger = Browser::new(&site);
    let hand_in = [("domain", "enterprise"), ("act", "hand-in")];
    // Of a tenant, of an application that is not decided, and of a login that is there.
    for (name, value) in [
        ("slug", "alpha".to_owned()),
        ("slug", "firm".to_owned()),
        ("slug", "firm-two".to_owned()),
        ("tax_number", credit_code("alpha")),
        ("tax_number", credit_code("firm")),
    ] {
        let refused = send(&stranger, "/apply", &mixed("other", name, value.clone()), &hand_in);
        let told = refused.body.matches("class=\"error\"").count();
        let is_told = refused.body.contains(&format!("id=\"{name}-error\""));
        assert_eq!((refused.status, told, is_told), (422, 1, true), "{name} {value}: {}", refused.body);
        for private in [number.as_str(), "auditor"] {
            assert!(!refused.body.contains(private), "a stranger does not read who has it");
        }
    }
    // The applicant of the first hands it in again; nobody is a twin of their own.
    let back = json!({ "verdict": "return", "reason": "Which data?" });
    assert_eq!(judge(&site, &clerk, &number, &back).0, 201);
    let again = [("secret", secret.as_str()), ("act", "hand-in")];
    let path = format!("/apply/{number}");
    assert_eq!(send(&stranger, &path, &join_form("enterprise", "firm"), &again).status, 303);
    assert_eq!(shown(&site, &number)["twins"], json!([]));

    // What is taken meanwhile is told to those who decide, and to whoever decides it as it is.
    sign_up("firm");
    let twin = |question: &str| json!({ "question": question, "application": null, "tenant": "firm", "login": null });
    assert_eq!(shown(&site, &number)["twins"], json!([twin("slug"), twin("tax_number")]));
    let desk = Browser::signed_in(&site, "operator");
    let page = format!("/applications/{number}");
    assert!(desk.get(&page).body.contains("href=\"/tenants/firm\""));
    let shows = Terminal::signed_in(&site, "operator").ok(&["applications", "show", &number]);
    assert!(shows.contains("tenant firm has the same"), "{shows}");
    assert_eq!(judge(&site, &clerk, &number, &approve()).0, 201);
    let verdict = format!("{page}/verdict");
    let refused = desk.send_form(&verdict, &[("verdict", "approve")]);
    assert!(refused.status == 422 && refused.body.contains("id=\"grant-slug-error\""), "{}", refused.body);
    let wrong = [("verdict", "approve"), ("reason", "less"), ("grant-cards", "a few")];
    assert!(desk.send_form(&verdict, &wrong).body.contains("id=\"grant-cards-error\""));
    let other = [("verdict", "approve"), ("reason", "firm is taken"), ("grant-slug", "firm-ai")];
    assert_eq!(desk.send_form(&verdict, &other).status, 303);
    assert_eq!(shown(&site, &number)["tenant"], "firm-ai");
    assert_eq!(shown(&site, &number)["twins"], json!([]), "it is decided");

    // Whoever withdraws makes room.
    let (number, secret) = apply(&site, "research", "uni");
    let fields = [("secret", secret.as_str()), ("act", "withdraw")];
    assert_eq!(stranger.post(&format!("/apply/{number}"), &fields, &[]).status, 303);
    apply(&site, "research", "uni");
}

#[test]
fn each_domain_is_asked_its_own_questions() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    person(&site, "clerk", "contracts");
    let asks = |domain: &str| Browser::new(&site).get(&format!("/apply?domain={domain}")).body;
    for (domain, own) in [("research", "group"), ("enterprise", "staff"), ("government", "protection")] {
        let body = asks(domain);
        for name in ["group", "staff", "protection"] {
            assert_eq!(body.contains(&format!("name=\"{name}\"")), name == own, "{name} in {domain}");
        }
        let mut form = join_form(domain, domain);
        form.retain(|(name, _)| *name != own);
        let more = [("domain", domain), ("act", "hand-in")];
        let refused = send(&Browser::new(&site), "/apply", &form, &more);
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains(&format!("id=\"{own}-error\"")), "{}", refused.body);
        assert!(refused.body.contains("It is empty. Use 1 to 128"), "a sentence: {}", refused.body);
        let (number, _) = apply(&site, domain, domain);
        assert!(shown(&site, &number)["answers"][own] != Value::Null);
        // By the paths that nobody set, an operator looks first at what a department asks for.
        let reviewer = if domain == "government" { "operator" } else { "clerk" };
        let desk = Browser::signed_in(&site, reviewer).get(&format!("/applications/{number}")).body;
        assert!(desk.contains(&format!("id=\"grant-{own}\"")), "{desk}");
    }
}
