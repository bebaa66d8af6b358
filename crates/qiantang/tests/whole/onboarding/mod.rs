//! The front door: strangers apply, people decide, tenants come of it, whatever happens to the center meanwhile.

mod attachments;
mod reviewers;
mod status;

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::Millis;
use serde_json::{Value, json};
use testkit::{Answer, Browser, Dice, PASSWORD, Site, Terminal, agent, apply, ask, credit_code, join_form};

use crate::QIANTANG;

const SETTINGS: &str = "[limits]\nsign_ins_per_minute = 1000000\napplications_per_hour = 1000000\n";

fn send(browser: &Browser, path: &str, form: &[(&str, String)], more: &[(&str, &str)]) -> Answer {
    let fields = form.iter().map(|(name, value)| (*name, value.as_str())).chain(more.iter().copied());
    browser.post(path, &fields.collect::<Vec<_>>(), &[])
}

/// Number and secret of the application that an answer leads to.
fn led_to(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let to = answer.header("location");
    let (number, secret) =
        to.strip_prefix("/apply/").and_then(|to| to.split_once("?secret=")).unwrap_or_else(|| panic!("{to}"));
    (number.to_owned(), secret.to_owned())
}

/// Somebody of the center, with a token.
fn person(site: &Site, login: &str, role: &str) -> String {
    let new = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
    site.post("/api/v1/members", &site.operator, &new);
    site.login(login)
}

fn judge(site: &Site, by: &str, number: &str, verdict: &Value) -> (u16, Value) {
    site.ask("POST", &format!("/api/v1/applications/{number}/verdicts"), by, Some(verdict))
}

fn shown(site: &Site, number: &str) -> Value {
    site.get(&format!("/api/v1/applications/{number}"), &site.operator)
}

fn approve() -> Value {
    json!({ "verdict": "approve" })
}

