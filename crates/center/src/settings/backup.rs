//! The settings of backups that the center makes by itself.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// The word that turns scheduled backups off.
const NEVER: &str = "never";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// When the center makes a backup each day, by its own clock.
    pub at: Schedule,
    /// Of so many days the newest backup is kept.
    pub keep_daily: u16,
    /// Of so many weeks the newest backup is kept.
    pub keep_weekly: u16,
}

/// When backups are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    Never,
    Daily(TimeOfDay),
}

/// A time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    pub hour: i8,
    pub minute: i8,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self { at: Schedule::Daily(TimeOfDay { hour: 2, minute: 30 }), keep_daily: 7, keep_weekly: 4 }
    }
}

impl BackupSettings {
    /// The first thing that is wrong with these settings.
    pub(super) fn problem(&self) -> Option<String> {
        (self.keep_daily == 0).then(|| {
            "`backup.keep_daily` is 0: at least the newest backup is kept, so it must be 1 or more".to_owned()
        })
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == NEVER {
            return Ok(Self::Never);
        }
        let wrong = || {
            format!("`{text}` is no time of day: write it as 02:30, or `{NEVER}` for no scheduled backups")
        };
        let two = |part: &str, most: i8| {
            let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|number| is_plain && *number <= most)
        };
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let (hour, minute) = two(hour, 23).zip(two(minute, 59)).ok_or_else(wrong)?;
        Ok(Self::Daily(TimeOfDay { hour, minute }))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str(NEVER),
            Self::Daily(TimeOfDay { hour, minute }) => write!(f, "{hour:02}:{minute:02}"),
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_as_it_is_written_and_nothing_else_is() {
        for text in ["00:00", "02:30", "23:59", "never"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for text in ["", "2:30", "24:00", "02:60", "02:30:00", "+2:30", "02:3", "off", "noon", "０２:30"] {
            assert!(text.parse::<Schedule>().unwrap_err().contains("write it as 02:30"), "{text}");
        }
    }
}
