//! How tightly a hall is packed. Jobs drawn from a trace come faster than the hall can take them, and each is
//! placed at once or turned away. The planner chooses the nodes, or, for comparison, plain best fit does.
//!
//! No job waits, so the results differ only by where jobs were placed: a chooser that leaves holes which the
//! next large job can't use turns that job away.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

use domain::{
    CardMs, CardSet, Millis, PoolId, QueueTerms, ServiceClass, Timestamp,
    card::{Affinity, MAX_CARDS_PER_NODE},
    node::even_rings,
};
use scheduler::{Gate, NodeView, Planner, Queue, Ticket, Waiting};

use super::ids::{job_id, node_id, node_number, pool_id, queue_id, tenant_id};
use crate::{
    random::Dice,
    read::node_list::HallNode,
    trace::{Trace, TraceJob},
};

/// The jobs that come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    pub seed: u64,
    /// The number of jobs.
    pub jobs: u32,
    /// The cards that jobs ask for over the cards that there are, in thousandths: above 1,000 the hall is
    /// full.
    pub load_milli: u32,
}

/// How nodes are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chooser {
    Planner,
    /// The node on which the fewest cards are left over.
    BestFit,
}

/// How tightly the hall was packed: means over the second half of the jobs, each of which looks at the hall
/// as it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Packed {
    /// Cards in use over cards.
    pub allocation: f64,
    /// Free cards on nodes in use, over cards. A job that asks for whole nodes can't have them.
    pub fragmentation: f64,
    /// Free cards that a job like those of the trace can't use where they are, over cards. Such a job counts
    /// the free cards on nodes that have fewer of them than it asks for; this is the mean over the trace's
    /// jobs.
    pub unusable: f64,
    /// Jobs turned away over jobs.
    pub turned_away: f64,
    /// Card time turned away over card time asked for.
    pub card_time_turned_away: f64,
}

/// Packs `nodes` with jobs like those of `trace` that fit on one node.
pub fn pack(trace: &Trace, nodes: &[HallNode], pressure: Pressure, chooser: Chooser) -> Packed {
    let most = nodes.iter().map(|node| u32::from(node.cards)).max().unwrap_or(0);
    let pods: Vec<&TraceJob> = trace.jobs.iter().filter(|job| job.cards <= most).collect();
    let mut hall: Box<dyn Packer> = match chooser {
        Chooser::Planner => Box::new(PlannerPacker::new(nodes)),
        Chooser::BestFit => Box::new(BestFitPacker { free: nodes.iter().map(|node| node.cards).collect() }),
    };
    let mut occupancy = HallState::new(nodes, &pods);
    let mut dice = Dice(pressure.seed);
    let mut ends: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
    // The node and the cards of each job that was placed.
    let mut places: Vec<(u32, u8)> = Vec::new();
    let card_ms: u128 =
        pods.iter().map(|job| u128::from(job.cards) * u128::from(job.run_ms.unsigned_abs())).sum();
    let given = u128::from(occupancy.cards) * pods.len() as u128 * u128::from(pressure.load_milli.max(1));
    // The mean time between two jobs, in microseconds, with which they ask for `load_milli` thousandths of
    // the cards.
    let mean_gap_us = u64::try_from(card_ms * 1_000_000 / given.max(1)).unwrap_or(u64::MAX).max(1);
    let mut sums = PackSums::default();
    let mut clock_us = 0_i64;
    for turn in 0..pressure.jobs {
        if pods.is_empty() {
            break;
        }
        // Uniform up to twice the mean, so that arrivals have no bursts.
        let gap = dice.below(mean_gap_us.saturating_mul(2));
        clock_us = clock_us.saturating_add(i64::try_from(gap).unwrap_or(i64::MAX));
        let now_ms = clock_us / 1000;
        while let Some(&Reverse((at, held))) = ends.peek()
            && at <= now_ms
        {
            ends.pop();
            let (node, cards) = places[held];
            hall.end(held, (node, cards), at);
            occupancy.give(node, cards);
        }
        let job = pods[dice.index(pods.len())];
        let is_counted = turn >= pressure.jobs / 2;
        if is_counted {
            occupancy.add_to(&mut sums);
        }
        let chosen = hall.place(turn, job, now_ms);
        if is_counted {
            sums.count(job, chosen.is_some());
        }
        if let Some(node) = chosen {
            let cards = u8::try_from(job.cards).unwrap_or(MAX_CARDS_PER_NODE);
            occupancy.take(node, cards);
            ends.push(Reverse((now_ms.saturating_add(job.run_ms), places.len())));
            places.push((node, cards));
        }
    }
    sums.means(occupancy.cards)
}

