//! The pools and nodes that the settings name.

use std::collections::BTreeSet;

use domain::{
    CardModel,
    card::{MAX_CARDS_PER_NODE, Vendor},
    spec,
};
use engines::detect::RealNode;
use serde::Deserialize;

/// A pool of nodes with one card model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSettings {
    pub name: String,
    /// A known model's name, or any name with `model` below.
    pub card_model: String,
    /// The facts about a model that is not known, or that are to be corrected.
    pub model: Option<CardModel>,
    #[serde(default)]
    pub nodes: Vec<NodeSettings>,
}

/// Nodes alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings {
    /// The node's name; `count` of them get it with a number behind.
    pub name: String,
    #[serde(default = "one_node")]
    pub count: u32,
    pub cards: u8,
    /// Cards in a ring; all of the node's in one where left out.
    pub cards_per_ring: Option<u8>,
    /// Nodes that exist for trying out, teaching and tests: their runs get this machine's processor only.
    #[serde(rename = "virtual", default)]
    pub is_virtual: bool,
    #[serde(default)]
    pub switch: String,
    /// The names that jobs may ask for with `--constraint`.
    #[serde(default)]
    pub labels: Vec<String>,
}

const fn one_node() -> u32 {
    1
}

impl PoolSettings {
    /// The nodes that are to be real, each by the name that it gets.
    pub(super) fn real_nodes(&self) -> impl Iterator<Item = RealNode> {
        let known = || CardModel::known(&self.card_model);
        let vendor = self.model.clone().or_else(known).map_or(Vendor::Other, |model| model.vendor);
        let real = self.nodes.iter().filter(|node| !node.is_virtual);
        real.flat_map(move |node| {
            (1..=node.count).map(move |n| RealNode { name: node.name_of(n), vendor, cards: node.cards })
        })
    }
}

impl NodeSettings {
    /// The name of the `n`th of them, from 1.
    pub fn name_of(&self, n: u32) -> String {
        if self.count == 1 { self.name.clone() } else { format!("{}{n:02}", self.name) }
    }
}

/// The first thing that is wrong with pools.
pub(super) fn problem(pools: &[PoolSettings]) -> Option<String> {
    let mut names = BTreeSet::new();
    for pool in pools {
        if pool.model.is_none() && CardModel::known(&pool.card_model).is_none() {
            return Some(format!(
                "pool `{}` has the card model `{}`, which is not known: describe it with `model = {{ … }}`",
                pool.name, pool.card_model
            ));
        }
        for node in &pool.nodes {
            if let Some(problem) = node_problem(node) {
                return Some(problem);
            }
            if !names.insert(&node.name) {
                return Some(format!("two nodes are named `{}`", node.name));
            }
        }
    }
    None
}

fn node_problem(node: &NodeSettings) -> Option<String> {
    let name = &node.name;
    if !(1..=MAX_CARDS_PER_NODE).contains(&node.cards) {
        return Some(format!(
            "node `{name}` has {} cards: it may have 1 to {MAX_CARDS_PER_NODE}",
            node.cards
        ));
    }
    if !(1..=100_000).contains(&node.count) || node.cards_per_ring == Some(0) {
        return Some(format!("node `{name}`: `count` is 1 to 100000, `cards_per_ring` at least 1"));
    }
    if node.labels.len() > spec::MAX_LABELS || node.labels.iter().any(|label| !spec::is_label(label)) {
        return Some(format!(
            "node `{name}`: `labels` holds at most {}, of letters, digits, `.`, `_` and `-`, at most {} each",
            spec::MAX_LABELS,
            spec::MAX_LABEL_BYTES
        ));
    }
    None
}
