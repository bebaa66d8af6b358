//! A tenant's way through the center, by the real command line.

use serde_json::{Value, json};
use testkit::{Site, Tenant, Terminal, job};

use crate::QIANTANG;

const RATE: i64 = 12_000_000;

/// A center with a tenant whose contract is billed by use, for at most one node of eight cards.
fn site() -> (Site, Tenant) {
    let site = Site::new(QIANTANG, 2, "");
    site.publish_price(RATE);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000 });
    let tenant = site.tenant("xixi", "enterprise", &metered, 8);
    (site, tenant)
}

#[test]
fn a_tenant_submits_follows_and_pays() {
    let (site, _) = site();
    let at = Terminal::signed_in(&site, "xixi-developer");
    let script = at.file(
        "train.sh",
        "#!/bin/bash\n#SBATCH --job-name=train --gres=npu:4 --mem=8G\n#SBATCH --time=1\necho \"rank $RANK of $WORLD_SIZE\"\n\
         echo \"cards $ASCEND_RT_VISIBLE_DEVICES\"\necho oops >&2\nsleep 0.05\n",
    );

    let (code, out, err) = at.run(&["submit", "--dry-run", &script]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Starts now: npu-0") && out.contains("CNY 12.00 a card-hour"), "{out}");
    assert!(err.contains("--mem"), "an option that is ignored is named: {err}");

    let id = at.json(&["submit", "--wait", &script])["id"].as_str().expect("an id").to_owned();
    let shown = at.json(&["show", &id]);
    assert_eq!((shown["state"].as_str(), shown["exit_code"].as_i64()), (Some("succeeded"), Some(0)));
    assert_eq!(shown["runs"][0]["places"][0]["card_indices"].as_array().map(Vec::len), Some(4));
    assert_eq!(at.ok(&["logs", &id]), "rank 0 of 1\ncards 0,1,2,3\n");
    assert_eq!(at.ok(&["logs", &id, "--stderr"]), "oops\n");
    assert!(at.ok(&["show", &id, "--lang", "zh"]).contains("成功"));
    assert!(at.ok(&["jobs"]).contains("train"));

    // The job's card time at the price, the same in its own page, in the usage and in the statement.
    let used = shown["used_card_ms"].as_i64().expect("use");
    let charge = used * RATE / 3_600_000;
    assert_eq!(shown["charge_micro_cny"].as_i64(), Some(charge));
    assert_eq!(at.json(&["usage"])["total"]["charge_micro_cny"].as_i64(), Some(charge));
    let finance = Terminal::signed_in(&site, "xixi-finance");
    assert_eq!(finance.json(&["statement"])["charge_micro_cny"].as_i64(), Some(charge));
    let csv = finance.ok(&["statement", "--csv"]);
    assert!(csv.contains(&format!(",work,ascend-910,normal,{RATE},1,-{used},-{charge}")), "{csv}");
    assert_eq!(at.run(&["statement"]).0, 4, "a developer does not see money");
}

#[test]
fn an_operator_sets_a_tenant_up_by_commands() {
    let site = Site::new(QIANTANG, 1, "");
    let at = Terminal::signed_in(&site, "operator");
    let pool = at.json(&["nodes"])[0]["pool"].as_str().expect("a pool").to_owned();
    at.ok(&[
        "tenants",
        "new",
        "univ",
        "--name-zh",
        "大学",
        "--name-en",
        "University",
        "--domain",
        "research",
    ]);
    let new = ["contracts", "new", "HZ-1", "--tenant", "univ", "--pool", &pool, "--from", "2026-01-01"];
    let draft = |terms: &[&str]| at.run(&[&new[..], &["--until", "2030-01-01"], terms].concat());

    // What a kind of contract does not have, or cannot be without, is refused before anything is sent.
    let terms = [
        (&["--kind", "grant", "--fee", "100"][..], "a grant contract has no --fee"),
        (&["--kind", "metered", "--card-hours", "5"], "a metered contract has no --card-hours"),
        (&["--kind", "reserved", "--fee", "5"], "a reserved contract needs --cards"),
        (&["--kind", "prepaid", "--card-hours", "5"], "a prepaid contract needs --fee"),
    ];
    for (terms, reason) in terms {
        let (code, _, err) = draft(terms);
        assert!(code == 2 && err.contains(reason), "{code} {err}");
    }
    assert_eq!(at.json(&["contracts"]), json!([]));
    let (code, _, err) = at.run(&["statement"]);
    assert!(code == 4 && err.contains("no contract"), "{code} {err}");

    assert_eq!(draft(&["--kind", "grant", "--card-hours", "1,000"]).0, 0);
    for act in ["submit", "approve", "activate"] {
        at.ok(&["contracts", "act", "HZ-1", act]);
    }
    let contract = at.json(&["contracts"])[0].clone();
    assert_eq!(
        (&contract["state"], &contract["use_balance_card_ms"]),
        (&json!("active"), &json!(3_600_000_000_i64))
    );
    assert_eq!(at.json(&["statement"])["contract"], "HZ-1");
    let (code, _, err) = at.run(&["contracts", "act", "HZ-2", "submit"]);
    assert!(code == 4 && err.contains("`HZ-2`"), "{code} {err}");

    let table = at.file("prices.csv", &format!("pool,service_class,domain,yuan\n\"{pool}\",*,*,6.5\n"));
    at.ok(&["prices", "new", "2026-H2", "--file", &table]);
    assert_eq!(at.json(&["prices"])["prices"][0]["rate_micro_cny_per_card_hour"], 6_500_000);
    at.ok(&["projects", "new", "digits", "--name", "Digits", "--contract", "HZ-1", "--tenant", "univ"]);
}

#[test]
fn a_job_that_fails_fails_the_command_that_waits_for_it() {
    let (site, _) = site();
    let at = Terminal::signed_in(&site, "xixi-developer");
    let fails = at.file("fails.sh", "#!/bin/sh\nexit 7\n");
    let (code, _, err) = at.run(&["submit", "--wait", &fails]);
    assert_eq!(code, 7, "the job's own code: {err}");
    assert!(err.contains("ended: failed: exit code 7"), "{err}");
}

#[test]
fn a_job_that_waits_says_why_and_one_that_is_cancelled_ends_as_that() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "xixi-developer");
    let hold = json!({ "name": "hold", "script": "#!/bin/sh\nexec sleep 60\n", "cards_per_node": 8 });
    let hold = site.submit(&tenant, &hold);
    site.wait_for_state(&tenant.developer, &hold, "running");
    let waits = site.submit(&tenant, &job("waits", "true"));
    let why = site.wait_for("a verdict", || {
        let (code, out, _) = at.run(&["why", &waits]);
        (code == 0).then_some(out)
    });
    assert!(why.contains("8 cards running; 1 more"), "{why}");
    assert!(at.ok(&["why", &waits, "--lang", "zh"]).contains('8'));

    assert!(at.ok(&["cancel", &waits]).contains("cancelled"));
    at.ok(&["cancel", &hold]);
    assert_eq!(site.wait_for_end(&tenant.developer, &hold)["state"], "cancelled");
    let (code, _, err) = at.run(&["logs", "-f", &hold]);
    assert_eq!((code, err.contains("ended: cancelled")), (3, true), "{err}");
}

