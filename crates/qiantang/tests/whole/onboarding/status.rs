//! The state of the center, as strangers see it: on the page, over HTTP and by the command.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{Browser, Site, grant, job};

use crate::QIANTANG;

fn by_command(site: &Site, lang: &str, more: &[&str]) -> String {
    let run = Command::new(QIANTANG)
        .args(["status", "--lang", lang, "--url", &site.url])
        .args(more)
        .env("HOME", site.data())
        .env("XDG_CONFIG_HOME", site.data())
        .env_remove("QIANTANG_TOKEN")
        .output()
        .expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("it is text")
}

#[test]
fn a_stranger_sees_how_the_center_is_and_nothing_of_any_tenant() {
    let site = Site::new(QIANTANG, 3, "");
    let alpha = site.tenant("alpha", "research", &grant(), 64);
    let names: Vec<String> =
        site.nodes().iter().map(|node| node["name"].as_str().expect("a name").to_owned()).collect();
    // Without a token.
    let told = || site.get("/api/v1/status", "");
    let first = told();
    let counts = |answer: &Value| ["nodes", "up", "out", "failed"].map(|key| answer[key].as_u64());
    assert_eq!(counts(&first), [Some(3), Some(3), Some(0), Some(0)], "{first}");
    assert_eq!((&first["state"], &first["maintenance"]), (&json!("in_service"), &json!([])));

    // All cards are asked for by a job that can't start; one node is taken out, another will be.
    let drained = site.ask(
        "POST",
        &format!("/api/v1/nodes/{}/drain", names[0]),
        &site.operator,
        Some(&json!({ "reason": "a secret fan" })),
    );
    assert!(drained.0 < 300, "{}", drained.1);
    let mut waits = job("hidden-name", "#!/bin/sh\nexec sleep 60\n");
    waits["nodes"] = json!(3);
    waits["cards_per_node"] = json!(8);
    let (taken, answer) = site.ask("POST", "/api/v1/jobs", &alpha.developer, Some(&waits));
    assert_eq!(taken, 201, "{answer}");
    let work =
        json!({ "from": "2099-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z", "reason": "a secret fan" });
    let planned =
        site.ask("PUT", &format!("/api/v1/nodes/{}/maintenance", names[1]), &site.operator, Some(&work));
    assert_eq!(planned.0, 200, "{}", planned.1);
    let now = told();
    assert_eq!(counts(&now), [Some(3), Some(2), Some(1), Some(0)], "{now}");
    let maintenance = &now["maintenance"][0];
    assert_eq!((&maintenance["nodes"], &maintenance["has_begun"]), (&json!(1), &json!(false)), "{now}");
    assert_eq!(now["waiting_jobs"], json!(1), "{now}");

    let stranger = Browser::new(&site);
    let welcome = stranger.get("/welcome").body;
    assert!(welcome.contains("href=\"/status\""), "{welcome}");
    let shown = stranger.get("/status");
    assert_eq!(shown.status, 200);
    let (zh, en) = (by_command(&site, "zh", &[]), by_command(&site, "en", &[]));
    assert!(zh.contains("正常服务") && zh.contains("已计划"), "{zh}");
    assert!(
        en.contains("in service") && en.contains("2 take work, 1 are out") && en.contains("2099-01-01"),
        "{en}"
    );
    let as_json: Value = serde_json::from_str(&by_command(&site, "en", &["--json"])).expect("it is JSON");
    assert_eq!(counts(&as_json), counts(&now));
    // No name of a tenant, a job or a node, and no reason that the center's people wrote for themselves.
    for text in [&shown.body, &zh, &en, &now.to_string()] {
        for hidden in ["alpha", "hidden-name", "secret fan", &names[0]] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
}
