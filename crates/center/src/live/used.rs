//! Use of cards, as it is added up and charged.

use std::{
    iter::Sum,
    ops::{Add, AddAssign},
};

use domain::{CardMs, MicroCny};

/// Card time, and what it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    pub used: CardMs,
    pub charged: MicroCny,
    /// The part of the charge that vouchers pay; below 0 where they take back.
    pub by_vouchers: MicroCny,
}

impl Add for Use {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            used: self.used + other.used,
            charged: MicroCny(self.charged.0 + other.charged.0),
            by_vouchers: MicroCny(self.by_vouchers.0 + other.by_vouchers.0),
        }
    }
}

impl AddAssign for Use {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Use {
    fn sum<I: Iterator<Item = Self>>(uses: I) -> Self {
        uses.fold(Self::default(), Add::add)
    }
}
