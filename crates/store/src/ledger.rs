//! The ledger: transfers, the sums of them, and the proof that they are right.
//!
//! The transfers are the truth. After every 256 of them the sums of all accounts are carried forward into
//! kept rows, so that a balance is a kept sum and the few transfers since. [`verify`] adds everything up
//! anew.

mod fault;
mod month;
mod report;
pub(crate) mod rows;
mod statement;
mod sums;
mod verify;
mod verify_vouchers;

use domain::{
    ContractId, Timestamp, TransferId,
    ledger::{Posting, Transfer},
};

pub use fault::{Fault, Told, WrongRate};
pub(crate) use fault::{unlike, unlike_in};
pub use month::{AccountMoves, Span, account_moves, entries_between, entries_of_run, last_seq};
pub use report::LedgerReport;
pub use rows::TransferRow;
pub use statement::{By, EndedRuns, Group, Line, ended_runs, lines_between};
pub use sums::{
    ContractBalance, Turnover, balance, balances_of_contracts, corrected_since, moved_between, sum_of_cause,
    turnovers_of_center,
};
pub use verify::verify;

use crate::{
    db::{StoreError, Tx, params, statements},
    periods,
};
use rows::{AccountColumns, transfer_columns, transfer_row};

statements! { "transfers";
    POST = "INSERT INTO transfers (id, key, at, unit, debit, debit_contract, credit, credit_contract, amount, cause, \
            run, corrects) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (key) DO NOTHING RETURNING seq";
    FIND_KEY = concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE key = ?1");
    ALL_AFTER = concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    ENTRY = concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE seq = ?1");
    BY_KEY = concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE key >= ?1 AND key < ?2 ORDER BY seq");
    AT_OF = "SELECT seq, at FROM transfers WHERE seq = ?1";
    DEBITS_AFTER = concat!(
        "SELECT ", transfer_columns!(),
        " FROM transfers WHERE debit_contract = ?4 AND (at, seq) > (?2, ?1) ORDER BY at, seq LIMIT ?3"
    );
    CREDITS_AFTER = concat!(
        "SELECT ", transfer_columns!(),
        " FROM transfers WHERE credit_contract = ?4 AND (at, seq) > (?2, ?1) ORDER BY at, seq LIMIT ?3"
    );
}

/// The entry with that number.
pub fn find_entry(tx: &Tx, seq: i64) -> Result<Option<TransferRow>, StoreError> {
    tx.find(ENTRY, params![seq], transfer_row)
}

/// The entries whose keys begin so, in their order.
pub fn entries_by_key(tx: &Tx, prefix: &str) -> Result<Vec<Transfer>, StoreError> {
    // Keys are of letters, digits and marks that come before this one.
    let end = format!("{prefix}~");
    tx.all(BY_KEY, params![prefix, end.as_str()], |row| Ok(transfer_row(row)?.transfer))
}

/// Posts a transfer. `false` if it is there already with the same content; [`StoreError::Conflict`] if its
/// key is there with other content. `id`, `at` and the period that it corrects are not part of the content:
/// posting again later is still posting once. [`StoreError::PeriodClosed`] if `at` is in a month that is closed.
pub fn post(tx: &Tx, posting: &Posting, id: TransferId, at: Timestamp) -> Result<bool, StoreError> {
    if posting.amount <= 0 || posting.debit == posting.credit {
        let what = format!(
            "the transfer `{}` moves {} from {} to {}; a transfer moves more than nothing to another account",
            posting.key, posting.amount, posting.debit, posting.credit
        );
        return Err(StoreError::Invalid { what });
    }
    if let Some(month) = periods::closed_at(tx, at)?
        && tx.find(FIND_KEY, params![&posting.key], transfer_row)?.is_none()
    {
        return Err(StoreError::PeriodClosed { month, key: posting.key.clone() });
    }
    let (debit, credit) = (AccountColumns::of(&posting.debit), AccountColumns::of(&posting.credit));
    let corrects = posting.corrects.map(|month| month.to_string());
    let row = params![
        &id,
        &posting.key,
        at,
        posting.unit.code(),
        debit.name.as_ref(),
        debit.contract,
        credit.name.as_ref(),
        credit.contract,
        posting.amount,
        posting.cause.code(),
        posting.cause.run(),
        corrects.as_deref(),
    ];
    if let Some(seq) = tx.find(POST, row, |row| row.get(0))? {
        sums::carry_forward_after(tx, seq)?;
        return Ok(true);
    }
    let there = tx.one(FIND_KEY, params![&posting.key], transfer_row)?.transfer;
    let is_same = there.unit == posting.unit
        && there.debit == posting.debit
        && there.credit == posting.credit
        && there.amount == posting.amount
        && there.cause == posting.cause;
    if is_same {
        Ok(false)
    } else {
        Err(StoreError::Conflict { what: format!("another transfer under the key `{}`", posting.key) })
    }
}

/// The first `limit` transfers after number `after`: all in their order, or a contract's in the order of their times.
pub fn list_transfers(
    tx: &Tx,
    contract: Option<ContractId>,
    after: i64,
    limit: u32,
) -> Result<Vec<TransferRow>, StoreError> {
    let Some(contract) = contract else {
        return tx.all(ALL_AFTER, params![after, limit], transfer_row);
    };
    let at = tx.find(AT_OF, params![after], |row| row.get::<Timestamp>(1))?;
    let at = at.unwrap_or(Timestamp::from_micros(i64::MIN));
    let bound = params![after, at, limit, &contract];
    let mut rows = tx.all(DEBITS_AFTER, bound, transfer_row)?;
    rows.extend(tx.all(CREDITS_AFTER, bound, transfer_row)?);
    rows.sort_unstable_by_key(|row| (row.transfer.at, row.seq));
    rows.truncate(limit as usize);
    Ok(rows)
}
