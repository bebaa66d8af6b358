//! Opening, refusing to open, and backing up.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use domain::{
    JobId,
    ledger::{Account, Cause, Posting, Unit},
};
use store::{Store, StoreError, events, jobs, jobs::JobFilter, ledger};
use testkit::rows::{at, job, list_jobs, open, seed, transfer_id};

#[test]
fn a_second_center_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    let store = open(&path);
    let refused = Store::open(&path).unwrap_err();
    assert_eq!(refused, StoreError::AlreadyOpen { path: path.clone() });
    assert!(refused.to_string().contains("another center has it open"), "{refused}");
    let also = store.clone();
    drop(store);
    assert!(Store::open(&path).is_err(), "a clone is the same store");
    drop(also);
    let store = open(&path);
    assert_eq!(store.path(), path);
}

#[test]
fn what_was_kept_is_there_when_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    let store = open(&path);
    let center = seed(&store, 1, 1);
    let job = job(&center.parties[0], "j", at(0));
    let kept = job.clone();
    store.write(move |tx| jobs::insert_job(tx, &kept)).unwrap();
    let version = store.schema_version().unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!(store.read(|tx| jobs::get_job(tx, job.id)), Ok(job));
    assert_eq!(store.schema_version(), Ok(version));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "only the center's own user reads it: {mode:o}");
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    let known = open(&path).schema_version().unwrap();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (?1, 'later', '', '0')",
        [known + 5],
    )
    .unwrap();
    drop(conn);
    let refused = Store::open(&path).unwrap_err();
    assert_eq!(refused, StoreError::SchemaTooNew { found: known + 5, known });
    let text = refused.to_string();
    assert!(text.contains(&format!("version {}", known + 5)) && text.contains("newer program"), "{text}");
    assert!(matches!(Store::open(&path), Err(StoreError::SchemaTooNew { .. })), "the lock is free again");
}

#[test]
fn what_is_no_database_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    fs::write(&path, "this is a text, and not a database, and long enough to be taken for one by its size")
        .unwrap();
    let refused = Store::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Open { .. }), "{refused}");
    assert!(refused.to_string().contains("center.db"), "{refused}");
    let refused = Store::open(&dir.path().join("no-such-folder/center.db")).unwrap_err();
    assert!(refused.to_string().contains("no-such-folder"), "{refused}");
}

#[test]
fn a_row_that_can_not_be_is_told_by_its_table_and_id() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    let store = open(&path);
    let center = seed(&store, 1, 1);
    let job = job(&center.parties[0], "j", at(0));
    let id = job.id;
    store.write(move |tx| jobs::insert_job(tx, &job)).unwrap();
    let conn = rusqlite::Connection::open(&path).unwrap();
    for spoil in [
        "UPDATE jobs SET state = 'flying'",
        "UPDATE jobs SET state = 'queued', tasks_next = -1",
        "UPDATE jobs SET tasks_next = 0; UPDATE job_specs SET spec = '{'",
    ] {
        conn.execute_batch(spoil).unwrap();
        let error = store.read(|tx| jobs::get_job(tx, id)).unwrap_err();
        let hex = id.to_string().replace(JobId::PREFIX, "");
        assert!(
            matches!(&error, StoreError::Corrupt { table: "jobs", id, .. } if *id == hex),
            "{spoil}: {error}"
        );
    }
}

#[test]
fn a_backup_made_under_way_is_whole_and_opens() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let center = seed(&store, 2, 1);
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3_u64)
        .map(|writer| {
            let (store, center, is_over) = (store.clone(), center.clone(), Arc::clone(&is_over));
            thread::spawn(move || {
                let mut n = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let (party, key) = (center.parties[0].clone(), format!("{writer}/{n}"));
                    // A job, its event and its transfer are kept together or not at all.
                    store
                        .write(move |tx| {
                            let job = job(&party, &key, at(n));
                            jobs::insert_job(tx, &job)?;
                            let event = events::NewEvent {
                                at: at(n),
                                tenant: None,
                                job: Some(job.id),
                                run: None,
                                kind: "k".into(),
                                data: n.into(),
                            };
                            events::append(tx, &event)?;
                            let posting = Posting {
                                key,
                                unit: Unit::MicroCny,
                                debit: Account::Cash,
                                credit: Account::Contract(party.contract),
                                amount: 1,
                                cause: Cause::TopUp,
                                corrects: None,
                            };
                            ledger::post(tx, &posting, transfer_id(at(n)), at(n))
                        })
                        .unwrap();
                    n += 1;
                }
            })
        })
        .collect();
    let mut last = 0;
    for n in 0..3 {
        while store.read(events::latest_seq).unwrap() < last + 20 {
            thread::yield_now();
        }
        let to = dir.path().join(format!("backup-{n}.db"));
        let report = store.backup(&to).unwrap();
        assert!(report.last_event >= last + 20, "what was acknowledged before is in it");
        assert_eq!(report.bytes, fs::metadata(&to).unwrap().len());
        assert_eq!(report.schema_version, store.schema_version().unwrap());
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o077, 0);
        last = report.last_event;
        let copy = open(&to);
        let (jobs, balance, report) = copy
            .read(|tx| {
                let jobs = list_jobs(tx, &JobFilter::default(), None, 1_000_000)?.len();
                let balance =
                    ledger::balance(tx, Account::Contract(center.parties[0].contract), Unit::MicroCny)?;
                Ok::<_, StoreError>((jobs, balance, ledger::verify(tx)?))
            })
            .unwrap();
        assert_eq!((i64::try_from(jobs).unwrap(), balance), (last, last));
        assert!(report.is_right(), "{report:?}");
    }
    is_over.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.join().unwrap();
    }
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let to = dir.path().join("there.db");
    fs::write(&to, "mine").unwrap();
    let refused = store.backup(&to).unwrap_err();
    assert!(refused.to_string().contains("there.db: there is a file of this name already"), "{refused}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "mine");
    assert!(store.backup(&dir.path().join("center.db")).is_err(), "least of all the database itself");
    let nowhere = store.backup(&dir.path().join("no-such-folder/b.db")).unwrap_err();
    assert!(matches!(nowhere, StoreError::Backup { .. }), "{nowhere}");
    store.backup(&dir.path().join("good.db")).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| !name.to_str().unwrap().starts_with("center.db"));
    names.sort();
    assert_eq!(names, ["good.db", "there.db"]);
}
