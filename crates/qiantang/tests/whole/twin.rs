//! The digital twin by the real command line, and on the portal with the center's own history.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Output},
};

use serde_json::{Value, json};
use testkit::{Site, grant, job};

use crate::QIANTANG;

fn twin(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(QIANTANG);
    command.arg("twin").args(args).env("LANG", "en_US.UTF-8").env_remove("LC_ALL");
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("a code"), text(stdout), text(stderr))
}

fn json_of(args: &[&str]) -> Value {
    let (code, out, err) = twin(&[args, &["--json"]].concat());
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
}

/// A hundred jobs in two queues on 8 cards, and one bad line.
fn trace(folder: &std::path::Path) -> String {
    let mut text = String::from("# cards: 8\njob,submit_s,run_s,cards,estimate_s,queue,domain\n");
    for n in 0..100 {
        let (queue, domain) = [("a", "research"), ("b", "enterprise")][n % 2];
        let (submit, run, cards) = (n * 20, 60 + n * 7 % 300, 1 + n % 4);
        writeln!(text, "j{n},{submit},{run},{cards},600,{queue},{domain}").expect("a line");
    }
    text += "bad,x,1,1,1,a,\n";
    let path = folder.join("trace.csv");
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("a path").to_owned()
}

#[test]
fn a_trace_is_replayed_with_its_figures_rows_and_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = trace(folder.path());
    let (rows, page) = (folder.path().join("rows.csv"), folder.path().join("report.html"));
    let (rows, page) = (rows.to_str().expect("a path"), page.to_str().expect("a path"));
    let got =
        json_of(&["replay", &path, "--policy", "easy", "--forecasts", "--jobs-csv", rows, "--html", page]);
    assert_eq!((&got["jobs"], &got["cards"], &got["bad_lines"]), (&json!(100), &json!(8), &json!(1)));
    for key in [
        "average_wait_s",
        "average_bounded_slowdown",
        "max_wait_s",
        "utilization",
        "elapsed_s",
        "jobs_per_second",
    ] {
        assert!(got[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {got}");
    }
    assert_eq!(got["forecasts"]["promises_broken"], 0);
    let rows = std::fs::read_to_string(rows).expect("the rows");
    let mut lines = rows.lines();
    assert_eq!(lines.next(), Some("job,submit_s,start_s,end_s,cards"));
    let waits = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<f64>().expect("seconds");
        assert!(number(2) >= number(1) && number(3) > number(2), "{line}");
        number(2) - number(1)
    });
    let waits: Vec<f64> = waits.collect();
    let mean = waits.iter().sum::<f64>() / 100.0;
    assert!(waits.len() == 100 && (mean - got["average_wait_s"].as_f64().expect("a wait")).abs() < 1e-6);
    let page = std::fs::read_to_string(page).expect("the report");
    assert!(
        page.contains("</html>") && !page.contains("http") && !page.contains("src="),
        "it needs nothing from outside"
    );
    // The trace gives the same when it is packed, and people see the bad line named.
    let packed = folder.path().join("trace.csv.gz");
    let gzip = Command::new("gzip").args(["-c", &path]).output().expect("gzip");
    std::fs::File::create(&packed).and_then(|mut file| file.write_all(&gzip.stdout)).expect("a file");
    let again = json_of(&["replay", packed.to_str().expect("a path"), "--policy", "easy"]);
    assert_eq!(again["average_wait_s"], got["average_wait_s"]);
    let (code, out, err) = twin(&["replay", &path, "--policy", "fcfs"]);
    assert!(code == 0 && out.contains("mean wait") && err.contains("trace.csv:103: "), "{out}{err}");
}

#[test]
fn policies_sizes_and_what_ifs_stand_side_by_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = trace(folder.path());
    let got = json_of(&["compare", &path, "--policies", "fcfs,easy", "--sizes", "16"]);
    let runs = got["runs"].as_array().expect("runs");
    let of: Vec<_> =
        runs.iter().map(|run| (run["policy"].as_str().expect("a policy"), &run["cards"])).collect();
    assert_eq!(of, [("fcfs", &json!(8)), ("fcfs", &json!(16)), ("easy", &json!(8)), ("easy", &json!(16))]);
    let wait = |run: &Value| run["average_wait_s"].as_f64().expect("a wait");
    assert!(wait(&runs[1]) < wait(&runs[0]), "twice the cards: shorter waits");
    let grown = json_of(&[
        "grow",
        &path,
        "--nodes",
        "2",
        "--cards-per-node",
        "4",
        "--add-nodes",
        "2",
        "--demand",
        "1.5",
        "--then-mtbf-h",
        "1",
        "--repair-h",
        "1",
        "--then-queue",
        "a:guaranteed=4",
        "--then-price",
        "3",
        "--seed",
        "3",
    ]);
    let runs = grown["runs"].as_array().expect("runs");
    assert_eq!((&runs[0]["label"], &runs[1]["label"]), (&json!("now"), &json!("then")));
    assert_eq!(
        (&runs[0]["cards"], &runs[1]["cards"], &runs[0]["node_failures"]),
        (&json!(8), &json!(16), &json!(0))
    );
    assert!(runs[1]["jobs"].as_u64() > Some(130) && runs[1]["node_failures"].as_u64() > Some(0), "{grown}");
    for run in runs {
        let part = |key: &str| run["balance"][key].as_i64().expect("card time");
        let parts = ["research", "enterprise", "government", "unnamed", "lost", "down", "idle"].map(part);
        assert_eq!(parts.iter().sum::<i64>(), part("capacity"));
    }
}

