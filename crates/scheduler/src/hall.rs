//! The nodes of one pool and card model, indexed by their free cards.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use domain::{CardSet, Placement, node::Slot};

use crate::{
    NodeView,
    fit::{Fit, Kind, pick},
};

/// What does not change during a plan: the nodes by rank, which is their order by switch, name and id.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) nodes: Vec<&'a NodeView>,
    /// The switch of each node, as an index into `switches`.
    switch_of: Vec<u32>,
    /// The ranks of the nodes of each switch.
    switches: Vec<Range<u32>>,
    /// How many nodes there are of each kind when nothing runs: in all, and of those that take runs.
    pub(crate) whole: Vec<(Kind, u32, u32)>,
}

/// The free cards, as they are at one point of the plan.
#[derive(Clone, Debug)]
pub(crate) struct Hall {
    free: Vec<CardSet>,
    /// The bin of each node, [`OUT`] if it takes no runs.
    bin_of: Vec<u32>,
    bins: Vec<Bin>,
    by_kind: BTreeMap<Kind, u32>,
    pub(crate) free_cards: u32,
}

const OUT: u32 = u32::MAX;

/// The nodes of one kind.
#[derive(Clone, Debug)]
struct Bin {
    kind: Kind,
    nodes: BTreeSet<u32>,
    by_switch: Vec<u32>,
}

/// Nodes for a job, best first by how few switches it takes and then by the fit of its worst node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) switches: u32,
    pub(crate) fit: Fit,
    /// Ranks in rising order.
    pub(crate) nodes: Vec<u32>,
}

impl<'a> Ground<'a> {
    /// Sorts `nodes`: n log n, linear if they are sorted already.
    pub(crate) fn new(mut nodes: Vec<&'a NodeView>) -> Self {
        nodes.sort_by(|a, b| (&a.switch, &a.name, a.id).cmp(&(&b.switch, &b.name, b.id)));
        let mut switch_of = Vec::with_capacity(nodes.len());
        let mut switches: Vec<Range<u32>> = Vec::new();
        let mut whole = BTreeMap::<Kind, (u32, u32)>::new();
        for (rank, node) in (0..).zip(&nodes) {
            match switches.last_mut() {
                Some(last) if nodes[last.start as usize].switch == node.switch => last.end = rank + 1,
                _ => switches.push(rank..rank + 1),
            }
            switch_of.push(index(switches.len() - 1));
            let (all, usable) = whole.entry(Kind::of(node, node.cards)).or_default();
            *all += 1;
            *usable += u32::from(node.takes_runs);
        }
        let whole = whole.into_iter().map(|(kind, (all, usable))| (kind, all, usable)).collect();
        Self { nodes, switch_of, switches, whole }
    }

    /// How many nodes could ever take `ask` cards each: in all, and of those that take runs.
    pub(crate) fn able(&self, ask: u32) -> (u32, u32) {
        let able = self.whole.iter().filter(|(kind, ..)| kind.fit(ask).is_some());
        able.fold((0, 0), |sum, (_, all, usable)| (sum.0 + all, sum.1 + usable))
    }

    /// The cards that `ask` on each of the nodes `found` take of those free in `hall`.
    pub(crate) fn cards(&self, hall: &Hall, found: &Found, ask: u32) -> Vec<(u32, CardSet)> {
        let card = |&rank: &u32| {
            let free = hall.free[rank as usize];
            let picked = pick(self.nodes[rank as usize], free, ask);
            (rank, picked.expect("cards are picked on a node on which they fit"))
        };
        found.nodes.iter().map(card).collect()
    }

    pub(crate) fn placement(&self, cards: &[(u32, CardSet)]) -> Placement {
        let slot = |&(rank, cards): &(u32, CardSet)| Slot { node: self.nodes[rank as usize].id, cards };
        Placement(cards.iter().map(slot).collect())
    }
}

impl Hall {
    /// With those cards free that the snapshot says.
    pub(crate) fn as_seen(ground: &Ground) -> Self {
        Self::with_free(ground, ground.nodes.iter().map(|node| node.free.intersection(node.cards)).collect())
    }

    /// With `free` cards free, by rank. n log of the kinds.
    pub(crate) fn with_free(ground: &Ground, free: Vec<CardSet>) -> Self {
        let bin_of = vec![OUT; free.len()];
        let mut hall = Self { free, bin_of, bins: Vec::new(), by_kind: BTreeMap::new(), free_cards: 0 };
        for rank in 0..index(ground.nodes.len()) {
            if ground.nodes[rank as usize].takes_runs {
                hall.put(ground, rank);
            }
        }
        hall
    }

    pub(crate) fn free(&self) -> &[CardSet] {
        &self.free
    }

    /// Log n.
    pub(crate) fn take(&mut self, ground: &Ground, rank: u32, cards: CardSet) {
        let free = self.free[rank as usize];
        assert!(cards.is_subset(free), "cards {cards} are taken of {free} free ones");
        self.change(ground, rank, free.without(cards));
    }

