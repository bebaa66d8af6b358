//! Nodes that stand for this machine, compared with the cards that are found here.

use domain::{CardSet, Lang, card::Vendor};

use super::FoundCards;

/// A node that is to be real.
#[derive(Clone, Debug)]
pub struct RealNode {
    pub name: String,
    pub vendor: Vendor,
    /// It is to have the cards from 0 on.
    pub cards: u8,
}

/// What a node has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    pub node: String,
    /// The cards of the node that are not on this machine.
    pub missing: CardSet,
    /// The cards of the node that are another node's, which came first.
    pub taken: Option<(String, CardSet)>,
}

/// The nodes that have not all their cards. Nodes that come first have a card before those that come later. Of makers whose
/// cards can't be found nothing is said.
pub fn lacking(nodes: &[RealNode], found: &[FoundCards]) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let mut given: Vec<&RealNode> = Vec::new();
    for node in nodes.iter().filter(|node| node.vendor != Vendor::Other) {
        let of_maker = found.iter().filter(|found| found.vendor == node.vendor);
        let there: CardSet = of_maker.flat_map(|found| &found.cards).map(|card| card.index).collect();
        let missing: CardSet = CardSet::first(node.cards).without(there);
        let other = given.iter().find(|other| other.vendor == node.vendor);
        let taken = other.map(|other| (other.name.clone(), CardSet::first(node.cards.min(other.cards))));
        if missing.is_empty() && taken.is_none() {
            given.push(node);
        } else {
            lacks.push(Lack { node: node.name.clone(), missing, taken });
        }
    }
    lacks
}

impl Lack {
    pub fn text(&self, lang: Lang) -> String {
        let missing = (!self.missing.is_empty()).then(|| match lang {
            Lang::En => format!("its cards {} are not on this machine", self.missing),
            Lang::Zh => format!("本机没有加速卡 {}", self.missing),
        });
        let taken = self.taken.as_ref().map(|(other, cards)| match lang {
            Lang::En => format!("its cards {cards} are those of the node {other}"),
            Lang::Zh => format!("加速卡 {cards} 已属于节点 {other}"),
        });
        let joint = match lang {
            Lang::En => ", and ",
            Lang::Zh => "，且",
        };
        missing.into_iter().chain(taken).collect::<Vec<_>>().join(joint)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::FoundCard, *};

    fn found(indices: &[u8]) -> Vec<FoundCards> {
        let card =
            |index: &u8| FoundCard { index: *index, name: String::new(), is_healthy: None, memory_mib: None };
        let cards = indices.iter().map(card).collect();
        vec![FoundCards {
            vendor: Vendor::Ascend,
            model: "m".into(),
            cards,
            rings: vec![],
            driver: String::new(),
        }]
    }

    fn node(name: &str, vendor: Vendor, cards: u8) -> RealNode {
        RealNode { name: name.into(), vendor, cards }
    }

    #[test]
    fn a_node_without_its_cards_is_named_with_those_that_it_lacks() {
        let nodes = [node("a", Vendor::Ascend, 4)];
        assert_eq!(lacking(&nodes, &found(&[0, 1, 2, 3, 4])), []);
        let lacks = lacking(&nodes, &found(&[0, 2]));
        assert_eq!(lacks, [Lack { node: "a".into(), missing: CardSet::from_bits(0b1010), taken: None }]);
        assert_eq!(lacks[0].text(Lang::En), "its cards 1,3 are not on this machine");
        assert_eq!(lacking(&nodes, &[])[0].missing, CardSet::first(4));
        // Cards of another maker are not its own.
        assert_eq!(lacking(&[node("g", Vendor::Nvidia, 1)], &found(&[0])).len(), 1);
        assert_eq!(lacking(&[node("o", Vendor::Other, 1)], &[]), []);
    }

    #[test]
    fn no_card_is_two_nodes() {
        let nodes =
            [node("a", Vendor::Ascend, 2), node("b", Vendor::Ascend, 4), node("c", Vendor::Ascend, 2)];
        let lacks = lacking(&nodes, &found(&[0, 1, 2, 3]));
        assert_eq!(lacks.iter().map(|lack| lack.node.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(lacks[0].taken, Some(("a".into(), CardSet::first(2))));
        assert_eq!(lacks[0].text(Lang::Zh), "加速卡 0-1 已属于节点 a");
        // Each reason is told where there are two.
        let both = lacking(&[node("a", Vendor::Ascend, 1), node("b", Vendor::Ascend, 2)], &found(&[0]));
        let said = "its cards 1 are not on this machine, and its cards 0 are those of the node a";
        assert_eq!(both[0].text(Lang::En), said);
    }
}
