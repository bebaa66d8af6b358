//! The audit program of `docs/books`, which knows the books from their page alone, agrees with a busy center, and names what
//! is changed in its database.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use domain::{Millis, Month, Zone};
use serde_json::{Value, json};
use testkit::{Site, Tenant, grant, job};

use crate::{QIANTANG, periods::kill_supervisor, tamper::tampered};

const SETTINGS: &str = "[billing]\ngrace_ms = 200\naccrue_every_ms = 200\n[engine]\nkill_grace_ms = 300\n";
/// How long before the end of the month the center is started for the second time.
const BEFORE_END: Millis = Millis(6_000);

/// Audits a file. Gives the exit code, and what is printed.
pub fn audit(file: &Path) -> (i32, String) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/books/audit.py");
    let output = Command::new("python3").arg(program).arg(file).output().expect("python3");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("it ends by itself"), text(&output.stdout) + &text(&output.stderr))
}

pub fn assert_clean(file: &Path) {
    let (code, told) = audit(file);
    assert_eq!(code, 0, "{told}");
}

pub fn database(site: &Site) -> PathBuf {
    site.data().join("database/center.db")
}

/// The queries that the page of the books gives for a check by hand, each with what its rows have to be.
fn check_by_hand(file: &Path) {
    let books = include_str!("../../../../docs/books.md");
    let queries: Vec<&str> =
        books.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [of_runs, of_accounts] = queries[..] else { panic!("{queries:?}") };
    let program = "import collections, sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        runs = db.execute(sys.argv[2]).fetchall()\n\
        assert runs and any(posted for _, posted, _, _ in runs), runs\n\
        for run in runs:\n\
        \x20   assert any(run[1] == run[2] * cards * run[3] // 3600000 for cards in range(1, 17)), run\n\
        sums = collections.Counter()\n\
        accounts = db.execute(sys.argv[3]).fetchall()\n\
        for unit, _, amount in accounts: sums[unit] += amount\n\
        assert len(accounts) > 5 and set(sums) == {'card_ms', 'micro_cny'} and not any(sums.values()), accounts\n";
    let output =
        Command::new("python3").args(["-c", program]).arg(file).args([of_runs, of_accounts]).output();
    let output = output.expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A contract that fills in what `new` leaves out, active, with a project of its number.
fn contract(site: &Site, tenant: &Tenant, number: &str, new: &Value) {
    let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 4 });
    let mut contract = json!({ "number": number, "pools": ["ascend-910"], "ends_at": "2099-01-01", "queue": queue,
        "tenant": tenant.slug });
    contract.as_object_mut().expect("an object").extend(new.as_object().expect("an object").clone());
    let id = site.post("/api/v1/contracts", &site.operator, &contract)["id"].clone();
    let path = format!("/api/v1/contracts/{}/actions", id.as_str().expect("an id"));
    for action in ["submit", "approve", "activate"] {
        site.post(&path, &site.operator, &json!({ "action": action, "reason": "test" }));
    }
    let project = json!({ "slug": number, "name": number, "contract": id, "tenant": tenant.slug });
    site.post("/api/v1/projects", &site.operator, &project);
}

fn pay(site: &Site, contract: &str, micro_cny: i64, reference: &str) {
    let paid = json!({ "amount_micro_cny": micro_cny, "reference": reference });
    site.post(&format!("/api/v1/contracts/{contract}/top-up"), &site.operator, &paid);
}

fn correct(site: &Site, kind: &str, micro_cny: i64, corrects: &str) {
    let new = json!({ "kind": kind, "contract": "firm-1", "amount_micro_cny": micro_cny, "corrects": corrects,
        "reason": "test", "reference": if kind == "pay_out" { "OUT-1" } else { "" } });
    let id = site.post("/api/v1/corrections", &site.operator, &new)["id"].clone();
    let path = format!("/api/v1/corrections/{}/decide", id.as_str().expect("an id"));
    site.post(&path, &site.operator, &json!({ "book": true }));
}

