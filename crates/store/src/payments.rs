//! Payments: each reference once, whatever contract it was for.

use std::collections::BTreeMap;

use domain::{CardMs, ContractId, MemberId, MicroCny, Timestamp, codes};

use crate::db::{Record, Row, StoreError, Tx, params, rows, statements};

codes! {
    /// The purpose of a payment.
    pub enum Purpose {
        /// The balance of a contract, or more card time of a package.
        Balance = "balance",
        /// The fee of a package or of reserved cards.
        Fee = "fee",
    }
}

codes! {
    /// A kind of move that changes the open part of a contract's fee.
    pub enum FeeMove {
        /// The fee became due.
        Fee = "fee",
        Payment = "payment",
        /// A payment was taken back.
        Reversal = "reversal",
        /// A part of the fee is due no more, as people ended the contract.
        Cancelled = "cancelled",
    }
}

/// Something that moved how much of a contract's fee is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeMoved {
    pub at: Timestamp,
    pub what: FeeMove,
    /// The payment's; empty for the fee itself.
    pub reference: String,
    /// The amount that it adds to the open part; below 0 where it takes from it.
    pub amount: MicroCny,
}

/// Money or card time that was booked under a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The reference as references are compared: see [`key`].
    pub reference: String,
    pub contract: ContractId,
    pub purpose: Purpose,
    /// The reference as it was given.
    pub given_as: String,
    pub amount_micro_cny: MicroCny,
    pub card_ms: CardMs,
    /// The bank, the date and who paid; empty where nobody said.
    pub bank: String,
    pub paid_on: String,
    pub payer: String,
    pub booked_at: Timestamp,
    pub booked_by: Option<MemberId>,
}

rows! { payment: Payment =
    reference, contract, purpose as code, given_as, amount_micro_cny, card_ms, bank, paid_on, payer, booked_at, booked_by
}

statements! { "payments", unique: { "payments.reference": "a payment with this reference" };
    INSERT = payment!(insert into "payments");
    FIND = concat!("SELECT ", payment!(columns), " FROM payments WHERE reference = ?1");
    FEE_MOVES = "SELECT at, 'fee', '', amount FROM transfers \
                 WHERE credit_contract = ?1 AND credit = 'contract' AND cause = 'fee' AND unit = 'micro_cny' \
                 UNION ALL SELECT booked_at, 'payment', given_as, -amount_micro_cny FROM payments \
                 WHERE contract = ?1 AND purpose = 'fee' \
                 UNION ALL SELECT c.decided_at, 'reversal', p.given_as, c.amount_micro_cny FROM corrections c \
                 JOIN payments p ON p.reference = c.corrects \
                 WHERE p.contract = ?1 AND p.purpose = 'fee' AND c.kind = 'reversal' AND c.state = 'booked' \
                 UNION ALL SELECT at, 'cancelled', '', -amount FROM transfers \
                 WHERE debit_contract = ?1 AND cause = 'fee_cancelled' \
                 ORDER BY 1, 2, 3";
    FEES = "SELECT contract, CAST(SUM(amount_micro_cny) AS BIGINT) FROM payments WHERE purpose = 'fee' \
            AND NOT EXISTS (SELECT 1 FROM corrections AS c \
                            WHERE c.corrects = payments.reference AND c.kind = 'reversal' AND c.state = 'booked') \
            GROUP BY contract";
    CANCELLED = "SELECT debit_contract, CAST(SUM(amount) AS BIGINT) FROM transfers WHERE cause = 'fee_cancelled' \
                 AND debit_contract IS NOT NULL GROUP BY debit_contract";
}

/// All that moved how much of a contract's fee is open, oldest first. None of it but the fee itself is on the contract's account.
pub fn fee_moves(tx: &Tx, contract: ContractId) -> Result<Vec<FeeMoved>, StoreError> {
    tx.all(FEE_MOVES, params![&contract], |row| {
        Ok(FeeMoved {
            at: row.get(0)?,
            what: row.code(1)?,
            reference: row.get(2)?,
            amount: MicroCny(row.get(3)?),
        })
    })
}

/// A reference as references are compared: without blanks around it, in small letters.
pub fn key(reference: &str) -> String {
    reference.trim().to_lowercase()
}

pub fn insert(tx: &Tx, payment: &Payment) -> Result<(), StoreError> {
    payment.insert(tx, INSERT)
}

/// The payment with a reference, however that is written.
pub fn find(tx: &Tx, reference: &str) -> Result<Option<Payment>, StoreError> {
    tx.find(FIND, params![&key(reference)], Payment::read)
}

/// How much of their fees is not open any more for each contract: it was paid and not taken back, or is due no more.
pub fn fees_settled(tx: &Tx) -> Result<BTreeMap<ContractId, MicroCny>, StoreError> {
    let read = |row: Row<'_>| Ok((row.get::<ContractId>(0)?, row.get::<i64>(1)?));
    let mut settled: BTreeMap<ContractId, MicroCny> = BTreeMap::new();
    for (contract, amount) in
        tx.all(FEES, params![], read)?.into_iter().chain(tx.all(CANCELLED, params![], read)?)
    {
        settled.entry(contract).or_default().0 += amount;
    }
    Ok(settled)
}
