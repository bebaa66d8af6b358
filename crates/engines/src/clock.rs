//! The clock of the engines: that of this machine, moved where somebody rehearses another time.

use std::sync::OnceLock;

use domain::{Millis, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// The variable that says by how many milliseconds the clock is ahead of this machine's, for rehearsals such as that of
/// the end of a month. The host process and the supervisors have it from the center.
pub const AHEAD_VARIABLE: &str = "QIANTANG_CLOCK_AHEAD_MS";

pub(crate) fn now() -> Timestamp {
    let at = clock_gettime(ClockId::Realtime);
    Timestamp::from_micros(at.tv_sec * 1_000_000 + at.tv_nsec / 1000).plus(ahead())
}

/// By how much the clock is ahead of this machine's.
fn ahead() -> Millis {
    static AHEAD: OnceLock<Millis> = OnceLock::new();
    // The center does not start with a value that is no number.
    *AHEAD.get_or_init(|| {
        Millis(std::env::var(AHEAD_VARIABLE).ok().and_then(|ms| ms.parse().ok()).unwrap_or(0))
    })
}

/// Whole seconds since 1970.
pub(crate) fn now_s() -> i64 {
    now().as_micros() / 1_000_000
}
