//! The hall as a map: every node a tile, every card a cell.

use std::collections::BTreeMap;

use base::page::words::Ui;
use domain::{CardSet, NodeStatus};

use crate::app::hall::{CardState, HallNode};

/// A node on the map.
#[derive(Clone, Debug)]
pub struct Tile {
    pub name: String,
    /// The name on the tile: in full, or its last part on a small map.
    pub short: String,
    /// `up`, `drained`, `failed`, or on a job's map `own`.
    pub look: &'static str,
    pub use_text: String,
    /// In words, for those who don't see it.
    pub label: String,
    /// The cards of each ring, as they look.
    pub rings: Vec<Vec<&'static str>>,
}

/// How many cards are in each state.
pub fn count<'a>(cards: impl Iterator<Item = &'a CardState>) -> Vec<(&'static str, i64)> {
    let mut counts = CardState::ALL.map(|state| (state.code(), 0_i64)).to_vec();
    for card in cards {
        if let Some((_, count)) = counts.iter_mut().find(|(code, _)| *code == card.code()) {
            *count += 1;
        }
    }
    counts
}

pub fn tile(ui: Ui, node: &HallNode) -> Tile {
    let looks: Vec<&'static str> = node.cards.iter().map(|card| card.code()).collect();
    let use_text = match node.state {
        // A node that will be out says so before.
        NodeStatus::Up if node.maintenance.is_some() => ui.t("maintenance-soon"),
        NodeStatus::Up => format!("{}/{}", node.busy_cards, node.cards.len()),
        other => ui.word("node", other),
    };
    let parts = count(node.cards.iter()).into_iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> =
        parts.map(|(code, count)| format!("{count} {}", ui.word("card", code))).collect();
    Tile {
        short: node.name.clone(),
        label: format!("{}: {}", node.name, parts.join(", ")),
        name: node.name.clone(),
        look: node.state.code(),
        use_text,
        rings: by_ring(node, &looks),
    }
}

/// The most nodes of a hall that is drawn whole around one job.
const MOST_AROUND: usize = 64;

/// The map of one job: its own cards, and all others; of a large hall those of its own nodes alone.
pub fn job_tiles(ui: Ui, nodes: &[HallNode], own: &BTreeMap<String, CardSet>) -> Vec<Tile> {
    let tile = |node: &HallNode| {
        let cards = own.get(&node.name).copied().unwrap_or(CardSet::EMPTY);
        let looks: Vec<&'static str> = (0_u8..)
            .zip(&node.cards)
            .map(|(index, _)| if cards.contains(index) { "own" } else { "other" })
            .collect();
        let name = &node.name;
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
    let is_small = nodes.len() <= MOST_AROUND;
    nodes.iter().filter(|node| is_small || own.contains_key(&node.name)).map(tile).collect()
}

fn by_ring(node: &HallNode, looks: &[&'static str]) -> Vec<Vec<&'static str>> {
    let ring =
        |ring: &CardSet| ring.iter().filter_map(|index| looks.get(usize::from(index)).copied()).collect();
    node.rings.iter().map(ring).collect()
}
