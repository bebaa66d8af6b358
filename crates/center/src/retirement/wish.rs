//! The nodes that the settings name, or Slurm has, beside those that are here. No I/O: what differs, and which nodes may
//! come in.

use std::collections::{HashMap, HashSet};

use base::text::natural_cmp;
use domain::{
    CardModel, Node, NodeId, NodeState, NodeStatus, PoolId, Rfc3339, Timestamp,
    node::{Departure, even_rings},
};
use serde::{Deserialize, Serialize};
use store::pools::{GoneNode, Pool};

domain::codes! {
    /// Who says which nodes there are to be.
    pub enum Whose {
        Settings = "settings",
        Slurm = "slurm",
    }
}

/// The hall as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub whose: Whose,
    pub pools: Vec<WishedPool>,
    pub nodes: Vec<WishedNode>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishedPool {
    pub name: String,
    pub model: CardModel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishedNode {
    /// The names that it may have here; a new one gets the first.
    pub names: Vec<String>,
    pub pool: String,
    pub cards: u8,
    /// Cards in a ring; `None` where that isn't said.
    pub ring_cards: Option<u8>,
    pub is_virtual: bool,
    pub switch: String,
    pub labels: Vec<String>,
}

/// The hall as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Here {
    pub nodes: Vec<HereNode>,
    pub pools: Vec<HerePool>,
    /// Nodes that were retired. Those that were removed left nothing but their row.
    pub retired: Vec<RetiredNode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HereNode {
    pub name: String,
    pub pool: String,
    pub state: NodeStatus,
    pub reason: String,
    pub cards: u8,
    /// Cards in its largest ring.
    pub ring_cards: u8,
    pub is_virtual: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HerePool {
    pub name: String,
    pub card_model: String,
    pub retired_at: Option<Rfc3339>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RetiredNode {
    pub name: String,
    pub pool: String,
    pub cards: u8,
    pub is_virtual: bool,
    pub since: Rfc3339,
    pub retired_at: Rfc3339,
    pub reason: String,
}

domain::codes! {
    pub enum DifferenceKind {
        /// A node is here that the wish doesn't name.
        NodeNotNamed = "node_not_named",
        /// A node is named that is not here, and doesn't come in by itself.
        NodeWaits = "node_waits",
        /// A node is named that was retired.
        NodeRetired = "node_retired",
        NodePool = "node_pool",
        NodeCards = "node_cards",
        NodeRings = "node_rings",
        NodeVirtual = "node_virtual",
        PoolNotNamed = "pool_not_named",
        PoolRetired = "pool_retired",
        PoolModel = "pool_model",
    }
}

impl DifferenceKind {
    /// Whether it is about a pool, and not about a node.
    pub fn is_of_pool(self) -> bool {
        matches!(self, Self::PoolNotNamed | Self::PoolRetired | Self::PoolModel)
    }
}

/// One difference between the wish and what is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub kind: DifferenceKind,
    /// The node or pool.
    pub name: String,
    /// The value that is wished, and the one that is here; empty where there is none.
    pub wish: String,
    pub is: String,
}

impl Here {
    pub fn of<'a>(
        pools: impl Iterator<Item = &'a Pool>,
        nodes: impl Iterator<Item = &'a Node>,
        gone: impl Iterator<Item = &'a GoneNode>,
    ) -> Self {
        let pools: Vec<&Pool> = pools.collect();
        let name = |id: PoolId| {
            pools.iter().find(|pool| pool.id == id).map(|pool| pool.name.clone()).unwrap_or_default()
        };
        let node = |node: &Node| HereNode {
            name: node.name.clone(),
            pool: name(node.pool),
            state: node.state.status(),
            reason: node.state.reason().to_owned(),
            cards: node.cards,
            ring_cards: largest_ring(node),
            is_virtual: node.is_virtual,
        };
        let retired = |gone: &GoneNode| RetiredNode {
            name: gone.name.clone(),
            pool: name(gone.pool),
            cards: gone.cards,
            is_virtual: gone.is_virtual,
            since: gone.since.into(),
            retired_at: gone.gone_at.into(),
            reason: gone.reason.clone(),
        };
        let pool = |pool: &&Pool| HerePool {
            name: pool.name.clone(),
            card_model: pool.model.name.clone(),
            retired_at: pool.retired_at.map(Into::into),
        };
        let mut nodes: Vec<HereNode> = nodes.map(node).collect();
        let retired = gone.filter(|gone| gone.how == Departure::Retired).map(retired);
        let mut retired: Vec<RetiredNode> = retired.collect();
        nodes.sort_by(|a, b| natural_cmp(&a.name, &b.name));
        retired.sort_by(|a, b| natural_cmp(&a.name, &b.name));
        Self { nodes, retired, pools: pools.iter().map(pool).collect() }
    }

    fn pool(&self, name: &str) -> Option<&HerePool> {
        self.pools.iter().find(|pool| pool.name == name)
    }
}

fn largest_ring(node: &Node) -> u8 {
    node.rings.iter().map(|ring| u8::try_from(ring.len()).unwrap_or(u8::MAX)).max().unwrap_or(node.cards)
}

/// Nodes by name, on both sides.
struct ByName<'a> {
    wished: HashSet<&'a str>,
    here: HashMap<&'a str, &'a HereNode>,
    retired: HashMap<&'a str, &'a RetiredNode>,
}

impl<'a> ByName<'a> {
    fn of(wish: &'a Wish, here: &'a Here) -> Self {
        Self {
            wished: wish.nodes.iter().flat_map(|node| &node.names).map(String::as_str).collect(),
            here: here.nodes.iter().map(|node| (node.name.as_str(), node)).collect(),
            retired: here.retired.iter().map(|node| (node.name.as_str(), node)).collect(),
        }
    }

