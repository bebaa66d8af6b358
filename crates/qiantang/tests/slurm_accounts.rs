//! Accounts, limits and pauses that the center keeps in a real Slurm cluster.

#[path = "../../engines/tests/conformance/cluster.rs"]
#[allow(dead_code, reason = "the engines' own tests use the rest")]
mod cluster;
mod support;

mod common {
    pub use super::support::open_folder as folder;
}

use std::process::Command;

use cluster::Cluster;
use serde_json::{Value, json};
use support::{Site, Tenant};

const USER: &str = "qt-alice";
/// A name of its own, so that one cluster serves several runs of this test.
const ROOT: &str = "qt-test-root";

fn settings(cluster: &Cluster, shared: &std::path::Path, keep: bool) -> String {
    let (conf, shared) = (cluster.conf(), shared.display());
    format!(
        "[engine]\nkind = \"slurm\"\n[engine.slurm]\nshared_dir = \"{shared}\"\nconf = \"{}\"\n\
         models = {{ ascend910 = \"ascend-910\" }}\ntenants = {{ xixi = {{ user = \"{USER}\" }} }}\n\
         [engine.slurm.accounts]\nkeep = {keep}\nroot = \"{ROOT}\"\n",
        conf.display()
    )
}

/// Everything that Slurm's accounting has but for use.
fn accounting(cluster: &Cluster) -> String {
    let show = |what: &[&str]| cluster.slurm("sacctmgr", &[&["-nP", "show"], what].concat());
    show(&["account", "format=Account,Description,Organization"])
        + &show(&["qos", "format=Name,Description,GrpSubmitJobs"])
        + &show(&[
            "association",
            "WOPLimits",
            "format=Account,User,ParentName,GrpTRES,GrpTRESMins,QOS,DefaultQOS",
        ])
}

/// `GrpTRES`, `GrpTRESMins` and QOS of an account, as they are set at itself.
fn set_at(cluster: &Cluster, account: &str) -> String {
    let name = format!("account={account}");
    let format = "format=GrpTRES,GrpTRESMins,QOS";
    let out = cluster
        .slurm("sacctmgr", &["-nP", "show", "association", "WOPLimits", "where", &name, "user=", format]);
    out.lines().next().unwrap_or_default().to_owned()
}

/// Hands a job in as people do; gives its number.
fn sbatch(cluster: &Cluster, account: &str) -> Result<String, String> {
    let out = Command::new("runuser")
        .args(["-u", USER, "--", "sbatch", "--parsable", "--chdir=/tmp", "--output=/dev/null"])
        .args(["--hold", "--wrap=true", &format!("--account={account}")])
        .env("SLURM_CONF", cluster.conf())
        .output()
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
}

fn shown(site: &Site) -> Value {
    site.get("/api/v1/slurm/accounts", &site.operator)
}

fn apply(site: &Site) -> Value {
    site.post("/api/v1/slurm/accounts/apply", &site.operator, &Value::Null)
}

fn steps(view: &Value) -> Vec<&str> {
    let steps = view["steps"].as_array().unwrap_or_else(|| panic!("{view}"));
    steps.iter().map(|step| step["command"].as_str().expect("a command")).collect()
}

fn state_of<'a>(view: &'a Value, account: &str) -> &'a str {
    let accounts = view["accounts"].as_array().unwrap_or_else(|| panic!("{view}"));
    let found = accounts.iter().find(|row| row["account"] == account);
    found.and_then(|row| row["state"].as_str()).unwrap_or_else(|| panic!("{account} is not in {view}"))
}

fn wait_until_open(site: &Site, account: &str) {
    site.wait_for(&format!("{account} to be open"), || {
        let view = shown(site);
        (steps(&view).is_empty() && state_of(&view, account) == "open").then_some(())
    });
}

fn act(site: &Site, tenant: &Tenant, action: &str) {
    let path = format!("/api/v1/contracts/{}/actions", tenant.contract);
    site.post(&path, &site.operator, &json!({ "action": action, "reason": "test" }));
}

