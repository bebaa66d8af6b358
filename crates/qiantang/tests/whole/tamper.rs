//! Whoever can write to the database does not change the past unnoticed: a center is at work, its file is copied, the copy
//! is changed, and `ledger verify` says where. What nobody touched is clean, whatever the center went through.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::mpsc,
    time::Duration,
};

use serde_json::{Value, json};
use testkit::{Site, Tenant, job};

use crate::QIANTANG;

fn qiantang(arguments: &[&str]) -> Output {
    Command::new(QIANTANG).args(arguments).output().expect("the program starts")
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("it is UTF-8")
}

/// Verifies a file. Gives the exit code and what was found.
pub fn verify(file: &Path, more: &[&str]) -> (i32, Value) {
    let output = qiantang(&[&["--json", "ledger", "verify", path(file)], more].concat());
    let answer = serde_json::from_slice(&output.stdout);
    let answer = answer.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().expect("it ends by itself"), answer)
}

pub fn backup(site: &Site, name: &str) -> PathBuf {
    let file = site.backups().join(name);
    site.post("/api/v1/backup", &site.operator, &json!({ "path": file }));
    file
}

/// A key, and the settings of a center that signs with it.
fn key(folder: &Path) -> (PathBuf, String) {
    let file = folder.join("roots.key");
    let made = qiantang(&["ledger", "key", "new", path(&file)]);
    assert!(made.status.success(), "{made:?}");
    let settings = format!(
        "[billing]\naccrue_every_ms = 200\n[books]\nseparate_duties = false\nsigning_key = \"{}\"\n",
        file.display()
    );
    (file.with_extension("key.pub"), settings)
}

/// Jobs that end, a payment, a price, a node that is drained: something in every part of the books.
fn work(site: &Site, tenant: &Tenant, name: &str) {
    let ids: Vec<String> =
        (0..3).map(|number| site.submit(tenant, &job(&format!("{name}-{number}"), "sleep 0.3"))).collect();
    let paid = json!({ "amount_micro_cny": 5_000_000, "card_ms": 0, "reference": format!("ICBC-{name}") });
    site.post(&format!("/api/v1/contracts/{}/top-up", tenant.contract), &site.operator, &paid);
    let node = site.nodes().pop().expect("a node");
    let node = node["name"].as_str().expect("a name");
    site.post(&format!("/api/v1/nodes/{node}/drain"), &site.operator, &json!({ "reason": "fans" }));
    site.post(&format!("/api/v1/nodes/{node}/resume"), &site.operator, &json!({}));
    for id in ids {
        site.wait_for_end(&tenant.developer, &id);
    }
}

/// The name of each fault's code and table.
fn told(answer: &Value) -> Vec<String> {
    let faults = answer["faults"].as_array().expect("faults").iter();
    let text = |fault: &Value, key: &str| fault[key].as_str().unwrap_or_default().to_owned();
    faults
        .map(|fault| format!("{} {} {}", text(fault, "code"), text(fault, "table"), text(fault, "field")))
        .collect()
}

