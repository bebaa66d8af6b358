//! The center is killed at random instants under load: jobs, payments, corrections, the closing of a month. Nothing
//! acknowledged is lost, nothing is started or booked twice, every run that was alive is taken up again with its log and exit
//! code, the statements that were given out stay as they are, and the books close to the card-millisecond.
//!
//! The long form: `cargo test --release -p qiantang --test whole crash -- --ignored --nocapture`.

mod clerk;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{Millis, Month, Timestamp, Zone};
use serde_json::{Value, json};
use testkit::{
    Dice, PATIENCE, Site, Tenant, grant,
    load::{Load, Submission, expected},
    now,
};

use crate::{QIANTANG, tamper};
use clerk::{Acknowledged, Clerk};

const SETTINGS: &str = "[billing]\naccrue_every_ms = 200\n";
const SUBMITTERS: u64 = 3;
/// A kill and the start behind it take about so long: the month ends in the midst of them.
const A_KILL: Millis = Millis(180);

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
    let began = Instant::now();
    let mut dice = Dice::by_the_clock();
    let mut site = Site::new(QIANTANG, 4, SETTINGS);
    site.publish_price(12_000_000);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let sold = site.tenant("sold", "enterprise", &metered, 32);
    let tenants = [sold, site.tenant("granted", "research", &grant(), 32)];
    let other = site.tenant("other", "government", &metered, 8);
    let (month, end) = shortly_before_the_end(&mut site, Millis(A_KILL.0 * i64::from(kills)));
    let from = now().plus(site.clock_ahead);

    let of_tenants = tenants.clone();
    let load = Load::start(SUBMITTERS, dice.below(1 << 31), &site.url, move |dice, number| {
        job(dice, number, &of_tenants)
    });
    let parties = [&tenants[0], &other];
    let clerk = Clerk::start(&site, Arc::clone(&load.url), dice.below(1 << 31), parties, month);
    let (mut done, mut hurried, mut after_closing, mut given_out) = (0, 0_u32, 0, BTreeMap::new());
    // As many again as a quarter come after the month was closed, however long that takes.
    while done < kills || after_closing < kills / 4 {
        assert!(clerk.is_at_work(), "the clerk has failed");
        let past = now().plus(site.clock_ahead).since(end);
        // Kills come thick while the month is being closed, and a little less so each time, since what is slow has to get there.
        let is_closing = past.0 >= 0 && !clerk.has_closed();
        let within = if is_closing { 150 + u64::from(hurried) * 25 } else { 400 };
        hurried += u32::from(is_closing);
        // The sleep picks a random instant; it waits for nothing.
        std::thread::sleep(Duration::from_millis(dice.below(within)));
        site.kill();
        site.start();
        site.url.clone_into(&mut load.url.lock().expect("a url"));
        done += 1;
        if clerk.has_closed() {
            after_closing += 1;
            let now_given = statements(&site, &tenants, month);
            assert!(given_out.is_empty() || given_out == now_given, "a closed month has changed");
            given_out = now_given;
        }
        assert!(after_closing > 0 || past.0 < 3 * millis(PATIENCE), "{month} can't be closed");
        if done % 20 == 0 {
            println!("{done} kills, {} jobs acknowledged", load.count());
        }
    }
    println!("{done} kills, {after_closing} of them after {month} was closed");
    let (jobs, booked) = (load.end(), clerk.end());
    check(&site, &tenants, &jobs, from);
    check_books(&mut site, &booked);
    site.start();
    assert_eq!(statements(&site, &tenants, month), given_out, "a closed month has changed");
    println!("{} s", began.elapsed().as_secs());
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).expect("it is short")
}

/// Sets the center's clock so that a month ends in `before`. Gives the month and its end.
fn shortly_before_the_end(site: &mut Site, before: Millis) -> (Month, Timestamp) {
    site.stop();
    let (zone, now) = (Zone::default(), now());
    let month = zone.month(now);
    let end = zone.bounds(month).1;
    site.clock_ahead = Millis(end.since(now).0 - before.0);
    site.start();
    (month, end)
}

/// The bytes of the statements of a closed month.
fn statements(site: &Site, tenants: &[Tenant], month: Month) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for tenant in tenants {
        let path = format!("/api/v1/contracts/{}/statement?month={month}", tenant.contract);
        let (status, body) = site.get_text(&path, &site.operator);
        assert_eq!(status, 200, "{body}");
        let statement: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(statement["is_final"], true, "{statement}");
        all.insert(tenant.slug.clone(), body);
    }
    all
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

fn check(site: &Site, tenants: &[Tenant], acknowledged: &BTreeMap<String, Value>, from: Timestamp) {
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
    assert_eq!(ledger["problems"], json!([]));
    let balance = site.get(&format!("/api/v1/capacity-balance?from={from}"), &site.operator);
    let part = |key: &str| balance[key].as_i64().expect("a part");
    assert_eq!(
        part("capacity_card_ms"),
        ["sold", "granted", "preempted", "lost", "idle", "drained", "failed"]
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

/// Every payment and every correction was booked once, what was refused never, and the file is as it was sealed.
fn check_books(site: &mut Site, done: &Acknowledged) {
    let counted = |kind: &str| done.booked.values().filter(|(booked, _)| *booked == kind).count();
    let kinds = ["credit_note", "allowance", "transfer", "reversal"].map(|kind| (kind, counted(kind)));
    println!("{} payments, {} refused, booked {kinds:?}", done.payments.len(), done.refused.len());
    let (mut seen, mut paid) = (BTreeMap::new(), BTreeMap::new());
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/ledger/transfers?limit=200{cursor}");
        let page = site.get(&path, &site.operator);
        for entry in page["items"].as_array().expect("entries") {
            let (key, amount) = (entry["key"].as_str().expect("a key"), entry["amount"].as_i64());
            if key.starts_with("cor_") {
                let cause = entry["cause"].as_str().expect("a cause").to_owned();
                let before = seen.insert(key.to_owned(), (cause, amount.expect("an amount")));
                assert_eq!(before, None, "{key} is booked twice");
            } else if let Some((_, reference)) = key.split_once("/top-up/money/") {
                let before = paid.insert(reference.to_owned(), amount.expect("an amount"));
                assert_eq!(before, None, "{reference} is booked twice");
            }
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let wanted: BTreeMap<String, (String, i64)> =
        done.booked.iter().map(|(id, (kind, amount))| (id.clone(), ((*kind).to_owned(), *amount))).collect();
    assert_eq!(seen, wanted, "the corrections that are booked are those that were acknowledged");
    assert_eq!(paid, done.payments, "the payments that are booked are those that were acknowledged");
    let (mut corrections, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/api/v1/corrections?limit=200{cursor}"), &site.operator);
        corrections.extend_from_slice(page["items"].as_array().expect("corrections"));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    for correction in &corrections {
        let id = correction["id"].as_str().expect("an id");
        let known: BTreeSet<bool> = [done.booked.contains_key(id), done.refused.contains(id)].into();
        assert_eq!(known.len(), 2, "nobody was told of {correction}");
    }
    site.stop();
    let roots = site.data().join("roots.jsonl");
    let file = site.data().join("database/center.db");
    let (code, answer) = tamper::verify(&file, &["--roots", tamper::path(&roots)]);
    assert_eq!((code, &answer["is_clean"]), (0, &json!(true)), "{answer:#}");
}
