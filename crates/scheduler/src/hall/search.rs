//! The need of a run, and the cards that are found for it.

use domain::CardSet;

use super::fit::{Fit, NodeAsk, NodeKind};

/// The need of a run on each node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) per_node: NodeAsk,
    /// For each set of labels, whether its nodes will do; empty where all will.
    pub(crate) labelled: &'a [bool],
}

impl Search<'_> {
    pub(crate) fn fit(&self, kind: &NodeKind) -> Option<Fit> {
        if self.labelled.get(kind.labels as usize).is_some_and(|is_right| !is_right) {
            return None;
        }
        kind.fit(self.per_node)
    }
}

/// The need of a run in a card pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need<'a> {
    pub(crate) nodes: u32,
    pub(crate) search: Search<'a>,
}

impl Need<'_> {
    /// The number of cards, where only their number is known.
    pub(crate) fn cards(&self) -> u32 {
        self.nodes.saturating_mul(self.search.per_node.cards)
    }
}

/// Nodes for a run, better the fewer groups of switches and switches they take, and then by the fit of the
/// worst node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundNodes {
    pub(crate) groups: u32,
    pub(crate) switches: u32,
    pub(crate) fit: Fit,
    /// How much longer the run keeps a node busy, in microseconds; 0 for several nodes, and where nobody
    /// asked.
    pub(crate) longer_us: i64,
    /// The ranks of the nodes, rising.
    pub(crate) nodes: Vec<u32>,
}

impl FoundNodes {
    pub(crate) fn quality(&self) -> Quality {
        (self.groups, self.switches, Some(self.fit), self.longer_us)
    }
}

/// How good the cards are that were found: the groups and switches that they take, the fit of the worst node,
/// and how much longer a single node is busy, in microseconds. Less is better.
pub(crate) type Quality = (u32, u32, Option<Fit>, i64);

/// Cards of one card pool. A run's cards are all of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolCards {
    pub(crate) card_pool: u32,
    pub(crate) count: u32,
    /// The cards of each node, by its rank; empty where only the number of cards is known.
    pub(crate) places: Vec<(u32, CardSet)>,
}
