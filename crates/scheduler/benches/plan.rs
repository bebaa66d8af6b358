//! The cost of a plan: in a center of 160 cards as in the seed story, and in a network of 100,000.

use std::{collections::VecDeque, sync::Arc};

use divan::Bencher;
use domain::{
    CardMs, CardSet, ContractId, JobId, Millis, NodeId, Placement, PoolId, QueueTerms, RunId, ServiceClass,
    TenantId, Timestamp,
    card::Affinity,
    node::{Slot, even_rings},
};
use scheduler::{Gate, NodeView, Occupied, Planner, Policy, Queue, Snapshot, Waiting, plan, try_out};

fn main() {
    tell_memory();
    divan::main();
}

/// Prints the memory that the planner of the network below takes once the snapshot of which it was made is
/// gone, and the most memory before.
fn tell_memory() {
    let mib = |field: &str| -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<u64>().ok().map(|kib| kib / 1024)
    };
    let mut snapshot = center(12_500, 1_000, 100_000, MIXED);
    fill(&mut snapshot, 12_375);
    let mut planner = Planner::of(&snapshot, Policy::default(), NOW);
    let started = planner.plan(NOW).starts.len();
    let verdicts = planner.verdicts().len();
    drop(snapshot);
    println!(
        "100,000 cards, 100,000 jobs: {:?} MiB resident, {:?} at most; {started} started, {verdicts} verdicts",
        mib("VmRSS"),
        mib("VmHWM")
    );
}

const NOW: Timestamp = Timestamp::from_secs(1_653_033_600);

fn random(number: u32) -> [u8; 10] {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    random
}

/// Nodes of 8 cards, 32 behind a switch.
fn nodes(count: u32) -> Vec<NodeView> {
    let model: Arc<str> = "ascend-910".into();
    let no_names: Arc<[Arc<str>]> = Arc::default();
    let rings: Arc<[CardSet]> = even_rings(8, 4).into();
    let node = |number: u32| NodeView {
        id: NodeId::new(NOW, random(number)),
        name: format!("node-{number:05}").into(),
        pool: PoolId::new(NOW, random(0)),
        model: model.clone(),
        affinity: Affinity::Rings,
        rings: rings.clone(),
        cards: CardSet::first(8),
        free: CardSet::first(8),
        takes_runs: true,
        switch: format!("leaf-{:03}", number / 32).into(),
        labels: no_names.clone(),
        maintenance: None,
    };
    (0..count).map(node).collect()
}

fn queues(count: u32) -> Vec<Queue> {
    let pools: Arc<[PoolId]> = Arc::new([PoolId::new(NOW, random(0))]);
    let terms = QueueTerms {
        guaranteed_cards: 4,
        borrowing_limit: None,
        lending_limit: None,
        weight: 1,
        max_running_cards: 100_000,
    };
    let queue = |number: u32| Queue {
        id: ContractId::new(NOW, random(number)),
        tenant: TenantId::new(NOW, random(number)),
        cohort: None,
        pools: pools.clone(),
        unpriced: Arc::default(),
        terms,
        gate: Gate::Open,
        use_card_ms: CardMs(i64::from(number) * 1_000_000),
    };
    (0..count).map(queue).collect()
}

/// Jobs of `shapes`, of the queues in turn, oldest first.
fn waiting(count: u32, queues: &[Queue], shapes: &[(u32, u32)]) -> Vec<Waiting> {
    let no_names: Arc<[Arc<str>]> = Arc::default();
    let job = |number: u32| {
        let (nodes, cards_per_node) = shapes[number as usize / queues.len() % shapes.len()];
        Waiting {
            job: JobId::new(NOW, random(number)),
            queue: queues[number as usize % queues.len()].id,
            class: if number.is_multiple_of(10) { ServiceClass::Spot } else { ServiceClass::Normal },
            nodes,
            max_nodes: nodes,
            cards_per_node,
            is_exclusive: false,
            models: no_names.clone(),
            labels: no_names.clone(),
            time_limit: Millis::from_secs(600 + i64::from(number % 7) * 600),
            submitted_at: NOW.minus(Millis::from_secs(i64::from(count - number))),
            tasks: 1,
            block: None,
        }
    };
    (0..count).map(job).collect()
}

