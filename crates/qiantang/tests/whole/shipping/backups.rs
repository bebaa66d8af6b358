//! Backups that the center makes by itself, and a backup that is restored.

use std::path::{Path, PathBuf};

use domain::Millis;
use serde_json::{Value, json};
use testkit::{
    Browser, Dice, Site, Tenant, Terminal, grant, job,
    load::{Load, Submission},
};

use crate::{
    QIANTANG,
    tamper::{path, tampered, verify},
};

const NAP: &str = "#!/bin/sh\nsleep \"$NAP\"\nexit \"$CODE\"\n";

fn short_job(dice: &mut Dice, number: u64, tenant: &Tenant) -> Submission {
    let env = json!({ "CODE": dice.below(3).to_string(), "NAP": dice.pick(&["0", "0.1", "0.5"]) });
    let spec = json!({ "name": format!("job-{number}"), "script": NAP, "env": env });
    let pause = std::time::Duration::from_millis(dice.below(60));
    Submission { token: tenant.developer.clone(), spec, pause }
}

/// The `qiantang restore` of a site's own settings, with `more` arguments.
fn restore(site: &Site, backup: &Path, more: &[&str]) -> (i32, Value, String) {
    let config = site.settings().display().to_string();
    let args = [&["--json", "restore", path(backup), "--config", &config], more].concat();
    let output = std::process::Command::new(QIANTANG).args(args).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().expect("it ends"), answer, told)
}

fn refused(site: &Site, backup: &Path, more: &[&str], code: &str) {
    let (exit, _, told) = restore(site, backup, more);
    let failure: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!((exit, failure["code"].as_str()), (4, Some(code)), "{told}");
    assert!(failure["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{told}");
}

fn runs(site: &Site, job: &str) -> Vec<Value> {
    let runs = site.get(&format!("/api/v1/jobs/{job}/runs"), &site.operator);
    runs["items"].as_array().expect("runs").clone()
}

fn pay(site: &Site, tenant: &Tenant, reference: &str) {
    let body = json!({ "amount_micro_cny": 7_000_000, "card_ms": 0, "reference": reference });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &body);
}

/// The keys of all entries of the ledger, with their amounts.
fn entries(site: &Site) -> Vec<(String, i64)> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/api/v1/ledger/transfers?limit=200{cursor}"), &site.operator);
        let items = page["items"].as_array().expect("entries").iter();
        all.extend(items.map(|one| {
            (one["key"].as_str().expect("a key").to_owned(), one["amount"].as_i64().expect("an amount"))
        }));
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

fn make(site: &Site) -> PathBuf {
    let at = Terminal::signed_in(site, "operator");
    PathBuf::from(at.json(&["backup", "make"])["path"].as_str().expect("a path"))
}

