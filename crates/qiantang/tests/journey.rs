//! A user's and an operator's way through the center, by the real command line.

mod support;

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use support::{PASSWORD, Site, Tenant, grant, job};

/// Somebody at a terminal, with a token of their own.
struct Terminal<'a> {
    site: &'a Site,
    home: tempfile::TempDir,
}

impl<'a> Terminal<'a> {
    fn signed_in(site: &'a Site, login: &str) -> Self {
        let terminal = Self { site, home: tempfile::tempdir().expect("a folder") };
        let mut child = terminal
            .command(&["login", login, "--password-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("it starts");
        writeln!(child.stdin.take().expect("its input"), "{PASSWORD}").expect("a line");
        assert!(child.wait_with_output().expect("it ends").status.success());
        terminal
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(Site::binary());
        command
            .args(args)
            .env("HOME", self.home.path())
            .env("QIANTANG_URL", &self.site.url)
            .env("LANG", "en_US.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("QIANTANG_TOKEN")
            .env_remove("QIANTANG_CONFIG")
            .env_remove("XDG_CONFIG_HOME")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(args).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (status.code().expect("a code"), text(stdout), text(stderr))
    }

    fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out
    }

    fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    }
}

#[test]
fn a_tenant_submits_follows_and_pays() {
    let site = Site::new(2, "");
    site.publish_price(12_000_000);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000 });
    let tenant = site.tenant("xixi", "enterprise", &metered, 8);
    let at = Terminal::signed_in(&site, "xixi-developer");
    let script = at.file(
        "train.sh",
        "#!/bin/bash\n#SBATCH --job-name=train --gres=npu:4 --mem=8G\n#SBATCH --time=1\necho \"rank $RANK of $WORLD_SIZE\"\n\
         echo \"cards $ASCEND_RT_VISIBLE_DEVICES\"\necho oops >&2\nsleep 0.05\n",
    );

    let (code, out, err) = at.run(&["submit", &script, "--dry-run"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Starts now: npu-0") && out.contains("CNY 12.00 a card-hour"), "{out}");
    assert!(err.contains("--mem"), "what is ignored is named: {err}");

    let id = at.json(&["submit", &script, "--wait"])["id"].as_str().expect("an id").to_owned();
    let shown = at.json(&["show", &id]);
    assert_eq!((shown["state"].as_str(), shown["exit_code"].as_i64()), (Some("succeeded"), Some(0)));
    assert_eq!(shown["runs"][0]["places"][0]["card_indices"].as_array().map(Vec::len), Some(4));
    assert_eq!(at.ok(&["logs", &id]), "rank 0 of 1\ncards 0,1,2,3\n");
    assert_eq!(at.ok(&["logs", &id, "--stderr"]), "oops\n");
    assert!(at.ok(&["show", &id, "--lang", "zh"]).contains("成功"));
    assert!(at.ok(&["jobs"]).contains("train"));

    // What it cost: its card time at the price, the same in usage and statement.
    let used = shown["used_card_ms"].as_i64().expect("use");
    let charge = used * 12_000_000 / 3_600_000;
    assert_eq!(shown["charge_micro_cny"].as_i64(), Some(charge));
    assert_eq!(at.json(&["usage"])["total"]["charge_micro_cny"].as_i64(), Some(charge));
    let finance = Terminal::signed_in(&site, "xixi-finance");
    assert_eq!(finance.json(&["statement"])["charge_micro_cny"].as_i64(), Some(charge));
    let csv = finance.ok(&["statement", "--csv"]);
    assert!(csv.contains(&format!(",work,1,{used},{charge}")), "{csv}");
    assert_eq!(at.run(&["statement"]).0, 4, "a developer does not see money");

    failures(&site, &tenant, &at);
}

fn failures(site: &Site, tenant: &Tenant, at: &Terminal<'_>) {
    // A job that fails fails the command that waits for it.
    let fails = at.file("fails.sh", "#!/bin/sh\nexit 7\n");
    let (code, _, err) = at.run(&["submit", &fails, "--wait"]);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("ended: failed (7)"), "{err}");

    // One that waits says why; one that is cancelled ends as cancelled.
    let hold = site.submit(
        tenant,
        &json!({ "name": "hold", "script": "#!/bin/sh\nexec sleep 60\n", "cards_per_node": 8 }),
    );
    site.wait_for_state(&tenant.developer, &hold, "running");
    let waits = site.submit(tenant, &job("waits", "true"));
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
    assert_eq!((code, err.contains("was cancelled")), (3, true), "{err}");

    // Errors say what was wrong, where, and what to do; with --json as an object.
    let bad = at.file("bad.sh", "#!/bin/sh\n#SBATCH --nodes=zero\n#SBATCH --qos=gold\n");
    let (code, _, err) = at.run(&["submit", &bad]);
    assert!(code == 2 && err.contains("line 2: --nodes") && err.contains("line 3: --qos"), "{code} {err}");
    let (code, _, err) = at.run(&["show", "job_00000000000000000000000000000000", "--json"]);
    let failure: Value = serde_json::from_str(&err).expect("an object");
    assert_eq!(
        (code, failure["category"].as_str(), failure["code"].as_str()),
        (4, Some("refused"), Some("not_found"))
    );
    assert_eq!(at.run(&["jobs", "--url", "http://127.0.0.1:1"]).0, 5);
    assert_eq!(at.run(&["no-such-command"]).0, 2);
    let task = at.file(
        "job.yaml",
        "type: task\nname: from-yaml\ncommands: [echo yaml]\nresources: {cards: 2}\nmax_duration: 1m\n",
    );
    let id = at.json(&["apply", "-f", &task])["id"].as_str().expect("an id").to_owned();
    site.wait_for_end(&tenant.developer, &id);
    assert_eq!(at.ok(&["logs", &id]), "yaml\n");
    assert!(at.ok(&["completions", "bash"]).contains("qiantang"));
}

