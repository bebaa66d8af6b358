//! The board for Grafana and the alerts for Prometheus, beside what a running center serves.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use testkit::{Site, grant, job};

use crate::{
    QIANTANG,
    shipping::https::{Authority, secure},
    tamper::path,
};

/// Labels that Prometheus puts there.
const OF_PROMETHEUS: [&str; 3] = ["instance", "job", "le"];
/// The metric of a center on Slurm alone; `tests/slurm/calls.rs` asks for it.
const OF_SLURM: &str = "qiantang_slurm_calls_total";

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name)
}

/// All expressions of the board: of its panels, and of its variables.
fn board() -> Vec<String> {
    let text = std::fs::read_to_string(packaging("grafana/center.json")).expect("the board");
    let board: Value = serde_json::from_str(&text).expect("JSON");
    let panels = board["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let of_panels = targets.map(|target| target["expr"].as_str().expect("an expression").to_owned());
    let variables = board["templating"]["list"].as_array().expect("variables").iter();
    let of_variables =
        variables.filter_map(|variable| variable["query"]["query"].as_str().map(str::to_owned));
    of_panels.chain(of_variables).collect()
}

/// All expressions of the alerts.
fn alerts() -> Vec<String> {
    let text = std::fs::read_to_string(packaging("prometheus/rules.yml")).expect("the alerts");
    let found: Vec<String> =
        text.lines().filter_map(|line| line.trim().strip_prefix("expr: ").map(str::to_owned)).collect();
    assert_eq!(found.len(), text.matches("- alert:").count(), "each alert has an expression on a line");
    found
}

/// The metrics that an expression names, each with the labels that it asks for.
fn named(expression: &str) -> Vec<(String, Vec<(String, String)>)> {
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '_';
    let mut all = Vec::new();
    for (at, _) in expression.match_indices("qiantang_") {
        let rest = &expression[at..];
        let end = rest.find(|one| !is_part(one)).unwrap_or(rest.len());
        let labels =
            rest[end..].strip_prefix('{').and_then(|inside| inside.split('}').next()).unwrap_or_default();
        let pair = |text: &str| {
            let (key, value) = text.split_once('=')?;
            Some((key.trim().to_owned(), value.trim_start_matches('~').trim_matches('"').to_owned()))
        };
        all.push((rest[..end].to_owned(), labels.split(',').filter_map(pair).collect()));
    }
    all
}

/// The metrics that a center serves, each with its labels and their values.
fn served(text: &str) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut all: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(['{', ' ']).expect("a sample");
        let labels = all.entry(name.to_owned()).or_default();
        if line[name.len()..].starts_with('{') {
            for pair in rest.split('}').next().expect("labels").split(',') {
                let (key, value) = pair.split_once('=').expect("a label");
                labels.entry(key.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
            }
        }
    }
    all
}

#[test]
fn every_metric_and_label_of_the_board_and_the_alerts_is_served_by_a_running_center() {
    let authority = Authority::new();
    authority.issue(30);
    let site = secure(&authority, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    // Use is posted in whole milliseconds: a run that takes none is no entry.
    let id = site.submit(&tenant, &job("some", "sleep 0.3"));
    site.wait_for_end(&tenant.developer, &id);
    let metered = json!({ "kind": "metered", "credit_limit": 0 });
    let paying = site.tenant("paying", "enterprise", &metered, 8);
    let paid = json!({ "amount_micro_cny": 5, "card_ms": 0, "reference": "ICBC-1" });
    site.post(&format!("/api/v1/contracts/{}/top-up", paying.contract), &site.operator, &paid);
    let (_, text) = site.get_text("/metrics", &site.operator);
    let served = served(&text);
    let (mut asked, mut missing) = (BTreeSet::new(), Vec::new());
    for expression in board().iter().chain(&alerts()) {
        for (name, wanted) in named(expression) {
            asked.insert(name.clone());
            let Some(labels) = served.get(&name) else {
                if name != OF_SLURM {
                    missing.push(name);
                }
                continue;
            };
            for (key, value) in wanted.iter().filter(|(key, _)| !OF_PROMETHEUS.contains(&key.as_str())) {
                let Some(values) = labels.get(key) else {
                    missing.push(format!("{name} has no label {key}"));
                    continue;
                };
                // How runs end, and which statuses there are, is not all seen in a short life.
                let is_open = ["outcome", "status"].contains(&key.as_str());
                if !is_open && !values.contains(value) {
                    missing.push(format!("{name} has no {key} {value}"));
                }
            }
        }
    }
    assert_eq!(missing, [""; 0], "{text}");
    assert!(domain::RunStatus::ALL.iter().any(|outcome| outcome.code() == "lost"), "an alert asks for it");
    // And the other way round: what is served is shown somewhere.
    let suffixes = ["_sum", "_count"];
    let unseen: Vec<&String> = served
        .keys()
        .filter(|name| !asked.contains(*name) && !suffixes.iter().any(|suffix| name.ends_with(suffix)))
        .collect();
    assert_eq!(unseen, [""; 0]);
}

fn promtool(args: &[&str], input: &str) {
    let mut tool = Command::new("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed, in Debian's package prometheus");
    tool.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = tool.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{}{told}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn promtool_finds_nothing_to_say_about_the_metrics_and_the_alerts() {
    promtool(&["check", "rules", "--lint-fatal", path(&packaging("prometheus/rules.yml"))], "");
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let id = site.submit(&tenant, &job("some", "true"));
    site.wait_for_end(&tenant.developer, &id);
    let (_, text) = site.get_text("/metrics", &site.operator);
    promtool(&["check", "metrics"], &text);
    // The board's expressions are valid, too: as rules that record them.
    let folder = testkit::open_folder();
    let mut rules = String::from("groups:\n  - name: board\n    rules:\n");
    for (number, expression) in board().iter().filter(|one| !one.starts_with("label_values(")).enumerate() {
        let expression = expression.replace("$instance", ".*");
        rules.push_str(
            &[
                &format!("      - record: board:{number}\n        expr: "),
                &Value::from(expression).to_string(),
                "\n",
            ]
            .concat(),
        );
    }
    let file = folder.path().join("board.yml");
    std::fs::write(&file, rules).expect("it is written");
    promtool(&["check", "rules", path(&file)], "");
}
