//! The free cards of a site's nodes, indexed: nodes with the same free cards in their rings are one thing to the search.

use std::cmp::Reverse;

use domain::CardSet;
use rustc_hash::FxHashMap;

use crate::{
    busy::Stay,
    fit::{Fit, Kind, Want},
    ground::Ground,
    index,
    ranks::Ranks,
    site::Quality,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Hall {
    free: Vec<CardSet>,
    /// The bin of each node, [`OUT`] if it takes no runs.
    bin_of: Vec<u32>,
    bins: Vec<Bin>,
    by_kind: FxHashMap<Kind, u32>,
    /// On nodes that take runs.
    pub(crate) free_cards: u32,
}

const OUT: u32 = u32::MAX;

/// So many nodes of a kind are looked at for the one that a run keeps busy for least longer.
const LOOKS: usize = 64;

/// The nodes of one kind.
#[derive(Clone, Debug)]
struct Bin {
    kind: Kind,
    nodes: Ranks,
    by_switch: Vec<u32>,
}

/// What is searched for: so much on each node, of which only some sets of labels will do (all if empty).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) want: Want,
    pub(crate) labelled: &'a [bool],
}

impl Search<'_> {
    pub(crate) fn fit(&self, kind: &Kind) -> Option<Fit> {
        if self.labelled.get(kind.labels as usize).is_some_and(|is_right| !is_right) {
            return None;
        }
        kind.fit(self.want)
    }
}

/// Nodes for a job, best first by how few groups of switches and switches it takes, and then by the fit of its worst node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) groups: u32,
    pub(crate) switches: u32,
    pub(crate) fit: Fit,
    /// How much longer a node is busy, in microseconds; 0 for several nodes, and where nobody asked.
    pub(crate) longer_us: i64,
    /// Ranks in rising order.
    pub(crate) nodes: Vec<u32>,
}

impl Found {
    pub(crate) fn quality(&self) -> Quality {
        (self.groups, self.switches, Some(self.fit), self.longer_us)
    }
}

impl Hall {
    /// With `free` cards free, by rank. Linear.
    pub(crate) fn new(ground: &Ground, free: Vec<CardSet>) -> Self {
        let bin_of = vec![OUT; free.len()];
        let mut hall = Self { free, bin_of, ..Self::default() };
        for rank in 0..index(ground.nodes.len()) {
            if !ground.nodes[rank as usize].takes_runs {
                continue;
            }
            let is_like = |before: &u32| {
                !hall.is_out(*before)
                    && hall.free(*before) == hall.free(rank)
                    && ground.are_alike(*before, rank)
            };
            match rank.checked_sub(1).filter(is_like) {
                Some(before) => hall.put_into(ground, rank, hall.bin_of[before as usize]),
                None => hall.put(ground, rank),
            }
        }
        hall
    }

    pub(crate) fn free(&self, rank: u32) -> CardSet {
        self.free[rank as usize]
    }

    /// Whether it takes no runs.
    pub(crate) fn is_out(&self, rank: u32) -> bool {
        self.bin_of[rank as usize] == OUT
    }

    /// Lets a node take runs again, or no more.
    pub(crate) fn set_out(&mut self, ground: &Ground, rank: u32, is_out: bool) {
        if is_out == self.is_out(rank) {
            return;
        }
        if is_out {
            self.lift(ground, rank);
            self.bin_of[rank as usize] = OUT;
        } else {
            self.put(ground, rank);
        }
    }

    pub(crate) fn take(&mut self, ground: &Ground, rank: u32, cards: CardSet) {
        let free = self.free[rank as usize];
        assert!(cards.is_subset(free), "cards {cards} are taken of {free} free ones");
        self.set(ground, rank, free.without(cards));
    }

    /// What is already free, or is no card of the node, stays as it is.
    pub(crate) fn give(&mut self, ground: &Ground, rank: u32, cards: CardSet) {
        let cards = cards.intersection(ground.nodes[rank as usize].cards);
        self.set(ground, rank, self.free[rank as usize].union(cards));
    }

    /// Constant, but for a kind that was never seen.
    pub(crate) fn set(&mut self, ground: &Ground, rank: u32, free: CardSet) {
        if self.free[rank as usize] == free {
            return;
        }
        if self.is_out(rank) {
            self.free[rank as usize] = free;
            return;
        }
        self.lift(ground, rank);
        self.free[rank as usize] = free;
        self.put(ground, rank);
    }

    fn lift(&mut self, ground: &Ground, rank: u32) {
        let bin = &mut self.bins[self.bin_of[rank as usize] as usize];
        bin.nodes.remove(rank);
        bin.by_switch[ground.switch_of[rank as usize] as usize] -= 1;
        self.free_cards -= self.free[rank as usize].len();
    }

