//! Requests that take effect once however often they are sent: the `Idempotency-Key` header.

use domain::MemberId;
use sha2::{Digest, Sha256};
use store::{Tx, idempotency};

use crate::{error::AppError, moment};

/// A key that a member sent with a request, and what the request was.
#[derive(Clone, Debug)]
pub struct Once {
    member: MemberId,
    key: String,
    request: [u8; 32],
}

impl Once {
    /// `request` is everything that makes two requests the same: path and body.
    pub fn new(member: MemberId, key: &str, request: &[&[u8]]) -> Result<Self, AppError> {
        if !(1..=128).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AppError::invalid(
                "Idempotency-Key",
                "is not a key",
                "send 1 to 128 visible ASCII characters, such as a UUID",
            ));
        }
        let mut hasher = Sha256::new();
        for part in request {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Ok(Self { member, key: key.to_owned(), request: hasher.finalize().into() })
    }

    /// What the request gave the first time, if this is not the first.
    pub fn earlier(&self, tx: &Tx) -> Result<Option<String>, AppError> {
        let Some(stored) = idempotency::find(tx, self.member, &self.key)? else { return Ok(None) };
        if stored.request_hash != self.request {
            return Err(AppError::refused(
                "idempotency_key_reused",
                "this Idempotency-Key came before with another request",
                "use a new key for a new request",
            ));
        }
        Ok(Some(stored.body))
    }

    /// Keeps what the request gave, with the change that it made.
    pub fn keep(&self, tx: &Tx, answer: &str) -> Result<(), AppError> {
        let answer = idempotency::Stored { request_hash: self.request, status: 201, body: answer.to_owned() };
        idempotency::insert(tx, self.member, &self.key, &answer, moment::now())?;
        Ok(())
    }
}
