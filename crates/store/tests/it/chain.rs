//! The chain: a clean center is clean, and every change of the past that SQL can make is found and named.

mod books;
mod roots;

use std::path::Path;

use books::{SEALED_S, audit_line, books, give_root, seal, sealed, tamper};
use rusqlite::Connection;
use store::{
    StoreError,
    chain::{self, FaultCode, Given, Report, SigningKey},
};
use testkit::rows::at;

/// The faults as `code table field`.
fn told(report: &Report) -> Vec<String> {
    let text = |fault: &chain::Fault| {
        format!("{} {} {}", fault.code.code(), fault.table, fault.field.as_deref().unwrap_or(""))
    };
    report.faults.iter().map(|fault| text(fault).trim_end().to_owned()).collect()
}

#[test]
fn untouched_books_are_clean() {
    let books = books();
    let report = books.verify(&books.copy("clean"));
    assert!(report.is_clean, "{:#?}", report.faults);
    assert_eq!((report.roots, report.roots_signed), (2, 2));
    assert!(report.unsealed.is_empty(), "{:?}", report.unsealed);
    for kind in [
        "transfers",
        "audit",
        "runs",
        "jobs",
        "alliances",
        "entries",
        "contracts",
        "contract_events",
        "amendments",
        "contract_versions",
        "price_books",
        "payments",
        "periods",
        "statements",
        "invoices",
        "invoice_lines",
        "node_stretches",
        "pools",
        "nodes",
        "tenants",
        "persons",
        "members",
        "projects",
    ] {
        assert!(report.rows.get(kind).is_some_and(|rows| *rows > 0), "{kind} is not covered");
    }
}

/// Shortens a run by half, with everything that is derived from it.
const SHORTEN: &str = "
    CREATE TEMP TABLE r AS SELECT id, job, used_card_ms / 2 AS used, charged_micro_cny / 2 AS charged FROM runs LIMIT 1;
    UPDATE runs SET ended_at = started_at + 50000000, charged_until = started_at + 50000000,
        used_card_ms = (SELECT used FROM r), charged_micro_cny = (SELECT charged FROM r) WHERE id = (SELECT id FROM r);
    UPDATE jobs SET used_card_ms = (SELECT used FROM r), charged_micro_cny = (SELECT charged FROM r)
        WHERE id = (SELECT job FROM r);
    UPDATE transfers SET amount = amount / 2 WHERE run = (SELECT id FROM r);
    UPDATE use_by_day SET used_card_ms = used_card_ms - (SELECT used FROM r),
        charged_micro_cny = charged_micro_cny - (SELECT charged FROM r)
        WHERE project = (SELECT project FROM jobs WHERE id = (SELECT job FROM r));";

const FORGED: &str = "
    INSERT INTO transfers (id, key, at, unit, debit, credit, credit_contract, amount, cause)
        SELECT randomblob(16), 'forged', at, unit, debit, credit, credit_contract, amount, cause
        FROM transfers WHERE cause = 'top_up' LIMIT 1;";

