//! A real center on a real Slurm cluster: from a job that is asked for to what it cost.

#[path = "../../engines/tests/conformance/cluster.rs"]
#[allow(dead_code, reason = "the engines' own tests use the rest")]
mod cluster;
mod support;

mod common {
    /// A folder that other users can get into.
    pub fn folder() -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::Builder::new().prefix("qt-").tempdir_in("/tmp").expect("a folder");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
        dir
    }
}

use std::{process::Command, sync::Mutex};

use cluster::Cluster;
use serde_json::{Value, json};
use support::{Site, Tenant};

/// Micro-CNY for a card-hour.
const RATE: i64 = 36_000_000;

fn settings(cluster: &Cluster, shared: &std::path::Path) -> String {
    let (conf, shared) = (cluster.conf(), shared.display());
    format!(
        "[engine]\nkind = \"slurm\"\n[engine.slurm]\nshared_dir = \"{shared}\"\nconf = \"{}\"\n\
         models = {{ ascend910 = \"ascend-910\" }}\n",
        conf.display()
    )
}

fn nodes(site: &Site) -> Vec<Value> {
    site.get("/api/v1/nodes", &site.operator).as_array().cloned().unwrap_or_default()
}

fn wait_for_nodes(site: &Site) {
    site.wait_for("Slurm's nodes", || {
        let nodes = nodes(site);
        (nodes.len() == 4 && nodes.iter().all(|node| node["state"] == "up")).then_some(())
    });
}

/// Start, end and cards of all jobs of this center, as Slurm's accounting has them.
fn accounted_card_ms(cluster: &Cluster) -> Vec<i64> {
    let out = cluster
        .slurm("sacct", &["-naXP", "--starttime=now-1hour", "--format=JobName%60,ElapsedRaw,AllocTRES"]);
    let cards = |tres: &str| {
        let count = tres.split(',').find_map(|entry| entry.strip_prefix("gres/npu="));
        count.and_then(|count| count.parse::<i64>().ok()).unwrap_or(0)
    };
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split('|').collect();
        columns[0]
            .starts_with("qt-run_")
            .then(|| columns[1].parse::<i64>().expect("seconds") * 1000 * cards(columns[2]))
    };
    out.lines().filter_map(of_line).collect()
}

fn spec(name: &str, nodes: u32, cards: u32, script: &str) -> Value {
    json!({ "name": name, "script": format!("#!/bin/bash\n{script}\n"), "nodes": nodes, "cards_per_node": cards,
        "time_limit_ms": 120_000 })
}

fn end(site: &Site, tenant: &Tenant, id: &str) -> Value {
    site.wait_for_end(&tenant.developer, id)
}

/// One cluster at a time: two have more processes than a small machine likes.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn the_demo_runs_on_slurm() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(cluster) = Cluster::start() else { return };
    let output = Command::new(Site::binary())
        .args(["demo", "--engine", "slurm", "--once", "--json", "--listen", "127.0.0.1:0"])
        .env("SLURM_CONF", cluster.conf())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    // It ends well only if each job ended as it should and the books close.
    assert!(output.status.success(), "{said}\n{report:#}");
    assert_eq!(report["ledger_balanced"], true);
    let jobs = report["jobs"].as_array().expect("jobs");
    let accuracy =
        |name: &str| jobs.iter().find(|job| job["name"] == name).and_then(|job| job["accuracy"].as_f64());
    assert!(accuracy("digits-one-card") > Some(0.9), "{report:#}");
    assert_eq!(accuracy("digits-one-card"), accuracy("digits-two-nodes"), "two nodes learn the same");
}

#[test]
fn a_center_on_slurm_runs_meters_and_bills() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(cluster) = Cluster::start() else { return };
    let shared = common::folder();
    let mut site = Site::with_settings(&settings(&cluster, shared.path()));
    wait_for_nodes(&site);
    site.publish_price(RATE);
    let tenant =
        site.tenant("xixi", "enterprise", &json!({ "kind": "metered", "credit_limit": 1_000_000_000 }), 32);

    // A gang, its log, its end.
    let gang = site.submit(
        &tenant,
        &spec("gang", 2, 4, "echo \"$RANK of $WORLD_SIZE on $QIANTANG_NODE_NAME\"; sleep 2"),
    );
    let job = end(&site, &tenant, &gang);
    assert_eq!(job["state"], "succeeded", "{job}\n{}", site.log());
    let out = site.stdout(&tenant.developer, &gang);
    assert!(out.contains("0 of 2 on npu") && out.contains("1 of 2 on npu"), "{out}");

    // A failure, and one that is stopped.
    let failure = site.submit(&tenant, &spec("failure", 1, 1, "exit 3"));
    let long = site.submit(&tenant, &spec("long", 1, 8, "sleep 600"));
    assert_eq!(end(&site, &tenant, &failure)["state"], "failed");
    site.wait_for_state(&tenant.developer, &long, "running");
    site.post(&format!("/api/v1/jobs/{long}/cancel"), &tenant.developer, &json!({}));
    assert_eq!(end(&site, &tenant, &long)["state"], "cancelled");

    // The center is killed under a run, which goes on and ends; the next one takes that in.
    let outlives =
        site.submit(&tenant, &spec("outlives", 1, 2, "echo once >> mark; sleep 2; wc -l < mark; exit 0"));
    site.wait_for_state(&tenant.developer, &outlives, "running");
    site.kill();
    site.start();
    let job = end(&site, &tenant, &outlives);
    assert_eq!(
        (&job["state"], site.stdout(&tenant.developer, &outlives).trim()),
        (&json!("succeeded"), "1"),
        "{job}"
    );

    // What Slurm takes out is out here, and comes back.
    cluster.slurm("scontrol", &["update", "nodename=npu4", "state=drain", "reason=a fan"]);
    site.wait_for("the drain", || {
        let is_out = |node: &&Value| node["name"] == "npu4" && node["state"] == "drained";
        nodes(&site).iter().find(is_out).map(|node| assert_eq!(node["reason"], "Slurm: a fan"))
    });
    cluster.slurm("scontrol", &["update", "nodename=npu4", "state=resume"]);
    wait_for_nodes(&site);

    // The ledger has what Slurm's accounting has, to the second.
    let used = |id: &str| {
        let job = site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer);
        let used = job["used_card_ms"].as_i64().unwrap_or_else(|| panic!("{job}"));
        let charge = job["charge_micro_cny"].as_i64().unwrap_or_else(|| panic!("{job}"));
        assert!((charge - used * RATE / 3_600_000).abs() <= 1, "{job}");
        used
    };
    let mut ours: Vec<i64> = [&gang, &failure, &long, &outlives].into_iter().map(|id| used(id)).collect();
    let mut theirs = Vec::new();
    site.wait_for("all to be accounted for", || {
        theirs = accounted_card_ms(&cluster);
        (theirs.len() == ours.len()).then_some(())
    });
    ours.sort_unstable();
    theirs.sort_unstable();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        // Slurm counts whole seconds from before the center's own instant; no run is charged from before it was planned.
        assert!((theirs - 8 * 1000..=*theirs).contains(ours), "{ours} {theirs}");
    }
}
