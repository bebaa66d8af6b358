//! Nodes that go: what the settings name beside what is here, and what operators do about it.

use serde_json::{Value, json};
use testkit::{Site, Terminal, grant, job};

use crate::QIANTANG;

fn pool(name: &str, model: &str, nodes: &str) -> String {
    format!("\n[[pools]]\nname = \"{name}\"\ncard_model = \"{model}\"\nnodes = [{nodes}]\n")
}

fn line(name: &str, count: u32) -> String {
    format!("{{ name = \"{name}\", count = {count}, cards = 8, virtual = true }}")
}

/// Starts the center anew with other pools.
fn restart(site: &mut Site, pools: &str) {
    let before = std::fs::read_to_string(site.settings()).expect("settings");
    let (head, rest) = before.split_once("\n[[pools]]").expect("pools");
    let tail = rest.find("\n[books]").map_or("", |at| &rest[at..]);
    std::fs::write(site.settings(), format!("{head}{pools}{tail}")).expect("they are written");
    assert!(site.stop().success());
    site.start();
    site.operator = site.login("operator");
}

fn names(site: &Site) -> Vec<String> {
    let mut names: Vec<String> =
        site.nodes().iter().map(|node| node["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

fn differences(site: &Site) -> Vec<(String, String)> {
    let answer = site.get("/api/v1/retirement", &site.operator);
    let found = answer["differences"].as_array().expect("differences").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    found.map(|one| (text(&one["kind"]), text(&one["name"]))).collect()
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut all = report["checks"].as_array().expect("checks").iter();
    all.find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {report}"))
}

#[test]
fn fewer_nodes_in_the_settings_are_told_by_name_and_retired_by_an_operator() {
    let mut site = Site::with_settings(QIANTANG, &pool("teaching", "ascend-910", &line("lab-", 3)));
    restart(&mut site, &pool("teaching", "ascend-910", &line("lab-", 1)));
    assert_eq!(
        names(&site),
        ["lab-01", "lab-02", "lab-03"],
        "nothing is invented, and nothing goes by itself"
    );
    let not_named = |name: &str| ("node_not_named".to_owned(), name.to_owned());
    assert_eq!(differences(&site), [not_named("lab-02"), not_named("lab-03")]);
    let log = site.log();
    assert!(log.contains("lab-02: wish: not named") && log.contains("qiantang nodes retire lab-02"), "{log}");

    let at = Terminal::signed_in(&site, "operator");
    let settings = site.settings().to_str().expect("a path").to_owned();
    let (code, out, _) = at.run(&["doctor", "--json", "--config", &settings]);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let found = check(&report, "nodes");
    let detail = found["detail"].as_str().expect("a text");
    assert!(
        code == 5 && found["ok"] == false && detail.contains("lab-02") && detail.contains("retire"),
        "{found}"
    );
    assert!(at.ok(&["nodes", "compare", "--lang", "zh"]).contains("未列出"));

    assert!(
        at.ok(&["nodes", "retire", "lab-02", "lab-03", "--reason", "sold"]).contains("lab-03 is retired")
    );
    assert_eq!(names(&site), ["lab-01"]);
    assert_eq!(differences(&site), []);
    let (_, out, _) = at.run(&["doctor", "--json", "--config", &settings]);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(check(&report, "nodes")["ok"], true, "{report}");
    let audit = site.get("/api/v1/audit?action=retire_node", &site.operator);
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(2), "{audit}");

    // The name is not used again without a word: the settings alone don't bring it back.
    restart(&mut site, &pool("teaching", "ascend-910", &line("lab-", 2)));
    assert_eq!(names(&site), ["lab-01"]);
    assert_eq!(differences(&site), [("node_retired".to_owned(), "lab-02".to_owned())]);
    let at = Terminal::signed_in(&site, "operator");
    at.ok(&["nodes", "bring-back", "lab-02"]);
    assert_eq!(names(&site), ["lab-01", "lab-02"]);
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], json!(true));
}

#[test]
fn a_renamed_node_is_not_sold_twice_and_comes_in_once_the_old_name_is_retired() {
    let mut site = Site::with_settings(QIANTANG, &pool("teaching", "ascend-910", &line("lab-", 2)));
    restart(&mut site, &pool("teaching", "ascend-910", &line("gpu-", 2)));
    assert_eq!(names(&site), ["lab-01", "lab-02"]);
    assert_eq!(differences(&site).len(), 4);
    let at = Terminal::signed_in(&site, "operator");
    at.ok(&["nodes", "retire", "lab-01"]);
    assert_eq!(names(&site), ["lab-02"]);
    at.ok(&["nodes", "retire", "lab-02"]);
    assert_eq!(names(&site), ["gpu-01", "gpu-02"]);
    assert_eq!(differences(&site), []);
    let tenant = site.tenant_in_pool("univ", "teaching");
    let done = site.submit(&tenant, &job("on-the-new-one", "true"));
    assert_eq!(site.wait_for_end(&tenant.developer, &done)["state"], "succeeded");
}