    fn here(&self, wished: &WishedNode) -> Option<&'a HereNode> {
        wished.names.iter().find_map(|name| self.here.get(name.as_str()).copied())
    }

    fn retired(&self, wished: &WishedNode) -> Option<&'a RetiredNode> {
        wished.names.iter().find_map(|name| self.retired.get(name.as_str()).copied())
    }

    /// The nodes that stay, though nobody names them. One that is being retired is not among them.
    fn not_named(&self, here: &'a Here) -> impl Iterator<Item = &'a HereNode> {
        here.nodes
            .iter()
            .filter(|node| node.state != NodeStatus::Leaving && !self.wished.contains(node.name.as_str()))
    }
}

impl Wish {
    /// Whether it names such a node.
    pub fn names_node(&self, name: &str) -> bool {
        self.nodes.iter().any(|node| node.names.iter().any(|known| known == name))
    }

    /// The nodes that come in now. None does while a node is here that the settings don't name: it may be the same machine
    /// under another name, and would be sold twice.
    pub fn coming(&self, here: &Here) -> Vec<&WishedNode> {
        let by_name = ByName::of(self, here);
        if by_name.not_named(here).next().is_some() {
            return Vec::new();
        }
        let is_open = |wished: &&WishedPool| {
            let pool = here.pool(&wished.name);
            pool.is_none_or(|pool| pool.retired_at.is_none() && pool.card_model == wished.model.name)
        };
        let open: HashSet<&str> = self.pools.iter().filter(is_open).map(|pool| pool.name.as_str()).collect();
        let is_new = |node: &&WishedNode| by_name.here(node).is_none() && by_name.retired(node).is_none();
        self.nodes.iter().filter(is_new).filter(|node| open.contains(node.pool.as_str())).collect()
    }

    /// All that differs: nodes, then pools, each by name as people count. A node that is being retired differs no more.
    pub fn differences(&self, here: &Here) -> Vec<Difference> {
        let by_name = ByName::of(self, here);
        let mut found = Vec::new();
        let mut tell = |kind, name: &str, wish: &str, is: &str| {
            found.push(Difference { kind, name: name.into(), wish: wish.into(), is: is.into() });
        };
        for node in by_name.not_named(here) {
            tell(DifferenceKind::NodeNotNamed, &node.name, "", &node.pool);
        }
        let coming: HashSet<&str> =
            self.coming(here).into_iter().filter_map(|node| node.names.first()).map(String::as_str).collect();
        for wished in &self.nodes {
            let first = wished.names.first().map_or("", String::as_str);
            if let Some(node) = by_name.here(wished) {
                self.of_node(wished, node, &mut tell);
            } else if let Some(retired) = by_name.retired(wished) {
                tell(DifferenceKind::NodeRetired, &retired.name, &wished.pool, "");
            } else if self.whose == Whose::Settings && !coming.contains(first) {
                tell(DifferenceKind::NodeWaits, first, &wished.pool, "");
            }
        }
        for pool in &here.pools {
            match self.pools.iter().find(|wished| wished.name == pool.name) {
                Some(wished) if pool.retired_at.is_some() => {
                    tell(DifferenceKind::PoolRetired, &pool.name, &wished.model.name, "");
                }
                Some(wished) if wished.model.name != pool.card_model => {
                    tell(DifferenceKind::PoolModel, &pool.name, &wished.model.name, &pool.card_model);
                }
                None if pool.retired_at.is_none() => {
                    tell(DifferenceKind::PoolNotNamed, &pool.name, "", &pool.card_model);
                }
                _ => {}
            }
        }
        found.sort_by(|a, b| {
            a.kind.is_of_pool().cmp(&b.kind.is_of_pool()).then(natural_cmp(&a.name, &b.name))
        });
        found
    }

    fn of_node(
        &self,
        wished: &WishedNode,
        node: &HereNode,
        tell: &mut impl FnMut(DifferenceKind, &str, &str, &str),
    ) {
        let mut number = |kind, wish: u8, is: u8| tell(kind, &node.name, &wish.to_string(), &is.to_string());
        if wished.cards != node.cards {
            number(DifferenceKind::NodeCards, wished.cards, node.cards);
        } else if let Some(ring) = wished.ring_cards.map(|ring| ring.min(wished.cards))
            && ring != node.ring_cards
        {
            number(DifferenceKind::NodeRings, ring, node.ring_cards);
        }
        if wished.pool != node.pool {
            tell(DifferenceKind::NodePool, &node.name, &wished.pool, &node.pool);
        }
        if self.whose == Whose::Settings && wished.is_virtual != node.is_virtual {
            let kind = |is_virtual: bool| if is_virtual { "virtual" } else { "real" };
            tell(DifferenceKind::NodeVirtual, &node.name, kind(wished.is_virtual), kind(node.is_virtual));
        }
    }
}

impl WishedNode {
    /// The node that it becomes.
    pub fn node(&self, id: NodeId, pool: PoolId, since: Timestamp) -> Node {
        Node {
            id,
            pool,
            name: self.names.first().cloned().unwrap_or_default(),
            cards: self.cards,
            rings: even_rings(self.cards, self.ring_cards.unwrap_or(self.cards)),
            is_virtual: self.is_virtual,
            switch: self.switch.clone(),
            since,
            state: NodeState::Up,
            labels: self.labels.clone(),
            maintenance: None,
        }
    }
}
