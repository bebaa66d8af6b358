//! How fast traces are replayed, beside the plain simulator: `cargo bench -p twin --bench replay`. With
//! `QIANTANG_TRACES=FOLDER` it also replays two logs of the Parallel Workloads Archive in that folder.

use std::{path::Path, time::Instant};

use domain::{ServiceClass, card::Affinity};
use testkit::{Dice, median};
use twin::{JobName, Nodes, Setup, Trace, TraceJob, reference, replay};

/// How often each is measured; odd, for the median.
const REPEATS: usize = 5;

fn main() {
    let made = workload(100_000, 1_024, 20, 9 * 3600);
    counted("100,000 made jobs on 1,024 cards", &made, 1_024);
    if let Some(folder) = std::env::var_os("QIANTANG_TRACES") {
        for (file, cards) in [("KTH-SP2-1996-2.1-cln.swf.gz", 100), ("SDSC-BLUE-2000-4.2-cln.swf.gz", 1_152)]
        {
            let path = Path::new(&folder).join(file);
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let (trace, _) = twin::read(&bytes, None);
            counted(file, &trace, cards);
        }
    }
    network();
}

/// The planner and the plain simulator in turn, with EASY backfill on counted cards.
fn counted(name: &str, trace: &Trace, cards: u32) {
    let setup = Setup::new(cards, "easy".parse().expect("a policy"));
    let jobs = rate(trace.jobs.len());
    let (mut planner, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        planner.push(seconds(|| _ = replay(trace, &setup, &mut |_| {})));
        plain.push(seconds(|| _ = reference::starts(&trace.jobs, cards, true)));
    }
    let (planner, plain) = (median(&mut planner), median(&mut plain));
    println!(
        "{name}, easy: {:.0} jobs/s; the plain simulator {:.0} jobs/s (median of {REPEATS})",
        jobs / planner,
        jobs / plain
    );
}

/// A million jobs on 12,500 nodes of 8 cards, fair share between 100 queues, EASY backfill.
fn network() {
    let trace = workload(1_000_000, 100_000, 100, 3600);
    let nodes = Nodes {
        count: 12_500,
        cards_per_node: 8,
        affinity: Affinity::Rings,
        ring_len: 4,
        nodes_per_switch: 32,
    };
    let setup = Setup::on(nodes, "fair-share+easy".parse().expect("a policy"));
    let began = Instant::now();
    let outcome = replay(&trace, &setup, &mut |_| {});
    let took = began.elapsed().as_secs_f64();
    let waited = outcome
        .runs
        .iter()
        .zip(&trace.jobs)
        .filter_map(|(run, job)| Some(run.as_ref()?.start_ms - job.submit_ms));
    let waits = waited.filter(|wait| *wait > 0).count();
    println!(
        "1,000,000 jobs on 12,500 nodes of 8 cards, fair-share+easy: {took:.1} s, {:.0} jobs/s; {waits} of them waited",
        rate(trace.jobs.len()) / took
    );
}

/// Jobs of 1 to 64 cards that ask for about as many cards as there are.
fn workload(count: u32, cards: u32, queues: u32, mean_run_s: u32) -> Trace {
    let mut dice = Dice::new(1);
    let mut below =
        |bound: u32| u32::try_from(dice.below(u64::from(bound))).expect("below a number of 32 bits");
    let sizes = [1, 2, 4, 8, 16, 64];
    let mean_cards = 16_u32;
    let between_us = u64::from(mean_cards) * u64::from(mean_run_s) * 1_000_000 / u64::from(cards);
    let mut submit_us = 0_u64;
    let jobs = (0..count).map(|number| {
        submit_us += u64::from(below(2000)) * between_us / 1000;
        let run_ms = i64::from(1 + below(2 * mean_run_s)) * 1000;
        let estimate_ms = run_ms * i64::from(100 + below(200)) / 100;
        TraceJob {
            submit_ms: i64::try_from(submit_us / 1000).expect("far from the end of time"),
            run_ms,
            estimate_ms,
            name: JobName::number(u64::from(number)),
            cards: sizes[below(6) as usize],
            user: 0,
            queue: below(queues),
            model: 0,
            domain: None,
            class: ServiceClass::Normal,
        }
    });
    Trace { jobs: jobs.collect(), ..Trace::default() }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

fn rate(jobs: usize) -> f64 {
    f64::from(u32::try_from(jobs).expect("a few million jobs"))
}
