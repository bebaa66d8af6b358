//! Random numbers from a seed, the same on every machine.

/// `SplitMix64`: small, good enough, and the same for ever.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `limit` - 1.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(limit);
        u64::try_from(wide >> 64).expect("the upper half of 128 bits")
    }

    /// A draw from an exponential distribution with this mean, rounded down; at least 1.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a draw")]
    pub(crate) fn exponential(&mut self, mean: i64) -> i64 {
        // Never 0, which has no logarithm.
        let share = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        ((-share.ln() * mean as f64) as i64).max(1)
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a length")
    }
}
