//! Why jobs end, wait and are refused, through the API, the commands and the pages, in both languages.

use serde_json::{Value, json};
use testkit::{Browser, Site, Tenant, Terminal, grant, job};

use crate::{
    QIANTANG,
    jobs::{cancel, until_told, with},
};

/// Everybody who asks.
struct Asking<'a> {
    site: &'a Site,
    tenant: &'a Tenant,
    at: Terminal<'a>,
    browser: Browser,
}

impl<'a> Asking<'a> {
    fn new(site: &'a Site, tenant: &'a Tenant) -> Self {
        let login = format!("{}-developer", tenant.slug);
        Self {
            site,
            tenant,
            at: Terminal::signed_in(site, &login),
            browser: Browser::signed_in(site, &login),
        }
    }

    /// A page in a language, as text.
    fn page(&mut self, path: &str, lang: &'static str) -> String {
        self.browser.lang = lang;
        let answer = self.browser.get(path);
        assert_eq!(answer.status, 200, "{path}");
        answer.body.replace("&#39;", "'").replace("&#x27;", "'").replace("&quot;", "\"")
    }

    /// Checks that a job ended for this reason, and that all who ask are told.
    fn ended(&mut self, id: &str, code: &str, en: &str, zh: &str) -> Value {
        let job = self.site.wait_for_end(&self.tenant.developer, id);
        assert_eq!(job["reason"]["code"], code, "{job:#}");
        let told = |lang: &str| job["reason"]["text"][lang].as_str().expect("a text").to_owned();
        for (lang, part) in [("en", en), ("zh", zh)] {
            let told = told(lang);
            assert!(told.contains(part), "{told}");
            for args in [vec!["show", id], vec!["jobs", "--limit", "50"]] {
                let shown = self.at.ok(&[&args[..], &["--lang", lang]].concat());
                assert!(shown.contains(&told), "{args:?}: {shown}");
            }
            let (rc, _, why) = self.at.run(&["why", id, "--lang", lang]);
            assert!(rc == 4 && why.contains(&told), "{rc} {why}");
            for path in [format!("/jobs/{id}"), "/jobs".to_owned()] {
                let page = self.page(&path, lang);
                assert!(page.contains(&told), "{path} in {lang} lacks {told}");
            }
        }
        let listed = self.site.get("/api/v1/jobs?limit=200", &self.tenant.developer);
        let listed = listed["items"].as_array().expect("a list").iter().find(|item| item["id"] == id);
        assert_eq!(listed.expect("it is listed")["reason"], job["reason"]);
        job
    }

    /// Checks that a job waits for this reason, and that all who ask are told.
    fn waits(&mut self, id: &str, code: &str, en: &str, zh: &str) {
        let path = format!("/api/v1/jobs/{id}/why");
        let why = self.site.wait_for(&format!("{id} to wait for {code}"), || {
            let (status, why) = self.site.ask("GET", &path, &self.tenant.developer, None);
            (status == 200 && why["code"] == code).then_some(why)
        });
        for (lang, part) in [("en", en), ("zh", zh)] {
            let told = why["text"][lang].as_str().expect("a text").to_owned();
            assert!(told.contains(part), "{told}");
            assert!(self.at.ok(&["why", id, "--lang", lang]).contains(&told));
            assert!(self.at.ok(&["show", id, "--lang", lang]).contains(&told));
            assert!(self.page(&format!("/jobs/{id}"), lang).contains(&told));
        }
    }

    fn runs(&self, id: &str) -> Vec<Value> {
        let runs = self.site.get(&format!("/api/v1/jobs/{id}/runs"), &self.tenant.developer);
        runs["items"].as_array().expect("a list").clone()
    }
}

fn script(name: &str, script: &str) -> Value {
    json!({ "name": name, "script": script })
}

