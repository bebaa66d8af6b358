//! Mail: in both parts, ended by one click, for a password, for applicants and those who are invited, and late.

use std::{path::Path, process::Command};

use serde_json::json;
use testkit::{Browser, PASSWORD, Relay, Terminal, apply, free_port, grant, job, python_tool};

use super::{Mailing, link, mailing, with_address};
use crate::QIANTANG;

#[test]
fn a_mail_comes_in_both_parts_and_one_click_ends_mail_of_its_kind() {
    let Some(center) = Mailing::start() else { return };
    let site = &center.site;
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    with_address(site, &alpha.developer, "dev@alpha.example");
    let want = json!({ "topics": [{ "topic": "job_failed", "channel": "mail", "is_wanted": true }] });
    let (status, answer) = site.ask("PATCH", "/api/v1/notices/wishes", &alpha.developer, Some(&want));
    assert_eq!(status, 200, "{answer}");
    let failed = site.submit(&alpha, &job("breaks <early>", "exit 3"));
    let mail = center.mail("dev@alpha.example", "breaks <early>");
    assert_eq!(mail["type"], "multipart/alternative");
    let (text, html) = (mail["text"].as_str().expect("text"), mail["html"].as_str().expect("HTML"));
    // Nobody said a language: both.
    for words in ["作业 breaks <early> 已结束", "The job breaks <early> ended", &format!("/jobs/{failed}")]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(html.contains("breaks &lt;early&gt;") && !html.contains("<early>"), "{html}");
    let header = |name: &str| mail["headers"][name].as_str().expect(name).to_owned();
    assert_eq!(header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
    assert_eq!(header("auto-submitted"), "auto-generated");
    let there = link(&format!("{} ", header("list-unsubscribe").trim_matches(['<', '>'])), "/unsubscribe");

    // A program that looks at the link ends nothing; one that posts as RFC 8058 has it does, without a session.
    let nobody = Browser::new(site);
    assert!(nobody.get(&there).body.contains("A job of mine failed"));
    let wants_mail = || {
        let wishes = site.get("/api/v1/notices/wishes", &alpha.developer);
        let topics = wishes["topics"].as_array().expect("topics").clone();
        topics.iter().find(|topic| topic["topic"] == "job_failed").expect("the topic")["mail"] == true
    };
    assert!(wants_mail());
    let forged = there.replace("topic=job_failed", "topic=all");
    let one_click = |path: &str| {
        let body =
            "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
        let kind = [("Content-Type", "multipart/form-data; boundary=x"), ("Sec-Fetch-Site", "cross-site")];
        nobody.send("POST", path, Some(body.to_owned()), &kind).status
    };
    assert_eq!(one_click(&forged), 404);
    assert!(wants_mail());
    assert_eq!((one_click(&there), one_click(&there)), (200, 200), "twice is once");
    assert!(!wants_mail());
    // The inbox goes on.
    let unread = || site.get("/api/v1/notices?unread=true", &alpha.developer)["items"].clone();
    let all = unread();
    assert_eq!(all[0]["topic"], "job_failed");
    let developer = Browser::signed_in(site, "alpha-developer");
    assert!(developer.get("/notices").body.contains("breaks"), "the page has it");
    let terminal = Terminal::signed_in(site, "alpha-developer");
    assert!(terminal.ok(&["notices", "--unread"]).contains("breaks"));
    let read = site.post("/api/v1/notices/read", &alpha.developer, &json!({}));
    assert_eq!(read["notices"], all.as_array().map(Vec::len).expect("notices"));
    assert_eq!(unread(), json!([]));
}

#[test]
fn a_script_asks_for_mail_about_its_job_and_writes_to_no_stranger() {
    let Some(center) = Mailing::start() else { return };
    let site = &center.site;
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    with_address(site, &alpha.developer, "dev@alpha.example");
    with_address(site, &alpha.admin, "admin@alpha.example");
    let terminal = Terminal::signed_in(site, "alpha-developer");
    let submit = |words: &[&str], name: &str, body: &str| {
        let script = terminal.file(&format!("{name}.sh"), &format!("#!/bin/sh\n{body}\n"));
        let id = terminal.ok(&[&["submit", "--parsable"], words, &["-J", name, &script]].concat());
        id.trim().to_owned()
    };
    // Each moment that was asked for is one mail, and it leads to the job.
    let id = submit(&["--mail-type=BEGIN,END"], "trains", "true");
    let text =
        |address: &str, said: &str| center.mail(address, said)["text"].as_str().expect("text").to_owned();
    assert!(text("dev@alpha.example", "The job trains has begun").contains(&format!("/jobs/{id}")));
    assert!(text("dev@alpha.example", "The job trains ended: Succeeded").contains("asked for with the job"));
    // Of an array the job as a whole is told of, unless each task is to be.
    submit(
        &["--mail-type=FAIL,ARRAY_TASKS", "--array=3-5"],
        "parts",
        "[ $SLURM_ARRAY_TASK_ID != 4 ] || exit 7",
    );
    text("dev@alpha.example", "The job parts_4 ended: Failed");
    submit(&["--mail-type=ALL", "--array=3-5"], "whole", "true");
    text("dev@alpha.example", "The job whole ended: Succeeded");
    // A colleague gets it by address or login, and nobody else does: not another tenant's, not the world's.
    submit(&["--mail-type=END", "--mail-user=ADMIN@alpha.example"], "colleague", "true");
    text("admin@alpha.example", "The job colleague ended");
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    with_address(site, &beta.admin, "admin@beta.example");
    for (whom, name) in
        [("admin@beta.example", "other"), ("beta-admin", "login"), ("ceo@big.example", "world")]
    {
        submit(&["--mail-type=END", &format!("--mail-user={whom}")], name, "true");
        assert!(text("dev@alpha.example", &format!("The job {name} ended")).contains(whom));
    }
    // Who asks for nothing gets nothing, and what can't be sent is named where it is submitted.
    submit(&["--mail-user=alpha-developer"], "silent", "true");
    let script = terminal.file("early.sh", "#!/bin/sh\n#SBATCH --mail-type=END,TIME_LIMIT_80\ntrue\n");
    let (code, _, said) = terminal.run(&["submit", "--wait", &script]);
    assert!(code == 0 && said.contains("--mail-type (ignored): no mail is sent for TIME_LIMIT_80"), "{said}");
    text("dev@alpha.example", "The job early.sh ended");
    // Notices of contracts go to each tenant's own people, and may come meanwhile.
    let mails: Vec<_> =
        center.mails().into_iter().filter(|mail| mail["text"].to_string().contains("The job ")).collect();
    let addresses: Vec<String> = mails.iter().map(|mail| mail["to"].to_string()).collect();
    assert!(addresses.iter().all(|to| to.contains("alpha.example")), "{addresses:?}");
    let subjects: Vec<String> =
        center.mails().iter().map(|mail| mail["headers"]["subject"].to_string()).collect();
    let about = |name: &str| subjects.iter().filter(|subject| subject.contains(name)).count();
    assert_eq!(
        (about("trains"), about("parts"), about("whole"), about("silent")),
        (2, 1, 2, 0),
        "{subjects:?}"
    );
}

#[test]
fn who_forgot_a_password_sets_another_by_mail_once_and_is_signed_out_elsewhere() {
    let Some(center) = Mailing::start() else { return };
    let site = &center.site;
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    with_address(site, &alpha.developer, "dev@alpha.example");
    let signed_in = Browser::signed_in(site, "alpha-developer");
    let stranger = Browser::new(site);
    assert!(stranger.get("/sign-in").body.contains("href=\"/forgot\""));
    let ask = |email: &str| {
        let answer = stranger.post("/forgot", &[("email", email)], &[]);
        (answer.status, answer.header("location").to_owned())
    };
    // Whether anybody has the address is told to nobody.
    assert_eq!(ask("none@alpha.example"), ask("DEV@alpha.example"));
    let mail = center.mail("dev@alpha.example", "alpha-developer");
    let text = mail["text"].as_str().expect("text");
    let path = link(text, "/reset/");
    assert!(mail["headers"]["list-unsubscribe"].is_null(), "nobody ends mail of this kind");
    assert!(stranger.get(&path).body.contains("alpha-developer"));
    let set = |again: &str| {
        stranger.post(&path, &[("password", "another-long-password"), ("again", again)], &[]).status
    };
    assert_eq!(set("something else"), 422);
    assert_eq!(signed_in.get("/").status, 200);
    assert_eq!(set("another-long-password"), 303);
    assert_eq!(signed_in.get("/").status, 303, "the other browser is signed out");
    assert_eq!(site.ask("GET", "/api/v1/me", &alpha.developer, None).0, 401, "and programs");
    let sign_in = |password: &str| {
        stranger.post("/sign-in", &[("login", "alpha-developer"), ("password", password)], &[]).status
    };
    assert_eq!((sign_in(PASSWORD), sign_in("another-long-password")), (401, 303));
    assert_eq!(set("another-long-password"), 409, "a link is good once");
    let told = site.get("/api/v1/audit?limit=50", &site.operator).to_string();
    assert!(told.contains("reset_password") && !told.contains(path.rsplit('/').next().expect("a token")));
    // Where a mail has gone nothing of the link is left.
    let database = std::fs::read(site.data().join("database/center.db")).expect("the database is read");
    let token = path.rsplit('/').next().expect("a token").as_bytes();
    assert!(!database.windows(token.len()).any(|part| part == token), "the link's secret is in the database");
}

#[test]
fn applicants_and_the_invited_get_their_links() {
    let Some(center) = Mailing::start() else { return };
    let site = &center.site;
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    let new = json!({ "email": "lin@alpha.example", "role": "developer", "send": true });
    let made = site.post("/api/v1/invitations", &alpha.admin, &new);
    let text = center.mail("lin@alpha.example", "invited")["text"].as_str().expect("text").to_owned();
    assert_eq!(Some(link(&text, "/join/").as_str()), made["path"].as_str());
    let (number, secret) = apply(site, "government", "office");
    let form = testkit::join_form("government", "office");
    let address = form.iter().find(|(name, _)| *name == "email").expect("an address").1.clone();
    let mail = center.mail(&address, &number);
    let text = mail["text"].as_str().expect("text");
    assert_eq!(link(text, "/apply/"), format!("/apply/{number}?secret={secret}"));
    assert_eq!(Browser::new(site).get(&link(text, "/apply/")).status, 200);
    // Each move is told, with the link.
    let back = json!({ "verdict": "return", "reason": "Which data?" });
    assert_eq!(
        site.ask("POST", &format!("/api/v1/applications/{number}/verdicts"), &site.operator, Some(&back)).0,
        201
    );
    let told = center.mail(&address, "back with the applicant");
    let text = told["text"].as_str().expect("text");
    assert!(text.contains(&secret) && text.contains("The center says: Which data?"), "{text}");
    // So is an offer: its mail leads to it.
    site.publish_price(1_000_000);
    let line = json!({ "pool": "ascend-910", "service_class": "normal", "cards": 8, "card_ms": 3_600_000 });
    let new = json!({ "application": number, "kind": "grant", "lines": [line], "starts_at": "2020-01-01",
        "ends_at": "2099-01-01" });
    let quote =
        site.post("/api/v1/quotes", &site.operator, &new)["number"].as_str().expect("a number").to_owned();
    site.post(&format!("/api/v1/quotes/{quote}/send"), &site.operator, &json!({}));
    let text = center.mail(&address, &quote)["text"].as_str().expect("text").to_owned();
    assert!(
        text.contains(&format!("发出报价单 {quote}")) && text.contains("accept it if it suits you"),
        "{text}"
    );
    let page = Browser::new(site).get(&link(&text, "/apply/"));
    assert!(page.status == 200 && page.body.contains("Accept"), "{}", page.body);
    site.post(&format!("/api/v1/quotes/{quote}/withdraw"), &site.operator, &json!({}));
    site.wait_for("the withdrawal", || {
        let mut mails = center.mails().into_iter();
        mails.find(|mail| mail["text"].to_string().contains("has withdrawn the quote"))
    });
}

/// A certificate for this machine's own address, made out by itself.
fn make_certificate(certificate: &Path, key: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=relay",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
        ])
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn mail_waits_for_a_relay_that_is_down_and_what_it_refuses_is_shown() {
    if python_tool("python").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("relay.pem"), folder.path().join("relay.key"));
    make_certificate(&certificate, &key);
    let password = folder.path().join("password");
    std::fs::write(&password, "of-the-relay\n").expect("it is written");
    let port = free_port();
    let secured = mailing(port).replace(
        "security = \"plain\"",
        &format!(
            "security = \"starttls\"\nuser = \"center\"\npassword_file = \"{}\"\nca_file = \"{}\"",
            password.display(),
            certificate.display()
        ),
    );
    let site = testkit::Site::new(QIANTANG, 1, &secured);
    let operator = Terminal::signed_in(&site, "operator");
    for address in ["li@center.example", "nobody@center.example"] {
        operator.ok(&["mail", "test", address]);
    }
    let mails = || site.get("/api/v1/mails", &site.operator).as_array().expect("mails").clone();
    let relay = |site: &testkit::Site| site.get("/api/v1/mails/relay", &site.operator);
    assert!(relay(&site)["error"].is_string(), "the doctor is told");
    site.wait_for("the loop to fail", || {
        let loops = site.get("/api/v1/loops", &site.operator);
        let all = loops.as_array().expect("loops").clone();
        all.iter().find(|one| one["name"] == "mail" && one["state"] == "failing").map(|_| ())
    });
    assert!(mails().iter().all(|mail| mail["state"] == "waiting" && mail["attempts"] == 0), "{:?}", mails());
    let files = [certificate.display().to_string(), key.display().to_string()];
    let up = Relay::at(port, &[&files[0], &files[1]]).expect("it is there");
    let sent = site.wait_for("the mail", || up.mails().into_iter().next());
    assert_eq!(
        (&sent["to"], &sent["tls"], &sent["user"]),
        (&json!("li@center.example"), &json!(true), &json!("center"))
    );
    let refused = site.wait_for("the refusal", || mails().into_iter().find(|mail| mail["state"] == "failed"));
    assert_eq!(refused["address"], "nobody@center.example");
    assert!(refused["answer"].as_str().is_some_and(|answer| answer.contains("no such user")), "{refused}");
    assert!(relay(&site)["error"].is_null());
    assert!(Browser::signed_in(&site, "operator").get("/mails").body.contains("no such user"));
    // Tried again by hand it fails again, and is shown so.
    operator.ok(&["mail", "retry", refused["id"].as_str().expect("an id")]);
    site.wait_for("the second refusal", || {
        mails().into_iter().find(|mail| mail["id"] == refused["id"] && mail["state"] == "failed")
    });
}
