//! Bearer tokens and browser sessions. Only their hashes are kept.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Member, MemberId, Millis, PersonId, Role, Tenant, Timestamp, TokenId};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use store::{credentials::Way, failed_sign_ins::FailedSignIns};

/// The prefix of tokens, by which a search finds a leaked one.
pub const TOKEN_PREFIX: &str = "qt_";
/// The cookie of a browser's session.
pub const SESSION_COOKIE: &str = "session";
/// Members kept at hand before the cache starts anew.
const MAX_CACHED: usize = 50_000;
/// A token's use is noted at most this often.
const NOTE_EVERY: Millis = Millis::from_secs(600);

pub type Hash = [u8; 32];

/// A new secret: 256 random bits as text, with `prefix`.
pub fn new_secret(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(crate::moment::random::<32>()))
}

/// The hash that is kept of a secret. Secrets are random and long, so a plain SHA-256 is enough.
pub fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// A session's member, and what a form must send back to prove that it is the session's own page.
#[derive(Clone, Debug)]
pub struct Session {
    pub member: Member,
    /// The member's tenant, as it was when the session was first seen: its names never change.
    pub tenant: Option<Arc<Tenant>>,
    /// What the person may be, this member among them: by the tenants' short names, the center's own first.
    pub places: Arc<[Place]>,
    pub csrf: String,
    pub way: Way,
    /// The person must have a second factor and has none: they may set one up, and nothing else.
    pub must_enrol: bool,
    /// Tries to sign in of which the person has not been told.
    pub failed: Option<FailedSignIns>,
}

/// A membership that a person may sign in as.
#[derive(Clone, Debug)]
pub struct Place {
    pub member: MemberId,
    pub role: Role,
    pub tenant: Option<Tenant>,
}

/// Credentials seen lately, so that a request costs no read. Emptied by any change to a member or credential.
#[derive(Debug, Default)]
pub struct Cache {
    tokens: RwLock<HashMap<Hash, (Shown, Timestamp)>>,
    sessions: RwLock<HashMap<Hash, (Session, Timestamp)>>,
}

/// A token that was shown.
#[derive(Debug)]
pub struct Shown {
    pub id: TokenId,
    pub member: Member,
    /// As in [`Session`].
    pub must_enrol: bool,
    /// When its use was last noted, in µs; the least number where it never was.
    noted_at: AtomicI64,
}

impl Shown {
    pub fn new(id: TokenId, member: Member, must_enrol: bool, noted_at: Option<Timestamp>) -> Self {
        let noted_at = noted_at.map_or(i64::MIN, Timestamp::as_micros);
        Self { id, member, must_enrol, noted_at: AtomicI64::new(noted_at) }
    }

    /// Whether this use is to be noted; says so to one of those who ask at once.
    pub fn is_to_be_noted(&self, now: Timestamp) -> bool {
        let noted_at = self.noted_at.load(Ordering::Relaxed);
        let is_due = now.minus(NOTE_EVERY).as_micros() >= noted_at;
        let swap =
            |at| self.noted_at.compare_exchange(at, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed);
        is_due && swap(noted_at).is_ok()
    }
}

impl Cache {
    /// The token's member, whether they must set up a second factor first, and the token's id if this use of it is to be
    /// noted.
    pub fn token(&self, hash: &Hash, now: Timestamp) -> Option<(Member, bool, Option<TokenId>)> {
        let tokens = self.tokens.read();
        let (shown, _) = tokens.get(hash).filter(|(_, expires_at)| now < *expires_at)?;
        Some((shown.member.clone(), shown.must_enrol, shown.is_to_be_noted(now).then_some(shown.id)))
    }

    pub fn session(&self, hash: &Hash, now: Timestamp) -> Option<Session> {
        lookup(&self.sessions, hash, now)
    }

    pub fn keep_token(&self, hash: Hash, shown: Shown, expires_at: Timestamp) {
        keep(&self.tokens, hash, shown, expires_at);
    }

    pub fn keep_session(&self, hash: Hash, session: Session, expires_at: Timestamp) {
        keep(&self.sessions, hash, session, expires_at);
    }

    /// Forgets one credential, or all of a person's with [`Self::forget_person`].
    pub fn forget(&self, hash: &Hash) {
        self.tokens.write().remove(hash);
        self.sessions.write().remove(hash);
    }

    /// Sessions of all memberships tell of each of them.
    pub fn forget_person(&self, id: PersonId) {
        self.tokens.write().retain(|_, (shown, _)| shown.member.person != id);
        self.sessions.write().retain(|_, (session, _)| session.member.person != id);
    }
}

fn lookup<T: Clone>(cache: &RwLock<HashMap<Hash, (T, Timestamp)>>, hash: &Hash, now: Timestamp) -> Option<T> {
    let cache = cache.read();
    cache.get(hash).filter(|(_, expires_at)| now < *expires_at).map(|(found, _)| found.clone())
}

fn keep<T>(cache: &RwLock<HashMap<Hash, (T, Timestamp)>>, hash: Hash, item: T, expires_at: Timestamp) {
    let mut cache = cache.write();
    if cache.len() >= MAX_CACHED {
        cache.clear();
    }
    cache.insert(hash, (item, expires_at));
}

#[cfg(test)]
mod tests {
    use domain::Role;

    use super::*;

    #[test]
    fn a_use_is_noted_once_in_a_while() {
        let (id, member) = (TokenId::from_bytes([1; 16]), MemberId::from_bytes([2; 16]));
        let at = |secs: i64| Timestamp::from_micros(secs * 1_000_000);
        let member = Member {
            id: member,
            person: PersonId::from_bytes([3; 16]),
            tenant: None,
            login: "a".into(),
            name: "A".into(),
            role: Role::Operator,
            is_enabled: true,
            created_at: at(0),
        };
        let shown = Shown::new(id, member.clone(), false, None);
        assert!(shown.is_to_be_noted(at(1)), "the first");
        assert!(!shown.is_to_be_noted(at(2)) && !shown.is_to_be_noted(at(600)));
        assert!(shown.is_to_be_noted(at(601)));
        assert!(!Shown::new(id, member, false, Some(at(590))).is_to_be_noted(at(601)), "kept from before");
    }
}
