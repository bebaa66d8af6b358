//! Bearer tokens and browser sessions. Only their hashes are kept.

use std::{collections::HashMap, sync::RwLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Member, MemberId, Timestamp};
use sha2::{Digest, Sha256};

/// What a token begins with, so that a leaked one is found by a search.
pub const TOKEN_PREFIX: &str = "qt_";
/// The cookie of a browser's session.
pub const SESSION_COOKIE: &str = "session";
/// Members kept at hand before the cache starts anew.
const MAX_CACHED: usize = 50_000;

pub type Hash = [u8; 32];

/// A new secret: 256 random bits as text, with `prefix`.
pub fn new_secret(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(crate::moment::random::<32>()))
}

/// What is kept of a secret. Secrets are random and long, so a plain hash is enough.
pub fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// A session's member, and what a form must send back to prove that it is the session's own page.
#[derive(Clone, Debug)]
pub struct Session {
    pub member: Member,
    pub csrf: String,
}

/// Credentials seen lately, so that a request costs no read. Emptied by any change to a member or credential.
#[derive(Debug, Default)]
pub struct Cache {
    tokens: RwLock<HashMap<Hash, (Member, Timestamp)>>,
    sessions: RwLock<HashMap<Hash, (Session, Timestamp)>>,
}

impl Cache {
    pub fn token(&self, hash: &Hash, now: Timestamp) -> Option<Member> {
        lookup(&self.tokens, hash, now)
    }

    pub fn session(&self, hash: &Hash, now: Timestamp) -> Option<Session> {
        lookup(&self.sessions, hash, now)
    }

    pub fn keep_token(&self, hash: Hash, member: Member, expires_at: Timestamp) {
        keep(&self.tokens, hash, member, expires_at);
    }

    pub fn keep_session(&self, hash: Hash, session: Session, expires_at: Timestamp) {
        keep(&self.sessions, hash, session, expires_at);
    }

    /// Forgets one credential, or all of a member's with [`Self::forget_member`].
    pub fn forget(&self, hash: &Hash) {
        self.tokens.write().expect("not poisoned").remove(hash);
        self.sessions.write().expect("not poisoned").remove(hash);
    }

    pub fn forget_member(&self, id: MemberId) {
        self.tokens.write().expect("not poisoned").retain(|_, (member, _)| member.id != id);
        self.sessions.write().expect("not poisoned").retain(|_, (session, _)| session.member.id != id);
    }
}

fn lookup<T: Clone>(cache: &RwLock<HashMap<Hash, (T, Timestamp)>>, hash: &Hash, now: Timestamp) -> Option<T> {
    let cache = cache.read().expect("not poisoned");
    cache.get(hash).filter(|(_, expires_at)| now < *expires_at).map(|(found, _)| found.clone())
}

fn keep<T>(cache: &RwLock<HashMap<Hash, (T, Timestamp)>>, hash: Hash, item: T, expires_at: Timestamp) {
    let mut cache = cache.write().expect("not poisoned");
    if cache.len() >= MAX_CACHED {
        cache.clear();
    }
    cache.insert(hash, (item, expires_at));
}
