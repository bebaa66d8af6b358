//! The demo, as a user runs it, with its real training.

use std::process::Command;

use serde_json::Value;

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
