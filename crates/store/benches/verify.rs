//! How fast a database is sealed and compared with its chain.
//! `cargo bench -p store --bench verify -- [transfers [file]]`; a file that is there is compared, not filled again.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use domain::{AuditId, CardSet, JobState, Outcome, job::JobOutcome};
use store::{
    Store, StoreError, Tx, audit,
    chain::{self, Given},
    jobs, runs, usage,
};
use testkit::rows::{self, Seeded, at, unique};

/// Jobs of one transaction.
const CHUNK: i64 = 2_000;
/// Rows of one link.
const LINK_ROWS: u32 = 2_000;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let transfers: i64 =
        args.next().map_or(1_000_000, |arg| arg.parse().expect("the first argument is a number"));
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).expect("a folder");
    let path = args.next().map_or(dir.path().join("center.db"), PathBuf::from);
    if !path.exists() {
        fill(&path, transfers / 2);
    }
    let began_at = Instant::now();
    let report = chain::verify_file(&path, Given::default()).expect("it is read");
    let took_s = began_at.elapsed().as_secs_f64();
    assert!(report.is_clean, "{:?}", report.faults);
    println!(
        "{} transfers, {} runs, {} links compared in {took_s:.1} s, {} MiB at most",
        report.transfers,
        report.runs,
        report.links,
        memory_mib()
    );
}

/// Each job has a run that ended, two transfers, and a line of the audit log.
fn fill(path: &Path, count: i64) {
    let store = rows::open(path);
    store.before_each_commit(|tx| chain::seal_changes(tx, at(0)));
    let center = rows::seed(&store, 6, 40);
    let began_at = Instant::now();
    for first in (0..count).step_by(usize::try_from(CHUNK).unwrap_or(1)) {
        let center = center.clone();
        let last = count.min(first + CHUNK);
        store
            .write(move |tx| (first..last).try_for_each(|n| insert(tx, &center, n)))
            .expect("the rows are new");
    }
    println!("filled with {count} jobs in {:.1} s", began_at.elapsed().as_secs_f64());
    seal(&store, count);
}

fn seal(store: &Store, jobs: i64) {
    let began_at = Instant::now();
    while let Some(prepared) = store.read(|tx| chain::prepare(tx, LINK_ROWS)).expect("rows are read") {
        store.write(move |tx| chain::append(tx, prepared, at(1))).expect("a link is added");
    }
    let took_us = began_at.elapsed().as_secs_f64() * 1e6;
    #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
    let of_job = took_us / jobs.max(1) as f64;
    println!("sealed in {:.1} s: {of_job:.1} us a job", took_us / 1e6);
}

fn insert(tx: &Tx, center: &Seeded, n: i64) -> Result<(), StoreError> {
    let party = &center.parties[usize::try_from(n).unwrap_or(0) % center.parties.len()];
    let mut job = rows::job(party, "train", at(n));
    let ended_at = at(n + 60 + n % 900);
    job.tasks.next = 1;
    job.tasks.succeeded = 1;
    job.state = JobState::Ended { at: ended_at, outcome: JobOutcome::Succeeded };
    jobs::insert_job(tx, &job)?;
    let node = center.nodes[usize::try_from(n).unwrap_or(0) % center.nodes.len()];
    let mut run = rows::run(&job, node, CardSet::only(3), at(n + 1));
    run.state = run.state.start(at(n + 2)).expect("it is starting");
    run.end(ended_at, None, Outcome::Succeeded).expect("it runs");
    runs::insert_run(tx, &run)?;
    rows::meter(tx, &run, ended_at)?;
    let metered = runs::get_run(tx, run.id)?.metered;
    let (tenant, project) = (party.tenant, party.project);
    let used = usage::UseRow { tenant, project, runs: 1, used: metered.used, charged: metered.charged };
    usage::add_use(tx, at(n).floor_millis() / 86_400_000, &used)?;
    let line = audit::AuditRecord {
        id: AuditId::new(at(n), unique()),
        at: at(n),
        actor: Some(party.member),
        actor_login: "developer".into(),
        role: Some(domain::Role::Developer),
        tenant: Some(tenant),
        action: "submit_job".into(),
        subject: job.id.to_string(),
        from_address: "10.0.0.1".into(),
        detail: serde_json::json!({ "name": "train" }),
    };
    audit::append(tx, &line)
}

/// The most memory that this process had.
fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
