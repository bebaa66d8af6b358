//! A large hall in groups: nodes of one pool at one switch, some at a time, with counts and a cell a card.

use std::{collections::BTreeMap, fmt::Write as _};

use base::{
    http::encode,
    page::words::{Html, Ui, escape},
    text::natural_cmp,
};
use domain::NodeStatus;

use super::map;
use crate::app::hall::{CardState, HallNode};

/// The most nodes in a group, and on a page that shows each.
pub const MOST_NODES: usize = 32;
/// The most groups on a page.
pub const MOST_GROUPS: usize = 64;

/// From one cell to the next; a cell is one less.
const PITCH: usize = 6;

/// Some nodes of one pool at one switch.
#[derive(Clone, Debug)]
pub struct Group {
    /// The id of its element.
    pub key: String,
    pub pool: String,
    pub name: String,
    pub href: String,
    pub nodes: usize,
    pub cards: usize,
    pub busy: usize,
    /// Cards on which a run could start now.
    pub free: usize,
    /// Nodes that are drained, failed, or to be out for maintenance: each state with its number.
    pub out: Vec<(&'static str, usize)>,
    pub cells: Html,
}

/// Nodes in groups: by pool, then by switch, then in their own order.
pub fn groups(ui: Ui, nodes: &[&HallNode]) -> Vec<Group> {
    let mut by_place: BTreeMap<(&str, &str), Vec<&HallNode>> = BTreeMap::new();
    for node in nodes {
        by_place.entry((&node.pool, &node.switch)).or_default().push(node);
    }
    let mut places: Vec<_> = by_place.into_iter().collect();
    places.sort_by(|((pool_a, a), _), ((pool_b, b), _)| {
        natural_cmp(pool_a, pool_b).then_with(|| natural_cmp(a, b))
    });
    let in_place = |((pool, switch), nodes): ((&str, &str), Vec<&HallNode>)| {
        let is_one = nodes.len() <= MOST_NODES;
        let parts = (1..).zip(nodes.chunks(MOST_NODES));
        parts
            .map(|(page, nodes)| group(ui, pool, switch, nodes, (!is_one).then_some(page)))
            .collect::<Vec<_>>()
    };
    places.into_iter().flat_map(in_place).collect()
}

/// `part` is which part of its switch the group is, where it is not all of it.
fn group(ui: Ui, pool: &str, switch: &str, nodes: &[&HallNode], part: Option<usize>) -> Group {
    let name = match (switch, part, nodes) {
        ("", _, [first, .., last]) => format!("{} – {}", first.name, last.name),
        ("", _, _) => nodes.iter().map(|node| node.name.as_str()).collect(),
        (switch, None, _) => switch.to_owned(),
        (switch, Some(_), [first, .., last]) => format!("{switch}: {} – {}", first.name, last.name),
        (switch, Some(_), _) => format!("{switch}: {}", nodes.first().map_or("", |node| &node.name)),
    };
    let counts = map::count(nodes.iter().flat_map(|node| &node.cards));
    let words = counts.iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> =
        words.map(|(code, count)| format!("{count} {}", ui.word("card", code))).collect();
    let in_state = |state| nodes.iter().filter(|node| node.state == state).count();
    let planned =
        nodes.iter().filter(|node| node.state == NodeStatus::Up && node.maintenance.is_some()).count();
    let out = [
        ("drained", in_state(NodeStatus::Drained)),
        ("failed", in_state(NodeStatus::Failed)),
        ("maintenance", planned),
    ];
    Group {
        key: format!("hall-{pool}-{switch}-{}", part.unwrap_or(1)),
        pool: pool.to_owned(),
        href: format!(
            "/nodes?pool={}&switch={}&page={}",
            encode(pool),
            encode(or_none(switch)),
            part.unwrap_or(1)
        ),
        nodes: nodes.len(),
        cards: nodes.iter().map(|node| node.cards.len()).sum(),
        busy: nodes.iter().map(|node| node.busy_cards as usize).sum(),
        free: nodes.iter().flat_map(|node| &node.cards).filter(|card| **card == CardState::Idle).count(),
        out: out.into_iter().filter(|(_, count)| *count > 0).collect(),
        cells: cells(nodes, &format!("{name}: {}", words.join(", "))),
        name,
    }
}

/// A switch in an address: nodes that name none are asked for by a word that is no name.
pub fn or_none(switch: &str) -> &str {
    if switch.is_empty() { "-" } else { switch }
}

/// Cards of nodes side by side: each node a block of two columns, as its tile is. One path for each look keeps the page
/// small, however many cards there are.
pub fn cells(nodes: &[&HallNode], label: &str) -> Html {
    let mut paths: BTreeMap<CardState, String> = BTreeMap::new();
    let (mut left, mut height) = (0, 0);
    for node in nodes {
        let rows = node.cards.len().div_ceil(2);
        for (at, card) in node.cards.iter().enumerate() {
            let (x, y) = (left + at % 2 * PITCH + PITCH / 2, at / 2 * PITCH);
            let _ = write!(paths.entry(*card).or_default(), "M{x} {y}v{}", PITCH - 1);
        }
        left += 2 * PITCH + 3;
        height = height.max(rows * PITCH);
    }
    let path = |(card, d): (CardState, String)| match card {
        CardState::Sold | CardState::Idle => format!(r#"<path class="is-{}" d="{d}"/>"#, card.code()),
        other => format!(r#"<path stroke="url(#p-{})" d="{d}"/>"#, other.code()),
    };
    let paths: String = paths.into_iter().map(path).collect();
    Html(format!(
        r#"<svg class="cells" viewBox="0 0 {left} {height}" width="{left}" height="{height}" role="img" aria-label="{}">{paths}</svg>"#,
        escape(label)
    ))
}

#[cfg(test)]
mod tests {
    use domain::{CardSet, Lang};

    use super::*;

    fn node(number: usize, switch: &str, state: NodeStatus) -> HallNode {
        HallNode {
            name: format!("npu-{number}"),
            pool: "a".into(),
            switch: switch.into(),
            is_virtual: true,
            state,
            reason: String::new(),
            maintenance: None,
            fp16_tflops: 1024,
            busy_cards: 1,
            cards: vec![
                CardState::Sold,
                if state == NodeStatus::Up { CardState::Idle } else { CardState::Drained },
            ],
            rings: vec![[0, 1].into_iter().collect::<CardSet>()],
        }
    }

    #[test]
    fn a_hall_is_grouped_by_switch_and_long_ones_are_parted() {
        let nodes: Vec<HallNode> = (1..=40).map(|n| node(n, "", NodeStatus::Up)).collect();
        let at_leaf = [node(41, "leaf-10", NodeStatus::Drained), node(42, "leaf-9", NodeStatus::Up)];
        let all: Vec<&HallNode> = nodes.iter().chain(&at_leaf).collect();
        let found = groups(Ui::of(Lang::En), &all);
        let told: Vec<(&str, usize, usize)> =
            found.iter().map(|g| (g.name.as_str(), g.nodes, g.free)).collect();
        let wanted =
            [("npu-1 – npu-32", 32, 32), ("npu-33 – npu-40", 8, 8), ("leaf-9", 1, 1), ("leaf-10", 1, 0)];
        assert_eq!(told, wanted);
        assert_eq!(found[1].href, "/nodes?pool=a&switch=-&page=2");
        assert_eq!((found[3].busy, found[3].out.as_slice()), (1, &[("drained", 1)][..]));
    }

    #[test]
    fn a_cell_is_drawn_for_each_card_and_a_path_for_each_look() {
        let nodes = [node(1, "", NodeStatus::Up), node(2, "", NodeStatus::Drained)];
        let all: Vec<&HallNode> = nodes.iter().collect();
        let cells = cells(&all, "<x>").0;
        assert_eq!((cells.matches("<path").count(), cells.matches('M').count()), (3, 4), "{cells}");
        assert!(cells.contains("&lt;x&gt;") && cells.contains("url(#p-drained)"), "{cells}");
    }
}
