//! What nobody may read in the store: sealed under the center's keys, which are kept elsewhere.

use store::Tx;

use crate::error::AppError;

/// A value as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub text: String,
    /// The name of the key.
    pub key: String,
}

/// Whoever has the keys. A value is sealed for one owner and one use: moved to another it can't be opened.
pub trait Vault {
    fn seal(&self, tx: &Tx, owner: &[u8; 16], usage: &str, value: &str) -> Result<Sealed, AppError>;

    fn open(&self, owner: &[u8; 16], usage: &str, sealed: &Sealed) -> Result<String, AppError>;
}
