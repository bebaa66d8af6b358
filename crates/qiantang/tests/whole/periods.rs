//! Months of the books: use is posted in the month in which it was had, a closed month never changes, and statements add
//! up. The clock is set so that a month ends a few seconds after the center is started.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use domain::{Millis, Month, Timestamp, Zone};
use serde_json::{Value, json};
use testkit::{Browser, Site, Tenant, Terminal};

use crate::QIANTANG;

/// How long before the end of the month the center is started.
const BEFORE_END: Millis = Millis(8_000);

/// A center that is in the last seconds of a month, with a tenant whose use costs a micro-yuan a card-millisecond.
struct Scene {
    site: Site,
    tenant: Tenant,
    month: Month,
    /// The end of the month, by the center's clock.
    end: Timestamp,
}

impl Scene {
    fn new() -> Self {
        let mut site = Site::new(QIANTANG, 1, "[billing]\naccrue_every_ms = 60000\n");
        site.publish_price(3_600_000);
        let terms = json!({ "kind": "metered", "credit_limit": 0 });
        let tenant = site.tenant("univ", "research", &terms, 8);
        let paid = json!({ "amount_micro_cny": 900_000_000_000_i64, "reference": "icbc-1" });
        site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
        site.stop();
        let zone = Zone::default();
        let now = testkit::now();
        let month = zone.month(now);
        let end = zone.bounds(month).1;
        site.clock_ahead = Millis(end.since(now).0 - BEFORE_END.0);
        site.start();
        Self { site, tenant, month, end }
    }

    /// Now, by the center's clock.
    fn now(&self) -> Timestamp {
        testkit::now().plus(self.site.clock_ahead)
    }

