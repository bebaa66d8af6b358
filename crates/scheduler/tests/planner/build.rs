//! Small centers for tests.

use std::sync::Arc;

use domain::{
    CardMs, CardSet, ContractId, JobId, Millis, NodeId, Placement, PoolId, QueueTerms, RunId, ServiceClass,
    TenantId, Timestamp,
    card::Affinity,
    node::{Slot, even_rings},
};
use scheduler::{Gate, NodeView, Occupied, Policy, Queue, Snapshot, Waiting, plan};

pub const NOW: Timestamp = Timestamp::from_secs(1_653_033_600);
pub const HOUR: Millis = Millis::from_hours(1);

fn random(number: u32) -> [u8; 10] {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    random
}

pub fn pool_id(number: u32) -> PoolId {
    PoolId::new(NOW, random(number))
}

pub fn node_id(number: u32) -> NodeId {
    NodeId::new(NOW, random(number))
}

pub fn queue_id(number: u32) -> ContractId {
    ContractId::new(NOW, random(number))
}

pub fn job_id(number: u32) -> JobId {
    JobId::new(NOW, random(number))
}

pub fn run_id(number: u32) -> RunId {
    RunId::new(NOW, random(number))
}

/// An idle node of 8 cards of pool 0 behind switch `a`.
pub fn node(number: u32, affinity: Affinity) -> NodeView {
    node_of(number, affinity, 8, 0, "a")
}

pub fn node_of(number: u32, affinity: Affinity, cards: u8, pool: u32, switch: &str) -> NodeView {
    NodeView {
        id: node_id(number),
        name: format!("n{number:03}").into(),
        pool: pool_id(pool),
        model: "ascend-910".into(),
        affinity,
        rings: even_rings(cards, 4).into(),
        cards: CardSet::first(cards),
        free: CardSet::first(cards),
        takes_runs: true,
        switch: switch.into(),
        labels: [].into(),
        maintenance: None,
    }
}

/// A queue of pool 0 with no guarantee, weight 1 and room for 1,000 cards.
pub fn queue(number: u32) -> Queue {
    let terms = QueueTerms {
        guaranteed_cards: 0,
        borrowing_limit: None,
        lending_limit: None,
        weight: 1,
        max_running_cards: 1000,
    };
    Queue {
        id: queue_id(number),
        tenant: TenantId::new(NOW, random(number)),
        cohort: None,
        pools: Arc::new([pool_id(0)]),
        unpriced: [].into(),
        terms,
        gate: Gate::Open,
        use_card_ms: CardMs::ZERO,
    }
}

/// A job of one hour, submitted `number` seconds ago less a day: a higher number is younger.
pub fn job(number: u32, queue: u32, nodes: u32, cards_per_node: u32) -> Waiting {
    Waiting {
        job: job_id(number),
        queue: queue_id(queue),
        class: ServiceClass::Normal,
        nodes,
        max_nodes: nodes,
        cards_per_node,
        is_exclusive: false,
        models: [].into(),
        labels: [].into(),
        time_limit: HOUR,
        submitted_at: Timestamp::from_secs(NOW.as_micros() / 1_000_000 - 86_400 + i64::from(number)),
        tasks: 1,
        block: None,
    }
}

/// Lets a run of `queue` hold the cards in `places` until `hours` from now: the index of each node and its
/// cards, which are free no more.
pub fn occupy(snapshot: &mut Snapshot, number: u32, queue: u32, places: &[(usize, CardSet)], hours: i64) {
    let slot = |&(index, cards): &(usize, CardSet)| {
        let node = &mut snapshot.nodes[index];
        assert!(cards.is_subset(node.free), "{cards} of {}", node.free);
        node.free = node.free.without(cards);
        Slot { node: node.id, cards }
    };
    let placement = Placement(places.iter().map(slot).collect());
    snapshot.running.push(Occupied {
        run: run_id(number),
        job: job_id(number),
        queue: queue_id(queue),
        class: ServiceClass::Normal,
        cards: placement.card_count(),
        placement,
        counted: None,
        started_at: NOW,
        expected_end: NOW.plus(Millis::from_hours(hours)),
        is_preempted: false,
    });
}

pub fn cards(from: u8, to: u8) -> CardSet {
    (from..=to).collect()
}

/// The numbers of the jobs that start, in order.
pub fn started(snapshot: &Snapshot) -> Vec<u32> {
    plan(snapshot, &Policy::default(), NOW).starts.iter().map(|start| number_of(start.job)).collect()
}

pub fn number_of(job: JobId) -> u32 {
    (0..10_000).find(|&number| job_id(number) == job).expect("a job of the test")
}
