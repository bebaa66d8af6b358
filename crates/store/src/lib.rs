//! The rows and transactions of a center, on `SQLite`.
//!
//! [`Store`] opens the database; work on it is synchronous closures over a [`Tx`], which the modules named after what
//! they keep take as their first argument. Writes are acknowledged once they are on disk: one thread takes all that
//! wait, runs them in one transaction, and commits once for all of them. Reads see one consistent snapshot each.
//!
//! `get_…` expects its row and says [`StoreError::NotFound`] otherwise, `find_…` gives an option.

mod backup;
mod error;
mod readers;
mod schema;
mod sql;
mod store;
mod tx;
mod writer;

pub mod audit;
pub mod contracts;
pub mod credentials;
pub mod events;
pub mod idempotency;
pub mod jobs;
pub mod ledger;
pub mod pools;
pub mod recent;
pub mod runs;
pub mod tenants;
pub mod usage;

pub use backup::BackupReport;
pub use error::StoreError;
pub use store::Store;
pub use tx::Tx;
pub use writer::WriterStats;
