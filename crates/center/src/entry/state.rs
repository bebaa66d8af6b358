//! What is kept in memory of people and programs that are coming in.

use base::page::{carried::Carried, kept::Kept};
use domain::PersonId;
use store::credentials::OriginRow;
use tokio::sync::OnceCell;

use super::browser::Key;
use crate::device::waiting::Waiting;

/// For how many minutes a password that was right waits for its code.
const HALF_MINUTES: i64 = 5;
/// So many wait at once; the oldest goes first.
const MOST_HALVES: usize = 4096;

/// A sign-in of which the password was right, or that an issuer vouched for, and whose code has not come yet. It is kept by the hash of a secret that one
/// browser has in a cookie.
#[derive(Clone, Debug)]
pub struct Half {
    pub person: PersonId,
    pub login: String,
    /// An issuer's word stood in for the password.
    pub by: Option<OriginRow>,
    pub onward: Onward,
    /// Codes that were wrong.
    pub wrong: u32,
}

/// Where a browser goes once somebody has come in.
#[derive(Clone, Debug, Default)]
pub struct Onward {
    pub carried: Option<Carried>,
    pub next: Option<String>,
}

/// All that comes in.
#[derive(Debug)]
pub struct Entry {
    pub halves: Kept<Half>,
    /// Programs that wait for somebody to let them in.
    pub devices: Waiting,
    pub browser_key: OnceCell<Key>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            halves: Kept::new(HALF_MINUTES, MOST_HALVES),
            devices: Waiting::default(),
            browser_key: OnceCell::new(),
        }
    }
}
