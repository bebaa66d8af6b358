//! The center on which a trace is replayed: cards, nodes, policy, queues, failures.

use domain::{Millis, ServiceClass, card::Affinity};

use super::policy::ReplayPolicy;
use crate::trace::TraceJob;

/// The center on which a trace is replayed, and its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    pub cards: u32,
    /// The nodes with the cards; `None`: only cards are counted.
    pub nodes: Option<Nodes>,
    pub policy: ReplayPolicy,
    /// The time after which past use counts half, under fair share.
    pub use_half_life: Millis,
    /// The terms of each queue, by its number; queues beyond the list have the default.
    pub queues: Vec<QueueSetup>,
    /// Failures of nodes; only where there are nodes.
    pub failures: Option<Failures>,
}

/// The terms of a queue, as in a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSetup {
    /// At least 1.
    pub weight: u32,
    /// The cards that the queue gets back by preemption, wherever they are.
    pub guaranteed_cards: u32,
    /// How many idle cards the queue may use beyond its guaranteed ones; `None`: any number.
    pub borrowing_limit: Option<u32>,
    /// How many of its idle guaranteed cards others may use; `None`: all.
    pub lending_limit: Option<u32>,
    /// The alliance of the queue. Alliances lend all their idle cards.
    pub alliance: Option<u8>,
    /// No job of it starts: its contract has ended, is paused or can't pay.
    pub is_shut: bool,
    /// The service classes that have no price for it, in the order of [`ServiceClass::ALL`]: no job of them starts.
    pub unpriced: [bool; ServiceClass::ALL.len()],
}

impl QueueSetup {
    /// Whether no job of this class ever starts.
    pub fn bars(&self, class: ServiceClass) -> bool {
        self.is_shut || self.unpriced[class as usize]
    }
}

impl Default for QueueSetup {
    fn default() -> Self {
        Self {
            weight: 1,
            guaranteed_cards: 0,
            borrowing_limit: None,
            lending_limit: None,
            alliance: None,
            is_shut: false,
            unpriced: [false; ServiceClass::ALL.len()],
        }
    }
}

/// Failures of nodes: each node fails after a time drawn from an exponential distribution, and is out for a
/// fixed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The mean time between failures of a node.
    pub mtbf: Millis,
    pub repair: Millis,
    /// With the same seed the same nodes fail at the same times.
    pub seed: u64,
}

impl Setup {
    /// Whether a job can't start because of its contract or for want of a price.
    pub fn bars(&self, job: &TraceJob) -> bool {
        self.queues.get(job.queue as usize).is_some_and(|queue| queue.bars(job.class))
    }

    /// A center that counts only its cards, with a half-life of seven days and equal weights.
    pub fn new(cards: u32, policy: ReplayPolicy) -> Self {
        Self {
            cards,
            nodes: None,
            policy,
            use_half_life: Millis::from_hours(7 * 24),
            queues: Vec::new(),
            failures: None,
        }
    }
}

/// Nodes that are all alike. A job that asks for more cards than a node has takes as many whole nodes as it
/// needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nodes {
    pub count: u32,
    /// From 1 to [`domain::card::MAX_CARDS_PER_NODE`].
    pub cards_per_node: u8,
    pub affinity: Affinity,
    /// Cards in one ring, where the affinity is by rings.
    pub ring_len: u8,
    /// Nodes behind one switch.
    pub nodes_per_switch: u32,
}

impl Nodes {
    pub fn cards(&self) -> u32 {
        self.count.saturating_mul(u32::from(self.cards_per_node))
    }

    /// How many nodes a job of `cards` cards takes, and how many cards on each. The cards are rounded up to a
    /// number that the wiring allows.
    pub fn shape(&self, cards: u32) -> (u32, u32) {
        let most = u32::from(self.cards_per_node);
        if cards > most {
            return (cards.div_ceil(most), most);
        }
        match self.affinity {
            Affinity::Pairs if cards > 1 => (1, cards.next_multiple_of(2).min(most)),
            Affinity::Any | Affinity::Pairs => (1, cards),
            Affinity::Rings if cards.next_power_of_two() > u32::from(self.ring_len) => (1, most),
            Affinity::Rings => (1, cards.next_power_of_two()),
        }
    }
}

impl Setup {
    /// A center of `nodes`, with a half-life of seven days and equal weights.
    pub fn on(nodes: Nodes, policy: ReplayPolicy) -> Self {
        Self { nodes: Some(nodes), ..Self::new(nodes.cards(), policy) }
    }
}
