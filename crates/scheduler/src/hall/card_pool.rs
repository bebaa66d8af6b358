//! A card pool: the cards of one model in one pool, with those that are free, those held for later, and the
//! ends of runs.

use std::{collections::BTreeSet, sync::Arc};

use domain::{CardSet, PoolId, Timestamp};
use rustc_hash::FxHashMap;

use super::{
    busy::{Busy, Stay},
    fit::NodeKind,
    free_index::FreeIndex,
    hold::{Hold, HoldOwner},
    search::{Need, PoolCards, Quality, Search},
    topology::Topology,
};
use crate::snapshot::NodeView;

#[derive(Debug)]
pub(crate) struct CardPool {
    pub(crate) pool: PoolId,
    pub(crate) model: Arc<str>,
    pub(crate) space: Space,
    /// By their beginning.
    pub(crate) holds: Vec<Hold>,
    /// When each run ends by its time limit.
    pub(crate) ends: BTreeSet<(Timestamp, u32)>,
    /// The same by node, where there are nodes.
    busy: Busy,
    /// The free cards without those that are held; made when first needed.
    unheld: Option<Unheld>,
    /// The last plan in which a job held cards here, by its number, and the slot of that job.
    pub(crate) held_in: (u64, u32),
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one a card pool, and nearly all are of nodes")]
pub(crate) enum Space {
    Nodes {
        topology: Topology,
        free_index: FreeIndex,
        /// The kinds of the nodes when nothing runs, each with all its nodes and those that take runs.
        idle_kinds: Vec<(NodeKind, u32, u32)>,
    },
    /// Only the number of cards is known.
    Counted { cards: u32, free: u32 },
}

#[derive(Debug)]
struct Unheld {
    free_index: FreeIndex,
    held: FxHashMap<u32, CardSet>,
}

impl CardPool {
    pub(crate) fn of_nodes(pool: PoolId, model: Arc<str>, topology: Topology, free: Vec<CardSet>) -> Self {
        let (free_index, idle_kinds, busy) =
            (FreeIndex::new(&topology, free), topology.idle_kinds(), Busy::of(topology.nodes.len()));
        Self { busy, ..Self::new(pool, model, Space::Nodes { topology, free_index, idle_kinds }) }
    }

    pub(crate) fn counted(pool: PoolId, model: Arc<str>, cards: u32) -> Self {
        Self::new(pool, model, Space::Counted { cards, free: cards })
    }

    fn new(pool: PoolId, model: Arc<str>, space: Space) -> Self {
        Self {
            pool,
            model,
            space,
            holds: Vec::new(),
            ends: BTreeSet::new(),
            busy: Busy::default(),
            unheld: None,
            held_in: (0, 0),
        }
    }

    /// The cards of nodes that take runs, and those that runs hold on other nodes.
    pub(crate) fn capacity(&self) -> u32 {
        match &self.space {
            Space::Counted { cards, .. } => *cards,
            Space::Nodes { topology, free_index, .. } => {
                let of = |(rank, node): (u32, &NodeView)| {
                    if node.takes_runs {
                        node.cards.len()
                    } else {
                        node.cards.without(free_index.free(rank)).len()
                    }
                };
                (0..).zip(&topology.nodes).map(of).sum()
            }
        }
    }

    /// Whether some of `cards` are on a node that takes no runs.
    pub(crate) fn has_node_out(&self, cards: &PoolCards) -> bool {
        match &self.space {
            Space::Nodes { free_index, .. } => cards.places.iter().any(|(rank, _)| free_index.is_out(*rank)),
            Space::Counted { .. } => false,
        }
    }

    pub(crate) fn free_cards(&self) -> u32 {
        match &self.space {
            Space::Nodes { free_index, .. } => free_index.free_cards,
            Space::Counted { free, .. } => *free,
        }
    }

    /// How many nodes have what is needed. Where only cards are counted, the cards that a run needs on a node
    /// are a node.
    pub(crate) fn fitting(&self, need: Need) -> u32 {
        match &self.space {
            Space::Nodes { free_index, .. } => free_index.fitting(need.search),
            Space::Counted { free, .. } => free.checked_div(need.search.per_node.cards).unwrap_or(0),
        }
    }

    /// How many nodes could ever have what is needed: of all, and of those that take runs. Counted cards are
    /// nodes as in [`Self::fitting`].
    pub(crate) fn able_nodes(&self, search: Search) -> (u32, u32) {
        match &self.space {
            Space::Nodes { idle_kinds, .. } => {
                let able = idle_kinds.iter().filter(|(kind, ..)| search.fit(kind).is_some());
                able.fold((0, 0), |sum, (_, all, usable)| (sum.0 + all, sum.1 + usable))
            }
            Space::Counted { cards, .. } => {
                let nodes = cards.checked_div(search.per_node.cards).unwrap_or(0);
                (nodes, nodes)
            }
        }
    }