/// Fills all nodes but those at `idle..` with runs of 8 cards.
fn fill(snapshot: &mut Snapshot, idle: usize) {
    let queues: Vec<ContractId> = snapshot.queues.iter().map(|queue| queue.id).collect();
    for (number, node) in (0..).zip(&mut snapshot.nodes[..idle]) {
        snapshot.running.push(Occupied {
            run: RunId::new(NOW, random(number)),
            job: JobId::new(NOW, random(number)),
            queue: queues[number as usize % queues.len()],
            class: ServiceClass::Normal,
            placement: Placement(vec![Slot { node: node.id, cards: node.free }]),
            cards: node.free.len(),
            counted: None,
            started_at: NOW,
            is_preempted: false,
            expected_end: NOW.plus(Millis::from_secs(60 + i64::from(number) * 7919 % 3600)),
        });
        node.free = CardSet::EMPTY;
    }
}

fn center(node_count: u32, queue_count: u32, jobs: u32, shapes: &[(u32, u32)]) -> Snapshot {
    let queues = queues(queue_count);
    let waiting = waiting(jobs, &queues, shapes);
    Snapshot { nodes: nodes(node_count), queues, waiting, ..Snapshot::default() }
}

const SINGLE: &[(u32, u32)] = &[(1, 1)];
const MIXED: &[(u32, u32)] = &[(1, 1), (1, 2), (1, 4), (1, 8), (2, 8), (8, 8)];

/// 20 nodes, 10 queues; `jobs` wait and no card is free.
#[divan::bench(args = [1_000, 10_000, 50_000])]
fn full_160_cards(bencher: Bencher, jobs: u32) {
    let mut snapshot = center(20, 10, jobs, SINGLE);
    fill(&mut snapshot, 20);
    bencher.bench(|| plan(&snapshot, &Policy::default(), NOW));
}

/// The same without forecasts.
#[divan::bench(args = [1_000, 10_000, 50_000])]
fn full_160_cards_no_forecast(bencher: Bencher, jobs: u32) {
    let mut snapshot = center(20, 10, jobs, SINGLE);
    fill(&mut snapshot, 20);
    let policy = Policy { forecast_runs: 0, ..Policy::default() };
    bencher.bench(|| plan(&snapshot, &policy, NOW));
}

/// 10,000 jobs of mixed shapes and 160 idle cards.
#[divan::bench]
fn idle_160_cards_10_000_jobs(bencher: Bencher) {
    let snapshot = center(20, 10, 10_000, MIXED);
    bencher.bench(|| plan(&snapshot, &Policy::default(), NOW));
}

/// A dry run of one job before 10,000 of mixed shapes.
#[divan::bench]
fn try_out_160_cards_10_000_jobs(bencher: Bencher) {
    let mut snapshot = center(20, 10, 10_000, MIXED);
    fill(&mut snapshot, 20);
    let tried = snapshot.waiting.remove(5_000);
    bencher.bench(|| try_out(&snapshot, &Policy::default(), NOW, &tried));
}

/// 12,500 nodes, 1,000 queues, 100,000 jobs of mixed shapes: no card free, 1 % idle, all idle.
#[divan::bench(args = [12_500, 12_375, 0], sample_count = 20)]
fn network_100_000_cards_100_000_jobs(bencher: Bencher, filled: usize) {
    let mut snapshot = center(12_500, 1_000, 100_000, MIXED);
    fill(&mut snapshot, filled);
    let policy = Policy { max_starts: 100_000, ..Policy::default() };
    bencher.bench(|| plan(&snapshot, &policy, NOW));
}

/// The same network, full: a run ends, and the jobs that can start do. A plan from scratch of the same is
/// measured beside it.
#[divan::bench(args = [true, false], sample_count = 200)]
fn network_after_one_event(bencher: Bencher, is_told: bool) {
    let mut snapshot = center(12_500, 1_000, 100_000, MIXED);
    fill(&mut snapshot, 12_500);
    let policy = Policy { forecast_runs: 0, ..Policy::default() };
    let mut planner = Planner::of(&snapshot, policy, NOW);
    planner.plan(NOW);
    let mut runs: VecDeque<_> =
        snapshot.running.iter().map(|run| planner.ticket(run.run).expect("it runs")).collect();
    let mut now = NOW;
    bencher.bench_local(|| {
        now = now.plus(Millis::from_secs(1));
        if is_told {
            planner.end(runs.pop_front().expect("there are always runs"), now);
            let decisions = planner.plan(now);
            runs.extend(decisions.starts.iter().map(|start| start.ticket));
            decisions.starts.len()
        } else {
            Planner::of(&snapshot, policy, now).plan(now).starts.len()
        }
    });
}