#[test]
fn every_end_says_why_wherever_it_is_asked_about() {
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let mut asking = Asking::new(&site, &tenant);
    for (spec, code, en, zh) in [
        (
            script("missing", "#!/opt/nowhere/python\nprint(1)\n"),
            "interpreter",
            "failed to start: /opt/nowhere/python: no such file",
            "启动失败：/opt/nowhere/python：文件不存在",
        ),
        (
            script("windows", "#!/opt/nowhere/sh -x\necho\n"),
            "interpreter",
            "failed to start: /opt/nowhere/sh: no such file",
            "启动失败：/opt/nowhere/sh：文件不存在",
        ),
        (
            script("closed", "#!/etc/passwd\n"),
            "interpreter",
            "/etc/passwd: permission denied",
            "/etc/passwd：没有权限",
        ),
        (script("code", "#!/bin/sh\nexit 3\n"), "exit_code", "failed: exit code 3", "失败：退出码 3"),
        (
            script("signal", "#!/bin/sh\nkill -SEGV $$\n"),
            "signal",
            "signal 11 (SIGSEGV)",
            "信号 11（SIGSEGV）",
        ),
        (
            with(&script("long", "#!/bin/sh\nexec sleep 600\n"), &json!({ "time_limit_ms": 1000 })),
            "time_limit",
            "it reached its time limit of 1",
            "达到时限 1",
        ),
    ] {
        let id = site.submit(&tenant, &spec);
        let job = asking.ended(&id, code, en, zh);
        let runs = asking.runs(&id);
        assert_eq!(runs[0]["reason"]["code"], job["reason"]["code"], "{runs:#?}");
        assert_eq!(job["reason"]["values"]["run"], runs[0]["id"]);
    }
    let missing = site.submit(&tenant, &script("log", "#!/opt/nowhere/python\n"));
    site.wait_for_end(&tenant.developer, &missing);
    let log = site.get(&format!("/api/v1/jobs/{missing}/logs?stream=stderr"), &tenant.developer);
    assert!(log["data"].as_str().expect("a log").contains("/opt/nowhere/python: no such file"), "{log}");

    let cancelled = site.submit(&tenant, &until_told("cancelled", 1));
    site.wait_for_state(&tenant.developer, &cancelled, "running");
    cancel(&site, &tenant, &cancelled);
    asking.ended(&cancelled, "cancelled", "cancelled by a member or an operator", "已由成员或运营人员取消");
}

#[test]
fn a_job_that_can_never_run_says_which_dependency_failed_and_how() {
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let mut asking = Asking::new(&site, &tenant);
    let first = site.submit(&tenant, &until_told("first", 1));
    site.wait_for_state(&tenant.developer, &first, "running");
    let after = json!([{ "job": first, "when": "succeeded" }]);
    let next = site.submit(&tenant, &with(&job("next", "true"), &json!({ "after": after })));
    asking.waits(&next, "dependency", &first, &first);
    let last = json!([{ "job": next, "when": "succeeded" }]);
    let last = site.submit(&tenant, &with(&job("last", "true"), &json!({ "after": last })));
    cancel(&site, &tenant, &first);
    let en = format!("once {first} had succeeded, and that job was cancelled");
    let zh = format!("要等作业 {first} 成功，而该作业已取消");
    let ended = asking.ended(&next, "dependency", &en, &zh);
    assert_eq!(ended["state"], "never_ran");
    assert_eq!(ended["reason"]["values"], json!({ "job": first, "when": "succeeded", "ended": "cancelled" }));
    let en = format!("once {next} had succeeded, and that job never ran");
    asking.ended(&last, "dependency", &en, &format!("要等作业 {next} 成功，而该作业未运行"));
    for lang in ["en", "zh"] {
        let page = asking.page(&format!("/jobs/{next}"), lang);
        assert!(!page.contains("It starts as soon") && !page.contains("分到加速卡后"), "{page}");
        assert!(page.contains(&format!("/jobs/{first}")), "the page leads to the job that it waited for");
    }
}