/// A way to change the past: what it is called, how it is done, and what must be told of it.
const WAYS: &[(&str, &str, &[&str])] = &[
    ("forged_top_up", FORGED, &["row_inserted transfers", "without_audit transfers"]),
    (
        "amount_with_sums",
        "UPDATE transfers SET amount = 9000000 WHERE cause = 'top_up';
         UPDATE ledger_sums SET debits = debits + 8000000 WHERE account = 'cash';",
        &["row_changed transfers amount", "row_changed transfers"],
    ),
    ("audit_removed", "DELETE FROM audit WHERE rowid_of = 1;", &["row_missing audit"]),
    ("audit_changed", "UPDATE audit SET actor_login = 'nobody' WHERE action = 'top_up';", &["row_changed audit"]),
    ("run_shortened", SHORTEN, &["row_changed runs", "row_changed transfers"]),
    ("credit_limit", "UPDATE contracts SET kind = replace(kind, '1000000000', '9000000000');", &["row_changed contracts kind"]),
    (
        "stretch_drained",
        "UPDATE node_stretches SET condition = 'drained' WHERE condition = 'up' AND until_at IS NOT NULL;",
        &["row_changed node_stretches condition"],
    ),
    (
        "price_with_rate",
        "UPDATE price_books SET prices = replace(prices, '6000000', '3000000');
         UPDATE runs SET rate_micro_cny = 3000000;",
        &["row_changed price_books prices", "row_changed runs"],
    ),
    (
        "version_forged",
        "INSERT INTO contract_versions SELECT contract, 3, amendment, from_at, kind, ends_at + 1, queue
             FROM contract_versions WHERE number = 2;",
        &["row_inserted contract_versions", "books_disagree contract_versions"],
    ),
    (
        "amended_by_hand",
        "UPDATE contracts SET ends_at = ends_at + 1 WHERE state = 'active';
         UPDATE contract_versions SET ends_at = ends_at + 1; UPDATE amendments SET ends_at = ends_at + 1;",
        &["row_changed contract_versions ends_at", "row_changed amendments ends_at"],
    ),
    ("history_removed", "DELETE FROM contract_events WHERE seq = 1;", &["row_missing contract_events"]),
    ("reference_changed", "UPDATE payments SET given_as = 'ICBC-9' WHERE reference = 'icbc-1';", &["row_changed payments given_as"]),
    (
        "tail_removed",
        "DELETE FROM transfers WHERE seq > 8; DELETE FROM chain_parts WHERE link > (SELECT MAX(seq) - 3 FROM chain);
         DELETE FROM roots WHERE number = 2; DELETE FROM chain WHERE seq > (SELECT MAX(seq) - 3 FROM chain);",
        &["database_older chain"],
    ),
    ("domain_changed", "UPDATE tenants SET domain = 'government' WHERE domain <> 'government';", &["row_changed tenants domain"]),
    ("statement_changed", "UPDATE statements SET body = '{\"closing\":0}';", &["books_disagree statements body"]),
    (
        "invoice_raised",
        "UPDATE invoices SET amount_fen = amount_fen + 1; UPDATE invoice_lines SET billed_micro_cny = 1070000;",
        &[
            "row_changed invoices amount_fen",
            "row_changed invoice_lines billed_micro_cny",
            "books_disagree invoices amount_fen",
            "books_disagree invoices billed_micro_cny",
            "books_disagree invoice_lines billed_micro_cny",
        ],
    ),
    (
        "invoiced_twice",
        "DROP INDEX invoice_lines_live; UPDATE invoice_lines SET is_live = 1;",
        &["row_changed invoice_lines is_live", "books_disagree invoice_lines is_live", "books_disagree invoice_lines statement"],
    ),
    ("period_reopened", "DELETE FROM periods;", &["row_missing periods"]),
    ("role_raised", "UPDATE members SET role = 'operator';", &["row_changed members role"]),
    ("login_taken", "UPDATE persons SET login = 'x' || login;", &["row_changed persons login"]),
    (
        "another_person",
        "PRAGMA foreign_keys = off; UPDATE members SET person = x'00000000000000000000000000000001';",
        &["row_changed members person"],
    ),
    (
        "ids_swapped",
        "CREATE TEMP TABLE two AS SELECT id FROM audit WHERE action = 'submit_job' ORDER BY id LIMIT 2;
         UPDATE audit SET id = x'00000000000000000000000000000001' WHERE id = (SELECT MIN(id) FROM two);
         UPDATE audit SET id = (SELECT MIN(id) FROM two) WHERE id = (SELECT MAX(id) FROM two);
         UPDATE audit SET id = (SELECT MAX(id) FROM two) WHERE id = x'00000000000000000000000000000001';",
        &["row_changed audit"],
    ),
    (
        "audit_reordered",
        "UPDATE audit SET id = CAST(x'00' || substr(id, 2) AS BLOB), at = at - 86400000000 WHERE action = 'top_up';",
        &["row_missing audit", "row_inserted audit"],
    ),
    (
        "hidden_in_the_queue",
        "INSERT INTO audit SELECT randomblob(16), at, actor, actor_login, role, tenant, 'forged', subject, from_address,
             detail FROM audit LIMIT 1;",
        &["row_inserted audit"],
    ),
    ("class_changed", "UPDATE jobs SET class = 'urgent';", &["row_changed runs"]),
    (
        "who_answers",
        "UPDATE jobs SET submitted_by = (SELECT id FROM members WHERE id <> submitted_by LIMIT 1)
             WHERE id = (SELECT MIN(id) FROM jobs);",
        &["row_changed jobs"],
    ),
    (
        "specification_of_a_job_that_waits",
        "UPDATE jobs SET ended_at = NULL, state = 'queued';
         UPDATE job_specs SET spec = replace(spec, '\"cards_per_node\":1', '\"cards_per_node\":8');",
        &["books_disagree job_specs cards_per_node"],
    ),
    ("limit_raised", "UPDATE jobs SET time_limit_ms = 9;", &["row_changed jobs"]),
    ("nodes_of_a_job", "UPDATE jobs SET nodes = 2;", &["row_changed jobs"]),
    ("job_removed", "DELETE FROM job_specs; DELETE FROM jobs WHERE id = (SELECT MAX(id) FROM jobs);", &["row_missing jobs"]),
    (
        "job_slipped_in",
        "CREATE TEMP TABLE j AS SELECT * FROM jobs LIMIT 1; UPDATE j SET id = randomblob(16), used_card_ms = 0,
             charged_micro_cny = 0; INSERT INTO jobs SELECT * FROM j;",
        &["row_inserted jobs"],
    ),
    ("alliance_lends_less", "UPDATE alliances SET lending_limit = 1;", &["row_changed alliances lending_limit"]),
    ("alliance_removed", "DELETE FROM alliances;", &["row_missing alliances"]),
    ("job_sum", "UPDATE jobs SET charged_micro_cny = charged_micro_cny - 1;", &["books_disagree jobs charged_micro_cny"]),
    ("day_sum", "UPDATE use_by_day SET used_card_ms = used_card_ms - 1;", &["books_disagree use_by_day"]),
    ("marks_changed", "UPDATE chain_parts SET items = zeroblob(length(items)) WHERE kind = 'transfers';", &["row_changed transfers"]),
    ("node_moved", "UPDATE nodes SET cards = 4;", &["row_changed nodes cards"]),
];

