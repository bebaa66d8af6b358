//! Webhooks: signed so that the official verifier takes them, kept while a receiver is down, and to no address within.

use serde_json::{Value, json};
use testkit::{Browser, Receiver, Site, Terminal, free_port, grant, job};

use crate::QIANTANG;

const SETTINGS: &str = "[limits]\nsign_ins_per_minute = 1000000\n[notices]\naddresses = [\"127.0.0.0/8\"]\n";

fn make(site: &Site, token: &str, url: &str, events: &[&str]) -> (String, String) {
    let new = json!({ "name": "hook", "kind": "webhook", "url": url, "events": events });
    let made = site.post("/api/v1/webhooks", token, &new);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&made["webhook"]["id"]), text(&made["secret"]))
}

#[test]
fn the_official_verifier_takes_what_is_posted_and_both_secrets_while_one_is_changed() {
    let Some(receiver) = Receiver::start() else { return };
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    let url = format!("http://127.0.0.1:{}/hook?key=secret-part", receiver.port);
    let (id, secret) = make(&site, &alpha.admin, &url, &["job_ended"]);
    receiver.knows(&[&secret]);
    let shown = site.get(&format!("/api/v1/webhooks/{id}"), &alpha.admin).to_string();
    assert!(!shown.contains(&secret) && !shown.contains("secret-part"), "{shown}");
    let job = site.submit(&alpha, &job("counted", "true"));
    let first = site.wait_for("the event", || receiver.kept().into_iter().next());
    assert_eq!(first["by"], json!([secret]));
    let body = &first["body"];
    assert_eq!((&body["type"], &body["data"]["job"]), (&json!("job.ended"), &json!(job)));
    assert_eq!(body["data"]["outcome"], "succeeded");
    // Another tenant's events are not posted there.
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    let other = site.submit(&beta, &testkit::job("of-beta", "true"));
    site.wait_for_end(&beta.developer, &other);

    let terminal = Terminal::signed_in(&site, "alpha-admin");
    let rotated = terminal.json(&["webhooks", "rotate", &id]);
    let new = rotated["secret"].as_str().expect("a secret").to_owned();
    receiver.knows(&[&secret, &new]);
    terminal.ok(&["webhooks", "test", &id]);
    let test = site.wait_for("the test", || {
        receiver.kept().into_iter().find(|kept| kept["body"]["type"] == "endpoint.test")
    });
    assert_eq!(test["by"], json!([secret, new]), "both sign");
    assert!(receiver.kept().iter().all(|kept| !kept.to_string().contains("of-beta")));
    // By hand it goes out again under the id that it had.
    let deliveries = terminal.json(&["webhooks", "deliveries", &id]);
    let of_job = deliveries.as_array().expect("deliveries").iter().find(|one| one["kind"] == "job_ended");
    let delivery = of_job.expect("the event")["id"].as_str().expect("an id").to_owned();
    assert_eq!(first["id"], delivery.as_str());
    terminal.ok(&["webhooks", "replay", &id, &delivery]);
    site.wait_for("the replay", || {
        (receiver.kept().iter().filter(|kept| kept["id"] == delivery.as_str()).count() == 2).then_some(())
    });
    // Under another key of the center, too.
    let sealed = site.post("/api/v1/secrets/rotate-key", &site.operator, &json!({}));
    assert_eq!(sealed["secrets"], 0, "endpoints are sealed anew beside secrets");
    let before = receiver.kept().len();
    terminal.ok(&["webhooks", "test", &id]);
    let last = site.wait_for("another test", || receiver.kept().into_iter().nth(before));
    assert_eq!(last["by"], json!([secret, new]));
}

#[test]
fn a_receiver_that_was_down_gets_what_happened_meanwhile() {
    let Some(receiver) = Receiver::start() else { return };
    let mut site = Site::new(QIANTANG, 1, SETTINGS);
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    let url = format!("http://127.0.0.1:{}/", free_port());
    let (id, _) = make(&site, &alpha.admin, &url, &["job_ended"]);
    let first = site.submit(&alpha, &job("first", "true"));
    site.wait_for_end(&alpha.developer, &first);
    let shown = |site: &Site| site.get(&format!("/api/v1/webhooks/{id}"), &alpha.admin);
    site.wait_for("a failure", || (shown(&site)["failures"] != 0).then_some(()));
    // The center is killed, and goes on where it was.
    site.keep_address();
    site.kill();
    site.start();
    assert_eq!(shown(&site)["waiting"], 1, "{}", shown(&site));
    let page = Browser::signed_in(&site, "alpha-admin").get(&format!("/webhooks/{id}")).body;
    assert!(page.contains("waiting") && page.contains("next try"), "{page}");
    // Somebody listens there after all.
    let (second, secret) =
        make(&site, &alpha.admin, &format!("http://127.0.0.1:{}/", receiver.port), &["job_ended"]);
    receiver.knows(&[&secret]);
    for name in ["second", "third"] {
        let job = site.submit(&alpha, &job(name, "true"));
        site.wait_for_end(&alpha.developer, &job);
    }
    site.wait_for("both", || (receiver.kept().len() == 2).then_some(()));
    let waiting = |id: &str| site.get(&format!("/api/v1/webhooks/{id}"), &alpha.admin)["waiting"].clone();
    site.wait_for("them to be kept", || (waiting(&second) == 0).then_some(()));
    site.wait_for("the dead one to have all three", || (waiting(&id) == 3).then_some(()));
}

#[test]
fn nothing_is_posted_to_an_address_within() {
    let site = Site::new(QIANTANG, 1, "[limits]\nsign_ins_per_minute = 1000000\n");
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    // The center itself would answer there.
    for url in [
        format!("{}/api/v1/health", site.url),
        "http://localhost:1/".into(),
        "http://169.254.169.254/".into(),
    ] {
        let (id, _) = make(&site, &alpha.admin, &url, &["job_ended"]);
        site.post(&format!("/api/v1/webhooks/{id}/test"), &alpha.admin, &json!({}));
        let refused = site.wait_for("the try", || {
            let all = site.get(&format!("/api/v1/webhooks/{id}/deliveries"), &alpha.admin);
            all.as_array().expect("deliveries").iter().find(|one| one["attempts"] != 0).cloned()
        });
        assert_eq!(refused["status"], Value::Null, "{refused}");
        assert!(refused["answer"].as_str().is_some_and(|text| text.contains("not public")), "{refused}");
    }
    for (kind, url) in
        [("dingtalk", "https://evil.example/"), ("webhook", "https://u:p@a.example/"), ("feishu", "x")]
    {
        let new = json!({ "name": "x", "kind": kind, "url": url, "events": ["job_ended"] });
        let (status, answer) = site.ask("POST", "/api/v1/webhooks", &alpha.admin, Some(&new));
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some("url")), "{answer}");
    }
}
