//! The free cards of a card pool's nodes, indexed by kind: nodes with the same free cards in their rings are
//! equal to the search.

use std::{cmp::Reverse, ops::Range};

use domain::CardSet;
use rustc_hash::FxHashMap;

use super::{
    busy::Stay,
    fit::{Fit, NodeKind},
    rank_set::RankSet,
    search::{FoundNodes, Need, PoolCards, Search},
    topology::Topology,
};
use crate::index::index;

#[derive(Clone, Debug, Default)]
pub(crate) struct FreeIndex {
    free: Vec<CardSet>,
    /// The bin of each node; [`OUT`] if the node takes no runs.
    bin_of: Vec<u32>,
    bins: Vec<Bin>,
    by_kind: FxHashMap<NodeKind, u32>,
    /// The free cards on nodes that take runs.
    pub(crate) free_cards: u32,
}

const OUT: u32 = u32::MAX;

/// How many nodes of a kind are compared by how much longer a run would keep them busy.
const LOOKS: usize = 64;

/// The nodes of one kind.
#[derive(Clone, Debug)]
struct Bin {
    kind: NodeKind,
    nodes: RankSet,
    by_switch: Vec<u32>,
}

impl FreeIndex {
    /// `free` are the free cards of each node, by rank. Linear in the nodes.
    pub(crate) fn new(topology: &Topology, free: Vec<CardSet>) -> Self {
        let bin_of = vec![OUT; free.len()];
        let mut free_index = Self { free, bin_of, ..Self::default() };
        for rank in 0..index(topology.nodes.len()) {
            if !topology.nodes[rank as usize].takes_runs {
                continue;
            }
            let is_like = |before: &u32| {
                !free_index.is_out(*before)
                    && free_index.free(*before) == free_index.free(rank)
                    && topology.are_alike(*before, rank)
            };
            match rank.checked_sub(1).filter(is_like) {
                Some(before) => free_index.put_into(topology, rank, free_index.bin_of[before as usize]),
                None => free_index.put(topology, rank),
            }
        }
        free_index
    }

    pub(crate) fn free(&self, rank: u32) -> CardSet {
        self.free[rank as usize]
    }

    /// Whether a node takes no runs.
    pub(crate) fn is_out(&self, rank: u32) -> bool {
        self.bin_of[rank as usize] == OUT
    }

    /// Says whether a node takes no runs from now on.
    pub(crate) fn set_out(&mut self, topology: &Topology, rank: u32, is_out: bool) {
        if is_out == self.is_out(rank) {
            return;
        }
        if is_out {
            self.lift(topology, rank);
            self.bin_of[rank as usize] = OUT;
        } else {
            self.put(topology, rank);
        }
    }

    pub(crate) fn take(&mut self, topology: &Topology, rank: u32, cards: CardSet) {
        let free = self.free[rank as usize];
        assert!(cards.is_subset(free), "cards {cards} are taken of {free} free ones");
        self.set(topology, rank, free.without(cards));
    }

    /// Cards that are free already, and cards that the node does not have, are ignored.
    pub(crate) fn give(&mut self, topology: &Topology, rank: u32, cards: CardSet) {
        let cards = cards.intersection(topology.nodes[rank as usize].cards);
        self.set(topology, rank, self.free[rank as usize].union(cards));
    }

    /// Costs constant time, but for a kind that was never seen.
    pub(crate) fn set(&mut self, topology: &Topology, rank: u32, free: CardSet) {
        if self.free[rank as usize] == free {
            return;
        }
        if self.is_out(rank) {
            self.free[rank as usize] = free;
            return;
        }
        self.lift(topology, rank);
        self.free[rank as usize] = free;
        self.put(topology, rank);
    }

    fn lift(&mut self, topology: &Topology, rank: u32) {
        let bin = &mut self.bins[self.bin_of[rank as usize] as usize];
        bin.nodes.remove(rank);
        bin.by_switch[topology.switch_of[rank as usize] as usize] -= 1;
        self.free_cards -= self.free[rank as usize].len();
    }

    fn put(&mut self, topology: &Topology, rank: u32) {
        let free = self.free[rank as usize];
        let kind = topology.kind(rank, free);
        let bins = &mut self.bins;
        let bin = *self.by_kind.entry(kind).or_insert_with(|| {
            let (nodes, by_switch) = (RankSet::below(topology.nodes.len()), vec![0; topology.switches.len()]);
            bins.push(Bin { kind, nodes, by_switch });
            index(bins.len() - 1)
        });
        self.put_into(topology, rank, bin);
    }

    fn put_into(&mut self, topology: &Topology, rank: u32, bin: u32) {
        self.bin_of[rank as usize] = bin;
        let bin = &mut self.bins[bin as usize];
        bin.nodes.insert(rank);
        bin.by_switch[topology.switch_of[rank as usize] as usize] += 1;
        self.free_cards += self.free[rank as usize].len();
    }

    /// How many nodes meet the search. Linear in the kinds.
    pub(crate) fn fitting(&self, search: Search) -> u32 {
        let filled = self.bins.iter().filter(|bin| bin.nodes.len() > 0);
        filled.filter(|bin| search.fit(&bin.kind).is_some()).map(|bin| bin.nodes.len()).sum()
    }

