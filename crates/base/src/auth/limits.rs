//! Rate limits: requests by caller, sign-ins by address. Nobody is locked out by what others try elsewhere.

use std::{hash::Hash, num::NonZeroU32};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::error::AppError;

/// How many seconds' requests may come at once.
const BURST: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// Keys kept before idle ones are dropped.
const KEYS_BEFORE_CLEANING: usize = 10_000;

#[derive(Debug)]
pub struct Limits {
    requests: DefaultKeyedRateLimiter<String>,
    /// By address.
    sign_ins: DefaultKeyedRateLimiter<String>,
    /// By address and login.
    sign_ins_as: DefaultKeyedRateLimiter<(String, String)>,
}

impl Limits {
    pub fn new(requests_per_second: NonZeroU32, sign_ins_per_minute: NonZeroU32) -> Self {
        let burst = requests_per_second.saturating_mul(BURST);
        Self {
            requests: RateLimiter::keyed(Quota::per_second(requests_per_second).allow_burst(burst)),
            sign_ins: RateLimiter::keyed(Quota::per_minute(sign_ins_per_minute)),
            sign_ins_as: RateLimiter::keyed(Quota::per_minute(half(sign_ins_per_minute))),
        }
    }

    /// One more request of this caller.
    pub fn request(&self, caller: &str) -> Result<(), AppError> {
        check(&self.requests, &caller.to_owned())
    }

    /// One more try to sign in. It counts for the address, and for this login from there: whoever guesses one
    /// person's password leaves tries to the others of the address, and all tries to that person elsewhere.
    pub fn sign_in(&self, address: &str, login: &str) -> Result<(), AppError> {
        check(&self.sign_ins_as, &(address.to_owned(), login.to_owned()))?;
        check(&self.sign_ins, &address.to_owned())
    }
}

fn half(number: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(number.get().div_ceil(2)).expect("half of one, rounded up, is one")
}

fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), AppError> {
    if limiter.len() > KEYS_BEFORE_CLEANING {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(governor::clock::DefaultClock::default().now());
        AppError::TooMany { retry_after_s: wait.as_secs() + 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_four_seconds_requests_at_once_and_others_have_theirs() {
        let limits = Limits::new(NonZeroU32::new(20).unwrap(), NonZeroU32::new(6).unwrap());
        let begun = std::time::Instant::now();
        let taken = (0..10_000).filter(|_| limits.request("lin").is_ok()).count();
        let more = usize::try_from(begun.elapsed().as_millis() / 50 + 1).unwrap();
        assert!((80..=80 + more).contains(&taken), "{taken}");
        assert!(matches!(limits.request("lin"), Err(AppError::TooMany { retry_after_s: 1 })));
        limits.request("ann").unwrap();
    }

    #[test]
    fn a_guesser_is_slowed_and_nobody_elsewhere_is() {
        let limits = Limits::new(NonZeroU32::new(10).unwrap(), NonZeroU32::new(6).unwrap());
        for _ in 0..3 {
            limits.sign_in("10.0.0.1", "mayor").unwrap();
        }
        for _ in 0..100 {
            assert!(matches!(limits.sign_in("10.0.0.1", "mayor"), Err(AppError::TooMany { .. })));
        }
        // Others at the address still have tries, and so has the mayor elsewhere.
        for login in ["clerk", "teacher", "student"] {
            limits.sign_in("10.0.0.1", login).unwrap();
        }
        assert!(matches!(limits.sign_in("10.0.0.1", "guard"), Err(AppError::TooMany { .. })));
        limits.sign_in("10.0.0.2", "mayor").unwrap();
    }
}
