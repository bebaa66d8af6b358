//! Answers to requests with an `Idempotency-Key`, so that a request that is sent again takes effect once.

use domain::{MemberId, Timestamp};

use crate::db::{StoreError, Tx, params, statements};

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// A request that came with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The hash of the request: another request under the same key is a mistake.
    pub request_hash: [u8; 32],
    /// Its answer; `None` where it was carried out, and its answer is not kept, or not yet.
    pub answer: Option<Answer>,
}

/// The status in a row without an answer.
const UNANSWERED: u16 = 0;

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

/// The request of `member` that came with `key`.
pub fn find(tx: &Tx, member: MemberId, key: &str) -> Result<Option<Stored>, StoreError> {
    tx.find(FIND, params![&member, key], |row| {
        let answer = Answer { status: row.get(2)?, body: row.get(3)? };
        let answer = Some(answer).filter(|answer| answer.status != UNANSWERED);
        Ok(Stored { request_hash: row.get(1)?, answer })
    })
}

/// Keeps a request, with its answer where there is one. [`StoreError::Conflict`] if there is one under the key.
pub fn insert(
    tx: &Tx,
    member: MemberId,
    key: &str,
    request: &Stored,
    at: Timestamp,
) -> Result<(), StoreError> {
    let answer = request.answer.as_ref();
    let (status, body) = answer.map_or((UNANSWERED, ""), |answer| (answer.status, answer.body.as_str()));
    let row = params![&member, key, &request.request_hash, status, body, at];
    tx.execute(INSERT, row)
}

/// Keeps the answer to a request whose coming alone was kept before.
pub fn set_answer(tx: &Tx, member: MemberId, key: &str, answer: &Answer) -> Result<(), StoreError> {
    tx.execute(ANSWER, params![&member, key, answer.status, &answer.body])
}

/// Deletes answers that were given before `at`, the oldest first and at most [`MOST_DELETED`]; says how many.
pub fn delete_before(tx: &Tx, at: Timestamp) -> Result<usize, StoreError> {
    tx.changed(DELETE_BEFORE, params![at, MOST_DELETED])
}
