//! Replaying a trace: when each job would have started.

use domain::{CardMs, Millis, card::Affinity};

use crate::{drive, policy::Policy, trace::Trace};

/// What a trace is replayed on, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// How many cards there are.
    pub cards: u32,
    /// The nodes that they are on; where it is left out, only cards are counted.
    pub nodes: Option<Nodes>,
    pub policy: Policy,
    /// In this time past use comes to count half, under fair share.
    pub use_half_life: Millis,
    /// What each queue is given, by its number; the default for those beyond the list.
    pub queues: Vec<QueueSetup>,
    /// Nodes that fail; only where there are nodes.
    pub failures: Option<Failures>,
}

/// What a queue is given: as in a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSetup {
    /// At least 1.
    pub weight: u32,
    /// It gets so many back by preemption, wherever they are.
    pub guaranteed_cards: u32,
    /// How many idle cards it may use beyond; `None`: any number.
    pub borrowing_limit: Option<u32>,
    /// How many of its idle guaranteed cards others may use; `None`: all.
    pub lending_limit: Option<u32>,
    /// The alliance that it is in. Alliances lend all that is idle.
    pub alliance: Option<u8>,
}

impl Default for QueueSetup {
    fn default() -> Self {
        Self { weight: 1, guaranteed_cards: 0, borrowing_limit: None, lending_limit: None, alliance: None }
    }
}

/// Nodes that fail by themselves: each after a time drawn from an exponential distribution, for a fixed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The mean time between failures of one node.
    pub mtbf: Millis,
    pub repair: Millis,
    /// The same seed fails the same nodes at the same times.
    pub seed: u64,
}

impl Setup {
    /// With a half-life of seven days and equal weights.
    pub fn new(cards: u32, policy: Policy) -> Self {
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

/// Nodes that are all alike. A job that asks for more cards than one has takes as many whole nodes as it needs.
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

    /// How many nodes a job of `cards` cards takes, and how many cards on each. Where wiring allows only powers of two, the next.
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
    /// On `nodes`, with a half-life of seven days and equal weights.
    pub fn on(nodes: Nodes, policy: Policy) -> Self {
        Self { nodes: Some(nodes), ..Self::new(nodes.cards(), policy) }
    }
}

/// What becomes of a job, in milliseconds of the trace. One whose run was cut short is run anew from its beginning: this is its
/// last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    pub start_ms: i64,
    pub end_ms: i64,
}

/// What became of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub setup: Setup,
    /// For each job of the trace; `None` for one that asks for more cards than there are.
    pub fates: Vec<Option<Fate>>,
    pub cut: Cut,
}

/// What was cut short or was out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    pub node_failures: u64,
    /// Runs that ended because a node of theirs failed.
    pub runs_lost: u64,
    /// Runs that were told to end for a queue that wanted its guaranteed cards back.
    pub runs_preempted: u64,
    /// Jobs under which nodes failed so often that they were given up; they have no fate.
    pub jobs_given_up: u64,
    /// When the last of those runs was cut short, in milliseconds of the trace.
    pub last_ms: Option<i64>,
    /// What those runs had used.
    pub lost: CardMs,
    /// Cards of nodes that were out, until the last run ended.
    pub down: CardMs,
}

/// Replays all of `trace`. `progress` is told now and then how many jobs have been submitted, and at the end all.
pub fn replay(trace: &Trace, setup: &Setup, progress: &mut dyn FnMut(u64)) -> Outcome {
    let (starts, cut) = drive::starts(&trace.jobs, setup, progress);
    progress(trace.jobs.len() as u64);
    let fate = |(start, job): (Option<i64>, &crate::TraceJob)| {
        start.map(|start_ms| Fate { start_ms, end_ms: start_ms + job.run_ms })
    };
    Outcome { setup: setup.clone(), fates: starts.into_iter().zip(&trace.jobs).map(fate).collect(), cut }
}
