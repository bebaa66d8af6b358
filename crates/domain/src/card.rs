//! Cards 加速卡: their models, and sets of the cards of one node.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most cards that one node may have.
pub const MAX_CARDS_PER_NODE: u8 = 64;

/// How the cards of a node may be handed out, named after their wiring. It is data of a model, so that a new
/// model needs no new code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Affinity {
    /// Any cards do, as each is joined to each (Atlas 800T A2, most NVIDIA servers).
    #[default]
    Any,
    /// Cards are wired in rings: 1, 2 or 4 cards come from one ring, 8 are the whole node, and other numbers
    /// are refused (Atlas 800 model 9000, with two rings of four).
    Rings,
    /// Cards are handed out in pairs, the two dies of one package; a single one is allowed (Atlas 800T A3).
    Pairs,
}

/// The maker of a card. The environment and the device files of a run depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vendor {
    Ascend,
    Nvidia,
    Other,
}

/// One model of card.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CardModel {
    /// The name by which it is asked for and shown: `ascend-910`.
    pub name: String,
    pub vendor: Vendor,
    /// Dense FP16, in TFLOPS.
    pub fp16_tflops: u32,
    pub memory_mib: u32,
    pub tdp_watts: u32,
    pub affinity: Affinity,
}

impl CardModel {
    /// The model of this name as its maker describes it in public; settings may say otherwise. The sources
    /// are in `docs/operators.md`.
    pub fn known(name: &str) -> Option<Self> {
        let (vendor, fp16_tflops, memory_gib, tdp_watts, affinity) = match name {
            "ascend-910" => (Vendor::Ascend, 256, 32, 310, Affinity::Rings),
            "ascend-910b1" => (Vendor::Ascend, 400, 64, 400, Affinity::Any),
            "ascend-910b2" => (Vendor::Ascend, 376, 64, 400, Affinity::Any),
            "ascend-910b3" => (Vendor::Ascend, 313, 64, 400, Affinity::Any),
            "ascend-910b4" => (Vendor::Ascend, 280, 32, 400, Affinity::Any),
            "ascend-910c-die" => (Vendor::Ascend, 376, 64, 400, Affinity::Pairs),
            "nvidia-a100" => (Vendor::Nvidia, 312, 80, 400, Affinity::Any),
            "nvidia-h200" => (Vendor::Nvidia, 989, 141, 700, Affinity::Any),
            _ => return None,
        };
        let name = name.to_owned();
        Some(Self { name, vendor, fp16_tflops, memory_mib: memory_gib * 1024, tdp_watts, affinity })
    }
}

/// Some of the cards of one node, by index from 0 to 63.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardSet(u64);

impl CardSet {
    pub const EMPTY: Self = Self(0);

    /// The cards from 0 to `count` - 1.
    ///
    /// # Panics
    /// If `count` is more than [`MAX_CARDS_PER_NODE`].
    pub fn first(count: u8) -> Self {
        assert!(count <= MAX_CARDS_PER_NODE, "a node has at most {MAX_CARDS_PER_NODE} cards, not {count}");
        Self(if count == 64 { u64::MAX } else { (1 << count) - 1 })
    }

    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub const fn bits(self) -> u64 {
        self.0
    }

    pub fn only(card: u8) -> Self {
        assert!(card < MAX_CARDS_PER_NODE, "a card's index is below {MAX_CARDS_PER_NODE}, not {card}");
        Self(1 << card)
    }

    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn contains(self, card: u8) -> bool {
        card < MAX_CARDS_PER_NODE && self.0 >> card & 1 == 1
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn is_disjoint(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    pub const fn is_subset(self, of: Self) -> bool {
        self.0 & !of.0 == 0
    }

    /// The `count` cards with the lowest indices; `None` if there are fewer.
    pub fn lowest(self, count: u32) -> Option<Self> {
        let mut rest = self.0;
        for _ in 0..count {
            if rest == 0 {
                return None;
            }
            rest &= rest - 1;
        }
        Some(Self(self.0 & !rest))
    }

    /// The indices, in rising order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..MAX_CARDS_PER_NODE).filter(move |&card| self.contains(card))
    }
}

impl FromIterator<u8> for CardSet {
    fn from_iter<I: IntoIterator<Item = u8>>(cards: I) -> Self {
        cards.into_iter().fold(Self::EMPTY, |set, card| set.union(Self::only(card)))
    }
}

impl fmt::Display for CardSet {
    /// Ranges of indices: `0-3,6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cards = self.iter().peekable();
        let mut separator = "";
        while let Some(first) = cards.next() {
            let mut last = first;
            while cards.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{first}-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for CardSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sets_read_as_ranges() {
        for (cards, text) in [
            (vec![], ""),
            (vec![0], "0"),
            (vec![0, 1, 2, 3], "0-3"),
            (vec![0, 1, 2, 3, 6], "0-3,6"),
            (vec![62, 63], "62-63"),
        ] {
            assert_eq!(cards.into_iter().collect::<CardSet>().to_string(), text);
        }
    }

    #[test]
    fn the_guide_has_the_figures_of_each_model() {
        let guide = include_str!("../../../docs/operators.md");
        let head = "| name | FP16 dense, TFLOPS | memory, GiB | TDP, W | affinity | source |";
        let rows =
            guide.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
        let mut count = 0;
        for row in rows {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let model = CardModel::known(cells[1].trim_matches('`')).expect("the model is known");
            let figures =
                [model.fp16_tflops, model.memory_mib / 1024, model.tdp_watts].map(|n| n.to_string());
            assert_eq!(figures, cells[2..5], "{}", model.name);
            assert_eq!(format!("{:?}", model.affinity).to_lowercase(), cells[5], "{}", model.name);
            count += 1;
        }
        assert_eq!(count, 8, "the table is where it was, with all models");
    }

    proptest! {
        #[test]
        fn lowest_takes_that_many_of_the_set_or_none(bits: u64, count in 0_u32..70) {
            let set = CardSet::from_bits(bits);
            match set.lowest(count) {
                Some(taken) => {
                    prop_assert_eq!(taken.len(), count);
                    prop_assert!(taken.is_subset(set));
                    prop_assert!(set.without(taken).iter().all(|left| taken.iter().all(|card| card < left)));
                }
                None => prop_assert!(set.len() < count),
            }
        }
    }
}
