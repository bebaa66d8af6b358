//! Instants, durations and card time, in integers.

use std::{borrow::Cow, fmt, iter::Sum, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{decimal, schema};

/// An instant, in microseconds since 1970-01-01T00:00:00Z. It is kept as this number, in columns as in JSON.
/// Requests and answers have it as [`Rfc3339`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1000)
    }

    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1_000_000)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since 1970, rounded down. Metering counts in these: differences of rounded instants
    /// add up exactly, wherever an interval is cut.
    pub const fn floor_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant `by` later; the last instant of all where that would overflow.
    #[must_use]
    pub const fn plus(self, by: Millis) -> Self {
        Self(self.0.saturating_add(by.0.saturating_mul(1000)))
    }

    /// The instant `by` earlier; the first instant of all where that would overflow.
    #[must_use]
    pub const fn minus(self, by: Millis) -> Self {
        Self(self.0.saturating_sub(by.0.saturating_mul(1000)))
    }

    /// Milliseconds from `earlier` to `self`, 0 if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Millis {
        let ms = self.floor_millis() - earlier.floor_millis();
        Millis(if ms > 0 { ms } else { 0 })
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the millisecond: `2026-05-20T08:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.floor_millis()) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an instant: write it as 2026-05-20T08:00:00Z")]
pub struct InvalidTimestamp(pub String);

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// RFC 3339. [`Zone::parse`](crate::Zone::parse) reads a date alone too.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        text.parse::<jiff::Timestamp>()
            .map(|at| Self(at.as_microsecond()))
            .map_err(|_| InvalidTimestamp(text.chars().take(80).collect()))
    }
}

/// An instant as people and other programs write it: the text form of a [`Timestamp`], for requests and
/// answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rfc3339(pub Timestamp);

impl AsRef<Timestamp> for Timestamp {
    fn as_ref(&self) -> &Timestamp {
        self
    }
}

impl AsRef<Timestamp> for Rfc3339 {
    fn as_ref(&self) -> &Timestamp {
        &self.0
    }
}

impl From<Timestamp> for Rfc3339 {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Rfc3339 {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        text.parse().map(Self)
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl PartialSchema for Rfc3339 {
    fn schema() -> RefOr<Schema> {
        schema::date_time("RFC 3339, in UTC, to the millisecond.")
    }
}

impl ToSchema for Rfc3339 {}

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    pub const fn from_hours(hours: i64) -> Self {
        Self::from_secs(hours.saturating_mul(3600))
    }

    pub const fn as_secs(self) -> i64 {
        self.0 / 1000
    }
}

impl fmt::Display for Millis {
    /// The form for people: `340 ms`, `12.3 s`, `1:02:03`, `2-03:04:05` (days, as Slurm writes them).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        let (s, m, h) = (ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
        match ms {
            ..1_000 => write!(f, "{ms} ms"),
            1_000..60_000 => write!(f, "{}.{} s", ms / 1000, ms % 1000 / 100),
            60_000..86_400_000 => write!(f, "{h}:{m:02}:{s:02}"),
            _ => write!(f, "{}-{:02}:{m:02}:{s:02}", h / 24, h % 24),
        }
    }
}

impl PartialSchema for Millis {
    fn schema() -> RefOr<Schema> {
        schema::int64("A length of time in milliseconds.")
    }
}

impl ToSchema for Millis {}

/// Use of cards: one card for one millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardMs(pub i64);

impl CardMs {
    pub const ZERO: Self = Self(0);

    /// The use of `cards` cards from `from` to `to`; nothing if `to` is earlier.
    pub const fn of(cards: u32, from: Timestamp, to: Timestamp) -> Self {
        Self((cards as i64).saturating_mul(to.since(from).0))
    }

    pub const fn from_card_hours(hours: i64) -> Self {
        Self(hours.saturating_mul(3_600_000))
    }

    /// Reads a number of card-hours above 0, with at most six places, as people write it: `1,000`, `12.5`.
    /// A part of a card-millisecond is dropped. `None` if the text is no such number.
    pub fn of_hours(text: &str) -> Option<Self> {
        let card_ms = i64::try_from(i128::from(decimal::millionths(text)?) * 36 / 10).ok()?;
        (card_ms > 0).then_some(Self(card_ms))
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
    /// Card-hours to the card-millisecond, as hours, minutes, seconds and milliseconds of one card: `-12:30:00.001`. As a
    /// decimal number most have no end.
    pub fn exact(self) -> String {
        let (sign, ms) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        format!("{sign}{h}:{m:02}:{s:02}.{:03}", ms % 1000)
    }
}

impl std::ops::Add for CardMs {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.checked_add(other).expect("card-milliseconds fit 64 bits: 100,000 cards for 2,900 years")
    }
}

impl std::ops::AddAssign for CardMs {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::Sub for CardMs {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.checked_sub(other).expect("card-milliseconds fit 64 bits")
    }
}

impl Sum for CardMs {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, |a, b| a + b)
    }
}

impl fmt::Display for CardMs {
    /// Card-hours with four places: `12.5000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenthousandths = i128::from(self.0) * 10_000 / 3_600_000;
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = tenthousandths.unsigned_abs();
        write!(f, "{sign}{}.{:04}", magnitude / 10_000, magnitude % 10_000)
    }
}