/// Runs SQL over a copy as if no trigger were there, by the `sqlite3` module that Python has.
pub fn tampered(file: &Path, name: &str, sql: &str) -> PathBuf {
    let copy = file.with_file_name(format!("{name}.db"));
    std::fs::copy(file, &copy).expect("a copy");
    let program = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        triggers = db.execute(\"SELECT name, sql FROM sqlite_master WHERE type = 'trigger'\").fetchall()\n\
        for name, _ in triggers: db.execute('DROP TRIGGER ' + name)\n\
        db.executescript(sys.argv[2])\n\
        for _, sql in triggers: db.execute(sql)\n\
        db.commit()\n";
    let output = Command::new("python3").args(["-c", program, path(&copy), sql]).output().expect("python3");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    copy
}

const TAMPERINGS: &[(&str, &str, &str)] = &[
    (
        "forged-top-up",
        "INSERT INTO transfers (id, key, at, unit, debit, credit, credit_contract, amount, cause) SELECT randomblob(16), \
         'forged', at, unit, debit, credit, credit_contract, amount, cause FROM transfers WHERE cause = 'top_up' LIMIT 1",
        "row_inserted transfers ",
    ),
    (
        "amount-with-sums",
        "UPDATE transfers SET amount = amount + 1000000 WHERE cause = 'top_up'; UPDATE ledger_sums SET debits = debits + \
         1000000 WHERE account = 'cash'",
        "row_changed transfers amount",
    ),
    ("audit-removed", "DELETE FROM audit WHERE action = 'top_up'", "row_missing audit "),
    (
        "audit-changed",
        "UPDATE audit SET actor_login = 'nobody' WHERE action = 'top_up'",
        "row_changed audit ",
    ),
    (
        "run-shortened",
        "CREATE TEMP TABLE r AS SELECT id, job, used_card_ms / 2 AS used, charged_micro_cny / 2 AS charged FROM runs \
         ORDER BY used_card_ms DESC LIMIT 1; UPDATE runs SET ended_at = (started_at + ended_at) / 2, charged_until = \
         (started_at + ended_at) / 2, used_card_ms = (SELECT used FROM r), charged_micro_cny = (SELECT charged FROM r) \
         WHERE id = (SELECT id FROM r); UPDATE jobs SET used_card_ms = (SELECT used FROM r), charged_micro_cny = (SELECT \
         charged FROM r) WHERE id = (SELECT job FROM r); UPDATE transfers SET amount = MAX(1, amount / 2) WHERE run = \
         (SELECT id FROM r)",
        "row_changed runs ",
    ),
    (
        "credit-limit",
        "UPDATE contracts SET kind = replace(kind, '000000', '0000000')",
        "row_changed contracts kind",
    ),
    (
        "version-moved",
        "UPDATE contract_versions SET from_at = from_at - 1000000",
        "row_changed contract_versions from_at",
    ),
    (
        "terms-with-version",
        "UPDATE contract_versions SET ends_at = ends_at + 1; UPDATE contracts SET ends_at = ends_at + 1",
        "row_changed contracts ends_at",
    ),
    (
        "stretch-drained",
        "UPDATE node_stretches SET condition = 'drained' WHERE until_at IS NOT NULL AND condition = 'up'",
        "row_changed node_stretches condition",
    ),
    (
        "price-with-rate",
        "UPDATE price_books SET prices = replace(prices, '12000000', '6000000'); UPDATE runs SET rate_micro_cny = 6000000",
        "row_changed price_books prices",
    ),
    (
        "history-removed",
        "DELETE FROM contract_events WHERE action = 'approve'",
        "row_missing contract_events ",
    ),
    (
        "reference-changed",
        "INSERT INTO payments SELECT 'icbc-9', id, 'balance', 'ICBC-9', 1, 0, '', '', '', 0, NULL FROM contracts LIMIT 1",
        "row_inserted payments ",
    ),
    ("domain-changed", "UPDATE tenants SET domain = 'government'", "row_changed tenants domain"),
    (
        "role-raised",
        "UPDATE members SET role = 'operator' WHERE role <> 'operator'",
        "row_changed members role",
    ),
    (
        "another-answers-for-it",
        "UPDATE jobs SET submitted_by = (SELECT id FROM members WHERE role = 'operator')",
        "row_changed jobs ",
    ),
    ("longer-limit", "UPDATE jobs SET time_limit_ms = time_limit_ms + 1", "row_changed jobs "),
    ("more-nodes", "UPDATE jobs SET nodes = 2", "row_changed jobs "),
    (
        "alliance-lends-all",
        "UPDATE alliances SET lending_limit = NULL",
        "row_changed alliances lending_limit",
    ),
    (
        "root-removed",
        "DELETE FROM roots WHERE number = 1; UPDATE roots SET number = number - 1",
        "root_missing roots ",
    ),
    ("tail-removed", "DELETE FROM transfers WHERE seq > 2", "row_missing transfers "),
    ("link-removed", "DELETE FROM chain WHERE seq = 3", "link_missing chain "),
    ("link-rewritten", "UPDATE chain SET at = at - 1 WHERE seq = 3", "link_broken chain "),
    (
        "older-copy",
        "DELETE FROM roots; DELETE FROM chain_parts WHERE link > 5; DELETE FROM chain WHERE seq > 5",
        "database_older chain ",
    ),
];

#[test]
fn a_busy_center_verifies_clean_and_what_is_changed_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (public, settings) = key(folder.path());
    let mut site = Site::new(QIANTANG, 2, &settings);
    site.publish_price(12_000_000);
    let terms = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let tenant = site.tenant("busy", "enterprise", &terms, 16);
    let alliance =
        json!({ "slug": "compute", "name": { "zh": "智算联盟", "en": "Compute" }, "lending_limit": 4 });
    site.post("/api/v1/alliances", &site.operator, &alliance);
    work(&site, &tenant, "first");
    // Killed with a job on its cards, and started again.
    let running = site.submit(&tenant, &job("through-the-kill", "sleep 2"));
    site.wait_for_state(&tenant.developer, &running, "running");
    site.kill();
    site.start();
    site.wait_for_end(&tenant.developer, &running);
    work(&site, &tenant, "second");
    let root = site.post("/api/v1/ledger/roots", &site.operator, &json!({ "reason": "an audit" }));
    assert!(root["signature"].is_string(), "{root}");
    assert_eq!(site.get("/api/v1/ledger/roots", &site.operator)[0]["root"], root["root"]);
    let check = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!((&check["is_balanced"], &check["is_sealed"]), (&json!(true), &json!(true)), "{check}");

    // In the midst of work, and after an orderly stop.
    let loaded = site.submit(&tenant, &job("under-way", "sleep 1"));
    site.wait_for_state(&tenant.developer, &loaded, "running");
    let file = backup(&site, "busy.db");
    let roots = site.data().join("roots.jsonl");
    let given = ["--roots", path(&roots), "--key", path(&public)];
    let (code, answer) = verify(&file, &given);
    assert_eq!((code, &answer["is_clean"]), (0, &json!(true)), "{answer:#}");
    assert_eq!(answer["roots"], answer["roots_signed"]);
    site.wait_for_end(&tenant.developer, &loaded);
    site.stop();
    let (code, answer) = verify(&site.data().join("database/center.db"), &given);
    assert_eq!((code, &answer["unsealed"]), (0, &json!([])), "all is sealed at the stop: {answer:#}");

    for (name, sql, wanted) in TAMPERINGS {
        let (code, answer) = verify(&tampered(&file, name, sql), &given);
        let told = told(&answer);
        assert_eq!(code, 1, "{name} is not found");
        assert!(told.iter().any(|told| told == wanted), "{name}: {wanted:?} is not among {told:#?}");
    }
    let people =
        qiantang(&["--lang", "en", "ledger", "verify", path(&tampered(&file, "text", TAMPERINGS[5].1))]);
    let text = String::from_utf8_lossy(&people.stdout);
    assert!(text.contains("kind: it is not as it was sealed") && text.contains("(link "), "{text}");

    // The backup in the place of the database: it is clean by itself, and older than the roots.
    let site = restored(site, &file);
    site.wait_for("the roots to be given out", || site.data().join("roots.jsonl").exists().then_some(()));
    let again = backup(&site, "restored.db");
    let (code, answer) = verify(&again, &["--roots", path(&site.data().join("roots.jsonl"))]);
    assert_eq!((code, &answer["is_clean"]), (0, &json!(true)), "{answer:#}");
}

