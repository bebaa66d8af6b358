//! The row of a generated past.

use store::{StoreError, Tx, db::params, statements};

use super::rule::GeneratedPast;

statements! { "generated past";
    INSERT = "INSERT INTO generated_past (from_at, until_at, seed) VALUES (?1, ?2, ?3)";
    FIND = "SELECT from_at, until_at, seed FROM generated_past LIMIT 1";
}

pub fn insert(tx: &Tx, past: &GeneratedPast) -> Result<(), StoreError> {
    tx.execute(INSERT, params![past.from, past.until, i64::from(past.seed)])
}

pub fn find(tx: &Tx) -> Result<Option<GeneratedPast>, StoreError> {
    tx.find(FIND, params![], |row| {
        Ok(GeneratedPast { from: row.get(0)?, until: row.get(1)?, seed: row.get(2)? })
    })
}
