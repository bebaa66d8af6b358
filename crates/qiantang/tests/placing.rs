//! Where jobs are put, and whose cards they get: what they may ask of nodes, maintenance, alliances that lend.

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Site, Tenant, grant, job};

/// A job that runs until its file is made.
fn until_told(name: &str, cards: u32) -> Value {
    let script = "echo on; while [ ! -e go ]; do sleep 0.05; done";
    with(&job(name, script), &json!({ "cards_per_node": cards }))
}

fn with(spec: &Value, more: &Value) -> Value {
    let mut spec = spec.clone();
    for (key, value) in more.as_object().expect("an object") {
        spec[key] = value.clone();
    }
    spec
}

/// The nodes of a job's newest run, and how many cards it has on each.
fn places(site: &Site, tenant: &Tenant, id: &str) -> Vec<(String, usize)> {
    let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
    let run = &runs["items"][0];
    let places = run["places"].as_array().expect("places").iter();
    let of = |place: &Value| {
        let cards = place["card_indices"].as_array().expect("cards").len();
        (place["node"].as_str().expect("a node").to_owned(), cards)
    };
    places.map(of).collect()
}

fn cancel(site: &Site, tenant: &Tenant, id: &str) {
    site.post(&format!("/api/v1/jobs/{id}/cancel"), &tenant.developer, &json!({}));
    site.wait_for_end(&tenant.developer, id);
}

fn waits_for(site: &Site, tenant: &Tenant, id: &str, limit: &str) {
    site.wait_for(&format!("{id} to wait for {limit}"), || {
        // Refused until the job is planned for the first time.
        let (_, why) = site.ask("GET", &format!("/api/v1/jobs/{id}/why"), &tenant.developer, None);
        (why["code"] == limit).then_some(())
    });
}

#[test]
fn jobs_choose_their_nodes() {
    let site = Site::new(3, "");
    let alpha = site.tenant("alpha", "research", &grant(), 24);
    let put = |path: &str, body: &Value| {
        let (status, answer) = site.ask("PUT", path, &site.operator, Some(body));
        assert_eq!(status, 200, "{path}: {answer}");
    };
    put("/api/v1/nodes/npu-02/labels", &json!({ "labels": ["nvme", "nvme", "ib-400"] }));
    assert_eq!(site.get("/api/v1/nodes/npu-02", &alpha.developer)["labels"], json!(["ib-400", "nvme"]));

    let labelled =
        with(&job("labelled", "true"), &json!({ "labels": ["nvme"], "card_model": "ascend-910|abacus" }));
    let (status, answer) = site.ask("POST", "/api/v1/jobs", &alpha.developer, Some(&labelled));
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("card_model")), "{answer}");
    let labelled = with(&labelled, &json!({ "labels": ["nvme", "ascend-910"], "card_model": null }));
    let id = site.submit(&alpha, &labelled);
    let ended = site.wait_for_end(&alpha.developer, &id);
    assert_eq!(
        (&ended["spec"]["labels"], &ended["spec"]["card_model"]),
        (&json!(["nvme"]), &json!("ascend-910"))
    );
    assert_eq!(places(&site, &alpha, &id), [("npu-02".to_owned(), 1)]);

    // One card is in use: the exclusive job has another node alone, and is quoted all of it.
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

    // Of three nodes one is left whole: an elastic job takes what it can have.
    let wide = with(
        &job("wide", "echo $SLURM_JOB_NUM_NODES nodes"),
        &json!({ "max_nodes": 3, "cards_per_node": 8 }),
    );
    let wide_now = site.submit(&alpha, &wide);
    site.wait_for_end(&alpha.developer, &wide_now);
    assert_eq!(
        (places(&site, &alpha, &wide_now).len(), site.stdout(&alpha.developer, &wide_now)),
        (1, "1 nodes\n".into())
    );
    cancel(&site, &alpha, &held);
    cancel(&site, &alpha, &alone);
    let wide_then = site.submit(&alpha, &wide);
    let ended = site.wait_for_end(&alpha.developer, &wide_then);
    let nodes: BTreeSet<_> = places(&site, &alpha, &wide_then).into_iter().collect();
    assert_eq!(nodes.iter().map(|(_, cards)| cards).collect::<Vec<_>>(), [&8, &8, &8]);
    assert!(ended["used_card_ms"].as_i64().is_some_and(|used| used % 24 == 0), "24 cards: {ended}");
}

