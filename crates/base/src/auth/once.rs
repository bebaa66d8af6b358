//! Requests that take effect once however often they are sent: the `Idempotency-Key` header.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::{
    MemberId,
    problem::{Wrong, field},
};
use sha2::{Digest, Sha256};
use store::{Tx, idempotency};

pub use store::idempotency::Answer;

use crate::{error::AppError, moment, refusal::Refused};

/// A key that a member sent with a request, and what the request was.
#[derive(Debug)]
pub struct Once {
    member: MemberId,
    key: String,
    request: [u8; 32],
    /// It is kept that this request made its change.
    has_begun: AtomicBool,
}

impl Once {
    /// `request` is everything that makes two requests the same: path and body.
    pub fn new(member: MemberId, key: &str, request: &[&[u8]]) -> Result<Self, AppError> {
        if !(1..=128).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AppError::invalid(field::IDEMPOTENCY_KEY, Wrong::NotAnIdempotencyKey));
        }
        let mut hasher = Sha256::new();
        for part in request {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let has_begun = AtomicBool::new(false);
        Ok(Self { member, key: key.to_owned(), request: hasher.finalize().into(), has_begun })
    }

    /// The answer to the first request with this key; `None` where this is the first. Refuses a key that came
    /// with another request, or whose answer was not kept.
    pub fn earlier(&self, tx: &Tx) -> Result<Option<Answer>, AppError> {
        let Some(stored) = idempotency::find(tx, self.member, &self.key)? else { return Ok(None) };
        if stored.request_hash != self.request {
            return Err(Refused::IdempotencyKeyReused.into());
        }
        let lost = || AppError::from(Refused::IdempotencyAnswerLost);
        stored.answer.map(Some).ok_or_else(lost)
    }

    /// Keeps, in the transaction that makes the change, that the request was carried out. Its answer comes later, with
    /// [`Self::answer`].
    pub fn begin(&self, tx: &Tx) -> Result<(), AppError> {
        if self.has_begun.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let came = idempotency::Stored { request_hash: self.request, answer: None };
        Ok(idempotency::insert(tx, self.member, &self.key, &came, moment::now())?)
    }

    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    /// Keeps what was answered.
    pub fn answer(&self, tx: &Tx, answer: &Answer) -> Result<(), AppError> {
        Ok(idempotency::set_answer(tx, self.member, &self.key, answer)?)
    }

    /// Keeps what the request gave, with the change that it made.
    pub fn keep(&self, tx: &Tx, answer: &str) -> Result<(), AppError> {
        let answer = Some(Answer { status: 201, body: answer.to_owned() });
        let kept = idempotency::Stored { request_hash: self.request, answer };
        idempotency::insert(tx, self.member, &self.key, &kept, moment::now())?;
        Ok(())
    }
}
