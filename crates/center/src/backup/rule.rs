//! When the center makes a backup by itself, how it is named, and which of them are kept.

use std::collections::BTreeSet;

use base::{auth::Action, detail::Detail};
use domain::{Timestamp, Zone};

use crate::settings::{BackupSettings, TimeOfDay};

/// Backups, and when the next is made.
pub const READ: Action = Action::new("read_backup", "read");
/// The database was put in the place of another one, on the center's machine.
pub const RESTORE: Action =
    Action::deed("restore").keeps(&[Detail::text("taken_at"), Detail::count("runs"), Detail::count("jobs")]);

/// The beginning of the names of backups that the center makes by itself.
const PREFIX: &str = "center-";
/// The beginning of the name of one that is not verified yet.
const UNVERIFIED: &str = "unverified-";
/// A copy whose books don't agree: it is kept, takes the place of the one before, and counts for nothing.
pub const WITH_FAULTS: &str = "center-with-faults.db";

domain::codes! {
    /// Why a backup is kept.
    pub enum Keeping {
        /// As the newest of its day.
        Daily = "daily",
        /// As the newest of its week.
        Weekly = "weekly",
        /// The center did not make it by itself, and never removes it.
        ByHand = "by_hand",
    }
}

/// The next instant after `after` at which it is that time of day.
pub fn next_after(zone: &Zone, time: TimeOfDay, after: Timestamp) -> Timestamp {
    let on = |day: i64| {
        let begins = zone.local(zone.day_begins(day));
        zone.instant(begins.date().at(time.hour, time.minute, 0, 0))
    };
    let today = zone.day(after);
    // On a day on which clocks change, the time may be there twice or not at all; a day later it is.
    (today..=today + 7).map(on).find(|at| *at > after).unwrap_or(after)
}

/// The name of a backup that the center makes by itself.
pub fn name(at: Timestamp) -> String {
    let digits: String = at.to_string().chars().take(19).filter(|digit| !"-:".contains(*digit)).collect();
    format!("{PREFIX}{digits}Z.db")
}

/// The name of a backup that somebody asks for without naming it.
pub fn by_hand(at: Timestamp) -> String {
    format!("by-hand-{}", name(at))
}

/// The name that a backup has until it is verified.
pub fn unverified(name: &str) -> String {
    format!("{UNVERIFIED}{name}")
}

/// What is left of a backup that was cut off: no other program gives files such names.
pub fn is_left_over(name: &str) -> bool {
    let of_ours = name.strip_prefix(UNVERIFIED).unwrap_or_default();
    let whole = of_ours.split_once(".partial-").map_or(of_ours, |(whole, _)| whole);
    made_at(whole).is_some()
}

/// When the center made the backup of that name by itself; nothing of other files.
pub fn made_at(name: &str) -> Option<Timestamp> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix("Z.db")?;
    let (date, time) = digits.split_once('T')?;
    let is_plain =
        date.len() == 8 && time.len() == 6 && (date.to_owned() + time).bytes().all(|b| b.is_ascii_digit());
    is_plain.then_some(())?;
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..]);
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

/// Why each backup that the center made by itself is kept, `None` for those that go. Days and weeks without a backup don't
/// count, so that none goes because others were not made.
pub fn kept(zone: &Zone, settings: &BackupSettings, made: &[Timestamp]) -> Vec<Option<Keeping>> {
    let mut newest_first: Vec<usize> = (0..made.len()).collect();
    newest_first.sort_by_key(|&at| std::cmp::Reverse(made[at]));
    let (mut days, mut weeks) = (BTreeSet::new(), BTreeSet::new());
    let mut kept = vec![None; made.len()];
    for at in newest_first {
        let day = zone.day(made[at]);
        let is_daily = days.len() < usize::from(settings.keep_daily) && days.insert(day);
        // Day 0 is a Thursday, and weeks begin on Mondays.
        let is_weekly =
            weeks.len() < usize::from(settings.keep_weekly) && weeks.insert((day + 3).div_euclid(7));
        kept[at] = if is_daily { Some(Keeping::Daily) } else { is_weekly.then_some(Keeping::Weekly) };
    }
    kept
}

#[cfg(test)]
mod tests {
    use domain::Millis;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_backup_is_at_the_center_s_time_of_day_also_where_clocks_change() {
        let time = TimeOfDay { hour: 2, minute: 30 };
        let shanghai = Zone::default();
        assert_eq!(next_after(&shanghai, time, at("2026-11-28T18:29:59Z")), at("2026-11-28T18:30:00Z"));
        assert_eq!(next_after(&shanghai, time, at("2026-11-28T18:30:00Z")), at("2026-11-29T18:30:00Z"));
        let new_york: Zone = "America/New_York".parse().unwrap();
        // Clocks go from 02:00 to 03:00 on March 8, and from 02:00 to 01:00 on November 1.
        for day in ["2026-03-08", "2026-11-01"] {
            let begins = at(&format!("{day}T05:00:00Z"));
            let next = next_after(&new_york, time, begins);
            let following = next_after(&new_york, time, next);
            assert!(next > begins && next.since(begins) < Millis::from_hours(4), "{next}");
            assert!(following.since(next) <= Millis::from_hours(25), "{following}");
            assert_eq!(new_york.day(following), new_york.day(next) + 1);
        }
    }

    #[test]
    fn a_name_tells_when_a_backup_was_made_and_no_other_name_does() {
        let made = at("2026-11-28T18:30:05.123456Z");
        assert_eq!(name(made), "center-20261128T183005Z.db");
        assert_eq!(made_at(&name(made)), Some(at("2026-11-28T18:30:05Z")));
        for other in [
            "center.db",
            "center-20261128T183005Z",
            "center-20261128T183005Z.db.partial-7",
            "center-20261399T183005Z.db",
            "unverified-center-20261128T183005Z.db",
            WITH_FAULTS,
            "center-2026１128T183005Z.db",
        ] {
            assert_eq!(made_at(other), None, "{other}");
        }
        let ours = unverified(&name(made));
        assert!(is_left_over(&ours) && is_left_over(&format!("{ours}.partial-7")));
        assert!(!is_left_over("center-20261128T183005Z.db") && !is_left_over("unverified-mine.db"));
    }

    #[test]
    fn the_newest_of_each_day_and_week_are_kept_and_pauses_cost_nothing() {
        let zone = Zone::utc();
        let settings = BackupSettings { keep_daily: 3, keep_weekly: 3, ..BackupSettings::default() };
        let days = |days: &[i64]| -> Vec<Timestamp> {
            days.iter().map(|day| zone.day_begins(20_000 + day).plus(Millis::from_hours(2))).collect()
        };
        let kept_of = |made: &[i64]| -> Vec<i64> {
            let told = kept(&zone, &settings, &days(made));
            made.iter().zip(told).filter_map(|(day, keeping)| keeping.map(|_| *day)).collect()
        };
        // Day 20,000 is a Friday: weeks begin with 3, 10, 17, 24.
        let all: Vec<i64> = (0..=24).collect();
        assert_eq!(kept_of(&all), [16, 22, 23, 24]);
        assert_eq!(kept_of(&[1, 2, 200, 210, 211]), [2, 200, 210, 211], "2 is the newest of the third week");
        assert_eq!(kept_of(&[]), Vec::<i64>::new());
        // Two of one day: the newer stays.
        let twice = [zone.day_begins(5), zone.day_begins(5).plus(Millis(1))];
        assert_eq!(kept(&zone, &settings, &twice), [None, Some(Keeping::Daily)]);
    }
}
