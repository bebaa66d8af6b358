//! Vouchers 算力券: programmes of authorities that pay a share of what tenants compute for. Their words, their rules as data,
//! and how much a voucher pays. Integers only.

mod rules;
mod share;

use crate::codes;

pub use rules::{Asked, Finding, Rule, RulesFault, Terms, When};
pub use share::{Standing, due, share_of};

codes! {
    /// Whose programme it is.
    pub enum Level {
        City = "city",
        Province = "province",
    }

    /// How a voucher pays.
    pub enum Mode {
        /// Its share comes off at once, with each charge.
        Deduct = "deduct",
        /// The tenant pays first and claims the share of closed months: 先付后补.
        Reimburse = "reimburse",
    }

    /// Whose cards are computed on.
    pub enum FacilityKind {
        Domestic = "domestic",
        Other = "other",
    }

    /// The use that a tenant declares.
    pub enum Usage {
        Training = "training",
        Inference = "inference",
        /// Services of models that are on file.
        Maas = "maas",
    }

    /// The size that a tenant declares.
    pub enum TenantSize {
        /// A small or medium-sized enterprise.
        Sme = "sme",
        Large = "large",
    }

    /// Where a voucher stands.
    pub enum VoucherState {
        /// It is granted, and the pot has not enough for its face.
        Waiting = "waiting",
        Active = "active",
        /// Its time is over; what was left went back to the pot.
        Expired = "expired",
        /// People took it back.
        Revoked = "revoked",
    }

    /// Where a claim stands.
    pub enum ClaimState {
        Draft = "draft",
        Submitted = "submitted",
        /// The center found its figures to be those of the books.
        Verified = "verified",
        /// The data bureau has audited it.
        Audited = "audited",
        /// The finance bureau has paid it.
        Paid = "paid",
        Rejected = "rejected",
        /// What was paid came back.
        Recovered = "recovered",
    }

    /// What is done with a claim.
    pub enum ClaimStep {
        Submit = "submit",
        Verify = "verify",
        Audit = "audit",
        Pay = "pay",
        Reject = "reject",
        Recover = "recover",
    }

    /// Where money for a pot stands.
    pub enum FundingState {
        Proposed = "proposed",
        Booked = "booked",
        Refused = "refused",
    }

    /// Why a voucher's money moved.
    pub enum VoucherCause {
        /// An authority put money into a pot.
        Funding = "funding",
        /// A pot gave a voucher its face.
        Issue = "issue",
        /// What a voucher had left went back to the pot.
        Return = "return",
        /// A voucher paid its share of a charge.
        Redemption = "redemption",
        /// The share goes back, as the charge did.
        RedemptionReversal = "redemption_reversal",
        /// The authority paid a claim.
        Reimbursement = "reimbursement",
        /// What was paid on a claim came back.
        Recovery = "recovery",
    }
}

impl ClaimState {
    /// Where a step leads from here; `None` where it is not its turn.
    pub fn after(self, step: ClaimStep) -> Option<Self> {
        use ClaimStep as S;
        Some(match (self, step) {
            (Self::Draft, S::Submit) => Self::Submitted,
            (Self::Submitted, S::Verify) => Self::Verified,
            (Self::Verified, S::Audit) => Self::Audited,
            (Self::Audited, S::Pay) => Self::Paid,
            (Self::Draft | Self::Submitted | Self::Verified | Self::Audited, S::Reject) => Self::Rejected,
            (Self::Paid, S::Recover) => Self::Recovered,
            _ => return None,
        })
    }

    /// Whether its amount is kept for it on the voucher.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Submitted | Self::Verified | Self::Audited)
    }

    /// Whether nothing can happen to it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Rejected | Self::Recovered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_goes_its_way_and_no_other() {
        use ClaimStep as S;
        let way = [S::Submit, S::Verify, S::Audit, S::Pay, S::Recover];
        let mut state = ClaimState::Draft;
        for (at, step) in way.into_iter().enumerate() {
            let others = ClaimStep::ALL.into_iter().filter(|other| *other != step && *other != S::Reject);
            for other in others {
                assert_eq!(state.after(other), None, "{state:?} {other:?}");
            }
            assert_eq!(state.after(S::Reject).is_some(), at < 4, "{state:?}");
            state = state.after(step).unwrap();
        }
        assert_eq!(state, ClaimState::Recovered);
        for over in [ClaimState::Recovered, ClaimState::Rejected] {
            assert!(over.is_over() && ClaimStep::ALL.iter().all(|step| over.after(*step).is_none()));
        }
    }
}
