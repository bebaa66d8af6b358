//! Who may do what with amendments, and which contracts take one.

use base::auth::Action;
use domain::ContractState;

/// Whoever draws up contracts draws up amendments.
pub const DRAW_UP: Action = Action::new("submit_amendment", "administer");
pub const DECIDE: Action = Action::new("decide_amendment", "keep_contracts");
/// An approved amendment came into force.
pub const ENFORCE: Action = Action::deed("enforce_amendment");

/// Whether a contract in this state has terms in force, which can be amended.
pub fn has_terms(state: ContractState) -> bool {
    matches!(state, ContractState::Active | ContractState::Exhausted | ContractState::Suspended)
}
