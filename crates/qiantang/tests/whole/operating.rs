//! An operator's way through the center, by the real command line.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    process::Command,
    time::{Duration, Instant},
};

use domain::Millis;
use serde_json::{Value, json};
use testkit::{Browser, PATIENCE, Site, Terminal, grant, job, now};

use crate::{QIANTANG, jobs::waits_for};

#[test]
fn a_drained_node_is_waited_for_and_counted_as_drained() {
    let site = Site::new(QIANTANG, 2, "");
    let tenant = site.tenant("univ", "research", &grant(), 16);
    let at = Terminal::signed_in(&site, "operator");
    assert!(at.ok(&["nodes"]).contains("virtual"), "virtual nodes are called so");
    assert!(at.ok(&["drain", "npu-01", "--reason", "fan replaced"]).contains("drained"));
    assert_eq!(at.json(&["nodes"])[0]["reason"], "fan replaced");

    let both = json!({ "name": "both", "script": "#!/bin/sh\n", "nodes": 2, "cards_per_node": 8 });
    let both = site.submit(&tenant, &both);
    waits_for(&site, &tenant, &both, "nodes_out");
    at.ok(&["resume", "npu-01"]);
    assert_eq!(site.wait_for_end(&tenant.developer, &both)["state"], "succeeded");

    let from = now().minus(Millis::from_hours(1));
    let balance = site.get(&format!("/api/v1/capacity-balance?from={from}"), &site.operator);
    assert_eq!(balance["closes"], true, "{balance}");
    assert!(balance["drained_card_ms"].as_i64() > Some(0), "{balance}");
    let audit = site.get("/api/v1/audit?action=change_node", &site.operator);
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(2), "{audit}");
}

#[test]
fn a_backup_never_goes_over_a_file_that_is_there() {
    let site = Site::new(QIANTANG, 1, "");
    let at = Terminal::signed_in(&site, "operator");
    let args = ["backup", "copy.db"];
    at.ok(&args);
    assert!(site.backups().join("copy.db").metadata().is_ok_and(|meta| meta.len() > 4096));
    let mode = site.backups().join("copy.db").metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    assert_eq!(at.run(&args).0, 4);
}

#[test]
fn a_backup_is_written_in_the_folder_for_backups_alone_and_under_a_printable_name() {
    let site = Site::new(QIANTANG, 1, "");
    let outside = site.folder.path().join("outside.db");
    let whole = |name: &str| site.backups().join(name).display().to_string();
    for (path, told) in [
        (outside.display().to_string(), "the folder for backups"),
        (format!("{}/x.db", site.data().display()), "the folder for backups"),
        ("../outside.db".into(), "the folder for backups"),
        (whole("../outside.db"), "the folder for backups"),
        ("a\nb.db".into(), "control characters"),
        (whole("a\u{7}b.db"), "control characters"),
        (String::new(), "empty"),
    ] {
        let body = json!({ "path": path });
        let (status, answer) = site.ask("POST", "/api/v1/backup", &site.operator, Some(&body));
        assert_eq!(status, 422, "{path:?}: {answer}");
        assert!(answer.to_string().contains(told), "{path:?}: {answer}");
    }
    assert!(!outside.exists() && !site.backups().exists(), "nothing was written");
    let answer = site.post("/api/v1/backup", &site.operator, &json!({ "path": whole("b.db") }));
    assert_eq!(answer["path"], json!(whole("b.db")));
}