#[test]
fn maintenance_is_kept() {
    let mut site = Site::new(2, "");
    let alpha = site.tenant("alpha", "research", &grant(), 16);
    let set = |site: &Site, node: &str, from: i64, until: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        let at = |after_s: i64| {
            let seconds = i64::try_from(now.as_secs()).expect("now") + after_s;
            domain::Timestamp::from_millis(seconds * 1000).to_string()
        };
        let body = json!({ "from": at(from), "until": at(until), "reason": "new fans" });
        let path = format!("/api/v1/nodes/{node}/maintenance");
        site.ask("PUT", &path, &site.operator, Some(&body))
    };
    assert_eq!(set(&site, "npu-01", -60, -1).0, 422, "it is past");
    for node in ["npu-01", "npu-02"] {
        let (status, answer) = set(&site, node, 50, 3600);
        assert_eq!((status, &answer["maintenance"]["reason"]), (200, &json!("new fans")), "{answer}");
    }
    // A job that may take a minute does not start; one that is done before does.
    let long = site.submit(&alpha, &job("long", "true"));
    waits_for(&site, &alpha, &long, "maintenance");
    let short = site.submit(&alpha, &with(&job("short", "true"), &json!({ "time_limit_ms": 5000 })));
    assert_eq!(site.wait_for_end(&alpha.developer, &short)["state"], "succeeded");
    site.stop();
    site.start();
    waits_for(&site, &alpha, &long, "maintenance");
    let (status, answer) = site.ask("DELETE", "/api/v1/nodes/npu-01/maintenance", &site.operator, None);
    assert_eq!((status, &answer["maintenance"]), (200, &Value::Null), "{answer}");
    assert_eq!(site.wait_for_end(&alpha.developer, &long)["state"], "succeeded");
    // One that has begun drains the node, and its end puts it back in.
    let state_of = |site: &Site, wanted: &str| {
        site.wait_for(wanted, || {
            let node = site.get("/api/v1/nodes/npu-02", &site.operator);
            (node["state"] == wanted).then_some(node)
        })
    };
    assert_eq!(set(&site, "npu-02", -60, 2).0, 200);
    assert_eq!(state_of(&site, "drained")["reason"], "new fans");
    let back = state_of(&site, "up");
    assert_eq!(back["maintenance"], Value::Null);
    assert_eq!(set(&site, "npu-02", -60, 3600).0, 200);
    state_of(&site, "drained");
    let (status, answer) = site.ask("DELETE", "/api/v1/nodes/npu-02/maintenance", &site.operator, None);
    assert_eq!((status, &answer["state"]), (200, &json!("up")), "{answer}");
}

#[test]
fn alliances_lend_as_they_wish_and_get_back_what_is_theirs() {
    let site = Site::new(2, "engine.kill_grace_ms = 300\n");
    let found = json!({ "slug": "voice", "name": { "zh": "语音联盟", "en": "Voice" }, "lending_limit": 0 });
    site.post("/api/v1/alliances", &site.operator, &found);
    let queue = |guaranteed: u32| {
        json!({ "guaranteed_cards": guaranteed, "borrowing_limit": null, "lending_limit": null, "weight": 1,
            "max_running_cards": 16 })
    };
    let owner = site.tenant_in("owner", "research", &grant(), &queue(16), Some("voice"));
    let friend = site.tenant_in("friend", "enterprise", &grant(), &queue(0), Some("voice"));
    let stranger = site.tenant_in("stranger", "government", &grant(), &queue(0), None);
    // All cards are guaranteed to one of the alliance, which lends inside of it only.
    let of_stranger = site.submit(&stranger, &until_told("of-stranger", 8));
    waits_for(&site, &stranger, &of_stranger, "kept_for_others");
    let of_friend = site.submit(&friend, &until_told("of-friend", 8));
    site.wait_for_state(&friend.developer, &of_friend, "running");
    let (status, answer) = site.ask(
        "PUT",
        "/api/v1/alliances/voice/lending",
        &site.operator,
        Some(&json!({ "lending_limit": null })),
    );
    assert_eq!((status, &answer["lending_limit"]), (200, &Value::Null), "{answer}");
    site.wait_for_state(&stranger.developer, &of_stranger, "running");
    // The owner wants one node back: it has it after the grace, and who borrowed it waits again.
    let of_owner = site.submit(&owner, &until_told("of-owner", 8));
    site.wait_for_state(&owner.developer, &of_owner, "running");
    let after = [(&friend, &of_friend), (&stranger, &of_stranger)].map(|(tenant, id)| {
        site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer)["state"]
            .as_str()
            .expect("a state")
            .to_owned()
    });
    assert_eq!(after.iter().filter(|is| *is == "queued").count(), 1, "{after:?}");
    cancel(&site, &owner, &of_owner);
    site.wait_for_state(&friend.developer, &of_friend, "running");
    site.wait_for_state(&stranger.developer, &of_stranger, "running");
}
