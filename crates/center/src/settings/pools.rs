//! The pools and nodes that the settings name.

use std::collections::BTreeSet;

use domain::{
    CardModel,
    card::{MAX_CARDS_PER_NODE, Vendor},
    spec,
};
use engines::detect::RealNode;
use serde::Deserialize;

use crate::retirement::wish::{Whose, Wish, WishedNode, WishedPool};

/// How many nodes all pools may have.
const MOST_NODES: usize = 100_000;

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
        wished_nodes(self).filter(|node| !node.is_virtual).map(move |node| RealNode {
            name: node.names.into_iter().next().unwrap_or_default(),
            vendor,
            cards: node.cards,
        })
    }
}

/// The hall that the settings name.
pub fn wish(pools: &[PoolSettings]) -> Wish {
    let model = |pool: &PoolSettings| pool.model.clone().or_else(|| CardModel::known(&pool.card_model));
    let pool = |pool: &PoolSettings| Some(WishedPool { name: pool.name.clone(), model: model(pool)? });
    Wish {
        whose: Whose::Settings,
        pools: pools.iter().filter_map(pool).collect(),
        nodes: pools.iter().flat_map(wished_nodes).collect(),
    }
}

/// Each node that the lines of a pool stand for. One that stands alone has its line's name, others a number behind it; the
/// first of a line may have either, so that another `count` does not give it a second name.
fn wished_nodes(pool: &PoolSettings) -> impl Iterator<Item = WishedNode> {
    pool.nodes.iter().flat_map(move |line| {
        (1..=line.count).map(move |n| {
            let numbered = format!("{}{n:02}", line.name);
            let names = match (n, line.count) {
                (1, 1) => vec![line.name.clone(), numbered],
                (1, _) => vec![numbered, line.name.clone()],
                _ => vec![numbered],
            };
            WishedNode {
                names,
                pool: pool.name.clone(),
                cards: line.cards,
                ring_cards: Some(line.cards_per_ring.unwrap_or(line.cards)),
                is_virtual: line.is_virtual,
                switch: line.switch.clone(),
                labels: line.labels.clone(),
            }
        })
    })
}

/// The first thing that is wrong with pools.
pub(super) fn problem(pools: &[PoolSettings]) -> Option<String> {
    let (mut lines, mut pool_names) = (BTreeSet::new(), BTreeSet::new());
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
            if !lines.insert(&node.name) {
                return Some(format!("two nodes are named `{}`", node.name));
            }
        }
        if !pool_names.insert(&pool.name) {
            return Some(format!("two pools are named `{}`: put their nodes together", pool.name));
        }
    }
    let nodes = wish(pools).nodes;
    if nodes.len() > MOST_NODES {
        return Some(format!("the pools have {} nodes in all: they may have {MOST_NODES}", nodes.len()));
    }
    let mut names = BTreeSet::new();
    let twice = nodes.iter().filter_map(|node| node.names.first()).find(|name| !names.insert(*name));
    twice.map(|name| format!("two nodes are named `{name}`"))
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
