//! Where in the chain a row is sealed, for whoever asks for the proof of one run.

use std::ops::ControlFlow;

use domain::{RunId, Timestamp};

use super::encode::Digest;
use crate::db::{Row, StoreError, Tx, params, statements};

/// The link that covers a run and its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub link: i64,
    pub at: Timestamp,
    pub digest: Digest,
}

statements! { "chain";
    LAST = "SELECT COALESCE(MAX(seq), 0) FROM chain";
    AT = "SELECT at FROM chain WHERE seq = ?1";
    GET = "SELECT seq, at, digest FROM chain WHERE seq = ?1";
    RUNS_FROM = "SELECT link, items FROM chain_parts WHERE kind = 'runs' AND link >= ?1 ORDER BY link";
    WAITS = "SELECT 1 FROM unsealed WHERE kind = 'runs' AND key = ?1 LIMIT 1";
    TRANSFER = "SELECT link FROM chain_parts WHERE kind = 'transfers' AND link >= ?1 AND last_row >= ?2 \
                ORDER BY link LIMIT 1";
}

/// The bytes of a run among the items of a part: its id, and the first of its SHA-256.
const ITEM: usize = 24;

/// The link by which a run that ended at an instant is sealed, with its entries up to number `last_entry`. Nothing where it
/// is not sealed yet.
///
/// Cost: the links from the run's end to the one that seals it.
pub fn sealed(
    tx: &Tx,
    run: RunId,
    ended_at: Timestamp,
    last_entry: i64,
) -> Result<Option<Sealed>, StoreError> {
    if tx.find(WAITS, params![&run], |_| Ok(()))?.is_some() {
        return Ok(None);
    }
    // The run's end may be by another clock than the links: where it is not found from there on, all are looked at.
    let of_run = match link_of_run(tx, run, first_from(tx, ended_at)?)? {
        None => link_of_run(tx, run, 1)?,
        found => found,
    };
    let Some(of_run) = of_run else { return Ok(None) };
    let of_entries = match last_entry {
        0 => Some(of_run),
        last => tx.find(TRANSFER, params![1_i64, last], |row| row.get(0))?,
    };
    let Some(of_entries) = of_entries else { return Ok(None) };
    let digest =
        |row: Row<'_>| row.blob(2)?.try_into().map_err(|_| row.corrupt("its digest does not have 32 bytes"));
    let link = of_run.max(of_entries);
    tx.find(GET, params![link], |row| Ok(Sealed { link: row.get(0)?, at: row.get(1)?, digest: digest(row)? }))
}

/// The first link from number `first` on that covers a run.
fn link_of_run(tx: &Tx, run: RunId, first: i64) -> Result<Option<i64>, StoreError> {
    let (mut found, id) = (None, run.as_bytes());
    tx.each(RUNS_FROM, params![first], |row| {
        if row.blob(1)?.chunks_exact(ITEM).any(|item| item.starts_with(id)) {
            found = Some(row.get(0)?);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The first link that was made at an instant or later. Links are in the order of their instants.
fn first_from(tx: &Tx, at: Timestamp) -> Result<i64, StoreError> {
    let last: i64 = tx.one(LAST, params![], |row| row.get(0))?;
    let (mut low, mut high) = (1, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let made_at = tx.find(AT, params![middle], |row| row.get::<Timestamp>(0))?;
        // What is missing in the chain is told elsewhere.
        if made_at.is_some_and(|made_at| made_at < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
