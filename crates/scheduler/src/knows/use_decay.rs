//! Use that fades: exponential decay with a half-life, in integers, the same on every machine.

use domain::{CardMs, Millis, Timestamp};

/// Bits of the fraction of a half-life; a week's half-life is then cut into parts of 0.14 ms.
const FRACTION_BITS: u32 = 32;

/// 2^(-1/2), 2^(-1/4), 2^(-1/8)… with 62 bits after the point.
const ROOTS: [u64; FRACTION_BITS as usize] = roots();

const ONE_BITS: u32 = 62;

/// A queue's use, faded up to an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecayedUse {
    pub value: CardMs,
    /// The instant up to which `value` is faded.
    pub as_of: Timestamp,
}

impl DecayedUse {
    /// The use faded to `now`: half of it is left after each `half_life`, rounded down. Unchanged if `now` is
    /// not later than `as_of`; with a half-life of 0 or less nothing is left.
    pub fn at(self, now: Timestamp, half_life: Millis) -> CardMs {
        let passed = now.since(self.as_of);
        if passed.0 == 0 {
            return self.value;
        }
        CardMs(faded(self.value.0, passed, half_life))
    }

    /// Fades the use to `now` and adds `card_ms`. Use that is added late (`now` before `as_of`) counts as of
    /// `as_of`.
    #[must_use]
    pub fn add(self, card_ms: CardMs, now: Timestamp, half_life: Millis) -> Self {
        let faded = self.at(now, half_life);
        Self { value: CardMs(faded.0.saturating_add(card_ms.0)), as_of: self.as_of.max(now) }
    }
}

fn faded(value: i64, passed: Millis, half_life: Millis) -> i64 {
    if half_life.0 <= 0 {
        return 0;
    }
    let halvings = passed.0 / half_life.0;
    if halvings >= 63 {
        return 0;
    }
    let rest = i128::from(passed.0 % half_life.0) << FRACTION_BITS;
    let fraction = rest / i128::from(half_life.0);
    let mut factor = 1_i128 << ONE_BITS;
    for (i, root) in ROOTS.iter().enumerate() {
        if fraction >> (FRACTION_BITS as usize - 1 - i) & 1 == 1 {
            factor = (factor * i128::from(*root)) >> ONE_BITS;
        }
    }
    let left = (i128::from(value) * factor) >> ONE_BITS >> halvings;
    i64::try_from(left).expect("fading makes it no larger")
}

/// Each root is the square root of the one before; the first is that of 1/2.
const fn roots() -> [u64; FRACTION_BITS as usize] {
    let mut roots = [0; FRACTION_BITS as usize];
    let mut square = 1_u64 << (ONE_BITS - 1);
    let mut i = 0;
    while i < FRACTION_BITS as usize {
        square = sqrt((square as u128) << ONE_BITS);
        roots[i] = square;
        i += 1;
    }
    roots
}

/// The square root of a number below 2^126, rounded down; found bit by bit.
const fn sqrt(number: u128) -> u64 {
    let mut root = 0_u128;
    let mut bit = 1_u128 << ONE_BITS;
    while bit > 0 {
        let tried = root | bit;
        if tried * tried <= number {
            root = tried;
        }
        bit >>= 1;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a root of 63 bits at most")]
    let root = root as u64;
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WEEK: Millis = Millis::from_hours(7 * 24);

    #[test]
    fn half_is_left_after_a_half_life() {
        let used = DecayedUse { value: CardMs(1_000_000_007), as_of: Timestamp::from_secs(1_000) };
        for (passed_ms, left) in [
            (0, 1_000_000_007),
            (WEEK.0, 500_000_003),
            (2 * WEEK.0, 250_000_001),
            // 10^9 / √2.
            (WEEK.0 / 2, 707_106_786),
            (WEEK.0 * 3 / 2, 353_553_393),
            (WEEK.0 * 63, 0),
            (i64::MAX / 2000, 0),
            (-5, 1_000_000_007),
        ] {
            let now = used.as_of.plus(Millis(passed_ms));
            assert_eq!(used.at(now, WEEK).0, left, "after {passed_ms} ms");
        }
        assert_eq!(used.at(used.as_of.plus(Millis(1)), Millis(0)), CardMs::ZERO);
    }

    #[test]
    fn use_is_added_at_its_instant() {
        let start = Timestamp::from_secs(0);
        let used =
            DecayedUse::default().add(CardMs(1000), start, WEEK).add(CardMs(100), start.plus(WEEK), WEEK);
        assert_eq!(used, DecayedUse { value: CardMs(600), as_of: start.plus(WEEK) });
        let late = used.add(CardMs(1), start, WEEK);
        assert_eq!(late, DecayedUse { value: CardMs(601), as_of: start.plus(WEEK) });
    }

    proptest! {
        #[test]
        fn it_only_falls_and_may_be_cut_into_steps(value in 0..i64::MAX / 2, a in 0_i64..3_000_000_000, b in 0_i64..3_000_000_000, half_life in 1_i64..5_000_000_000) {
            let (start, half_life) = (Timestamp::from_secs(0), Millis(half_life));
            let used = DecayedUse { value: CardMs(value), as_of: start };
            let (mid, end) = (start.plus(Millis(a)), start.plus(Millis(a + b)));
            let whole = used.at(end, half_life).0;
            prop_assert!(whole <= used.at(mid, half_life).0 && used.at(mid, half_life).0 <= value);
            let stepped = used.add(CardMs::ZERO, mid, half_life).at(end, half_life).0;
            prop_assert!((whole - stepped).abs() <= 2 + value / 1_000_000_000, "{} or {}", whole, stepped);
        }
    }
}