/// A hall in which a chooser places jobs.
trait Packer {
    /// Places a job. Gives its node; `None` if the job is turned away.
    fn place(&mut self, turn: u32, job: &TraceJob, now_ms: i64) -> Option<u32>;
    /// Ends the `nth` job that was placed, from 0.
    fn end(&mut self, nth: usize, place: (u32, u8), at_ms: i64);
}

struct BestFitPacker {
    free: Vec<u8>,
}

impl Packer for BestFitPacker {
    fn place(&mut self, _: u32, job: &TraceJob, _: i64) -> Option<u32> {
        let cards = u8::try_from(job.cards).ok()?;
        let fitting = (0..).zip(&self.free).filter(|(_, free)| **free >= cards);
        let (node, _) = fitting.min_by_key(|(node, free)| (**free, *node))?;
        self.free[node as usize] -= cards;
        Some(node)
    }

    fn end(&mut self, _: usize, (node, cards): (u32, u8), _: i64) {
        self.free[node as usize] += cards;
    }
}

/// The center's planner, on one queue; a job that does not start at once is withdrawn.
struct PlannerPacker {
    planner: Planner,
    placed: Vec<Ticket>,
    nothing: Arc<[Arc<str>]>,
}

impl PlannerPacker {
    fn new(nodes: &[HallNode]) -> Self {
        let policy = scheduler::Policy { forecast_runs: 0, ..scheduler::Policy::default() };
        let mut planner = Planner::new(policy);
        let models: BTreeSet<&str> = nodes.iter().map(|node| &*node.model).collect();
        let pools: BTreeMap<&str, PoolId> = models.into_iter().zip((0..).map(pool_id)).collect();
        let view = |(at, node): (u32, &HallNode)| {
            let cards = CardSet::first(node.cards);
            NodeView {
                id: node_id(at),
                name: format!("node-{at:06}").into(),
                pool: pools[&*node.model],
                model: node.model.clone(),
                affinity: Affinity::Any,
                rings: even_rings(node.cards, node.cards).into(),
                cards,
                free: cards,
                takes_runs: true,
                switch: "".into(),
                labels: [].into(),
                maintenance: None,
            }
        };
        planner.set_places((0..).zip(nodes).map(view), &[]);
        let terms = QueueTerms {
            guaranteed_cards: 0,
            borrowing_limit: None,
            lending_limit: None,
            weight: 1,
            max_running_cards: u32::MAX,
        };
        let queue = Queue {
            id: queue_id(0),
            tenant: tenant_id(0),
            cohort: None,
            pools: pools.into_values().collect(),
            unpriced: Arc::default(),
            terms,
            gate: Gate::Open,
            use_card_ms: CardMs::ZERO,
        };
        planner.set_queue(queue, Timestamp::default());
        Self { planner, placed: Vec::new(), nothing: Arc::default() }
    }
}

impl Packer for PlannerPacker {
    fn place(&mut self, turn: u32, job: &TraceJob, now_ms: i64) -> Option<u32> {
        let id = job_id(turn as usize);
        let now = Timestamp::from_millis(now_ms);
        self.planner.submit(&Waiting {
            job: id,
            queue: queue_id(0),
            class: ServiceClass::Normal,
            nodes: 1,
            max_nodes: 1,
            cards_per_node: job.cards,
            is_exclusive: false,
            models: self.nothing.clone(),
            labels: self.nothing.clone(),
            time_limit: Millis(job.run_ms),
            submitted_at: now,
            tasks: 1,
            block: None,
        });
        let Some(start) = self.planner.plan(now).starts.into_iter().next() else {
            self.planner.withdraw(id);
            return None;
        };
        let node = start.placement.0.first()?.node;
        self.placed.push(start.ticket);
        Some(node_number(node))
    }

    fn end(&mut self, nth: usize, _: (u32, u8), at_ms: i64) {
        self.planner.end(self.placed[nth], Timestamp::from_millis(at_ms));
    }
}

const SIZES: usize = MAX_CARDS_PER_NODE as usize + 1;

