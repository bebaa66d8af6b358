//! Dice: the same seed throws the same numbers.

/// xorshift64*.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one of several things that must not hang on each other, such as the work of one tenant on one day.
    pub fn new(seed: u32, of: [u64; 2]) -> Self {
        let mixed = [u64::from(seed), of[0], of[1]]
            .into_iter()
            .fold(0x9E37_79B9_7F4A_7C15_u64, |all, one| (all ^ one).wrapping_mul(0xBF58_476D_1CE4_E5B9));
        let mut dice = Self((mixed ^ (mixed >> 31)) | 1);
        // The first numbers of seeds that are alike are alike.
        for _ in 0..4 {
            dice.below(2);
        }
        dice
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let thrown = (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % u64::from(bound.max(1));
        u32::try_from(thrown).unwrap_or_default()
    }

    pub fn pick<T: Copy>(&mut self, of: &[T; 4]) -> T {
        of[self.below(4) as usize]
    }
}
