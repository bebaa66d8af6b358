//! What is held for later: for jobs that could not start, so that those behind don't starve them, and for maintenance.
//!
//! A job gets the earliest start that the time limits of running runs and what is held for others allow, and cards for
//! it. Until then later jobs may use these cards only if they end in time; all other cards are free to them. That start
//! is a promise: it stays the job's, whoever comes later, and is only ever made earlier, as long as runs keep to their time
//! limits and nodes stay up.

use std::{cmp::Reverse, collections::BTreeMap};

use domain::{CardSet, Millis, Timestamp};
use rustc_hash::FxHashMap;

use crate::{
    ground::Ground,
    hall::Hall,
    site::{Cards, Need, Site, Space, cards_of},
};

#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) owner: Owner,
    /// Of the owner's job or node, so that the order of holds is that of nothing else.
    pub(crate) id: u128,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) cards: Cards,
    /// Where only cards are counted, and this is the only hold: how many are free besides at `from`.
    pub(crate) spare: u32,
    /// Something happened that may bring it forward.
    pub(crate) is_stale: bool,
}

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Job(u32),
    /// Of the node at this rank.
    Maintenance(u32),
}

impl Site {
    /// The earliest start of a run of `owner` that lasts `lasts`, if nothing else starts: from when, which cards, and how
    /// many are spare then where only cards are counted. In ends and in what is held for others.
    pub(crate) fn earliest<'r>(
        &mut self,
        index: u32,
        need: Need,
        lasts: Millis,
        (owner, id): (Owner, u128),
        now: Timestamp,
        runs: impl Fn(u32) -> &'r Cards,
    ) -> Option<Hold> {
        let others: Vec<&Hold> =
            self.holds.iter().filter(|hold| hold.owner != owner && hold.until > now).collect();
        let ends = self.ends.iter().map(|&(at, run)| (at.max(now), runs(run)));
        let found = match &mut self.space {
            Space::Counted { free, .. } => {
                counted(*free, ends, &others, need.cards(), lasts, now).map(|(from, spare)| {
                    (from, spare, Cards { site: index, count: need.cards(), places: Vec::new() })
                })
            }
            Space::Nodes { ground, hall, .. } if others.is_empty() => {
                when_ended(ground, hall, index, need, now, ends).map(|(from, cards)| (from, 0, cards))
            }
            Space::Nodes { ground, hall, .. } => {
                between(ground, hall, index, need, lasts, now, ends, &others)
                    .map(|(from, cards)| (from, 0, cards))
            }
        };
        let (from, spare, cards) = found?;
        Some(Hold { owner, id, from, until: from.plus(lasts), cards, spare, is_stale: false })
    }
}

/// Where only cards are counted. The steps of what is free go down where something is held and up where it or a run ends.
fn counted<'r>(
    free: u32,
    ends: impl Iterator<Item = (Timestamp, &'r Cards)>,
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
    // The start that is tried, if it did so far.
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

/// When enough nodes have what is needed, if nothing else is held: linear in the ends up to then. `hall` is changed as runs
/// end, and changed back.
fn when_ended<'r>(
    ground: &Ground,
    hall: &mut Hall,
    site: u32,
    need: Need,
    now: Timestamp,
    ends: impl Iterator<Item = (Timestamp, &'r Cards)>,
) -> Option<(Timestamp, Cards)> {
    let mut fitting = hall.fitting(need.search);
    let mut undo: Vec<(u32, CardSet)> = Vec::new();
    let mut ends = ends.peekable();
    let mut at = now;
    let found = loop {
        if fitting >= need.nodes {
            break hall.find(ground, need.nodes, need.search, None);
        }
        let Some((next, _)) = ends.peek() else { break None };
        at = *next;
        while let Some((_, ended)) = ends.next_if(|(of, _)| *of == at) {
            for &(rank, cards) in &ended.places {
                if hall.is_out(rank) {
                    continue;
                }
                let fits = |hall: &Hall| need.search.fit(&ground.kind(rank, hall.free(rank))).is_some();
                let (before, did_fit) = (hall.free(rank), fits(hall));
                hall.give(ground, rank, cards);
                undo.push((rank, before));
                fitting += u32::from(!did_fit && fits(hall));
            }
        }
    };
    let cards = found.map(|found| (at, cards_of(ground, hall, site, &found, need)));
    for (rank, before) in undo.into_iter().rev() {
        hall.set(ground, rank, before);
    }
    cards
}

/// When enough nodes have what is needed for as long as the run lasts, between what is held for others. In (ends + holds) ×
/// kinds, and the nodes of each.
#[expect(clippy::too_many_arguments, reason = "they are one picture of a site")]
fn between<'r>(
    ground: &Ground,
    hall: &Hall,
    site: u32,
    need: Need,
    lasts: Millis,
    now: Timestamp,
    ends: impl Iterator<Item = (Timestamp, &'r Cards)>,
    others: &[&Hold],
) -> Option<(Timestamp, Cards)> {
    let mut entering: Vec<&Hold> = others.to_vec();
    let mut leaving: Vec<&Hold> = others.to_vec();
    // Both by the end of the list first.
    entering.sort_unstable_by_key(|hold| Reverse(hold.from));
    leaving.sort_unstable_by_key(|hold| Reverse(hold.until));
    let mut then = hall.clone();
    // What runs have left free by then, where that is more than now.
    let mut freed: FxHashMap<u32, CardSet> = FxHashMap::default();
    let mut met: Vec<&Hold> = Vec::new();
    let mut ends = ends.peekable();
    let mut start = now;
    loop {
        let mut changed: Vec<u32> = Vec::new();
        while let Some((_, ended)) = ends.next_if(|(at, _)| *at <= start) {
            for &(rank, cards) in &ended.places {
                let free = freed.entry(rank).or_insert_with(|| hall.free(rank));
                *free = free.union(cards.intersection(ground.nodes[rank as usize].cards));
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
            let free = freed.get(&rank).copied().unwrap_or_else(|| hall.free(rank));
            then.set(ground, rank, free.without(held));
        }
        if then.fitting(need.search) >= need.nodes {
            let found = then.find(ground, need.nodes, need.search, None)?;
            return Some((start, cards_of(ground, &then, site, &found, need)));
        }
        let next = ends.peek().map(|(at, _)| *at).into_iter().chain(leaving.last().map(|hold| hold.until));
        start = next.min()?;
    }
}
