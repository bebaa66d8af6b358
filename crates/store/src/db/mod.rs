//! The machinery under the rows: one writer and many readers of a `SQLite` database, and what a noun needs to
//! say which statements it has and what its rows hold. Nothing here knows a noun, so a noun needs no line
//! here.
//!
//! ```no_run
//! use store::db::{Record, Row, StoreError, Tx, params, rows, statements};
//!
//! domain::ids! {
//!     /// A voucher 算力券.
//!     VoucherId of VoucherKind = "vou_", "voucher";
//! }
//!
//! pub struct Voucher {
//!     pub id: VoucherId,
//!     pub code: String,
//!     pub issued_at: domain::Timestamp,
//! }
//!
//! rows! { voucher: Voucher = id, code, issued_at }
//!
//! statements! { "vouchers", unique: { "vouchers.code": "a voucher with this code" };
//!     INSERT = voucher!(insert into "vouchers");
//!     GET = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE id = ?1");
//!     FIND = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE code = ?1");
//! }
//!
//! pub fn insert(tx: &Tx, voucher: &Voucher) -> Result<(), StoreError> {
//!     voucher.insert(tx, INSERT)
//! }
//!
//! pub fn get(tx: &Tx, id: VoucherId) -> Result<Voucher, StoreError> {
//!     tx.get(GET, &id, Voucher::read)
//! }
//!
//! pub fn find(tx: &Tx, code: &str) -> Result<Option<Voucher>, StoreError> {
//!     tx.find(FIND, params![code], Voucher::read)
//! }
//! ```

mod backup;
mod error;
mod readers;
mod record;
mod row;
mod schema;
mod sql;
mod store;
mod tx;
mod value;
mod writer;

pub use backup::{BackupReport, check_copy};
pub use error::StoreError;
pub use record::Record;
pub use row::{Row, json};
pub use schema::{differences, open_copy, prepare};
pub use sql::Sql;
pub use store::{Store, hold};
pub use tx::Tx;
pub use value::{Column, Param, Value};
pub use writer::WriterStats;

pub use crate::{params, rows, statements};
