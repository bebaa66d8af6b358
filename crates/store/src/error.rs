//! What can go wrong with the rows of a center.

use std::path::{Path, PathBuf};

/// Cloned for each of the writes that one failed commit takes down.
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
    /// It would be there twice. `what` reads before "is there already".
    #[error("{what} is there already")]
    Conflict { what: String },
    /// It can't be kept as it is.
    #[error("failed to keep it: {what}")]
    Invalid { what: String },
    /// It refers to something that is not there.
    #[error("failed to write to `{table}`: something that it refers to is not there")]
    BrokenReference { table: &'static str },
    /// What is written once was to be changed.
    #[error("{what}")]
    AppendOnly { what: String },
    /// A row that the center can't have written.
    #[error("the row `{id}` of the table `{table}` is corrupt: {problem}")]
    Corrupt { table: &'static str, id: String, problem: String },
    /// More writes wait than the center holds; try again.
    #[error("too many writes are waiting: the limit is {limit}")]
    Busy { limit: usize },
    #[error("the store is closed")]
    Closed,
    #[error("failed to write: the program met a fault of its own: {message}")]
    Panicked { message: String },
    #[error("failed to commit to the disk: {cause}")]
    Commit { cause: String },
    #[error("failed to back up to {}: {cause}", path.display())]
    Backup { path: PathBuf, cause: String },
    #[error("failed to query the table `{table}`: {cause}")]
    Database { table: &'static str, cause: String },
}

impl StoreError {
    pub(crate) fn not_found(noun: &'static str, id: &impl ToString) -> Self {
        Self::NotFound { noun, id: id.to_string() }
    }

    pub(crate) fn open(path: &Path, cause: &impl ToString) -> Self {
        Self::Open { path: path.to_owned(), cause: cause.to_string() }
    }

    pub(crate) fn commit(cause: &rusqlite::Error) -> Self {
        Self::Commit { cause: cause.to_string() }
    }

    /// What the database said about a statement on `table`.
    pub(crate) fn of_statement(table: &'static str, error: &rusqlite::Error) -> Self {
        use rusqlite::ffi;
        if let rusqlite::Error::SqliteFailure(code, Some(message)) = error {
            match code.extended_code {
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID => return Self::Conflict { what: twin(table, message) },
                ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return Self::BrokenReference { table },
                ffi::SQLITE_CONSTRAINT_TRIGGER => return Self::AppendOnly { what: message.clone() },
                ffi::SQLITE_CONSTRAINT_CHECK
                | ffi::SQLITE_CONSTRAINT_NOTNULL
                | ffi::SQLITE_CONSTRAINT_DATATYPE => return Self::Invalid { what: message.clone() },
                _ => {}
            }
        }
        Self::Database { table, cause: error.to_string() }
    }
}

/// What is there twice, from the columns that the database names.
fn twin(table: &'static str, message: &str) -> String {
    let columns = message.rsplit(": ").next().unwrap_or_default();
    let what = match columns {
        "alliances.slug" => "an alliance with this short name",
        "tenants.slug" => "a tenant with this short name",
        "tenants.uid_index" => "a tenant with this uid index",
        "members.login" => "a member with this login",
        "projects.tenant, projects.slug" => "a project of the tenant with this short name",
        "pools.name" => "a pool with this name",
        "nodes.name" => "a node with this name",
        "contracts.number" => "a contract with this number",
        "price_books.name" => "a price book with this name",
        "tokens.hash" | "sessions.hash" => "this secret",
        "runs.job, runs.task, runs.attempt" => "this attempt of the task",
        "idempotency.member, idempotency.key" => "an answer under this idempotency key",
        _ => return format!("this row of `{table}` ({columns})"),
    };
    what.to_owned()
}
