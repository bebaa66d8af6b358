//! The rows and transactions of a center, on `SQLite`.
//!
//! [`Store`] opens the database. Work on it is a synchronous closure over a [`Tx`], which the functions of
//! the modules named after nouns take as their first argument. A write is acknowledged once it is on disk:
//! one thread takes all writes that wait, runs them in one transaction, and commits once for all of them.
//! Each read sees one consistent snapshot.
//!
//! `get_…` expects its row and gives [`StoreError::NotFound`] without it; `find_…` gives an option.
//!
//! [`db`] is the machinery. A noun of another crate declares its statements and rows by it in the same way.

pub mod amendments;
pub mod audit;
pub mod chain;
pub mod contracts;
pub mod corrections;
pub mod credentials;
pub mod db;
pub mod digits;
pub mod direct;
pub mod events;
pub mod history;
pub mod idempotency;
pub mod jobs;
pub mod ledger;
pub mod payments;
pub mod periods;
pub mod pools;
pub mod prices;
pub mod reasons;
pub mod recent;
pub mod runs;
pub mod secrets;
pub mod settings;
pub mod tenants;
pub mod usage;
pub mod vouchers;

pub use credentials::{failed_sign_ins, second_factors};
pub use periods::invoices;

pub use db::{BackupReport, Store, StoreError, Tx, WriterStats, check_copy, hold};
