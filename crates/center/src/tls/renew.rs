//! The certificate that is shown, and the loop that reads it again when its files change.

use std::{
    os::unix::fs::MetadataExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use base::{error::chain, moment};
use domain::{Millis, Timestamp};
use parking_lot::RwLock;
use tokio_rustls::rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{Pair, pair};
use crate::{center::Center, settings::TlsSettings, wakers::CERTIFICATE};

/// Between two looks at the files.
pub const EVERY: Duration = Duration::from_secs(10);
/// A certificate that expires within so long is told of as a failure: by then it should have been renewed.
const SOON: Millis = Millis::from_hours(7 * 24);

/// The certificate that callers are shown.
#[derive(Debug)]
pub struct Current {
    settings: TlsSettings,
    pair: RwLock<Pair>,
    /// Somebody wants the files read again, whether or not they have changed.
    is_asked: AtomicBool,
}

impl Current {
    pub fn new(settings: TlsSettings, pair: Pair) -> Self {
        Self { settings, pair: RwLock::new(pair), is_asked: AtomicBool::new(false) }
    }

    /// Has the files read again soon.
    pub fn read_again(&self) {
        self.is_asked.store(true, Ordering::SeqCst);
    }

    pub fn expires_at(&self) -> Timestamp {
        self.pair.read().expires_at
    }

    /// What tells that a file was written anew.
    fn stamps(&self) -> [Option<(u64, i64, i64, u64)>; 2] {
        [&self.settings.certificate, &self.settings.key].map(|path| {
            let meta = std::fs::metadata(path).ok()?;
            Some((meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.len()))
        })
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair.read().key))
    }
}

/// Looks at the files until the center stops. A pair that can't be used leaves the one before in place.
pub fn run(center: &Center, current: &Current) {
    let mut stamps = current.stamps();
    let mut wrong: Option<String> = None;
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        let now = current.stamps();
        if current.is_asked.swap(false, Ordering::SeqCst) || now != stamps {
            stamps = now;
            wrong = match pair::read(&current.settings) {
                Ok(pair) => {
                    tracing::info!(expires_at = %pair.expires_at, "the certificate is read again");
                    *current.pair.write() = pair;
                    None
                }
                Err(error) => {
                    let error = format!("{}; the certificate of before stays", chain(&error));
                    tracing::error!(error, "the certificate was not read again");
                    Some(error)
                }
            };
        }
        let expires_at = current.expires_at();
        center.metrics.certificate_expires(expires_at);
        if let Some(error) = wrong.clone().or_else(|| expiry(moment::now(), expires_at)) {
            center.loops.failed(CERTIFICATE, &error);
        }
        center.loops.turned(CERTIFICATE, begun.elapsed());
        while begun.elapsed() < EVERY
            && !center.compute.wakers.is_stopping()
            && !current.is_asked.load(Ordering::SeqCst)
        {
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

/// The words about a certificate that has expired or will soon.
fn expiry(now: Timestamp, expires_at: Timestamp) -> Option<String> {
    if expires_at <= now {
        return Some(format!("the certificate has expired at {expires_at}: renew it"));
    }
    let left = expires_at.since(now);
    (left < SOON).then(|| {
        format!("the certificate expires at {expires_at}, in less than {} days: renew it", days(left) + 1)
    })
}

/// Whole days.
pub fn days(length: Millis) -> i64 {
    length.as_secs() / (24 * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_of_from_a_week_before_its_end() {
        let ends: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let before = |hours: i64| expiry(ends.minus(Millis::from_hours(hours)), ends);
        assert_eq!(before(7 * 24), None);
        assert!(before(7 * 24 - 1).is_some_and(|told| told.contains("in less than 7 days")));
        assert!(before(1).is_some_and(|told| told.contains("in less than 1 days")));
        assert!(before(0).is_some_and(|told| told.contains("has expired")));
    }
}
