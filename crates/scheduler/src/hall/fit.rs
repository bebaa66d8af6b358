//! How well a run fits on one node, and which cards of the node the run gets.
//!
//! On rings, the penalties are those of the vendor's own scheduler for two rings of four, carried on to rings
//! of any length. The cards left over in the ring decide, and a pair left over is better than a single card.

use domain::{CardSet, card::Affinity};

use crate::snapshot::NodeView;

/// The cards that a run asks for on each of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeAsk {
    pub(crate) cards: u32,
    /// The node must be idle, and the run gets all of its cards.
    pub(crate) is_exclusive: bool,
}

/// The facts about a node's cards that matter to the planner. Nodes of one kind are equal to the search,
/// which therefore goes over a few dozen kinds and not over thousands of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeKind {
    cards: u32,
    free: u32,
    /// The rings name cards that the node does not have.
    lacks_cards: bool,
    wiring: Wiring,
    /// The set of labels of the node, as an index into those of the card pool.
    pub(crate) labels: u32,
}

/// The most rings that a node has: one a card.
const MAX_RINGS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Wiring {
    Any,
    /// The free cards of each ring, in rising order, 0 where there is no ring.
    Rings([u8; MAX_RINGS]),
    /// How many pairs have both cards free, and how many have one.
    Pairs {
        whole: u32,
        half: u32,
    },
}

/// How well a job fits on a node; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fit {
    /// From the table of the wiring.
    penalty: u32,
    /// The node is idle, and the run would leave it neither idle nor full. Nodes in use are filled up first,
    /// which keeps whole nodes whole.
    breaks_whole: bool,
    lacks_cards: bool,
    /// An odd number of cards is left over, where the wiring makes pairs worth more.
    leaves_odd: bool,
    /// Best fit: as few cards as possible are left over.
    left: u32,
    /// All cards of the node. Of two nodes that are as good, the larger is kept for jobs that fit on no
    /// smaller one.
    cards: u32,
}

const EVEN_BITS: u64 = 0x5555_5555_5555_5555;

impl NodeKind {
    /// The kind of `node` while `free` are its free cards. Linear in the rings.
    pub(crate) fn of(node: &NodeView, labels: u32, free: CardSet) -> Self {
        let wired = node.rings.iter().fold(CardSet::EMPTY, |all, ring| all.union(*ring));
        let wiring = match node.affinity {
            Affinity::Any => Wiring::Any,
            Affinity::Rings => {
                let mut rings = [0; MAX_RINGS];
                for (of, ring) in rings.iter_mut().zip(node.rings.iter()) {
                    *of = free_in(*ring, free);
                }
                rings[..node.rings.len().min(MAX_RINGS)].sort_unstable();
                Wiring::Rings(rings)
            }
            Affinity::Pairs => {
                let (whole, half) = pairs(free);
                Wiring::Pairs { whole: whole.len(), half: half.len() }
            }
        };
        let lacks_cards = !wired.is_subset(node.cards);
        Self { cards: node.cards.len(), free: free.len(), lacks_cards, wiring, labels }
    }

    pub(crate) fn cards(&self) -> u32 {
        self.cards
    }

    pub(crate) fn free(&self) -> u32 {
        self.free
    }

    /// How well a run fits; `None` if it doesn't.
    pub(crate) fn fit(&self, per_node: NodeAsk) -> Option<Fit> {
        let ask =
            if per_node.is_exclusive && per_node.cards <= self.cards { self.cards } else { per_node.cards };
        if ask == 0 || per_node.cards == 0 || ask > self.free {
            return None;
        }
        let left = self.free - ask;
        let takes_all = ask == self.cards;
        let (penalty, leaves_odd) = match &self.wiring {
            _ if takes_all => (0, false),
            Wiring::Any => (0, false),
            Wiring::Rings(_) if !ask.is_power_of_two() => return None,
            Wiring::Rings(rings) => {
                let fitting = rings.iter().filter_map(|&free| u32::from(free).checked_sub(ask));
                (fitting.map(ring_penalty).min()?, left % 2 == 1)
            }
            Wiring::Pairs { half, .. } if ask == 1 => (u32::from(*half == 0), false),
            Wiring::Pairs { whole, .. } if ask.is_multiple_of(2) && whole * 2 >= ask => (0, false),
            Wiring::Pairs { .. } => return None,
        };
        let breaks_whole = self.free == self.cards && left > 0;
        Some(Fit {
            penalty,
            breaks_whole,
            lacks_cards: self.lacks_cards,
            leaves_odd,
            left,
            cards: self.cards,
        })
    }
}

