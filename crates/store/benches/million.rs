//! How fast a store is that holds many finished jobs, each with a run and two transfers.
//! `cargo bench -p store --bench million -- [jobs [file]]`; a file that is there is measured, not filled
//! again.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use domain::{
    CardSet, ContractId, Job, JobState, NodeId, Outcome, TenantDomain, Timestamp,
    job::{JobOutcome, JobStatus},
    ledger::{Account, Cause, Posting, Unit},
};
use store::{
    Store, StoreError, Tx, contracts,
    jobs::{self, JobFilter, JobRow},
    ledger, pools, runs, tenants,
};
use testkit::rows::{self, Party, Seeded, at};

/// Seconds between one job and the next.
const EVERY_S: i64 = 15;
const REPEATS: usize = 21;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let count: i64 =
        args.next().map_or(1_000_000, |arg| arg.parse().expect("the first argument is a number"));
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).expect("a folder");
    let path = args.next().map_or(dir.path().join("center.db"), PathBuf::from);
    if !path.exists() {
        fill(&path, count);
    }
    measure(&path);
}

fn fill(path: &Path, count: i64) {
    let store = rows::open(path);
    let center = rows::seed(&store, 12, 40);
    let began_at = Instant::now();
    let chunk = 2_000;
    for first in (0..count).step_by(usize::try_from(chunk).unwrap_or(1)) {
        let center = center.clone();
        store
            .write(move |tx| (first..count.min(first + chunk)).try_for_each(|n| insert(tx, &center, n)))
            .expect("the rows are new");
    }
    let alive = center.clone();
    store
        .write(move |tx| (0..200).try_for_each(|n| insert_alive(tx, &alive, count + n)))
        .expect("the rows are new");
    println!("filled with {count} jobs in {:.1} s", began_at.elapsed().as_secs_f64());
}

/// A pseudo-random number.
fn mixed(n: i64) -> u64 {
    let mut x = n.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 31;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 29)
}

fn party(center: &Seeded, n: i64) -> &Party {
    // The last tenant has one job in ten thousand. Its lists must not suffer from the others' jobs.
    let last = center.parties.len() - 1;
    if n % 10_000 == 77 {
        &center.parties[last]
    } else {
        &center.parties[usize::try_from(mixed(n) >> 8).unwrap_or(0) % last]
    }
}

fn named(center: &Seeded, n: i64) -> Job {
    let submitted_at = at(n * EVERY_S);
    let name = match n % 100_000 {
        4_711 => "Needle-in-the-hay".to_owned(),
        _ => format!(
            "{}-{}",
            ["train", "eval", "digits", "voice", "blueprint"][usize::try_from(n % 5).unwrap_or(0)],
            n % 1000
        ),
    };
    rows::job(party(center, n), &name, submitted_at)
}

fn insert(tx: &Tx, center: &Seeded, n: i64) -> Result<(), StoreError> {
    let mut job = named(center, n);
    let started_at = at(n * EVERY_S + 5);
    // Most jobs take minutes, a few take days.
    let took_s = if n % 50_000 == 1 { 10 * 86_400 } else { i64::try_from(mixed(n) % 1800).unwrap_or(0) + 1 };
    let ended_at = at(n * EVERY_S + 5 + took_s);
    let (outcome, job_outcome) = match mixed(n) % 100_000 {
        0 => (Outcome::TimedOut, JobOutcome::TimedOut),
        1..8_000 => (Outcome::Failed { exit_code: 1 }, JobOutcome::Failed),
        _ => (Outcome::Succeeded, JobOutcome::Succeeded),
    };
    job.tasks.next = 1;
    if job_outcome == JobOutcome::Succeeded {
        job.tasks.succeeded = 1;
    } else {
        job.tasks.failed = 1;
    }
    job.state = JobState::Ended { at: ended_at, outcome: job_outcome };
    jobs::insert_job(tx, &job)?;
    let node = node(center, n);
    let cards = CardSet::only(u8::try_from(n % 8).unwrap_or(0));
    let mut run = rows::run(&job, node, cards, at(n * EVERY_S + 4));
    run.state = run.state.start(started_at).expect("it is starting");
    run.end(ended_at, None, outcome).expect("it runs");
    runs::insert_run(tx, &run)?;
    rows::meter(tx, &run, ended_at)
}