impl PartialSchema for CardMs {
    fn schema() -> RefOr<Schema> {
        schema::int64("Use of cards in card-milliseconds: one card for one millisecond.")
    }
}

impl ToSchema for CardMs {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn card_hours_are_read_exactly() {
        assert_eq!(CardMs::of_hours("1,000"), Some(CardMs(3_600_000_000)));
        assert_eq!(CardMs::of_hours("12.5"), Some(CardMs(45_000_000)));
        for bad in ["", "0", "-1", "much", "0.00000001", "9000000000000"] {
            assert_eq!(CardMs::of_hours(bad), None, "{bad}");
        }
    }

    #[test]
    fn instants_read_and_write() {
        let at: Timestamp = "2022-05-20T08:00:00Z".parse().unwrap();
        assert_eq!(at.to_string(), "2022-05-20T08:00:00.000Z");
        for bad in ["yesterday", "1970-01-02", "1970-01-02T00:00:00"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_are_kept_as_numbers_and_told_as_texts() {
        let at = Timestamp::from_millis(1_653_033_600_250);
        assert_eq!(serde_json::to_string(&at).unwrap(), "1653033600250000");
        let text = serde_json::to_string(&Rfc3339(at)).unwrap();
        assert_eq!(text, "\"2022-05-20T08:00:00.250Z\"");
        assert_eq!(serde_json::from_str::<Rfc3339>(&text).unwrap(), at.into());
        assert!(serde_json::from_str::<Rfc3339>("\"yesterday\"").is_err());
    }

    #[test]
    fn durations_read_well() {
        for (ms, text) in [
            (0, "0 ms"),
            (340, "340 ms"),
            (12_340, "12.3 s"),
            (3_723_000, "1:02:03"),
            (183_845_000, "2-03:04:05"),
        ] {
            assert_eq!(Millis(ms).to_string(), text);
        }
        assert_eq!(CardMs(45_000_000).to_string(), "12.5000");
        assert_eq!(CardMs(-360).to_string(), "-0.0001");
    }

    proptest! {
        #[test]
        fn card_time_adds_up_however_it_is_cut(cards in 0_u32..100_000, mut cuts in prop::collection::vec(0_i64..i64::MAX / 1_000_000, 2..9)) {
            cuts.sort_unstable();
            let whole = CardMs::of(cards, Timestamp(cuts[0]), Timestamp(cuts[cuts.len() - 1]));
            let parts: CardMs = cuts.windows(2).map(|w| CardMs::of(cards, Timestamp(w[0]), Timestamp(w[1]))).sum();
            prop_assert_eq!(whole, parts);
        }
    }
}