/// The cost of taking cards from a ring so that `left` of them are left over: none is best, then a pair, then
/// a single card, then as few as possible.
fn ring_penalty(left: u32) -> u32 {
    match left {
        1 => 2,
        2 => 1,
        left => left,
    }
}

/// The cards that a run takes of the `free` ones of `node`; `None` where the run does not fit.
pub(crate) fn pick(node: &NodeView, free: CardSet, per_node: NodeAsk) -> Option<CardSet> {
    let ask = per_node.cards;
    if ask == node.cards.len() || per_node.is_exclusive && ask <= node.cards.len() {
        return (free == node.cards).then_some(free);
    }
    match node.affinity {
        Affinity::Any => free.lowest(ask),
        Affinity::Rings => {
            let rings = node.rings.iter().map(|ring| ring.intersection(free));
            let fitting = rings.filter(|ring| ring.len() >= ask && ask.is_power_of_two());
            fitting.min_by_key(|ring| ring_penalty(ring.len() - ask))?.lowest(ask)
        }
        Affinity::Pairs if ask == 1 => {
            let (_, half) = pairs(free);
            half.lowest(1).or_else(|| free.lowest(1))
        }
        Affinity::Pairs => {
            let (whole, _) = pairs(free);
            let first_of_each = whole.lowest(ask / 2).filter(|_| ask.is_multiple_of(2))?;
            Some(first_of_each.union(CardSet::from_bits(first_of_each.bits() << 1)))
        }
    }
}

/// The first card of each pair of which both are free, and the free cards whose partner is not free.
fn pairs(free: CardSet) -> (CardSet, CardSet) {
    let (first, second) = (free.bits() & EVEN_BITS, free.bits() >> 1 & EVEN_BITS);
    let whole = first & second;
    (CardSet::from_bits(whole), free.without(CardSet::from_bits(whole | whole << 1)))
}

