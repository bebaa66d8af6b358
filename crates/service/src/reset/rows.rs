//! Links that set a password, as rows: the hash of each link's secret, and never the secret.

use domain::{PersonId, Timestamp, tenant::Person};
use store::{StoreError, Tx, db::params, statements, tenants};

statements! { "password_resets";
    INSERT = "INSERT INTO password_resets (hash, person, made_at, ends_at) VALUES (?1, ?2, ?3, ?4)";
    FIND = "SELECT person FROM password_resets WHERE hash = ?1 AND ends_at > ?2";
    COUNT = "SELECT COUNT(*) FROM password_resets WHERE person = ?1 AND ends_at > ?2";
    DELETE_OF = "DELETE FROM password_resets WHERE person = ?1";
    DELETE_OVER = "DELETE FROM password_resets WHERE ends_at <= ?1";
    WITH_EMAIL = "SELECT id FROM persons WHERE lower(email) = lower(?1) AND email <> '' AND is_enabled = 1 \
        ORDER BY id LIMIT 10";
}

pub fn insert(
    tx: &Tx,
    hash: &[u8; 32],
    person: PersonId,
    (made_at, ends_at): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    tx.execute(INSERT, params![hash, &person, made_at, ends_at])
}

/// The person whose password a link sets, as long as it does.
pub fn find(tx: &Tx, hash: &[u8; 32], now: Timestamp) -> Result<Option<Person>, StoreError> {
    let found = tx.find(FIND, params![hash, now], |row| row.get(0))?;
    let person = found.map(|id| tenants::get_person(tx, id)).transpose()?;
    Ok(person.filter(|person| person.is_enabled))
}

/// How many links of a person lead somewhere.
pub fn count(tx: &Tx, person: PersonId, now: Timestamp) -> Result<u64, StoreError> {
    tx.one(COUNT, params![&person, now], |row| row.get(0))
}

/// No link of a person leads anywhere any more.
pub fn delete_of(tx: &Tx, person: PersonId) -> Result<(), StoreError> {
    tx.execute(DELETE_OF, params![&person])
}

pub fn delete_over(tx: &Tx, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(DELETE_OVER, params![now])
}

/// Persons who gave that address and may sign in.
pub fn with_email(tx: &Tx, email: &str) -> Result<Vec<Person>, StoreError> {
    let ids = tx.all(WITH_EMAIL, params![email], |row| row.get(0))?;
    ids.into_iter().map(|id| tenants::get_person(tx, id)).collect()
}