#[test]
fn an_operator_runs_the_center() {
    let mut site = Site::new(2, "");
    let tenant = site.tenant("univ", "research", &grant(), 16);
    {
        let at = Terminal::signed_in(&site, "operator");
        assert!(at.ok(&["nodes"]).contains("virtual"), "virtual nodes are called so");
        assert!(at.ok(&["drain", "npu-01", "--reason", "fan replaced"]).contains("drained"));
        assert_eq!(at.json(&["nodes"])[0]["reason"], "fan replaced");
        // What needs both nodes waits for the drained one, and says so.
        let both = site.submit(
            &tenant,
            &json!({ "name": "both", "script": "#!/bin/sh\n", "nodes": 2, "cards_per_node": 8 }),
        );
        site.wait_for("a verdict", || {
            let (status, verdict) =
                site.ask("GET", &format!("/api/v1/jobs/{both}/why"), &tenant.developer, None);
            (status == 200 && verdict["code"] == "nodes_out").then_some(())
        });
        at.ok(&["resume", "npu-01"]);
        assert_eq!(site.wait_for_end(&tenant.developer, &both)["state"], "succeeded");
        let from = base::moment::now().minus(domain::Millis::from_hours(1));
        let balance = site.get(&format!("/api/v1/capacity-balance?from={from}"), &site.operator);
        assert_eq!(balance["closes"], true, "{balance}");
        assert!(balance["drained_card_ms"].as_i64() > Some(0), "{balance}");

        let copy = at.home.path().join("copy.db");
        at.ok(&["backup", copy.to_str().expect("a path")]);
        assert!(copy.metadata().is_ok_and(|meta| meta.len() > 4096));
        assert_eq!(
            at.run(&["backup", copy.to_str().expect("a path")]).0,
            4,
            "never over a file that is there"
        );
        let (_, out, err) = at.run(&["doctor", "--json"]);
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        assert!(report["checks"].as_array().is_some_and(|checks| checks.len() >= 5), "{report}");
        let audit = site.get("/api/v1/audit?action=change_node", &site.operator);
        assert_eq!(audit["items"].as_array().map(Vec::len), Some(2), "{audit}");
    }
    // A stop is graceful: it ends by itself with 0, and the run goes on to be taken up again.
    let slow = site.submit(&tenant, &job("outlives-the-center", "sleep 1; echo still here"));
    site.wait_for_state(&tenant.developer, &slow, "running");
    assert!(site.stop().success());
    site.start();
    assert_eq!(site.wait_for_end(&tenant.developer, &slow)["state"], "succeeded");
    assert_eq!(site.stdout(&tenant.developer, &slow), "still here\n");
}