fn free_in(ring: CardSet, free: CardSet) -> u8 {
    u8::try_from(ring.intersection(free).len()).expect("a node has 64 cards at most")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall::test_nodes;

    fn of(cards: u32) -> NodeAsk {
        NodeAsk { cards, is_exclusive: false }
    }

    fn kind(node: &NodeView, free: CardSet) -> NodeKind {
        NodeKind::of(node, 0, free)
    }

    /// The whole table for rings of four. Rows: 1, 2, 3, 4 cards asked for; columns: 1, 2, 3, 4 free in the
    /// ring. A 4 means that the run does not fit.
    const PENALTIES: [[u32; 4]; 4] = [[0, 2, 1, 3], [4, 0, 2, 1], [4, 4, 4, 4], [4, 4, 4, 0]];

    #[test]
    fn rings_of_four_follow_the_whole_table() {
        let node = test_nodes::node(0, Affinity::Rings, 8);
        for (ask, row) in (1_u32..).zip(PENALTIES) {
            for (free, want) in (1_u32..).zip(row) {
                // The other ring is full.
                for ring in node.rings.iter() {
                    let free = ring.lowest(free).unwrap();
                    let fit = kind(&node, free).fit(of(ask));
                    assert_eq!(fit.map_or(4, |fit| fit.penalty), want, "{ask} of {free:?}");
                    let picked = pick(&node, free, of(ask));
                    assert_eq!(picked, (want < 4).then(|| free.lowest(ask).unwrap()));
                }
            }
        }
    }

    #[test]
    fn the_better_ring_is_taken_and_the_node_counts_by_it() {
        let node = test_nodes::node(0, Affinity::Rings, 8);
        for ask in 1..=4_u32 {
            for left in 0..=4_u32 {
                for right in 0..=4_u32 {
                    let some = |ring: usize, free: u32| node.rings[ring].lowest(free).unwrap();
                    let (left_free, right_free) = (some(0, left), some(1, right));
                    let penalty = |free: u32| match free {
                        0 => 4,
                        free => PENALTIES[ask as usize - 1][free as usize - 1],
                    };
                    let want = penalty(left).min(penalty(right));
                    let free = left_free.union(right_free);
                    assert_eq!(kind(&node, free).fit(of(ask)).map_or(4, |fit| fit.penalty), want);
                    let ring = if penalty(left) <= penalty(right) { left_free } else { right_free };
                    assert_eq!(pick(&node, free, of(ask)), if want < 4 { ring.lowest(ask) } else { None });
                }
            }
        }
    }

    #[test]
    fn each_wiring_allows_its_numbers() {
        let allowed = |affinity, cards: u8| {
            let node = test_nodes::node(0, affinity, cards);
            let kind = kind(&node, node.cards);
            let asks = (0..=u32::from(cards) + 1).filter(|&ask| kind.fit(of(ask)).is_some());
            asks.inspect(|&ask| {
                let picked = pick(&node, node.cards, of(ask)).unwrap();
                assert!(picked.len() == ask && picked.is_subset(node.cards));
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(allowed(Affinity::Rings, 8), [1, 2, 4, 8]);
        assert_eq!(allowed(Affinity::Rings, 4), [1, 2, 4]);
        assert_eq!(allowed(Affinity::Rings, 6), [1, 2, 4, 6]);
        assert_eq!(allowed(Affinity::Rings, 1), [1]);
        assert_eq!(allowed(Affinity::Pairs, 6), [1, 2, 4, 6]);
        assert_eq!(allowed(Affinity::Pairs, 16), [1, 2, 4, 6, 8, 10, 12, 14, 16]);
        assert_eq!(allowed(Affinity::Any, 5), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn long_rings_prefer_a_pair_left_over_to_a_single_card() {
        let mut node = test_nodes::node(0, Affinity::Rings, 16);
        node.rings = domain::node::even_rings(16, 8).into();
        let penalty = |free: u32, ask| {
            kind(&node, CardSet::first(8).lowest(free).unwrap()).fit(of(ask)).unwrap().penalty
        };
        assert_eq!((4..=8).map(|free| penalty(free, 4)).collect::<Vec<_>>(), [0, 2, 1, 3, 4]);
        assert!(kind(&node, node.cards).fit(of(8)).is_some() && kind(&node, node.cards).fit(of(3)).is_none());
    }

    #[test]
    fn pairs_are_kept_together() {
        let node = test_nodes::node(0, Affinity::Pairs, 8);
        for (free, ask, want) in [
            (0b1111_1111, 1, Some(0b0000_0001)),
            // A card whose partner is taken goes first.
            (0b1110_1111, 1, Some(0b0010_0000)),
            (0b1110_1110, 2, Some(0b0000_1100)),
            (0b1110_1110, 4, Some(0b1100_1100)),
            (0b0101_0101, 2, None),
            (0b1111_1111, 3, None),
            (0b1111_1111, 8, Some(0b1111_1111)),
        ] {
            let free = CardSet::from_bits(free);
            assert_eq!(pick(&node, free, of(ask)), want.map(CardSet::from_bits), "{ask} of {free:?}");
            assert_eq!(kind(&node, free).fit(of(ask)).is_some(), want.is_some());
        }
        let fit = |free, ask| kind(&node, CardSet::from_bits(free)).fit(of(ask));
        assert!(fit(0b0000_0100, 1) < fit(0b0000_1100, 1));
    }

    #[test]
    fn used_whole_and_even_nodes_come_first() {
        let node = test_nodes::node(0, Affinity::Rings, 8);
        let fit = |free: u64, ask| kind(&node, CardSet::from_bits(free)).fit(of(ask)).unwrap();
        // A node in use before an idle one of the same penalty.
        assert!(fit(0b1111_0000, 4) < fit(0b1111_1111, 4));
        // An even remainder before an odd one.
        assert!(fit(0b0111_0001, 1) > fit(0b0011_0001, 1));
        // A node that misses a card after one that has them all.
        let mut seven = test_nodes::node(0, Affinity::Rings, 8);
        seven.cards = CardSet::first(7);
        let fit_seven = |free: u64, ask| kind(&seven, CardSet::from_bits(free)).fit(of(ask)).unwrap();
        assert!(fit(0b0000_0001, 1) < fit_seven(0b0000_0001, 1));
        assert_eq!(kind(&seven, seven.cards).fit(of(8)), None);
        // Of two that are as good, the smaller node.
        let small = test_nodes::node(0, Affinity::Any, 4);
        let large = test_nodes::node(0, Affinity::Any, 8);
        let two_free = CardSet::first(2);
        let of_both = [&small, &large].map(|node| kind(node, two_free).fit(of(1)).unwrap());
        assert!(of_both[0] < of_both[1]);
    }
}