#[test]
fn whatever_sql_changes_of_the_past_is_found_and_named() {
    let books = books();
    for (name, sql, wanted) in WAYS {
        let sql = sql.replace("rowid_of = 1", "id = (SELECT MIN(id) FROM audit)");
        let report = books.found(name, &sql);
        let told = told(&report);
        assert!(!report.is_clean, "{name} is not found");
        for wanted in *wanted {
            assert!(told.iter().any(|told| told == wanted), "{name}: {wanted} is not among {told:#?}");
        }
        let named = report
            .faults
            .iter()
            .filter(|fault| fault.code.code().starts_with("row_"))
            .all(|fault| !fault.id.is_empty());
        assert!(named, "{name}: {:#?}", report.faults);
    }
}

#[test]
fn a_change_past_the_triggers_shows_and_one_through_them_too() {
    let books = books();
    let copy = books.copy("with-triggers");
    let conn = Connection::open(&copy).unwrap();
    conn.execute_batch("UPDATE contracts SET kind = replace(kind, '1000000000', '9000000000')").unwrap();
    drop(conn);
    assert!(told(&books.verify(&copy)).contains(&"row_changed contracts kind".to_owned()));
    // The running center seals what it finds changed, and the chain then has both.
    let store = sealed(&copy);
    store.write(|_| Ok::<_, StoreError>(())).unwrap();
    drop(store);
    let told_now = told(&books.verify(&copy));
    assert!(
        told_now.contains(&"books_disagree contracts kind".to_owned()),
        "no version says so: {told_now:?}"
    );
    Connection::open(&copy).unwrap().execute_batch("UPDATE contracts SET number = number || '-9'").unwrap();
    let store = sealed(&copy);
    store.write(|_| Ok::<_, StoreError>(())).unwrap();
    drop(store);
    let told_now = told(&books.verify(&copy));
    assert!(told_now.contains(&"row_rewritten contracts number".to_owned()), "{told_now:?}");

    let copy = books.copy("through-triggers");
    let touch = |sql: &str| Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
    touch("UPDATE members SET is_enabled = 0 WHERE id = (SELECT MIN(id) FROM members)");
    let store = sealed(&copy);
    assert!(store.was_touched());
    let note = |tx: &store::Tx| chain::note_foreign(tx, at(SEALED_S));
    assert_eq!(store.write(note).unwrap(), 1, "before the center's first change");
    store.at_each_begin(move |tx| note(tx).map(drop));
    touch(
        "INSERT INTO price_books SELECT x'00000000000000000000000000000001', 'sneaky', effective_from + 1, prices, waivers \
         FROM price_books LIMIT 1",
    );
    store.write(|_| Ok::<_, StoreError>(())).unwrap();
    store.write(|_| Ok::<_, StoreError>(())).unwrap();
    drop(store);
    let told_now = told(&books.verify(&copy));
    assert_eq!(
        told_now,
        ["foreign_change members", "foreign_change price_books"],
        "all is sealed, and still told"
    );
    assert!(!sealed(&copy).was_touched());

    let copy = books.copy("without-triggers");
    Connection::open(&copy).unwrap().execute_batch("DROP TRIGGER transfers_never_change").unwrap();
    assert_eq!(told(&books.verify(&copy)), ["schema_differs sqlite_master"]);
}

