//! Months of the books that are closed.

use domain::{MemberId, Month, Timestamp};

use crate::db::{Row, StoreError, Tx, params, statements};

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
    OPEN_FROM = "SELECT MAX(until_at) FROM periods";
}

/// The first instant into which entries may be posted: the end of the last closed month.
pub fn open_from(tx: &Tx) -> Result<Timestamp, StoreError> {
    let until: Option<Timestamp> = tx.one(OPEN_FROM, params![], |row| row.get(0))?;
    Ok(until.unwrap_or(Timestamp::from_micros(i64::MIN)))
}

/// Closes a month for ever.
pub fn close(tx: &Tx, period: &Period) -> Result<(), StoreError> {
    let month = period.month.to_string();
    let row = params![&month, period.from, period.until, period.closed_at, &period.closed_by];
    tx.execute(INSERT, row)
}

/// The closed months, the last one first.
pub fn list(tx: &Tx) -> Result<Vec<Period>, StoreError> {
    tx.all(LIST, params![], |row: Row<'_>| {
        Ok(Period {
            month: row.word(0, |month| month.parse().ok())?,
            from: row.get(1)?,
            until: row.get(2)?,
            closed_at: row.get(3)?,
            closed_by: row.get(4)?,
        })
    })
}
