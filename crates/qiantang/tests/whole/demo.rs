//! The demo, as a user runs it, with its real training.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use testkit::PATIENCE;

use crate::QIANTANG;

#[test]
fn the_demo_does_its_work_and_closes_its_books() {
    let output = Command::new(QIANTANG)
        .args(["demo", "--once", "--json", "--listen", "127.0.0.1:0"])
        .output()
        .expect("the demo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(output.status.success(), "{said}\n{report:#}");
    let jobs = report["jobs"].as_array().expect("jobs");
    let job = |name: &str| jobs.iter().find(|job| job["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let accuracy =
        |name: &str| job(name)["accuracy"].as_f64().unwrap_or_else(|| panic!("{name} has no accuracy"));
    assert!(accuracy("digits-one-card") >= 0.9);
    assert!(
        (accuracy("digits-one-card") - accuracy("digits-two-nodes")).abs() < 1e-9,
        "two nodes learn the same"
    );
    for (name, state) in [
        ("fails", "failed"),
        ("overruns", "timed_out"),
        ("ends-with-its-balance", "stopped"),
        ("waits-for-its-quota", "succeeded"),
        ("digits-sweep", "succeeded"),
    ] {
        assert_eq!(job(name)["state"], state, "{report:#}");
    }
    assert_eq!(job("fails")["exit_code"], 2);
    let verdict = &job("waits-for-its-quota")["verdict"];
    assert_eq!(verdict["code"], "max_running_cards");
    assert!(verdict["text"]["zh"].as_str().is_some_and(|text| text.contains("16")), "{verdict}");
    // The test adds up the books by itself.
    let balance = &report["capacity_balance"];
    let part = |key: &str| balance[key].as_i64().unwrap_or_else(|| panic!("no {key} in {balance}"));
    let parts = [
        "sold_card_ms",
        "granted_card_ms",
        "idle_card_ms",
        "drained_card_ms",
        "failed_card_ms",
        "preempted_card_ms",
        "lost_card_ms",
    ];
    assert_eq!(part("capacity_card_ms"), parts.iter().map(|key| part(key)).sum::<i64>());
    let metered: i64 = jobs.iter().map(|job| job["card_ms"].as_i64().expect("card time")).sum();
    assert_eq!(metered, part("sold_card_ms") + part("granted_card_ms"));
    assert_eq!(report["ledger_balanced"], true);
    // A card of this contract costs its fee over its package: one yuan for 16,000 card-milliseconds.
    let ended = job("ends-with-its-balance");
    let used = ended["card_ms"].as_i64().expect("card time");
    assert!(used >= 16_000, "it ran to the end of its package: {ended}");
    let rate = 1_000_000 * 3_600_000 / 16_000;
    assert_eq!(ended["charge_micro_cny"].as_i64(), Some(used * rate / 3_600_000));
}

#[test]
fn the_demo_goes_on_while_it_serves_and_ends_when_it_is_told() {
    let mut demo = Command::new(QIANTANG)
        .args(["demo", "--lang", "en", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the demo starts");
    let mut lines =
        BufReader::new(demo.stdout.take().expect("the output is piped")).lines().map_while(Result::ok);
    let address = lines.find_map(|line| Some(line.strip_prefix("Open ")?.split(' ').next()?.to_owned()));
    let address = address.expect("the demo says where it is");
    assert!(lines.any(|line| line.contains("First result after")), "it reports before it goes on");
    let agent = testkit::agent();
    let ask = |method: &str, path: &str, token: &str, body: Option<&Value>| {
        testkit::ask(&agent, &address, method, path, token, body, &[]).expect("the demo answers").1
    };
    let body = serde_json::json!({ "login": "operator", "password": "qiantang-demo" });
    let token = ask("POST", "/api/v1/login", "", Some(&body))["token"].as_str().expect("a token").to_owned();
    // Two strangers came to the front door, one of them was asked back, and both are tenants now.
    let applied = ask("GET", "/api/v1/applications?state=effected", &token, None);
    let of_all = |key: &str| -> Vec<&str> {
        applied["items"]
            .as_array()
            .expect("applications")
            .iter()
            .filter_map(|one| one[key].as_str())
            .collect()
    };
    assert_eq!(of_all("tenant"), ["hubin-data", "hupan-pharma"], "newest first: {applied}");
    let rounds = applied["items"].as_array().expect("applications").iter().map(|one| one["round"].as_u64());
    assert_eq!(rounds.collect::<Vec<_>>(), [Some(1), Some(2)]);
    let until = Instant::now() + PATIENCE;
    let is_busy = || {
        let jobs = ask("GET", "/api/v1/jobs?state=running", &token, None);
        let cards = jobs["items"]
            .as_array()
            .expect("jobs")
            .iter()
            .map(|job| job["nodes"].as_u64().unwrap_or(0) * job["cards_per_node"].as_u64().unwrap_or(0));
        cards.sum::<u64>() >= 40
    };
    while !is_busy() {
        assert!(Instant::now() < until, "the hall stays empty: {}", ask("GET", "/api/v1/jobs", &token, None));
        std::thread::sleep(Duration::from_millis(100));
    }
    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is told to end");
    assert!(demo.wait().expect("it ends").success());
}