    fn wait_until(&self, at: Timestamp) {
        while self.now() < at {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Submits a job of eight cards and waits until it runs. Returns its id.
    fn running(&self, secs: u32) -> String {
        let script = format!("#!/bin/sh\nexec sleep {secs}\n");
        let spec = json!({ "name": "over-midnight", "script": script, "cards_per_node": 8 });
        let id = self.site.submit(&self.tenant, &spec);
        self.site.wait_for("the job's start", || (!self.run_of(&id)?["started_at"].is_null()).then_some(()));
        assert!(
            self.now() < self.end,
            "the month ended before the job ran: the machine is too slow for this test"
        );
        id
    }

    /// The run of a job, once there is one.
    fn run_of(&self, job: &str) -> Option<Value> {
        let runs = self.site.get(&format!("/api/v1/jobs/{job}/runs"), &self.tenant.developer);
        runs["items"].as_array()?.last().cloned()
    }

    fn statement_path(&self, month: Month, more: &str) -> String {
        format!("/api/v1/contracts/{}/statement?month={month}{more}", self.tenant.contract)
    }

    fn statement(&self, month: Month) -> Value {
        self.site.get(&self.statement_path(month, ""), &self.tenant.admin)
    }

    fn close(&self, month: Month) -> (u16, Value) {
        self.site.ask("POST", &format!("/api/v1/periods/{month}/close"), &self.site.operator, None)
    }

    /// Closes the month, as soon as all runs were seen since its end.
    fn close_soon(&self) -> Value {
        self.site.wait_for("the month to be closed", || match self.close(self.month) {
            (200, period) => Some(period),
            (409, refused) => {
                assert_eq!(refused["code"], "period_incomplete", "{refused}");
                assert!(refused["detail"].as_str().is_some_and(|text| text.contains("run_")), "{refused}");
                None
            }
            (status, answer) => panic!("{status}: {answer}"),
        })
    }
}

/// The sum of the lines of these causes, in card-milliseconds.
fn used(statement: &Value, causes: &[&str], corrects: Option<&str>) -> i64 {
    let lines = statement["lines"].as_array().expect("lines").iter();
    let wanted = lines.filter(|line| {
        line["cause"].as_str().is_some_and(|cause| causes.contains(&cause))
            && line["corrects"].as_str() == corrects
    });
    wanted.map(|line| line["card_ms"].as_i64().expect("card time")).sum()
}

/// The opening balance and all lines are the closing balance, in both units.
fn assert_adds_up(statement: &Value) {
    for unit in ["card_ms", "micro_cny"] {
        let of = |value: &Value| value[unit].as_i64().expect("an amount");
        let lines: i64 = statement["lines"].as_array().expect("lines").iter().map(of).sum();
        assert_eq!(of(&statement["opening"]) + lines, of(&statement["closing"]), "{unit}: {statement}");
    }
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().expect("an instant").parse().expect("an instant")
}

/// The same of a table, by its columns.
fn assert_table_adds_up(table: &str, statement: &Value) {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let titles = reader.headers().expect("titles").clone();
    let column = |name: &str| titles.iter().position(|title| title == name).expect("a column");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    for unit in ["card_ms", "micro_cny"] {
        let of = |kind: &str| -> i64 {
            let rows = rows.iter().filter(|row| &row[column("row")] == kind);
            rows.map(|row| row[column(unit)].parse::<i64>().expect("an amount")).sum()
        };
        assert_eq!(of("opening") + of("line"), of("closing"), "{table}");
        assert_eq!(of("closing"), statement["closing"][unit].as_i64().expect("an amount"));
    }
}

/// The entries of a month lead from the opening balance of each account to its closing one. Returns how many there are.
fn assert_entries_add_up(table: &str) -> usize {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let titles = reader.headers().expect("titles").clone();
    let mut sums: BTreeMap<[String; 3], [i64; 2]> = BTreeMap::new();
    let mut entries = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        let cell =
            |name: &str| row[titles.iter().position(|title| title == name).expect("a column")].to_owned();
        let amount: i64 = cell("amount").parse().expect("an amount");
        let at_end = usize::from(cell("row") == "closing");
        entries += usize::from(cell("row") == "entry");
        for (side, sign) in [("debit", -1), ("credit", 1)] {
            if !cell(side).is_empty() {
                let account = [cell("unit"), cell(side), cell(&format!("{side}_contract"))];
                sums.entry(account).or_default()[at_end] += sign * amount;
            }
        }
        if cell("unit") == "micro_cny" {
            let yuan: domain::MicroCny = cell("yuan").parse().expect("yuan");
            assert_eq!((yuan.0, cell("card_hours").as_str()), (amount, ""));
        }
    }
    assert!(sums.values().all(|[led_to, closing]| led_to == closing), "{sums:?}\n{table}");
    for unit in ["card_ms", "micro_cny"] {
        let of_unit = sums.iter().filter(|(account, _)| account[0] == unit);
        assert_eq!(of_unit.map(|(_, [_, closing])| closing).sum::<i64>(), 0, "{unit}: {table}");
    }
    entries
}

#[test]
fn use_is_posted_in_its_month_even_over_a_crash_at_midnight() {
    let mut scene = Scene::new();
    let job = scene.running(60);
    let started_at = instant(&scene.run_of(&job).expect("a run")["started_at"]);
    scene.site.kill();
    scene.wait_until(scene.end.plus(Millis(2_000)));
    scene.site.start();
    scene.site.post(&format!("/api/v1/jobs/{job}/cancel"), &scene.tenant.developer, &json!({}));
    let ended = scene.site.wait_for_end(&scene.tenant.developer, &job);
    let in_month = 8 * scene.end.since(started_at).0;
    let statement = scene.statement(scene.month);
    assert_eq!(used(&statement, &["use", "refund", "waiver"], None), -in_month, "{statement}");
    assert_eq!((&statement["is_final"], &statement["number"]), (&json!(false), &Value::Null));
    assert_adds_up(&statement);
    let next = scene.statement(scene.month.next());
    let rest = ended["used_card_ms"].as_i64().expect("use") - in_month;
    assert!(rest > 0, "{ended}");
    assert_eq!(next["used_card_ms"].as_i64(), Some(rest), "{next}");
    assert_eq!(next["opening"], statement["closing"]);
    // The run ended in the month that goes on.
    assert_eq!((statement["ended_runs"].as_u64(), next["ended_runs"].as_u64()), (Some(0), Some(1)));
    let usage = scene.site.get("/api/v1/usage?group_by=tenant", &scene.site.operator);
    assert_eq!(usage["total"]["ended_runs"].as_u64(), Some(1));
    assert_adds_up(&next);
}

#[test]
fn a_closed_month_never_changes_and_what_is_learnt_later_corrects_it() {
    let scene = Scene::new();
    let Scene { site, tenant, month, .. } = &scene;
    let job = scene.running(600);
    let run = scene.run_of(&job).expect("a run");
    let (started_at, id) = (instant(&run["started_at"]), run["id"].as_str().expect("an id").to_owned());
    let (status, refused) = scene.close(*month);
    assert_eq!((status, refused["code"].as_str()), (409, Some("period_goes_on")), "{refused}");
    scene.wait_until(scene.end.plus(Millis(200)));
    let closed = scene.close_soon();
    assert_eq!((&closed["state"], &closed["closed_by"]), (&json!("closed"), &json!("operator")), "{closed}");
    let given_out = &closed["given_out"][0];
    assert_eq!(given_out["number"], json!(format!("{month}-0001")));

    let path = scene.statement_path(*month, "");
    let (_, body) = site.get_text(&path, &tenant.admin);
    let statement: Value = serde_json::from_str(&body).expect("JSON");
    let in_month = 8 * scene.end.since(started_at).0;
    assert_eq!(statement["used_card_ms"].as_i64(), Some(in_month), "metered to its end: {statement}");
    assert_eq!((&statement["is_final"], &statement["number"]), (&json!(true), &given_out["number"]));
    assert_adds_up(&statement);
    // Whoever has the bytes and the digest can tell that nothing was changed.
    let bearer = format!("Bearer {}", tenant.admin);
    let sent = Browser::new(site).send("GET", &path, None, &[("Authorization", &bearer)]);
    let digest = sha256sum(&sent.body);
    assert_eq!((sent.header("x-statement-sha256"), &given_out["sha256"]), (&*digest, &json!(digest)));
    let line = statement["lines"].as_array().expect("lines").iter().find(|line| line["cause"] == "use");
    let line = line.expect("a line of use");
    assert_eq!(
        ["project", "pool", "service_class"].map(|name| line[name].as_str().unwrap_or_default()),
        ["work", "ascend-910", "normal"]
    );
    assert_eq!(line["rate_micro_cny_per_card_hour"].as_i64(), Some(3_600_000));

    let operator = Terminal::signed_in(site, "operator");
    let file = operator.home.path().join("entries.csv");
    let (month_name, file_name) = (month.to_string(), file.to_str().expect("a path"));
    assert!(operator.ok(&["period", "entries", &month_name, "--output", file_name]).contains(file_name));
    let entries = std::fs::read_to_string(&file).expect("the table");
    assert!(
        entries.contains("+08:00,card_ms,contract,univ-1,univ,delivered,") && entries.contains(&id),
        "{entries}"
    );

    // The one command of the page of the books.
    let books = include_str!("../../../../docs/books.md");
    let command = books.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a command");
    let adds_up = Command::new("sh").args(["-c", command]).current_dir(operator.home.path()).output();
    let adds_up = adds_up.expect("it runs");
    assert_eq!(String::from_utf8_lossy(&adds_up.stdout), "differs: {}\n", "{adds_up:?}");

    // The run is lost. Its use in the closed month is given back in the month that goes on.
    let back = &["refund", "waiver"];
    kill_supervisor(site, &id);
    let next = site.wait_for("the correction", || {
        let next = scene.statement(month.next());
        (used(&next, back, Some(&month.to_string())) > 0).then_some(next)
    });
    site.post(&format!("/api/v1/jobs/{job}/cancel"), &tenant.developer, &json!({}));
    assert_eq!(used(&next, back, Some(&month.to_string())), in_month, "{next}");
    assert_adds_up(&next);
    assert_eq!(site.get_text(&path, &tenant.admin).1, body, "not a byte is another");
    assert_eq!(operator.ok(&["period", "entries", &month_name]), entries, "nor of the entries");
    let again = site.get(&format!("/api/v1/periods/{month}"), &site.operator);
    assert_eq!(again["given_out"], closed["given_out"]);
    assert_eq!(site.get("/api/v1/ledger/check", &site.operator)["problems"], json!([]));

    // It was tried again; once that is over nothing moves any more.
    site.wait_for_end(&tenant.developer, &job);
    let next = scene.statement(month.next());
    for (statement, month) in [(&statement, *month), (&next, month.next())] {
        let (_, table) = site.get_text(&scene.statement_path(month, "&format=csv"), &tenant.admin);
        assert_table_adds_up(&table, statement);
        let annex = site.get(&scene.statement_path(month, "&annex=jobs"), &tenant.admin);
        assert_eq!(annex["used_card_ms"], statement["used_card_ms"], "{annex}");
        assert_eq!(annex["charge_micro_cny"], statement["charge_micro_cny"], "{annex}");
    }
    for month in [*month, month.next()] {
        let path = format!("/api/v1/periods/{month}/entries");
        let (_, table) = site.get_text(&path, &site.operator);
        let count = assert_entries_add_up(&table);
        let page = site.get(&format!("{path}?format=json&limit=200"), &site.operator);
        let items = page["items"].as_array().expect("entries");
        assert_eq!((items.len(), count > 0), (count, true), "{page}");
        assert!(items.iter().any(|one| one["cause"] == "use" && one["run"] == json!(id)), "{page}");
        let (status, _) = site.ask("GET", &path, &tenant.admin, None);
        assert_eq!(status, 403);
    }
    assert!(operator.ok(&["period", "accounts", &month_name]).contains("delivered"));
    let (status, refused) =
        site.ask("GET", &scene.statement_path(*month, "&format=xlsx"), &tenant.admin, None);
    assert_eq!((status, refused["code"].as_str()), (422, Some("invalid")), "{refused}");
}

/// The digest of a text by the command that the guides name.
fn sha256sum(text: &str) -> String {
    let mut sum =
        Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    sum.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    let output = sum.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

/// Kills the supervisor of a run, whose process id is in the claim of the run's record.
pub fn kill_supervisor(site: &Site, run: &str) {
    let part = &run[run.len() - 2..];
    let path = site.data().join("runs").join(part).join(format!("{run}.record"));
    let record = std::fs::read_to_string(&path).expect("the record is there");
    let lines = record.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim_matches('\0')).ok());
    let of_run = lines.filter(|line| line.to_string().contains(run));
    let pid = of_run.filter_map(|line| find_pid(&line)).next_back().expect("a claim of the run");
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.expect("kill runs").success());
}

