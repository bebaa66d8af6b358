//! On Slurm the nodes that there are to be are Slurm's own.

use serde_json::Value;
use testkit::{Cluster, Site, Terminal, open_folder};

fn differences(site: &Site) -> Vec<(String, String)> {
    let answer = site.get("/api/v1/retirement", &site.operator);
    assert_eq!(answer["whose"], "slurm", "{answer}");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let found = answer["differences"].as_array().expect("differences").iter();
    found.map(|one| (text(&one["kind"]), text(&one["name"]))).collect()
}

fn state(site: &Site, name: &str) -> Option<Value> {
    site.nodes().into_iter().find(|node| node["name"] == name)
}

/// Which nodes the center's partition has.
fn partition(cluster: &Cluster, nodes: &str) {
    cluster.slurm("scontrol", &["update", "partitionname=npu", &format!("nodes={nodes}")]);
}

#[test]
fn a_node_that_slurm_has_no_more_takes_no_runs_and_is_retired() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let shared = open_folder();
    let site = crate::center(&format!("{}partition = \"npu\"\n", cluster.settings(shared.path())));
    assert_eq!(differences(&site), []);

    partition(&cluster, "npu[1-3]");
    let gone =
        site.wait_for("the node to fail", || state(&site, "npu4").filter(|node| node["state"] == "failed"));
    assert!(gone["reason"].as_str().is_some_and(|why| why.starts_with("Slurm: ")), "{gone}");
    assert_eq!(differences(&site), [("node_not_named".to_owned(), "npu4".to_owned())]);
    // It comes back with Slurm's list.
    partition(&cluster, "npu[1-4]");
    site.wait_for("the node to be back", || {
        state(&site, "npu4").filter(|node| node["state"] == "up").map(drop)
    });

    partition(&cluster, "npu[1-3]");
    site.wait_for("the node to fail again", || {
        state(&site, "npu4").filter(|node| node["state"] == "failed").map(drop)
    });
    let at = Terminal::signed_in(&site, "operator");
    at.ok(&["nodes", "retire", "npu4", "--reason", "sold"]);
    assert!(state(&site, "npu4").is_none() && differences(&site).is_empty());

    // Slurm's list alone does not bring a retired node back.
    partition(&cluster, "npu[1-4]");
    let retired = vec![("node_retired".to_owned(), "npu4".to_owned())];
    site.wait_for("Slurm to list it again", || (differences(&site) == retired).then_some(()));
    assert!(state(&site, "npu4").is_none());
    assert!(at.ok(&["nodes", "compare"]).contains("bring-back npu4"));
    at.ok(&["nodes", "bring-back", "npu4"]);
    site.wait_for("the node to be up", || {
        state(&site, "npu4").filter(|node| node["state"] == "up").map(drop)
    });
}
