//! The capacity balance: where every card-millisecond of an interval went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CardMs, CardSet, NodeId, NodeStatus, Timestamp};

/// A stretch of a node's life in one state. The stretches of a node follow each other, without gap while it is in the
/// hall; the first begins when it joined the center, and there is none for the time for which it was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeStretch {
    pub node: NodeId,
    pub cards: u8,
    pub from: Timestamp,
    /// `None`: the node is still in it.
    pub until: Option<Timestamp>,
    /// Whether the node takes runs in it.
    pub status: NodeStatus,
}

/// The cards of one node that a run had, from its first process to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    pub node: NodeId,
    pub cards: CardSet,
    pub from: Timestamp,
    /// `None`: the run goes on.
    pub until: Option<Timestamp>,
    pub purpose: Purpose,
}

/// How card time that a run had counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    Sold,
    Granted,
    /// The run went on after the notice by which its cards were reclaimed.
    Preempted,
    /// Nobody knows that the run still computed, or it went on beyond all that is charged.
    Lost,
}

/// Where the card time of an interval went. Each part is counted by itself. The parts add up to the capacity
/// if no card was in two states at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CapacityBalance {
    /// The cards there were, times the time.
    pub capacity_card_ms: CardMs,
    pub sold_card_ms: CardMs,
    pub granted_card_ms: CardMs,
    pub idle_card_ms: CardMs,
    pub drained_card_ms: CardMs,
    /// The cards of failed nodes.
    pub failed_card_ms: CardMs,
    /// Cards that runs kept after their notice to give them back.
    #[serde(default)]
    pub preempted_card_ms: CardMs,
    /// Cards of runs of which nobody knows that they still computed.
    #[serde(default)]
    pub lost_card_ms: CardMs,
}

impl CapacityBalance {
    /// Whether the parts add up to the capacity.
    pub fn closes(&self) -> bool {
        let parts = [
            self.sold_card_ms,
            self.granted_card_ms,
            self.idle_card_ms,
            self.drained_card_ms,
            self.failed_card_ms,
            self.preempted_card_ms,
            self.lost_card_ms,
        ];
        parts.into_iter().sum::<CardMs>() == self.capacity_card_ms
    }
}

/// The balance of `[from, until)`.
///
/// Cost: n log n in the stretches and occupancies. Cards that two runs had at once count twice, so that the
/// balance does not close and the fault is seen.
pub fn balance(
    stretches: &[NodeStretch],
    occupancies: &[Occupancy],
    from: Timestamp,
    until: Timestamp,
) -> CapacityBalance {
    let clip = |a: Timestamp, b: Option<Timestamp>| {
        (a.clamp(from, until.max(from)), b.unwrap_or(until).clamp(from, until.max(from)))
    };
    let mut total = CapacityBalance::default();
    // For each node the instants at which cards were taken (more than 0) or given back (less).
    let mut steps: BTreeMap<NodeId, Vec<(i64, i64)>> = BTreeMap::new();
    for item in occupancies {
        let (a, b) = clip(item.from, item.until);
        if a.floor_millis() >= b.floor_millis() {
            continue;
        }
        let used = CardMs::of(item.cards.len(), a, b);
        match item.purpose {
            Purpose::Sold => total.sold_card_ms += used,
            Purpose::Granted => total.granted_card_ms += used,
            Purpose::Preempted => total.preempted_card_ms += used,
            Purpose::Lost => total.lost_card_ms += used,
        }
        let node = steps.entry(item.node).or_default();
        node.push((a.floor_millis(), i64::from(item.cards.len())));
        node.push((b.floor_millis(), -i64::from(item.cards.len())));
    }
    for node in steps.values_mut() {
        node.sort_unstable();
    }
    for stretch in stretches {
        let (a, b) = clip(stretch.from, stretch.until);
        total.capacity_card_ms += CardMs::of(u32::from(stretch.cards), a, b);
        let free = free_card_ms(stretch.cards, steps.get(&stretch.node).map_or(&[], Vec::as_slice), a, b);
        match stretch.status {
            NodeStatus::Up => total.idle_card_ms += free,
            NodeStatus::Drained | NodeStatus::Leaving => total.drained_card_ms += free,
            NodeStatus::Failed => total.failed_card_ms += free,
        }
    }
    total
}

