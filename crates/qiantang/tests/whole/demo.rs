//! The demo, as a user runs it, with its real training.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::PATIENCE;

use crate::QIANTANG;

/// The rows of a table of the README.
fn readme_table(head: &str) -> Vec<&'static str> {
    let lines = include_str!("../../../../README.md").lines().skip_while(|line| *line != head).skip(2);
    lines.take_while(|line| line.starts_with('|')).collect()
}

/// What stands between backticks in the first cell of a row.
fn quoted(row: &'static str) -> Vec<&'static str> {
    row.split(" | ").next().unwrap_or_default().split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_demo_does_its_work_and_closes_its_books() {
    let output = Command::new(QIANTANG)
        .args(["demo", "--once", "--json", "--seed", "5", "--listen", "127.0.0.1:0"])
        .output()
        .expect("the demo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(output.status.success(), "{said}\n{report:#}");
    let jobs = report["jobs"].as_array().expect("jobs");
    let job = |name: &str| jobs.iter().find(|job| job["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let accuracy =
        |name: &str| job(name)["accuracy"].as_f64().unwrap_or_else(|| panic!("{name} has no accuracy"));
    // The training is the same on every machine.
    let told = format!("; {:.2} % of the digits held back are right", accuracy("digits-one-card") * 100.0);
    assert!(include_str!("../../../../README.md").contains(&told), "{told}");
    assert!(
        (accuracy("digits-one-card") - accuracy("digits-two-nodes")).abs() < 1e-9,
        "two nodes learn the same"
    );
    let table = readme_table("| job | what it is | ends |");
    // Jobs of a row, and the first word of how they end.
    let rows = table.iter().map(|row| (quoted(row), row.rsplit(" | ").next().unwrap_or_default()));
    let ends: Vec<(&str, &str)> =
        rows.flat_map(|(names, end)| names.into_iter().map(move |name| (name, end))).collect();
    for (name, end) in &ends {
        assert_eq!(job(name)["state"].as_str(), end.trim_end_matches(" |").split(',').next(), "{report:#}");
    }
    assert_eq!((ends.len(), jobs.len()), (10, 10), "{ends:?}");
    assert_eq!(job("fails")["exit_code"], 2);
    let verdict = &job("waits-for-its-quota")["verdict"];
    assert_eq!(verdict["code"], "max_running_cards");
    assert!(verdict["text"]["zh"].as_str().is_some_and(|text| text.contains("16")), "{verdict}");
    // The test adds up the books by itself.
    let balance = &report["capacity_balance"];
    let part = |key: &str| balance[key].as_i64().unwrap_or_else(|| panic!("no {key} in {balance}"));
    let parts = [
        "sold_card_ms",
        "granted_card_ms",
        "idle_card_ms",
        "drained_card_ms",
        "failed_card_ms",
        "preempted_card_ms",
        "lost_card_ms",
    ];
    assert_eq!(part("capacity_card_ms"), parts.iter().map(|key| part(key)).sum::<i64>());
    let metered: i64 = jobs.iter().map(|job| job["card_ms"].as_i64().expect("card time")).sum();
    assert_eq!(metered, part("sold_card_ms") + part("granted_card_ms"));
    assert_eq!(report["ledger_balanced"], true);
    let generated = &report["generated_past"];
    assert_eq!(generated["seed"], 5, "{generated}");
    assert!(generated["jobs"].as_u64().is_some_and(|jobs| jobs > 900), "{generated}");
    // A card of this contract costs its fee over its package: one yuan for 16,000 card-milliseconds.
    let ended = job("ends-with-its-balance");
    let used = ended["card_ms"].as_i64().expect("card time");
    assert!(used >= 16_000, "it ran to the end of its package: {ended}");
    let rate = 1_000_000 * 3_600_000 / 16_000;
    assert_eq!(ended["charge_micro_cny"].as_i64(), Some(used * rate / 3_600_000));
}

/// A demo that serves. It is told to end however its test ends.
struct Serving(Child);

impl Serving {
    fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is told to end");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.interrupt();
            let _ = self.0.wait();
        }
    }
}

/// Both were made an offer and accepted it, both sides signed the contracts that came of them, and the trial is renewed.
fn signed_what_they_were_offered(get: &dyn Fn(&str) -> Value) {
    let quotes = get("/api/v1/quotes");
    let contracts = get("/api/v1/contracts");
    let contracts = contracts.as_array().expect("contracts");
    for (at, tenant, discount) in [(0, "hubin-data", 0), (1, "hupan-pharma", 500)] {
        let quote = &quotes["items"][at];
        assert_eq!(
            (&quote["state"], &quote["discount_bp"]),
            (&json!("accepted"), &json!(discount)),
            "{quote}"
        );
        let id = quote["contract_id"].as_str().expect("a contract");
        let contract = get(&format!("/api/v1/contracts/{id}"));
        assert_eq!((&contract["state"], &contract["tenant_slug"]), (&json!("active"), &json!(tenant)));
        let texts = get(&format!("/api/v1/contracts/{id}/texts"));
        assert_eq!((texts.as_array().map(Vec::len), &texts[0]["missing"]), (Some(1), &json!([])), "{texts}");
        let renewed = format!("{}-R", contract["number"].as_str().expect("a number"));
        let after = contracts.iter().find(|one| one["number"] == json!(renewed));
        let drafted = after.map(|one| (&one["state"], &one["starts_at"]));
        let is_trial = tenant == "hubin-data";
        assert_eq!(drafted, is_trial.then_some((&json!("draft"), &contract["ends_at"])), "{tenant}");
    }
}

#[test]
fn the_demo_goes_on_while_it_serves_and_ends_when_it_is_told() {
    let folder = testkit::open_folder();
    let demo = Command::new(QIANTANG)
        .args(["demo", "--lang", "en", "--listen", "127.0.0.1:0"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the demo starts");
    let mut demo = Serving(demo);
    let mut lines =
        BufReader::new(demo.0.stdout.take().expect("the output is piped")).lines().map_while(Result::ok);
    let mut started = Vec::new();
    let address = lines.find_map(|line| {
        started.push(line.clone());
        Some(line.strip_prefix("Open ")?.split(' ').next()?.to_owned())
    });
    let address = address.expect("the demo says where it is");
    let told: Vec<String> = lines.by_ref().take_while(|line| !line.contains("First result after")).collect();
    let has = |parts: &[&str]| told.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(has(&["contract", "balance (CNY)"]), "each contract's balance: {told:#?}");
    assert!(has(&["Capacity balance", ": closes"]), "{told:#?}");
    assert!(
        started.iter().any(|line| line.starts_with("The center's clock was moved for that: ")
            && line.contains(" is closed, with the invoices 25332")),
        "{started:#?}"
    );
    let agent = testkit::agent();
    let ask = |method: &str, path: &str, token: &str, body: Option<&Value>| {
        testkit::ask(&agent, &address, method, path, token, body, &[]).expect("the demo answers").1
    };
    let body = json!({ "login": "operator", "password": "qiantang-demo" });
    let token = ask("POST", "/api/v1/login", "", Some(&body))["token"].as_str().expect("a token").to_owned();
    let nodes = ask("GET", "/api/v1/nodes", &token, None);
    let nodes = nodes.as_array().expect("nodes");
    let is_as_told =
        |node: &&Value| node["is_virtual"] == true && node["cards"].as_array().map(Vec::len) == Some(8);
    assert_eq!((nodes.len(), nodes.iter().filter(is_as_told).count()), (20, 20), "{nodes:#?}");
    let logins: Vec<Vec<&str>> = readme_table("| login | who |").into_iter().map(quoted).collect();
    let [center, tenants, endings] = logins.as_slice() else { panic!("{logins:?}") };
    assert_eq!((tenants.len(), endings.as_slice()), (5, &["-admin", "-finance"][..]));
    let of_tenants =
        tenants.iter().flat_map(|tenant| ["", "-admin", "-finance"].map(|end| format!("{tenant}{end}")));
    let members = ask("GET", "/api/v1/members", &token, None);
    let known: Vec<&str> =
        members.as_array().expect("members").iter().filter_map(|member| member["login"].as_str()).collect();
    for login in center.iter().map(|login| (*login).to_owned()).chain(of_tenants) {
        assert!(known.contains(&login.as_str()), "{login}: {known:?}");
    }
    // More would be too many tries for one address.
    for login in ["auditor", "xixi-build", "qianwan-univ-admin", "linjiang-traffic-finance"] {
        let body = json!({ "login": login, "password": "qiantang-demo" });
        assert!(ask("POST", "/api/v1/login", "", Some(&body))["token"].is_string(), "{login}");
    }
    has_a_past_that_is_marked(&|path| ask("GET", path, &token, None));
    has_a_closed_month_with_invoices(&|path| ask("GET", path, &token, None));
    pages_say_that_it_is_generated(&address);
    // Two strangers came to the front door, one of them was asked back, and both are tenants now.
    let applied = ask("GET", "/api/v1/applications?state=effected&kind=join", &token, None);
    let of_all = |key: &str| -> Vec<&str> {
        applied["items"]
            .as_array()
            .expect("applications")
            .iter()
            .filter_map(|one| one[key].as_str())
            .collect()
    };
    assert_eq!(of_all("tenant"), ["hubin-data", "hupan-pharma"], "newest first: {applied}");
    let rounds = applied["items"].as_array().expect("applications").iter().map(|one| one["round"].as_u64());
    assert_eq!(rounds.collect::<Vec<_>>(), [Some(1), Some(2)]);
    signed_what_they_were_offered(&|path| ask("GET", path, &token, None));
    let until = Instant::now() + PATIENCE;
    let is_busy = || {
        let jobs = ask("GET", "/api/v1/jobs?state=running", &token, None);
        let cards = jobs["items"]
            .as_array()
            .expect("jobs")
            .iter()
            .map(|job| job["nodes"].as_u64().unwrap_or(0) * job["cards_per_node"].as_u64().unwrap_or(0));
        cards.sum::<u64>() >= 40
    };
    while !is_busy() {
        assert!(Instant::now() < until, "the hall stays empty: {}", ask("GET", "/api/v1/jobs", &token, None));
        std::thread::sleep(Duration::from_millis(100));
    }
    demo.interrupt();
    assert!(demo.0.wait().expect("it ends").success());
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "its folder is removed");
}

/// The center has a month and more behind it, all of which is marked and in the books.
fn has_a_past_that_is_marked(get: &dyn Fn(&str) -> Value) {
    let first = &get("/api/v1/jobs?sort=submitted&limit=1")["items"][0];
    assert_eq!(first["is_generated"], true, "{first}");
    let began: domain::Timestamp =
        first["submitted_at"].as_str().expect("an instant").parse().expect("an instant");
    let days = testkit::now().since(began).0 / 86_400_000;
    assert!((29..=32).contains(&days), "it began {days} days ago");
    let real = get("/api/v1/jobs?name=digits-sweep");
    assert_eq!(real["items"][0]["is_generated"], false, "what runs here is no past: {real}");
    let run = &get(&format!("/api/v1/jobs/{}/runs", first["id"].as_str().expect("an id")))["items"][0];
    assert_eq!(run["is_generated"], true, "{run}");
    for state in ["succeeded", "failed", "timed_out", "cancelled"] {
        let some = get(&format!("/api/v1/jobs?state={state}&sort=submitted&limit=1"));
        assert_eq!(some["items"][0]["is_generated"], true, "{state}: {some}");
    }
    let check = get("/api/v1/ledger/check");
    assert_eq!((&check["is_balanced"], &check["is_sealed"]), (&true.into(), &true.into()), "{check}");
    let balance = get("/api/v1/capacity-balance?from=2000-01-01");
    assert_eq!(balance["closes"], true, "{balance}");
    assert!(balance["drained_card_ms"].as_i64().is_some_and(|drained| drained > 0), "{balance}");
    let days = get("/api/v1/usage?group_by=class");
    let classes: std::collections::BTreeSet<&str> =
        days["rows"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), ["normal", "spot", "urgent"], "{days}");
    let used = |group: &str| {
        let usage = get(&format!("/api/v1/usage?group_by={group}"));
        let rows = usage["rows"].as_array().expect("rows").iter();
        let sum: i64 = rows.map(|row| row["charge_micro_cny"].as_i64().expect("a charge")).sum();
        assert!(sum > 0, "{usage}");
        usage["rows"].as_array().expect("rows").len()
    };
    assert_eq!((used("domain"), used("project")), (3, 6));
}

/// A month is closed, and whoever was billed for it has an invoice, which is marked as generated.
fn has_a_closed_month_with_invoices(get: &dyn Fn(&str) -> Value) {
    let periods = get("/api/v1/periods");
    let is_closed = periods.as_array().expect("months").iter().any(|period| period["state"] == "closed");
    let invoices = get("/api/v1/invoices");
    let invoices = invoices["items"].as_array().expect("invoices");
    assert!(is_closed && !invoices.is_empty(), "{periods} {invoices:?}");
    let is_as_told = |one: &Value| one["state"] == "issued" && one["is_generated"] == true;
    assert!(invoices.iter().all(is_as_told), "{invoices:?}");
}

fn pages_say_that_it_is_generated(address: &str) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let browser: ureq::Agent = config.build().into();
    let sign_in = browser.post(format!("{address}/sign-in")).header("sec-fetch-site", "same-origin");
    let answer = sign_in.send_form([("login", "qianwan-univ"), ("password", "qiantang-demo")]);
    let answer = answer.expect("the demo answers");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    for (lang, notice, mark) in [
        ("en", "they never happened. Its clock was moved for them", ">generated</span>"),
        ("zh", "并未真实发生。为此曾移动中心的时钟", ">生成</span>"),
    ] {
        let get = |path: &str| {
            let asked =
                browser.get(format!("{address}{path}")).header("cookie", format!("{cookie}; lang={lang}"));
            asked.call().expect("the demo answers").into_body().read_to_string().expect("text")
        };
        for path in ["/", "/usage", "/jobs", "/events"] {
            let page = get(path);
            assert!(page.contains(notice), "{path} in {lang}: {page}");
        }
        assert!(get("/jobs?state=succeeded&sort=submitted").contains(mark), "the jobs in {lang}");
    }
}
