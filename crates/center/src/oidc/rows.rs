//! Who people are at issuers, as rows.

use domain::{PersonId, Timestamp, tenant::Person};
use store::{
    StoreError, Tx,
    db::{Record as _, params},
    rows, statements,
};

use super::rule::{Identity, IdentityId, MOST_LISTED};

rows! { identity: Identity = id, issuer, subject, person, email, created_at, last_used_at }
rows! { person: Someone = id, login, name, email, is_enabled, created_at, kept_by }

/// A person as this file reads one.
struct Someone {
    id: PersonId,
    login: String,
    name: String,
    email: String,
    is_enabled: bool,
    created_at: Timestamp,
    kept_by: Option<domain::TenantId>,
}

statements! { "identities", unique: { "identities.issuer, identities.subject": "an account with this identity" };
    INSERT = identity!(insert into "identities");
    FIND = concat!("SELECT ", identity!(columns), " FROM identities WHERE issuer = ?1 AND subject = ?2");
    OF_PERSON = concat!("SELECT ", identity!(columns), " FROM identities WHERE person = ?1 ORDER BY id");
    DELETE = "DELETE FROM identities WHERE id = ?1";
    NOTE = "UPDATE identities SET email = ?2, last_used_at = ?3 WHERE id = ?1";
    PENDING = concat!(
        "SELECT ", identity!(columns of "i"), ", ", person!(columns of "p"),
        " FROM identities i JOIN persons p ON p.id = i.person WHERE p.is_enabled = 1 AND NOT EXISTS \
         (SELECT 1 FROM members m WHERE m.person = p.id AND m.is_enabled = 1) ORDER BY i.id DESC LIMIT ?1"
    );
}

pub fn insert(tx: &Tx, identity: &Identity) -> Result<(), StoreError> {
    identity.insert(tx, INSERT)
}

/// Who a subject of an issuer is.
pub fn find(tx: &Tx, issuer: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
    tx.find(FIND, params![issuer, subject], Identity::read)
}

/// Who a person is at issuers, oldest first.
pub fn of_person(tx: &Tx, person: PersonId) -> Result<Vec<Identity>, StoreError> {
    tx.all(OF_PERSON, params![&person], Identity::read)
}

pub fn delete(tx: &Tx, id: IdentityId) -> Result<(), StoreError> {
    tx.update(DELETE, &id, params![&id])
}

/// Notes a sign-in, and the address that the issuer told.
pub fn note(tx: &Tx, id: IdentityId, email: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.update(NOTE, &id, params![&id, email, at])
}

/// Those who came by an issuer and have no place, the newest first.
pub fn pending(tx: &Tx) -> Result<Vec<(Identity, Person)>, StoreError> {
    tx.all(PENDING, params![MOST_LISTED], |row| {
        let Someone { id, login, name, email, is_enabled, created_at, kept_by } = Someone::read(row.skip(7))?;
        let person = Person { id, login, name, email, is_enabled, created_at, kept_by };
        Ok((Identity::read(row)?, person))
    })
}