    fn put(&mut self, ground: &Ground, rank: u32) {
        let free = self.free[rank as usize];
        let kind = ground.kind(rank, free);
        let bins = &mut self.bins;
        let bin = *self.by_kind.entry(kind).or_insert_with(|| {
            let (nodes, by_switch) = (Ranks::below(ground.nodes.len()), vec![0; ground.switches.len()]);
            bins.push(Bin { kind, nodes, by_switch });
            index(bins.len() - 1)
        });
        self.put_into(ground, rank, bin);
    }

    fn put_into(&mut self, ground: &Ground, rank: u32, bin: u32) {
        self.bin_of[rank as usize] = bin;
        let bin = &mut self.bins[bin as usize];
        bin.nodes.insert(rank);
        bin.by_switch[ground.switch_of[rank as usize] as usize] += 1;
        self.free_cards += self.free[rank as usize].len();
    }

    /// How many nodes have what is searched for. Linear in the kinds.
    pub(crate) fn fitting(&self, search: Search) -> u32 {
        let filled = self.bins.iter().filter(|bin| bin.nodes.len() > 0);
        filled.filter(|bin| search.fit(&bin.kind).is_some()).map(|bin| bin.nodes.len()).sum()
    }

    /// Cards that are free on nodes on which something runs: the less, the more whole nodes there are.
    pub(crate) fn scattered_cards(&self) -> u32 {
        let in_use = self.bins.iter().filter(|bin| bin.kind.free() < bin.kind.cards());
        in_use.map(|bin| bin.nodes.len() * bin.kind.free()).sum()
    }

    /// The best `nodes` nodes that have what is searched for; of those that are as good for one node, where the run's `stay`
    /// is known, the one that it keeps busy for least longer. Linear in the kinds for one node; for more, in kinds × switches
    /// and the nodes found.
    pub(crate) fn find(
        &self,
        ground: &Ground,
        nodes: u32,
        search: Search,
        stay: Option<Stay>,
    ) -> Option<Found> {
        if nodes == 1 {
            return self.find_one(search, stay);
        }
        let bins = self.bins.iter().filter(|bin| bin.nodes.len() > 0);
        let bins: Vec<(Fit, &Bin)> = bins.filter_map(|bin| Some((search.fit(&bin.kind)?, bin))).collect();
        if nodes == 0 || bins.iter().map(|(_, bin)| bin.nodes.len()).sum::<u32>() < nodes {
            return None;
        }
        let count = |switch: u32| bins.iter().map(|(_, bin)| bin.by_switch[switch as usize]).sum::<u32>();
        let by_switch: Vec<u32> = (0..index(ground.switches.len())).map(count).collect();
        let chosen = choose_switches(ground, &by_switch, nodes);
        let groups = groups_of(ground, &chosen);
        let mut found =
            Found { groups, switches: index(chosen.len()), fit: bins[0].0, longer_us: 0, nodes: Vec::new() };
        let mut worst = None;
        for (switch, wanted) in chosen {
            let of_switch = ground.switches[switch as usize].clone();
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

    fn find_one(&self, search: Search, stay: Option<Stay>) -> Option<Found> {
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
        Some(Found { groups: 1, switches: 1, fit, longer_us, nodes: vec![rank] })
    }
}

impl Bin {
    /// Of its first nodes the one that a run keeps busy for least longer. It must have one.
    fn least_prolonged(&self, stay: Option<Stay>) -> (i64, u32) {
        let first = self.nodes.first().expect("a bin that is not empty");
        let Some(stay) = stay else { return (0, first) };
        // Idle nodes are all the same.
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

/// Which switches give how many of `nodes` nodes, where each has `by_switch`: one switch if one can, else one group if one
/// can, else few groups and switches.
fn choose_switches(ground: &Ground, by_switch: &[u32], nodes: u32) -> Vec<(u32, u32)> {
    let all = 0..index(by_switch.len());
    let in_one = all.filter(|&switch| by_switch[switch as usize] >= nodes);
    if let Some(switch) = in_one.min_by_key(|&switch| (by_switch[switch as usize], switch)) {
        return vec![(switch, nodes)];
    }
    let sum =
        |group: &std::ops::Range<u32>| group.clone().map(|switch| by_switch[switch as usize]).sum::<u32>();
    let groups = fewest((0..).zip(&ground.groups).map(|(i, group)| (sum(group), i)).collect(), nodes);
    let in_group = |(group, wanted): (u32, u32)| {
        let switches = ground.groups[group as usize].clone();
        fewest(switches.map(|switch| (by_switch[switch as usize], switch)).collect(), wanted)
    };
    groups.into_iter().flat_map(in_group).collect()
}

/// The largest of those that have so many each, until one can give what is left: then the smallest that can.
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

fn groups_of(ground: &Ground, chosen: &[(u32, u32)]) -> u32 {
    let is_in = |group: &&std::ops::Range<u32>| chosen.iter().any(|(switch, _)| group.contains(switch));
    index(ground.groups.iter().filter(is_in).count())
}