#[test]
fn a_backup_under_load_is_restored_with_its_books_and_what_was_under_way_is_lost() {
    let mut site = Site::new(QIANTANG, 2, "[billing]\naccrue_every_ms = 100\n");
    site.publish_price(12_000_000);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let tenant = site.tenant("univ", "enterprise", &metered, 16);
    let of = tenant.clone();
    let load = Load::start(2, 7, &site.url, move |dice, number| short_job(dice, number, &of));
    let long = site.submit(&tenant, &job("long", "sleep 600"));
    site.wait_for("use of the long job", || {
        let used = site.get(&format!("/api/v1/jobs/{long}"), &site.operator)["used_card_ms"].as_i64();
        (used > Some(0) && load.count() > 5).then_some(())
    });
    pay(&site, &tenant, "before");
    let before = entries(&site);
    let backup = make(&site);
    let (code, found) = verify(&backup, &[]);
    assert_eq!((code, &found["is_clean"]), (0, &json!(true)), "{found:#}");
    pay(&site, &tenant, "after");
    let count = load.count();
    site.wait_for("more jobs", || (load.count() > count + 5).then_some(()));

    refused(&site, &backup, &["--replace"], "center_runs");
    let acknowledged = load.end();
    site.stop();
    refused(&site, &backup, &["--replace"], "runs_alive");
    site.start();
    site.post(&format!("/api/v1/jobs/{long}/cancel"), &tenant.developer, &json!({}));
    for id in acknowledged.keys().chain([&long]) {
        site.wait_for_end(&site.operator, id);
    }
    site.stop();
    refused(&site, &backup, &[], "data_folder_not_empty");
    let (code, done, told) = restore(&site, &backup, &["--replace"]);
    assert_eq!(code, 0, "{told}");
    let lost = done["runs_lost"].as_u64().expect("a count");
    assert!(lost >= 1, "{done}");
    let aside = PathBuf::from(done["before"].as_str().expect("a folder"));
    assert!(aside.join("database/center.db").exists() && aside.starts_with(site.data()), "{done}");
    assert!(site.data().join("work").exists(), "work folders stay where they are");

    site.start();
    let first = runs(&site, &long).pop().expect("the run of before");
    assert_eq!(first["state"], "lost", "{first}");
    let ended: Vec<Value> = acknowledged
        .keys()
        .flat_map(|id| match site.ask("GET", &format!("/api/v1/jobs/{id}/runs"), &site.operator, None) {
            (200, answer) => answer["items"].as_array().expect("runs").clone(),
            // It came after the backup.
            (404, _) => Vec::new(),
            other => panic!("{other:?}"),
        })
        .collect();
    let is_lost = |run: &&Value| run["state"] == "lost";
    assert_eq!(ended.iter().filter(is_lost).count() as u64 + 1, lost, "{ended:?}");
    let now = entries(&site);
    for entry in &before {
        assert!(now.contains(entry), "{entry:?} is gone");
    }
    let text = site.get("/api/v1/ledger/transfers?limit=200", &site.operator).to_string();
    assert!(!text.contains("/money/after"), "what came after the backup is not in it");
    // Lost work is done again, to its end.
    site.wait_for_state(&tenant.developer, &long, "running");
    site.post(&format!("/api/v1/jobs/{long}/cancel"), &tenant.developer, &json!({}));
    for id in acknowledged.keys() {
        if site.ask("GET", &format!("/api/v1/jobs/{id}"), &site.operator, None).0 == 200 {
            site.wait_for_end(&site.operator, id);
        }
    }
    site.wait_for_end(&site.operator, &long);
    let check = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!(
        (&check["is_balanced"], &check["is_sealed"], &check["problems"]),
        (&json!(true), &json!(true), &json!([])),
        "{check}"
    );
    let audit = site.get("/api/v1/audit?action=restore", &site.operator);
    assert_eq!(audit["items"][0]["detail"]["runs"], json!(lost), "{audit}");
    site.stop();
    let (code, found) = verify(&site.data().join("database/center.db"), &[]);
    assert_eq!((code, &found["is_clean"]), (0, &json!(true)), "{found:#}");
}

#[test]
fn a_center_starts_on_another_machine_s_empty_folder_from_a_backup_alone() {
    let mut site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let done = site.submit(&tenant, &job("done", "true"));
    site.wait_for_end(&tenant.developer, &done);
    let backup = make(&site);
    site.stop();
    site.change_settings("/data\"", "/data-of-another\"");
    let (code, told, err) = restore(&site, &backup, &[]);
    assert_eq!((code, &told["before"], &told["runs_lost"]), (0, &Value::Null, &json!(0)), "{told}{err}");
    site.start();
    assert_eq!(site.wait_for_end(&tenant.developer, &done)["state"], "succeeded");
    let again = site.submit(&tenant, &job("again", "true"));
    assert_eq!(site.wait_for_end(&tenant.developer, &again)["state"], "succeeded");
}

#[test]
fn what_is_no_right_backup_is_not_restored_and_nothing_is_changed() {
    let mut site = Site::new(QIANTANG, 1, "");
    let metered = json!({ "kind": "metered", "credit_limit": 0 });
    let tenant = site.tenant("univ", "research", &metered, 8);
    pay(&site, &tenant, "known");
    let backup = make(&site);
    site.stop();
    refused(&site, Path::new("/nowhere/center.db"), &["--replace"], "no_backup");
    refused(&site, &site.data().join("database/center.db"), &["--replace"], "own_database");
    let (text, cut) = (backup.with_file_name("text.db"), backup.with_file_name("cut.db"));
    std::fs::write(&text, "no database").expect("it is written");
    let bytes = std::fs::read(&backup).expect("it is there");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("it is written");
    for damaged in [&text, &cut] {
        refused(&site, damaged, &["--replace"], "damaged_backup");
    }
    let changed =
        tampered(&backup, "changed", "UPDATE transfers SET amount = amount + 1 WHERE cause = 'top_up'");
    refused(&site, &changed, &["--replace"], "backup_has_faults");
    let names: Vec<String> = std::fs::read_dir(site.data())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("before") || name == "restoring")
        .collect();
    assert_eq!(names, [""; 0]);
    site.start();
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_sealed"], true);
    site.stop();
    let (code, told, err) = restore(&site, &changed, &["--replace", "--despite-faults"]);
    assert!(code == 0 && told["faults"].as_array().is_some_and(|all| !all.is_empty()), "{told}{err}");
}