#[test]
fn the_doctor_reports_its_checks() {
    let site = Site::new(QIANTANG, 1, "");
    let at = Terminal::signed_in(&site, "operator");
    let (_, out, err) = at.run(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let checks = report["checks"].as_array().expect("checks").iter();
    let names: Vec<&str> = checks.clone().map(name_of).collect();
    let of_host = ["isolation", "surroundings", "system calls", "data folder", "cgroup", "ports", "proc"];
    let of_center = [
        "accelerators",
        "center",
        "listener",
        "sign-in",
        "clock",
        "loop applications",
        "loop backup",
        "loop disk",
        "loop mail",
        "loop meter",
        "loop notices",
        "loop plan",
        "loop quota",
        "loop roots",
        "loop seal",
        "loop watch",
        "loop webhooks",
        "mail",
        "disk database",
        "backups",
        "nodes",
        "first steps",
    ];
    assert_eq!(names, [&["settings"], &of_host[..], &of_center].concat());
    // This machine may lack something; the center lacks nothing.
    let bad = checks.filter(|check| check["ok"] != true && !of_host.contains(&name_of(check)));
    assert_eq!(bad.map(name_of).collect::<Vec<_>>(), [""; 0], "{report}");
}

fn name_of(check: &Value) -> &str {
    check["name"].as_str().expect("a name")
}

/// Answers like a center that is not well: it is not ready, and it does not tell the time.
fn sick_center() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).expect("a request");
            let (status, body) = match asked.split(' ').nth(1) {
                Some("/readyz") => ("503 Service Unavailable", "the store does not answer: disk full\n"),
                Some("/api/v1/me") => ("200 OK", r#"{ "login": "lin", "role": "operator" }"#),
                _ => ("200 OK", "{}"),
            };
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).expect("it is read");
        }
    });
    address
}

#[test]
fn the_doctor_says_what_a_sick_center_says_and_loses_no_check() {
    let address = sick_center();
    let output = Command::new(QIANTANG)
        .args(["doctor", "--json", "--url", &format!("http://{address}")])
        .env("QIANTANG_TOKEN", "any")
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let check = |name: &str| {
        let all = report["checks"].as_array().expect("checks");
        all.iter().find(|check| name_of(check) == name).unwrap_or_else(|| panic!("no {name}: {report}"))
    };
    let (center, clock) = (check("center"), check("clock"));
    let detail = center["detail"].as_str().expect("a text");
    assert!(center["ok"] == false && detail.contains("disk full"), "{center}");
    assert_eq!((&clock["ok"], output.status.code()), (&json!(false), Some(5)), "{clock}");
}

#[test]
fn a_center_stops_by_itself_with_code_0_and_its_runs_go_on() {
    let mut site = Site::new(QIANTANG, 2, "");
    let tenant = site.tenant("univ", "research", &grant(), 16);
    let slow = site.submit(&tenant, &job("outlives-the-center", "sleep 1; echo still here"));
    site.wait_for_state(&tenant.developer, &slow, "running");
    assert!(site.stop().success());
    site.start();
    assert_eq!(site.wait_for_end(&tenant.developer, &slow)["state"], "succeeded");
    assert_eq!(site.stdout(&tenant.developer, &slow), "still here\n");
}

