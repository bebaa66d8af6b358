//! Jobs are followed to their end over whatever comes, and named by any part of their ids.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use serde_json::{Value, json};
use testkit::{Site, Tenant, Terminal, grant, job};

use crate::{QIANTANG, jobs::until_told};

/// A center that keeps its address when it is started again.
fn site() -> (Site, Tenant) {
    let mut site = Site::new(QIANTANG, 1, "");
    site.stop();
    site.keep_address();
    site.start();
    let tenant = site.tenant("univ", "research", &grant(), 8);
    (site, tenant)
}

#[test]
fn a_log_is_followed_over_kills_of_the_center_and_no_byte_is_missed_or_doubled() {
    let (mut site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    let stop = site.folder.path().join("stop");
    let script = "n=0\nwhile [ ! -e STOP ] && [ $n -lt 200000 ]; do\n  n=$((n + 1)); echo \"line $n 钱塘江\"\n\
                  [ $((n % 50)) -gt 0 ] || sleep 0.01\ndone\nexit 9";
    let script = script.replace("STOP", stop.to_str().expect("text"));
    let id = site.submit(&tenant, &job("prints", &script));
    let mut child = at.command(&["logs", "-f", &id]).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut seen = String::new();
    out.read_line(&mut seen).expect("a line");
    drop(at);
    for _ in 0..3 {
        // It is in the middle of it.
        for _ in 0..200 {
            out.read_line(&mut seen).expect("a line");
        }
        site.kill();
        site.start();
    }
    std::fs::write(&stop, "").unwrap_or_else(|error| panic!("{}: {error}", stop.display()));
    out.read_to_string(&mut seen).expect("the rest");
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(9), "the job's own code: {said}");
    assert!(said.contains("trying again"), "{said}");
    let at = Terminal::signed_in(&site, "univ-developer");
    assert_eq!(seen, at.ok(&["logs", &id]), "all that it printed, once");
    let count = seen.lines().count();
    assert!(count > 600, "{count}");
    for (n, line) in (1..).zip(seen.lines()) {
        assert_eq!(line, format!("line {n} 钱塘江"));
    }
}

#[test]
fn waiting_outlives_the_center_and_ends_as_the_job_does() {
    let (mut site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    let go = site.folder.path().join("go");
    let text = format!("#!/bin/sh\nwhile [ ! -e {} ]; do sleep 0.05; done\nexit 5\n", go.display());
    let script = at.file("slow.sh", &text);
    let mut child = at.command(&["submit", "--wait", "--parsable", &script]).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("an id");
    let id = line.trim();
    site.wait_for_state(&tenant.developer, id, "running");
    drop(at);
    site.kill();
    site.start();
    std::fs::write(go, "").expect("a file");
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(5), "{said}");
    let at = Terminal::signed_in(&site, "univ-developer");
    let (code, _, said) = at.run(&["wait", "--url", "http://127.0.0.1:1", id]);
    assert_eq!(code, 5, "who was never there is not waited for: {said}");
}

#[test]
fn jobs_are_named_by_any_part_of_their_ids_that_only_they_have() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    let ids: Vec<String> = (0..3).map(|n| site.submit(&tenant, &until_told(&format!("j{n}"), 1))).collect();
    let listed = at.ok(&["jobs"]);
    for id in &ids {
        let last = &id[id.len() - 8..];
        assert!(listed.contains(last), "{last} in {listed}");
        for part in [last, &id[id.len() - 9..], &format!("job_{last}"), &last.to_uppercase(), &id[4..]] {
            assert_eq!(at.json(&["show", part])["id"], id.as_str(), "{part}");
        }
    }
    let (code, out, said) = at.run(&["show", &ids[0][..10]]);
    assert!(code == 2 && out.is_empty(), "{code} {out}");
    for id in &ids {
        assert!(said.contains(id), "each that is meant is named: {said}");
    }
    for (part, want) in [("zzzz", 2), ("12", 2), ("ffffffffffff", 4)] {
        assert_eq!(at.run(&["show", part]).0, want, "{part}");
    }
    let last = |id: &String| id[id.len() - 8..].to_owned();
    assert!(at.ok(&["cancel", &last(&ids[0]), &last(&ids[1])]).contains("2 of 2 jobs"));
    // All are looked up before any is cancelled.
    assert_eq!(at.run(&["cancel", &last(&ids[2]), "ffffffffffff"]).0, 4);
    assert_ne!(at.json(&["show", &ids[2]])["state"], "cancelled");
    let shown = at.json(&["show", &ids[0], &ids[2]]);
    assert_eq!(shown.as_array().map(Vec::len), Some(2));
    let run = shown[1]["runs"][0]["id"].as_str().expect("a run").to_owned();
    let admin = Terminal::signed_in(&site, "univ-admin");
    assert_eq!(admin.json(&["runs", "evidence", &last(&run)])["run"]["id"], run.as_str());
}

