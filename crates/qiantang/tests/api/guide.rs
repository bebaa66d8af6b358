//! What the API's guide says of all routes, and the commands that it shows.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::Command,
};

use serde_json::{Value, json};
use testkit::{Browser, Site, job};

use crate::{QIANTANG, scene::alpha_alone};

/// The lines of code of the section on setting up a tenant.
fn set_up() -> Vec<&'static str> {
    let guide = include_str!("../../../../docs/api.md");
    let section =
        guide.split("\n## Setting up a tenant\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    section.expect("the section").lines().filter_map(|line| line.strip_prefix("    ")).collect()
}

#[test]
fn a_tenant_is_set_up_by_the_commands_of_the_guide() {
    let site = Site::with_settings(
        QIANTANG,
        "[[pools]]\nname = \"teaching\"\ncard_model = \"ascend-910\"\n\
         nodes = [{ name = \"lab-\", count = 2, cards = 8, virtual = true }]\n",
    );
    let of_answer =
        |key: &str| format!("$(python3 -c 'import json, sys; print(json.load(sys.stdin)[\"{key}\"])')");
    // Ids that the guide leaves to its reader are taken from the answers, and a refusal ends the script.
    let lines = set_up().into_iter().filter(|line| !line.contains("-X PATCH"));
    let lines = lines.map(|line| match line.split('"').next() {
        _ if line.starts_with("CONTRACT=") => {
            format!("CONTRACT={}", of_answer("id").replace("sys.stdin", "open(\"contracts\")"))
        }
        Some("api ") if line.contains("/amendments") => format!("{line} > amendment"),
        Some("api ") if line.contains("$AMENDMENT") => {
            let id = of_answer("id").replace("sys.stdin", "open(\"amendment\")");
            format!("AMENDMENT={id}\n{line}")
        }
        _ if line.contains("\"max_running_cards\"") => format!("{line} > contracts"),
        _ => line.replace("curl -s ", "curl -s --fail-with-body "),
    });
    let script = format!("set -e\n{}\n", lines.collect::<Vec<_>>().join("\n"));
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(site.folder.path())
        .env("CENTER", &site.url)
        .env("TOKEN", &site.operator)
        .output()
        .expect("bash runs");
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&told));
    let contract = site.get("/api/v1/contracts", &site.operator)[0].clone();
    assert_eq!(
        (&contract["state"], &contract["number"]),
        (&json!("active"), &json!("HZ-2027-001")),
        "{contract}"
    );
    assert_eq!(contract["money_balance_micro_cny"], 100_000_000, "{contract}");
    let amendments = site.get(
        &format!("/api/v1/contracts/{}/amendments", contract["id"].as_str().expect("an id")),
        &site.operator,
    );
    assert_eq!(amendments[0]["state"], "approved", "{amendments}");
    let body = json!({ "login": "lin", "password": "at-least-ten" });
    let lin = site.post("/api/v1/login", "", &body)["token"].as_str().expect("a token").to_owned();
    let id = site.post("/api/v1/jobs", &lin, &job("first", "true"))["id"].as_str().expect("an id").to_owned();
    assert_eq!(site.wait_for_end(&lin, &id)["state"], "succeeded");
}

#[test]
fn a_parameter_that_is_not_known_is_refused_and_a_page_has_its_limit() {
    let (site, alpha) = alpha_alone();
    let ask = |query: &str| site.ask("GET", &format!("/api/v1/jobs?{query}"), &alpha.developer, None);
    for query in ["unknown=1", "limit=0", "limit=201", "limit=many"] {
        let (status, answer) = ask(query);
        assert!((400..500).contains(&status), "{query}: {status} {answer}");
    }
    assert_eq!(ask("limit=200").0, 200);
    for n in 0..51 {
        site.submit(&alpha, &job(&format!("page-{n}"), "true"));
    }
    let page = ask("").1;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(50), "where no limit is said");
    assert!(page["next_cursor"].is_string(), "{}", page["next_cursor"]);
}

#[test]
fn a_session_changes_things_by_the_api_with_its_own_token_alone() {
    let (site, _) = alpha_alone();
    let browser = Browser::signed_in(&site, "alpha-developer");
    assert_eq!(browser.get("/api/v1/me").status, 200);
    let post = |headers: &[(&str, &str)]| {
        let json = [&[("Content-Type", "application/json")], headers].concat();
        browser.send("POST", "/api/v1/jobs", Some(job("by-session", "true").to_string()), &json)
    };
    for headers in [&[][..], &[("X-CSRF-Token", "wrong")]] {
        let refused = post(headers);
        assert!(refused.status == 403 && refused.body.contains("\"csrf\""), "{}", refused.body);
    }
    let token = browser.csrf();
    let made = post(&[("X-CSRF-Token", &token)]);
    assert_eq!(made.status, 201, "{}", made.body);
}

/// A stream of events that is open, behind the head of its answer.
struct Events(BufReader<TcpStream>);

impl Events {
    /// Opens it. Gives the status, and the stream.
    fn open(site: &Site, token: &str, after: Option<&str>) -> (String, Self) {
        let mut stream = TcpStream::connect(site.url.trim_start_matches("http://")).expect("it listens");
        stream.set_read_timeout(Some(testkit::PATIENCE)).expect("a limit");
        let after = after.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /api/v1/events HTTP/1.1\r\nHost: center\r\nAuthorization: Bearer {token}\r\n{after}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status).expect("an answer");
        (status.split(' ').nth(1).unwrap_or_default().to_owned(), Self(reader))
    }

    /// The next event that names the job: its kind, and its id.
    fn next_of(&mut self, job: &str) -> (String, String) {
        let (mut kind, mut id) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("a line") > 0, "the stream has ended");
            let line = line.trim_end();
            if let Some(told) = line.strip_prefix("event: ") {
                told.clone_into(&mut kind);
            } else if let Some(told) = line.strip_prefix("id: ") {
                told.clone_into(&mut id);
            } else if let Some(data) = line.strip_prefix("data: ") {
                let data: Value = serde_json::from_str(data).expect("an object");
                assert_eq!((&data["kind"], data["seq"].to_string()), (&json!(kind), id.clone()), "{data}");
                if data["job"] == job {
                    return (kind, id);
                }
            }
        }
    }
}

#[test]
fn a_stream_of_events_goes_on_where_it_broke_off_and_there_are_so_many_at_once() {
    let site = Site::new(QIANTANG, 1, "[limits]\nstreams = 1\n");
    let alpha = site.tenant("alpha", "research", &testkit::grant(), 8);
    let (status, mut events) = Events::open(&site, &alpha.developer, None);
    assert_eq!(status, "200");
    assert_eq!(Events::open(&site, &alpha.developer, None).0, "429", "one is open already");
    let kinds = ["job_submitted", "run_started", "run_ended", "job_ended"];
    let first = site.submit(&alpha, &job("first", "true"));
    let seen: Vec<(String, String)> = kinds.iter().map(|_| events.next_of(&first)).collect();
    assert_eq!(seen.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), kinds);
    drop(events);
    // What came meanwhile is told, what was told before is not.
    let second = site.submit(&alpha, &job("second", "true"));
    site.wait_for_end(&alpha.developer, &second);
    let mut again = site.wait_for("the stream of before to be given up", || {
        let (status, events) = Events::open(&site, &alpha.developer, Some(&seen[1].1));
        (status == "200").then_some(events)
    });
    assert_eq!([again.next_of(&first), again.next_of(&first)], [seen[2].clone(), seen[3].clone()]);
    assert_eq!(kinds.map(|_| again.next_of(&second).0), kinds);
}
