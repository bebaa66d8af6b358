//! Random centers, from a seed.

use std::sync::Arc;

use domain::{
    BudgetId, CardMs, CardSet, ContractState, Millis, QueueTerms, ServiceClass, card::Affinity,
    node::even_rings,
};
use scheduler::{Block, Gate, NodeView, Queue, Snapshot, Waiting};

use testkit::Dice;

use crate::build::*;

/// Random draws, from a seed.
pub struct Random(Dice);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.0.below(bound.into())).unwrap()
    }

    pub fn one_in(&mut self, bound: u32) -> bool {
        self.below(bound) == 0
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(u32::try_from(choices.len()).unwrap()) as usize]
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(u32::try_from(i + 1).unwrap()) as usize);
        }
    }
}

/// 1 to 3 pools of 1 to 5 nodes, idle; 1 to 4 queues.
pub fn center(random: &mut Random) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let pools = 1 + random.below(3);
    for pool in 0..pools {
        let affinity = random.of(&[Affinity::Any, Affinity::Rings, Affinity::Pairs]);
        for _ in 0..=random.below(5) {
            let number = u32::try_from(snapshot.nodes.len()).unwrap();
            let count = random.of(&[8, 8, 8, 4, 6]);
            let mut node = node_of(number, affinity, count, pool, random.of(&["", "a", "b"]));
            node.rings = even_rings(count, random.of(&[4, 4, 8])).into();
            node.model = if random.one_in(5) { "other" } else { "ascend-910" }.into();
            node.takes_runs = !random.one_in(8);
            if random.one_in(8) {
                node.cards = CardSet::from_bits(node.cards.bits() & !(1 << random.below(4)));
                node.free = node.cards;
            }
            snapshot.nodes.push(node);
        }
    }
    for number in 0..=random.below(4) {
        snapshot.queues.push(random_queue(random, number, pools));
    }
    snapshot
}

fn random_queue(random: &mut Random, number: u32, pools: u32) -> Queue {
    let mut of = queue(number);
    of.pools = (0..pools).filter(|_| !random.one_in(3)).map(pool_id).collect::<Vec<_>>().into();
    let guaranteed_cards = random.below(9);
    of.terms = QueueTerms {
        guaranteed_cards,
        borrowing_limit: random.one_in(3).then(|| random.below(9)),
        lending_limit: None,
        weight: random.below(4),
        max_running_cards: random.of(&[8, 16, 30]),
    };
    of.use_card_ms = CardMs(i64::from(random.below(3)) * 36_000_000);
    of.gate = match random.below(12) {
        0 => Gate::Closed(ContractState::Suspended),
        1 => Gate::NotYet { starts_at: NOW.plus(HOUR) },
        2 => Gate::Ended,
        _ => Gate::Open,
    };
    of
}

/// A job of one of the queues, or of none.
pub fn random_job(random: &mut Random, number: u32, queues: u32) -> Waiting {
    let queue = random.below(queues);
    let queue = if random.one_in(40) { 99 } else { queue };
    let mut asks = job(number, queue, random.of(&[1, 1, 1, 2, 3]), random.of(&[1, 1, 2, 2, 4, 8, 3, 6]));
    asks.class = random.of(&ServiceClass::ALL);
    if random.one_in(6) {
        asks.models = [Arc::from(random.of(&["other", "ascend-910", "none"]))].into();
    }
    asks.max_nodes = asks.nodes;
    asks.time_limit = Millis(HOUR.0 * i64::from(1 + random.below(5)) / 2);
    asks.submitted_at = NOW.minus(Millis::from_secs(i64::from(random.below(20))));
    asks.tasks = random.of(&[1, 1, 1, 1, 3, 7]);
    asks.block = match random.below(12) {
        0 => Some(Block::Dependency { waits_for: 1, first: job_id(7) }),
        2 => Some(Block::Budget(BudgetId::from_bytes([9; 16]))),
        1 => Some(Block::ArrayLimit { running: 2, limit: 2 + asks.tasks }),
        _ => None,
    };
    asks
}

/// A center with runs and waiting jobs.
pub fn busy_center(random: &mut Random, most_jobs: u32) -> Snapshot {
    let mut snapshot = center(random);
    let queues = u32::try_from(snapshot.queues.len()).unwrap();
    for index in 0..snapshot.nodes.len() {
        while random.below(3) > 0 {
            let NodeView { free, .. } = snapshot.nodes[index];
            let some = CardSet::from_bits(free.bits() & u64::from(random.below(256)));
            if !some.is_empty() {
                let number = 5000 + u32::try_from(snapshot.running.len()).unwrap();
                let queue = random.below(queues);
                let hours = i64::from(random.below(5)) - 1;
                occupy(&mut snapshot, number, queue, &[(index, some)], hours);
            }
        }
    }
    let jobs = random.below(most_jobs + 1);
    snapshot.waiting = (0..jobs).map(|number| random_job(random, number, queues)).collect();
    snapshot
}
