//! Who may let a directory keep people, and what a directory is.

use base::{auth::Action, detail::Detail};
use domain::{MemberId, Millis, PersonId, Role, TenantId, Timestamp};
use serde_json::{Map, Value};

use crate::{
    oidc::rule::{Plan, Wanted, folded},
    settings::oidc::{OidcSettings, Place},
};

domain::ids! {
    /// With which a directory keeps people.
    ScimTokenId of OfDirectory = "sct_", "directory's token";
    /// Somebody as a directory keeps them.
    ScimUserId of ScimUserKind = "scu_", "user";
    /// A group of a directory.
    ScimGroupId of ScimGroupKind = "scg_", "group";
}

pub const READ: Action = Action::new("read_scim_token", "administer_read");
pub const MANAGE: Action = Action::new("manage_scim_token", "administer").keeps(&[
    Detail::text("name"),
    Detail::word::<Role>("role", "role"),
    Detail::yes_no("is_removed"),
]);
/// A directory made, changed or removed somebody.
pub const KEEP: Action = Action::deed("keep_person_by_directory").keeps(&[
    Detail::text("login"),
    Detail::text("directory"),
    Detail::yes_no("is_enabled"),
    Detail::yes_no("is_removed"),
]);

/// What begins a directory's token, by which a search finds a leaked one.
pub const PREFIX: &str = "qt_scim_";
/// How long a token is good for.
pub const GOOD_FOR: Millis = Millis::from_hours(24 * 365);
/// The most tokens of one tenant, or of the center.
pub const MOST_TOKENS: usize = 20;
/// The most people of one directory, and the most groups.
pub const MOST_USERS: usize = 100_000;
pub const MOST_GROUPS: usize = 10_000;

/// The token of a directory, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimToken {
    pub id: ScimTokenId,
    /// `None`: the center.
    pub tenant: Option<TenantId>,
    pub name: String,
    /// The role of those to whom no group gives one; empty for none.
    pub role: String,
    pub hash: [u8; 32],
    pub made_by: MemberId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// Somebody as a directory keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimUser {
    pub id: ScimUserId,
    pub tenant: Option<TenantId>,
    pub person: PersonId,
    pub user_name: String,
    pub user_name_folded: String,
    pub external_id: Option<String>,
    pub is_active: bool,
    /// What else the directory said: name, display name, addresses.
    pub resource: Map<String, Value>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimGroup {
    pub id: ScimGroupId,
    pub tenant: Option<TenantId>,
    pub display_name: String,
    pub external_id: Option<String>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

/// By whom memberships are given that a directory gives, as they are kept.
pub fn giver(slug: Option<&str>) -> String {
    format!("scim:{}", slug.unwrap_or("-"))
}

/// The places that a directory's groups give, by the maps of the issuers: those of the tenant's where it is a tenant's
/// directory, all of them where it is the center's. `role` is that of those without a group, at the directory's own place.
pub fn plan(issuers: &[&OidcSettings], own: Option<&str>, groups: &[String], role: Option<Role>) -> Plan {
    let groups: Vec<String> = groups.iter().map(|name| folded(name)).collect();
    let mut plan = Plan::default();
    for issuer in issuers {
        for line in &issuer.map {
            let Some(Place { tenant, role }) = issuer.place(line) else { continue };
            if own.is_some() && tenant.as_deref() != own {
                continue;
            }
            let wanted = plan.places.entry(tenant).or_insert(Wanted::None);
            if *wanted == Wanted::None && groups.contains(&folded(&line.value)) {
                *wanted = Wanted::Role(role);
            }
        }
    }
    if let Some(role) = role {
        let wanted = plan.places.entry(own.map(str::to_owned)).or_insert(Wanted::None);
        if *wanted == Wanted::None {
            *wanted = Wanted::Role(role);
        }
    }
    plan
}