#[test]
fn a_stranger_applies_is_asked_back_and_becomes_a_tenant_by_two_people() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    site.publish_price(12_000_000);
    let clerk = person(&site, "clerk", "contracts");
    let stranger = Browser::new(&site);
    let first = stranger.get("/");
    assert_eq!((first.status, first.header("location")), (303, "/welcome"));
    let welcome = stranger.get("/welcome");
    assert!(welcome.status == 200 && welcome.body.contains("¥ 12.00"), "{}", welcome.body);
    assert!(welcome.body.contains("8 × 10 = 80 × ¥ 12.00 = ¥ 960.00"), "{}", welcome.body);
    assert!(stranger.get("/sign-in").body.contains("href=\"/welcome\""));
    assert!(stranger.get("/apply").body.contains("/apply?domain=government"));

    // A draft is kept as it is, and found by its secret alone.
    let begun = [("legal_name", "钱湾".to_owned()), ("tax_number", "9133".to_owned())];
    let draft = send(&stranger, "/apply", &begun, &[("domain", "enterprise"), ("act", "save")]);
    let (number, secret) = led_to(&draft);
    let page = |secret: &str| Browser::new(&site).get(&format!("/apply/{number}?secret={secret}"));
    assert!(page(&secret).body.contains("value=\"9133\""));
    for wrong in ["", "x", &secret[1..]] {
        assert_eq!(page(wrong).status, 404);
    }
    // What is wrong is said at its field, and nothing is handed in.
    let path = format!("/apply/{number}");
    let of_secret = |act: &'static str| [("secret", secret.as_str()), ("act", act)];
    let whole = join_form("enterprise", "qianwan-ai");
    let mut wrong = whole.clone();
    wrong.retain(|(name, _)| !["tax_number", "email"].contains(name));
    wrong.extend([("tax_number", "91330100799655058C".to_owned()), ("email", "li lei".to_owned())]);
    let refused = send(&stranger, &path, &wrong, &of_secret("hand-in"));
    assert_eq!(refused.status, 422);
    for told in ["id=\"tax_number-error\"", "id=\"email-error\"", "does not follow from the others"] {
        assert!(refused.body.contains(told), "{told}: {}", refused.body);
    }
    assert_eq!(shown(&site, &number)["state"], "draft");
    let unknown = send(&stranger, &path, &whole, &of_secret("hand in"));
    assert!(unknown.status == 422 && unknown.body.contains("hand in"), "{}", unknown.body);
    assert!(page(&secret).body.contains("value=\"9133\""), "an act that is none keeps nothing");
    assert_eq!(send(&stranger, &path, &whole, &[("secret", "x"), ("act", "hand-in")]).status, 404);
    assert_eq!(send(&stranger, &path, &whole, &of_secret("hand-in")).status, 303);
    assert!(page(&secret).body.contains("waiting for review"));
    let edited = send(&stranger, &path, &whole, &of_secret("save"));
    assert_eq!(edited.status, 409, "reviewers have it");

    // Contracts first; a return needs a reason, which the applicant reads.
    let (status, refused) = judge(&site, &site.operator, &number, &approve());
    assert_eq!((status, refused["code"].as_str()), (409, Some("not_your_step")), "{refused}");
    let (status, refused) = judge(&site, &clerk, &number, &json!({ "verdict": "return" }));
    assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!("reason")), "{refused}");
    let back = json!({ "verdict": "return", "reason": "Which <data>?", "note": "ask the auditor" });
    assert_eq!(judge(&site, &clerk, &number, &back).0, 201);
    let told = page(&secret).body;
    assert!(told.contains("Which &#60;data&#62;?") && !told.contains("ask the auditor"), "{told}");
    assert_eq!(send(&stranger, &path, &whole, &of_secret("hand-in")).status, 303);
    assert_eq!(judge(&site, &clerk, &number, &approve()).0, 201);
    assert_eq!(judge(&site, &clerk, &number, &approve()).0, 409, "one person speaks once");
    assert!(!page(&secret).body.contains("clerk"), "an applicant does not read who says what");
    let tenants = || site.get("/api/v1/tenants", &site.operator).as_array().expect("tenants").len();
    assert_eq!(tenants(), 0);
    let granted = json!({ "verdict": "approve", "reason": "8 cards for now", "changes": { "cards": "8" } });
    let (status, done) = judge(&site, &site.operator, &number, &granted);
    assert_eq!(
        (status, &done["state"], &done["outcome"]),
        (201, &json!("effected"), &json!("approved_changed"))
    );
    assert_eq!((&done["granted"]["cards"], &done["answers"]["cards"]), (&json!(8), &json!(16)), "{done}");

    // What came of it.
    let tenant = site.get("/api/v1/tenants/qianwan-ai", &site.operator);
    assert_eq!(
        (&tenant["domain"], &tenant["tax_number"]),
        (&json!("enterprise"), &json!(credit_code("qianwan-ai"))),
        "{tenant}"
    );
    let account = format!("/apply/{number}/account");
    let told = page(&secret).body;
    assert!(told.contains("qianwan-ai-admin") && told.contains(&account), "{told}");
    let set = |secret: &str, again: &str| {
        Browser::new(&site).post(
            &account,
            &[("secret", secret), ("password", PASSWORD), ("again", again)],
            &[],
        )
    };
    assert_eq!(set("x", PASSWORD).status, 404);
    assert_eq!(set(&secret, "another-password").status, 422);
    assert_eq!(set(&secret, PASSWORD).header("location"), "/sign-in");
    assert_eq!(set(&secret, PASSWORD).status, 409, "it is set once");
    let admin = site.login("qianwan-ai-admin");
    assert_eq!(site.get("/api/v1/projects", &admin)[0]["slug"], "main");
    assert_eq!(site.ask("GET", "/api/v1/applications", &admin, None).0, 403);

    // Each step is an event and a line of the audit log.
    let audit = site.get("/api/v1/audit?limit=200", &site.operator);
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for line in audit["items"].as_array().expect("lines") {
        *lines.entry(line["action"].as_str().expect("an action")).or_default() += 1;
    }
    let count = |action: &str| lines.get(action).copied().unwrap_or(0);
    assert_eq!(
        (count("apply"), count("review_application"), count("effect_application")),
        (3, 3, 1),
        "{lines:?}"
    );
    assert_eq!(count("first_password"), 1);
    let deeds: Vec<&Value> = done["acts"].as_array().expect("acts").iter().map(|act| &act["deed"]).collect();
    let want = ["drafted", "submitted", "returned", "submitted", "approved", "approved_changed", "effected"];
    assert_eq!(deeds, want);
}

