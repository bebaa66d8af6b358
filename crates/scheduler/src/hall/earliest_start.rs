//! The earliest start of a run that finds no cards now, and the cards to hold for it.
//!
//! A job gets the earliest start that the time limits of running runs and the holds of others allow, and
//! cards for that start. Until then other jobs may use these cards only if they end in time; all other cards
//! are free to them. The start is a promise: whoever comes later, the start is only ever made earlier, as
//! long as runs keep to their time limits and nodes stay up.

use std::{cmp::Reverse, collections::BTreeMap};

use domain::{CardSet, Millis, Timestamp};
use rustc_hash::FxHashMap;

use super::{
    card_pool::{CardPool, Space},
    free_index::FreeIndex,
    hold::{Hold, HoldOwner},
    search::{Need, PoolCards},
    topology::Topology,
};

impl CardPool {
    /// A hold from the earliest start of a run of `owner` that takes `lasts`, if nothing else starts. Linear
    /// in the ends and in the holds of others.
    pub(crate) fn earliest<'r>(
        &mut self,
        index: u32,
        need: Need,
        lasts: Millis,
        (owner, id): (HoldOwner, u128),
        now: Timestamp,
        runs: impl Fn(u32) -> &'r PoolCards,
    ) -> Option<Hold> {
        let others: Vec<&Hold> =
            self.holds.iter().filter(|hold| hold.owner != owner && hold.until > now).collect();
        let ends = self.ends.iter().map(|&(at, run)| (at.max(now), runs(run)));
        let found = match &mut self.space {
            Space::Counted { free, .. } => {
                counted(*free, ends, &others, need.cards(), lasts, now).map(|(from, spare)| {
                    (from, spare, PoolCards { card_pool: index, count: need.cards(), places: Vec::new() })
                })
            }
            Space::Nodes { topology, free_index, .. } if others.is_empty() => {
                when_ended(topology, free_index, index, need, now, ends).map(|(from, cards)| (from, 0, cards))
            }
            Space::Nodes { topology, free_index, .. } => {
                between(topology, free_index, index, need, lasts, now, ends, &others)
                    .map(|(from, cards)| (from, 0, cards))
            }
        };
        let (from, spare, cards) = found?;
        Some(Hold { owner, id, from, until: from.plus(lasts), cards, spare, is_stale: false })
    }
}

/// The earliest start where only cards are counted, and how many cards are spare then. The number of free
/// cards falls where a hold begins, and rises where a hold or a run ends.
fn counted<'r>(
    free: u32,
    ends: impl Iterator<Item = (Timestamp, &'r PoolCards)>,
    others: &[&Hold],
    cards: u32,
    lasts: Millis,
    now: Timestamp,
) -> Option<(Timestamp, u32)> {
    if others.is_empty() {
        let mut then = free;
        let mut ends = ends.peekable();
        if then >= cards {
            return Some((now, then - cards));
        }
        while let Some((at, ended)) = ends.next() {
            then += ended.count;
            while let Some((_, ended)) = ends.next_if(|(next, _)| *next == at) {
                then += ended.count;
            }
            if then >= cards {
                return Some((at, then - cards));
            }
        }
        return None;
    }
    let mut steps: BTreeMap<Timestamp, i64> = BTreeMap::from([(now, 0)]);
    for (at, ended) in ends {
        *steps.entry(at).or_default() += i64::from(ended.count);
    }
    for hold in others {
        *steps.entry(hold.from.max(now)).or_default() -= i64::from(hold.cards.count);
        *steps.entry(hold.until).or_default() += i64::from(hold.cards.count);
    }
    let mut then = i64::from(free);
    // The start that is tried, if there were enough cards from there on so far.
    let mut tried: Option<(Timestamp, i64)> = None;
    for (at, step) in steps {
        if let Some((from, spare)) = tried
            && at >= from.plus(lasts)
        {
            return Some((from, u32::try_from(spare).unwrap_or(0)));
        }
        then += step;
        tried = if then >= i64::from(cards) { tried.or(Some((at, then - i64::from(cards)))) } else { None };
    }
    tried.map(|(from, spare)| (from, u32::try_from(spare).unwrap_or(0)))
}

