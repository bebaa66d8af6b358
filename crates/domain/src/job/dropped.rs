//! Positions of tasks in an array, and those among them that were cancelled before their turn.

use serde::{Deserialize, Serialize};

/// Positions of tasks, from 0: rising ranges with a gap between each two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions(Vec<(u32, u32)>);

impl Positions {
    /// The positions of ranges, which may touch and overlap: each its first and its last.
    pub fn new(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut ranges: Vec<(u32, u32)> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        ranges.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, position: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= position);
        after > 0 && self.0[after - 1].1 >= position
    }

    pub fn count(&self) -> u32 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }
}

/// Cancelled tasks whose turn is still to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped(Positions);

impl Dropped {
    /// The most ranges that are kept: each change of the job writes them.
    pub const MOST: usize = 1000;

    /// Adds positions from `next` up to `total`. Says how many are new.
    pub(super) fn add(&mut self, positions: &Positions, next: u32, total: u32) -> u32 {
        let before = self.count();
        let within =
            |(first, last): &(u32, u32)| Some(((*first).max(next), (*last).min(total.checked_sub(1)?)));
        let new = positions.ranges().iter().filter_map(within);
        self.0 = Positions::new(self.0.ranges().iter().copied().chain(new));
        self.count() - before
    }

    /// Takes out those that begin at `next`, and says how many they were.
    pub(super) fn pass(&mut self, next: u32) -> u32 {
        match self.0.0.first() {
            Some((first, last)) if *first <= next => {
                let passed = (last + 1).saturating_sub(next);
                self.0.0.remove(0);
                passed
            }
            _ => 0,
        }
    }

    pub(super) fn is_too_scattered(&self) -> bool {
        self.0.ranges().len() > Self::MOST
    }

    pub fn contains(&self, position: u32) -> bool {
        self.0.contains(position)
    }

    pub fn count(&self) -> u32 {
        self.0.count()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_are_those_of_their_ranges(ranges in prop::collection::vec((0_u32..40, 0_u32..6), 0..9)) {
            let ranges: Vec<_> = ranges.into_iter().map(|(first, more)| (first, first + more)).collect();
            let positions = Positions::new(ranges.clone());
            let is_in = |position: u32| ranges.iter().any(|(first, last)| (*first..=*last).contains(&position));
            let count = (0..60).filter(|position| is_in(*position)).count();
            prop_assert_eq!(positions.count() as usize, count);
            for position in 0..60 {
                prop_assert_eq!(positions.contains(position), is_in(position), "{}", position);
            }
            prop_assert!(positions.ranges().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }
}
