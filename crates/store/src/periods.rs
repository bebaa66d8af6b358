//! Months of the books that are closed.

use domain::{MemberId, Month, Timestamp};

use crate::db::{Row, StoreError, Tx, params, statements};

pub use frozen::{
    Frozen, count_statements, find_numbered, find_statement, freeze, list_open, list_statements,
};

mod frozen;
pub mod invoices;

/// A closed month. Nothing is posted into it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    pub month: Month,
    /// Its first instant, and that of the next month.
    pub from: Timestamp,
    pub until: Timestamp,
    pub closed_at: Timestamp,
    pub closed_by: MemberId,
}

statements! { "periods", unique: { "periods.month": "a closed period of this month" };
    INSERT = "INSERT INTO periods (month, from_at, until_at, closed_at, closed_by) VALUES (?1, ?2, ?3, ?4, ?5)";
    LIST = "SELECT month, from_at, until_at, closed_at, closed_by FROM periods ORDER BY month DESC";
    FIND = "SELECT month, from_at, until_at, closed_at, closed_by FROM periods WHERE month = ?1";
    LAST = "SELECT month, from_at, until_at, closed_at, closed_by FROM periods ORDER BY month DESC LIMIT 1";
    // Those that end after an instant: the first of them holds it.
    HOLDING = "SELECT month FROM periods WHERE until_at > ?1 ORDER BY month LIMIT 1";
    FIRST_ENTRY = "SELECT MIN(at) FROM transfers";
}

fn period(row: Row<'_>) -> Result<Period, StoreError> {
    Ok(Period {
        month: row.word(0, |month| month.parse().ok())?,
        from: row.get(1)?,
        until: row.get(2)?,
        closed_at: row.get(3)?,
        closed_by: row.get(4)?,
    })
}

/// The first instant into which entries may be posted: the end of the last closed month.
pub fn open_from(tx: &Tx) -> Result<Timestamp, StoreError> {
    Ok(last(tx)?.map_or(Timestamp::from_micros(i64::MIN), |period| period.until))
}

/// The last closed month.
pub fn last(tx: &Tx) -> Result<Option<Period>, StoreError> {
    tx.find(LAST, params![], period)
}

/// A closed month; nothing where it is not closed.
pub fn find(tx: &Tx, month: Month) -> Result<Option<Period>, StoreError> {
    tx.find(FIND, params![&month.to_string()], period)
}

/// The closed month into which an entry of that instant would be posted.
pub fn closed_at(tx: &Tx, at: Timestamp) -> Result<Option<Month>, StoreError> {
    tx.find(HOLDING, params![at], |row| row.word(0, |month| month.parse().ok()))
}

/// The instant of the first entry of the books.
///
/// Cost: linear in all transfers, as only those of before the first closed month are looked at.
pub fn first_entry(tx: &Tx) -> Result<Option<Timestamp>, StoreError> {
    tx.one(FIRST_ENTRY, params![], |row| row.get(0))
}

/// Closes a month for ever.
pub fn close(tx: &Tx, period: &Period) -> Result<(), StoreError> {
    let month = period.month.to_string();
    let row = params![&month, period.from, period.until, period.closed_at, &period.closed_by];
    tx.execute(INSERT, row)
}

/// The closed months, the last one first.
pub fn list(tx: &Tx) -> Result<Vec<Period>, StoreError> {
    tx.all(LIST, params![], period)
}