#[test]
fn what_matches_is_listed_counted_and_cancelled_after_a_word() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    let first = site.submit(&tenant, &until_told("holds", 8));
    site.wait_for_state(&tenant.developer, &first, "running");
    for n in 0..25 {
        site.submit(&tenant, &job(&format!("waits-{n}"), "true"));
    }
    site.post("/api/v1/jobs", &tenant.admin, &job("waits-too", "true"));
    let listed = at.ok(&["jobs", "--state", "waiting", "--mine"]);
    assert!(listed.contains("20 of 25") && listed.contains("--mine --cursor job_"), "{listed}");
    let all = at.ok(&["jobs", "--mine", "--limit", "500", "--state", "waiting,running"]);
    assert!(all.contains("26 of 26") && !all.contains("--cursor"), "{all}");
    let json = at.json(&["jobs", "--name", "WAITS", "--project", "work", "--since", "2020-01-01"]);
    assert_eq!((&json["total"]["count"], json["items"].as_array().map(Vec::len)), (&json!(26), Some(20)));
    assert!(at.ok(&["jobs", "--until", "2020-01-01"]).contains("No jobs match"));
    let (code, _, said) = at.run(&["jobs", "--project", "nowhere"]);
    assert!(code == 4 && said.contains("nowhere"), "{code} {said}");
    for args in [&["cancel"][..], &["cancel", &first, "--mine"]] {
        assert_eq!(at.run(args).0, 2, "{args:?}");
    }
    let waiting = ["cancel", "--state", "waiting", "--mine"];
    let (code, _, said) = at.run(&waiting);
    assert!(code == 2 && said.contains("25 jobs") && said.contains("--yes"), "{code} {said}");
    assert!(at.ok(&[&waiting[..], &["--dry-run"]].concat()).contains("25 jobs"));
    assert!(at.ok(&[&waiting[..], &["--yes"]].concat()).contains("25 of 25 jobs"));
    assert!(at.ok(&["jobs", "--state", "waiting"]).contains("1 of 1"), "only another's is left");
    assert!(at.ok(&["cancel", "--state", "waiting", "--mine"]).contains("0 jobs"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    site.submit(&tenant, &job("j", "true"));
    for args in
        [&["jobs"][..], &["completions", "bash"], &["examples"], &["usage"], &["--help"], &["show", "x"]]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = at.command(args);
        let output = command.stdout(writer.try_clone().expect("a pipe")).stderr(writer).output();
        let code = output.expect("it runs").status.code();
        assert!(code.is_some_and(|code| code != 101), "{args:?}: {code:?}");
    }
}

#[test]
fn use_is_told_with_its_period_by_any_group_and_as_csv() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    for (token, name) in [(&tenant.developer, "one"), (&tenant.developer, "two"), (&tenant.admin, "three")] {
        let id = site.post("/api/v1/jobs", token, &job(name, "sleep 0.2"))["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        site.wait_for_end(token, &id);
    }
    let total = |by: &str| at.json(&["usage", "--by", by])["total"].clone();
    let whole = total("project");
    assert_eq!(whole["ended_runs"], 3);
    for by in ["member", "class", "pool", "job", "tenant", "domain"] {
        assert_eq!(total(by), whole, "{by}");
    }
    let names = |by: &str| -> Vec<Value> {
        let rows = at.json(&["usage", "--by", by])["rows"].as_array().expect("rows").clone();
        rows.into_iter().map(|row| row["name"].clone()).collect()
    };
    assert_eq!(names("member"), ["univ-admin", "univ-developer"]);
    assert_eq!(names("class"), ["normal"]);
    assert_eq!(names("pool"), ["ascend-910"]);
    assert_eq!(names("job"), ["one", "three", "two"]);
    let shown = at.ok(&["usage", "--by", "member"]);
    assert!(shown.starts_with("from 20") && shown.contains("(Asia/Shanghai)"), "{shown}");
    let month = domain::Zone::default().month(testkit::now()).to_string();
    let of_month = at.ok(&["usage", "--month", &month]);
    assert!(of_month.starts_with(&format!("from {month}-01 up to ")), "{of_month}");
    assert_eq!(at.json(&["usage", "--month", "2020-01"])["total"]["ended_runs"], 0);
    let csv = at.ok(&["usage", "--csv", "--by", "job"]);
    assert!(csv.starts_with("from,to,tenant,group_by,name,job,") && csv.lines().count() == 4, "{csv}");
    for args in [&["usage", "--by", "color"][..], &["usage", "--month", "2020-01", "--from", "2020-01-01"]] {
        assert_eq!(at.run(args).0, 2, "{args:?}");
    }
    assert_eq!(at.run(&["usage", "--month", "soon"]).0, 4);
}

#[test]
fn an_example_that_the_program_ships_runs_at_an_own_center() {
    let (site, tenant) = site();
    let at = Terminal::signed_in(&site, "univ-developer");
    let listed = at.ok(&["examples"]);
    assert!(listed.contains("digits-one-card.sh") && listed.contains("task.yaml"), "{listed}");
    let folder = at.home.path().join("elsewhere");
    std::fs::create_dir(&folder).expect("a folder");
    let run = |args: &[&str]| {
        let output = at.command(args).current_dir(&folder).output().expect("it runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    run(&["examples", "building-load.sh", "task.yaml"]);
    let id = run(&["submit", "--wait", "--parsable", "building-load.sh"]);
    assert!(at.ok(&["logs", id.trim()]).contains("cv_rmse"));
    let applied: Value = serde_json::from_str(&run(&["--json", "apply", "-f", "task.yaml"])).expect("JSON");
    let id = applied["id"].as_str().expect("an id");
    assert_eq!(site.wait_for_end(&tenant.developer, id)["state"], "succeeded");
    assert_eq!(at.run(&["examples", "no-such.sh"]).0, 2);
}
