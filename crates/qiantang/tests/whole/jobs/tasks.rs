//! Arrays and their tasks, by the real command line.

use serde_json::{Value, json};
use testkit::{Site, Tenant, Terminal, grant, job};

use crate::{QIANTANG, jobs::with};

fn site() -> (Site, Tenant) {
    let site = Site::new(QIANTANG, 2, "");
    let tenant = site.tenant("univ", "research", &grant(), 16);
    (site, tenant)
}

/// An array with these indices.
fn array(name: &str, script: &str, first: u32, last: u32) -> Value {
    let spec = job(name, script);
    with(&spec, &json!({ "array": { "ranges": [{ "first": first, "last": last, "step": 1 }] } }))
}

#[test]
fn the_one_of_many_tasks_that_failed_is_at_hand() {
    let (site, tenant) = site();
    let script =
        "echo \"task $SLURM_ARRAY_TASK_ID\"\n[ $SLURM_ARRAY_TASK_ID != 17 ] || { echo oops >&2; exit 3; }";
    let id = site.submit(&tenant, &array("sweep", script, 1, 60));
    site.wait_for_end(&tenant.developer, &id);
    let at = Terminal::signed_in(&site, "univ-developer");

    let shown = at.ok(&["show", &id]);
    assert!(shown.contains("3 (task 17)") && shown.contains("20 of 60"), "{shown}");
    let first = shown.lines().rfind(|line| line.contains("failed: exit code 3")).expect("the failed run");
    let newest =
        shown.lines().skip_while(|line| !line.trim_start().starts_with("run ")).nth(1).expect("a first run");
    assert_eq!(first, newest, "it is the first: {shown}");
    let next = shown.split("--cursor ").nth(1).expect("the rest is at hand").trim();
    assert!(at.ok(&["show", &id, "--cursor", next, "--limit", "100"]).contains("40 of 60"));
    assert!(at.ok(&["show", &id, "--state", "failed"]).contains("1 of 1"));
    let json = at.json(&["show", &id]);
    assert_eq!((&json["exit_code"], &json["first_failed_task"]), (&json!(3), &json!(17)));
    assert_eq!(json["runs"].as_array().map(Vec::len), Some(60));

    let task = at.json(&["show", &format!("{id}_17")]);
    assert_eq!((&task["task"]["state"], &task["exit_code"]), (&json!("failed"), &json!(3)));
    assert_eq!(at.json(&["show", &format!("{id}_18")])["task"]["state"], "succeeded");
    let (code, _, said) = at.run(&["show", &format!("{id}_61")]);
    assert!(code == 4 && said.contains("_61"), "{code} {said}");

    assert_eq!(at.ok(&["logs", &id, "--task", "7"]), "task 7\n");
    assert_eq!(at.ok(&["logs", &format!("{id}_18")]), "task 18\n");
    let (code, out, said) = at.run(&["logs", &id, "--stderr"]);
    assert_eq!((code, out.as_str()), (0, "oops\n"), "that of the task that failed");
    assert!(said.contains("17"), "{said}");

    let (code, _, said) = at.run(&["wait", &id]);
    assert!(code == 3 && said.contains("exit code 3") && said.contains("17"), "{code} {said}");
    assert_eq!(at.run(&["wait", &format!("{id}_18")]).0, 0);
    assert_eq!(at.run(&["wait", &format!("{id}_18"), &format!("{id}_17")]).0, 3);
    let (code, out, _) = at.run(&["logs", "-f", &id]);
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((code, lines.len()), (3, 60), "each task once: {out}");
}

#[test]
fn tasks_are_cancelled_and_the_others_go_on() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    // Sixteen run at once; the others wait.
    let go = site.folder.path().join("go");
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", go.display());
    let id = site.submit(&tenant, &array("long", &script, 0, 29));
    let tasks = |key: &str| site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer)["tasks"][key].clone();
    site.wait_for("sixteen tasks to run", || (tasks("running") == 16).then_some(()));
    let why = |task: u32| at.run(&["why", &format!("{id}_{task}")]).0;
    assert_eq!((why(25), why(3)), (0, 4), "one waits, one runs");

    let said = at.ok(&["cancel", &format!("{id}_[20-24,27]")]);
    assert!(said.contains("6 tasks"), "{said}");
    assert_eq!(at.json(&["show", &format!("{id}_22")])["task"]["state"], "cancelled");
    assert_eq!(at.json(&["show", &format!("{id}_25")])["task"]["state"], "queued");
    assert!(at.ok(&["cancel", &format!("{id}_3")]).contains("1 tasks"));
    site.wait_for("the task to end", || {
        let state = at.json(&["show", &format!("{id}_3")])["task"]["state"].clone();
        (state == "cancelled").then_some(())
    });
    assert!(at.ok(&["cancel", &format!("{id}_[20-24]")]).contains("0 tasks"), "twice is once");
    let (code, _, said) = at.run(&["cancel", &format!("{id}_30")]);
    assert!(code == 4 && said.contains("_30"), "there is no such task: {code} {said}");
    let (code, _, said) = at.run(&["cancel", &format!("{id}_[9-3]")]);
    assert!(code == 2 && said.contains("JOB_[3-9"), "{code} {said}");

    // The others end well, also those that waited behind the cancelled ones.
    std::fs::write(go, "").expect("a file");
    let ended = site.wait_for_end(&tenant.developer, &id);
    let counts = ["succeeded", "stopped", "failed"].map(|key| ended["tasks"][key].as_u64());
    assert_eq!((counts, &ended["state"]), ([Some(23), Some(7), Some(0)], &json!("cancelled")));
    let audit = site.get("/api/v1/audit?action=cancel_job", &tenant.admin);
    assert!(audit.to_string().contains("[20-24,27]"), "{audit}");
}

#[test]
fn cancelled_tasks_stay_so_over_a_restart() {
    let (mut site, tenant) = site();
    let id = site.submit(&tenant, &array("long", "sleep 600", 0, 29));
    let running =
        |site: &Site| site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer)["tasks"]["running"] == 16;
    site.wait_for("sixteen tasks to run", || running(&site).then_some(()));
    site.post(&format!("/api/v1/jobs/{id}_[16-28]/cancel"), &tenant.developer, &json!({}));
    site.kill();
    site.start();
    let tasks = site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer)["tasks"].clone();
    assert_eq!((&tasks["stopped"], &tasks["next"]), (&json!(13), &json!(29)), "{tasks}");
    site.post(&format!("/api/v1/jobs/{id}_0/cancel"), &tenant.developer, &json!({}));
    site.wait_for("the last task to run", || {
        let task = site.get(&format!("/api/v1/jobs/{id}_29"), &tenant.developer)["task"]["state"].clone();
        (task == "running").then_some(())
    });
}
