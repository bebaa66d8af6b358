//! The center is killed at random instants under load. Nothing acknowledged may be lost, nothing started twice, every
//! run that was alive is taken up again with its log and exit code, and the books close to the card-millisecond.
//!
//! The long form: `cargo test --release -p qiantang --test crash -- --ignored --nocapture`.

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{Site, Tenant, ask};
use ureq::Agent;

const SETTINGS: &str = "[billing]\naccrue_every_ms = 200\n";
const SUBMITTERS: u64 = 3;

/// Marks its own start so that a second start of the same run is seen, says its name, and ends with its own code.
const SCRIPT: &str = "#!/bin/sh\n\
    mkdir \"$HOME/started-$QIANTANG_RUN_ID\" || echo twice > \"$HOME/twice-$QIANTANG_RUN_ID\"\n\
    echo \"I am $NAME\"\n[ \"$NAP\" = 0 ] || sleep \"$NAP\"\necho \"done $NAME\"\nexit \"$CODE\"\n";

/// Numbers that look random; the seed is told, so that a failure can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

#[test]
fn a_few_kills_lose_nothing() {
    torture(12);
}

#[test]
#[ignore = "the long form: 200 kills take minutes"]
fn two_hundred_kills_lose_nothing() {
    torture(200);
}

/// What a submitter was told: the job's id, its name, and the code that it ends with.
type Acknowledged = Arc<Mutex<BTreeMap<String, (String, i64)>>>;

fn torture(kills: u32) {
    let seed = u64::try_from(center::moment::now().as_micros()).expect("after 1970") | 1;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut site = Site::new(4, SETTINGS);
    site.publish_price(12_000_000);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let tenants = [
        site.tenant("sold", "enterprise", &metered, 32),
        site.tenant("granted", "research", &support::grant(), 32),
    ];
    let from = center::moment::now();

    let acknowledged: Acknowledged = Arc::default();
    let url = Arc::new(Mutex::new(site.url.clone()));
    let is_over = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|number| {
            let (tenants, acknowledged) = (tenants.clone(), Arc::clone(&acknowledged));
            let (url, is_over, count) = (Arc::clone(&url), Arc::clone(&is_over), Arc::clone(&count));
            std::thread::spawn(move || {
                submit_on(number, seed, &tenants, &acknowledged, &url, &is_over, &count);
            })
        })
        .collect();

    for kill in 1..=kills {
        // The instant is what is random here; nothing is waited for.
        std::thread::sleep(Duration::from_millis(dice.below(400)));
        site.kill();
        site.start();
        site.url.clone_into(&mut url.lock().expect("a url"));
        if kill.is_multiple_of(20) {
            println!("{kill} kills, {} jobs acknowledged", acknowledged.lock().expect("acknowledged").len());
        }
    }
    is_over.store(true, Ordering::SeqCst);
    for submitter in submitters {
        submitter.join().expect("a submitter that did not fail");
    }
    check(&site, &tenants, &acknowledged.lock().expect("acknowledged"), from);
}

fn submit_on(
    number: u64,
    seed: u64,
    tenants: &[Tenant],
    acknowledged: &Acknowledged,
    url: &Mutex<String>,
    is_over: &AtomicBool,
    count: &AtomicU64,
) {
    let mut dice = Dice(seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into();
    while !is_over.load(Ordering::SeqCst) {
        let name = format!("job-{}", count.fetch_add(1, Ordering::SeqCst));
        let code = i64::try_from(dice.below(4)).expect("small");
        let nap = ["0", "0", "0.1", "0.5", "1"][usize::try_from(dice.below(5)).expect("small")];
        let tenant = &tenants[usize::try_from(dice.below(2)).expect("small")];
        let cards = [1, 1, 2, 8][usize::try_from(dice.below(4)).expect("small")];
        let spec = json!({ "name": name, "script": SCRIPT, "time_limit_ms": 60_000, "cards_per_node": cards,
            "env": { "NAME": name, "CODE": code.to_string(), "NAP": nap } });
        // Sent again with the same key until it is answered: one job, whatever was lost on the way.
        let until = Instant::now() + support::PATIENCE;
        let id = loop {
            let url = url.lock().expect("a url").clone();
            let key = [("Idempotency-Key", name.as_str())];
            match ask(&agent, &url, "POST", "/api/v1/jobs", &tenant.developer, Some(&spec), &key) {
                Ok((201, answer)) => break answer["id"].as_str().expect("an id").to_owned(),
                Ok((status, answer)) => assert!(status == 429 || status >= 500, "{status} {answer}"),
                Err(_) => {}
            }
            assert!(Instant::now() < until, "the center does not come back");
            std::thread::sleep(Duration::from_millis(5));
        };
        acknowledged.lock().expect("acknowledged").insert(id, (name, code));
        // More than the cards can take would only make the queue long.
        std::thread::sleep(Duration::from_millis(dice.below(60)));
    }
}

fn check(
    site: &Site,
    tenants: &[Tenant],
    acknowledged: &BTreeMap<String, (String, i64)>,
    from: domain::Timestamp,
) {
    println!("{} jobs acknowledged", acknowledged.len());
    assert!(!acknowledged.is_empty());
    let mut used = 0;
    for (id, (name, code)) in acknowledged {
        let job = site.wait_for_end(&site.operator, id);
        assert_eq!(job["name"], name.as_str(), "another job under this id");
        assert_eq!(job["exit_code"], *code, "{job}");
        assert_eq!(job["state"], if *code == 0 { "succeeded" } else { "failed" }, "{job}");
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &site.operator);
        assert_eq!(runs["items"].as_array().map(Vec::len), Some(1), "more than one run: {runs}");
        assert_eq!(site.stdout(&site.operator, id), format!("I am {name}\ndone {name}\n"));
        used += job["used_card_ms"].as_i64().expect("use");
    }
    // No job is there that nobody was told of: each key made one.
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
    assert_eq!(ledger["is_balanced"], true, "{ledger}");
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
