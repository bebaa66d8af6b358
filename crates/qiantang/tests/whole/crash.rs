//! The center is killed at random instants under load. Nothing acknowledged is lost, nothing is started
//! twice, every run that was alive is taken up again with its log and exit code, and the books close to the
//! card-millisecond.
//!
//! The long form: `cargo test --release -p qiantang --test whole crash -- --ignored --nocapture`.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use testkit::{
    Dice, Site, Tenant, grant,
    load::{Load, Submission, expected},
    now,
};

use crate::QIANTANG;

const SETTINGS: &str = "[billing]\naccrue_every_ms = 200\n";
const SUBMITTERS: u64 = 3;

/// Marks its start, so that a second start of the same run is seen, says its name, and ends with a code of
/// its own.
const SCRIPT: &str = "#!/bin/sh\n\
    mkdir \"$HOME/started-$QIANTANG_RUN_ID\" || echo twice > \"$HOME/twice-$QIANTANG_RUN_ID\"\n\
    echo \"I am $NAME\"\n[ \"$NAP\" = 0 ] || sleep \"$NAP\"\necho \"done $NAME\"\nexit \"$CODE\"\n";

#[test]
fn a_few_kills_lose_nothing() {
    torture(12);
}

#[test]
#[ignore = "the long form: 200 kills take minutes"]
fn two_hundred_kills_lose_nothing() {
    torture(200);
}

fn torture(kills: u32) {
    let mut dice = Dice::by_the_clock();
    let mut site = Site::new(QIANTANG, 4, SETTINGS);
    site.publish_price(12_000_000);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let tenants =
        [site.tenant("sold", "enterprise", &metered, 32), site.tenant("granted", "research", &grant(), 32)];
    let from = now();

    let of_tenants = tenants.clone();
    let load = Load::start(SUBMITTERS, dice.below(1 << 31), &site.url, move |dice, number| {
        job(dice, number, &of_tenants)
    });
    for kill in 1..=kills {
        // The sleep picks a random instant; it waits for nothing.
        std::thread::sleep(Duration::from_millis(dice.below(400)));
        site.kill();
        site.start();
        site.url.clone_into(&mut load.url.lock().expect("a url"));
        if kill.is_multiple_of(20) {
            println!("{kill} kills, {} jobs acknowledged", load.count());
        }
    }
    check(&site, &tenants, &load.end(), from);
}

fn job(dice: &mut Dice, number: u64, tenants: &[Tenant]) -> Submission {
    let name = format!("job-{number}");
    let code = dice.below(4).to_string();
    let nap = dice.pick(&["0", "0", "0.1", "0.5", "1"]);
    let token = dice.pick(tenants).developer.clone();
    let cards = dice.pick(&[1, 1, 2, 8]);
    let spec = json!({ "name": name, "script": SCRIPT, "time_limit_ms": 60_000, "cards_per_node": cards,
        "env": { "NAME": name, "CODE": code, "NAP": nap } });
    Submission { token, spec, pause: Duration::from_millis(dice.below(60)) }
}

fn check(site: &Site, tenants: &[Tenant], acknowledged: &BTreeMap<String, Value>, from: domain::Timestamp) {
    println!("{} jobs acknowledged", acknowledged.len());
    assert!(!acknowledged.is_empty());
    let mut used = 0;
    for (id, spec) in acknowledged {
        let (name, code) = expected(spec);
        let job = site.wait_for_end(&site.operator, id);
        assert_eq!(job["name"], name, "another job under this id");
        assert_eq!(job["exit_code"], code, "{job}");
        assert_eq!(job["state"], if code == 0 { "succeeded" } else { "failed" }, "{job}");
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &site.operator);
        assert_eq!(runs["items"].as_array().map(Vec::len), Some(1), "more than one run: {runs}");
        assert_eq!(site.stdout(&site.operator, id), format!("I am {name}\ndone {name}\n"));
        used += job["used_card_ms"].as_i64().expect("use");
    }
    // Each key made one job, so there is none that nobody was told of.
    let counted: i64 = site.get("/api/v1/overview", &site.operator)["jobs"]
        .as_array()
        .expect("counts")
        .iter()
        .map(|row| row["jobs"].as_i64().expect("a count"))
        .sum();
    assert_eq!(counted, i64::try_from(acknowledged.len()).expect("a count"));
    for tenant in tenants {
        let folder = site.get(&format!("/api/v1/tenants/{}", tenant.slug), &site.operator);
        let work = site.data().join("work").join(folder["id"].as_str().expect("an id"));
        let twice = std::fs::read_dir(&work).expect("the tenant's folder").filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("twice-"))
        });
        assert_eq!(twice.count(), 0, "a run was started twice");
    }
    let ledger = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!((&ledger["is_balanced"], &ledger["is_sealed"]), (&json!(true), &json!(true)), "{ledger}");
    let balance = site.get(&format!("/api/v1/capacity-balance?from={from}"), &site.operator);
    let part = |key: &str| balance[key].as_i64().expect("a part");
    assert_eq!(
        part("capacity_card_ms"),
        ["sold", "granted", "idle", "drained", "failed"]
            .iter()
            .map(|p| part(&format!("{p}_card_ms")))
            .sum::<i64>(),
        "{balance}"
    );
    assert_eq!(
        part("sold_card_ms") + part("granted_card_ms"),
        used,
        "what was metered is what was delivered"
    );
    assert_eq!(part("failed_card_ms"), 0, "no run was lost: {balance}");
    let active: Vec<Value> = site.get("/api/v1/jobs?state=active", &site.operator)["items"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert_eq!(active, Vec::<Value>::new());
}
