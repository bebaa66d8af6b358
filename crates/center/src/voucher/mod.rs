//! The books of vouchers 算力券: what moves between pots, vouchers and contracts. `redeem` has vouchers pay their share of a charge
//! in the transaction that posts it; `keep` gives vouchers their face, and takes back what is left of them.
//!
//! What can be asked of programmes, vouchers and claims is a noun of the public compute service.

pub mod keep;
pub mod redeem;

use base::{
    auth::Action,
    detail::Detail,
    events::Kind,
    notice::topic::{Audience, Topic},
};
use domain::{
    Role,
    voucher::{ClaimState, ClaimStep, FundingState, VoucherState},
};
use serde_json::Value;

use crate::{
    actions::{AMOUNT, NUMBER, REASON, SLUG},
    notices::topics::{BOTH, OF_MONEY},
};

/// A voucher was granted, given its face, or ended.
pub const CHANGED: Kind = Kind::new("voucher_changed").tells(&[Topic {
    code: "voucher_changed",
    to: OF_MONEY,
    when: |_| true,
    by_default: BOTH,
    page: "/vouchers/{number}",
    words: &[("state", "voucher-state")],
}]);
/// A claim took a step.
pub const CLAIM_CHANGED: Kind = Kind::new("claim_changed").tells(&[
    of_claim("claim_changed", OF_MONEY, |_| true),
    of_claim("claim_to_verify", &[Audience::Center(Role::CenterFinance)], |data| {
        data["state"] == "submitted"
    }),
    of_claim("claim_to_audit", &[Audience::Center(Role::DataBureau)], |data| data["state"] == "verified"),
    of_claim("claim_to_pay", &[Audience::Center(Role::FinanceBureau)], |data| data["state"] == "audited"),
]);

const fn of_claim(code: &'static str, to: &'static [Audience], when: fn(&Value) -> bool) -> Topic {
    Topic {
        code,
        to,
        when,
        by_default: BOTH,
        page: "/vouchers/claims/{number}",
        words: &[("state", "claim-state")],
    }
}

pub const STATE: Detail = Detail::word::<VoucherState>("state", "voucher-state");
const REFERENCE: Detail = Detail::text("reference");
const STEP: Detail = Detail::word::<ClaimStep>("step", "claim-step");

/// Programmes are public: whoever may apply looks at their rules first.
pub const READ_PROGRAMME: Action = Action::new("read_programme", "read_public");
pub const MANAGE_PROGRAMME: Action = Action::new("manage_programme", "run_center").keeps(&[SLUG, AMOUNT]);
pub const PROPOSE_FUNDING: Action =
    Action::new("propose_funding", "keep_money").keeps(&[SLUG, AMOUNT, REFERENCE]);
pub const DECIDE_FUNDING: Action = Action::new("decide_funding", "keep_money").keeps(&[
    SLUG,
    AMOUNT,
    REFERENCE,
    Detail::word::<FundingState>("state", "funding-state"),
]);
/// Vouchers, and claims with their evidence.
pub const READ: Action = Action::new("read_voucher", "read_vouchers");
pub const APPLY: Action = Action::new("apply_for_voucher", "claim_vouchers").keeps(&[NUMBER, SLUG, AMOUNT]);
pub const REVOKE: Action = Action::new("revoke_voucher", "keep_contracts").keeps(&[NUMBER, REASON, AMOUNT]);
const CLAIM_KEEPS: &[Detail] =
    &[NUMBER, AMOUNT, STEP, Detail::word::<ClaimState>("state", "claim-state"), REASON, REFERENCE];
pub const CLAIM: Action = Action::new("claim_voucher", "claim_vouchers").keeps(CLAIM_KEEPS);
pub const VERIFY: Action = Action::new("verify_claim", "keep_money").keeps(CLAIM_KEEPS);
pub const AUDIT: Action = Action::new("audit_claim", "audit_claims").keeps(CLAIM_KEEPS);
pub const PAY: Action = Action::new("pay_claim", "pay_claims").keeps(CLAIM_KEEPS);
/// The pot gave a voucher its face.
pub const ISSUE: Action = Action::deed("issue_voucher").keeps(&[NUMBER, AMOUNT]);
/// The time of a voucher is over.
pub const EXPIRE: Action = Action::deed("expire_voucher").keeps(&[NUMBER, STATE, AMOUNT]);
