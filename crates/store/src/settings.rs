//! The settings by which the center counts, with their history.

use std::collections::BTreeMap;

use domain::Timestamp;

use crate::db::{StoreError, Tx, params, statements};

/// A value of a setting, and since when it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingSince {
    pub at: Timestamp,
    pub key: String,
    pub value: String,
}

statements! { "settings_in_force";
    INSERT = "INSERT INTO settings_in_force (at, key, value) VALUES (?1, ?2, ?3)";
    ALL = "SELECT at, key, value FROM settings_in_force ORDER BY seq";
}

/// All values that there were, oldest first.
pub fn history(tx: &Tx) -> Result<Vec<SettingSince>, StoreError> {
    tx.all(ALL, params![], |row| Ok(SettingSince { at: row.get(0)?, key: row.get(1)?, value: row.get(2)? }))
}

/// The values in force.
pub fn in_force(tx: &Tx) -> Result<BTreeMap<String, String>, StoreError> {
    Ok(history(tx)?.into_iter().map(|since| (since.key, since.value)).collect())
}

/// Keeps the values that differ from those in force.
pub fn keep(tx: &Tx, at: Timestamp, values: &[(&str, String)]) -> Result<(), StoreError> {
    let known = in_force(tx)?;
    let new = values.iter().filter(|(key, value)| known.get(*key) != Some(value));
    for (key, value) in new {
        tx.execute(INSERT, params![at, *key, value])?;
    }
    Ok(())
}
