//! The clock of tests.

use std::time::SystemTime;

use domain::Timestamp;

/// The time by the machine's clock, which the programs under test go by as well.
pub fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("the clock shows a time after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("the clock shows no time so late"))
}
