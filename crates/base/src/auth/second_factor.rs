//! Who must have a second factor. Whoever must and has none may set one up, and nothing else.

use domain::{Member, codes};

/// The page on which a second factor is set up, with all that belongs to it.
pub const PAGE: &str = "/second-factor";

codes! {
    /// Whose second factor the settings ask for.
    #[derive(Default)]
    pub enum SecondFactorOf {
        #[default]
        Nobody = "nobody",
        /// Of whoever is one of the center's own people, wherever else they are a member.
        Center = "center",
        Everybody = "everybody",
    }
}

impl SecondFactorOf {
    /// Whether a person with these memberships must have one.
    pub fn is_asked_of(self, memberships: &[Member]) -> bool {
        match self {
            Self::Nobody => false,
            Self::Center => memberships.iter().any(|member| member.is_enabled && member.tenant.is_none()),
            Self::Everybody => true,
        }
    }
}

/// Whether somebody who has none yet, and must, may ask for that path of the portal.
pub fn is_open(path: &str) -> bool {
    let below = path.strip_prefix(PAGE);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) || path == "/sign-out"
}

#[cfg(test)]
mod tests {
    use domain::{MemberId, PersonId, Role, TenantId, Timestamp};

    use super::*;

    #[test]
    fn the_settings_say_who_must_have_one() {
        let member = |tenant: Option<u8>, is_enabled: bool| Member {
            id: MemberId::from_bytes([1; 16]),
            person: PersonId::from_bytes([2; 16]),
            tenant: tenant.map(|n| TenantId::from_bytes([n; 16])),
            login: "li".into(),
            name: "Li".into(),
            role: if tenant.is_none() { Role::Operator } else { Role::Admin },
            is_enabled,
            created_at: Timestamp::from_secs(0),
        };
        let of_tenant = [member(Some(7), true)];
        let of_both = [member(Some(7), true), member(None, true)];
        let was_of_center = [member(Some(7), true), member(None, false)];
        let asked =
            |of: SecondFactorOf| [&of_tenant[..], &of_both, &was_of_center].map(|all| of.is_asked_of(all));
        assert_eq!(asked(SecondFactorOf::Nobody), [false; 3]);
        assert_eq!(asked(SecondFactorOf::Center), [false, true, false]);
        assert_eq!(asked(SecondFactorOf::Everybody), [true; 3]);
    }

    #[test]
    fn the_page_of_the_second_factor_is_open_and_none_that_only_begins_alike() {
        for (path, want) in [
            ("/second-factor", true),
            ("/second-factor/confirm", true),
            ("/sign-out", true),
            ("/second-factors", false),
            ("/", false),
            ("/tokens", false),
            ("/sign-in/as", false),
        ] {
            assert_eq!(is_open(path), want, "{path}");
        }
    }
}