#[test]
fn an_error_says_what_was_wrong_where_and_what_to_do() {
    let (site, _) = site();
    let at = Terminal::signed_in(&site, "xixi-developer");
    let bad = at.file("bad.sh", "#!/bin/sh\n#SBATCH --nodes=zero\n#SBATCH --qos=gold\n");
    let (code, _, err) = at.run(&["submit", &bad]);
    assert!(code == 2 && err.contains("line 2: --nodes") && err.contains("line 3: --qos"), "{code} {err}");
    let (code, _, err) = at.run(&["show", "job_00000000000000000000000000000000", "--json"]);
    let failure: Value = serde_json::from_str(&err).expect("with --json an error is an object");
    assert_eq!(
        (code, failure["category"].as_str(), failure["code"].as_str()),
        (4, Some("refused"), Some("not_found"))
    );
    assert_eq!(at.run(&["jobs", "--url", "http://127.0.0.1:1"]).0, 5);
    assert_eq!(at.run(&["no-such-command"]).0, 2);
}

#[test]
fn a_task_file_is_applied() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "xixi-developer");
    let task = at.file(
        "job.yaml",
        "type: task\nname: from-yaml\ncommands: [echo yaml]\nresources: {cards: 2}\nmax_duration: 1m\n",
    );
    let id = at.json(&["apply", "-f", &task])["id"].as_str().expect("an id").to_owned();
    site.wait_for_end(&tenant.developer, &id);
    assert_eq!(at.ok(&["logs", &id]), "yaml\n");
    assert!(at.ok(&["completions", "bash"]).contains("qiantang"));
}