    /// Log n. What is already free, or is no card of the node, stays as it is.
    pub(crate) fn give(&mut self, ground: &Ground, rank: u32, cards: CardSet) {
        let cards = cards.intersection(ground.nodes[rank as usize].cards);
        self.change(ground, rank, self.free[rank as usize].union(cards));
    }

    fn change(&mut self, ground: &Ground, rank: u32, free: CardSet) {
        let bin = self.bin_of[rank as usize];
        if bin == OUT {
            self.free[rank as usize] = free;
            return;
        }
        let bin = &mut self.bins[bin as usize];
        bin.nodes.remove(&rank);
        bin.by_switch[ground.switch_of[rank as usize] as usize] -= 1;
        self.free_cards -= self.free[rank as usize].len();
        self.free[rank as usize] = free;
        self.put(ground, rank);
    }

    fn put(&mut self, ground: &Ground, rank: u32) {
        let free = self.free[rank as usize];
        let kind = Kind::of(ground.nodes[rank as usize], free);
        let bin = if let Some(&bin) = self.by_kind.get(&kind) {
            bin
        } else {
            let bin = index(self.bins.len());
            let by_switch = vec![0; ground.switches.len()];
            self.bins.push(Bin { kind: kind.clone(), nodes: BTreeSet::new(), by_switch });
            self.by_kind.insert(kind, bin);
            bin
        };
        self.bin_of[rank as usize] = bin;
        self.bins[bin as usize].nodes.insert(rank);
        self.bins[bin as usize].by_switch[ground.switch_of[rank as usize] as usize] += 1;
        self.free_cards += free.len();
    }

    /// How many nodes have `ask` cards for one run. Linear in the kinds.
    pub(crate) fn fitting(&self, ask: u32) -> u32 {
        let fitting = self.bins.iter().filter(|bin| bin.kind.fit(ask).is_some());
        fitting.map(|bin| index(bin.nodes.len())).sum()
    }

    /// The best `nodes` nodes that have `ask` cards each. Linear in the kinds for one node; for more, in kinds ×
    /// switches and the nodes found.
    pub(crate) fn find(&self, ground: &Ground, nodes: u32, ask: u32) -> Option<Found> {
        if nodes == 1 {
            return self.find_one(ask);
        }
        let bins = self.bins.iter().filter(|bin| !bin.nodes.is_empty());
        let bins: Vec<(Fit, &Bin)> = bins.filter_map(|bin| Some((bin.kind.fit(ask)?, bin))).collect();
        if nodes == 0 || bins.iter().map(|(_, bin)| index(bin.nodes.len())).sum::<u32>() < nodes {
            return None;
        }
        let count = |switch: u32| bins.iter().map(|(_, bin)| bin.by_switch[switch as usize]).sum::<u32>();
        let mut by_count: Vec<(u32, u32)> = (0..index(ground.switches.len()))
            .map(|switch| (count(switch), switch))
            .filter(|&(count, _)| count > 0)
            .collect();
        by_count.sort_unstable_by_key(|&(count, switch)| (std::cmp::Reverse(count), switch));
        let mut chosen = Vec::new();
        let mut left = nodes;
        // The largest switches, until one can take what is left: then the smallest that can.
        for (i, &(count, switch)) in by_count.iter().enumerate() {
            if count >= left {
                let able = by_count[i..].iter().take_while(|(count, _)| *count >= left);
                let &(_, switch) = able.min_by_key(|(count, switch)| (*count, *switch)).expect("one is able");
                chosen.push((switch, left));
                break;
            }
            chosen.push((switch, count));
            left -= count;
        }
        let mut found = Found { switches: index(chosen.len()), fit: bins[0].0, nodes: Vec::new() };
        let mut worst = None;
        for (switch, wanted) in chosen {
            let of_switch = ground.switches[switch as usize].clone();
            let best_of = |(fit, bin): &(Fit, &'_ Bin)| {
                let ranks = bin.nodes.range(of_switch.clone()).take(wanted as usize);
                ranks.map(|&rank| (*fit, rank)).collect::<Vec<_>>()
            };
            let mut best: Vec<(Fit, u32)> = bins.iter().flat_map(best_of).collect();
            best.sort_unstable();
            best.truncate(wanted as usize);
            worst = worst.max(best.last().map(|&(fit, _)| fit));
            found.nodes.extend(best.into_iter().map(|(_, rank)| rank));
        }
        found.fit = worst?;
        found.nodes.sort_unstable();
        Some(found)
    }

    fn find_one(&self, ask: u32) -> Option<Found> {
        let best_of = |bin: &Bin| Some((bin.kind.fit(ask)?, *bin.nodes.first()?));
        let (fit, rank) = self.bins.iter().filter_map(best_of).min()?;
        Some(Found { switches: 1, fit, nodes: vec![rank] })
    }
}

/// A length as a rank or index. Limits of the domain keep them far below 2^32.
pub(crate) fn index(len: usize) -> u32 {
    u32::try_from(len).expect("a center has fewer than 2^32 of anything")
}
