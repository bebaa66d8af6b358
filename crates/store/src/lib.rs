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
pub mod direct;
pub mod events;
pub mod history;
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

#[cfg(test)]
mod tests {
    use crate::{
        Tx, audit, contracts, credentials, direct, events, history, idempotency, jobs, ledger, pools, recent,
        runs, schema, tenants, usage,
    };

    #[test]
    fn every_statement_is_prepared() {
        let modules = [
            audit::STATEMENTS,
            contracts::STATEMENTS,
            credentials::STATEMENTS,
            direct::STATEMENTS,
            events::STATEMENTS,
            history::STATEMENTS,
            idempotency::STATEMENTS,
            jobs::STATEMENTS,
            jobs::LIST_STATEMENTS,
            ledger::STATEMENTS,
            ledger::STATEMENT_STATEMENTS,
            ledger::VERIFY_STATEMENTS,
            pools::STATEMENTS,
            recent::STATEMENTS,
            runs::STATEMENTS,
            tenants::STATEMENTS,
            usage::STATEMENTS,
        ];
        let dir = tempfile::tempdir().unwrap();
        let tx = Tx::new(schema::open_writer(&dir.path().join("center.db")).unwrap());
        for sql in modules.into_iter().flatten() {
            let prepared = tx.conn().prepare(sql.text);
            assert!(prepared.is_ok(), "{:?}: {}", prepared.err(), sql.text);
        }
        assert_eq!(modules.len(), modules_with_statements(&[env!("CARGO_MANIFEST_DIR"), "src"].join("/")));
    }

    /// How many source files under `folder` name statements, so that none is left out above.
    fn modules_with_statements(folder: &str) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .map(|path| {
                if path.is_dir() {
                    return modules_with_statements(path.to_str().unwrap());
                }
                let text = std::fs::read_to_string(path).unwrap();
                text.lines().filter(|line| line.starts_with("statements! {")).count()
            })
            .sum()
    }
}
