//! When a person wants to hear: at once or once a day, and not at night.

use domain::{Lang, Millis, PersonId, Timestamp, Zone};
use jiff::civil::Time;

/// What happens within this time goes out in one mail.
pub const COLLECT: Millis = Millis::from_secs(3);

/// What a person said of how notices come to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manners {
    pub person: PersonId,
    /// The code of a language; none for both.
    pub lang: Option<String>,
    /// The hour of the center's zone at which mail comes; none for at once.
    pub daily_at: Option<u8>,
    /// From this hour until the other no mail comes: from 22 until 7, say.
    pub quiet_from: Option<u8>,
    pub quiet_until: Option<u8>,
}

impl Manners {
    pub fn of(person: PersonId) -> Self {
        Self { person, lang: None, daily_at: None, quiet_from: None, quiet_until: None }
    }

    pub fn lang(&self) -> Option<Lang> {
        self.lang.as_deref().and_then(Lang::from_code)
    }

    /// When what happens now may come by mail.
    pub fn due(&self, zone: &Zone, now: Timestamp) -> Timestamp {
        if let Some(hour) = self.daily_at {
            return next_hour(zone, now, hour);
        }
        match (self.quiet_from, self.quiet_until) {
            (Some(from), Some(until)) if is_between(zone.local(now).hour(), from, until) => {
                next_hour(zone, now, until)
            }
            _ => now.plus(COLLECT),
        }
    }
}

/// Whether an hour is in the quiet ones, which may go past midnight. From an hour until itself is never.
fn is_between(hour: i8, from: u8, until: u8) -> bool {
    let hour = u8::try_from(hour).unwrap_or_default();
    if from <= until { (from..until).contains(&hour) } else { hour >= from || hour < until }
}

/// The next instant at which the clock there shows that full hour.
fn next_hour(zone: &Zone, now: Timestamp, hour: u8) -> Timestamp {
    let at = Time::constant(i8::try_from(hour.min(23)).unwrap_or_default(), 0, 0, 0);
    let today = zone.local(now).date();
    let then = zone.instant(today.to_datetime(at));
    if then > now {
        return then;
    }
    zone.instant(today.tomorrow().unwrap_or(today).to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn mail_comes_at_once_or_when_it_is_wanted() {
        let zone: Zone = "Asia/Shanghai".parse().expect("a zone");
        let plain = Manners::of(PersonId::from_bytes([1; 16]));
        // Noon, and half past eleven at night, there.
        let (noon, night) = (at("2026-11-30T04:00:00Z"), at("2026-11-30T15:30:00Z"));
        assert_eq!(plain.due(&zone, noon), noon.plus(COLLECT));
        let daily = Manners { daily_at: Some(8), ..plain.clone() };
        assert_eq!(daily.due(&zone, noon), at("2026-12-01T00:00:00Z"));
        assert_eq!(daily.due(&zone, at("2026-11-30T23:59:59Z")), at("2026-12-01T00:00:00Z"));
        assert_eq!(daily.due(&zone, at("2026-12-01T00:00:00Z")), at("2026-12-02T00:00:00Z"), "once a day");
        let quiet = Manners { quiet_from: Some(22), quiet_until: Some(7), ..plain.clone() };
        assert_eq!(quiet.due(&zone, noon), noon.plus(COLLECT));
        assert_eq!(quiet.due(&zone, night), at("2026-11-30T23:00:00Z"));
        assert_eq!(quiet.due(&zone, at("2026-11-30T18:00:00Z")), at("2026-11-30T23:00:00Z"), "past midnight");
        assert_eq!(quiet.due(&zone, at("2026-11-30T23:00:00Z")), at("2026-11-30T23:00:03Z"), "until seven");
        let never = Manners { quiet_from: Some(9), quiet_until: Some(9), ..plain };
        assert_eq!(never.due(&zone, at("2026-11-30T01:30:00Z")), at("2026-11-30T01:30:03Z"));
    }
}
