//! The whole way: somebody applies, is quoted a price, accepts it, becomes a tenant with a draft, and both sides sign.

use std::{io::Write as _, process::Stdio};

use serde_json::json;
use testkit::{Browser, PASSWORD, Site, Terminal, apply, job};

use super::{SETTINGS, books_are_right, person};
use crate::QIANTANG;

#[test]
fn from_an_application_with_a_quote_to_a_job_under_a_signed_contract() {
    let site = Site::new(QIANTANG, 1, &format!("{SETTINGS}[books]\n"));
    site.publish_price(12_000_000);
    let clerk = person(&site, "clerk", "contracts");
    person(&site, "second", "operator");
    let (number, secret) = apply(&site, "enterprise", "qianwan-ai");

    // The desk draws the quote up in a browser, from the application's page.
    let desk = Browser::signed_in(&site, "clerk");
    let page = desk.get(&format!("/applications/{number}")).body;
    assert!(page.contains(&format!("/quotes/new?application={number}")), "{page}");
    assert!(
        desk.get(&format!("/quotes/new?application={number}")).body.contains(&format!("value=\"{number}\""))
    );
    let fields = [
        ("tenant", ""),
        ("application", number.as_str()),
        ("kind", "prepaid"),
        ("starts", "2020-01-01"),
        ("ends", "2099-01-01"),
        ("pool-1", "ascend-910"),
        ("class-1", "normal"),
        ("cards-1", "8"),
        ("hours-1", "1,000"),
        ("discount-1", "10"),
    ];
    let refused = desk.send_form("/quotes/new", &[&fields[..9], &[("discount-1", "200")]].concat());
    assert!(refused.status == 422 && refused.body.contains("id=\"discount-1-error\""), "{}", refused.body);
    let drawn = desk.send_form("/quotes/new", &fields);
    let path = drawn.header("location").to_owned();
    let quote = path.strip_prefix("/quotes/").expect("a quote").to_owned();
    let of_applicant = format!("/apply/{number}/quote?secret={secret}&quote={quote}");
    let stranger = Browser::new(&site);
    assert_eq!(stranger.get(&of_applicant).status, 404, "a draft is the center's matter");
    assert!(!stranger.get(&format!("/apply/{number}?secret={secret}")).body.contains(&quote));
    assert_eq!(desk.send_form(&format!("{path}/act"), &[("act", "send")]).status, 303);

    // The applicant reads and accepts it, by the secret alone.
    assert!(stranger.get(&format!("/apply/{number}?secret={secret}")).body.contains(&quote));
    let sheet = stranger.get(&of_applicant).body;
    for told in ["¥ 10,800.00", "¥ 12,000.00", "10 %", "钱湾智能科技有限公司"] {
        assert!(sheet.contains(told), "{told}: {sheet}");
    }
    let accept = |secret: &str| {
        let fields = [("secret", secret), ("quote", quote.as_str())];
        stranger.post(&format!("/apply/{number}/quote"), &fields, &[]).status
    };
    assert_eq!((accept("x"), accept(&secret), accept(&secret)), (404, 303, 409));
    assert!(site.get("/api/v1/contracts", &site.operator).as_array().expect("contracts").is_empty());

    // With the approval the tenant is there, and its contract is drafted with exactly these terms.
    let approve = json!({ "verdict": "approve" });
    for by in [&clerk, &site.operator] {
        site.post(&format!("/api/v1/applications/{number}/verdicts"), by, &approve);
    }
    let set = [("secret", secret.as_str()), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(stranger.post(&format!("/apply/{number}/account"), &set, &[]).status, 303);
    let admin = site.login("qianwan-ai-admin");
    let contracts = site.get("/api/v1/contracts", &admin);
    let [contract] = &contracts.as_array().expect("contracts")[..] else { panic!("{contracts}") };
    let hours = 3_600_000_000_i64;
    assert_eq!(contract["terms"], json!({ "kind": "prepaid", "package": hours, "fee": 10_800_000_000_i64 }));
    assert_eq!(contract["number"], json!(quote.replacen('Q', "C", 1)));
    let id = contract["id"].as_str().expect("an id");
    let project = site.get("/api/v1/projects", &admin)[0].clone();
    assert_eq!((&project["slug"], &project["contract"]), (&json!("main"), &json!(id)));
    let shown = site.get(&format!("/api/v1/quotes/{quote}"), &admin);
    assert_eq!((&shown["contract_id"], &shown["tenant"]), (&json!(id), &json!("qianwan-ai")), "{shown}");

    // Commands take it on: the tenant submits, the center approves, and both sides sign what they have read.
    let number = contract["number"].as_str().expect("a number");
    let (ours, theirs) =
        (Terminal::signed_in(&site, "clerk"), Terminal::signed_in(&site, "qianwan-ai-admin"));
    theirs.ok(&["contracts", "act", number, "submit"]);
    ours.ok(&["contracts", "act", number, "approve"]);
    let text = theirs.json(&["contracts", "text", number]);
    assert!(theirs.ok(&["contracts", "text", number]).contains("Computing service agreement"));
    assert!(theirs.ok(&["--lang", "zh", "contracts", "text", number]).contains("算力服务合同"));
    let digest = text["sha256"].as_str().expect("a digest");
    let sign = |by: &Terminal<'_>, digest: &str, password: &str| {
        let mut command = by.command(&["contracts", "sign", number, "--sha256", digest]);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
        writeln!(child.stdin.take().expect("piped"), "{password}").expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert!(!sign(&theirs, &"0".repeat(64), PASSWORD).0, "no text has that digest");
    assert!(!sign(&theirs, digest, "another-long-password").0);
    let (is_signed, said) = sign(&theirs, digest, PASSWORD);
    assert!(is_signed && said.contains("qianwan-ai-admin") && said.contains("not yet"), "{said}");
    // The center signs in a browser; the page has both signatures and the digest, in either language.
    let mut second = Browser::signed_in(&site, "second");
    let page = second.get(&format!("/contracts/{id}/text"));
    assert!(page.body.contains(digest) && page.body.contains("You sign for the center"), "{}", page.body);
    let (version, sha256) = (page.hidden("version"), page.hidden("sha256"));
    let form = |password: &'static str| {
        let fields = [("version", version.as_str()), ("sha256", sha256.as_str()), ("password", password)];
        second.send_form(&format!("/contracts/{id}/sign"), &fields)
    };
    let wrong = form("another-long-password");
    assert!(wrong.status == 422 && wrong.body.contains("id=\"password-error\""), "{}", wrong.body);
    assert!(!wrong.body.contains("another-long-password"));
    assert_eq!(form(PASSWORD).status, 303);
    for (lang, told) in [("en", "Computing service agreement"), ("zh", "算力服务合同")] {
        second.lang = lang;
        let page = second.get(&format!("/contracts/{id}/text")).body;
        for told in [told, digest, "qianwan-ai-admin", "second"] {
            assert!(page.contains(told), "{told}: {page}");
        }
    }
    assert_eq!(site.get(&format!("/api/v1/contracts/{id}"), &admin)["state"], "active");
    let done = site.post("/api/v1/jobs", &admin, &job("first", "true"));
    let done = site.wait_for_end(&admin, done["id"].as_str().expect("an id"));
    assert_eq!((&done["state"], &done["contract"]), (&json!("succeeded"), &json!(number)), "{done}");
    books_are_right(&site);
}