#[test]
fn the_center_makes_a_verified_backup_each_day_and_keeps_some() {
    let settings = "[backup]\nat = \"03:10\"\nkeep_daily = 2\nkeep_weekly = 1\n";
    let mut site = Site::new(QIANTANG, 1, settings);
    let at = |site: &Site, args: &[&str]| Terminal::signed_in(site, "operator").json(args);
    let listed = at(&site, &["backup"]);
    assert_eq!(
        (&listed["at"], &listed["items"]),
        (&json!("03:10"), &json!([])),
        "none is due on the first day"
    );
    site.stop();
    std::fs::create_dir_all(site.backups()).expect("a folder");
    let old = ["center-20200105T191000Z.db", "center-20200104T191000Z.db", "mine.db"];
    for name in old {
        std::fs::write(site.backups().join(name), b"SQLite format 3\0").expect("it is written");
    }
    let mut made: Vec<String> = Vec::new();
    for day in 1..=3 {
        site.clock_ahead = Millis::from_hours(24 * day);
        site.start();
        let newest = site.wait_for("a backup", || {
            let listed = at(&site, &["backup", "list"]);
            let name = listed["items"][0]["name"].as_str()?.to_owned();
            (name.starts_with("center-2") && !made.contains(&name) && !old.contains(&name.as_str()))
                .then_some(name)
        });
        let (code, found) = verify(&site.backups().join(&newest), &[]);
        assert_eq!((code, &found["is_clean"]), (0, &json!(true)), "{found:#}");
        made.push(newest);
        site.wait_for("a good turn", || {
            let loops = site.get("/api/v1/loops", &site.operator);
            loops
                .as_array()?
                .iter()
                .find(|known| known["name"] == "backup" && known["state"] == "done")
                .map(drop)
        });
        if day < 3 {
            site.stop();
        }
    }
    let mut names: Vec<String> = std::fs::read_dir(site.backups())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [&made[1], &made[2], "mine.db"]);
    let audit = site.get("/api/v1/audit?action=backup", &site.operator);
    assert_eq!(audit["items"][0]["actor"], "center", "{audit}");
    let (_, metrics) = site.get_text("/metrics", &site.operator);
    assert!(metrics.contains("\nqiantang_backup_age_seconds "), "{metrics}");
    let page = Browser::signed_in(&site, "operator").get("/backups").body;
    assert!(page.contains(&made[2]) && page.contains("mine.db"), "{page}");
}

#[test]
fn a_backup_that_fails_is_shown_everywhere() {
    let mut site = Site::new(QIANTANG, 1, "");
    site.stop();
    std::fs::write(site.backups(), "in the way").expect("it is written");
    site.clock_ahead = Millis::from_hours(25);
    site.start();
    let failing = site.wait_for("a failure", || {
        let loops = site.get("/api/v1/loops", &site.operator);
        loops
            .as_array()?
            .iter()
            .find(|known| known["name"] == "backup" && known["state"] == "failing")
            .cloned()
    });
    let error = failing["error"].as_str().expect("it says why").to_owned();
    assert!(error.contains(path(&site.backups())), "{error}");
    let at = Terminal::signed_in(&site, "operator");
    let (code, _, told) = at.run(&["backup"]);
    assert!(code == 1 && told.contains(&error), "{told}");
    let (_, out, _) = at.run(&["--json", "doctor"]);
    let report: Value = serde_json::from_str(&out).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    let bad = |name: &str| checks.iter().any(|check| check["name"] == name && check["ok"] == false);
    assert!(bad("backups") && bad("loop backup"), "{report}");
    for page in ["/", "/backups"] {
        let page = Browser::signed_in(&site, "operator").get(page).body;
        assert!(page.contains("notice is-bad") && page.contains("backups"), "{page}");
    }
}
