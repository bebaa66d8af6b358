//! Second factors of persons, and their recovery codes. The secret is sealed under a key that the database does not have.

use domain::{PersonId, Timestamp};

use crate::db::{Record, StoreError, Tx, params, rows, statements};

/// The second factor of a person, or the offer of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactorRow {
    pub person: PersonId,
    pub sealed: String,
    /// The name of the key that it is sealed under.
    pub key: String,
    pub offered_at: Timestamp,
    /// None as long as no code has confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// The step whose code was taken last.
    pub last_step: i64,
}

rows! { second_factor: SecondFactorRow = person, sealed, key, offered_at, confirmed_at, last_step }

statements! { "second_factors";
    PUT = concat!(second_factor!(insert into "second_factors"), " ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, \
        key = excluded.key, offered_at = excluded.offered_at, confirmed_at = excluded.confirmed_at, \
        last_step = excluded.last_step");
    FIND = concat!("SELECT ", second_factor!(columns), " FROM second_factors WHERE person = ?1");
    LIST = concat!("SELECT ", second_factor!(columns), " FROM second_factors ORDER BY person");
    IS_BOUND = "SELECT COUNT(*) FROM second_factors WHERE person = ?1 AND confirmed_at IS NOT NULL";
    DELETE = "DELETE FROM second_factors WHERE person = ?1";
    ADD_CODE = "INSERT INTO recovery_codes (person, hash) VALUES (?1, ?2)";
    USE_CODE = "UPDATE recovery_codes SET used_at = ?3 WHERE person = ?1 AND hash = ?2 AND used_at IS NULL";
    COUNT_CODES = "SELECT COUNT(*) FROM recovery_codes WHERE person = ?1 AND used_at IS NULL";
    DELETE_CODES = "DELETE FROM recovery_codes WHERE person = ?1";
}

/// Keeps a second factor, in place of the one the person had.
pub fn put(tx: &Tx, row: &SecondFactorRow) -> Result<(), StoreError> {
    row.insert(tx, PUT)
}

pub fn find(tx: &Tx, person: PersonId) -> Result<Option<SecondFactorRow>, StoreError> {
    tx.find(FIND, params![&person], SecondFactorRow::read)
}

/// All there are, with those that were only offered.
pub fn list(tx: &Tx) -> Result<Vec<SecondFactorRow>, StoreError> {
    tx.all(LIST, params![], SecondFactorRow::read)
}

/// Whether a person has a second factor that was confirmed.
pub fn is_bound(tx: &Tx, person: PersonId) -> Result<bool, StoreError> {
    tx.one(IS_BOUND, params![&person], |row| row.get::<u64>(0)).map(|count| count > 0)
}

/// Removes a person's second factor with its recovery codes; says whether there was one.
pub fn delete(tx: &Tx, person: PersonId) -> Result<bool, StoreError> {
    tx.execute(DELETE_CODES, params![&person])?;
    Ok(tx.changed(DELETE, params![&person])? > 0)
}

/// Keeps recovery codes, by their hashes, in place of those there were.
pub fn set_recovery_codes(tx: &Tx, person: PersonId, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    tx.execute(DELETE_CODES, params![&person])?;
    hashes.iter().try_for_each(|hash| tx.execute(ADD_CODE, params![&person, hash]))
}

/// Uses a recovery code up; says whether it was one that was not used.
pub fn use_recovery_code(
    tx: &Tx,
    person: PersonId,
    hash: &[u8; 32],
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.changed(USE_CODE, params![&person, hash, at])? > 0)
}

/// How many recovery codes a person has left.
pub fn recovery_codes_left(tx: &Tx, person: PersonId) -> Result<u64, StoreError> {
    tx.one(COUNT_CODES, params![&person], |row| row.get(0))
}
