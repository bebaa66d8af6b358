//! The entries of an interval, and what each account had before, in and after it.
//!
//! The ledger only grows: whoever names the last entry that counts reads the same however often, in as many parts as it
//! takes.

use std::collections::BTreeMap;

use domain::{
    JobId, RunId, Timestamp,
    ledger::{Account, Unit},
};

use super::rows::{TransferRow, account, transfer_columns, transfer_row};
use crate::db::{Row, StoreError, Tx, params, statements};

/// The entries whose instant is in `[from, until)`, of those up to number `upto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
    pub upto: i64,
}

/// An account in an interval. The opening balance and all credits, less all debits, are the closing balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountMoves {
    pub account: Account,
    pub unit: Unit,
    /// Credits less debits before the interval.
    pub opening: i64,
    pub debits: i64,
    pub credits: i64,
}

impl AccountMoves {
    /// Credits less debits at the interval's end.
    pub fn closing(&self) -> i64 {
        self.opening.saturating_add(self.credits).saturating_sub(self.debits)
    }
}

macro_rules! moves {
    ($side:literal) => {
        concat!(
            "SELECT ",
            $side,
            ", ",
            $side,
            "_contract, unit, ",
            "CAST(SUM(CASE WHEN at < ?1 THEN amount ELSE 0 END) AS BIGINT), ",
            "CAST(SUM(CASE WHEN at >= ?1 THEN amount ELSE 0 END) AS BIGINT) ",
            "FROM transfers WHERE at < ?2 AND seq <= ?3 GROUP BY ",
            $side,
            ", ",
            $side,
            "_contract, unit"
        )
    };
}

statements! { "transfers";
    LAST = "SELECT COALESCE(MAX(seq), 0) FROM transfers";
    BETWEEN = concat!(
        "SELECT ", transfer_columns!(), ", (SELECT r.job FROM runs r WHERE r.id = transfers.run) ",
        "FROM transfers WHERE seq > ?1 AND seq <= ?2 AND at >= ?3 AND at < ?4 ORDER BY seq LIMIT ?5"
    );
    OF_RUN = concat!(
        "SELECT ", transfer_columns!(), " FROM transfers WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
    );
    DEBITED = moves!("debit");
    CREDITED = moves!("credit");
}

/// The number of the last entry; 0 where there is none.
pub fn last_seq(tx: &Tx) -> Result<i64, StoreError> {
    tx.one(LAST, params![], |row| row.get(0))
}

/// The first `limit` entries of an interval after number `after`, each with the job whose run it is about.
pub fn entries_between(
    tx: &Tx,
    span: &Span,
    after: i64,
    limit: u32,
) -> Result<Vec<(TransferRow, Option<JobId>)>, StoreError> {
    let bound = params![after, span.upto, span.from, span.until, limit];
    tx.all(BETWEEN, bound, |row| Ok((transfer_row(row)?, row.get(13)?)))
}

/// The first `limit` entries about a run after number `after`.
pub fn entries_of_run(tx: &Tx, run: RunId, after: i64, limit: u32) -> Result<Vec<TransferRow>, StoreError> {
    tx.all(OF_RUN, params![&run, after, limit], transfer_row)
}

/// The sums of each account before and in an interval, of those that had anything by its end.
///
/// Cost: linear in all transfers.
pub fn account_moves(tx: &Tx, span: &Span) -> Result<Vec<AccountMoves>, StoreError> {
    let bound = params![span.from, span.until, span.upto];
    let side = |row: Row<'_>| Ok(((account(row)?, row.code(2)?), row.get::<i64>(3)?, row.get::<i64>(4)?));
    let mut all: BTreeMap<(Account, Unit), AccountMoves> = BTreeMap::new();
    let none = |(account, unit)| AccountMoves { account, unit, opening: 0, debits: 0, credits: 0 };
    for (key, before, within) in tx.all(DEBITED, bound, side)? {
        let moves = all.entry(key).or_insert_with(|| none(key));
        moves.opening -= before;
        moves.debits = within;
    }
    for (key, before, within) in tx.all(CREDITED, bound, side)? {
        let moves = all.entry(key).or_insert_with(|| none(key));
        moves.opening += before;
        moves.credits = within;
    }
    Ok(all.into_values().collect())
}
