//! Accounts, limits and pauses that the center keeps in Slurm.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{Cluster, Site, Tenant, grant, open_folder};

/// The user of the tenant `xixi` in Slurm.
const USER: &str = "qt-alice";
/// A name of its own, so that one cluster serves several runs of this test.
const ROOT: &str = "qt-test-root";

/// Everything that Slurm's accounting has but use.
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

/// `GrpTRES`, `GrpTRESMins` and QOS that an account has set itself.
fn set_at(cluster: &Cluster, account: &str) -> String {
    let name = format!("account={account}");
    let format = "format=GrpTRES,GrpTRESMins,QOS";
    let out = cluster
        .slurm("sacctmgr", &["-nP", "show", "association", "WOPLimits", "where", &name, "user=", format]);
    out.lines().next().unwrap_or_default().to_owned()
}

/// Hands a job in as people do. Returns its number, or why it was refused.
fn sbatch(cluster: &Cluster, account: &str) -> Result<String, String> {
    let out = Command::new("runuser")
        .args(["-u", USER, "--", "sbatch", "--parsable", "--chdir=/tmp", "--output=/dev/null"])
        .args(["--hold", "--wrap=true", &format!("--account={account}")])
        .env("SLURM_CONF", cluster.conf())
        .output()
        .expect("sbatch runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
}

/// The steps that the center would take, or has taken.
fn steps(view: &Value) -> Vec<&str> {
    let steps = view["steps"].as_array().unwrap_or_else(|| panic!("{view}"));
    steps.iter().map(|step| step["command"].as_str().expect("a command")).collect()
}

fn state_of<'a>(view: &'a Value, account: &str) -> &'a str {
    let accounts = view["accounts"].as_array().unwrap_or_else(|| panic!("{view}"));
    let found = accounts.iter().find(|row| row["account"] == account);
    found.and_then(|row| row["state"].as_str()).unwrap_or_else(|| panic!("{account} is not in {view}"))
}

/// A center whose tenant `xixi` has a package of a hundred card-hours.
struct Kept<'a> {
    cluster: &'a Cluster,
    site: Site,
    xixi: Tenant,
}

impl Kept<'_> {
    fn shown(&self) -> Value {
        self.site.get("/api/v1/slurm/accounts", &self.site.operator)
    }

    fn apply(&self) -> Value {
        self.site.post("/api/v1/slurm/accounts/apply", &self.site.operator, &Value::Null)
    }

    fn wait_until_open(&self, account: &str) {
        self.site.wait_for(&format!("{account} to be open"), || {
            let view = self.shown();
            (steps(&view).is_empty() && state_of(&view, account) == "open").then_some(())
        });
    }

    /// Decides about the contract.
    fn act(&self, action: &str) {
        let path = format!("/api/v1/contracts/{}/actions", self.xixi.contract);
        self.site.post(&path, &self.site.operator, &json!({ "action": action, "reason": "test" }));
    }

    /// Runs a job of a project, or of the only one. Returns the account and the user that Slurm's accounting
    /// has it under.
    fn account_of_job(&self, project: Option<&str>) -> String {
        let spec = json!({ "name": "counted", "script": "#!/bin/bash\ntrue\n", "nodes": 1, "cards_per_node": 4,
            "time_limit_ms": 120_000, "project": project });
        let id = self.site.submit(&self.xixi, &spec);
        let job = self.site.wait_for_end(&self.xixi.developer, &id);
        assert_eq!(job["state"], "succeeded", "{}", self.site.log());
        let runs = self.site.get(&format!("/api/v1/jobs/{id}/runs"), &self.xixi.developer);
        let run = runs["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{runs}"));
        let args = ["-naXP", "--format=Account,User", "--starttime=now-1hour", &format!("--name=qt-{run}")];
        // The accounting hears of a job later than the controller.
        self.site.wait_for("the job to be accounted for", || {
            Some(self.cluster.slurm("sacct", &args).trim().to_owned()).filter(|line| !line.is_empty())
        })
    }
}

#[test]
fn accounts_limits_and_pauses_are_kept_in_slurm() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let shared = open_folder();
    let site = crate::center(&format!(
        "{}tenants = {{ xixi = {{ user = \"{USER}\" }} }}\n[engine.slurm.accounts]\nkeep = false\nroot = \"{ROOT}\"\n",
        cluster.settings(shared.path())
    ));
    let terms = json!({ "kind": "prepaid", "package": 100 * 3_600_000, "fee": 1_000_000 });
    let xixi = site.tenant("xixi", "enterprise", &terms, 32);
    site.tenant("taken", "research", &grant(), 8);
    cluster.slurm("sacctmgr", &["-i", "add", "account", "qt-taken", "Description=somebody", "parent=own"]);
    let mut kept = Kept { cluster: &cluster, site, xixi };

    shows_what_is_to_be_done(&kept);
    applies_it_once(&kept);
    keeps_it_from_here_on(&mut kept);
    gives_a_new_project_its_account(&kept);
    pauses_while_the_contract_is_suspended(&kept);
    catches_up_after_the_accounting_was_down(&kept);
}

