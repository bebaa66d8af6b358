//! Who may see and set budgets, and what the center tells of them.

use base::{
    auth::{Action, Caller},
    detail::Detail,
    events::Kind,
    notice::topic::Topic,
};
use domain::{
    Role, TenantId,
    budget::{SpanKind, Whose, WhoseKind},
    ledger::Unit,
};

use crate::notices::topics::{BOTH, OF_MONEY};

/// How budgets stand.
pub const READ: Action = Action::new("read_budget", "read_account");
pub const MANAGE: Action = Action::new("manage_budget", "keep_budgets").keeps(&[
    Detail::word::<WhoseKind>("whose", "budget-whose"),
    Detail::text("name"),
    Detail::word::<SpanKind>("span", "budget-span"),
    Detail::word::<Unit>("unit", "budget-unit"),
    Detail::text("budget"),
    Detail::text("shares"),
    Detail::yes_no("hard_stop"),
    Detail::yes_no("is_removed"),
]);

/// A share of a budget is used.
pub const ALERT: Kind = Kind::new("budget_alert").tells(&[Topic {
    code: "budget_alert",
    to: OF_MONEY,
    when: |_| true,
    by_default: BOTH,
    page: "/budgets/{budget}",
    words: &[],
}]);

/// The most budgets of one tenant.
pub const MOST_BUDGETS: u64 = 1000;
/// The shares that are told of where nobody says.
pub const USUAL_ALERTS: [i64; 3] = [50, 80, 100];

/// Whether a caller sees a budget: developers those that bind them, everybody else all of their tenant's.
pub fn is_seen(caller: &Caller, tenant: TenantId, whose: Whose) -> bool {
    let is_bound = match whose {
        Whose::Project(_) => true,
        Whose::Member(member) => member == caller.member.id,
    };
    caller.sees(tenant) && (is_bound || caller.member.role != Role::Developer)
}