    /// A run begins on `cards`, and ends at `end` at the latest.
    pub(crate) fn begin(&mut self, run: u32, cards: &PoolCards, end: Timestamp) {
        self.take(cards);
        self.ends.insert((end, run));
        cards.places.iter().for_each(|(rank, _)| self.busy.begin(*rank, run, end));
    }

    pub(crate) fn set_end(&mut self, run: u32, cards: &PoolCards, before: Timestamp, end: Timestamp) {
        self.ends.remove(&(before, run));
        self.ends.insert((end, run));
        for &(rank, _) in &cards.places {
            self.busy.end(rank, run);
            self.busy.begin(rank, run, end);
        }
    }

    /// A run that was to end at `end` has ended.
    pub(crate) fn end(&mut self, run: u32, cards: &PoolCards, end: Timestamp) {
        self.ends.remove(&(end, run));
        cards.places.iter().for_each(|(rank, _)| self.busy.end(*rank, run));
        self.give(cards);
    }

    fn take(&mut self, cards: &PoolCards) {
        match &mut self.space {
            Space::Counted { free, .. } => *free -= cards.count,
            Space::Nodes { topology, free_index, .. } => {
                for &(rank, cards) in &cards.places {
                    free_index.take(topology, rank, cards);
                    if let Some(unheld) = &mut self.unheld {
                        unheld.follow(topology, free_index, rank);
                    }
                }
            }
        }
    }

    fn give(&mut self, cards: &PoolCards) {
        match &mut self.space {
            Space::Counted { free, .. } => *free += cards.count,
            Space::Nodes { topology, free_index, .. } => {
                for &(rank, cards) in &cards.places {
                    free_index.give(topology, rank, cards);
                    if let Some(unheld) = &mut self.unheld {
                        unheld.follow(topology, free_index, rank);
                    }
                }
            }
        }
    }

    /// Says whether a node takes runs from now on.
    pub(crate) fn set_takes_runs(&mut self, rank: u32, takes_runs: bool) {
        let Space::Nodes { topology, free_index, idle_kinds } = &mut self.space else { return };
        topology.nodes[rank as usize].takes_runs = takes_runs;
        free_index.set_out(topology, rank, !takes_runs);
        if let Some(unheld) = &mut self.unheld {
            unheld.free_index.set_out(topology, rank, !takes_runs);
        }
        *idle_kinds = topology.idle_kinds();
        self.holds.iter_mut().for_each(|hold| hold.is_stale = true);
    }

    pub(crate) fn add_hold(&mut self, hold: Hold) {
        if let (Space::Nodes { topology, free_index, .. }, Some(unheld)) = (&self.space, &mut self.unheld) {
            for &(rank, cards) in &hold.cards.places {
                unheld.hold(rank, cards);
                unheld.follow(topology, free_index, rank);
            }
        }
        self.holds.iter_mut().for_each(|hold| hold.is_stale = true);
        let at = self.holds.partition_point(|other| (other.from, other.id) < (hold.from, hold.id));
        self.holds.insert(at, hold);
    }

    pub(crate) fn remove_hold(&mut self, owner: HoldOwner) -> Option<Hold> {
        let at = self.holds.iter().position(|hold| hold.owner == owner)?;
        let removed = self.holds.remove(at);
        self.holds.iter_mut().for_each(|hold| hold.is_stale = true);
        if let (Space::Nodes { topology, free_index, .. }, Some(unheld)) = (&self.space, &mut self.unheld) {
            for &(rank, _) in &removed.cards.places {
                let still =
                    self.holds.iter().flat_map(|hold| &hold.cards.places).filter(|(of, _)| *of == rank);
                let held = still.fold(CardSet::EMPTY, |all, (_, cards)| all.union(*cards));
                unheld.held.insert(rank, held);
                unheld.follow(topology, free_index, rank);
            }
        }
        Some(removed)
    }

    /// How many holds begin before a run that ends at `end` is over. They are the first.
    fn met(&self, end: Timestamp) -> usize {
        self.holds.partition_point(|hold| hold.from < end)
    }

