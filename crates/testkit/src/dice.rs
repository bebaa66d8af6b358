//! Pseudo-random numbers for tests and benches: the same seed gives the same numbers.

/// xorshift64*.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Dice with the clock as their seed, which is printed, so that a failure can be had again.
    #[cfg(any(feature = "site", feature = "rows", feature = "engine"))]
    pub fn by_the_clock() -> Self {
        let seed = u64::try_from(crate::now().as_micros()).expect("after 1970");
        println!("seed {seed}");
        Self::new(seed)
    }

    /// A number below `bound`, which is of 31 bits at most.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).expect("an index is small")]
    }
}
