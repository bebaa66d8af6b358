//! Corrections: proposed by one, decided by another, and booked with the decision.

use domain::{ContractId, CorrectionId, MemberId, MicroCny, RunId, Timestamp, codes, ledger::CorrectionKind};

use crate::db::{Record, StoreError, Tx, params, rows, statements};

codes! {
    /// Where a correction stands.
    pub enum CorrectionState {
        Proposed = "proposed",
        Booked = "booked",
        Refused = "refused",
    }
}

/// An entry by which people put right what was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub id: CorrectionId,
    pub kind: CorrectionKind,
    pub contract: ContractId,
    /// Where money is moved to.
    pub other_contract: Option<ContractId>,
    pub amount_micro_cny: MicroCny,
    /// The payment, run, entry or month that is put right.
    pub corrects: String,
    pub reason: String,
    /// The bank's reference of money that leaves; else empty.
    pub reference: String,
    pub state: CorrectionState,
    pub proposed_by: MemberId,
    pub proposed_at: Timestamp,
    pub decided_by: Option<MemberId>,
    pub decided_at: Option<Timestamp>,
    /// Why it was refused.
    pub note: String,
}

rows! { correction: Correction =
    id, kind as code, contract, other_contract, amount_micro_cny, corrects, reason, reference, state as code, proposed_by,
    proposed_at, decided_by, decided_at, note
}

statements! { "corrections";
    INSERT = correction!(insert into "corrections");
    GET = concat!("SELECT ", correction!(columns), " FROM corrections WHERE id = ?1");
    LIST = concat!("SELECT ", correction!(columns), " FROM corrections WHERE id < ?2 ORDER BY id DESC LIMIT ?1");
    COUNT = "SELECT COUNT(*) FROM corrections";
    REVERSED = "SELECT COUNT(*) FROM corrections \
                WHERE corrects = ?1 AND kind = 'reversal' AND state <> 'refused' AND id <> ?2";
    GIVEN_BACK = "SELECT CAST(COALESCE(SUM(amount_micro_cny), 0) AS BIGINT) FROM corrections \
                  WHERE corrects = ?1 AND contract = ?2 AND kind IN ('credit_note', 'allowance') AND state = 'booked'";
    GIVEN_BACK_OF_RUN = "SELECT CAST(COALESCE(SUM(amount_micro_cny), 0) AS BIGINT) FROM corrections \
                         WHERE contract = ?2 AND kind IN ('credit_note', 'allowance') AND state = 'booked' AND \
                         (corrects = ?1 OR corrects IN (SELECT CAST(seq AS TEXT) FROM transfers WHERE run = ?3))";
    PAID_OUT = "SELECT COUNT(*) FROM corrections \
                WHERE lower(reference) = lower(?1) AND kind = 'pay_out' AND state <> 'refused' AND id <> ?2";
    DECIDE = "UPDATE corrections SET state = ?2, decided_by = ?3, decided_at = ?4, note = ?5 \
              WHERE id = ?1 AND state = 'proposed'";
}

pub fn insert(tx: &Tx, correction: &Correction) -> Result<(), StoreError> {
    correction.insert(tx, INSERT)
}

pub fn get(tx: &Tx, id: CorrectionId) -> Result<Correction, StoreError> {
    tx.get(GET, &id, Correction::read)
}

/// The newest corrections that are older than `after`.
pub fn list(tx: &Tx, after: Option<CorrectionId>, limit: u32) -> Result<Vec<Correction>, StoreError> {
    let after = after.unwrap_or(CorrectionId::from_bytes([0xff; 16]));
    tx.all(LIST, params![limit, &after], Correction::read)
}

/// How many corrections there are.
pub fn count(tx: &Tx) -> Result<u64, StoreError> {
    tx.one(COUNT, params![], |row| row.get(0))
}

/// Whether another correction takes the same payment back, or is to.
pub fn is_reversed(tx: &Tx, reversal: &Correction) -> Result<bool, StoreError> {
    Ok(tx.one(REVERSED, params![reversal.corrects.as_str(), &reversal.id], |row| row.get::<i64>(0))? > 0)
}

/// Whether another correction pays out under the same reference of the bank's, or is to.
pub fn is_paid_out(tx: &Tx, pay_out: &Correction) -> Result<bool, StoreError> {
    Ok(tx.one(PAID_OUT, params![pay_out.reference.as_str(), &pay_out.id], |row| row.get::<i64>(0))? > 0)
}

/// How much of a run's charge was given back by the corrections that name the run or an entry of its use.
pub fn given_back_of_run(tx: &Tx, contract: ContractId, run: RunId) -> Result<MicroCny, StoreError> {
    tx.one(GIVEN_BACK_OF_RUN, params![run.to_string().as_str(), &contract, &run], |row| row.get(0))
}

/// How much of a charge of a contract's was given back by the corrections that name it.
pub fn given_back(tx: &Tx, contract: ContractId, corrects: &str) -> Result<MicroCny, StoreError> {
    tx.one(GIVEN_BACK, params![corrects, &contract], |row| row.get(0))
}

/// Keeps a decision; `false` where it was decided before.
pub fn decide(tx: &Tx, correction: &Correction) -> Result<bool, StoreError> {
    let Correction { id, state, decided_by, decided_at, note, .. } = correction;
    Ok(tx.changed(DECIDE, params![id, state.code(), decided_by, *decided_at, note])? > 0)
}
