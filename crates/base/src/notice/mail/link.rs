//! The signed link by which mail of a topic ends: it names the person and the topic, and can do nothing else.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::PersonId;
use ring::hmac;
use store::{StoreError, Tx};

use crate::notice::rows;

/// What the key is for.
pub const UNSUBSCRIBE: &str = "unsubscribe";

/// In place of a topic: all of them.
pub const ALL_TOPICS: &str = "all";

/// The key that signs the links, once it was made.
pub fn key(tx: &Tx) -> Result<Option<[u8; 32]>, StoreError> {
    rows::link_key(tx, UNSUBSCRIBE)
}

/// Makes the key where there is none.
pub fn make_key(tx: &Tx, bytes: &[u8; 32]) -> Result<(), StoreError> {
    rows::add_link_key(tx, UNSUBSCRIBE, bytes)
}

fn signed(person: PersonId, topic: &str) -> String {
    format!("{UNSUBSCRIBE}\n{person}\n{topic}")
}

/// The path of the link.
pub fn unsubscribe(key: &[u8; 32], person: PersonId, topic: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let signature = hmac::sign(&key, signed(person, topic).as_bytes());
    format!(
        "/unsubscribe?person={person}&topic={topic}&signature={}",
        BASE64_URL_SAFE_NO_PAD.encode(signature)
    )
}

/// Whether the center made this link.
pub fn is_ours(key: &[u8; 32], person: PersonId, topic: &str, signature: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return false };
    hmac::verify(&key, signed(person, topic).as_bytes(), &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_its_person_and_its_topic_alone() {
        let (key, person) = ([7; 32], PersonId::from_bytes([1; 16]));
        let path = unsubscribe(&key, person, "job_failed");
        let (_, signature) = path.rsplit_once('=').expect("it has one");
        assert!(is_ours(&key, person, "job_failed", signature));
        assert!(!is_ours(&key, person, "all", signature));
        assert!(!is_ours(&key, PersonId::from_bytes([2; 16]), "job_failed", signature));
        assert!(!is_ours(&[8; 32], person, "job_failed", signature));
        assert!(!is_ours(&key, person, "job_failed", ""));
        assert!(!is_ours(&key, person, "job_failed", "%%"));
    }
}
