//! How many durable writes a second: each a job with its event, its line in the audit log and its idempotency
//! row, as one submission makes them.
//!
//! `cargo bench -p store --bench commit -- [seconds [in flight …]]`

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use domain::{AuditId, Role, Timestamp};
use store::{StoreError, Tx, audit, events, idempotency, jobs};
use testkit::rows::{self, Party};

fn main() {
    let args: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let seconds = args.first().copied().unwrap_or(5);
    let in_flight = if args.len() > 1 { args[1..].to_vec() } else { vec![1, 16, 64, 256, 1024] };
    println!(
        "{:>9} {:>12} {:>9} {:>10} {:>9} {:>9} {:>11} {:>12}",
        "in flight", "writes/s", "commits", "a commit", "p50 ms", "p99 ms", "µs of CPU", "checkpoints"
    );
    for in_flight in in_flight {
        bench(in_flight, Duration::from_secs(seconds));
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Keeps `in_flight` writes in flight: each acknowledgement makes room for the next write.
fn bench(in_flight: u64, time: Duration) {
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).expect("a folder");
    let store = rows::open(&dir.path().join("center.db"));
    let center = rows::seed(&store, 6, 40);
    let (before, cpu_before) = (store.stats(), writer_cpu_us(&store));
    let (acknowledged, acknowledgements) = mpsc::channel::<Instant>();
    let began_at = Instant::now();
    let (mut submitted, mut open) = (0_u64, 0_u64);
    let mut latencies = Vec::new();
    loop {
        while open < in_flight && began_at.elapsed() < time {
            let party =
                center.parties[usize::try_from(submitted).unwrap_or(0) % center.parties.len()].clone();
            let acknowledged = acknowledged.clone();
            let asked_at = Instant::now();
            store.submit(
                move |tx| submission(tx, &party, submitted),
                move |result: Result<(), StoreError>| {
                    result.expect("the write is kept");
                    let _ = acknowledged.send(asked_at);
                },
            );
            submitted += 1;
            open += 1;
        }
        if open == 0 {
            break;
        }
        let mut asked_at = acknowledgements.recv().expect("the writer lives");
        loop {
            latencies.push(asked_at.elapsed());
            open -= 1;
            match acknowledgements.try_recv() {
                Ok(next) => asked_at = next,
                Err(_) => break,
            }
        }
    }
    let elapsed = began_at.elapsed().as_secs_f64();
    let cpu_us = writer_cpu_us(&store) - cpu_before;
    let stats = store.stats();
    latencies.sort_unstable();
    let ms = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    let commits = stats.commits - before.commits;
    println!(
        "{in_flight:>9} {:>12.0} {commits:>9} {:>10.1} {:>9.2} {:>9.2} {:>11.1} {:>12}   work {:.2}s commit {:.2}s checkpoint {:.2}s of {elapsed:.2}s",
        submitted as f64 / elapsed,
        submitted as f64 / commits as f64,
        ms(50),
        ms(99),
        cpu_us as f64 / submitted as f64,
        stats.checkpoints,
        (stats.work_us - before.work_us) as f64 / 1e6,
        (stats.commit_us - before.commit_us) as f64 / 1e6,
        stats.checkpoint_us as f64 / 1e6,
    );
}

/// The processor time of the writer's thread, which does not depend on other programs.
fn writer_cpu_us(store: &store::Store) -> u64 {
    let read = |_: &Tx| {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let ns = text.split_whitespace().next().and_then(|ns| ns.parse::<u64>().ok());
        Ok::<_, StoreError>(ns.unwrap_or(0) / 1000)
    };
    store.write(read).expect("the writer lives")
}

/// The writes of one submission over HTTP.
fn submission(tx: &Tx, party: &Party, n: u64) -> Result<(), StoreError> {
    let at = now();
    let key = format!("{:032x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    if idempotency::find(tx, party.member, &key)?.is_some() {
        return Err(StoreError::Conflict { what: key });
    }
    let job = rows::job(party, "digits", at);
    jobs::insert_job(tx, &job)?;
    let id = job.id.to_string();
    events::append(
        tx,
        &events::NewEvent {
            at,
            tenant: Some(job.tenant),
            job: Some(job.id),
            run: None,
            kind: "job.submitted".into(),
            data: serde_json::json!({ "name": job.spec.name, "cards": 1 }),
        },
    )?;
    audit::append(
        tx,
        &audit::AuditRecord {
            id: AuditId::new(at, rows::unique()),
            at,
            actor: Some(party.member),
            actor_login: "dev-0".into(),
            role: Some(Role::Developer),
            tenant: Some(party.tenant),
            action: "job.submit".into(),
            subject: id.clone(),
            from_address: "127.0.0.1".into(),
            detail: serde_json::json!({ "name": job.spec.name }),
        },
    )?;
    let answer = idempotency::Answer { status: 201, body: format!("{{\"id\":\"{id}\"}}") };
    let answer = idempotency::Stored { request_hash: [7; 32], answer: Some(answer) };
    idempotency::insert(tx, party.member, &key, &answer, at)
}
