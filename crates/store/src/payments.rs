//! Payments: each reference once, whatever contract it was for.

use domain::{CardMs, ContractId, MemberId, MicroCny, Timestamp};

use crate::db::{Row, StoreError, Tx, params, statements};

/// Money or card time that was booked under a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The reference as references are compared: see [`key`].
    pub reference: String,
    pub contract: ContractId,
    /// The reference as it was given.
    pub given_as: String,
    pub amount: MicroCny,
    pub card_time: CardMs,
    pub booked_at: Timestamp,
    pub booked_by: MemberId,
}

statements! { "payments", unique: { "payments.reference": "a payment with this reference" };
    INSERT = "INSERT INTO payments (reference, contract, given_as, amount_micro_cny, card_ms, booked_at, booked_by) \
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    FIND = "SELECT reference, contract, given_as, amount_micro_cny, card_ms, booked_at, booked_by FROM payments \
            WHERE reference = ?1";
}

/// A reference as references are compared: without blanks around it, in small letters.
pub fn key(reference: &str) -> String {
    reference.trim().to_lowercase()
}

pub fn insert(tx: &Tx, payment: &Payment) -> Result<(), StoreError> {
    let row = params![
        &payment.reference,
        &payment.contract,
        &payment.given_as,
        payment.amount,
        payment.card_time,
        payment.booked_at,
        &payment.booked_by,
    ];
    tx.execute(INSERT, row)
}

/// The payment with a reference, however that is written.
pub fn find(tx: &Tx, reference: &str) -> Result<Option<Payment>, StoreError> {
    tx.find(FIND, params![&key(reference)], |row: Row<'_>| {
        Ok(Payment {
            reference: row.get(0)?,
            contract: row.get(1)?,
            given_as: row.get(2)?,
            amount: row.get(3)?,
            card_time: row.get(4)?,
            booked_at: row.get(5)?,
            booked_by: row.get(6)?,
        })
    })
}