#[test]
fn the_desk_decides_in_a_browser_and_by_commands() {
    let settings = format!(
        "{SETTINGS}[approval.join.research]\nsteps = [{{ role = \"operator\", quorum = 2, of = 3 }}]\n"
    );
    let site = Site::new(QIANTANG, 1, &settings);
    let (number, secret) = apply(&site, "research", "univ");
    let desk = Browser::signed_in(&site, "operator");
    // A center of one can't decide what takes two, and says so before anybody waits for it.
    let told = desk.get(&format!("/applications/{number}")).body;
    assert!(told.contains("needs 2 with the role") && told.contains("the center has 1"), "{told}");
    assert_eq!(shown(&site, &number)["too_few"], json!({ "role": "operator", "needed": 2, "there": 1 }));
    for login in ["ann", "bo"] {
        person(&site, login, "operator");
    }
    assert!(shown(&site, &number)["too_few"].is_null());
    let list = desk.get("/applications?state=open&domain=research&kind=join&age=&due=").body;
    assert!(list.contains(&number), "{list}");
    assert!(!desk.get("/applications?due=0").body.contains(&number), "it is not late");
    let path = format!("/applications/{number}");
    assert!(desk.get(&path).body.contains("2 of 3 approve"));
    let verdict = format!("{path}/verdict");
    let refused = desk.send_form(&verdict, &[("verdict", "reject"), ("reason", "")]);
    assert!(refused.status == 422 && refused.body.contains("id=\"reason-error\""), "{}", refused.body);
    assert_eq!(desk.send_form(&verdict, &[("verdict", "conflict")]).status, 303);
    assert!(!desk.get(&path).body.contains("name=\"verdict\""), "whoever has an interest is out");
    let ann = Browser::signed_in(&site, "ann");
    let taken = [("verdict", "approve"), ("reason", "shorter"), ("grant-slug", "alpha")];
    assert_eq!(ann.send_form(&verdict, &taken).status, 303);
    // A name that is taken is no decision, and nothing is kept of it.
    let new = json!({ "slug": "alpha", "name_zh": "甲", "name_en": "A", "domain": "research" });
    site.post("/api/v1/tenants", &site.operator, &new);
    let bo = Terminal::signed_in(&site, "bo");
    let (code, _, said) = bo.run(&["applications", "approve", &number]);
    assert!(code != 0 && said.contains("another organisation has"), "{said}");
    assert_eq!(shown(&site, &number)["state"], "in_review");
    let (code, said, _) = bo.run(&[
        "applications",
        "approve",
        &number,
        "--grant",
        "slug=univ-ai",
        "--reason",
        "alpha is taken",
    ]);
    assert!(code == 0 && said.contains("univ-ai"), "{said}");
    assert_eq!(shown(&site, &number)["tenant"], "univ-ai");

    // A reviewer's link sets the password as well, once; a new one takes the place of the one before.
    let link = |args: &[&str]| {
        let (code, said, error) = bo.run(args);
        assert_eq!(code, 0, "{error}");
        let link = said.lines().last().expect("the link").trim();
        link.strip_prefix(&site.url).expect("the center's address").to_owned()
    };
    let (first, second) =
        (link(&["applications", "link", &number]), link(&["applications", "link", &number]));
    let stranger = Browser::new(&site);
    assert_eq!((stranger.get(&first).status, stranger.get(&second).status), (404, 200));
    let of_link = second.split_once("secret=").expect("a secret").1;
    let fields = [("secret", of_link), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(stranger.post(&format!("/apply/{number}/account"), &fields, &[]).status, 303);
    assert!(
        stranger
            .get(&format!("/apply/{number}/account?secret={secret}"))
            .body
            .contains("The password is set")
    );
    site.login("univ-ai-admin");
    let (code, said, _) = bo.run(&["applications", "list", "--state", "effected"]);
    assert!(code == 0 && said.contains(&number), "{said}");
    let (code, said, _) = bo.run(&["applications", "show", &number]);
    assert!(code == 0 && said.contains("alpha is taken"), "{said}");
    let (other, _) = apply(&site, "research", "other");
    assert_ne!(bo.run(&["applications", "reject", &other]).0, 0, "a rejection needs a reason");
    for login in ["ann", "bo"] {
        let by = Terminal::signed_in(&site, login);
        let (code, _, said) = by.run(&["applications", "reject", &other, "--reason", "no such university"]);
        assert_eq!(code, 0, "{said}");
    }
    assert_eq!(shown(&site, &other)["outcome"], "rejected");
}

#[test]
fn what_is_approved_is_there_once_however_often_the_center_is_killed() {
    const APPLICATIONS: usize = 40;
    let settings = format!("{SETTINGS}[approval.join.government]\nsteps = [{{ role = \"operator\" }}]\n");
    let mut site = Site::new(QIANTANG, 1, &settings);
    site.keep_address();
    let numbers: Vec<String> =
        (0..APPLICATIONS).map(|at| apply(&site, "government", &format!("office-{at}")).0).collect();
    let is_over = Arc::new(AtomicBool::new(false));
    let clerk = {
        let (numbers, url, token) = (numbers.clone(), site.url.clone(), site.operator.clone());
        let is_over = Arc::clone(&is_over);
        std::thread::spawn(move || {
            for number in numbers {
                // Whatever was not answered is asked again, as a person would.
                let path = format!("/api/v1/applications/{number}/verdicts");
                let ask = || ask(&agent(), &url, "POST", &path, &token, Some(&approve()), &[]);
                while !ask().is_ok_and(|(status, _)| [201, 409].contains(&status)) {
                    std::thread::yield_now();
                }
            }
            is_over.store(true, Ordering::SeqCst);
        })
    };
    let mut dice = Dice::by_the_clock();
    let mut kills = 0;
    while !is_over.load(Ordering::SeqCst) {
        // The sleep picks a random instant; it waits for nothing.
        std::thread::sleep(Duration::from_millis(dice.below(40)));
        site.kill();
        site.start();
        kills += 1;
    }
    clerk.join().expect("the clerk is done");
    assert!(kills >= 3, "{kills} kills try nothing");
    let of_all = |path: &str, key: &str| -> Vec<String> {
        let answer = site.get(path, &site.operator);
        let items = answer["items"].as_array().or(answer.as_array()).expect("a list").clone();
        items.iter().map(|item| item[key].as_str().unwrap_or_default().to_owned()).collect()
    };
    let tenants = of_all("/api/v1/tenants", "slug");
    let members = of_all("/api/v1/members", "login");
    let effects = site.get("/api/v1/audit?limit=200&action=effect_application", &site.operator);
    let effects = effects["items"].as_array().expect("lines");
    assert_eq!((tenants.len(), effects.len()), (APPLICATIONS, APPLICATIONS));
    for (at, number) in numbers.iter().enumerate() {
        let (slug, found) = (format!("office-{at}"), shown(&site, number));
        assert_eq!((&found["state"], &found["tenant"]), (&json!("effected"), &json!(slug)), "{found}");
        assert_eq!(tenants.iter().filter(|known| **known == slug).count(), 1);
        assert_eq!(members.iter().filter(|known| **known == format!("{slug}-admin")).count(), 1);
        assert_eq!(effects.iter().filter(|line| line["detail"]["number"] == **number).count(), 1);
        let deeds = found["acts"].as_array().expect("acts");
        assert_eq!(deeds.iter().filter(|act| act["deed"] == "effected").count(), 1, "{found}");
    }
}

#[test]
fn strangers_are_held_back_and_what_they_leave_expires() {
    let mut site = Site::new(QIANTANG, 1, SETTINGS);
    let save = |site: &Site| {
        let begun = [("contact", "Li".to_owned())];
        send(&Browser::new(site), "/apply", &begun, &[("domain", "research"), ("act", "save")])
    };
    let drafts: Vec<_> = (0..5).map(|_| led_to(&save(&site))).collect();
    let refused = save(&site);
    assert!(refused.status == 409 && refused.body.contains("5 drafts"), "{}", refused.body);
    // Withdrawn drafts make room.
    let (number, secret) = &drafts[0];
    let fields = [("secret", secret.as_str()), ("act", "withdraw")];
    assert_eq!(Browser::new(&site).post(&format!("/apply/{number}"), &fields, &[]).status, 303);
    led_to(&save(&site));
    let foreign = Browser::new(&site).post("/apply", &[("act", "save")], &[("sec-fetch-site", "cross-site")]);
    assert_eq!(foreign.status, 403);
    let long = [("purpose", "x".repeat(2001))];
    assert_eq!(send(&Browser::new(&site), "/apply", &long, &[("domain", "research")]).status, 422);

    // A month later they are over, before and after the loop has come by.
    site.stop();
    site.clock_ahead = Millis::from_hours(31 * 24);
    site.start();
    site.operator = site.login("operator");
    let (number, secret) = &drafts[1];
    let fields = [("secret", secret.as_str()), ("act", "save"), ("contact", "Han")];
    let late = Browser::new(&site).post(&format!("/apply/{number}"), &fields, &[]);
    assert!(late.status == 409 && late.body.contains("has expired"), "{}", late.body);
    site.wait_for("the clock", || (shown(&site, number)["state"] == "expired").then_some(()));
    assert_eq!(shown(&site, &drafts[0].0)["state"], "withdrawn");

    // By default an address writes so much an hour and no more.
    site.stop();
    site.change_settings("applications_per_hour = 1000000", "applications_per_hour = 3");
    site.start();
    let guess = || Browser::new(&site).get(&format!("/apply/{number}?secret=x")).status;
    assert_eq!([guess(), guess(), guess(), guess()], [404, 404, 404, 429]);
    assert_eq!(Browser::new(&site).get(&format!("/apply/{number}?secret={secret}")).status, 200);
    assert_eq!(save(&site).status, 429);
}

#[test]
fn a_path_of_no_kind_is_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("center.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = \"{}\"\n[approval.jion.enterprise]\nsteps = [{{ role = \"operator\" }}]\n",
        folder.path().join("data").display()
    );
    std::fs::write(&settings, text).expect("they are written");
    let output = Command::new(QIANTANG).args(["serve", "--config"]).arg(&settings).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("`approval.jion`") && said.contains("join"), "{said}");
}
