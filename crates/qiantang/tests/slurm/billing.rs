//! From a job that is asked for to what it cost.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{Site, Tenant, open_folder};

use crate::{QIANTANG, RATE, sacct, spec};

#[test]
fn the_demo_runs_on_slurm() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let output = Command::new(QIANTANG)
        .args(["demo", "--engine", "slurm", "--once", "--json", "--listen", "127.0.0.1:0"])
        .env("SLURM_CONF", cluster.conf())
        .output()
        .expect("the demo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    // The demo ends well only if each job ended as it should and the books close.
    assert!(output.status.success(), "{said}\n{report:#}");
    assert_eq!(report["ledger_balanced"], true);
    let jobs = report["jobs"].as_array().expect("jobs");
    let accuracy =
        |name: &str| jobs.iter().find(|job| job["name"] == name).and_then(|job| job["accuracy"].as_f64());
    assert!(accuracy("digits-one-card") > Some(0.9), "{report:#}");
    assert_eq!(accuracy("digits-one-card"), accuracy("digits-two-nodes"), "two nodes learn the same");
}

/// The use of a job. Its charge has to be that use at the price.
fn billed_card_ms(site: &Site, tenant: &Tenant, id: &str) -> i64 {
    let job = site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer);
    let used = job["used_card_ms"].as_i64().unwrap_or_else(|| panic!("{job}"));
    let charge = job["charge_micro_cny"].as_i64().unwrap_or_else(|| panic!("{job}"));
    assert!((charge - used * RATE / 3_600_000).abs() <= 1, "{job}");
    used
}

#[test]
fn a_center_on_slurm_runs_meters_and_bills() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let shared = open_folder();
    let mut site = crate::center(&cluster.settings(shared.path()));
    let switches: Vec<Value> = site.nodes().iter().map(|node| node["switch"].clone()).collect();
    assert_eq!(switches, ["spine/leaf-1", "spine/leaf-1", "spine/leaf-2", "spine/leaf-2"]);
    site.publish_price(RATE);
    let terms = json!({ "kind": "metered", "credit_limit": 1_000_000_000 });
    let tenant = site.tenant("xixi", "enterprise", &terms, 32);
    let submit = |site: &Site, name, nodes, cards, script: &str| {
        site.submit(&tenant, &spec(name, nodes, cards, script))
    };
    let end = |site: &Site, id: &str| site.wait_for_end(&tenant.developer, id);

    let script = "echo \"$RANK of $WORLD_SIZE on $QIANTANG_NODE_NAME\"; sleep 2";
    let gang = submit(&site, "gang", 2, 4, script);
    let job = end(&site, &gang);
    assert_eq!(job["state"], "succeeded", "{job}\n{}", site.log());
    let out = site.stdout(&tenant.developer, &gang);
    assert!(out.contains("0 of 2 on npu") && out.contains("1 of 2 on npu"), "{out}");

    let failure = submit(&site, "failure", 1, 1, "exit 3");
    let long = submit(&site, "long", 1, 8, "sleep 600");
    assert_eq!(end(&site, &failure)["state"], "failed");
    site.wait_for_state(&tenant.developer, &long, "running");
    site.post(&format!("/api/v1/jobs/{long}/cancel"), &tenant.developer, &json!({}));
    assert_eq!(end(&site, &long)["state"], "cancelled");

    // The center is killed under a run, which goes on. The next center takes in its end.
    let outlives = submit(&site, "outlives", 1, 2, "echo once >> mark; sleep 2; wc -l < mark; exit 0");
    site.wait_for_state(&tenant.developer, &outlives, "running");
    site.kill();
    site.start();
    let job = end(&site, &outlives);
    let out = site.stdout(&tenant.developer, &outlives);
    assert_eq!((&job["state"], out.trim()), (&json!("succeeded"), "1"), "{job}");

    // The ledger has the card-milliseconds of each job that Slurm's accounting has.
    let mut ours: Vec<i64> = [&gang, &failure, &long, &outlives]
        .into_iter()
        .map(|id| billed_card_ms(&site, &tenant, id))
        .collect();
    ours.sort_unstable();
    let theirs = site.wait_for("all to be accounted for", || {
        let theirs = sacct::card_ms(&cluster, "qt-run_");
        (theirs.len() == ours.len()).then_some(theirs)
    });
    assert_eq!(ours, theirs);

    // A node that Slurm takes out is out here, and comes back.
    cluster.slurm("scontrol", &["update", "nodename=npu4", "state=drain", "reason=a fan"]);
    site.wait_for("the drain", || {
        let is_out = |node: &&Value| node["name"] == "npu4" && node["state"] == "drained";
        site.nodes().iter().find(is_out).map(|node| assert_eq!(node["reason"], "Slurm: a fan"))
    });
    cluster.slurm("scontrol", &["update", "nodename=npu4", "state=resume"]);
    site.wait_for_slurm_nodes();
}
