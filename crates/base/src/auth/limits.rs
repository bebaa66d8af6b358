//! Rate limits: requests by caller, tries to sign in by where they come from. Nobody is locked out by what others try
//! elsewhere, and nobody in a browser that they have signed in with before by what anybody tries anywhere.
//!
//! However many addresses and logins somebody makes up, the memory stays the same: keys are sorted into so many buckets, by a
//! hash that nobody outside knows.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
};

use domain::PersonId;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::{error::AppError, settings::LimitSettings};

/// How many seconds' requests may come at once.
const BURST: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// Codes of a second factor that a person may try an hour, and at once: a guesser needs many years.
const CODES_AN_HOUR: NonZeroU32 = NonZeroU32::new(30).unwrap();
const CODES_AT_ONCE: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Programs that one address may have wait to be let in, an hour and at once.
const DEVICES_AN_HOUR: NonZeroU32 = NonZeroU32::new(60).unwrap();
const DEVICES_AT_ONCE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Callers kept before idle ones are dropped.
const KEYS_BEFORE_CLEANING: usize = 10_000;
/// Into how many buckets sources are sorted, and the logins that are tried from one of them.
const SOURCES: u32 = 1 << 14;
const LOGINS: u32 = 1 << 5;

/// Where a try to sign in comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub address: String,
    /// What tells apart the browser, where whoever is to be signed in has signed in with it before.
    pub browser: Option<String>,
}

impl Source {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), browser: None }
    }

    #[must_use]
    pub fn by(self, browser: Option<String>) -> Self {
        Self { browser, ..self }
    }
}

/// The network that an address stands for: itself, or the 64 bits of IPv6 that one subscriber has.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => format!("{:x}/64", address.to_bits() >> 64),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

/// A limit for each bucket.
#[derive(Debug)]
struct Buckets {
    limiter: DefaultKeyedRateLimiter<u32>,
    secret: RandomState,
}

impl Buckets {
    fn new(quota: Quota) -> Self {
        Self { limiter: RateLimiter::keyed(quota), secret: RandomState::new() }
    }

    fn number(&self, key: impl Hash, of: u32) -> u32 {
        u32::try_from(self.secret.hash_one(key) % u64::from(of)).unwrap_or_default()
    }

    fn check(&self, key: impl Hash) -> Result<(), AppError> {
        check(&self.limiter, &self.number(key, SOURCES * LOGINS))
    }

    /// Sorts by the source first, so that whoever makes up logins spends what is theirs.
    fn check_at(&self, source: &str, login: &str) -> Result<(), AppError> {
        check(&self.limiter, &(self.number(source, SOURCES) * LOGINS + self.number(login, LOGINS)))
    }
}

#[derive(Debug)]
pub struct Limits {
    requests: DefaultKeyedRateLimiter<String>,
    /// With how many callers idle ones are dropped next.
    clean_at: AtomicUsize,
    /// By address.
    sign_ins: Buckets,
    /// By address and login.
    sign_ins_as: Buckets,
    /// By browser and login, for browsers that are known.
    known_browsers: Buckets,
    /// Codes of second factors by person: apart for known browsers, and for who is signed in.
    codes: Buckets,
    /// Programs that wait to be let in, by address.
    devices: Buckets,
    /// What strangers write, by address.
    applications: Buckets,
}

/// Who tries a code of a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeBy {
    Stranger,
    KnownBrowser,
    SignedIn,
    /// Whoever is signed in, and types the code of a program that waits.
    Device,
}