/// When enough nodes have what is needed, if others hold nothing. Linear in the ends up to then. `free_index`
/// is changed as runs end, and changed back.
fn when_ended<'r>(
    topology: &Topology,
    free_index: &mut FreeIndex,
    card_pool: u32,
    need: Need,
    now: Timestamp,
    ends: impl Iterator<Item = (Timestamp, &'r PoolCards)>,
) -> Option<(Timestamp, PoolCards)> {
    let mut fitting = free_index.fitting(need.search);
    let mut undo: Vec<(u32, CardSet)> = Vec::new();
    let mut ends = ends.peekable();
    let mut at = now;
    let found = loop {
        if fitting >= need.nodes {
            break free_index.find(topology, need.nodes, need.search, None);
        }
        let Some((next, _)) = ends.peek() else { break None };
        at = *next;
        while let Some((_, ended)) = ends.next_if(|(of, _)| *of == at) {
            for &(rank, cards) in &ended.places {
                if free_index.is_out(rank) {
                    continue;
                }
                let fits = |free_index: &FreeIndex| {
                    need.search.fit(&topology.kind(rank, free_index.free(rank))).is_some()
                };
                let (before, did_fit) = (free_index.free(rank), fits(free_index));
                free_index.give(topology, rank, cards);
                undo.push((rank, before));
                fitting += u32::from(!did_fit && fits(free_index));
            }
        }
    };
    let cards = found.map(|found| (at, free_index.cards_of(topology, card_pool, &found, need)));
    for (rank, before) in undo.into_iter().rev() {
        free_index.set(topology, rank, before);
    }
    cards
}

/// When enough nodes have what is needed for as long as the run lasts, between the holds of others. Costs
/// (ends + holds) × kinds, and the nodes of each.
#[expect(clippy::too_many_arguments, reason = "they are one picture of a card pool")]
fn between<'r>(
    topology: &Topology,
    free_index: &FreeIndex,
    card_pool: u32,
    need: Need,
    lasts: Millis,
    now: Timestamp,
    ends: impl Iterator<Item = (Timestamp, &'r PoolCards)>,
    others: &[&Hold],
) -> Option<(Timestamp, PoolCards)> {
    let mut entering: Vec<&Hold> = others.to_vec();
    let mut leaving: Vec<&Hold> = others.to_vec();
    // Both are taken from the end of the list.
    entering.sort_unstable_by_key(|hold| Reverse(hold.from));
    leaving.sort_unstable_by_key(|hold| Reverse(hold.until));
    let mut then = free_index.clone();
    // The free cards of nodes on which runs have ended by then.
    let mut freed: FxHashMap<u32, CardSet> = FxHashMap::default();
    let mut met: Vec<&Hold> = Vec::new();
    let mut ends = ends.peekable();
    let mut start = now;
    loop {
        let mut changed: Vec<u32> = Vec::new();
        while let Some((_, ended)) = ends.next_if(|(at, _)| *at <= start) {
            for &(rank, cards) in &ended.places {
                let free = freed.entry(rank).or_insert_with(|| free_index.free(rank));
                *free = free.union(cards.intersection(topology.nodes[rank as usize].cards));
                changed.push(rank);
            }
        }
        while let Some(hold) = entering.pop_if(|hold| hold.from < start.plus(lasts)) {
            met.push(hold);
            changed.extend(hold.cards.places.iter().map(|(rank, _)| *rank));
        }
        while let Some(hold) = leaving.pop_if(|hold| hold.until <= start) {
            met.retain(|other| other.owner != hold.owner);
            changed.extend(hold.cards.places.iter().map(|(rank, _)| *rank));
        }
        changed.sort_unstable();
        changed.dedup();
        for rank in changed {
            let of_rank = met.iter().flat_map(|hold| &hold.cards.places).filter(|(of, _)| *of == rank);
            let held = of_rank.fold(CardSet::EMPTY, |all, (_, cards)| all.union(*cards));
            let free = freed.get(&rank).copied().unwrap_or_else(|| free_index.free(rank));
            then.set(topology, rank, free.without(held));
        }
        if then.fitting(need.search) >= need.nodes {
            let found = then.find(topology, need.nodes, need.search, None)?;
            return Some((start, then.cards_of(topology, card_pool, &found, need)));
        }
        let next = ends.peek().map(|(at, _)| *at).into_iter().chain(leaving.last().map(|hold| hold.until));
        start = next.min()?;
    }
}
