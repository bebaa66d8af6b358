//! Money in integers: micro-CNY, one millionth of a yuan.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{decimal, schema, time::CardMs};

/// An amount of money in micro-CNY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroCny(pub i64);

impl MicroCny {
    pub const ZERO: Self = Self(0);

    pub const fn from_yuan(yuan: i64) -> Self {
        Self(yuan.saturating_mul(1_000_000))
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Yuan to the micro-yuan, with no more places than it takes, but two: `-1234.50`, `0.02376`.
    pub fn exact(self) -> String {
        let (sign, micro) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let places = format!("{:06}", micro % 1_000_000);
        format!("{sign}{}.{:0<2}", micro / 1_000_000, places.trim_end_matches('0'))
    }
}

impl fmt::Display for MicroCny {
    /// Yuan, rounded half away from zero to the fen, with commas between thousands: `-1,234.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fen = (self.0.unsigned_abs() + 5_000) / 10_000;
        let sign = if self.0 < 0 && fen > 0 { "-" } else { "" };
        f.write_str(&decimal::grouped(&format!("{sign}{}.{:02}", fen / 100, fen % 100)))
    }
}

/// Why a text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount in yuan: write digits with at most six places, as in 1234.50")]
pub struct InvalidAmount(pub String);

impl FromStr for MicroCny {
    type Err = InvalidAmount;

    /// Yuan with at most six places; commas are passed over.
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        decimal::millionths(text).map(Self).ok_or_else(|| InvalidAmount(text.chars().take(80).collect()))
    }
}

impl PartialSchema for MicroCny {
    fn schema() -> RefOr<Schema> {
        schema::int64("An amount of money in micro-CNY, millionths of a yuan.")
    }
}

impl ToSchema for MicroCny {}

/// The price of a card for an hour. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RatePerCardHour(pub MicroCny);

impl fmt::Display for RatePerCardHour {
    /// Yuan to the micro-yuan, as charges are worked out with it, with commas between thousands: `1,234.50`, `0.023769`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal::grouped(&self.0.exact()))
    }
}

impl RatePerCardHour {
    pub const FREE: Self = Self(MicroCny::ZERO);

    /// The charge for all of `used` together, rounded down to a micro-CNY; `None` if it does not fit 64 bits.
    /// A run is charged the difference of two such totals, so that its charge does not depend on how often it
    /// is metered.
    pub fn charge(self, used: CardMs) -> Option<MicroCny> {
        let micro = i128::from(self.0.0) * i128::from(used.0) / 3_600_000;
        i64::try_from(micro).ok().map(MicroCny)
    }
}

impl PartialSchema for RatePerCardHour {
    fn schema() -> RefOr<Schema> {
        schema::int64("The price of a card for an hour in micro-CNY, millionths of a yuan.")
    }
}

impl ToSchema for RatePerCardHour {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_read_and_write() {
        for (micro, text) in [
            (0, "0.00"),
            (1_234_500_000, "1,234.50"),
            (-1_234_500_000, "-1,234.50"),
            (4_999, "0.00"),
            (-4_999, "0.00"),
            (5_000, "0.01"),
            (1_000_000_000_000, "1,000,000.00"),
        ] {
            assert_eq!(MicroCny(micro).to_string(), text);
        }
        for (micro, text) in [(12_000_000, "12.00"), (12_345_678, "12.345678"), (1_250_500_000, "1,250.50")] {
            assert_eq!(RatePerCardHour(MicroCny(micro)).to_string(), text, "a price is whole");
        }
        for (text, micro) in
            [("12.5", 12_500_000), ("1,000", 1_000_000_000), ("-0.000001", -1), ("8", 8_000_000)]
        {
            assert_eq!(text.parse(), Ok(MicroCny(micro)));
        }
        for bad in ["", ".", "1.", "1.0000001", "1e3", "--1", "٣", "99999999999999999999"] {
            assert_eq!(bad.parse::<MicroCny>().is_ok(), bad == "1.", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn charge_does_not_depend_on_the_cuts(rate in 0_i64..1_000_000_000, steps in prop::collection::vec(0_i64..10_000_000, 1..20)) {
            let rate = RatePerCardHour(MicroCny(rate));
            let (mut used, mut charged) = (CardMs::ZERO, MicroCny::ZERO);
            for step in steps {
                let sum = used + CardMs(step);
                charged = charged.checked_add(rate.charge(sum).unwrap().checked_sub(charged).unwrap()).unwrap();
                used = sum;
            }
            prop_assert_eq!(charged, rate.charge(used).unwrap());
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<MicroCny>();
        }
    }
}