impl Limits {
    pub fn new(limits: &LimitSettings) -> Self {
        let LimitSettings { requests_per_second, sign_ins_per_minute, applications_per_hour, .. } = *limits;
        let burst = requests_per_second.saturating_mul(BURST);
        let at_once = |an_hour, at_once| Buckets::new(Quota::per_hour(an_hour).allow_burst(at_once));
        Self {
            requests: RateLimiter::keyed(Quota::per_second(requests_per_second).allow_burst(burst)),
            clean_at: AtomicUsize::new(KEYS_BEFORE_CLEANING),
            sign_ins: Buckets::new(Quota::per_minute(sign_ins_per_minute)),
            sign_ins_as: Buckets::new(Quota::per_minute(half(sign_ins_per_minute))),
            known_browsers: Buckets::new(Quota::per_minute(half(sign_ins_per_minute))),
            codes: at_once(CODES_AN_HOUR, CODES_AT_ONCE),
            devices: at_once(DEVICES_AN_HOUR, DEVICES_AT_ONCE),
            applications: Buckets::new(Quota::per_hour(applications_per_hour)),
        }
    }

    /// One more request of this caller.
    pub fn request(&self, caller: &str) -> Result<(), AppError> {
        let (known, clean_at) = (self.requests.len(), self.clean_at.load(Ordering::Relaxed));
        if known > clean_at {
            self.requests.retain_recent();
            // Where all are in use cleaning is dear, and comes when twice as many are there.
            let next = KEYS_BEFORE_CLEANING.max(self.requests.len() * 2);
            self.clean_at.store(next, Ordering::Relaxed);
        }
        check(&self.requests, &caller.to_owned())
    }

    /// One more try to sign in. It counts for the address, and for this login from there: whoever guesses one
    /// person's password leaves tries to the others of the address, and all tries to that person elsewhere. A browser
    /// that the person has signed in with before has tries of its own.
    pub fn sign_in(&self, source: &Source, login: &str) -> Result<(), AppError> {
        if let Some(browser) = &source.browser {
            return self.known_browsers.check((browser, login));
        }
        let network = network(&source.address);
        self.sign_ins_as.check_at(&network, login)?;
        self.sign_ins.check(network)
    }

    /// One more try of a code of a person's second factor. Strangers get this far by the password alone.
    pub fn code(&self, person: PersonId, by: CodeBy) -> Result<(), AppError> {
        self.codes.check((person.as_bytes(), by))
    }

    /// One more program that is to wait for somebody to let it in.
    pub fn device(&self, address: &str) -> Result<(), AppError> {
        self.devices.check(network(address))
    }

    /// One more thing that a stranger wrote, or tried to find without its secret.
    pub fn application(&self, address: &str) -> Result<(), AppError> {
        self.applications.check(network(address))
    }
}

fn half(number: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(number.get().div_ceil(2)).expect("half of one, rounded up, is one")
}

fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), AppError> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(governor::clock::DefaultClock::default().now());
        AppError::TooMany { retry_after_s: wait.as_secs() + 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::new(&LimitSettings {
            sign_ins_per_minute: NonZeroU32::new(6).unwrap(),
            applications_per_hour: NonZeroU32::new(2).unwrap(),
            ..LimitSettings::default()
        })
    }

    #[test]
    fn a_caller_has_four_seconds_requests_at_once_and_others_have_theirs() {
        let limits = Limits::new(&LimitSettings {
            requests_per_second: NonZeroU32::new(20).unwrap(),
            ..LimitSettings::default()
        });
        let begun = std::time::Instant::now();
        let taken = (0..10_000).filter(|_| limits.request("lin").is_ok()).count();
        let more = usize::try_from(begun.elapsed().as_millis() / 50 + 1).unwrap();
        assert!((80..=80 + more).contains(&taken), "{taken}");
        assert!(matches!(limits.request("lin"), Err(AppError::TooMany { retry_after_s: 1 })));
        limits.request("ann").unwrap();
    }

    /// Logins of which no two are in one bucket at that address: what is left to chance is not what is tried.
    fn apart(limits: &Limits, source: &str, count: usize) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let logins = (0..).map(|n| format!("{source}-{n}"));
        logins.filter(|login| seen.insert(limits.sign_ins_as.number(&**login, LOGINS))).take(count).collect()
    }

    #[test]
    fn a_guesser_is_slowed_and_nobody_elsewhere_is() {
        let limits = limits();
        let at = |address: &str| Source::new(address);
        let logins = apart(&limits, "l", 5);
        let [mayor, clerk, teacher, student, guard] = [0, 1, 2, 3, 4].map(|n| &*logins[n]);
        for _ in 0..3 {
            limits.sign_in(&at("10.0.0.1"), mayor).unwrap();
        }
        for _ in 0..100 {
            assert!(matches!(limits.sign_in(&at("10.0.0.1"), mayor), Err(AppError::TooMany { .. })));
        }
        // Others at the address still have tries, and so has the mayor elsewhere.
        for login in [clerk, teacher, student] {
            limits.sign_in(&at("10.0.0.1"), login).unwrap();
        }
        assert!(matches!(limits.sign_in(&at("10.0.0.1"), guard), Err(AppError::TooMany { .. })));
        limits.sign_in(&at("10.0.0.2"), mayor).unwrap();
        // What strangers write is counted by itself.
        for _ in 0..2 {
            limits.application("10.0.0.1").unwrap();
        }
        assert!(matches!(limits.application("10.0.0.1"), Err(AppError::TooMany { .. })));
        limits.application("10.0.0.2").unwrap();
    }

    #[test]
    fn nobody_locks_a_person_out_of_a_browser_that_they_have_used() {
        let limits = limits();
        let own = Source::new("10.0.0.1").by(Some("a-browser".into()));
        // From the same address, and from a hundred thousand others, as the same person.
        for _ in 0..100 {
            let _ = limits.sign_in(&Source::new("10.0.0.1"), "mayor");
        }
        for n in 0..100_000_u32 {
            let address = std::net::Ipv4Addr::from_bits(0x0B00_0000 + n).to_string();
            let _ = limits.sign_in(&Source::new(&address), "mayor");
        }
        assert!(limits.sign_in(&Source::new("10.0.0.1"), "mayor").is_err());
        for _ in 0..3 {
            limits.sign_in(&own, "mayor").unwrap();
        }
        assert!(limits.sign_in(&own, "mayor").is_err(), "it has tries of its own, and not any number");
    }

    #[test]
    fn made_up_addresses_and_logins_take_no_more_memory_than_there_are_buckets() {
        let limits = limits();
        for n in 0..200_000_u128 {
            let address = std::net::Ipv6Addr::from_bits((0x2001_0DB8_u128 << 96) + (n << 64)).to_string();
            let _ = limits.sign_in(&Source::new(&address), &format!("login-{n}"));
            let _ = limits.application(&address);
            let _ = limits.device(&address);
        }
        let most = usize::try_from(SOURCES * LOGINS).unwrap();
        for buckets in [&limits.sign_ins, &limits.sign_ins_as, &limits.applications, &limits.devices] {
            assert!(buckets.limiter.len() <= most, "{}", buckets.limiter.len());
        }
        // From one address alone it is a handful, whatever is made up.
        let limits = Limits::new(&LimitSettings::default());
        for n in 0..10_000 {
            let _ = limits.sign_in(&Source::new("192.0.2.1"), &format!("login-{n}"));
        }
        assert!(limits.sign_ins_as.limiter.len() <= usize::try_from(LOGINS).unwrap());
    }

    #[test]
    fn a_subscriber_s_network_is_one_source() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn codes_are_few_for_strangers_and_theirs_are_not_the_person_s() {
        let limits = limits();
        let person = PersonId::from_bytes([1; 16]);
        let taken = (0..1000).filter(|_| limits.code(person, CodeBy::Stranger).is_ok()).count();
        assert_eq!(taken, 10);
        limits.code(person, CodeBy::KnownBrowser).unwrap();
        limits.code(person, CodeBy::SignedIn).unwrap();
        limits.code(PersonId::from_bytes([2; 16]), CodeBy::Stranger).unwrap();
    }
}