#[test]
fn accounts_limits_and_pauses_are_kept_in_slurm() {
    let Some(cluster) = Cluster::start() else { return };
    let shared = common::folder();
    let mut site = Site::with_settings(&settings(&cluster, shared.path(), false));
    site.wait_for("Slurm's nodes", || {
        (site.get("/api/v1/nodes", &site.operator).as_array().map(Vec::len) == Some(4)).then_some(())
    });
    let terms = json!({ "kind": "prepaid", "package": 100 * 3_600_000, "fee": 1_000_000 });
    let tenant = site.tenant("xixi", "enterprise", &terms, 32);
    site.tenant("taken", "research", &support::grant(), 8);
    cluster.slurm("sacctmgr", &["-i", "add", "account", "qt-taken", "Description=somebody", "parent=own"]);

    // Shown only: nothing is changed.
    let before = accounting(&cluster);
    let view = shown(&site);
    assert_eq!((accounting(&cluster), &view["is_kept"]), (before.clone(), &json!(false)));
    let all = steps(&view);
    assert!(
        all.iter().any(|command| command.starts_with("sacctmgr -i add account qt-xixi cluster=qtest")),
        "{view:#}"
    );
    assert!(!all.iter().any(|command| command.contains("qt-taken")), "{view:#}");
    assert_eq!(view["conflicts"][0]["code"], "foreign_account", "{view:#}");
    assert_eq!(state_of(&view, "qt-taken"), "foreign");

    // Done once: the tree is there with its limits, the other's account is as it was, and there is nothing left to do.
    let view = apply(&site);
    assert!(view["steps"].as_array().expect("steps").iter().all(|step| step["is_done"] == true), "{view:#}");
    let after = accounting(&cluster);
    for line in [
        "qt-taken||own||||".to_owned(),
        format!("qt-xixi||{ROOT}|gres/npu=32|gres/npu=6198||"),
        "qt-xixi_work||qt-xixi||||".to_owned(),
        format!("qt-xixi_work|{USER}|||||"),
    ] {
        assert!(after.lines().any(|found| found == line), "{line} is not in\n{after}");
    }
    let has_changed = |line: &&str| !after.lines().any(|found| found == *line);
    assert_eq!(before.lines().filter(has_changed).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(steps(&apply(&site)), [""; 0]);
    let audit = site.get("/api/v1/audit?action=manage_slurm", &site.operator);
    assert!(
        audit["items"][1]["detail"]["commands"][0].as_str().is_some_and(|c| c.starts_with("sacctmgr -i ")),
        "{audit:#}"
    );

    // Kept from here on.
    assert!(site.stop().success());
    let file = site.folder.path().join("center.toml");
    let text = std::fs::read_to_string(&file).expect("settings").replace("keep = false", "keep = true");
    std::fs::write(&file, text).expect("settings");
    site.start();
    site.wait_for("the tenant's user to be known", || {
        (state_of(&shown(&site), "qt-xixi") == "open").then_some(())
    });
    let job = json!({ "name": "counted", "script": "#!/bin/bash\ntrue\n", "nodes": 1, "cards_per_node": 4,
        "time_limit_ms": 120_000 });
    let account_of = |id: &str| {
        assert_eq!(site.wait_for_end(&tenant.developer, id)["state"], "succeeded", "{}", site.log());
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
        let run = runs["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{runs}"));
        let args = ["-naXP", "--format=Account,User", "--starttime=now-1hour", &format!("--name=qt-{run}")];
        // Slurm's accounting lags.
        site.wait_for("the job to be accounted for", || {
            Some(cluster.slurm("sacct", &args).trim().to_owned()).filter(|line| !line.is_empty())
        })
    };
    assert_eq!(account_of(&site.submit(&tenant, &job)), format!("qt-xixi_work|{USER}"));

    // A project that comes later has its account without anybody asking.
    let new = json!({ "slug": "more", "name": "More", "contract": tenant.contract, "tenant": "xixi" });
    site.post("/api/v1/projects", &site.operator, &new);
    wait_until_open(&site, "qt-xixi_more");
    let mut of_more = job.clone();
    of_more["project"] = json!("more");
    assert_eq!(account_of(&site.submit(&tenant, &of_more)), format!("qt-xixi_more|{USER}"));

    // Suspended: Slurm takes nothing there, and what people do under other accounts goes on. Resumed: it takes jobs again,
    // those of the center too.
    let held = sbatch(&cluster, "qt-xixi_work").expect("it is taken");
    act(&site, &tenant, "suspend");
    site.wait_for("the pause", || (set_at(&cluster, "qt-xixi").ends_with("|qt-paused")).then_some(()));
    site.wait_for("the refusal", || sbatch(&cluster, "qt-xixi_work").err());
    sbatch(&cluster, "own").expect("it is taken");
    act(&site, &tenant, "resume");
    let id = site.submit(&tenant, &{
        let mut again = job.clone();
        again["project"] = json!("work");
        again
    });
    assert_eq!(account_of(&id), format!("qt-xixi_work|{USER}"));
    wait_until_open(&site, "qt-xixi_work");
    sbatch(&cluster, "qt-xixi_work").expect("it is taken again");
    cluster.slurm("scancel", &[&held]);

    // Slurm's accounting is down and comes back: nothing that runs minds, and the pause that was due then follows.
    cluster.kill("slurmdbd");
    act(&site, &tenant, "terminate");
    assert_eq!(site.ask("GET", "/api/v1/slurm/accounts", &site.operator, None).0, 409);
    assert_eq!(site.ask("GET", "/readyz", "", None).0, 200);
    cluster.up("slurmdbd");
    site.wait_for("the pause", || {
        let args = ["-nP", "show", "association", "where", "account=qt-xixi", "user=", "format=QOS"];
        cluster.try_slurm("sacctmgr", &args).ok().filter(|out| out.trim() == "qt-paused")
    });
}
