//! Runs that take moments are handed to Slurm before cards are free for them.

use serde_json::json;
use testkit::{Cluster, Tenant, grant, open_folder};

use crate::spec;

/// How many of a job's runs wait in Slurm.
fn waiting_in_slurm(cluster: &Cluster, job: &str) -> usize {
    let out = cluster.slurm("squeue", &["-h", "-t", "PENDING", "-o", "%k"]);
    out.lines().filter(|line| line.trim().ends_with(job)).count()
}

#[test]
fn what_takes_moments_is_handed_in_before_cards_are_free() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let shared = open_folder();
    let site = crate::center(&format!("{}notices = \"127.0.0.1:0\"\n", cluster.settings(shared.path())));
    let (wide, narrow) =
        (site.tenant("wide", "research", &grant(), 256), site.tenant("narrow", "research", &grant(), 2));
    let array = |tenant: &Tenant, script: &str, tasks: u32| {
        let mut spec = spec("brief", 1, 1, script);
        spec["array"] = json!({ "ranges": [{ "first": 1, "last": tasks }] });
        site.submit(tenant, &spec)
    };
    // How long such runs take is learned for each tenant by itself.
    for id in [array(&wide, ":", 6), array(&narrow, ":", 6)] {
        assert_eq!(site.wait_for_end(&site.operator, &id)["state"], "succeeded");
    }
    cluster.slurm("scontrol", &["update", "partitionname=npu", "state=down"]);
    let (many, few) = (array(&wide, ":", 200), array(&narrow, ":", 20));
    site.wait_for("each card to have one run and three that wait for it", || {
        let (of_many, of_few) = (waiting_in_slurm(&cluster, &many), waiting_in_slurm(&cluster, &few));
        assert!(of_many + of_few <= 4 * 32, "{of_many}, {of_few}");
        assert!(of_few <= 2, "a run that is handed in ahead counts for its contract: {of_few}");
        (of_many + of_few == 4 * 32 && of_few == 2).then_some(())
    });
    cluster.slurm("scontrol", &["update", "partitionname=npu", "state=up"]);
    for id in [&many, &few] {
        let job = site.wait_for_end(&site.operator, id);
        assert_eq!(job["state"], "succeeded", "{job}\n{}", site.log());
    }
    // Runs of the kind that stay after all: those that wait for their cards are planned anew and don't wait
    // for their end.
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