/// Looking changes nothing, and somebody else's account is left alone.
fn shows_what_is_to_be_done(kept: &Kept<'_>) {
    let before = accounting(kept.cluster);
    let view = kept.shown();
    assert_eq!((accounting(kept.cluster), &view["is_kept"]), (before, &json!(false)));
    let all = steps(&view);
    let is_added = |command: &&str| command.starts_with("sacctmgr -i add account qt-xixi cluster=qtest");
    assert!(all.iter().any(is_added), "{view:#}");
    assert!(!all.iter().any(|command| command.contains("qt-taken")), "{view:#}");
    assert_eq!(view["conflicts"][0]["code"], "foreign_account", "{view:#}");
    assert_eq!(state_of(&view, "qt-taken"), "foreign");
}

/// The tree is there with its limits, everything else is as it was, and nothing is left to do.
fn applies_it_once(kept: &Kept<'_>) {
    let before = accounting(kept.cluster);
    let view = kept.apply();
    assert!(view["steps"].as_array().expect("steps").iter().all(|step| step["is_done"] == true), "{view:#}");
    let after = accounting(kept.cluster);
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
    assert_eq!(steps(&kept.apply()), [""; 0]);
    let audit = kept.site.get("/api/v1/audit?action=manage_slurm", &kept.site.operator);
    let command = audit["items"][1]["detail"]["commands"][0].as_str();
    assert!(command.is_some_and(|command| command.starts_with("sacctmgr -i ")), "{audit:#}");
}

/// A center that is to keep the accounts runs jobs under them.
fn keeps_it_from_here_on(kept: &mut Kept<'_>) {
    assert!(kept.site.stop().success());
    let file = kept.site.folder.path().join("center.toml");
    let text = std::fs::read_to_string(&file).expect("the settings").replace("keep = false", "keep = true");
    std::fs::write(&file, text).expect("the settings are written");
    kept.site.start();
    kept.site.wait_for("the tenant's user to be known", || {
        (state_of(&kept.shown(), "qt-xixi") == "open").then_some(())
    });
    assert_eq!(kept.account_of_job(None), format!("qt-xixi_work|{USER}"));
}

fn gives_a_new_project_its_account(kept: &Kept<'_>) {
    let new = json!({ "slug": "more", "name": "More", "contract": kept.xixi.contract, "tenant": "xixi" });
    kept.site.post("/api/v1/projects", &kept.site.operator, &new);
    kept.wait_until_open("qt-xixi_more");
    assert_eq!(kept.account_of_job(Some("more")), format!("qt-xixi_more|{USER}"));
}

/// While the contract is suspended, Slurm takes no jobs under its accounts, and takes those under others.
/// Then it takes jobs again, the center's too.
fn pauses_while_the_contract_is_suspended(kept: &Kept<'_>) {
    let cluster = kept.cluster;
    let held = sbatch(cluster, "qt-xixi_work").expect("it is taken");
    kept.act("suspend");
    kept.site.wait_for("the pause", || (set_at(cluster, "qt-xixi").ends_with("|qt-paused")).then_some(()));
    kept.site.wait_for("the refusal", || sbatch(cluster, "qt-xixi_work").err());
    sbatch(cluster, "own").expect("it is taken");
    kept.act("resume");
    assert_eq!(kept.account_of_job(Some("work")), format!("qt-xixi_work|{USER}"));
    kept.wait_until_open("qt-xixi_work");
    sbatch(cluster, "qt-xixi_work").expect("it is taken again");
    cluster.slurm("scancel", &[&held]);
}

/// While Slurm's accounting is down, the center is ready all the same. The pause that was due follows.
fn catches_up_after_the_accounting_was_down(kept: &Kept<'_>) {
    let (cluster, site) = (kept.cluster, &kept.site);
    cluster.kill("slurmdbd");
    kept.act("terminate");
    assert_eq!(site.ask("GET", "/api/v1/slurm/accounts", &site.operator, None).0, 409);
    assert_eq!(site.ask("GET", "/readyz", "", None).0, 200);
    cluster.up("slurmdbd");
    site.wait_for("the pause", || {
        let args = ["-nP", "show", "association", "where", "account=qt-xixi", "user=", "format=QOS"];
        cluster.try_slurm("sacctmgr", &args).ok().filter(|out| out.trim() == "qt-paused")
    });
}
