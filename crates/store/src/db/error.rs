//! The errors of the store.

use std::path::{Path, PathBuf};

use domain::{Id, Month, id::Kind};

/// Columns of which no two rows have the same values, as the database names them, each with the words for a
/// row that has the values of another.
pub(super) type Unique = &'static [(&'static str, &'static str)];

/// Why the store did not do what it was asked. One failed commit fails many writes, each of which gets a
/// copy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("failed to open the database {}: {cause}", path.display())]
    Open { path: PathBuf, cause: String },
    #[error("failed to open the database {}: another center has it open", path.display())]
    AlreadyOpen { path: PathBuf },
    #[error(
        "failed to open the database: its schema has version {found}, and this program knows versions up to {known}; \
         start the newer program that wrote it, or restore a backup made before the upgrade"
    )]
    SchemaTooNew { found: i64, known: i64 },
    #[error("failed to bring the schema of the database up to date: {cause}")]
    Migrate { cause: String },
    #[error("there is no {noun} `{id}`")]
    NotFound { noun: &'static str, id: String },
    /// The row is there already. `what` names it: `a tenant with this short name`.
    #[error("{what} is there already")]
    Conflict { what: String },
    /// The row breaks a rule of the schema or of the ledger.
    #[error("failed to keep a row: {what}")]
    Invalid { what: String },
    /// An entry of the ledger belongs into a month that is closed.
    #[error(
        "failed to post `{key}`: the month {month} of the books is closed, and nothing is posted into it any more; \
         post it now, as an entry that corrects {month}"
    )]
    PeriodClosed { month: Month, key: String },
    /// The row refers to another that is not there.
    #[error("failed to write to the table `{table}`: a row that is referred to is not there")]
    BrokenReference { table: &'static str },
    /// A row that is never changed or deleted was to be.
    #[error("{what}")]
    AppendOnly { what: String },
    /// The center can't have written such a row.
    #[error("the row `{id}` of the table `{table}` is corrupt: {problem}")]
    Corrupt { table: &'static str, id: String, problem: String },
    /// As many writes wait as may. The same write can be tried again.
    #[error("too many writes are waiting: the limit is {limit}")]
    Busy { limit: usize },
    #[error("the store is closed")]
    Closed,
    #[error("failed to write: a fault of the program itself: {message}")]
    Panicked { message: String },
    #[error("failed to commit to the disk: {cause}")]
    Commit { cause: String },
    /// There is no room for the change on the disk. The same write can be tried again once there is.
    #[error("the disk of the database is full: {cause}")]
    DiskFull { cause: String },
    #[error("failed to back up to {}: {cause}", path.display())]
    Backup { path: PathBuf, cause: String },
    #[error("failed to query the table `{table}`: {cause}")]
    Database { table: &'static str, cause: String },
}

impl StoreError {
    /// An error that says that no row has this id.
    pub fn not_found<K: Kind>(id: &Id<K>) -> Self {
        Self::NotFound { noun: K::NOUN, id: id.to_string() }
    }

    pub(super) fn open(path: &Path, cause: &impl ToString) -> Self {
        Self::Open { path: path.to_owned(), cause: cause.to_string() }
    }

    pub(super) fn commit(cause: &rusqlite::Error) -> Self {
        let told = cause.to_string();
        if is_disk_full(cause) { Self::DiskFull { cause: told } } else { Self::Commit { cause: told } }
    }

    /// The error that the database gave for a statement on `table`.
    pub(super) fn of_statement(table: &'static str, unique: Unique, error: &rusqlite::Error) -> Self {
        use rusqlite::ffi;
        if let rusqlite::Error::SqliteFailure(code, Some(message)) = error {
            match code.extended_code {
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID => {
                    return Self::Conflict { what: twin(table, unique, message) };
                }
                ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return Self::BrokenReference { table },
                ffi::SQLITE_CONSTRAINT_TRIGGER => return Self::AppendOnly { what: message.clone() },
                ffi::SQLITE_CONSTRAINT_CHECK
                | ffi::SQLITE_CONSTRAINT_NOTNULL
                | ffi::SQLITE_CONSTRAINT_DATATYPE => return Self::Invalid { what: message.clone() },
                _ => {}
            }
        }
        if is_disk_full(error) {
            return Self::DiskFull { cause: error.to_string() };
        }
        Self::Database { table, cause: error.to_string() }
    }
}

/// Whether the database found no room on the disk, be it for itself, for its log or for the index of its log.
fn is_disk_full(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_FULL, SQLITE_IOERR_SHMSIZE};
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(SQLITE_FULL | SQLITE_IOERR_SHMSIZE))
}

/// The words for a row that would be there twice. The database names the columns that make it the same.
fn twin(table: &'static str, unique: Unique, message: &str) -> String {
    let columns = message.rsplit(": ").next().unwrap_or_default();
    match unique.iter().find(|(known, _)| *known == columns) {
        Some((_, what)) => (*what).to_owned(),
        None => format!("this row of `{table}` ({columns})"),
    }
}
