//! The hall: every node as a tile, every card as a cell, with what becomes of it now.

use std::collections::BTreeMap;

use domain::{CardSet, JobId, NodeId, NodeState};

use super::kit::{CARD_STATES, Ui};
use crate::live::{Live, LiveNode};

/// A node on the map.
#[derive(Clone, Debug)]
pub struct Tile {
    pub name: String,
    /// What is written on it: the name, or its last part on a small map.
    pub short: String,
    /// `up`, `drained`, `failed`, or on a job's map `own`.
    pub look: &'static str,
    pub use_text: String,
    /// In words, for those who don't see it.
    pub label: String,
    /// The cards of each ring, as they look.
    pub rings: Vec<Vec<&'static str>>,
}

/// What becomes of each card of a node.
pub fn cards_of(live: &Live, node: &LiveNode) -> Vec<&'static str> {
    let granted: CardSet = live
        .runs()
        .filter(|known| known.run.is_granted)
        .flat_map(|known| known.run.placement.0.iter())
        .filter(|slot| slot.node == node.node.id)
        .fold(CardSet::EMPTY, |all, slot| all.union(slot.cards));
    looks(node, granted)
}

fn looks(node: &LiveNode, granted: CardSet) -> Vec<&'static str> {
    let look = |index: u8| match (&node.node.state, node.busy.contains(index)) {
        (_, true) if granted.contains(index) => "granted",
        (_, true) => "sold",
        (NodeState::Up, false) => "idle",
        (NodeState::Drained { .. }, false) => "drained",
        (NodeState::Failed { .. }, false) => "failed",
    };
    (0..node.node.cards).map(look).collect()
}

/// All nodes by name, with how many cards are in each state. Linear in nodes and runs.
pub fn hall(live: &Live, ui: Ui) -> (Vec<Tile>, Vec<(&'static str, i64)>) {
    let mut granted: BTreeMap<NodeId, CardSet> = BTreeMap::new();
    for known in live.runs().filter(|known| known.run.is_granted) {
        for slot in &known.run.placement.0 {
            let cards = granted.entry(slot.node).or_insert(CardSet::EMPTY);
            *cards = cards.union(slot.cards);
        }
    }
    let mut counts = CARD_STATES.map(|kind| (kind, 0_i64)).to_vec();
    let tile = |node: &LiveNode| {
        let looks = looks(node, granted.get(&node.node.id).copied().unwrap_or(CardSet::EMPTY));
        for (kind, count) in &mut counts {
            *count += i64::try_from(looks.iter().filter(|look| *look == kind).count()).unwrap_or(0);
        }
        let used = node.busy.len();
        let state = node.node.state.code();
        let use_text = match node.node.state {
            NodeState::Up => format!("{used}/{}", node.node.cards),
            _ => ui.word("node", state),
        };
        Tile {
            short: node.node.name.clone(),
            label: label(ui, &node.node.name, &looks),
            name: node.node.name.clone(),
            look: state,
            use_text,
            rings: by_ring(node, &looks),
        }
    };
    let tiles = sorted(live).into_iter().map(tile).collect();
    (tiles, counts)
}

/// The map of one job: its own cards, and all others.
pub fn of_job(live: &Live, ui: Ui, own: &BTreeMap<String, CardSet>) -> Vec<Tile> {
    let tile = |node: &LiveNode| {
        let cards = own.get(&node.node.name).copied().unwrap_or(CardSet::EMPTY);
        let looks: Vec<&'static str> =
            (0..node.node.cards).map(|index| if cards.contains(index) { "own" } else { "other" }).collect();
        let name = &node.node.name;
        let label = if cards.is_empty() {
            name.clone()
        } else {
            format!("{name}: {} {}", ui.t("this-job"), ui.t1("unit-cards", "n", cards.len()))
        };
        Tile {
            short: name.rsplit('-').next().unwrap_or(name).to_owned(),
            name: name.clone(),
            look: if cards.is_empty() { "up" } else { "own" },
            use_text: String::new(),
            label,
            rings: by_ring(node, &looks),
        }
    };
    sorted(live).into_iter().map(tile).collect()
}

/// The cards that a job's runs have now, by node.
pub fn cards_of_job(live: &Live, job: JobId) -> BTreeMap<String, CardSet> {
    let mut own: BTreeMap<String, CardSet> = BTreeMap::new();
    for known in live.runs().filter(|known| known.run.job == job) {
        for slot in &known.run.placement.0 {
            let Some(node) = live.node(slot.node) else { continue };
            let cards = own.entry(node.node.name.clone()).or_insert(CardSet::EMPTY);
            *cards = cards.union(slot.cards);
        }
    }
    own
}

/// Nodes by name as people count: `node-2` before `node-10`.
fn sorted(live: &Live) -> Vec<&LiveNode> {
    let mut nodes: Vec<&LiveNode> = live.nodes().collect();
    nodes.sort_by(|a, b| (a.node.name.len(), &a.node.name).cmp(&(b.node.name.len(), &b.node.name)));
    nodes
}

fn by_ring(node: &LiveNode, looks: &[&'static str]) -> Vec<Vec<&'static str>> {
    let ring =
        |ring: &CardSet| ring.iter().filter_map(|index| looks.get(usize::from(index)).copied()).collect();
    node.node.rings.iter().map(ring).collect()
}

fn label(ui: Ui, name: &str, looks: &[&'static str]) -> String {
    let parts = CARD_STATES.iter().filter_map(|kind| {
        let count = looks.iter().filter(|look| *look == kind).count();
        (count > 0).then(|| format!("{count} {}", ui.word("card", kind)))
    });
    format!("{name}: {}", parts.collect::<Vec<_>>().join(", "))
}
