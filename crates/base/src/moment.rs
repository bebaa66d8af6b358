//! Where time and randomness come from: the only place that asks the machine for either.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Millis, Timestamp};

/// By how many milliseconds the center's clock is ahead of the machine's.
static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// Where the center's clock stands, in microseconds; `i64::MIN` where it goes.
static STANDS_AT: AtomicI64 = AtomicI64::new(i64::MIN);

/// Now, by the machine's clock, moved where somebody rehearses another time, or where it was made to stand.
pub fn now() -> Timestamp {
    let stands_at = STANDS_AT.load(Ordering::Relaxed);
    if stands_at != i64::MIN {
        return Timestamp::from_micros(stands_at);
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let at = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    at.plus(Millis(AHEAD_MS.load(Ordering::Relaxed)))
}

/// Sets the center's clock ahead of the machine's, for this process.
pub fn set_ahead(by: Millis) {
    AHEAD_MS.store(by.0, Ordering::Relaxed);
}

/// Makes the center's clock stand, for this process, until it [goes](go) on: whoever plays a time that has passed says
/// himself how late it is.
pub fn stand_at(at: Timestamp) {
    STANDS_AT.store(at.as_micros(), Ordering::Relaxed);
}

/// Lets the clock go again.
pub fn go() {
    STANDS_AT.store(i64::MIN, Ordering::Relaxed);
}

/// Random bytes from the kernel.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes
}

/// A new id of any kind: `new_id!(JobId)`.
#[macro_export]
macro_rules! new_id {
    ($kind:ty) => {
        <$kind>::new($crate::moment::now(), $crate::moment::random())
    };
}
pub use new_id;