/// The card time of a node between `a` and `b` that no run had. At no instant is it below 0: cards that are
/// given twice show as a balance that does not close.
fn free_card_ms(cards: u8, steps: &[(i64, i64)], a: Timestamp, b: Timestamp) -> CardMs {
    let (a, b) = (a.floor_millis(), b.floor_millis());
    let (mut at, mut occupied, mut free) = (a, 0_i64, 0_i64);
    for &(time, change) in steps {
        let until = time.clamp(a, b);
        if until > at {
            free += (i64::from(cards) - occupied).max(0) * (until - at);
            at = until;
        }
        occupied += change;
    }
    if b > at {
        free += (i64::from(cards) - occupied).max(0) * (b - at);
    }
    CardMs(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(n: u8) -> NodeId {
        NodeId::from_bytes([n; 16])
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn up(n: u8, from: i64, until: Option<i64>) -> NodeStretch {
        NodeStretch { node: node(n), cards: 8, from: at(from), until: until.map(at), status: NodeStatus::Up }
    }

    #[test]
    fn every_part_is_counted() {
        let stretches = [
            up(1, 0, Some(500)),
            NodeStretch { status: NodeStatus::Drained, ..up(1, 500, Some(800)) },
            NodeStretch { status: NodeStatus::Failed, ..up(1, 800, None) },
        ];
        let run = |from, until, cards, purpose| Occupancy {
            node: node(1),
            cards: CardSet::first(cards),
            from: at(from),
            until,
            purpose,
        };
        let occupancies = [
            run(100, Some(at(600)), 4, Purpose::Sold),
            run(600, Some(at(700)), 2, Purpose::Granted),
            run(900, Some(at(950)), 1, Purpose::Lost),
            run(950, None, 1, Purpose::Preempted),
        ];
        let balance = balance(&stretches, &occupancies, at(0), at(1000));
        assert_eq!(
            balance,
            CapacityBalance {
                capacity_card_ms: CardMs(8000),
                sold_card_ms: CardMs(2000),
                granted_card_ms: CardMs(200),
                idle_card_ms: CardMs(8 * 100 + 4 * 400),
                drained_card_ms: CardMs(4 * 100 + 6 * 100 + 8 * 100),
                failed_card_ms: CardMs(8 * 100 + 7 * 100),
                preempted_card_ms: CardMs(50),
                lost_card_ms: CardMs(50),
            }
        );
        assert!(balance.closes());
    }

    #[test]
    fn a_card_given_twice_does_not_close() {
        let both = Occupancy {
            node: node(1),
            cards: CardSet::first(8),
            from: at(0),
            until: None,
            purpose: Purpose::Sold,
        };
        assert!(!balance(&[up(1, 0, None)], &[both, both], at(0), at(10)).closes());
        let stranger = Occupancy { node: node(2), ..both };
        assert!(!balance(&[up(1, 0, None)], &[stranger], at(0), at(10)).closes());
    }

    proptest! {
        #[test]
        fn it_closes_and_adds_up_over_any_cut(
            runs in prop::collection::vec((0_u8..8, 0_i64..1_000_000, 0_i64..400_000, 0_u8..4), 0..40),
            changes in prop::collection::vec((0_i64..1_000_000, 0_u8..3), 0..6),
            cut in 0_i64..1_000_000,
        ) {
            let mut free_from = [0_i64; 8];
            let occupancies: Vec<_> = runs.into_iter().map(|(card, gap, len, purpose)| {
                let from = free_from[usize::from(card)] + gap / 8;
                free_from[usize::from(card)] = from + len;
                let purpose = [Purpose::Sold, Purpose::Granted, Purpose::Preempted, Purpose::Lost][usize::from(purpose)];
                Occupancy { node: node(1), cards: CardSet::only(card), from: Timestamp::from_micros(from), until: Some(Timestamp::from_micros(from + len)), purpose }
            }).collect();
            let mut changes = changes;
            changes.sort_unstable();
            let mut stretches = Vec::new();
            let (mut from, mut status) = (0, NodeStatus::Up);
            for (time, to) in changes {
                let time = Timestamp::from_micros(time);
                stretches.push(NodeStretch { node: node(1), cards: 8, from: Timestamp::from_micros(from), until: Some(time), status });
                from = time.as_micros();
                status = [NodeStatus::Up, NodeStatus::Drained, NodeStatus::Failed][usize::from(to)];
            }
            stretches.push(NodeStretch { node: node(1), cards: 8, from: Timestamp::from_micros(from), until: None, status });
            let end = Timestamp::from_micros(1_000_000);
            let cut = Timestamp::from_micros(cut);
            let whole = balance(&stretches, &occupancies, Timestamp::default(), end);
            let (left, right) = (balance(&stretches, &occupancies, Timestamp::default(), cut), balance(&stretches, &occupancies, cut, end));
            prop_assert!(whole.closes() && left.closes() && right.closes());
            prop_assert_eq!(whole.sold_card_ms, left.sold_card_ms + right.sold_card_ms);
            prop_assert_eq!(whole.idle_card_ms, left.idle_card_ms + right.idle_card_ms);
            prop_assert_eq!(whole.failed_card_ms, left.failed_card_ms + right.failed_card_ms);
            prop_assert_eq!(whole.lost_card_ms, left.lost_card_ms + right.lost_card_ms);
        }
    }
}
