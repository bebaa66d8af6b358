//! The center's time zone: its days and months, by which it meters, bills and tells the time.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use jiff::{
    Span,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Timestamp, time::InvalidTimestamp};

const MIDNIGHT: Time = Time::midnight();
const HOUR_MS: i64 = 3_600_000;

/// A time zone by its name in the IANA database, such as `Asia/Shanghai`. The database is a part of the program.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(Arc<TimeZone>);

/// The name of no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: write its name in the IANA database, such as Asia/Shanghai or UTC")]
pub struct UnknownZone(pub String);

impl Zone {
    pub fn utc() -> Self {
        Self(Arc::new(TimeZone::UTC))
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The date and the time of day there; the last ones that can be told where `at` is out of range.
    pub fn local(&self, at: Timestamp) -> DateTime {
        let limits = (jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond());
        let at = jiff::Timestamp::from_microsecond(at.as_micros().clamp(limits.0, limits.1));
        self.0.to_datetime(at.unwrap_or_default())
    }

    /// The instant at which a date and time of day come there. Of a time that comes twice the first is taken, of a time
    /// that is left out the instant at which it is left out.
    pub fn instant(&self, local: DateTime) -> Timestamp {
        let at = self.0.to_timestamp(local).unwrap_or_default();
        Timestamp::from_micros(at.as_microsecond())
    }

    /// Reads RFC 3339, or a date alone: the first instant of that day there.
    pub fn parse(&self, text: &str) -> Result<Timestamp, InvalidTimestamp> {
        match text.parse::<Date>() {
            Ok(date) if text.len() == "2026-05-20".len() => Ok(self.instant(date.to_datetime(MIDNIGHT))),
            _ => text.parse(),
        }
    }

    /// Reads what a browser's field for a date and a time of day gives, which names no zone; or what
    /// [`Self::parse`] reads.
    pub fn parse_local(&self, text: &str) -> Result<Timestamp, InvalidTimestamp> {
        let has_zone =
            text.ends_with(['Z', 'z']) || text.get(10..).is_some_and(|time| time.contains(['+', '-']));
        match text.parse::<DateTime>() {
            Ok(local) if text.contains('T') && !has_zone => Ok(self.instant(local)),
            _ => self.parse(text),
        }
    }

    /// How many seconds it is ahead of UTC at `at`.
    pub fn offset_s(&self, at: Timestamp) -> i32 {
        let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
        self.0.to_offset(at).seconds()
    }

    /// How far it is from UTC at `at`, for people: `UTC+8`, `UTC−3:30`, or `UTC`.
    pub fn offset(&self, at: Timestamp) -> String {
        let seconds = self.offset_s(at);
        let sign = match seconds {
            0 => return "UTC".to_owned(),
            ..0 => '−',
            _ => '+',
        };
        let minutes = seconds.unsigned_abs() / 60;
        let rest = if minutes.is_multiple_of(60) { String::new() } else { format!(":{:02}", minutes % 60) };
        format!("UTC{sign}{}{rest}", minutes / 60)
    }

    /// `2026-11-23 14:31:48` there. An instant beyond the calendar, such as the end of funds of which hardly any are
    /// used, reads as [`Timestamp`] writes it.
    pub fn clock(&self, at: Timestamp) -> String {
        if jiff::Timestamp::from_microsecond(at.as_micros()).is_err() {
            return at.to_string();
        }
        self.local(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// RFC 3339 with the offset there, to the microsecond: `2026-11-23T14:31:48.000001+08:00`.
    pub fn rfc3339(&self, at: Timestamp) -> String {
        if jiff::Timestamp::from_microsecond(at.as_micros()).is_err() {
            return at.to_string();
        }
        let offset = self.offset_s(at);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
        let local = self.local(at).strftime("%Y-%m-%dT%H:%M:%S%.6f");
        format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// The date alone: `2026-11-23`.
    pub fn date(&self, at: Timestamp) -> String {
        let clock = self.clock(at);
        clock.split_once(' ').map_or(clock.as_str(), |(date, _)| date).to_owned()
    }

    /// The first instant of the hour of `at` by the clocks there, which need not be one by those of UTC.
    pub fn hour_begins(&self, at: Timestamp) -> Timestamp {
        let ahead_ms = i64::from(self.offset_s(at)) * 1000;
        let hour = (at.floor_millis() + ahead_ms).div_euclid(HOUR_MS);
        Timestamp::from_millis(hour * HOUR_MS - ahead_ms)
    }

    /// For as long as the program runs: a center has one zone, which everything may hold.
    pub fn for_good(self) -> &'static Self {
        Box::leak(Box::new(self))
    }

    /// The number of the day of `at`, from 1970-01-01 on.
    pub fn day(&self, at: Timestamp) -> i64 {
        let since = self.local(at).date().since(Date::constant(1970, 1, 1));
        since.map_or(0, |span| span.get_days().into())
    }

    /// The first instant of a day, by its number.
    pub fn day_begins(&self, day: i64) -> Timestamp {
        let date = Span::new().try_days(day).and_then(|span| Date::constant(1970, 1, 1).checked_add(span));
        self.instant(date.unwrap_or(Date::MAX).to_datetime(MIDNIGHT))
    }

    /// The first instants of all days that begin in `(after, until]`.
    pub fn days_begin(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let last = self.day(after.max(until));
        let first = if after < until { self.day(after) + 1 } else { last + 1 };
        (first..=last).map(|day| self.day_begins(day))
    }

    /// The month of `at`.
    pub fn month(&self, at: Timestamp) -> Month {
        let date = self.local(at).date();
        Month { year: date.year(), month: date.month() }
    }

    /// The first instant of a month, and that of the next.
    pub fn bounds(&self, month: Month) -> (Timestamp, Timestamp) {
        let first = |month: Month| self.instant(month.first().to_datetime(MIDNIGHT));
        (first(month), first(month.next()))
    }
}

impl Default for Zone {
    /// China's one time zone.
    fn default() -> Self {
        "Asia/Shanghai".parse().expect("it is in the program's own database")
    }
}

impl Default for &'static Zone {
    fn default() -> Self {
        static CHINA: LazyLock<Zone> = LazyLock::new(Zone::default);
        &CHINA
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        TimeZone::get(name).map(|zone| Self(Arc::new(zone))).map_err(|_| UnknownZone(name.to_owned()))
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A month of the center's books, `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

/// A text that is no month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month: write it as 2026-05")]
pub struct InvalidMonth(pub String);

impl Month {
    fn first(self) -> Date {
        Date::new(self.year, self.month, 1).unwrap_or(Date::MAX)
    }

    #[must_use]
    pub fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }

    #[must_use]
    pub fn before(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let invalid = || InvalidMonth(text.chars().take(40).collect());
        let (year, month) = text.split_once('-').ok_or_else(invalid)?;
        let number = |part: &str, len: usize| {
            let is_number = part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse::<i16>().ok()).flatten()
        };
        let year = number(year, 4).filter(|year| (1970..=9000).contains(year));
        let month = number(month, 2).filter(|month| (1..=12).contains(month));
        let (Some(year), Some(month)) = (year, month) else { return Err(invalid()) };
        Ok(Self { year, month: i8::try_from(month).map_err(|_| invalid())? })
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_months_are_those_of_the_zone() {
        let china = Zone::default();
        assert_eq!(china.name(), "Asia/Shanghai");
        let first = at("2026-11-30T23:20:00Z");
        assert_eq!(china.month(first).to_string(), "2026-12");
        assert_eq!(Zone::utc().month(first).to_string(), "2026-11");
        let (from, to) = china.bounds("2026-12".parse().unwrap());
        assert_eq!((from, to), (at("2026-11-30T16:00:00Z"), at("2026-12-31T16:00:00Z")));
        assert_eq!(china.day_begins(china.day(first)), from);
        assert!("Mars/Olympus".parse::<Zone>().is_err());
    }

    #[test]
    fn a_day_is_as_long_as_the_zone_has_it() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let begins: Vec<_> =
            berlin.days_begin(at("2026-03-28T12:00:00Z"), at("2026-03-30T12:00:00Z")).collect();
        assert_eq!(begins, [at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")]);
        // At its very beginning a day has begun; from there on it does not begin again.
        assert_eq!(berlin.days_begin(begins[0].minus(crate::Millis(1)), begins[0]).count(), 1);
        assert_eq!(berlin.days_begin(begins[0], begins[0].plus(crate::Millis(1))).count(), 0);
    }

    #[test]
    fn dates_and_local_times_are_those_of_the_zone() {
        let china = Zone::default();
        let read = |text: &str| china.parse_local(text).map(|at| at.to_string()).ok();
        for (text, want) in [
            ("2026-11-23", "2026-11-22T16:00:00.000Z"),
            ("2026-11-23T08:00", "2026-11-23T00:00:00.000Z"),
            ("2026-11-23T08:00:05", "2026-11-23T00:00:05.000Z"),
            ("2026-11-23T00:00:00Z", "2026-11-23T00:00:00.000Z"),
            ("2026-11-23T00:00:00-05:00", "2026-11-23T05:00:00.000Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(want), "{text}");
        }
        for bad in ["", "soon", "2026-13-01", "2026-11-23T25:00", "23.11.2026", "20261123"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(china.clock(at("2026-11-23T23:00:00Z")), "2026-11-24 07:00:00");
    }

    #[test]
    fn people_read_the_zone_s_clock_and_how_far_it_is_from_utc() {
        let (winter, summer) = (at("2026-01-15T03:00:00Z"), at("2026-07-15T03:00:00Z"));
        for (zone, clock, offsets) in [
            ("Asia/Shanghai", "2026-01-15 11:00:00", ["UTC+8", "UTC+8"]),
            ("America/New_York", "2026-01-14 22:00:00", ["UTC−5", "UTC−4"]),
            ("America/St_Johns", "2026-01-14 23:30:00", ["UTC−3:30", "UTC−2:30"]),
            ("Europe/London", "2026-01-15 03:00:00", ["UTC", "UTC+1"]),
        ] {
            let zone: Zone = zone.parse().unwrap();
            assert_eq!((zone.clock(winter), zone.date(winter)), (clock.to_owned(), clock[..10].to_owned()));
            assert_eq!([zone.offset(winter), zone.offset(summer)], offsets, "{zone}");
        }
        let exact = Timestamp::from_micros(winter.as_micros() + 1);
        assert_eq!(Zone::default().rfc3339(exact), "2026-01-15T11:00:00.000001+08:00");
        assert_eq!(Zone::utc().rfc3339(winter), "2026-01-15T03:00:00.000000+00:00");
        let never = Timestamp::from_micros(i64::MAX);
        assert_eq!(Zone::default().date(never), never.to_string());
    }

    #[test]
    fn hours_begin_by_the_clocks_of_the_zone() {
        let india: Zone = "Asia/Kolkata".parse().unwrap();
        assert_eq!(india.hour_begins(at("2026-11-23T08:29:59Z")), at("2026-11-23T07:30:00Z"));
        assert_eq!(india.hour_begins(at("2026-11-23T08:30:00Z")), at("2026-11-23T08:30:00Z"));
        assert_eq!(Zone::default().hour_begins(at("2026-11-23T08:29:59Z")), at("2026-11-23T08:00:00Z"));
    }

    #[test]
    fn months_are_read_strictly() {
        let month: Month = "2026-12".parse().unwrap();
        assert_eq!(
            (month.next().to_string(), month.before().to_string()),
            ("2027-01".into(), "2026-11".into())
        );
        for bad in ["2024", "2024-13", "24-01", "2024-1", "x", "9999-12", "2024-00", "+024-01", "2024-+1"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_is_in_its_day_and_month(secs in 0_i64..4_000_000_000, zone in 0_usize..4) {
            let zone: Zone = ["Asia/Shanghai", "UTC", "America/New_York", "Australia/Lord_Howe"][zone].parse().unwrap();
            let at = Timestamp::from_secs(secs);
            let day = zone.day(at);
            prop_assert!(zone.day_begins(day) <= at && at < zone.day_begins(day + 1));
            let (from, to) = zone.bounds(zone.month(at));
            prop_assert!(from <= at && at < to);
        }
    }
}
