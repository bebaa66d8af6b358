//! Nodes 节点 with their cards and rings, and the places that runs take on them.

use serde::{Deserialize, Serialize};

use crate::{CardSet, NodeId, PoolId, Timestamp, codes};

/// A machine with cards, or a virtual one for trying out, teaching and tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub id: NodeId,
    pub pool: PoolId,
    pub name: String,
    /// The number of its cards, from 1 to [`crate::card::MAX_CARDS_PER_NODE`].
    pub cards: u8,
    /// The rings 环 into which its cards are parted; one ring with all cards where the wiring has none.
    pub rings: Vec<CardSet>,
    pub is_virtual: bool,
    /// The name of the switch that it is behind; empty where that is not known.
    pub switch: String,
    /// When it joined the center: from then on its cards count as capacity.
    pub since: Timestamp,
    pub state: NodeState,
    /// Properties that jobs may ask for: a fast disk, the version of a driver.
    pub labels: Vec<String>,
    pub maintenance: Option<Maintenance>,
}

/// A time at which a node is out for maintenance. No run starts on the node that could last into it, and from
/// `from` until `until` the node is drained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    pub from: Timestamp,
    pub until: Timestamp,
    /// The reason of the maintenance, and of the drain.
    pub reason: String,
}

impl Maintenance {
    /// The change of the node's state and maintenance that is due at `now`; `None` where both stay.
    pub fn due(&self, state: &NodeState, now: Timestamp) -> Option<Turn> {
        let own = NodeState::Drained { reason: self.reason.clone() };
        if now >= self.until {
            // An operator may meanwhile have drained the node for another reason; it stays drained then.
            return Some(Turn { state: (*state == own).then_some(NodeState::Up), is_over: true });
        }
        let begins = now >= self.from && state.takes_runs();
        begins.then_some(Turn { state: Some(own), is_over: false })
    }

    /// The next instant at which a change may be due.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        if now < self.from { self.from } else { self.until }
    }
}

/// A change at one end of a maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub state: Option<NodeState>,
    pub is_over: bool,
}

impl Node {
    pub fn all_cards(&self) -> CardSet {
        CardSet::first(self.cards)
    }
}

/// Rings of `ring_len` cards each over `cards` cards.
pub fn even_rings(cards: u8, ring_len: u8) -> Vec<CardSet> {
    let ring_len = ring_len.clamp(1, cards.max(1));
    (0..cards)
        .step_by(usize::from(ring_len))
        .map(|first| (first..cards.min(first + ring_len)).collect())
        .collect()
}

/// Whether a node takes runs. Runs that are on it keep their cards in each of these states. The other cards
/// count by the state in the capacity balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NodeState {
    Up,
    /// An operator took it out: no run starts on it, and those there end in their time.
    Drained {
        reason: String,
    },
    /// The node does not answer, or its cards report a fault.
    Failed {
        reason: String,
    },
    /// An operator retires it: no run starts on it, and it is gone once the last one there has ended.
    Leaving {
        reason: String,
    },
}

codes! {
    /// A node's state without its reason.
    pub enum NodeStatus {
        Up = "up",
        Drained = "drained",
        Failed = "failed",
        Leaving = "leaving",
    }
}

codes! {
    /// How a node went. Its history stays in each case.
    pub enum Departure {
        /// It has worked, and keeps its name.
        Retired = "retired",
        /// It never ran anything; its name is free again.
        Removed = "removed",
    }
}

impl NodeState {
    pub fn takes_runs(&self) -> bool {
        matches!(self, Self::Up)
    }

    pub fn status(&self) -> NodeStatus {
        match self {
            Self::Up => NodeStatus::Up,
            Self::Drained { .. } => NodeStatus::Drained,
            Self::Failed { .. } => NodeStatus::Failed,
            Self::Leaving { .. } => NodeStatus::Leaving,
        }
    }

    /// As what its free cards count in the capacity balance.
    pub fn condition(&self) -> NodeStatus {
        match self.status() {
            NodeStatus::Leaving => NodeStatus::Drained,
            other => other,
        }
    }

    /// The code by which it is stored and counted.
    pub fn code(&self) -> &'static str {
        self.status().code()
    }

    pub fn reason(&self) -> &str {
        match self {
            Self::Up => "",
            Self::Drained { reason } | Self::Failed { reason } | Self::Leaving { reason } => reason,
        }
    }

    /// The state from its code and its reason; `None` where the code is not known.
    pub fn from_code(code: &str, reason: &str) -> Option<Self> {
        let reason = reason.to_owned();
        Some(match NodeStatus::from_code(code)? {
            NodeStatus::Up => Self::Up,
            NodeStatus::Drained => Self::Drained { reason },
            NodeStatus::Failed => Self::Failed { reason },
            NodeStatus::Leaving => Self::Leaving { reason },
        })
    }
}

/// The cards of one node that a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    pub node: NodeId,
    pub cards: CardSet,
}

/// All cards of a run, a slot a node, in the order of node ranks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Placement(pub Vec<Slot>);

impl Placement {
    /// How many cards it holds in all.
    pub fn card_count(&self) -> u32 {
        self.0.iter().map(|slot| slot.cards.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_partition_the_cards() {
        for (cards, ring_len, want) in [
            (8, 4, vec![CardSet::from_bits(0x0f), CardSet::from_bits(0xf0)]),
            (8, 8, vec![CardSet::first(8)]),
            (6, 4, vec![CardSet::from_bits(0x0f), CardSet::from_bits(0x30)]),
            (1, 4, vec![CardSet::first(1)]),
            (2, 0, vec![CardSet::only(0), CardSet::only(1)]),
        ] {
            assert_eq!(even_rings(cards, ring_len), want);
        }
    }

    #[test]
    fn maintenance_drains_and_puts_back() {
        let at = |s: i64| Timestamp::from_millis(s * 1000);
        let work = Maintenance { from: at(10), until: at(20), reason: "new fans".into() };
        let drained = |reason: &str| NodeState::Drained { reason: reason.into() };
        let turn = |state, is_over| Some(Turn { state, is_over });
        for (now, state, want) in [
            (9, NodeState::Up, None),
            (10, NodeState::Up, turn(Some(drained("new fans")), false)),
            (15, drained("new fans"), None),
            (15, drained("flood"), None),
            (20, drained("new fans"), turn(Some(NodeState::Up), true)),
            (20, drained("flood"), turn(None, true)),
            (30, NodeState::Up, turn(None, true)),
            (30, NodeState::Failed { reason: "new fans".into() }, turn(None, true)),
        ] {
            assert_eq!(work.due(&state, at(now)), want, "{now} {state:?}");
        }
        assert_eq!([9, 10, 19].map(|now| work.next(at(now))), [at(10), at(20), at(20)]);
    }

    #[test]
    fn states_survive_their_codes() {
        let reason = "fan replaced".to_owned();
        for state in [
            NodeState::Up,
            NodeState::Drained { reason: reason.clone() },
            NodeState::Failed { reason: reason.clone() },
            NodeState::Leaving { reason },
        ] {
            assert_eq!(NodeState::from_code(state.code(), state.reason()), Some(state.clone()));
        }
        assert_eq!(NodeState::from_code("gone", ""), None);
    }
}
