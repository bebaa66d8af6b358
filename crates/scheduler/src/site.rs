//! The cards of one pool and card model: what is free, what is held for later, when runs end.

use std::{collections::BTreeSet, sync::Arc};

use domain::{CardSet, PoolId, Timestamp};
use rustc_hash::FxHashMap;

use crate::{
    busy::{Busy, Stay},
    fit::Kind,
    ground::Ground,
    hall::{Found, Hall, Search},
    hold::{Hold, Owner},
};

/// A run's cards are all of one site.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) pool: PoolId,
    pub(crate) model: Arc<str>,
    pub(crate) space: Space,
    /// What is held for later, by its beginning.
    pub(crate) holds: Vec<Hold>,
    /// When which run ends, by the time limits.
    pub(crate) ends: BTreeSet<(Timestamp, u32)>,
    /// The same by node, where there are nodes.
    busy: Busy,
    /// What is free besides all that is held.
    rest: Option<Rest>,
    /// The last plan in which it was given to a job to hold, and to how many.
    pub(crate) held_in: (u64, u32),
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one a site, and nearly all are of nodes")]
pub(crate) enum Space {
    Nodes {
        ground: Ground,
        hall: Hall,
        /// The kinds of its nodes when nothing runs: how many in all, and of those that take runs.
        whole: Vec<(Kind, u32, u32)>,
    },
    Counted {
        cards: u32,
        free: u32,
    },
}

#[derive(Debug)]
struct Rest {
    hall: Hall,
    held: FxHashMap<u32, CardSet>,
}

/// Cards of one site, and where they are in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cards {
    pub(crate) site: u32,
    pub(crate) count: u32,
    /// By rank; empty where only their number is known.
    pub(crate) places: Vec<(u32, CardSet)>,
}

/// What a job needs of a site.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need<'a> {
    pub(crate) nodes: u32,
    pub(crate) search: Search<'a>,
}

impl Need<'_> {
    /// Cards, where only their number is known.
    pub(crate) fn cards(&self) -> u32 {
        self.nodes.saturating_mul(self.search.want.cards)
    }
}

/// How good found cards are: what they cross, the fit of the worst node, and how much longer a single node is busy, in
/// microseconds. Less is better.
pub(crate) type Quality = (u32, u32, Option<crate::fit::Fit>, i64);

