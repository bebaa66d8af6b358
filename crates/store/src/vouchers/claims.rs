//! Claims on closed months, and what was done with them.

use domain::{ClaimId, MemberId, MicroCny, TenantId, Timestamp, VoucherId, voucher::ClaimState};
use serde_json::Value;

use crate::db::{Record, StoreError, Tx, params, rows, statements};

/// A claim on a closed month of a voucher's contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub id: ClaimId,
    pub number: String,
    pub voucher: VoucherId,
    /// `2026-11`.
    pub month: String,
    /// The number of the statement that it is about.
    pub statement: String,
    pub eligible_micro_cny: MicroCny,
    pub amount_micro_cny: MicroCny,
    pub evidence: Value,
    pub state: ClaimState,
    /// Of the payment; empty before.
    pub reference: String,
    pub created_at: Timestamp,
}

/// Something that was done with a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimAct {
    pub claim: ClaimId,
    pub seq: u32,
    pub at: Timestamp,
    pub by: MemberId,
    /// Where it led.
    pub state: ClaimState,
    pub note: String,
}

rows! { claim: Claim =
    id, number, voucher, month, statement, eligible_micro_cny, amount_micro_cny, evidence as json, state as code, reference,
    created_at
}

rows! { act: ClaimAct = claim, seq, at, by, state as code, note }

statements! { "claims", unique: {
        "claims.number": "a claim with this number",
        "claims.voucher": "a claim on this month",
    };
    INSERT = claim!(insert into "claims");
    FIND = concat!("SELECT ", claim!(columns), " FROM claims WHERE number = ?1");
    LAST_NUMBER = "SELECT number FROM claims WHERE number >= ?1 AND number < ?2 \
                   ORDER BY length(number) DESC, number DESC LIMIT 1";
    LIST = concat!("SELECT ", claim!(columns of "c"), " FROM claims c JOIN vouchers v ON v.id = c.voucher \
                   WHERE (?1 IS NULL OR v.tenant = ?1) AND (?2 IS NULL OR c.voucher = ?2) \
                   AND (?3 IS NULL OR c.id < ?3) ORDER BY c.id DESC LIMIT ?4");
    BEFORE = "SELECT number FROM claims WHERE voucher = ?1 AND month = ?2 AND state NOT IN ('rejected', 'recovered')";
    HELD = "SELECT CAST(COALESCE(SUM(amount_micro_cny), 0) AS BIGINT) FROM claims \
            WHERE voucher = ?1 AND state IN ('submitted', 'verified', 'audited')";
    SET = "UPDATE claims SET state = ?2, reference = ?3 WHERE id = ?1";
    INSERT_ACT = act!(insert into "claim_acts");
    ACTS = concat!("SELECT ", act!(columns), " FROM claim_acts WHERE claim = ?1 ORDER BY seq");
}

pub fn insert_claim(tx: &Tx, claim: &Claim) -> Result<(), StoreError> {
    claim.insert(tx, INSERT)
}

pub fn find_claim(tx: &Tx, number: &str) -> Result<Option<Claim>, StoreError> {
    tx.find(FIND, params![number], Claim::read)
}

/// The last number that begins so, and comes before `end`.
pub fn last_claim_number(tx: &Tx, prefix: &str, end: &str) -> Result<Option<String>, StoreError> {
    tx.find(LAST_NUMBER, params![prefix, end], |row| row.get(0))
}

/// The newest claims that are older than `after`.
pub fn list_claims(
    tx: &Tx,
    tenant: Option<TenantId>,
    voucher: Option<VoucherId>,
    after: Option<ClaimId>,
    limit: u32,
) -> Result<Vec<Claim>, StoreError> {
    tx.all(LIST, params![&tenant, &voucher, &after, limit], Claim::read)
}

/// The claim on a month of a voucher that was not rejected and not recovered.
pub fn claim_before(tx: &Tx, voucher: VoucherId, month: &str) -> Result<Option<String>, StoreError> {
    tx.find(BEFORE, params![&voucher, month], |row| row.get(0))
}

/// What a voucher keeps for claims that are under way.
pub fn held(tx: &Tx, voucher: VoucherId) -> Result<MicroCny, StoreError> {
    tx.one(HELD, params![&voucher], |row| row.get(0))
}

/// Keeps where a claim stands.
pub fn set_claim(tx: &Tx, claim: &Claim) -> Result<(), StoreError> {
    tx.execute(SET, params![&claim.id, claim.state.code(), &claim.reference])
}

pub fn insert_act(tx: &Tx, act: &ClaimAct) -> Result<(), StoreError> {
    act.insert(tx, INSERT_ACT)
}

/// What was done with a claim, in order.
pub fn acts_of_claim(tx: &Tx, claim: &Claim) -> Result<Vec<ClaimAct>, StoreError> {
    tx.all(ACTS, params![&claim.id], ClaimAct::read)
}
