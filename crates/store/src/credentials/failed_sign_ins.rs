//! Tries to sign in that failed, until the person has been told; and the key by which browsers are known again.

use domain::{PersonId, Timestamp};

use crate::db::{Record, StoreError, Tx, params, rows, statements};

/// Tries to sign in as a person that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedSignIns {
    pub person: PersonId,
    pub tries: i64,
    pub since: Timestamp,
    pub last_at: Timestamp,
    /// The address of the last.
    pub last_from: String,
}

rows! { failed: FailedSignIns = person, tries, since, last_at, last_from }

statements! { "failed_sign_ins";
    NOTE = concat!(failed!(insert into "failed_sign_ins"),
        " ON CONFLICT (person) DO UPDATE SET tries = tries + 1, last_at = excluded.last_at, last_from = excluded.last_from");
    FIND = concat!("SELECT ", failed!(columns), " FROM failed_sign_ins WHERE person = ?1");
    FORGET = "DELETE FROM failed_sign_ins WHERE person = ?1";
    SET_KEY = "INSERT INTO browser_key (one, key) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING";
    KEY = "SELECT key FROM browser_key";
}

/// Notes one more try that failed.
pub fn note(tx: &Tx, person: PersonId, at: Timestamp, from: &str) -> Result<(), StoreError> {
    let first = FailedSignIns { person, tries: 1, since: at, last_at: at, last_from: from.to_owned() };
    first.insert(tx, NOTE)
}

/// The tries of which a person has not been told.
pub fn find(tx: &Tx, person: PersonId) -> Result<Option<FailedSignIns>, StoreError> {
    tx.find(FIND, params![&person], FailedSignIns::read)
}

/// The person has been told.
pub fn forget(tx: &Tx, person: PersonId) -> Result<(), StoreError> {
    tx.execute(FORGET, params![&person])
}

/// The key by which browsers are known again: `new` where there is none yet.
pub fn browser_key(tx: &Tx, new: [u8; 32]) -> Result<[u8; 32], StoreError> {
    tx.execute(SET_KEY, params![&new])?;
    tx.one(KEY, params![], |row| row.get(0))
}