/// A job in a project of its tenant.
fn job_in(project: &str, name: &str, cards: u32, script: &str) -> Value {
    let mut job = job(name, script);
    (job["project"], job["cards_per_node"]) = (json!(project), json!(cards));
    job
}

fn publish(site: &Site, name: &str, micro_cny: i64) {
    let price = |class: &str| {
        json!({ "pool": "ascend-910", "service_class": class, "domain": "enterprise",
            "rate_micro_cny_per_card_hour": micro_cny })
    };
    let book = json!({ "name": name, "prices": [price("normal"), price("spot")],
        "waivers": { "lost_percent": 55, "preempted_percent": 37 } });
    site.post("/api/v1/price-books", &site.operator, &book);
}

/// The newest run of a job.
fn run(site: &Site, job: &str) -> Option<Value> {
    let runs = site.get(&format!("/api/v1/jobs/{job}/runs"), &site.operator);
    runs["items"].as_array()?.first().cloned()
}

/// Everything that moves the books in a month that goes on.
fn first_half(site: &mut Site, firm: &Tenant, univ: &Tenant) {
    let ends = ["sleep 0.3", "exit 3", "kill -SEGV $$", "trap '' TERM; sleep 9"];
    let jobs: Vec<String> = ["work", "package", "rack"]
        .iter()
        .flat_map(|project| ends.map(|script| (project, script)))
        .map(|(project, script)| {
            let mut spec = job_in(project, "short", 2, script);
            spec["time_limit_ms"] = json!(1_000);
            site.submit(firm, &spec)
        })
        .collect();
    for id in &jobs {
        site.wait_for_end(&firm.developer, id);
    }
    // Lent cards are taken back, and the center is killed meanwhile.
    let mut borrows = job_in("work", "borrows", 8, "trap 'sleep 0.1; exit 143' TERM; sleep 60 & wait");
    (borrows["nodes"], borrows["service_class"]) = (json!(2), json!("spot"));
    let borrows = site.submit(firm, &borrows);
    site.wait_for("its start", || run(site, &borrows)?["started_at"].as_str().map(drop));
    publish(site, "dearer", 7_654_321);
    site.kill();
    site.start();
    let owns = site.submit(univ, &job_in("work", "owns", 8, "sleep 0.5"));
    site.wait_for_end(&univ.developer, &owns);
    site.post(&format!("/api/v1/jobs/{borrows}/cancel"), &firm.developer, &json!({}));
    site.wait_for_end(&firm.developer, &borrows);
    // A node is out while another job goes on, and what was booked is put right.
    let node = site.nodes()[0]["name"].as_str().expect("a name").to_owned();
    site.post(&format!("/api/v1/nodes/{node}/drain"), &site.operator, &json!({ "reason": "fans" }));
    let last = site.submit(firm, &job_in("work", "beside", 4, "sleep 1"));
    let last = site.wait_for_end(&firm.developer, &last);
    site.post(&format!("/api/v1/nodes/{node}/resume"), &site.operator, &json!({}));
    let charged = last["charge_micro_cny"].as_i64().expect("a charge");
    assert!(charged > 0, "{last}");
    let last = run(site, last["id"].as_str().expect("an id")).expect("a run");
    correct(site, "credit_note", charged / 2, last["id"].as_str().expect("an id"));
    correct(site, "reversal", 4_000_000, "icbc-2");
    correct(site, "pay_out", 1_000_000, "icbc-1");
}

