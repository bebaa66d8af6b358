//! A real center on a real Slurm cluster: from a job that is asked for to what it cost.

#[path = "../../engines/tests/conformance/cluster.rs"]
#[allow(dead_code, reason = "the engines' own tests use the rest")]
mod cluster;
mod support;

mod common {
    pub use super::support::open_folder as folder;
}

use std::{process::Command, sync::Mutex};

use cluster::Cluster;
use serde_json::{Value, json};
use support::{Site, Tenant, grant};

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

/// The card-milliseconds of the jobs whose name begins so, as Slurm's accounting has them.
fn accounted_card_ms(cluster: &Cluster, name: &str) -> Vec<i64> {
    let out = cluster
        .slurm("sacct", &["-naXP", "--starttime=now-1hour", "--format=JobName%60,ElapsedRaw,AllocTRES,End"]);
    let cards = |tres: &str| {
        let count = tres.split(',').find_map(|entry| entry.strip_prefix("gres/npu="));
        count.and_then(|count| count.parse::<i64>().ok()).unwrap_or(0)
    };
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split('|').collect();
        (columns[0].starts_with(name) && columns[3] != "Unknown")
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
    let switches: Vec<Value> = nodes(&site).iter().map(|node| node["switch"].clone()).collect();
    assert_eq!(switches, ["spine/leaf-1", "spine/leaf-1", "spine/leaf-2", "spine/leaf-2"]);
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
    let mut theirs = site.wait_for("all to be accounted for", || {
        let theirs = accounted_card_ms(&cluster, "qt-run_");
        (theirs.len() == ours.len()).then_some(theirs)
    });
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs, "card-milliseconds of each job");
}

/// Slurm's number of waiting jobs of a job here.
fn waiting_in_slurm(cluster: &Cluster, job: &str) -> usize {
    let out = cluster.slurm("squeue", &["-h", "-t", "PENDING", "-o", "%k"]);
    out.lines().filter(|line| line.trim().ends_with(job)).count()
}

#[test]
fn what_takes_moments_is_handed_in_before_cards_are_free() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(cluster) = Cluster::start() else { return };
    let shared = common::folder();
    let site =
        Site::with_settings(&format!("{}notices = \"127.0.0.1:0\"\n", settings(&cluster, shared.path())));
    wait_for_nodes(&site);
    let (wide, narrow) =
        (site.tenant("wide", "research", &grant(), 256), site.tenant("narrow", "research", &grant(), 2));
    let array = |tenant: &Tenant, script: &str, tasks: u32| {
        let mut spec = spec("brief", 1, 1, script);
        spec["array"] = json!({ "ranges": [{ "first": 1, "last": tasks }] });
        site.submit(tenant, &spec)
    };
    // What it takes is learned for each tenant's own.
    for id in [array(&wide, ":", 6), array(&narrow, ":", 6)] {
        assert_eq!(site.wait_for_end(&site.operator, &id)["state"], "succeeded");
    }
    cluster.slurm("scontrol", &["update", "partitionname=npu", "state=down"]);
    let (many, few) = (array(&wide, ":", 200), array(&narrow, ":", 20));
    site.wait_for("three to wait for each card that one is to have", || {
        let (of_many, of_few) = (waiting_in_slurm(&cluster, &many), waiting_in_slurm(&cluster, &few));
        assert!(of_many + of_few <= 4 * 32, "{of_many}, {of_few}");
        assert!(of_few <= 2, "what is handed in ahead counts for its contract: {of_few}");
        (of_many + of_few == 4 * 32 && of_few == 2).then_some(())
    });
    cluster.slurm("scontrol", &["update", "partitionname=npu", "state=up"]);
    for id in [&many, &few] {
        let job = site.wait_for_end(&site.operator, id);
        assert_eq!(job["state"], "succeeded", "{job}\n{}", site.log());
    }
    // One that is none after all: what waits for its card is planned anew, and does not wait for its end.
    let slow = array(&wide, "while [ ! -e go ]; do sleep 0.1; done", 32);
    site.wait_for_state(&wide.developer, &slow, "running");
    let next = array(&wide, ":", 4);
    site.wait_for("it to be handed in", || (waiting_in_slurm(&cluster, &next) > 0).then_some(()));
    site.wait_for_state(&wide.developer, &next, "queued");
    assert_eq!(waiting_in_slurm(&cluster, &next), 0);
    site.post(&format!("/api/v1/jobs/{slow}/cancel"), &wide.developer, &json!({}));
    assert_eq!(site.wait_for_end(&site.operator, &next)["state"], "succeeded");
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], true);
}

/// Hands a job to Slurm as one of its users does, past the center; gives its number.
fn hand_in(cluster: &Cluster, user: &str, name: &str, options: &[&str], script: &str) -> String {
    let (user, name) = (format!("--uid={user}"), format!("--job-name={name}"));
    let wrap = format!("--wrap={script}");
    let fixed = ["--parsable", "--output=/dev/null", "--chdir=/tmp", &user, &name, &wrap];
    cluster.slurm("sbatch", &[&fixed, options].concat()).trim().to_owned()
}

/// The job here that is Slurm's job of this number.
fn billed(site: &Site, number: &str, user: &str) -> Value {
    let comment = format!("Slurm {number} · {user}");
    site.wait_for(&format!("Slurm's job {number} to be seen"), || {
        let jobs = site.get("/api/v1/jobs?limit=200", &site.operator);
        let of = |job: &&Value| {
            let id = job["id"].as_str().expect("an id");
            site.get(&format!("/api/v1/jobs/{id}"), &site.operator)["spec"]["comment"] == comment
        };
        jobs["items"].as_array().expect("jobs").iter().find(of).cloned()
    })
}

