//! Who may do what with amendments, and which contracts take one.

use base::{
    auth::Action,
    detail::{Detail, Reads},
};
use domain::ContractState;
use store::amendments::AmendmentState;

use crate::actions::{NUMBER, REASON};

const CONTRACT: Detail = Detail::text("contract");
const CHANGES: Detail = Detail::text("changes");
const STATE: Detail = Detail::word::<AmendmentState>("state", "amendment-state");
const FROM: Detail = Detail::new("from", Reads::Instant);

/// Whoever draws up contracts draws up amendments.
pub const DRAW_UP: Action =
    Action::new("submit_amendment", "administer").keeps(&[NUMBER, CONTRACT, CHANGES, REASON]);
pub const DECIDE: Action =
    Action::new("decide_amendment", "keep_contracts").keeps(&[NUMBER, CONTRACT, CHANGES, REASON, STATE]);
/// An approved amendment came into force.
pub const ENFORCE: Action = Action::deed("enforce_amendment").keeps(&[NUMBER, CONTRACT, FROM]);

/// Whether a contract in this state has terms in force, which can be amended.
pub fn has_terms(state: ContractState) -> bool {
    matches!(state, ContractState::Active | ContractState::Exhausted | ContractState::Suspended)
}
