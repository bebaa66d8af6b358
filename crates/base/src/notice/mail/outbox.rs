//! Mails as they are kept: what the words are made of, not the words. A secret end of a link is sealed, and gone once the
//! mail is.

use domain::{Millis, PersonId, Timestamp};
use serde_json::Value;
use store::{
    StoreError, Tx,
    db::{Record as _, params},
    rows, statements,
};

use crate::{moment::new_id, notice::vault::Sealed};

domain::ids! {
    /// A mail.
    MailId of Mailed = "mail_", "mail";
}

domain::codes! {
    pub enum MailState {
        Waiting = "waiting",
        /// The relay took it.
        Sent = "sent",
        /// The relay won't take it, or did not for days.
        Failed = "failed",
    }
}

/// A mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    pub id: MailId,
    /// Names what it is about, where it goes out once only.
    pub once: Option<String>,
    pub person: Option<PersonId>,
    pub address: String,
    /// What it is for. Its words are `mail-<purpose>-subject` and `mail-<purpose>-text`.
    pub purpose: String,
    pub data: Value,
    /// The page that it leads to; empty for none.
    pub path: String,
    /// The end of that path, where it is a secret.
    pub sealed: Option<String>,
    pub sealing_key: String,
    /// None for both languages.
    pub lang: Option<String>,
    pub created_at: Timestamp,
    pub due_at: Timestamp,
    pub attempts: u32,
    pub state: MailState,
    pub answer: String,
    pub ended_at: Option<Timestamp>,
}

/// The use that secret ends of links are sealed for.
pub const LINK: &str = "link";

impl Mail {
    pub fn new(purpose: &str, address: &str, data: Value, now: Timestamp) -> Self {
        Self {
            id: new_id!(MailId),
            once: None,
            person: None,
            address: address.to_owned(),
            purpose: purpose.to_owned(),
            data,
            path: String::new(),
            sealed: None,
            sealing_key: String::new(),
            lang: None,
            created_at: now,
            due_at: now,
            attempts: 0,
            state: MailState::Waiting,
            answer: String::new(),
            ended_at: None,
        }
    }

    /// With the sealed end of its link.
    #[must_use]
    pub fn ending_in(self, sealed: Sealed) -> Self {
        Self { sealed: Some(sealed.text), sealing_key: sealed.key, ..self }
    }

    pub fn secret(&self) -> Option<Sealed> {
        let text = self.sealed.clone()?;
        Some(Sealed { text, key: self.sealing_key.clone() })
    }
}

/// When a mail that the relay did not take is tried again, by how often it was: over two days in all.
const AGAIN: [i64; 9] = [60, 300, 900, 3600, 7200, 14400, 28800, 57600, 86400];

/// When to try again after so many attempts; none: never.
pub fn again(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    let wait = AGAIN.get(usize::try_from(attempts).unwrap_or(usize::MAX).checked_sub(1)?)?;
    Some(now.plus(Millis::from_secs(*wait)))
}

rows! { mail: Mail = id, once, person, address, purpose, data as json, path, sealed, sealing_key, lang, created_at, due_at,
attempts, state as code, answer, ended_at }

statements! { "mails", unique: { "mails.once": "this mail" };
    INSERT = mail!(insert into "mails");
    INSERT_ONCE = concat!(mail!(insert into "mails"), " ON CONFLICT (once) DO NOTHING");
    DUE = concat!("SELECT ", mail!(columns), " FROM mails WHERE state = 'waiting' AND due_at <= ?1 \
        ORDER BY due_at, id LIMIT ?2");
    END = "UPDATE mails SET state = ?2, attempts = ?3, answer = ?4, ended_at = ?5, sealed = NULL WHERE id = ?1";
    LATER = "UPDATE mails SET attempts = ?2, answer = ?3, due_at = ?4 WHERE id = ?1";
    RETRY = "UPDATE mails SET state = 'waiting', attempts = 0, due_at = ?2, ended_at = NULL \
        WHERE id = ?1 AND state = 'failed'";
    GET = concat!("SELECT ", mail!(columns), " FROM mails WHERE id = ?1");
    LIST = concat!("SELECT ", mail!(columns), " FROM mails WHERE (?1 IS NULL OR state = ?1) ORDER BY id DESC LIMIT ?2");
    COUNT = "SELECT COUNT(*) FROM mails WHERE state = ?1";
    SEALED = concat!("SELECT ", mail!(columns), " FROM mails WHERE sealed IS NOT NULL");
    RESEAL = "UPDATE mails SET sealed = ?2, sealing_key = ?3 WHERE id = ?1";
    PRUNE = "DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE ended_at < ?1 LIMIT 1000)";
}

pub fn insert(tx: &Tx, mail: &Mail) -> Result<(), StoreError> {
    mail.insert(tx, INSERT)
}

/// Keeps a mail, unless one about the same is there.
pub fn insert_once(tx: &Tx, mail: &Mail) -> Result<(), StoreError> {
    mail.insert(tx, INSERT_ONCE)
}

pub fn get(tx: &Tx, id: MailId) -> Result<Mail, StoreError> {
    tx.get(GET, &id, Mail::read)
}

/// Mails whose time has come, the longest due first.
pub fn due(tx: &Tx, now: Timestamp, limit: u32) -> Result<Vec<Mail>, StoreError> {
    tx.all(DUE, params![now, limit], Mail::read)
}

/// A mail is through, or never will be. Its secret is gone with it.
pub fn end(tx: &Tx, mail: &Mail, state: MailState, answer: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.update(END, &mail.id, params![&mail.id, state.code(), mail.attempts + 1, answer, at])
}

/// A mail is tried again then.
pub fn later(tx: &Tx, mail: &Mail, answer: &str, due_at: Timestamp) -> Result<(), StoreError> {
    tx.update(LATER, &mail.id, params![&mail.id, mail.attempts + 1, answer, due_at])
}

/// A mail that failed waits again; whether it had failed.
pub fn retry(tx: &Tx, id: MailId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.changed(RETRY, params![&id, now])? > 0)
}

/// The newest mails, of a state where one is given.
pub fn list(tx: &Tx, state: Option<MailState>, limit: u32) -> Result<Vec<Mail>, StoreError> {
    tx.all(LIST, params![state.map(MailState::code), limit], Mail::read)
}

pub fn count(tx: &Tx, state: MailState) -> Result<u64, StoreError> {
    tx.one(COUNT, params![state.code()], |row| row.get(0))
}

/// Mails that have a sealed secret.
pub fn sealed(tx: &Tx) -> Result<Vec<Mail>, StoreError> {
    tx.all(SEALED, params![], Mail::read)
}

pub fn reseal(tx: &Tx, id: MailId, sealed: &Sealed) -> Result<(), StoreError> {
    tx.update(RESEAL, &id, params![&id, &sealed.text, &sealed.key])
}

/// Removes mails that ended before that instant; a part of them where there are many.
pub fn prune(tx: &Tx, before: Timestamp) -> Result<usize, StoreError> {
    tx.changed(PRUNE, params![before])
}

#[cfg(test)]
mod times {
    use super::*;

    #[test]
    fn a_mail_is_tried_for_days_and_then_no_more() {
        let now = Timestamp::from_secs(1_000_000);
        assert_eq!(again(1, now), Some(now.plus(Millis::from_secs(60))));
        assert_eq!(again(9, now), Some(now.plus(Millis::from_hours(24))));
        assert_eq!(again(10, now), None);
        let whole: i64 = AGAIN.iter().sum();
        assert!(whole > 2 * 24 * 3600, "{whole} s");
    }
}
