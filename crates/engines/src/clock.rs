//! The wall clock of this machine.

use domain::Timestamp;
use rustix::time::{ClockId, clock_gettime};

pub(crate) fn now() -> Timestamp {
    let at = clock_gettime(ClockId::Realtime);
    Timestamp::from_micros(at.tv_sec * 1_000_000 + at.tv_nsec / 1000)
}

/// Whole seconds since 1970.
pub(crate) fn now_s() -> i64 {
    now().as_micros() / 1_000_000
}
