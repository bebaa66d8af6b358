//! A set of ranks, as bits with a summary of the words that are not empty. A change costs constant time, and
//! the lowest rank is found in a few steps.

use std::ops::Range;

use crate::index::index;

#[derive(Clone, Debug, Default)]
pub(crate) struct RankSet {
    words: Vec<u64>,
    /// Bit i is set if word i is not empty.
    summary: Vec<u64>,
    len: u32,
}

impl RankSet {
    /// An empty set with room for ranks below `bound`.
    pub(crate) fn below(bound: usize) -> Self {
        let words = bound.div_ceil(64);
        Self { words: vec![0; words], summary: vec![0; words.div_ceil(64)], len: 0 }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// `rank` must not be in the set.
    pub(crate) fn insert(&mut self, rank: u32) {
        let word = rank as usize / 64;
        debug_assert!(self.words[word] >> (rank % 64) & 1 == 0, "rank {rank} is in it already");
        self.words[word] |= 1 << (rank % 64);
        self.summary[word / 64] |= 1 << (word % 64);
        self.len += 1;
    }

    /// `rank` must be in the set.
    pub(crate) fn remove(&mut self, rank: u32) {
        let word = rank as usize / 64;
        debug_assert!(self.words[word] >> (rank % 64) & 1 == 1, "rank {rank} is not in it");
        self.words[word] &= !(1 << (rank % 64));
        if self.words[word] == 0 {
            self.summary[word / 64] &= !(1 << (word % 64));
        }
        self.len -= 1;
    }

    pub(crate) fn first(&self) -> Option<u32> {
        self.at_or_after(0)
    }

    /// The lowest rank that is not below `from`.
    fn at_or_after(&self, from: u32) -> Option<u32> {
        let mut word = from as usize / 64;
        let bits = self.words.get(word)? & (u64::MAX << (from % 64));
        if bits != 0 {
            return Some(rank(word, bits));
        }
        word += 1;
        let mut group = word / 64;
        let mut groups = self.summary.get(group)? & (u64::MAX << (word % 64));
        while groups == 0 {
            group += 1;
            groups = *self.summary.get(group)?;
        }
        let word = group * 64 + groups.trailing_zeros() as usize;
        Some(rank(word, self.words[word]))
    }

    /// The ranks in `range`, rising.
    pub(crate) fn within(&self, range: Range<u32>) -> impl Iterator<Item = u32> + '_ {
        let mut from = range.start;
        std::iter::from_fn(move || {
            let rank = self.at_or_after(from).filter(|rank| *rank < range.end)?;
            from = rank + 1;
            Some(rank)
        })
    }
}

fn rank(word: usize, bits: u64) -> u32 {
    index(word) * 64 + bits.trailing_zeros()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(changes in proptest::collection::vec(0_u32..9000, 0..300), start in 0_u32..9000, end in 0_u32..9100) {
            let (mut ranks, mut set) = (RankSet::below(9000), BTreeSet::new());
            for rank in changes {
                if set.remove(&rank) {
                    ranks.remove(rank);
                } else {
                    set.insert(rank);
                    ranks.insert(rank);
                }
            }
            prop_assert_eq!(ranks.len() as usize, set.len());
            prop_assert_eq!(ranks.first(), set.first().copied());
            if start <= end {
                prop_assert!(ranks.within(start..end).eq(set.range(start..end).copied()));
            }
        }
    }
}