/// Makes all links anew over rows that were changed, as one can who has the program but not the key.
fn forge(path: &Path, sql: &str) {
    tamper(
        path,
        &format!(
            "{sql} DELETE FROM roots; DELETE FROM chain_parts; DELETE FROM chain;
             INSERT INTO unsealed (kind, key) SELECT 'audit', id FROM audit;
             INSERT INTO unsealed (kind, key) SELECT 'runs', id FROM runs WHERE ended_at IS NOT NULL;
             INSERT INTO unsealed (kind, key) SELECT 'jobs', id FROM jobs;"
        ),
    );
    let conn = Connection::open(path).unwrap();
    for (kind, key, part, table) in [
        ("contracts", "id", "0", "contracts"),
        ("contract_events", "seq", "0", "contract_events"),
        ("amendments", "id", "0", "amendments"),
        ("contract_versions", "contract", "number", "contract_versions"),
        ("price_books", "id", "0", "price_books"),
        ("payments", "reference", "0", "payments"),
        ("periods", "month", "0", "periods"),
        ("statements", "number", "0", "statements"),
        ("invoices", "id", "0", "invoices"),
        ("invoice_lines", "invoice", "place", "invoice_lines"),
        ("node_stretches", "node", "from_at", "node_stretches"),
        ("pools", "id", "0", "pools"),
        ("nodes", "id", "0", "nodes"),
        ("alliances", "id", "0", "alliances"),
        ("tenants", "id", "0", "tenants"),
        ("persons", "id", "0", "persons"),
        ("members", "id", "0", "members"),
        ("projects", "id", "0", "projects"),
        ("entries", "seq", "0", "transfers WHERE cause = 'top_up'"),
    ] {
        conn.execute_batch(&format!(
            "INSERT INTO unsealed_changes SELECT '{kind}', {key}, {part} FROM {table}"
        ))
        .unwrap();
    }
    drop(conn);
    let store = sealed(path);
    store.write(|_| Ok::<_, StoreError>(())).unwrap();
    seal(&store);
}

#[test]
fn links_made_anew_without_the_key_do_not_match_the_roots() {
    let books = books();
    let copy = books.copy("forged");
    forge(&copy, "UPDATE payments SET given_as = 'ICBC-9' WHERE reference = 'icbc-1';");
    let tx = store::db::open_copy(&copy).unwrap();
    let alone = chain::verify(&tx, Given::default()).unwrap();
    assert!(alone.is_clean, "without roots from elsewhere nothing shows: {:#?}", alone.faults);
    let report = books.verify(&copy);
    let found: Vec<FaultCode> = report.faults.iter().map(|fault| fault.code).collect();
    assert!(
        found.iter().any(|code| matches!(code, FaultCode::RootDiffers | FaultCode::DatabaseOlder)),
        "{found:?}"
    );

    // With roots of its own, by another key.
    let store = sealed(&copy);
    let forged = give_root(&store, &SigningKey::of([8; 32]), "day 2022-05-20");
    drop(store);
    let tx = store::db::open_copy(&copy).unwrap();
    let key = Some(books.key.public());
    let report = chain::verify(&tx, Given { file: Some(&forged), key }).unwrap();
    assert_eq!(told(&report), ["signature_bad roots"]);
}

#[test]
fn the_file_of_roots_is_whole_and_about_this_database() {
    let books = books();
    let copy = books.copy("copy");
    let tx = store::db::open_copy(&copy).unwrap();
    let verify = |file: &str| {
        let key = Some(books.key.public());
        told(&chain::verify(&tx, Given { file: Some(file), key }).unwrap())
    };
    let (first, _) = books.roots.split_once('\n').unwrap();
    assert_eq!(verify(first), ["root_missing roots"], "the file was truncated");
    let torn = books.roots.replacen("{\"root\"", "{\"rot\"", 1);
    assert_eq!(verify(&torn), ["root_unreadable", "root_missing roots"], "a line can't be read");
    let changed = verify(&books.roots.replacen("rows audit ", "rows audit 1", 1));
    for wanted in ["root_differs roots", "root_differs chain", "signature_bad roots"] {
        assert!(changed.contains(&wanted.to_owned()), "{wanted} is not among {changed:?}");
    }
}

#[test]
fn an_older_backup_in_the_place_of_the_database_shows() {
    let mut books = books();
    let older = books.copy("older");
    let store = sealed(&books.path);
    let center = store.read(store::tenants::list_tenants).unwrap();
    store.write(move |tx| audit_line(tx, 1000, "submit_job", center[0].id.to_string())).unwrap();
    seal(&store);
    books.roots += &give_root(&store, &books.key, "asked");
    drop(store);
    assert!(books.verify(&books.copy("newer")).is_clean);
    assert_eq!(told(&books.verify(&older)), ["database_older chain"]);
}