fn insert_alive(tx: &Tx, center: &Seeded, n: i64) -> Result<(), StoreError> {
    let mut job = named(center, n);
    if n % 2 == 0 {
        job.start_task(false).expect("it waits");
        jobs::insert_job(tx, &job)?;
        let mut run = rows::run(&job, node(center, n), CardSet::only(0), at(n * EVERY_S));
        run.state = run.state.start(at(n * EVERY_S + 1)).expect("it is starting");
        runs::insert_run(tx, &run)
    } else {
        jobs::insert_job(tx, &job)
    }
}

fn node(center: &Seeded, n: i64) -> NodeId {
    center.nodes[usize::try_from(n / 8).unwrap_or(0) % center.nodes.len()]
}

fn measure(path: &Path) {
    let store = open(path);
    let newest = store.read(|tx| rows::list_jobs(tx, &JobFilter::default(), None, 1)).expect("it reads");
    let last = newest.first().map_or(at(0), |row| row.submitted_at);
    let succeeded = JobFilter { states: [JobStatus::Succeeded].into(), ..JobFilter::default() };
    let common_row = store.read(|tx| rows::list_jobs(tx, &succeeded, None, 1)).expect("it reads").remove(0);

    println!("{:<58} {:>10} {:>10}", "", "median", "longest");
    lists(&store, &common_row);
    jobs_by_id(&store, &common_row, last);
    books(&store, common_row.contract, last);
    whole_store(&store, path, common_row.contract, last);
}

/// Opens the store and reads what is alive, as a center does that starts.
fn open(path: &Path) -> Store {
    let began_at = Instant::now();
    let store = rows::open(path);
    let (active, active_runs) = store
        .read(|tx| {
            tenants::list_tenants(tx)?;
            pools::list_nodes(tx)?;
            contracts::list_contracts(tx, None)?;
            ledger::balances_of_contracts(tx)?;
            Ok::<_, StoreError>((jobs::read_active(tx, Job::outline)?, runs::list_active(tx)?))
        })
        .expect("it reads");
    let took = began_at.elapsed();
    println!(
        "start: open, and read what is alive ({} jobs, {} runs): {took:.1?}",
        active.len(),
        active_runs.len()
    );
    store
}

/// Pages of jobs by filters that find much or little. `row` is a job of a tenant with much.
fn lists(store: &Store, row: &JobRow) {
    let (big, project, contract) = (row.tenant, row.project, row.contract);
    let small =
        store.read(tenants::list_tenants).expect("it reads").iter().map(|t| t.id).max().expect("tenants");
    let all = JobFilter::default;
    let text = |text: &str| Some(text.to_owned());
    for (what, filter) in [
        ("page of 50 jobs, all", all()),
        ("… of a tenant", JobFilter { tenant: Some(big), ..all() }),
        ("… of a tenant with few", JobFilter { tenant: Some(small), ..all() }),
        ("… of a project", JobFilter { tenant: Some(big), projects: vec![project], ..all() }),
        ("… of a contract", JobFilter { tenant: Some(big), contract: Some(contract), ..all() }),
        ("… of a domain", JobFilter { domain: Some(TenantDomain::Research), ..all() }),
        ("… running", JobFilter { states: [JobStatus::Running].into(), ..all() }),
        (
            "… failed, of a tenant",
            JobFilter { tenant: Some(big), states: [JobStatus::Failed].into(), ..all() },
        ),
        ("… timed out (one in 100,000)", JobFilter { states: [JobStatus::TimedOut].into(), ..all() }),
        (
            "… timed out, of a project",
            JobFilter { projects: vec![project], states: [JobStatus::TimedOut].into(), ..all() },
        ),
        (
            "… timed out, of a domain",
            JobFilter { domain: Some(TenantDomain::Research), states: [JobStatus::TimedOut].into(), ..all() },
        ),
        (
            "… running, of a project",
            JobFilter {
                tenant: Some(big),
                projects: vec![project],
                states: [JobStatus::Running].into(),
                ..all()
            },
        ),
        ("… with a common word", JobFilter { name_contains: text("VOICE"), ..all() }),
        ("… with a rare word, bounded", JobFilter { name_contains: text("needle"), ..all() }),
        (
            "… with a rare word, of a tenant, bounded",
            JobFilter { tenant: Some(big), name_contains: text("needle"), ..all() },
        ),
        (
            "… with a rare word, of a project, bounded",
            JobFilter { projects: vec![project], name_contains: text("needle"), ..all() },
        ),
        (
            "… with a rare word, failed, of a domain, bounded",
            JobFilter {
                domain: Some(TenantDomain::Research),
                states: [JobStatus::Failed].into(),
                name_contains: text("needle"),
                ..all()
            },
        ),
    ] {
        time(store, what, |tx| jobs::page_jobs(tx, &filter, None, 50).map(|page| page.rows.len()));
    }
    let needle = JobFilter { name_contains: text("needle"), ..all() };
    time(store, "all jobs with a rare word, unbounded", |tx| {
        rows::list_jobs(tx, &needle, None, 50).map(|rows| rows.len())
    });
}

