//! Acknowledged means durable: a process that is killed at any instant has kept all that it acknowledged.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
};

use domain::ledger::{Account, Cause, Posting, Unit};
use store::{
    Store, StoreError, Tx, events,
    events::NewEvent,
    jobs::{self, JobFilter},
    ledger, tenants,
};
use testkit::rows::{Party, at, job, list_jobs, open, seed, transfer_id};

const FOLDER: &str = "STORE_TEST_WRITES_TO";
const KILLS: u64 = 20;
const IN_FLIGHT: u64 = 64;

fn database(folder: &Path) -> PathBuf {
    folder.join("center.db")
}

fn party(store: &Store) -> Party {
    store
        .read(|tx| {
            let project = tenants::list_projects(tx, None)?.remove(0);
            let member = tenants::list_members(tx, Some(project.tenant))?.remove(0).id;
            let contract = project.contract.expect("it has one");
            Ok::<_, StoreError>(Party { tenant: project.tenant, project: project.id, contract, member })
        })
        .unwrap()
}

/// Keeps a job, its event and its transfer together or not at all. Returns the number of the event.
fn write(tx: &Tx, party: &Party, key: &str) -> Result<i64, StoreError> {
    let job = job(party, key, at(1));
    jobs::insert_job(tx, &job)?;
    let posting = Posting {
        key: key.to_owned(),
        unit: Unit::MicroCny,
        debit: Account::Cash,
        credit: Account::Contract(party.contract),
        amount: 1,
        cause: Cause::TopUp,
        corrects: None,
    };
    assert!(ledger::post(tx, &posting, transfer_id(at(1)), at(1))?);
    let data = key.into();
    let kind = "k".to_owned();
    events::append(tx, &NewEvent { at: at(1), tenant: None, job: Some(job.id), run: None, kind, data })
}

/// The work of the process that is killed, and no test by itself. Without the variable there is nothing to
/// do.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = open(&database(Path::new(&folder)));
    let party = party(&store);
    let (kept, acknowledged) = mpsc::channel();
    for n in 0.. {
        let (party, kept) = (party.clone(), kept.clone());
        // No other process makes the same key.
        let key = format!("{}-{n}", std::process::id());
        let name = key.clone();
        store.submit(
            move |tx| if n % 7 == 3 { Err(StoreError::Closed) } else { write(tx, &party, &key) },
            move |result| kept.send((name, result)).unwrap(),
        );
        if n < IN_FLIGHT {
            continue;
        }
        if let (name, Ok(seq)) = acknowledged.recv().unwrap() {
            let mut out = std::io::stdout();
            writeln!(out, "kept {seq} {name}").unwrap();
            out.flush().unwrap();
        }
    }
}

#[test]
fn all_that_was_acknowledged_survives_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    seed(&open(&database(dir.path())), 1, 1);
    let mut acknowledged: BTreeMap<i64, String> = BTreeMap::new();
    for kill in 0..KILLS {
        let before = acknowledged.len();
        // After a pseudo-random number of lines the process may be anywhere in its work.
        let lines = 1 + (kill + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 400;
        kill_after(usize::try_from(lines).unwrap(), dir.path(), &mut acknowledged);
        assert!(acknowledged.len() >= before + usize::try_from(lines).unwrap());

        let store = open(&database(dir.path()));
        let (events, jobs, balance, report) = store
            .read(|tx| {
                Ok::<_, StoreError>((
                    events::list_after(tx, 0, None, None, u32::MAX)?,
                    list_jobs(tx, &JobFilter::default(), None, u32::MAX)?,
                    ledger::balance(tx, Account::Cash, Unit::MicroCny)?,
                    ledger::verify(tx)?,
                ))
            })
            .unwrap();
        let there: BTreeMap<i64, &str> =
            events.iter().map(|event| (event.seq, event.event.data.as_str().unwrap())).collect();
        for (seq, name) in &acknowledged {
            assert_eq!(there.get(seq), Some(&name.as_str()), "acknowledged, and lost in kill {kill}");
        }
        assert_eq!(jobs.len(), events.len(), "a job without its event, or an event without its job");
        assert_eq!(usize::try_from(-balance).unwrap(), events.len(), "or one of them without its transfer");
        assert!(report.is_right(), "{report:?}");
    }
}

fn kill_after(lines: usize, folder: &Path, acknowledged: &mut BTreeMap<i64, String>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["durability::child_that_writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut seen = 0;
    for line in out.lines() {
        let line = line.unwrap();
        // Each line is one write to the pipe, so none is cut off.
        if let Some(["kept", seq, name]) =
            line.split(' ').collect::<Vec<_>>().get(..3).map(|w| [w[0], w[1], w[2]])
        {
            acknowledged.insert(seq.parse().unwrap(), name.to_owned());
            seen += 1;
            if seen == lines {
                // The lines in the pipe are read to their end all the same.
                child.kill().unwrap();
            }
        }
    }
    assert!(!child.wait().unwrap().success());
}