#[test]
fn rows_that_wait_for_the_next_link_are_counted_and_no_fault() {
    let books = books();
    let store = sealed(&books.path);
    store.write(|tx| audit_line(tx, SEALED_S + 1, "submit_job", String::new())).unwrap();
    drop(store);
    let report = books.verify(&books.copy("waits"));
    assert!(report.is_clean, "{:#?}", report.faults);
    assert_eq!(report.unsealed, [chain::Unsealed { kind: "audit".into(), rows: 1 }]);
    assert_eq!(report.sealed_until, Some(at(SEALED_S)));
}

/// An auditor's own program, by the page of the books: it knows nothing of the code.
#[test]
fn a_link_can_be_made_by_hand() {
    let books = books();
    let conn = Connection::open(&books.path).unwrap();
    let mut previous = vec![0; 32];
    let mut links = conn.prepare("SELECT seq, at, previous, digest FROM chain ORDER BY seq").unwrap();
    let rows = links.query_map([], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, Vec<u8>>(2)?,
            row.get::<_, Vec<u8>>(3)?,
        ))
    });
    let text = |out: &mut Vec<u8>, text: &str| {
        out.push(2);
        out.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        out.extend(text.as_bytes());
    };
    let int = |out: &mut Vec<u8>, int: i64| {
        out.push(1);
        out.extend(int.to_be_bytes());
    };
    let blob = |out: &mut Vec<u8>, blob: &[u8]| {
        out.push(3);
        out.extend(u32::try_from(blob.len()).unwrap().to_be_bytes());
        out.extend(blob);
    };
    for row in rows.unwrap() {
        let (seq, at, before, digest) = row.unwrap();
        assert_eq!(before, previous);
        let mut bytes = Vec::new();
        text(&mut bytes, "qiantang link 1");
        int(&mut bytes, seq);
        int(&mut bytes, at);
        blob(&mut bytes, &before);
        let mut parts = conn.prepare("SELECT kind, columns, first_row, last_row, row_count, digest FROM chain_parts WHERE link = ?1 ORDER BY kind").unwrap();
        let mut parts = parts.query([seq]).unwrap();
        while let Some(part) = parts.next().unwrap() {
            text(&mut bytes, &part.get::<_, String>(0).unwrap());
            text(&mut bytes, &part.get::<_, String>(1).unwrap());
            for index in 2..5 {
                int(&mut bytes, part.get(index).unwrap());
            }
            blob(&mut bytes, &part.get::<_, Vec<u8>>(5).unwrap());
        }
        assert_eq!(chain::sha256(&bytes).to_vec(), digest, "link {seq}");
        previous = digest;
    }
}

#[test]
fn the_link_that_seals_a_run_with_its_entries_is_found() {
    let books = books();
    let conn = Connection::open(&books.path).unwrap();
    let mut runs = conn
        .prepare(
            "SELECT r.id, r.ended_at, MAX(t.seq) FROM runs r JOIN transfers t ON t.run = r.id GROUP BY r.id",
        )
        .unwrap();
    let rows = runs.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let runs: Vec<([u8; 16], i64, i64)> = rows.map(Result::unwrap).collect();
    assert_eq!(runs.len(), 4);
    let tx = store::db::open_copy(&books.copy("sealed")).unwrap();
    for (id, ended_at, last) in runs {
        // Every link is looked at, by SQL alone.
        let covers =
            "SELECT MIN(link) FROM chain_parts WHERE kind = 'runs' AND instr(hex(items), hex(?1)) % 2 = 1";
        let of_run: i64 = conn.query_row(covers, [id], |row| row.get(0)).unwrap();
        let covers = "SELECT MIN(link) FROM chain_parts WHERE kind = 'transfers' AND last_row >= ?1";
        let of_entries: i64 = conn.query_row(covers, [last], |row| row.get(0)).unwrap();
        let run = domain::RunId::from_bytes(id);
        // The clock by which it ended may be behind the chain's, or ahead of it.
        for ended_at in [ended_at, 0, i64::MAX] {
            let found = chain::sealed(&tx, run, domain::Timestamp::from_micros(ended_at), last).unwrap();
            assert_eq!(found.map(|found| found.link), Some(of_run.max(of_entries)));
        }
        assert_eq!(chain::sealed(&tx, run, at(0), i64::MAX).unwrap(), None, "an entry is not sealed");
    }
    let unknown = domain::RunId::from_bytes([7; 16]);
    assert_eq!(chain::sealed(&tx, unknown, at(0), 0).unwrap(), None);
}
