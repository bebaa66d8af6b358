//! The nodes that the settings name, or Slurm has, beside those that are here. No I/O: what differs, and which nodes may
//! come in.

use std::collections::{HashMap, HashSet};

use domain::{
    CardModel, Node, NodeId, NodeState, NodeStatus, PoolId, Rfc3339, Timestamp,
    node::{Departure, even_rings},
};
use serde::{Deserialize, Serialize};
use store::pools::{GoneNode, Pool};

use crate::settings::PoolSettings;

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
        Self {
            nodes: nodes.map(node).collect(),
            retired: gone.filter(|gone| gone.how == Departure::Retired).map(retired).collect(),
            pools: pools.iter().map(pool).collect(),
        }
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
    /// The hall that the settings name.
    pub fn of_settings(pools: &[PoolSettings]) -> Self {
        let model = |pool: &PoolSettings| pool.model.clone().or_else(|| CardModel::known(&pool.card_model));
        let pool = |pool: &PoolSettings| Some(WishedPool { name: pool.name.clone(), model: model(pool)? });
        Self {
            whose: Whose::Settings,
            pools: pools.iter().filter_map(pool).collect(),
            nodes: pools.iter().flat_map(wished_nodes).collect(),
        }
    }

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

    /// All that differs: nodes, then pools. A node that is being retired differs no more.
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

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = "a";

    fn line(name: &str, count: u32, cards: u8) -> crate::settings::NodeSettings {
        crate::settings::NodeSettings {
            name: name.into(),
            count,
            cards,
            cards_per_ring: None,
            is_virtual: true,
            switch: String::new(),
            labels: Vec::new(),
        }
    }

    fn wish(pool: &str, model: &str, nodes: &[(&str, u32, u8)]) -> Wish {
        let nodes = nodes.iter().map(|(name, count, cards)| line(name, *count, *cards)).collect();
        Wish::of_settings(&[PoolSettings { name: pool.into(), card_model: model.into(), model: None, nodes }])
    }

    /// The hall once all that may come in has come.
    fn settled(mut here: Here, wish: &Wish) -> Here {
        let coming: Vec<HereNode> = wish
            .coming(&here)
            .into_iter()
            .map(|node| HereNode {
                name: node.names[0].clone(),
                pool: node.pool.clone(),
                state: NodeStatus::Up,
                reason: String::new(),
                cards: node.cards,
                ring_cards: node.ring_cards.unwrap_or(node.cards),
                is_virtual: node.is_virtual,
            })
            .collect();
        for pool in &wish.pools {
            if here.pool(&pool.name).is_none() && coming.iter().any(|node| node.pool == pool.name) {
                let (name, card_model) = (pool.name.clone(), pool.model.name.clone());
                here.pools.push(HerePool { name, card_model, retired_at: None });
            }
        }
        here.nodes.extend(coming);
        here
    }

    fn told(wish: &Wish, here: &Here) -> Vec<(DifferenceKind, String)> {
        wish.differences(here).into_iter().map(|found| (found.kind, found.name)).collect()
    }

    fn names(here: &Here) -> Vec<&str> {
        here.nodes.iter().map(|node| node.name.as_str()).collect()
    }

    #[test]
    fn a_new_hall_is_as_wished() {
        let wish = wish(POOL, "ascend-910", &[("lab-", 3, 8), ("gpu", 1, 4)]);
        let here = settled(Here::default(), &wish);
        assert_eq!(names(&here), ["lab-01", "lab-02", "lab-03", "gpu"]);
        assert_eq!(told(&wish, &here), []);
    }

    #[test]
    fn another_count_invents_no_node() {
        let of = |count| wish(POOL, "ascend-910", &[("lab-", count, 8)]);
        let three = settled(Here::default(), &of(3));
        assert_eq!(settled(three.clone(), &of(1)), three);
        let not_named = |n: &str| (DifferenceKind::NodeNotNamed, format!("lab-{n}"));
        assert_eq!(told(&of(1), &three), [not_named("02"), not_named("03")]);
        // The one node keeps its name as others follow it.
        let one = settled(Here::default(), &of(1));
        assert_eq!(names(&one), ["lab-"]);
        let more = settled(one, &of(3));
        assert_eq!(names(&more), ["lab-", "lab-02", "lab-03"]);
        assert_eq!(told(&of(3), &more), []);
    }

    #[test]
    fn a_renamed_node_or_pool_does_not_double_the_hall() {
        let before = settled(Here::default(), &wish(POOL, "ascend-910", &[("lab-", 2, 8)]));
        for renamed in [
            wish(POOL, "ascend-910", &[("gpu-", 2, 8)]),
            wish("b", "ascend-910", &[("gpu-", 2, 8)]),
            wish("b", "ascend-910", &[("lab-", 1, 8), ("gpu-", 2, 8)]),
        ] {
            assert_eq!(settled(before.clone(), &renamed), before, "{renamed:?}");
            let kinds: Vec<_> = told(&renamed, &before).into_iter().map(|(kind, _)| kind).collect();
            assert!(kinds.contains(&DifferenceKind::NodeNotNamed), "{kinds:?}");
            assert!(kinds.contains(&DifferenceKind::NodeWaits), "{kinds:?}");
        }
        // Once the old names are retired, the new ones come in.
        let renamed = wish(POOL, "ascend-910", &[("gpu-", 2, 8)]);
        let mut here = before;
        for node in &mut here.nodes {
            node.state = NodeStatus::Leaving;
        }
        assert_eq!(names(&settled(here, &renamed)), ["lab-01", "lab-02", "gpu-01", "gpu-02"]);
    }

    #[test]
    fn what_a_node_or_pool_is_stays_and_is_told() {
        let here = settled(Here::default(), &wish(POOL, "ascend-910", &[("lab-", 1, 8)]));
        let lab = |kind| vec![(kind, "lab-".to_owned())];
        assert_eq!(told(&wish(POOL, "ascend-910", &[("lab-", 1, 4)]), &here), lab(DifferenceKind::NodeCards));
        let other = wish(POOL, "ascend-910b1", &[("lab-", 1, 8), ("new", 1, 8)]);
        assert_eq!(settled(here.clone(), &other), here);
        assert_eq!(
            told(&other, &here),
            [(DifferenceKind::NodeWaits, "new".into()), (DifferenceKind::PoolModel, POOL.into())]
        );
        let mut real = wish(POOL, "ascend-910", &[("lab-", 1, 8)]);
        real.nodes[0].is_virtual = false;
        real.nodes[0].ring_cards = Some(4);
        let kinds: Vec<_> = told(&real, &here).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [DifferenceKind::NodeRings, DifferenceKind::NodeVirtual]);
        let moved = wish("b", "ascend-910", &[("lab-", 1, 8)]);
        assert_eq!(settled(here.clone(), &moved).nodes, here.nodes);
        assert_eq!(
            told(&moved, &here),
            [(DifferenceKind::NodePool, "lab-".into()), (DifferenceKind::PoolNotNamed, POOL.into())]
        );
    }

    #[test]
    fn a_retired_name_is_not_used_again_without_a_word() {
        let wish = wish(POOL, "ascend-910", &[("lab-", 2, 8)]);
        let mut here = settled(Here::default(), &wish);
        let gone = here.nodes.pop().expect("lab-02");
        here.retired.push(RetiredNode {
            name: gone.name,
            pool: gone.pool,
            cards: 8,
            is_virtual: true,
            since: Rfc3339::default(),
            retired_at: Rfc3339::default(),
            reason: "sold".into(),
        });
        assert_eq!(settled(here.clone(), &wish), here);
        assert_eq!(told(&wish, &here), [(DifferenceKind::NodeRetired, "lab-02".into())]);
    }
}