fn id(job: &Value) -> String {
    job["id"].as_str().expect("an id").to_owned()
}

#[test]
fn what_goes_to_slurm_past_the_center_is_billed_too() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(cluster) = Cluster::start() else { return };
    let shared = common::folder();
    let more =
        "tenants = { xixi = { user = \"qt-alice\", account = \"own\" }, poor = { user = \"qt-bob\" } }\n";
    let mut site = Site::with_settings(&(settings(&cluster, shared.path()) + more));
    wait_for_nodes(&site);
    site.publish_price(RATE);
    // Named in the settings before they joined.
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000 });
    let xixi = site.tenant("xixi", "enterprise", &metered, 32);
    // A package of twenty card-seconds.
    site.tenant("poor", "enterprise", &json!({ "kind": "prepaid", "package": 20_000, "fee": 1 }), 32);
    let show = |site: &Site, id: &str| site.get(&format!("/api/v1/jobs/{id}"), &site.operator);
    site.wait_for_next_second();

    // One that is seen while it runs, over two nodes; one that is over before anybody looks; one that fails.
    let long = hand_in(&cluster, "qt-alice", "d-long", &["--gres=npu:3", "--nodes=2"], "sleep 4");
    let quick = hand_in(&cluster, "qt-alice", "d-quick", &["--gres=npu:8"], "sleep 1");
    let failing = hand_in(&cluster, "qt-alice", "d-failing", &["--gres=npu:1"], "sleep 1; exit 3");
    // One named as a run is, which it is not.
    let sly = hand_in(
        &cluster,
        "qt-alice",
        "qt-run_0190a5c0-0000-7000-8000-000000000000",
        &["--gres=npu:2"],
        "sleep 2",
    );
    let job = billed(&site, &long, "qt-alice");
    assert_eq!((&job["name"], &job["nodes"]), (&json!("d-long"), &json!(2)), "{job}");
    let mut ends = Vec::new();
    for (number, state) in
        [(&long, "succeeded"), (&quick, "succeeded"), (&failing, "failed"), (&sly, "succeeded")]
    {
        let id = id(&billed(&site, number, "qt-alice"));
        let job = site.wait_for_end(&site.operator, &id);
        assert_eq!(job["state"], state, "{job}");
        ends.push(id);
    }
    assert_eq!(show(&site, &ends[2])["exit_code"], 3);
    let number: u32 = failing.parse().expect("a number");
    assert_eq!(show(&site, &ends[2])["direct"], json!({ "number": number, "user": "qt-alice" }));

    // One that goes on while the center is dead, and one that comes and goes meanwhile.
    let outlives = hand_in(&cluster, "qt-alice", "d-outlives", &["--gres=npu:2"], "sleep 6");
    let id_of_it = id(&billed(&site, &outlives, "qt-alice"));
    site.kill();
    let unseen = hand_in(&cluster, "qt-alice", "d-unseen", &["--gres=npu:5"], "sleep 1");
    site.wait_for("the unseen job to be accounted for", || {
        let state = cluster.slurm("sacct", &["-nXP", "--format=State", "-j", &unseen]);
        (state.trim() == "COMPLETED").then_some(())
    });
    site.start();
    assert_eq!(site.wait_for_end(&site.operator, &id_of_it)["state"], "succeeded");
    let unseen = id(&billed(&site, &unseen, "qt-alice"));
    ends.extend([id_of_it, unseen]);

    // A member stops one of them.
    let cancelled = hand_in(&cluster, "qt-alice", "d-cancelled", &["--gres=npu:1"], "sleep 600");
    let id_of_it = id(&billed(&site, &cancelled, "qt-alice"));
    site.post(&format!("/api/v1/jobs/{id_of_it}/cancel"), &xixi.developer, &json!({}));
    assert_eq!(site.wait_for_end(&site.operator, &id_of_it)["state"], "cancelled");
    ends.push(id_of_it);

    // Each is charged what Slurm accounts for, to the second, and the books close.
    let of = |id: &String| {
        let job = show(&site, id);
        let used = job["used_card_ms"].as_i64().unwrap_or_else(|| panic!("{job}"));
        assert_eq!(job["charge_micro_cny"], used * RATE / 3_600_000, "{job}");
        used
    };
    let mut ours: Vec<i64> = ends.iter().map(of).collect();
    // Accounting has an end later than the controller.
    let mut theirs = site.wait_for("all to be accounted for", || {
        let theirs = ["d-", "qt-run_0190a5c0"].map(|name| accounted_card_ms(&cluster, name)).concat();
        (theirs.len() == ours.len()).then_some(theirs)
    });
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], true);

    // A package that is used up ends what computes on it.
    let rich = hand_in(&cluster, "qt-bob", "p-rich", &["--gres=npu:8"], "sleep 600");
    let job = site.wait_for_end(&site.operator, &id(&billed(&site, &rich, "qt-bob")));
    assert_eq!(job["state"], "stopped", "{job}");
    site.wait_for("Slurm to have ended it", || {
        let state = cluster.slurm("sacct", &["-nXP", "--format=State", "-j", &rich]);
        state.starts_with("CANCELLED").then_some(())
    });
}