impl Site {
    pub(crate) fn of_nodes(pool: PoolId, model: Arc<str>, ground: Ground, free: Vec<CardSet>) -> Self {
        let (hall, whole, busy) = (Hall::new(&ground, free), ground.whole(), Busy::of(ground.nodes.len()));
        Self { busy, ..Self::new(pool, model, Space::Nodes { ground, hall, whole }) }
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
            rest: None,
            held_in: (0, 0),
        }
    }

    /// The cards of nodes that take runs, and those that runs have on other nodes.
    pub(crate) fn capacity(&self) -> u32 {
        match &self.space {
            Space::Counted { cards, .. } => *cards,
            Space::Nodes { ground, hall, .. } => {
                let of = |(rank, node): (u32, &crate::NodeView)| {
                    if node.takes_runs { node.cards.len() } else { node.cards.without(hall.free(rank)).len() }
                };
                (0..).zip(&ground.nodes).map(of).sum()
            }
        }
    }

    /// Whether one of the nodes takes no runs.
    pub(crate) fn has_out(&self, cards: &Cards) -> bool {
        match &self.space {
            Space::Nodes { hall, .. } => cards.places.iter().any(|(rank, _)| hall.is_out(*rank)),
            Space::Counted { .. } => false,
        }
    }

    pub(crate) fn free_cards(&self) -> u32 {
        match &self.space {
            Space::Nodes { hall, .. } => hall.free_cards,
            Space::Counted { free, .. } => *free,
        }
    }

    /// How many nodes have what is needed, and how many could ever have it: in all, and of those that take runs. Where
    /// only cards are counted, a node is so many cards.
    pub(crate) fn fitting(&self, need: Need) -> u32 {
        match &self.space {
            Space::Nodes { hall, .. } => hall.fitting(need.search),
            Space::Counted { free, .. } => free.checked_div(need.search.want.cards).unwrap_or(0),
        }
    }

    pub(crate) fn able(&self, search: Search) -> (u32, u32) {
        match &self.space {
            Space::Nodes { whole, .. } => {
                let able = whole.iter().filter(|(kind, ..)| search.fit(kind).is_some());
                able.fold((0, 0), |sum, (_, all, usable)| (sum.0 + all, sum.1 + usable))
            }
            Space::Counted { cards, .. } => {
                let nodes = cards.checked_div(search.want.cards).unwrap_or(0);
                (nodes, nodes)
            }
        }
    }

    /// A run begins on cards, and ends at `end` at the latest.
    pub(crate) fn begin(&mut self, run: u32, cards: &Cards, end: Timestamp) {
        self.take(cards);
        self.ends.insert((end, run));
        cards.places.iter().for_each(|(rank, _)| self.busy.begin(*rank, run, end));
    }

    pub(crate) fn set_end(&mut self, run: u32, cards: &Cards, before: Timestamp, end: Timestamp) {
        self.ends.remove(&(before, run));
        self.ends.insert((end, run));
        for &(rank, _) in &cards.places {
            self.busy.end(rank, run);
            self.busy.begin(rank, run, end);
        }
    }

    /// A run that was to end at `end` has ended.
    pub(crate) fn end(&mut self, run: u32, cards: &Cards, end: Timestamp) {
        self.ends.remove(&(end, run));
        cards.places.iter().for_each(|(rank, _)| self.busy.end(*rank, run));
        self.give(cards);
    }

    fn take(&mut self, cards: &Cards) {
        match &mut self.space {
            Space::Counted { free, .. } => *free -= cards.count,
            Space::Nodes { ground, hall, .. } => {
                for &(rank, cards) in &cards.places {
                    hall.take(ground, rank, cards);
                    if let Some(rest) = &mut self.rest {
                        rest.follow(ground, hall, rank);
                    }
                }
            }
        }
    }

    fn give(&mut self, cards: &Cards) {
        match &mut self.space {
            Space::Counted { free, .. } => *free += cards.count,
            Space::Nodes { ground, hall, .. } => {
                for &(rank, cards) in &cards.places {
                    hall.give(ground, rank, cards);
                    if let Some(rest) = &mut self.rest {
                        rest.follow(ground, hall, rank);
                    }
                }
            }
        }
    }

    /// Lets a node take runs, or no more.
    pub(crate) fn set_takes_runs(&mut self, rank: u32, takes_runs: bool) {
        let Space::Nodes { ground, hall, whole } = &mut self.space else { return };
        ground.nodes[rank as usize].takes_runs = takes_runs;
        hall.set_out(ground, rank, !takes_runs);
        if let Some(rest) = &mut self.rest {
            rest.hall.set_out(ground, rank, !takes_runs);
        }
        *whole = ground.whole();
        self.holds.iter_mut().for_each(|hold| hold.is_stale = true);
    }

    pub(crate) fn add_hold(&mut self, hold: Hold) {
        if let (Space::Nodes { ground, hall, .. }, Some(rest)) = (&self.space, &mut self.rest) {
            for &(rank, cards) in &hold.cards.places {
                rest.hold(rank, cards);
                rest.follow(ground, hall, rank);
            }
        }
        self.holds.iter_mut().for_each(|hold| hold.is_stale = true);
        let at = self.holds.partition_point(|other| (other.from, other.id) < (hold.from, hold.id));
        self.holds.insert(at, hold);
    }

    pub(crate) fn remove_hold(&mut self, owner: Owner) -> Option<Hold> {
        let at = self.holds.iter().position(|hold| hold.owner == owner)?;
        let removed = self.holds.remove(at);
        self.holds.iter_mut().for_each(|hold| hold.is_stale = true);
        if let (Space::Nodes { ground, hall, .. }, Some(rest)) = (&self.space, &mut self.rest) {
            for &(rank, _) in &removed.cards.places {
                let still =
                    self.holds.iter().flat_map(|hold| &hold.cards.places).filter(|(of, _)| *of == rank);
                let held = still.fold(CardSet::EMPTY, |all, (_, cards)| all.union(*cards));
                rest.held.insert(rank, held);
                rest.follow(ground, hall, rank);
            }
        }
        Some(removed)
    }

    /// How many of the holds a run that ends at `end` would meet.
    fn met(&self, end: Timestamp) -> usize {
        self.holds.partition_point(|hold| hold.from < end)
    }

    /// The best cards for a run of a job from `now` until `end`, besides what is held for others until then.
    pub(crate) fn find(
        &mut self,
        index: u32,
        need: Need,
        (now, end): (Timestamp, Timestamp),
        owner: Owner,
        runs: impl Fn(u32) -> u32,
    ) -> Option<(Quality, Cards)> {
        let met = self.met(end);
        let meets_own = self.holds[..met].iter().any(|hold| hold.owner == owner);
        let others = met - usize::from(meets_own);
        match &self.space {
            Space::Counted { .. } => {
                let count = need.cards();
                let is_free = count <= self.counted_until(end, owner, runs);
                is_free.then(|| ((1, 1, None, 0), Cards { site: index, count, places: Vec::new() }))
            }
            Space::Nodes { ground, hall, .. } => {
                let stay = Stay { busy: &self.busy, now, end };
                if others == 0 {
                    return found_in(ground, hall, index, need, stay);
                }
                if others == self.holds.len() {
                    let rest = self.rest.get_or_insert_with(|| Rest::new(ground, hall, &self.holds));
                    return found_in(ground, &rest.hall, index, need, stay);
                }
                // Not worth a search of its own that copies where even all that is free would not do.
                if hall.fitting(need.search) < need.nodes {
                    return None;
                }
                let others = self.holds[..met].iter().filter(|hold| hold.owner != owner);
                found_in(ground, &without(ground, hall, others), index, need, stay)
            }
        }
    }

    /// How many nodes have what is needed besides what is held for others.
    pub(crate) fn fitting_until(
        &self,
        need: Need,
        end: Timestamp,
        owner: Owner,
        runs: impl Fn(u32) -> u32,
    ) -> u32 {
        let met = self.met(end);
        let others = self.holds[..met].iter().filter(|hold| hold.owner != owner);
        match &self.space {
            Space::Counted { .. } => {
                self.counted_until(end, owner, runs).checked_div(need.search.want.cards).unwrap_or(0)
            }
            Space::Nodes { ground, hall, .. } => match others.clone().count() {
                0 => hall.fitting(need.search),
                _ => without(ground, hall, others).fitting(need.search),
            },
        }
    }

    /// Cards that are free from now until `end`, where only their number is known.
    fn counted_until(&self, end: Timestamp, owner: Owner, runs: impl Fn(u32) -> u32) -> u32 {
        let Space::Counted { free, .. } = self.space else { return 0 };
        let met = &self.holds[..self.met(end)];
        let others = met.iter().filter(|hold| hold.owner != owner);
        match (self.holds.as_slice(), others.clone().count()) {
            (_, 0) => free,
            ([only], _) => free.min(only.spare),
            _ => {
                // At the beginning of each of them: what has come free by then, less what is held then.
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

fn found_in(ground: &Ground, hall: &Hall, site: u32, need: Need, stay: Stay) -> Option<(Quality, Cards)> {
    let found = hall.find(ground, need.nodes, need.search, Some(stay))?;
    Some((found.quality(), cards_of(ground, hall, site, &found, need)))
}

pub(crate) fn cards_of(ground: &Ground, hall: &Hall, site: u32, found: &Found, need: Need) -> Cards {
    let place = |&rank: &u32| (rank, ground.pick(rank, hall.free(rank), need.search.want));
    let places: Vec<(u32, CardSet)> = found.nodes.iter().map(place).collect();
    let count = places.iter().map(|(_, cards)| cards.len()).sum();
    Cards { site, count, places }
}

/// A copy of `hall` without what is held.
fn without<'h>(ground: &Ground, hall: &Hall, holds: impl Iterator<Item = &'h Hold>) -> Hall {
    let mut rest = hall.clone();
    for &(rank, cards) in holds.flat_map(|hold| &hold.cards.places) {
        let free = rest.free(rank).without(cards);
        rest.set(ground, rank, free);
    }
    rest
}

impl Rest {
    fn new(ground: &Ground, hall: &Hall, holds: &[Hold]) -> Self {
        let mut rest = Self { hall: hall.clone(), held: FxHashMap::default() };
        for &(rank, cards) in holds.iter().flat_map(|hold| &hold.cards.places) {
            rest.hold(rank, cards);
            rest.follow(ground, hall, rank);
        }
        rest
    }

    fn hold(&mut self, rank: u32, cards: CardSet) {
        let held = self.held.entry(rank).or_default();
        *held = held.union(cards);
    }

    /// Makes the node at `rank` be what it is in `hall`, less what is held.
    fn follow(&mut self, ground: &Ground, hall: &Hall, rank: u32) {
        let held = self.held.get(&rank).copied().unwrap_or_default();
        self.hall.set(ground, rank, hall.free(rank).without(held));
    }
}
