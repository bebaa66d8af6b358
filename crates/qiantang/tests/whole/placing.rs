//! Where jobs are placed: what they ask of nodes, and maintenance.

use std::collections::BTreeSet;

use domain::Millis;
use serde_json::{Value, json};
use testkit::{Site, Tenant, grant, job, now};

use crate::{
    QIANTANG,
    jobs::{cancel, until_told, waits_for, with},
};

/// The nodes of a job's newest run, and how many cards it has on each.
fn places(site: &Site, tenant: &Tenant, id: &str) -> Vec<(String, usize)> {
    let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
    let places = runs["items"][0]["places"].as_array().expect("places").iter();
    let of = |place: &Value| {
        let cards = place["card_indices"].as_array().expect("cards").len();
        (place["node"].as_str().expect("a node").to_owned(), cards)
    };
    places.map(of).collect()
}

/// A center of three nodes with a tenant that may use all of them.
fn three_nodes() -> (Site, Tenant) {
    let site = Site::new(QIANTANG, 3, "");
    let alpha = site.tenant("alpha", "research", &grant(), 24);
    (site, alpha)
}

#[test]
fn a_job_asks_for_nodes_by_labels_and_card_model() {
    let (site, alpha) = three_nodes();
    let labels = json!({ "labels": ["nvme", "nvme", "ib-400"] });
    let (status, answer) = site.ask("PUT", "/api/v1/nodes/npu-02/labels", &site.operator, Some(&labels));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(site.get("/api/v1/nodes/npu-02", &alpha.developer)["labels"], json!(["ib-400", "nvme"]));

    let labelled =
        with(&job("labelled", "true"), &json!({ "labels": ["nvme"], "card_model": "ascend-910|abacus" }));
    let (status, answer) = site.ask("POST", "/api/v1/jobs", &alpha.developer, Some(&labelled));
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("card_model")), "{answer}");

    // A card model among the labels is taken for what it is.
    let labelled = with(&labelled, &json!({ "labels": ["nvme", "ascend-910"], "card_model": null }));
    let id = site.submit(&alpha, &labelled);
    let ended = site.wait_for_end(&alpha.developer, &id);
    assert_eq!(
        (&ended["spec"]["labels"], &ended["spec"]["card_model"]),
        (&json!(["nvme"]), &json!("ascend-910"))
    );
    assert_eq!(places(&site, &alpha, &id), [("npu-02".to_owned(), 1)]);
}

#[test]
fn an_exclusive_job_has_its_node_alone_and_pays_for_all_of_it() {
    let (site, alpha) = three_nodes();
    let held = site.submit(&alpha, &until_told("held", 1));
    site.wait_for_state(&alpha.developer, &held, "running");
    let alone = with(&until_told("alone", 2), &json!({ "exclusive": true }));
    let quote = site.post("/api/v1/jobs/dry-run", &alpha.developer, &alone);
    assert_eq!(quote["price"]["cards"], 8, "{quote}");
    let alone = site.submit(&alpha, &alone);
    site.wait_for_state(&alpha.developer, &alone, "running");
    let (of_held, of_alone) = (places(&site, &alpha, &held), places(&site, &alpha, &alone));
    assert_eq!((of_alone.len(), of_alone[0].1), (1, 8));
    assert_ne!(of_held[0].0, of_alone[0].0);
}

#[test]
fn an_elastic_job_takes_the_nodes_that_it_can_have() {
    let (site, alpha) = three_nodes();
    let held = [until_told("one", 1), until_told("other", 8)].map(|spec| site.submit(&alpha, &spec));
    for id in &held {
        site.wait_for_state(&alpha.developer, id, "running");
    }
    let wide = with(
        &job("wide", "echo $SLURM_JOB_NUM_NODES nodes"),
        &json!({ "max_nodes": 3, "cards_per_node": 8 }),
    );
    // One of the three nodes is free.
    let id = site.submit(&alpha, &wide);
    site.wait_for_end(&alpha.developer, &id);
    assert_eq!(
        (places(&site, &alpha, &id).len(), site.stdout(&alpha.developer, &id)),
        (1, "1 nodes\n".into())
    );
    for id in &held {
        cancel(&site, &alpha, id);
    }
    let id = site.submit(&alpha, &wide);
    let ended = site.wait_for_end(&alpha.developer, &id);
    let nodes: BTreeSet<_> = places(&site, &alpha, &id).into_iter().collect();
    assert_eq!(nodes.iter().map(|(_, cards)| cards).collect::<Vec<_>>(), [&8, &8, &8]);
    assert!(ended["used_card_ms"].as_i64().is_some_and(|used| used % 24 == 0), "24 cards: {ended}");
}

/// Announces maintenance of a node between two instants, in seconds from now.
fn announce(site: &Site, node: &str, from_s: i64, until_s: i64) -> (u16, Value) {
    let now = now();
    let at = |after_s: i64| now.plus(Millis::from_secs(after_s)).to_string();
    let body = json!({ "from": at(from_s), "until": at(until_s), "reason": "new fans" });
    site.ask("PUT", &format!("/api/v1/nodes/{node}/maintenance"), &site.operator, Some(&body))
}

/// Calls off the maintenance of a node. Returns the node.
fn call_off(site: &Site, node: &str) -> Value {
    let path = format!("/api/v1/nodes/{node}/maintenance");
    let (status, answer) = site.ask("DELETE", &path, &site.operator, None);
    assert_eq!(status, 200, "{answer}");
    answer
}

#[test]
fn no_job_starts_that_could_run_into_maintenance() {
    let mut site = Site::new(QIANTANG, 2, "");
    let alpha = site.tenant("alpha", "research", &grant(), 16);
    assert_eq!(announce(&site, "npu-01", -60, -1).0, 422, "it is past");
    for node in ["npu-01", "npu-02"] {
        let (status, answer) = announce(&site, node, 50, 3600);
        assert_eq!((status, &answer["maintenance"]["reason"]), (200, &json!("new fans")), "{answer}");
    }
    // A job with a limit of a minute does not start; one that is done before the maintenance does.
    let long = site.submit(&alpha, &job("long", "true"));
    waits_for(&site, &alpha, &long, "maintenance");
    let short = site.submit(&alpha, &with(&job("short", "true"), &json!({ "time_limit_ms": 5000 })));
    assert_eq!(site.wait_for_end(&alpha.developer, &short)["state"], "succeeded");
    // A center that is started again knows of it.
    site.stop();
    site.start();
    waits_for(&site, &alpha, &long, "maintenance");
    assert_eq!(call_off(&site, "npu-01")["maintenance"], Value::Null);
    assert_eq!(site.wait_for_end(&alpha.developer, &long)["state"], "succeeded");
}

#[test]
fn maintenance_drains_the_node_and_its_end_puts_it_back_in() {
    let site = Site::new(QIANTANG, 1, "");
    let wait_for = |state: &str| {
        site.wait_for(state, || {
            let node = site.get("/api/v1/nodes/npu-", &site.operator);
            (node["state"] == state).then_some(node)
        })
    };
    assert_eq!(announce(&site, "npu-", -60, 2).0, 200);
    assert_eq!(wait_for("drained")["reason"], "new fans");
    assert_eq!(wait_for("up")["maintenance"], Value::Null);

    assert_eq!(announce(&site, "npu-", -60, 3600).0, 200);
    wait_for("drained");
    assert_eq!(call_off(&site, "npu-")["state"], "up");
}