#[test]
fn a_quote_that_was_sent_and_not_accepted_is_drafted_with_the_approval_and_not_again() {
    let settings =
        format!("{}[approval.join.government]\nsteps = [{{ role = \"operator\" }}]\n", super::alone());
    let site = Site::new(QIANTANG, 1, &settings);
    site.publish_price(12_000_000);
    let (number, secret) = apply(&site, "government", "office");
    let quote = |card_hours: i64| {
        let new = json!({ "application": number, "kind": "grant", "starts_at": "2020-01-01", "ends_at": "2099-01-01",
            "lines": [super::line(card_hours, 0)] });
        let made = super::draw_up(&site, &site.operator, &new);
        assert_eq!(super::act(&site, &site.operator, &made, "send").0, 200);
        made
    };
    let (older, newer) = (quote(1), quote(2));
    let path = format!("/api/v1/applications/{number}/verdicts");
    let decided = site.post(&path, &site.operator, &json!({ "verdict": "approve" }));
    assert_eq!(decided["quotes"].as_array().expect("quotes").len(), 2);
    let drafted = || site.get("/api/v1/contracts", &site.operator).as_array().expect("contracts").clone();
    assert_eq!(drafted()[0]["terms"], json!({ "kind": "grant", "cap": 7_200_000 }));
    let set = [("secret", secret.as_str()), ("password", PASSWORD), ("again", PASSWORD)];
    Browser::new(&site).post(&format!("/apply/{number}/account"), &set, &[]);
    let admin = site.login("office-admin");
    let (status, accepted) = super::act(&site, &admin, &newer, "accept");
    assert_eq!((status, &accepted["contract_id"]), (200, &drafted()[0]["id"]), "{accepted}");
    assert_eq!(drafted().len(), 1, "its contract was there");
    // The other is a quote like any.
    assert_eq!(super::act(&site, &admin, &older, "accept").0, 200);
    assert_eq!(drafted().len(), 2);
}