/// The process id in a line of a record.
fn find_pid(line: &Value) -> Option<i64> {
    let fields = line.as_object()?;
    fields.get("pid").and_then(Value::as_i64).or_else(|| fields.values().find_map(find_pid))
}

#[test]
fn months_are_closed_once_in_order_and_by_those_who_may() {
    let mut scene = Scene::new();
    let (month, next) = (scene.month, scene.month.next());
    // Two months on.
    scene.site.stop();
    let ahead = Zone::default().bounds(next).1.since(testkit::now());
    scene.site.clock_ahead = Millis(ahead.0 + 3_600_000);
    scene.site.start();
    let site = &scene.site;
    let refused = |month: Month, code: &str, part: &str| {
        let (status, answer) = scene.close(month);
        assert_eq!((status, answer["code"].as_str()), (409, Some(code)), "{answer}");
        assert!(answer["detail"].as_str().is_some_and(|text| text.contains(part)), "{answer}");
    };
    refused(next, "period_not_next", &format!("{month} is not closed"));
    refused(next.next(), "period_goes_on", "has not ended");
    assert_eq!(scene.close(month.before()).0, 404);
    for token in [&scene.tenant.admin, &scene.tenant.developer] {
        let (status, _) = site.ask("POST", &format!("/api/v1/periods/{month}/close"), token, None);
        assert_eq!(status, 403);
    }
    let shown = site.get(&format!("/api/v1/periods/{month}"), &site.operator);
    assert_eq!((&shown["is_next"], &shown["missing"]), (&json!(true), &json!([])), "{shown}");
    let operator = Terminal::signed_in(site, "operator");
    let (month_name, next_name) = (month.to_string(), next.to_string());
    assert!(operator.ok(&["periods", "show", &month_name]).contains("Nothing is missing"));
    let (code, _, told) = operator.run(&["periods", "close", &next_name]);
    assert!(code != 0 && told.contains(&format!("{month_name} is not closed")), "{told}");
    assert!(operator.ok(&["periods", "close", &month_name]).contains("1 statements"));
    assert!(operator.ok(&["periods"]).contains("closed"));
    let printed = operator.ok(&["statement", "univ-1", "--month", &month_name]);
    assert!(printed.contains(&format!("({month_name}-0001)")) && printed.contains("closing"), "{printed}");
    refused(month, "period_closed", "closed already");
    assert_eq!(scene.close(next).0, 200);
    let listed = site.get("/api/v1/periods", &site.operator);
    let told: Vec<_> = listed
        .as_array()
        .expect("periods")
        .iter()
        .map(|period| {
            (
                period["month"].as_str().unwrap_or_default().to_owned(),
                period["state"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let want = [(next.next(), "open"), (next, "closed"), (month, "closed")];
    assert_eq!(told, want.map(|(month, state)| (month.to_string(), state.to_owned())));
    // What was done is in the audit log, and told to all.
    let audit = site.get("/api/v1/audit?limit=50", &site.operator);
    let lines = audit["items"].as_array().expect("lines").iter();
    assert_eq!(lines.filter(|line| line["action"] == "manage_period").count(), 2, "{audit}");
    // The payment was in the first month; the second has its balance alone, and a statement all the same.
    let statement = scene.statement(next);
    assert_eq!((&statement["lines"], &statement["opening"]), (&json!([]), &statement["closing"]));
    assert_eq!(statement["opening"]["micro_cny"].as_i64(), Some(900_000_000_000));
}
