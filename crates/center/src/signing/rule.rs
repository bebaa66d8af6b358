//! Who may do what with the texts of contracts, who signs for which side, and when a contract is renewed and for how long.

use base::{
    auth::Action,
    detail::{Detail, Reads},
};
use domain::{ContractState, Millis, Role, Timestamp, Zone};
use store::texts::Side;

use crate::{
    actions::{NUMBER, REASON},
    settings::SigningSettings,
};

/// How long before its end a contract may be renewed.
pub const RENEW_DAYS: i64 = 30;

const VERSION: Detail = Detail::count("version");
const SHA256: Detail = Detail::text("sha256");

/// Whoever draws up contracts has their texts made.
pub const MAKE: Action = Action::new("make_contract_text", "administer").keeps(&[NUMBER, VERSION, SHA256]);
pub const SIGN: Action = Action::new("sign_contract", "sign").keeps(&[
    NUMBER,
    VERSION,
    SHA256,
    Detail::word::<Side>("side", "side"),
    Detail::word::<store::texts::Factor>("factor", "factor"),
]);
pub const RENEW: Action = Action::new("renew_contract", "administer").keeps(&[
    NUMBER,
    Detail::text("renews"),
    Detail::new("from", Reads::Instant),
    Detail::new("until", Reads::Instant),
    REASON,
]);

/// The side that a member of this role signs for, if they sign at all.
pub fn side_of(settings: &SigningSettings, role: Role) -> Option<Side> {
    let (side, roles) = if role.is_of_center() {
        (Side::Center, &settings.center_roles)
    } else {
        (Side::Tenant, &settings.tenant_roles)
    };
    roles.contains(&role).then_some(side)
}

/// Whether the text of a contract in this state may be made: as long as nothing was booked for it.
pub fn takes_text(state: ContractState) -> bool {
    matches!(state, ContractState::Draft | ContractState::Submitted | ContractState::Approved)
}

/// Whether a contract in this state has a term that another one could follow.
pub fn has_term(state: ContractState) -> bool {
    use ContractState as S;
    matches!(state, S::Active | S::Exhausted | S::Suspended | S::Expired)
}

/// From when on a contract that ends then may be renewed.
pub fn renewable_from(ends_at: Timestamp) -> Timestamp {
    ends_at.minus(Millis::from_hours(24 * RENEW_DAYS))
}

/// The end of the term that follows `[starts_at, ends_at)`: as many months on where it has whole ones, as long as it otherwise.
pub fn next_end(zone: &Zone, starts_at: Timestamp, ends_at: Timestamp) -> Timestamp {
    let same_length = ends_at.plus(ends_at.since(starts_at));
    let date = |at: Timestamp| {
        let text = zone.date(at);
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        Some((parts.next()??, parts.next()??, parts.next()??))
    };
    let begins_a_day = |at: Timestamp| zone.day_begins(zone.day(at)) == at;
    let (Some(from), Some(to)) = (date(starts_at), date(ends_at)) else { return same_length };
    if from.2 != to.2 || !begins_a_day(starts_at) || !begins_a_day(ends_at) {
        return same_length;
    }
    let months = (to.0 * 12 + to.1) - (from.0 * 12 + from.1);
    let of_end = to.0 * 12 + (to.1 - 1) + months;
    let wanted = format!("{:04}-{:02}-{:02}", of_end / 12, of_end % 12 + 1, to.2);
    // A month may lack that day.
    zone.parse(&wanted).unwrap_or(same_length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_followed_by_one_of_as_many_months() {
        let zone = Zone::default();
        let at = |text: &str| zone.parse(text).unwrap();
        let next = |from: &str, to: &str| zone.date(next_end(&zone, at(from), at(to)));
        // A year with a leap day in the next.
        assert_eq!(next("2026-07-01", "2027-07-01"), "2028-07-01");
        assert_eq!(next("2026-11-30", "2027-05-30"), "2027-11-30");
        assert_eq!(next("2026-12-15", "2027-01-15"), "2027-02-15");
        // No whole months, and a day that the month lacks: as long as it was.
        assert_eq!(next("2026-07-01", "2026-07-11"), "2026-07-21");
        assert_eq!(next("2026-12-31", "2027-01-31"), "2027-03-03");
        let (from, to) = (at("2026-07-01T08:00:00+08:00"), at("2026-08-01T08:00:00+08:00"));
        assert_eq!(next_end(&zone, from, to).since(to), to.since(from));
    }

    #[test]
    fn roles_sign_for_their_own_side() {
        let settings = SigningSettings::default();
        for (role, side) in [
            (Role::Operator, Some(Side::Center)),
            (Role::Contracts, Some(Side::Center)),
            (Role::CenterFinance, None),
            (Role::Auditor, None),
            (Role::Admin, Some(Side::Tenant)),
            (Role::Finance, None),
            (Role::Developer, None),
        ] {
            assert_eq!(side_of(&settings, role), side, "{role:?}");
        }
        let finance = SigningSettings { tenant_roles: vec![Role::Finance], ..settings };
        assert_eq!(
            (side_of(&finance, Role::Finance), side_of(&finance, Role::Admin)),
            (Some(Side::Tenant), None)
        );
    }
}