/// The end of the month: a run goes over it, the month is closed, and the run turns out to be lost.
fn second_half(site: &mut Site, firm: &Tenant) -> Month {
    site.stop();
    let zone = Zone::default();
    let month = zone.month(testkit::now());
    let end = zone.bounds(month).1;
    site.clock_ahead = Millis(end.since(testkit::now()).0 - BEFORE_END.0);
    site.start();
    let over = site.submit(firm, &job_in("work", "over-midnight", 4, "exec sleep 60"));
    site.wait_for("its start", || run(site, &over)?["started_at"].as_str().map(drop));
    site.wait_for("the closing", || {
        let path = format!("/api/v1/periods/{month}/close");
        (site.ask("POST", &path, &site.operator, None).0 == 200).then_some(())
    });
    let lost = run(site, &over).expect("a run")["id"].as_str().expect("an id").to_owned();
    kill_supervisor(site, &lost);
    site.wait_for("the loss", || (run(site, &over)?["id"] != json!(lost)).then_some(()));
    site.post(&format!("/api/v1/jobs/{over}/cancel"), &firm.developer, &json!({}));
    site.wait_for_end(&firm.developer, &over);
    invoice(site);
    month
}

/// Two invoices over statements of the month: one that is refused, and one over all that bill something.
fn invoice(site: &Site) {
    let open = site.get("/api/v1/invoices/statements?tenant=firm", &site.operator);
    let numbers: Vec<&Value> =
        open.as_array().expect("statements").iter().map(|one| &one["statement"]).collect();
    assert!(numbers.len() > 1, "{open}");
    let new = json!({ "statements": numbers, "kind": "ordinary", "title": "Firm" });
    let refused = site.post("/api/v1/invoices", &site.operator, &new);
    let path = format!("/api/v1/invoices/{}/refuse", refused["request"].as_str().expect("a number"));
    site.post(&path, &site.operator, &json!({ "reason": "test" }));
    site.post("/api/v1/invoices", &site.operator, &new);
}

/// A run of no contract: nothing else can be computed.
const ORPHAN: (&str, &str, &str) =
    ("orphan", "UPDATE runs SET contract = randomblob(16)", "the row that contract names: ");

/// A change in a copy: its name, its SQL, and a part of the difference that the program must tell.
const TAMPERINGS: &[(&str, &str, &str)] = &[
    (
        "use",
        "UPDATE runs SET used_card_ms = used_card_ms + 1 WHERE outcome = 'preempted'",
        "card-milliseconds of a run, by its entries: expected ",
    ),
    (
        "end",
        "UPDATE runs SET ended_at = ended_at - 5000 WHERE outcome = 'succeeded' AND ended_at > started_at + 9999",
        "charged_until of a run: ",
    ),
    (
        "shorter",
        "UPDATE runs SET ended_at = ended_at - 5000, charged_until = charged_until - 5000 WHERE outcome = 'succeeded' \
         AND ended_at > started_at + 9999",
        "use of a run in ",
    ),
    ("rate", "UPDATE price_books SET prices = replace(prices, '7654321', '7654320')", "the rate of a run: "),
    (
        "amount",
        "UPDATE transfers SET amount = amount + 1 WHERE cause = 'waiver' AND unit = 'micro_cny'",
        "key of an entry: ",
    ),
    (
        "sums",
        "INSERT OR REPLACE INTO ledger_sums VALUES ('revenue', x'', 'micro_cny', 0, 7)",
        "revenue micro_cny: ",
    ),
    (
        "payment",
        "UPDATE payments SET amount_micro_cny = 999 WHERE reference = 'icbc-1'",
        "payment icbc-1: the entry of a payment, ",
    ),
    ("fee", "UPDATE payments SET amount_micro_cny = 999 WHERE purpose = 'fee'", "fees that are due less "),
    (
        "correction",
        "UPDATE corrections SET amount_micro_cny = 7 WHERE kind = 'credit_note'",
        "the entry of a correction: ",
    ),
    (
        "term",
        "UPDATE contracts SET ends_at = (starts_at + ends_at) / 2 WHERE number = 'rack'",
        "the terms of a contract, by its last version: ",
    ),
    ("state", "UPDATE contracts SET state = 'expired' WHERE number = 'rack'", "the state of a contract"),
    (
        "invoice",
        "UPDATE invoices SET amount_fen = amount_fen + 1 WHERE state = 'requested'",
        "amount and tax of an invoice, in fen: ",
    ),
    (
        "billed",
        "UPDATE invoice_lines SET billed_micro_cny = billed_micro_cny + 1 WHERE is_live = 0",
        "what a statement bills: ",
    ),
    ("day", "UPDATE use_by_day SET used_card_ms = used_card_ms + 1", "micro-CNY of a day: "),
    ("job", "UPDATE jobs SET charged_micro_cny = charged_micro_cny + 1", "of a job, by its runs: "),
    (
        "statement",
        "UPDATE statements SET body = replace(body, '\"rack\"', '\"rock\"')",
        "SHA-256 of a statement: ",
    ),
    (
        "late",
        "UPDATE transfers SET at = at - 86400000000 WHERE corrects IS NOT NULL",
        "into a closed month: ",
    ),
    (
        "cards",
        "UPDATE runs SET placement = (SELECT placement FROM runs WHERE outcome = 'preempted')",
        "a card has one run at a time: ",
    ),
    (
        "stretch",
        "UPDATE node_stretches SET until_at = until_at - 7 WHERE condition = 'drained'",
        "a node's stretches follow one another: ",
    ),
];

