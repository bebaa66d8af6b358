//! Answers to requests with an `Idempotency-Key`, so that a request that is sent again takes effect once.

use domain::{MemberId, Timestamp};

use crate::db::{StoreError, Tx, params, statements};

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The hash of the request: another request under the same key is a mistake.
    pub request_hash: [u8; 32],
    pub status: u16,
    pub body: String,
}

/// The most answers deleted in one call.
pub const MOST_DELETED: u32 = 10_000;

statements! { "idempotency",
    unique: { "idempotency.member, idempotency.key": "an answer under this idempotency key" };
    FIND = "SELECT seq, request_hash, status, body FROM idempotency WHERE member = ?1 AND key = ?2";
    INSERT = "INSERT INTO idempotency (member, key, request_hash, status, body, created_at) \
              VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    ANSWER = "UPDATE idempotency SET status = ?3, body = ?4 WHERE member = ?1 AND key = ?2";
    DELETE_BEFORE = "DELETE FROM idempotency WHERE seq IN \
                     (SELECT seq FROM idempotency WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)";
}

/// The answer given to `member` under `key`.
pub fn find(tx: &Tx, member: MemberId, key: &str) -> Result<Option<Stored>, StoreError> {
    tx.find(FIND, params![&member, key], |row| {
        Ok(Stored { request_hash: row.get(1)?, status: row.get(2)?, body: row.get(3)? })
    })
}

/// Keeps an answer. [`StoreError::Conflict`] if there is one under the key.
pub fn insert(
    tx: &Tx,
    member: MemberId,
    key: &str,
    answer: &Stored,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = params![&member, key, &answer.request_hash, answer.status, &answer.body, at];
    tx.execute(INSERT, row)
}

/// Keeps the answer to a request whose coming alone was kept before.
pub fn set_answer(tx: &Tx, member: MemberId, key: &str, status: u16, body: &str) -> Result<(), StoreError> {
    tx.execute(ANSWER, params![&member, key, status, body])
}

/// Deletes answers that were given before `at`, the oldest first and at most [`MOST_DELETED`]; says how many.
pub fn delete_before(tx: &Tx, at: Timestamp) -> Result<usize, StoreError> {
    tx.changed(DELETE_BEFORE, params![at, MOST_DELETED])
}
