//! The first operator of a new center.

use std::{fmt, path::PathBuf};

/// The first operator. Nobody can sign in before.
#[derive(Clone)]
pub struct FirstOperator {
    pub login: String,
    /// Where the password that was made up stands, for the owner's eyes only; `None` where it was chosen.
    pub password_file: Option<PathBuf>,
    /// For whoever starts the center within the same process.
    pub password: String,
}

impl fmt::Debug for FirstOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOperator").field("login", &self.login).finish_non_exhaustive()
    }
}