#[test]
fn money_binds_to_compute() {
    let site = Site::new(1, "[billing]\ngrace_ms = 300\n[engine]\nkill_grace_ms = 500\n");
    // Eight cards for half a second.
    let terms = json!({ "kind": "prepaid", "package": 4_000, "fee": 4_000_000 });
    let tenant = site.tenant("small", "enterprise", &terms, 8);
    let endless = json!({ "name": "endless", "script": "#!/bin/sh\nexec sleep 60\n", "cards_per_node": 8 });
    let id = site.submit(&tenant, &endless);
    let job = site.wait_for_end(&tenant.developer, &id);
    assert_eq!(job["state"], "stopped", "{job}");
    let used = job["used_card_ms"].as_i64().expect("use");
    // Half a second, the grace, and the little that stopping takes; never less than it had paid for.
    assert!(used >= 4_000, "{used}");
    // A card-millisecond costs a thousand micro-CNY, in the grace too.
    assert_eq!(job["charge_micro_cny"].as_i64(), Some(used * 1000));
    let path = format!("/api/v1/contracts/{}", tenant.contract);
    let contract = site.get(&path, &tenant.developer);
    assert_eq!(contract["state"], "exhausted");
    assert_eq!(contract["use_balance_card_ms"].as_i64(), Some(4_000 - used));
    let (status, refused) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&endless));
    assert_eq!((status, refused["code"].as_str()), (409, Some("contract_not_active")));
    // Paid again, it goes on.
    let paid = json!({ "card_ms": 1_000_000, "amount_micro_cny": 0, "reference": "second package" });
    for _ in 0..2 {
        site.post(&format!("{path}/top-up"), &site.operator, &paid);
    }
    let contract = site.get(&path, &tenant.developer);
    assert_eq!(
        (contract["state"].as_str(), contract["use_balance_card_ms"].as_i64()),
        (Some("active"), Some(1_004_000 - used))
    );
    let id = site.submit(&tenant, &support::job("again", "true"));
    assert_eq!(site.wait_for_end(&tenant.developer, &id)["state"], "succeeded");
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], true);
}

#[test]
fn a_job_reaches_nothing_that_is_not_its_own() {
    let site = Site::new(1, "");
    let (alpha, beta) =
        (site.tenant("alpha", "research", &grant(), 8), site.tenant("beta", "research", &grant(), 8));
    let victim =
        site.submit(&alpha, &job("victim", "echo secret > note; echo $$ > pid; cat note; exec sleep 60"));
    let alpha_id =
        site.get("/api/v1/tenants/alpha", &site.operator)["id"].as_str().expect("an id").to_owned();
    let work = site.data().join("work").join(alpha_id).join(&victim);
    let pid = site.wait_for("the victim's pid", || {
        std::fs::read_to_string(work.join("pid")).ok().filter(|text| text.ends_with('\n'))
    });
    let data = site.data();
    let attack = format!(
        "try() {{ if \"$@\" >/dev/null 2>&1; then echo \"REACHED $*\"; fi; }}\n\
         echo mine > own && cat own\n\
         try cat {data}/database/center.db; try ls {data}/database; try ls {data}/runs; try ls {data}/work\n\
         try cat {folder}/center.toml; try cat {note}; try ls {work}; try touch {data}/x; try touch /tmp/qiantang-attack\n\
         try kill -0 {pid}; try kill -9 {pid}; try kill -0 {center}; try cat /proc/{center}/environ; try ls /root\n\
         try kill -0 $PPID\n\
         (setsid sleep 300 & ) ; env | grep -i -e password -e QIANTANG__ ; true\n",
        data = data.display(),
        folder = site.folder.path().display(),
        note = work.join("note").display(),
        work = work.display(),
        pid = pid.trim(),
        center = site.pid(),
    );
    let id = site.submit(&beta, &job("attacker", &attack));
    let ended = site.wait_for_end(&beta.developer, &id);
    assert_eq!(ended["state"], "succeeded", "{}", site.stdout(&beta.developer, &id));
    assert_eq!(site.stdout(&beta.developer, &id), "mine\n", "it reached something, or lost its own");
    // The run has ended, and so has all that it started: nothing of `sleep 300` is left.
    let left = std::fs::read_dir("/proc").expect("/proc").flatten().filter(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == b"sleep\x00300\x00")
    });
    assert_eq!(left.count(), 0, "a process was left behind");
    assert_eq!(
        site.get(&format!("/api/v1/jobs/{victim}"), &alpha.developer)["state"],
        "running",
        "the victim lives"
    );
}