#[test]
fn a_workload_is_made_again_the_same_and_a_hall_is_packed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = trace(folder.path());
    let make = |seed: &str| {
        let (code, out, err) = twin(&["generate", &path, "-o", "-", "--days", "2", "--seed", seed]);
        assert_eq!(code, 0, "{err}");
        out
    };
    assert!(make("1") == make("1") && make("1") != make("2"));
    let nodes = folder.path().join("nodes.csv");
    std::fs::write(&nodes, "name,cards,model\na,4,x\nb,8,x\nc,2,y\n").expect("a file");
    let nodes = nodes.to_str().expect("a path");
    let got =
        json_of(&["pack", &path, "--node-list", nodes, "--loads", "3", "--jobs", "3000", "--rounds", "2"]);
    assert_eq!((&got["nodes"], &got["cards"]), (&json!(3), &json!(14)));
    // What is wrong with the trace is told by all that read it.
    assert_eq!((&got["bad_lines"], &got["bad_lines_of_nodes"]), (&json!(1), &json!(0)));
    let file = folder.path().join("made.csv");
    let told = json_of(&["generate", &path, "-o", file.to_str().expect("a path")]);
    assert_eq!(told["bad_lines"], 1);
    for chooser in ["planner", "best_fit"] {
        let of = |key: &str| got["loads"][0][chooser][key].as_f64().expect("a share");
        assert!(of("allocation") > 0.8 && of("turned_away") > 0.5 && of("fragmentation") < 0.2, "{got}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = trace(folder.path());
    let empty = folder.path().join("empty.csv");
    std::fs::write(&empty, "").expect("a file");
    let empty = empty.to_str().expect("a path");
    for (args, want) in [
        (&["replay", "/nowhere/trace.swf"][..], "/nowhere/trace.swf"),
        (&["replay", empty], "no jobs"),
        (&["replay", &path, "--policy", "luck"], "luck"),
        (&["replay", &path, "--cards", "0"], "--cards"),
        (&["replay", &path, "--queue", "nobody:weight=2"], "begin with: a, b"),
        (&["replay", &path, "--queue", "a:colour=2"], "colour"),
        (&["replay", &path, "--mtbf-h", "9"], "--nodes"),
        (&["grow", &path, "--demand", "much"], "much"),
        (&["pack", &path, "--node-list", &path, "--jobs", "1"], "trace.csv"),
        (&["replay", &path, "--html", "/nowhere/report.html"], "/nowhere/report.html"),
    ] {
        let (code, _, err) = twin(args);
        assert!(code != 0 && err.contains(want), "{args:?}: {code} {err}");
    }
}

#[test]
fn the_center_s_own_history_is_a_trace_and_is_replayed_in_the_background() {
    let site = Site::new(QIANTANG, 2, "");
    let alpha = site.tenant("alpha", "research", &grant(), 16);
    let found = site.get_text("/api/v1/history", &alpha.admin);
    assert_eq!(found.0, 403);
    let array = json!({ "ranges": [{ "first": 0, "last": 4 }] });
    let mut spec = job("sweep", "true");
    spec["array"] = array;
    let ids = [site.submit(&alpha, &spec), site.submit(&alpha, &job("alone", "true"))];
    for id in &ids {
        site.wait_for_end(&alpha.developer, id);
    }
    let (status, text) = site.get_text("/api/v1/history", &site.operator);
    assert_eq!(status, 200, "{text}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.csv");
    std::fs::write(&path, &text).expect("a file");
    let got = json_of(&["replay", path.to_str().expect("a path"), "--policy", "fair-share+easy"]);
    assert_eq!(
        (&got["jobs"], &got["cards"], &got["bad_lines"]),
        (&json!(6), &json!(16), &json!(0)),
        "{text}"
    );
    assert!(
        text.contains(&format!("{}_4,", ids[0])) && text.contains("alpha-developer,alpha-1,research,normal"),
        "{text}"
    );
    assert_eq!(site.get_text("/api/v1/history?from=soon", &site.operator).0, 422);
}