#[test]
fn a_loop_that_fails_stands_out_to_operators() {
    let folder = testkit::open_folder();
    let (shared, bin) = (folder.path().join("shared"), folder.path().join("no-slurm-here"));
    std::fs::create_dir(&shared).expect("a folder is made");
    let settings = format!(
        "[engine]\nkind = \"slurm\"\n[engine.slurm]\nshared_dir = \"{}\"\nbin = \"{}\"\n",
        shared.display(),
        bin.display()
    );
    let site = Site::with_settings(QIANTANG, &settings);
    let mirror = || {
        let loops = site.get("/api/v1/loops", &site.operator);
        let found =
            loops.as_array().and_then(|all| all.iter().find(|known| known["name"] == "mirror").cloned());
        found.expect("the nodes are Slurm's")
    };
    let begun = Instant::now();
    while mirror()["failures_in_a_row"].as_u64() < Some(2) {
        assert!(begun.elapsed() < PATIENCE, "{}", mirror());
        std::thread::sleep(Duration::from_millis(100));
    }
    let mirror = mirror();
    assert_eq!(mirror["state"], "failing");
    let error = mirror["error"].as_str().expect("it says why");
    assert!(mirror["failing_since"].is_string() && mirror["turned_at"].is_string(), "{mirror}");

    let page = Browser::signed_in(&site, "operator").get("/").body;
    assert!(page.contains("notice is-bad") && page.contains("is-failed"), "{page}");
    let start: String = error.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == ' ').collect();
    assert!(page.contains(&start), "{start}: {page}");
    let (_, metrics) = site.get_text("/metrics", &site.operator);
    assert!(metrics.contains("qiantang_loop_failures_total{name=\"mirror\"} "), "{metrics}");
    assert!(metrics.contains("qiantang_loop_since_good_seconds{name=\"meter\"} "), "{metrics}");
    let (_, out, _) = Terminal::signed_in(&site, "operator").run(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&out).expect("it is JSON");
    let check = |name: &str| {
        let mut checks = report["checks"].as_array().into_iter().flatten();
        checks.find(|check| check["name"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(
        (&check("loop mirror")["ok"], &check("loop plan")["ok"]),
        (&json!(false), &json!(true)),
        "{report}"
    );
    assert!(check("loop mirror")["detail"].as_str().is_some_and(|text| text.contains(error)), "{report}");
    // What does not last long, and stops no work, is no reason to send people elsewhere.
    assert_eq!(site.get_text("/readyz", ""), (200, "ready\n".to_owned()));
}

#[test]
fn a_first_password_that_can_t_be_stops_the_start() {
    let folder = testkit::open_folder();
    let start = |password: &std::ffi::OsStr| {
        let serve = Command::new(QIANTANG)
            .arg("serve")
            .env("QIANTANG__LISTEN", "127.0.0.1:0")
            .env("QIANTANG__DATA_DIR", folder.path().join("data"))
            .env("QIANTANG_OPERATOR_PASSWORD", password)
            .output()
            .expect("the program starts");
        (serve.status.code(), String::from_utf8_lossy(&serve.stderr).into_owned())
    };
    let (code, told) = start("short".as_ref());
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("QIANTANG_OPERATOR_PASSWORD has 5 characters: give 10 to 256"), "{told}");
    let (code, told) = start(std::os::unix::ffi::OsStrExt::from_bytes(&[0xff; 12]));
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("QIANTANG_OPERATOR_PASSWORD is not text in UTF-8"), "{told}");
}

/// A center that makes up its first password, and the lines that it says.
struct First {
    process: std::process::Child,
    url: String,
    said: String,
}