#[test]
fn another_card_kind_of_a_pool_is_told_and_changes_nothing() {
    let mut site = Site::with_settings(QIANTANG, &pool("teaching", "ascend-910", &line("lab-", 1)));
    restart(&mut site, &pool("teaching", "ascend-910b1", &line("lab-", 1)));
    assert_eq!(site.nodes()[0]["card_model"], "ascend-910");
    assert_eq!(differences(&site), [("pool_model".to_owned(), "teaching".to_owned())]);
    let at = Terminal::signed_in(&site, "operator");
    assert!(at.ok(&["pools"]).contains("teaching"));
    at.ok(&["pools", "retire", "teaching", "--reason", "cards were replaced"]);
    assert_eq!((names(&site).len(), site.get("/api/v1/pools", &site.operator)), (0, json!([])));
    let (code, _, err) = at.run(&["nodes", "bring-back", "lab-"]);
    assert!(code == 4 && err.contains("pool"), "{code} {err}");
    at.ok(&["pools", "bring-back", "teaching"]);
    at.ok(&["nodes", "bring-back", "lab-"]);
    assert_eq!(names(&site), ["lab-"]);
}

#[test]
fn a_node_that_works_drains_then_retires_and_its_history_stays() {
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 16);
    let name = names(&site).remove(0);
    let until = site.folder.path().join("until");
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", until.display());
    let works = site.submit(&tenant, &job("works", &script));
    site.wait_for_state(&tenant.developer, &works, "running");
    let at = Terminal::signed_in(&site, "operator");
    assert!(at.ok(&["nodes", "retire", &name]).contains("once the last run there has ended"));
    assert_eq!(site.nodes()[0]["state"], "leaving");
    let (code, _, err) = at.run(&["resume", &name]);
    assert!(code == 4 && err.contains("bring-back"), "{code} {err}");
    let (code, _, err) = at.run(&["nodes", "remove", &name]);
    assert!(code == 4 && err.contains("retire it"), "{code} {err}");
    let waits = site.submit(&tenant, &job("waits", "true"));

    at.ok(&["cancel", &works]);
    site.wait_for_end(&tenant.developer, &works);
    site.wait_for("the node to go", || site.nodes().is_empty().then_some(()));
    let run = site.get(&format!("/api/v1/jobs/{works}/runs"), &tenant.developer);
    assert_eq!(run["items"][0]["places"][0]["node"], json!(name), "its runs still name it");
    assert_eq!(site.get(&format!("/api/v1/jobs/{waits}"), &tenant.developer)["state"], "queued");
    let retired = site.get("/api/v1/retirement", &site.operator);
    assert_eq!(retired["here"]["retired"][0]["name"], json!(name), "{retired}");
    let from = testkit::now().minus(domain::Millis::from_hours(1));
    let balance = site.get(&format!("/api/v1/capacity-balance?from={from}"), &site.operator);
    assert_eq!(balance["closes"], true, "{balance}");
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["is_balanced"], json!(true));

    at.ok(&["nodes", "bring-back", &name]);
    assert_eq!(site.wait_for_end(&tenant.developer, &waits)["state"], "succeeded");
}

#[test]
fn a_node_that_never_ran_anything_is_removed_and_its_name_is_free() {
    let wrong = "{ name = \"lab\", cards = 4, virtual = true }";
    let mut site = Site::with_settings(QIANTANG, &pool("teaching", "ascend-910", wrong));
    let at = Terminal::signed_in(&site, "operator");
    at.ok(&["nodes", "remove", "lab"]);
    assert_eq!(names(&site), [""; 0]);
    restart(&mut site, &pool("teaching", "ascend-910", "{ name = \"lab\", cards = 8, virtual = true }"));
    assert_eq!(site.nodes()[0]["cards"].as_array().map(Vec::len), Some(8));
    assert_eq!(differences(&site), []);
    let path = site.data().join("database/center.db");
    assert!(site.stop().success());
    let (code, out, err) = Terminal::at(&site).run(&["ledger", "verify", path.to_str().expect("a path")]);
    assert_eq!(code, 0, "{out}{err}");
}
