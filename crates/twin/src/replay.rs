//! Replaying a trace: when each job would have started.

use domain::{Millis, card::Affinity};

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
    /// The weight of each queue by its number; 1 for those beyond the list.
    pub weights: Vec<u32>,
}

impl Setup {
    /// With a half-life of seven days and equal weights.
    pub fn new(cards: u32, policy: Policy) -> Self {
        Self { cards, nodes: None, policy, use_half_life: Millis::from_hours(7 * 24), weights: Vec::new() }
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

/// What becomes of a job, in milliseconds of the trace.
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
}

/// Replays all of `trace`. `progress` is told now and then how many jobs have been submitted, and at the end all.
pub fn replay(trace: &Trace, setup: &Setup, progress: &mut dyn FnMut(u64)) -> Outcome {
    let starts = drive::starts(&trace.jobs, setup, progress);
    progress(trace.jobs.len() as u64);
    let fate = |(start, job): (Option<i64>, &crate::TraceJob)| {
        start.map(|start_ms| Fate { start_ms, end_ms: start_ms + job.run_ms })
    };
    Outcome { setup: setup.clone(), fates: starts.into_iter().zip(&trace.jobs).map(fate).collect() }
}
