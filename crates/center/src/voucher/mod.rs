//! The books of vouchers 算力券: what moves between pots, vouchers and contracts. `redeem` has vouchers pay their share of a charge
//! in the transaction that posts it; `keep` gives vouchers their face, and takes back what is left of them.
//!
//! What can be asked of programmes, vouchers and claims is a noun of the public compute service.

pub mod keep;
pub mod redeem;
#[cfg(test)]
mod tests;

use base::{auth::Action, detail::Detail, events::Kind};
use domain::voucher::VoucherState;

use crate::actions::{AMOUNT, NUMBER};

/// A voucher was granted, given its face, or ended.
pub const CHANGED: Kind = Kind::new("voucher_changed");

pub const STATE: Detail = Detail::word::<VoucherState>("state", "voucher-state");
/// The pot gave a voucher its face.
pub const ISSUE: Action = Action::deed("issue_voucher").keeps(&[NUMBER, AMOUNT]);
/// The time of a voucher is over.
pub const EXPIRE: Action = Action::deed("expire_voucher").keeps(&[NUMBER, STATE, AMOUNT]);