    /// The best `nodes` nodes that meet the search. A single node is, of equally good ones, the one that the
    /// run's `stay` keeps busy for the least time longer, where a stay is given. Linear in the kinds for one
    /// node; for more, in kinds × switches and the nodes found.
    pub(crate) fn find(
        &self,
        topology: &Topology,
        nodes: u32,
        search: Search,
        stay: Option<Stay>,
    ) -> Option<FoundNodes> {
        if nodes == 1 {
            return self.find_one(search, stay);
        }
        let bins = self.bins.iter().filter(|bin| bin.nodes.len() > 0);
        let bins: Vec<(Fit, &Bin)> = bins.filter_map(|bin| Some((search.fit(&bin.kind)?, bin))).collect();
        if nodes == 0 || bins.iter().map(|(_, bin)| bin.nodes.len()).sum::<u32>() < nodes {
            return None;
        }
        let count = |switch: u32| bins.iter().map(|(_, bin)| bin.by_switch[switch as usize]).sum::<u32>();
        let by_switch: Vec<u32> = (0..index(topology.switches.len())).map(count).collect();
        let chosen = choose_switches(topology, &by_switch, nodes);
        let groups = groups_of(topology, &chosen);
        let mut found = FoundNodes {
            groups,
            switches: index(chosen.len()),
            fit: bins[0].0,
            longer_us: 0,
            nodes: Vec::new(),
        };
        let mut worst = None;
        for (switch, wanted) in chosen {
            let of_switch = topology.switches[switch as usize].clone();
            let best_of = |(fit, bin): &(Fit, &Bin)| {
                let ranks = bin.nodes.within(of_switch.clone()).take(wanted as usize);
                ranks.map(|rank| (*fit, rank)).collect::<Vec<_>>()
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

    /// The cards that a run gets on the nodes that were found for it.
    pub(crate) fn cards_of(
        &self,
        topology: &Topology,
        card_pool: u32,
        found: &FoundNodes,
        need: Need,
    ) -> PoolCards {
        let place = |&rank: &u32| (rank, topology.pick(rank, self.free(rank), need.search.per_node));
        let places: Vec<(u32, CardSet)> = found.nodes.iter().map(place).collect();
        let count = places.iter().map(|(_, cards)| cards.len()).sum();
        PoolCards { card_pool, count, places }
    }

    fn find_one(&self, search: Search, stay: Option<Stay>) -> Option<FoundNodes> {
        let mut best: Option<(Fit, i64, u32)> = None;
        for bin in self.bins.iter().filter(|bin| bin.nodes.len() > 0) {
            let Some(fit) = search.fit(&bin.kind) else { continue };
            if best.is_some_and(|(other, ..)| other < fit) {
                continue;
            }
            let (longer_us, rank) = bin.least_prolonged(stay);
            best = best.into_iter().chain([(fit, longer_us, rank)]).min();
        }
        let (fit, longer_us, rank) = best?;
        Some(FoundNodes { groups: 1, switches: 1, fit, longer_us, nodes: vec![rank] })
    }
}

impl Bin {
    /// Of the first nodes of the bin, which must not be empty, the one that a run keeps busy for the least
    /// time longer.
    fn least_prolonged(&self, stay: Option<Stay>) -> (i64, u32) {
        let first = self.nodes.first().expect("a bin that is not empty");
        let Some(stay) = stay else { return (0, first) };
        // Idle nodes are all equal.
        if self.nodes.len() == 1 || self.kind.free() == self.kind.cards() {
            return (stay.longer_us(first), first);
        }
        let looked_at = self.nodes.within(0..u32::MAX).take(LOOKS);
        let mut least = (i64::MAX, first);
        for rank in looked_at {
            least = least.min((stay.longer_us(rank), rank));
            if least.0 == 0 {
                break;
            }
        }
        least
    }
}

/// The switches to take `nodes` nodes from, and how many from each, where `by_switch` are the nodes that each
/// switch has: one switch if one has enough, else one group if one has enough, else few groups and switches.
fn choose_switches(topology: &Topology, by_switch: &[u32], nodes: u32) -> Vec<(u32, u32)> {
    let all = 0..index(by_switch.len());
    let in_one = all.filter(|&switch| by_switch[switch as usize] >= nodes);
    if let Some(switch) = in_one.min_by_key(|&switch| (by_switch[switch as usize], switch)) {
        return vec![(switch, nodes)];
    }
    let sum = |group: &Range<u32>| group.clone().map(|switch| by_switch[switch as usize]).sum::<u32>();
    let groups = fewest((0..).zip(&topology.groups).map(|(i, group)| (sum(group), i)).collect(), nodes);
    let in_group = |(group, wanted): (u32, u32)| {
        let switches = topology.groups[group as usize].clone();
        fewest(switches.map(|switch| (by_switch[switch as usize], switch)).collect(), wanted)
    };
    groups.into_iter().flat_map(in_group).collect()
}

/// Takes `wanted` from few of those that `have` so many each: the largest first, until one has all that is
/// missing; then the smallest that has.
fn fewest(mut have: Vec<(u32, u32)>, wanted: u32) -> Vec<(u32, u32)> {
    have.retain(|&(count, _)| count > 0);
    have.sort_unstable_by_key(|&(count, which)| (Reverse(count), which));
    let mut chosen = Vec::new();
    let mut left = wanted;
    for (i, &(count, which)) in have.iter().enumerate() {
        if count >= left {
            let able = have[i..].iter().take_while(|(count, _)| *count >= left);
            let &(_, which) = able.min_by_key(|(count, which)| (*count, *which)).expect("one is able");
            chosen.push((which, left));
            break;
        }
        chosen.push((which, count));
        left -= count;
    }
    chosen
}

fn groups_of(topology: &Topology, chosen: &[(u32, u32)]) -> u32 {
    let is_in = |group: &&Range<u32>| chosen.iter().any(|(switch, _)| group.contains(switch));
    index(topology.groups.iter().filter(is_in).count())
}
