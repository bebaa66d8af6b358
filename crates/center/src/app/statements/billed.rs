//! The part of a statement that is billed: what its tenant owes for the month, and what an invoice is over.

use base::error::AppError;
use domain::{MicroCny, billing, ledger::CauseName};
use store::{Tx, periods::Frozen};

use super::made::Statement;

impl Statement {
    /// The amount that the tenant is billed for the month: below 0 where red-letter entries are more than charges. A cause that
    /// this program does not know is refused: whether it is a charge can't be told.
    pub fn billed(&self) -> Result<MicroCny, AppError> {
        self.lines.iter().try_fold(MicroCny::ZERO, |sum, line| {
            let unknown = || {
                let (cause, number) = (&line.cause, self.number.as_deref().unwrap_or("none"));
                AppError::internal(format!("the statement {number} has the unknown cause `{cause}`"))
            };
            let cause = CauseName::from_code(&line.cause).ok_or_else(unknown)?;
            sum.checked_add(billing::billed(self.kind, cause, line.micro_cny)).ok_or_else(unknown)
        })
    }
}

/// A statement from the bytes that were frozen.
pub fn thawed(kept: &Frozen) -> Result<Statement, AppError> {
    serde_json::from_str(&kept.body)
        .map_err(|error| AppError::internal_at(format!("the statement {}", kept.number), error))
}

/// The statement with that number, and its frozen bytes; nothing where there is none.
pub fn numbered(tx: &Tx, number: &str) -> Result<Option<(Frozen, Statement)>, AppError> {
    let Some(kept) = store::periods::find_numbered(tx, number)? else { return Ok(None) };
    let statement = thawed(&kept)?;
    Ok(Some((kept, statement)))
}

#[cfg(test)]
mod tests {
    use crate::portal::sample::views;

    #[test]
    fn a_cause_that_nobody_knows_is_refused() {
        let mut statement = views::statement(true);
        statement.billed().expect("all causes are known");
        statement.lines[0].cause = "gift".into();
        assert!(statement.billed().unwrap_err().to_string().contains("`gift`"));
    }
}