#[test]
fn a_busy_centers_books_are_recomputed_and_what_is_changed_is_named() {
    let mut site = Site::new(QIANTANG, 2, SETTINGS);
    publish(&site, "first", 9_999_991);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000_i64 });
    let firm = site.tenant("firm", "enterprise", &metered, 16);
    let queue = json!({ "weight": 1, "guaranteed_cards": 8, "max_running_cards": 8 });
    let univ = site.tenant_in("univ", "research", &grant(), &queue, None);
    let today = Zone::default().date(testkit::now());
    let package = json!({ "kind": "prepaid", "package": 3_600_001, "fee": 7_777_777 });
    contract(&site, &firm, "package", &json!({ "terms": package, "starts_at": today }));
    let rack = json!({ "kind": "reserved", "cards": 4, "fee": 1_234_567_891 });
    contract(&site, &firm, "rack", &json!({ "terms": rack, "starts_at": today }));
    let contracts = site.get("/api/v1/contracts", &site.operator);
    let of = |number: &str| {
        let mut all = contracts.as_array().expect("contracts").iter();
        let found = all.find(|contract| contract["number"] == number).expect("it is there");
        found["id"].as_str().expect("an id").to_owned()
    };
    pay(&site, &firm.contract, 50_000_000, "ICBC-1");
    pay(&site, &firm.contract, 4_000_000, " Icbc-2");
    pay(&site, &of("package"), 7_000_000, "ICBC-3");
    pay(&site, &of("rack"), 1_234_567_891, "ICBC-4");

    first_half(&mut site, &firm, &univ);
    assert_clean(&database(&site));
    let month = second_half(&mut site, &firm);
    assert_clean(&database(&site));
    let copy = site.backups().join("audited.db");
    site.post("/api/v1/backup", &site.operator, &json!({ "path": copy }));
    assert_clean(&copy);
    check_by_hand(&copy);
    let (_, told) = audit(&copy);
    assert!(told.contains(" 4 statements") && told.contains("no differences"), "{month}: {told}");

    // Some at a time: each takes a while.
    for some in TAMPERINGS.chunks(5).chain([&[ORPHAN][..]]) {
        let sql: Vec<&str> = some.iter().map(|(_, sql, _)| *sql).collect();
        let (code, told) = audit(&tampered(&copy, some[0].0, &sql.join(";\n")));
        assert_eq!(code, 1, "{some:?} is not found: {told}");
        for (name, _, wanted) in some {
            assert!(told.contains(wanted), "{name}: {wanted:?} is not in {told}");
        }
    }
    let text = site.folder.path().join("center.toml");
    let (code, told) = audit(&text);
    assert!(code == 2 && told.contains("can't be read"), "{code}: {told}");
}
