//! Why runs ended.

use domain::reason::RunEnd;
use store::{StoreError, Tx, reasons, runs::RunRow};

/// Why a run ended as it did; `None` for one that has not.
pub fn run_end(tx: &Tx, row: &RunRow) -> Result<Option<RunEnd>, StoreError> {
    let Some(outcome) = row.run.state.outcome() else { return Ok(None) };
    let kept = if outcome.is_success() { None } else { reasons::find_of_run(tx, row.run.id)? };
    Ok(Some(kept.unwrap_or_else(|| RunEnd::plain(outcome))))
}