#[test]
fn an_array_says_what_it_waits_for_and_which_task_failed_first() {
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let mut asking = Asking::new(&site, &tenant);
    let array = json!({ "ranges": [{ "first": 1, "last": 40, "step": 1 }], "max_running": 2 });
    let many = site.submit(&tenant, &with(&until_told("many", 1), &json!({ "array": array })));
    asking.waits(
        &many,
        "array_limit",
        "2 tasks running and lets 2 run",
        "有 2 个任务在运行，它自己规定最多同时运行 2 个",
    );
    let why = site.get(&format!("/api/v1/jobs/{many}/why"), &tenant.developer);
    assert_eq!(why["limit"], json!({ "code": "array_limit", "running": 2, "limit": 2 }));
    cancel(&site, &tenant, &many);
    asking.ended(&many, "cancelled", "cancelled", "取消");

    let array = json!({ "ranges": [{ "first": 1, "last": 3, "step": 1 }], "max_running": 1 });
    let fails = "[ $SLURM_ARRAY_TASK_ID != 2 ] || exit 7";
    let fails = site.submit(&tenant, &with(&job("fails", fails), &json!({ "array": array })));
    let ended = asking.ended(
        &fails,
        "tasks",
        "1 of 3 tasks failed; the first was task 2: failed: exit code 7",
        "3 个任务中 1 个失败；最先是任务 2：失败：退出码 7",
    );
    let first = &ended["reason"]["values"]["first"];
    assert_eq!(
        (&first["task"], &first["code"], &first["values"]["exit_code"]),
        (&json!(2), &json!("exit_code"), &json!(7))
    );
}

#[test]
fn refusals_say_the_number_and_who_has_it() {
    let site = Site::new(QIANTANG, 1, "[jobs]\nmax_active_per_tenant = 1\n");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let asking = Asking::new(&site, &tenant);
    let script = asking.at.file("large.sh", "#!/bin/sh\n#SBATCH --gres=gpu:16\ntrue\n");
    let node = site.nodes()[0]["name"].as_str().expect("a name").to_owned();
    for (lang, told) in [
        (
            "en",
            format!(
                "16 cards each and never fits: the largest node that the contract may use, {node} of the pool ascend-910, has 8 cards"
            ),
        ),
        (
            "zh",
            format!(
                "每节点 16 张加速卡，永远无法满足：合同可用的最大节点是资源池 ascend-910 的 {node}，有 8 张加速卡"
            ),
        ),
    ] {
        let (rc, _, said) = asking.at.run(&["--lang", lang, "submit", &script]);
        assert!(rc == 4 && said.contains(&told), "{said}");
    }
    let held = site.submit(&tenant, &until_told("held", 1));
    let (status, refused) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&job("more", "true")));
    assert_eq!((status, &refused["code"]), (409, &json!("too_many_jobs")), "{refused}");
    assert_eq!(refused["values"], json!({ "active": 1, "most": 1 }));
    let more = asking.at.file("more.sh", "#!/bin/sh\ntrue\n");
    for (lang, told) in
        [("en", "1 of your jobs are queued or running; at most 1"), ("zh", "已有 1 个，最多 1 个")]
    {
        assert!(refused["text"][lang].as_str().expect("a text").contains(told), "{refused}");
        let (rc, _, said) = asking.at.run(&["--lang", lang, "submit", &more]);
        assert!(rc == 4 && said.contains(told), "{said}");
    }
    cancel(&site, &tenant, &held);
}

#[test]
fn a_real_node_without_its_cards_is_out_and_says_why() {
    let pools = "[[pools]]\nname = \"ascend-910\"\ncard_model = \"ascend-910\"\nnodes = [\n\
                 { name = \"here\", cards = 8 },\n{ name = \"made-up\", cards = 8, virtual = true },\n]\n";
    let site = Site::with_settings(QIANTANG, pools);
    let nodes = site.nodes();
    let of = |name: &str| nodes.iter().find(|node| node["name"] == name).expect("the node is there").clone();
    assert_eq!(of("made-up")["state"], "up");
    let here = of("here");
    assert_eq!(here["state"], "failed", "{here}");
    let reason = here["reason"].as_str().expect("a reason");
    assert!(reason.contains("its cards 0-7 are not on this machine"), "{reason}");
    let tenant = site.tenant("univ", "research", &grant(), 16);
    let two = site.submit(&tenant, &with(&job("two", "true"), &json!({ "nodes": 2, "cards_per_node": 8 })));
    let mut asking = Asking::new(&site, &tenant);
    asking.waits(&two, "nodes_out", "drained or failed", "已停用或故障");
    cancel(&site, &tenant, &two);
}