/// A center with a backup in the place of its database, and a new file of roots.
fn restored(mut site: Site, file: &Path) -> Site {
    let database = site.data().join("database");
    for name in ["center.db-wal", "center.db-shm"] {
        // They are not there after an orderly stop.
        let _ = std::fs::remove_file(database.join(name));
    }
    std::fs::copy(file, database.join("center.db")).expect("a copy");
    std::fs::rename(site.data().join("roots.jsonl"), site.data().join("roots-before.jsonl"))
        .expect("it is there");
    site.start();
    site
}

#[test]
fn a_program_signs_and_roots_are_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let (public, _) = key(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/roots", listener.local_addr().expect("an address"));
    let (sent, received) = mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming().take(2) {
            let mut connection = connection.expect("a connection");
            let mut reader = BufReader::new(connection.try_clone().expect("a handle"));
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
                    length = bytes.trim().parse().expect("a number");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").expect("an answer");
            let _ = sent.send(String::from_utf8(body).expect("text"));
        }
    });
    let key = folder.path().join("roots.key");
    // OpenSSL signs no stream.
    let program = format!(
        "cat > {folder}/root; openssl pkeyutl -sign -rawin -in {folder}/root -inkey {key}",
        folder = folder.path().display(),
        key = key.display()
    );
    let command = format!("[\"sh\", \"-c\", \"{program}\"]");
    let has_openssl =
        Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    let command = if has_openssl { command } else { "[]".to_owned() };
    let settings =
        format!("[books]\nseparate_duties = false\nsign_command = {command}\nroots_url = \"{url}\"\n");
    let site = Site::new(QIANTANG, 1, &settings);
    let line = received.recv_timeout(Duration::from_secs(30)).expect("the first root is made at the start");
    let kept = std::fs::read_to_string(site.data().join("roots.jsonl")).expect("the file of roots");
    assert_eq!(kept.lines().next(), Some(line.as_str()));
    let (code, answer) = verify(
        &backup(&site, "signed.db"),
        &["--roots", path(&site.data().join("roots.jsonl")), "--key", path(&public)],
    );
    if has_openssl {
        assert_eq!((code, answer["roots_signed"].as_i64()), (0, Some(1)), "{answer:#}");
    } else {
        assert_eq!(told(&answer), ["root_unsigned roots "]);
    }
}