impl First {
    fn start(settings: &std::path::Path, log: &std::path::Path) -> Self {
        let mut process = Command::new(QIANTANG)
            .args(["serve", "--config"])
            .arg(settings)
            .env_remove("QIANTANG_OPERATOR_PASSWORD")
            .env("LC_ALL", "C.UTF-8")
            .stdout(std::process::Stdio::piped())
            .stderr(std::fs::File::create(log).expect("a log"))
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output"));
        let mut said = String::new();
        while !said.contains("remove the file") {
            assert!(lines.read_line(&mut said).expect("a line") > 0, "it ended: {said}");
        }
        let url =
            said.lines().next().and_then(|line| line.strip_prefix("listening on ")).expect("an address");
        Self { process, url: url.to_owned(), said }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

#[test]
fn a_first_password_that_is_made_up_stands_in_a_file_of_its_owner_and_in_no_log() {
    let folder = testkit::open_folder();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let settings = folder.path().join("center.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = \"{}\"\nbackup_dir = \"{}\"\n",
        data.display(),
        folder.path().join("backups").display()
    );
    std::fs::write(&settings, text).expect("settings");
    let center = First::start(&settings, &log);
    let file = data.join("first-password");
    assert!(center.said.contains(file.to_str().expect("a path")), "{}", center.said);
    assert_eq!(file.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    let password = std::fs::read_to_string(&file).expect("it is read");
    let told = std::fs::read_to_string(&log).expect("a log") + &center.said;
    assert!(password.trim().len() == 20 && !told.contains(password.trim()), "{told}");
    let body = json!({ "login": "operator", "password": password.trim() });
    let (status, answer) =
        testkit::ask(&testkit::agent(), &center.url, "POST", "/api/v1/login", "", Some(&body), &[])
            .expect("it answers");
    assert_eq!(status, 201, "{answer}");
}

#[test]
fn the_doctor_asks_the_center_that_the_settings_name() {
    let mut site = Site::new(QIANTANG, 1, "");
    site.keep_address();
    assert!(site.stop().success());
    site.start();
    let settings = site.settings().to_str().expect("a path").to_owned();
    let mut doctor = Terminal::at(&site).command(&["doctor", "--json", "--config", &settings]);
    let output = doctor.env_remove("QIANTANG_URL").output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let mut checks = report["checks"].as_array().expect("checks").iter();
    let center = checks.find(|check| name_of(check) == "center").expect("it is asked");
    let detail = center["detail"].as_str().expect("a text");
    assert!(center["ok"] == true && detail.contains(&site.url), "{center}");
}

/// The names of the metrics in the operators' guide, without their labels.
fn documented() -> Vec<String> {
    let guide = include_str!("../../../../docs/operators.md");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `qiantang_"));
    let name = |row: &str| row.split(['`', '{']).next().map(|name| format!("qiantang_{name}"));
    rows.filter_map(name).collect()
}

#[test]
fn the_guide_has_each_metric_that_is_served_and_no_other() {
    let site = Site::new(QIANTANG, 1, "");
    site.publish_price(1_000_000);
    let tenant = site.tenant("univ", "research", &json!({ "kind": "metered", "credit_limit": 0 }), 8);
    // The ledger has no turnover before the first entry.
    let paid = json!({ "amount_micro_cny": 5_000_000, "reference": "ICBC-1" });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    let id = site.submit(&tenant, &job("counted", "true"));
    site.wait_for_end(&tenant.developer, &id);
    let (_, served) = site.get_text("/metrics", &site.operator);
    // OpenMetrics declares counters without their ending, the format before it with it.
    let declared: Vec<(&str, &str)> = served
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .collect();
    let mut names: Vec<String> = declared
        .iter()
        .map(|(name, kind)| {
            if *kind == "counter" && !name.ends_with("_total") {
                format!("{name}_total")
            } else {
                (*name).to_owned()
            }
        })
        .collect();
    let mut guide = documented();
    names.sort();
    guide.sort();
    // Slurm's are there where Slurm is, and the certificate's where there is one.
    guide.retain(|name| !name.contains("slurm") && !name.contains("certificate"));
    names.retain(|name| !name.contains("slurm"));
    assert_eq!(guide, names);
    for label in ["status", "outcome", "account", "unit", "state", "name"] {
        assert!(served.contains(&format!("{label}=\"")), "{label}: {served}");
    }
}

#[test]
fn the_doctor_tells_of_real_nodes_whose_cards_are_not_here() {
    let folder = testkit::open_folder();
    let settings = folder.path().join("center.toml");
    let nodes = "{ name = \"real\", cards = 8 }, { name = \"made-up\", cards = 8, virtual = true }";
    let text = format!(
        "data_dir = \"{}\"\nbackup_dir = \"/var/backups/x\"\n[[pools]]\nname = \"a\"\ncard_model = \"ascend-910\"\n\
         nodes = [{nodes}]\n",
        folder.path().join("data").display()
    );
    std::fs::write(&settings, text).expect("settings");
    let output = Command::new(QIANTANG)
        .args(["doctor", "--json", "--config"])
        .arg(&settings)
        .env("HOME", folder.path())
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let mut checks = report["checks"].as_array().expect("checks").iter();
    let real = checks.find(|check| name_of(check) == "real nodes").expect("it is looked at");
    let detail = real["detail"].as_str().expect("a text");
    assert!(
        real["ok"] == false && detail.contains("real: its cards 0-7") && !detail.contains("made-up"),
        "{real}"
    );
}
