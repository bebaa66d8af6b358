//! How many notices each member has not read: kept in memory, because each page shows it.

use std::collections::HashMap;

use domain::MemberId;
use parking_lot::Mutex;
use store::{StoreError, Tx};

use super::rows;

/// The counts. They follow the rows: changed where a write is told, in the order of the commits.
#[derive(Debug, Default)]
pub struct Unread(Mutex<HashMap<MemberId, u64>>);

impl Unread {
    /// The counts as the rows have them.
    pub fn load(&self, tx: &Tx) -> Result<(), StoreError> {
        *self.0.lock() = rows::unread(tx)?.into_iter().collect();
        Ok(())
    }

    pub fn of(&self, member: MemberId) -> u64 {
        self.0.lock().get(&member).copied().unwrap_or_default()
    }

    pub fn came(&self, member: MemberId, more: u64) {
        *self.0.lock().entry(member).or_default() += more;
    }

    pub fn went(&self, member: MemberId, fewer: u64) {
        let mut all = self.0.lock();
        if let Some(count) = all.get_mut(&member) {
            *count = count.saturating_sub(fewer);
        }
    }
}
