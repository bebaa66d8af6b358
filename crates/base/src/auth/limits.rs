//! Rate limits: requests by caller, sign-ins by address and by login.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::error::AppError;

/// How many seconds' requests may come at once.
const BURST: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// Keys kept before idle ones are dropped.
const KEYS_BEFORE_CLEANING: usize = 10_000;

#[derive(Debug)]
pub struct Limits {
    requests: DefaultKeyedRateLimiter<String>,
    sign_ins: DefaultKeyedRateLimiter<String>,
}

impl Limits {
    pub fn new(requests_per_second: NonZeroU32, sign_ins_per_minute: NonZeroU32) -> Self {
        let burst = requests_per_second.saturating_mul(BURST);
        Self {
            requests: RateLimiter::keyed(Quota::per_second(requests_per_second).allow_burst(burst)),
            sign_ins: RateLimiter::keyed(Quota::per_minute(sign_ins_per_minute)),
        }
    }

    /// One more request of this caller.
    pub fn request(&self, caller: &str) -> Result<(), AppError> {
        check(&self.requests, caller)
    }

    /// One more try to sign in, from this address and to this login: both count.
    pub fn sign_in(&self, address: &str, login: &str) -> Result<(), AppError> {
        check(&self.sign_ins, &format!("from {address}"))?;
        check(&self.sign_ins, &format!("as {login}"))
    }
}

fn check(limiter: &DefaultKeyedRateLimiter<String>, key: &str) -> Result<(), AppError> {
    if limiter.len() > KEYS_BEFORE_CLEANING {
        limiter.retain_recent();
    }
    limiter.check_key(&key.to_owned()).map_err(|until| {
        let wait = until.wait_time_from(governor::clock::DefaultClock::default().now());
        AppError::TooMany { retry_after_s: wait.as_secs() + 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guesser_is_slowed_and_others_are_not() {
        let limits = Limits::new(NonZeroU32::new(10).unwrap(), NonZeroU32::new(3).unwrap());
        for _ in 0..3 {
            limits.sign_in("10.0.0.1", "mayor").unwrap();
        }
        assert!(matches!(limits.sign_in("10.0.0.1", "clerk"), Err(AppError::TooMany { .. })));
        assert!(matches!(limits.sign_in("10.0.0.2", "mayor"), Err(AppError::TooMany { .. })));
        limits.sign_in("10.0.0.3", "teacher").unwrap();
    }
}
