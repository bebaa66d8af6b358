//! Nodes for the unit tests.

use domain::{CardSet, NodeId, PoolId, Timestamp, card::Affinity, node::even_rings};

use crate::snapshot::NodeView;

/// An idle node of the one pool, with rings of four.
pub(crate) fn node(number: u8, affinity: Affinity, cards: u8) -> NodeView {
    let mut random = [0; 10];
    random[9] = number;
    NodeView {
        id: NodeId::new(Timestamp::from_secs(1), random),
        name: format!("n{number:03}").into(),
        pool: PoolId::new(Timestamp::from_secs(1), [0; 10]),
        model: "ascend-910".into(),
        affinity,
        rings: even_rings(cards, 4).into(),
        cards: CardSet::first(cards),
        free: CardSet::first(cards),
        takes_runs: true,
        switch: "".into(),
        labels: [].into(),
        maintenance: None,
    }
}
