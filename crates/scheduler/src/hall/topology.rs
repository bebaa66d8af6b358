//! The nodes of a card pool by rank, with their switches and labels. Changes only as nodes come and go.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use domain::{CardSet, Placement, node::Slot};

use super::fit::{NodeAsk, NodeKind, pick};
use crate::{index::index, snapshot::NodeView};

/// The nodes by rank, which is their order by switch, name and id. A switch is a path, as in
/// `superpod-1/leaf-3`: the part before the last `/` names its group, in which traffic is cheaper than beyond
/// it.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    pub(crate) nodes: Vec<NodeView>,
    /// The switch of each node, as an index into `switches`.
    pub(crate) switch_of: Vec<u32>,
    /// The ranks of the nodes of each switch.
    pub(crate) switches: Vec<Range<u32>>,
    /// The switches of each group.
    pub(crate) groups: Vec<Range<u32>>,
    /// The different sets of labels that nodes have.
    label_sets: Vec<Arc<[Arc<str>]>>,
    /// The set of each node, as an index into `label_sets`.
    labels_of: Vec<u32>,
}

impl Topology {
    /// Sorts `nodes`. Costs n log n, or n where they are sorted already.
    pub(crate) fn new(mut nodes: Vec<NodeView>) -> Self {
        nodes.sort_by(|a, b| {
            let (of_a, of_b) = (group(&a.switch), group(&b.switch));
            (of_a, &a.switch, &a.name, a.id).cmp(&(of_b, &b.switch, &b.name, b.id))
        });
        let mut topology = Self::default();
        let mut known = BTreeMap::<Vec<Arc<str>>, u32>::new();
        for (rank, node) in (0_u32..).zip(&nodes) {
            let before = rank.checked_sub(1).map(|before| &nodes[before as usize]);
            if before.is_some_and(|before| before.switch == node.switch) {
                topology.switches.last_mut().expect("the node before has a switch").end = rank + 1;
            } else {
                let switch = index(topology.switches.len());
                if before.is_some_and(|before| group(&before.switch) == group(&node.switch)) {
                    topology.groups.last_mut().expect("the node before has a group").end = switch + 1;
                } else {
                    topology.groups.push(switch..switch + 1);
                }
                topology.switches.push(rank..rank + 1);
            }
            topology.switch_of.push(index(topology.switches.len() - 1));
            let mut labels = node.labels.to_vec();
            labels.sort_unstable();
            let next = index(known.len());
            let set = *known.entry(labels).or_insert(next);
            if set == next {
                topology.label_sets.push(node.labels.clone());
            }
            topology.labels_of.push(set);
        }
        topology.nodes = nodes;
        topology
    }

    pub(crate) fn kind(&self, rank: u32, free: CardSet) -> NodeKind {
        NodeKind::of(&self.nodes[rank as usize], self.labels_of[rank as usize], free)
    }

    /// Whether two nodes are of one kind whenever the same cards of them are free.
    pub(crate) fn are_alike(&self, rank: u32, other: u32) -> bool {
        let (a, b) = (&self.nodes[rank as usize], &self.nodes[other as usize]);
        (a.affinity, a.cards, &a.rings) == (b.affinity, b.cards, &b.rings)
            && self.labels_of[rank as usize] == self.labels_of[other as usize]
    }

    /// For each set of labels, whether it has all of `wanted`; empty where `wanted` is.
    pub(crate) fn labelled(&self, wanted: &[Arc<str>]) -> Box<[bool]> {
        if wanted.is_empty() {
            return Box::default();
        }
        self.label_sets.iter().map(|set| wanted.iter().all(|label| set.contains(label))).collect()
    }

    /// The kinds of the nodes when nothing runs, each with the number of its nodes and of those that take
    /// runs.
    pub(crate) fn idle_kinds(&self) -> Vec<(NodeKind, u32, u32)> {
        let mut idle_kinds = BTreeMap::<NodeKind, (u32, u32)>::new();
        let mut before: Option<(u32, NodeKind)> = None;
        for (rank, node) in (0..).zip(&self.nodes) {
            let alike = before.filter(|(before, _)| self.are_alike(*before, rank));
            let kind = alike.map_or_else(|| self.kind(rank, node.cards), |(_, kind)| kind);
            before = Some((rank, kind));
            let (all, usable) = idle_kinds.entry(kind).or_default();
            *all += 1;
            *usable += u32::from(node.takes_runs);
        }
        idle_kinds.into_iter().map(|(kind, (all, usable))| (kind, all, usable)).collect()
    }

    /// The cards that a run takes of the `free` ones of the node at `rank`, on which it fits.
    pub(crate) fn pick(&self, rank: u32, free: CardSet, per_node: NodeAsk) -> CardSet {
        pick(&self.nodes[rank as usize], free, per_node)
            .expect("cards are picked on a node on which they fit")
    }

    pub(crate) fn placement(&self, cards: &[(u32, CardSet)]) -> Placement {
        let slot = |&(rank, cards): &(u32, CardSet)| Slot { node: self.nodes[rank as usize].id, cards };
        Placement(cards.iter().map(slot).collect())
    }
}

/// The path of the group of a switch; empty where it has none.
fn group(switch: &str) -> &str {
    switch.rsplit_once('/').map_or("", |(group, _)| group)
}
