//! Pools and nodes.

use std::sync::Arc;

use domain::{CardSet, Node, NodeId, PoolId, node::Departure};
use store::pools::{GoneNode, Pool};

use super::Live;

#[derive(Clone, Debug)]
pub struct LiveNode {
    pub node: Node,
    pub model: Arc<str>,
    pub name: Arc<str>,
    pub switch: Arc<str>,
    pub rings: Arc<[CardSet]>,
    pub labels: Arc<[Arc<str>]>,
    /// Cards that are some run's own.
    pub(super) held: CardSet,
    /// Those, and the cards that others wait for which are not free as a whole.
    pub busy: CardSet,
}

impl Live {
    pub fn pool(&self, id: PoolId) -> Option<&Pool> {
        self.pools.get(&id)
    }

    pub fn pools(&self) -> impl ExactSizeIterator<Item = &Pool> {
        self.pools.values()
    }

    pub fn pool_named(&self, name: &str) -> Option<&Pool> {
        self.pools.values().find(|pool| pool.name == name)
    }

    pub fn node(&self, id: NodeId) -> Option<&LiveNode> {
        self.nodes.get(&id)
    }

    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &LiveNode> {
        self.nodes.values()
    }

    pub fn node_named(&self, name: &str) -> Option<&LiveNode> {
        self.nodes.values().find(|known| known.node.name == name)
    }

    /// Nodes that went, by id.
    pub fn gone(&self) -> impl ExactSizeIterator<Item = &GoneNode> {
        self.gone.values()
    }

    /// Whether a retired node has that name.
    pub fn is_retired(&self, name: &str) -> bool {
        self.gone.values().any(|gone| gone.how == Departure::Retired && gone.name == name)
    }

    /// The name of a node, also of one that went.
    pub fn node_name(&self, id: NodeId) -> Option<&str> {
        let here = self.nodes.get(&id).map(|known| known.node.name.as_str());
        here.or_else(|| self.gone.get(&id).map(|gone| gone.name.as_str()))
    }

    /// Whether a run that has not ended is on a node.
    pub fn is_node_busy(&self, id: NodeId) -> bool {
        self.runs.values().any(|known| known.run.placement.0.iter().any(|slot| slot.node == id))
    }

    /// A pool is new, or was retired or brought back.
    pub fn pool_added(&mut self, pool: Pool) {
        self.pools.insert(pool.id, pool);
    }

    /// A node is new, or back, in a pool that may be new with it.
    pub fn node_added(&mut self, node: Node, pool: &Pool) {
        self.pools.entry(pool.id).or_insert_with(|| pool.clone());
        let known = LiveNode {
            model: pool.model.name.as_str().into(),
            name: node.name.as_str().into(),
            switch: node.switch.as_str().into(),
            rings: node.rings.as_slice().into(),
            labels: labels(&node),
            held: CardSet::EMPTY,
            busy: CardSet::EMPTY,
            node,
        };
        self.gone.remove(&known.node.id);
        self.nodes.insert(known.node.id, known);
        self.touched.are_nodes_new = true;
    }

    /// A node is in the hall no more.
    pub fn node_left(&mut self, gone: GoneNode) {
        self.nodes.remove(&gone.id);
        self.gone.insert(gone.id, gone);
        self.touched.are_nodes_new = true;
    }

    /// The state of a node, its labels, its maintenance or its switch changed.
    pub fn node_changed(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        let Some(known) = self.nodes.get_mut(&id) else { return };
        let before = known.node.clone();
        change(&mut known.node);
        // A change of the state alone is told to the planner without going through all nodes.
        if (Node { state: known.node.state.clone(), ..before }) == known.node {
            self.touched.nodes.insert(id);
            return;
        }
        known.switch = known.node.switch.as_str().into();
        known.labels = labels(&known.node);
        self.touched.are_nodes_new = true;
    }
}

fn labels(node: &Node) -> Arc<[Arc<str>]> {
    node.labels.iter().map(|label| label.as_str().into()).collect()
}