/// One job, its runs, and the jobs around and like it.
fn jobs_by_id(store: &Store, row: &JobRow, last: Timestamp) {
    let middle =
        domain::JobId::new(Timestamp::from_micros(last.as_micros().midpoint(at(0).as_micros())), [0; 10]);
    time(store, "page of 50 jobs in the middle", |tx| {
        jobs::page_jobs(tx, &JobFilter::default(), Some(middle), 50).map(|page| page.rows.len())
    });
    time(store, "a job", |tx| jobs::get_job(tx, row.id).map(|_| 1));
    time(store, "its runs", |tx| runs::list_runs(tx, row.id, None, 50).map(|rows| rows.len()));
    time(store, "count by state, all", |tx| jobs::count_by_state(tx, None).map(|counts| counts.len()));
    time(store, "count by state, of a tenant", |tx| {
        jobs::count_by_state(tx, Some(row.tenant)).map(|counts| counts.len())
    });
}

/// Balances, transfers, occupancies and statements.
fn books(store: &Store, contract: ContractId, last: Timestamp) {
    let account = Account::Contract(contract);
    time(store, "balance of a contract", |tx| ledger::balance(tx, account, Unit::MicroCny).map(|_| 1));
    time(store, "balances of all contracts", |tx| {
        ledger::balances_of_contracts(tx).map(|balances| balances.len())
    });
    time(store, "page of 50 transfers of a contract", |tx| {
        ledger::list_transfers(tx, Some(contract), 1_000_000, 50).map(|rows| rows.len())
    });
    let day = Timestamp::from_micros(last.as_micros() - 86_400_000_000);
    time(store, "occupancies of the last day", |tx| {
        runs::occupancies_between(tx, day, last).map(|all| all.len())
    });
    let early = at(10 * 86_400);
    let late = at(11 * 86_400);
    time(store, "occupancies of a day long ago", |tx| {
        runs::occupancies_between(tx, early, late).map(|all| all.len())
    });
    let month = Timestamp::from_micros(last.as_micros() - 30 * 86_400_000_000);
    time(store, "statement of a month, by project", |tx| {
        ledger::lines_between(tx, contract, month, last, ledger::By::Project).map(|all| all.len())
    });
    time(store, "statement of a month, by job", |tx| {
        ledger::lines_between(tx, contract, month, last, ledger::By::Job).map(|all| all.len())
    });
}

/// A posting, the proof of the ledger, a backup.
fn whole_store(store: &Store, path: &Path, contract: ContractId, last: Timestamp) {
    let posting = Posting {
        key: format!("bench/{}", last.as_micros()),
        unit: Unit::MicroCny,
        debit: Account::Cash,
        credit: Account::Contract(contract),
        amount: 1,
        cause: Cause::TopUp,
        corrects: None,
    };
    let began_at = Instant::now();
    let _: bool = store
        .write(move |tx| ledger::post(tx, &posting, rows::transfer_id(last), last))
        .expect("the transfer is kept");
    println!("a durable posting: {:.1?}", began_at.elapsed());

    let began_at = Instant::now();
    let report = store.read(ledger::verify).expect("it reads");
    println!(
        "the ledger verified ({} transfers, {} runs, right: {}): {:.1?}",
        report.transfers,
        report.runs,
        report.is_right(),
        began_at.elapsed()
    );
    let to = path.with_extension("backup");
    let backup = store.backup(&to).expect("the backup is made");
    println!("a backup of {} MiB, checked: {} ms", backup.bytes >> 20, backup.elapsed_ms);
    std::fs::remove_file(to).expect("the backup is there");
}

/// Runs a query many times, each in a snapshot of its own.
fn time(store: &Store, what: &str, mut query: impl FnMut(&Tx) -> Result<usize, StoreError>) {
    let mut rows = 0;
    let mut times: Vec<Duration> = (0..REPEATS)
        .map(|_| {
            let began_at = Instant::now();
            rows = store.read(&mut query).expect("it reads");
            began_at.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{what:<58} {:>10.2?} {:>10.2?}   {rows} rows", times[REPEATS / 2], times[REPEATS - 1]);
}
