//! Jobs that people hand to Slurm past the center are billed too.

use serde_json::{Value, json};
use testkit::{Cluster, Site, open_folder};

use crate::{RATE, sacct};

/// Hands a job to Slurm as one of its users does, past the center. Returns its number.
fn hand_in(cluster: &Cluster, user: &str, name: &str, options: &[&str], script: &str) -> String {
    let (user, name) = (format!("--uid={user}"), format!("--job-name={name}"));
    let wrap = format!("--wrap={script}");
    let fixed = ["--parsable", "--output=/dev/null", "--chdir=/tmp", &user, &name, &wrap];
    cluster.slurm("sbatch", &[&fixed, options].concat()).trim().to_owned()
}

/// The center's job that is Slurm's job of this number.
fn billed(site: &Site, number: &str, user: &str) -> Value {
    let comment = format!("Slurm {number} · {user}");
    site.wait_for(&format!("Slurm's job {number} to be seen"), || {
        let jobs = site.get("/api/v1/jobs?limit=200", &site.operator);
        let of = |job: &&Value| show(site, &id(job))["spec"]["comment"] == comment;
        jobs["items"].as_array().expect("jobs").iter().find(of).cloned()
    })
}

fn id(job: &Value) -> String {
    job["id"].as_str().expect("an id").to_owned()
}

fn show(site: &Site, id: &str) -> Value {
    site.get(&format!("/api/v1/jobs/{id}"), &site.operator)
}

fn wait_accounted(site: &Site, cluster: &Cluster, number: &str, state: &str) {
    site.wait_for(&format!("Slurm's job {number} to be accounted for as {state}"), || {
        let told = cluster.slurm("sacct", &["-nXP", "--format=State", "-j", number]);
        told.trim().starts_with(state).then_some(())
    });
}

/// Jobs that the center sees while they run, that are over before it looks, and that fail. Returns their ids.
fn seen_or_not(site: &Site, cluster: &Cluster) -> Vec<String> {
    let hand_in = |name, options: &[&str], script| hand_in(cluster, "qt-alice", name, options, script);
    let long = hand_in("d-long", &["--gres=npu:3", "--nodes=2"], "sleep 4");
    let quick = hand_in("d-quick", &["--gres=npu:8"], "sleep 1");
    let failing = hand_in("d-failing", &["--gres=npu:1"], "sleep 1; exit 3");
    // Its name is that of a run, and it is none.
    let sly = hand_in("qt-run_0190a5c0-0000-7000-8000-000000000000", &["--gres=npu:2"], "sleep 2");
    let job = billed(site, &long, "qt-alice");
    assert_eq!((&job["name"], &job["nodes"]), (&json!("d-long"), &json!(2)), "{job}");
    assert_eq!(job["submitted_by"], "qt-alice", "no member of the tenant has that login");
    let ends = [(&long, "succeeded"), (&quick, "succeeded"), (&failing, "failed"), (&sly, "succeeded")];
    let ids = ends.map(|(number, state)| {
        let id = id(&billed(site, number, "qt-alice"));
        let job = site.wait_for_end(&site.operator, &id);
        assert_eq!(job["state"], state, "{job}");
        id
    });
    let failed = show(site, &ids[2]);
    assert_eq!(failed["exit_code"], 3);
    let number: u32 = failing.parse().expect("a number");
    assert_eq!(failed["direct"], json!({ "number": number, "user": "qt-alice" }));
    assert_eq!((&failed["submitted_by"], &failed["most_micro_cny"]), (&json!("qt-alice"), &Value::Null));
    ids.into()
}

/// A job that goes on while the center is dead, and one that comes and goes meanwhile. Returns their ids.
fn while_the_center_is_dead(site: &mut Site, cluster: &Cluster) -> Vec<String> {
    let outlives = hand_in(cluster, "qt-alice", "d-outlives", &["--gres=npu:2"], "sleep 6");
    let of_outlives = id(&billed(site, &outlives, "qt-alice"));
    site.kill();
    let unseen = hand_in(cluster, "qt-alice", "d-unseen", &["--gres=npu:5"], "sleep 1");
    wait_accounted(site, cluster, &unseen, "COMPLETED");
    site.start();
    assert_eq!(site.wait_for_end(&site.operator, &of_outlives)["state"], "succeeded");
    vec![of_outlives, id(&billed(site, &unseen, "qt-alice"))]
}

#[test]
fn what_goes_to_slurm_past_the_center_is_billed_too() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let shared = open_folder();
    // The settings name the tenants before they have joined.
    let tenants =
        "tenants = { xixi = { user = \"qt-alice\", account = \"own\" }, poor = { user = \"qt-bob\" } }\n";
    let mut site = crate::center(&(cluster.settings(shared.path()) + tenants));
    site.publish_price(RATE);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000 });
    let xixi = site.tenant("xixi", "enterprise", &metered, 32);
    // A package of twenty card-seconds.
    site.tenant("poor", "enterprise", &json!({ "kind": "prepaid", "package": 20_000, "fee": 1 }), 32);
    site.wait_for_next_second();

    let mut ids = seen_or_not(&site, &cluster);
    ids.extend(while_the_center_is_dead(&mut site, &cluster));

    // A member cancels one.
    let cancelled = hand_in(&cluster, "qt-alice", "d-cancelled", &["--gres=npu:1"], "sleep 600");
    let of_cancelled = id(&billed(&site, &cancelled, "qt-alice"));
    site.post(&format!("/api/v1/jobs/{of_cancelled}/cancel"), &xixi.developer, &json!({}));
    assert_eq!(site.wait_for_end(&site.operator, &of_cancelled)["state"], "cancelled");
    ids.push(of_cancelled);

    // Each is charged what Slurm accounts for, to the second, and the books close.
    let used = |id: &String| {
        let job = show(&site, id);
        let used = job["used_card_ms"].as_i64().unwrap_or_else(|| panic!("{job}"));
        assert_eq!(job["charge_micro_cny"], used * RATE / 3_600_000, "{job}");
        used
    };
    let mut ours: Vec<i64> = ids.iter().map(used).collect();
    ours.sort_unstable();
    // The accounting has an end later than the controller.
    let theirs = site.wait_for("all to be accounted for", || {
        let mut theirs = ["d-", "qt-run_0190a5c0"].map(|name| sacct::card_ms(&cluster, name)).concat();
        theirs.sort_unstable();
        (theirs.len() == ours.len()).then_some(theirs)
    });
    assert_eq!(ours, theirs);
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], true);

    // A package that is used up ends what computes on it.
    let rich = hand_in(&cluster, "qt-bob", "p-rich", &["--gres=npu:8"], "sleep 600");
    let job = site.wait_for_end(&site.operator, &id(&billed(&site, &rich, "qt-bob")));
    assert_eq!(job["state"], "stopped", "{job}");
    wait_accounted(&site, &cluster, &rich, "CANCELLED");
}