    /// The best cards for a run of `owner` from `now` until `end`, without those that others hold from before
    /// `end`.
    pub(crate) fn find(
        &mut self,
        index: u32,
        need: Need,
        (now, end): (Timestamp, Timestamp),
        owner: HoldOwner,
        runs: impl Fn(u32) -> u32,
    ) -> Option<(Quality, PoolCards)> {
        let met = self.met(end);
        let meets_own = self.holds[..met].iter().any(|hold| hold.owner == owner);
        let others = met - usize::from(meets_own);
        match &self.space {
            Space::Counted { .. } => {
                let count = need.cards();
                let is_free = count <= self.counted_until(end, owner, runs);
                is_free.then(|| ((1, 1, None, 0), PoolCards { card_pool: index, count, places: Vec::new() }))
            }
            Space::Nodes { topology, free_index, .. } => {
                let stay = Stay { busy: &self.busy, now, end };
                if others == 0 {
                    return found_in(topology, free_index, index, need, stay);
                }
                if others == self.holds.len() {
                    let unheld =
                        self.unheld.get_or_insert_with(|| Unheld::new(topology, free_index, &self.holds));
                    return found_in(topology, &unheld.free_index, index, need, stay);
                }
                // Where even all free cards would not do, a search in a copy is not worth its cost.
                if free_index.fitting(need.search) < need.nodes {
                    return None;
                }
                let others = self.holds[..met].iter().filter(|hold| hold.owner != owner);
                found_in(topology, &without(topology, free_index, others), index, need, stay)
            }
        }
    }

    /// How many nodes have what is needed until `end`, without the cards that others hold from before then.
    pub(crate) fn fitting_until(
        &self,
        need: Need,
        end: Timestamp,
        owner: HoldOwner,
        runs: impl Fn(u32) -> u32,
    ) -> u32 {
        let met = self.met(end);
        let others = self.holds[..met].iter().filter(|hold| hold.owner != owner);
        match &self.space {
            Space::Counted { .. } => {
                self.counted_until(end, owner, runs).checked_div(need.search.per_node.cards).unwrap_or(0)
            }
            Space::Nodes { topology, free_index, .. } => match others.clone().count() {
                0 => free_index.fitting(need.search),
                _ => without(topology, free_index, others).fitting(need.search),
            },
        }
    }

    /// How many cards are free from now until `end`, where only their number is known.
    fn counted_until(&self, end: Timestamp, owner: HoldOwner, runs: impl Fn(u32) -> u32) -> u32 {
        let Space::Counted { free, .. } = self.space else { return 0 };
        let met = &self.holds[..self.met(end)];
        let others = met.iter().filter(|hold| hold.owner != owner);
        match (self.holds.as_slice(), others.clone().count()) {
            (_, 0) => free,
            ([only], _) => free.min(only.spare),
            _ => {
                // At the beginning of each hold: the cards free by then, less those held then.
                let mut ends = self.ends.iter().peekable();
                let (mut then, mut least) = (free, free);
                for hold in others.clone() {
                    while let Some(&(_, run)) = ends.next_if(|(at, _)| *at <= hold.from) {
                        then += runs(run);
                    }
                    let held =
                        others.clone().filter(|other| other.from <= hold.from && other.until > hold.from);
                    least = least.min(then.saturating_sub(held.map(|other| other.cards.count).sum()));
                }
                least
            }
        }
    }
}

fn found_in(
    topology: &Topology,
    free_index: &FreeIndex,
    card_pool: u32,
    need: Need,
    stay: Stay,
) -> Option<(Quality, PoolCards)> {
    let found = free_index.find(topology, need.nodes, need.search, Some(stay))?;
    Some((found.quality(), free_index.cards_of(topology, card_pool, &found, need)))
}

/// A copy of `free_index` without the cards of `holds`.
fn without<'h>(
    topology: &Topology,
    free_index: &FreeIndex,
    holds: impl Iterator<Item = &'h Hold>,
) -> FreeIndex {
    let mut unheld = free_index.clone();
    for &(rank, cards) in holds.flat_map(|hold| &hold.cards.places) {
        let free = unheld.free(rank).without(cards);
        unheld.set(topology, rank, free);
    }
    unheld
}

impl Unheld {
    fn new(topology: &Topology, free_index: &FreeIndex, holds: &[Hold]) -> Self {
        let mut unheld = Self { free_index: free_index.clone(), held: FxHashMap::default() };
        for &(rank, cards) in holds.iter().flat_map(|hold| &hold.cards.places) {
            unheld.hold(rank, cards);
            unheld.follow(topology, free_index, rank);
        }
        unheld
    }

    fn hold(&mut self, rank: u32, cards: CardSet) {
        let held = self.held.entry(rank).or_default();
        *held = held.union(cards);
    }

    /// Sets the node at `rank` to its free cards in `free_index`, less those that are held.
    fn follow(&mut self, topology: &Topology, free_index: &FreeIndex, rank: u32) {
        let held = self.held.get(&rank).copied().unwrap_or_default();
        self.free_index.set(topology, rank, free_index.free(rank).without(held));
    }
}