/// The cards of the hall and the free ones, as the figures need them.
struct HallState {
    cards: u32,
    size: Vec<u8>,
    free: Vec<u8>,
    free_cards: u32,
    scattered: u32,
    /// For each number of cards, how many nodes have it free.
    nodes_with: [u32; SIZES],
    /// For each number of cards, how many of a million jobs ask for more.
    want_more: [u64; SIZES],
}

impl HallState {
    fn new(nodes: &[HallNode], pods: &[&TraceJob]) -> Self {
        let size: Vec<u8> = nodes.iter().map(|node| node.cards).collect();
        let cards = size.iter().map(|cards| u32::from(*cards)).sum();
        let mut nodes_with = [0; SIZES];
        for cards in &size {
            nodes_with[usize::from(*cards)] += 1;
        }
        let more = |free: usize| pods.iter().filter(|job| job.cards as usize > free).count() as u64;
        let want_more = std::array::from_fn(|free| more(free) * 1_000_000 / (pods.len() as u64).max(1));
        Self { cards, free: size.clone(), size, free_cards: cards, scattered: 0, nodes_with, want_more }
    }

    fn take(&mut self, node: u32, cards: u8) {
        let free = self.free[node as usize];
        self.set(node, free - cards);
    }

    fn give(&mut self, node: u32, cards: u8) {
        let free = self.free[node as usize];
        self.set(node, free + cards);
    }

    fn set(&mut self, node: u32, free: u8) {
        let (was, size) = (self.free[node as usize], self.size[node as usize]);
        let scattered = |free: u8| if free == size { 0 } else { u32::from(free) };
        self.scattered = self.scattered - scattered(was) + scattered(free);
        self.free_cards = self.free_cards - u32::from(was) + u32::from(free);
        self.nodes_with[usize::from(was)] -= 1;
        self.nodes_with[usize::from(free)] += 1;
        self.free[node as usize] = free;
    }

    fn add_to(&self, sums: &mut PackSums) {
        sums.seen += 1;
        sums.used += u64::from(self.cards - self.free_cards);
        sums.scattered += u64::from(self.scattered);
        let unusable = (0_u64..).zip(&self.nodes_with).zip(&self.want_more);
        sums.unusable_ppm +=
            unusable.map(|((free, nodes), more)| free * u64::from(*nodes) * more).sum::<u64>();
    }
}

#[derive(Default)]
struct PackSums {
    seen: u64,
    used: u64,
    scattered: u64,
    unusable_ppm: u64,
    turned_away: u64,
    asked_card_ms: f64,
    turned_away_card_ms: f64,
}

impl PackSums {
    fn count(&mut self, job: &TraceJob, is_placed: bool) {
        let card_ms = f64::from(job.cards) * to_f64(job.run_ms.unsigned_abs());
        self.asked_card_ms += card_ms;
        if !is_placed {
            self.turned_away += 1;
            self.turned_away_card_ms += card_ms;
        }
    }

    fn means(&self, cards: u32) -> Packed {
        let seen = to_f64(self.seen.max(1));
        let of_cards = |sum: u64| to_f64(sum) / seen / f64::from(cards.max(1));
        Packed {
            allocation: of_cards(self.used),
            fragmentation: of_cards(self.scattered),
            unusable: of_cards(self.unusable_ppm) / 1e6,
            turned_away: to_f64(self.turned_away) / seen,
            card_time_turned_away: self.turned_away_card_ms / self.asked_card_ms.max(1.0),
        }
    }
}

/// Exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests::job;

    fn hall(sizes: &[u8]) -> Vec<HallNode> {
        sizes.iter().map(|cards| HallNode { cards: *cards, model: "m".into() }).collect()
    }

    #[test]
    fn what_fits_in_any_way_is_all_allocated() {
        let mut trace = Trace::new("test");
        trace.jobs = vec![TraceJob { cards: 1, run_ms: 1_000_000, estimate_ms: 1_000_000, ..job() }];
        let pressure = Pressure { seed: 1, jobs: 4000, load_milli: 4000 };
        for chooser in [Chooser::Planner, Chooser::BestFit] {
            let packed = pack(&trace, &hall(&[1, 2, 4, 8]), pressure, chooser);
            assert!(packed.allocation > 0.95, "{chooser:?}: {packed:?}");
            assert!((packed.turned_away - 0.75).abs() < 0.05, "{chooser:?}: {packed:?}");
            assert!(packed.unusable < 1e-9, "one card fits everywhere: {packed:?}");
        }
    }
}
