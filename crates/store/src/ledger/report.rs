//! What a check of the whole ledger comes to.

use domain::CardMs;

use super::fault::Fault;

/// How many faults are told in words.
const MOST_TOLD: usize = 20;

/// The outcome of a check of the whole ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct LedgerReport {
    /// Debits equal credits in each unit, counted account by account.
    pub is_balanced: bool,
    /// The kept sums are those of the transfers.
    pub sums_agree: bool,
    /// For every run the amount posted is the amount metered; for every run that has ended, this is what its
    /// times and its rate say.
    pub runs_agree: bool,
    /// The card time posted for the runs that have ended is the card time that they had, less what is waived.
    pub occupancy_agrees: bool,
    /// The rate of every run that names a price book is that of the book and the contract.
    pub rates_agree: bool,
    /// No fee of reserved cards is earned before its part of the term has passed.
    pub terms_agree: bool,
    /// No pot and no voucher ever had less than nothing, and each voucher has paid what it may.
    pub vouchers_agree: bool,
    pub transfers: u64,
    pub runs: u64,
    /// The card time posted for runs that have ended.
    pub posted_card_ms: CardMs,
    /// The card time that these runs had.
    pub occupied_card_ms: CardMs,
    /// The first 20 faults.
    pub faults: Vec<Fault>,
}

impl LedgerReport {
    pub fn is_right(&self) -> bool {
        self.is_balanced
            && self.sums_agree
            && self.runs_agree
            && self.occupancy_agrees
            && self.rates_agree
            && self.terms_agree
            && self.vouchers_agree
    }

    pub(super) fn fault(&mut self, fault: impl FnOnce() -> Fault) {
        if self.faults.len() < MOST_TOLD {
            self.faults.push(fault());
        }
    }
}
