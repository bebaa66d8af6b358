//! What an issuer says of somebody, and which places that gives: no I/O.

use std::collections::BTreeMap;

use base::{auth::Action, detail::Detail, events::Kind};
use domain::{MemberId, Millis, PersonId, Role, Timestamp};
use serde_json::{Map, Value};
use store::credentials::Way;

use crate::settings::oidc::{OidcSettings, Place};

domain::ids! {
    /// Who somebody is at an issuer.
    IdentityId of Known = "idn_", "identity";
}

/// Which issuers sign people in, and how each fares.
pub const READ: Action = Action::new("read_issuer", "read");
/// Somebody came by an issuer for the first time.
pub const COME: Action =
    Action::deed("come_by_issuer").keeps(&[Detail::text("login"), Detail::text("issuer")]);
/// An issuer's groups gave somebody a role, or took it away.
pub const GIVE: Action = Action::deed("give_role_by_issuer").keeps(&[
    Detail::text("login"),
    Detail::text("issuer"),
    Detail::word::<Role>("role", "role"),
    Detail::yes_no("is_enabled"),
]);
/// A person bound their account to who they are at an issuer, or loosed it.
pub const LINK: Action = Action::deed("link_identity").keeps(&[
    Detail::text("login"),
    Detail::text("issuer"),
    Detail::yes_no("is_removed"),
]);
/// An issuer ended sessions.
pub const END: Action = Action::deed("end_sessions_by_issuer").keeps(&[
    Detail::text("login"),
    Detail::text("issuer"),
    Detail::count("sessions"),
]);

/// Somebody came by an issuer, and has no place.
pub const PERSON_PENDING: Kind = Kind::new("person_pending");
/// An issuer left out claims that give roles.
pub const CLAIM_ABSENT: Kind = Kind::new("claim_absent");
/// An issuer's groups would have left the center without an operator.
pub const OPERATOR_KEPT: Kind = Kind::new("operator_kept");
/// A directory or an issuer has somebody out.
pub const MEMBER_OUT: Kind = Kind::new("member_out");

/// Somebody who has signed in so lately may bind their account to another way in.
pub const RECENT: Millis = Millis::from_secs(15 * 60);
/// The most identities that a list of those without a place has.
pub const MOST_LISTED: u32 = 500;
/// The most identities of one person.
pub const MOST_OF_ONE: usize = 20;

/// The words of `amr` (RFC 8176) that tell of a second factor: several, over several channels, a one-time code, a key in
/// hardware, a smart card.
const FACTORS: [&str; 5] = ["mfa", "mca", "otp", "hwk", "sc"];

/// Whether an issuer says that a second factor was used.
pub fn has_factor(issuer: &OidcSettings, claims: &Map<String, Value>) -> bool {
    let amr = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    let acr = claims.get("acr").and_then(Value::as_str);
    amr.filter_map(Value::as_str).any(|word| FACTORS.contains(&word))
        || acr.is_some_and(|acr| issuer.second_factor_acr.iter().any(|good| good == acr))
}

/// How somebody goes on whom an issuer signed in; none: by a code of the center's own second factor. Whoever has none to
/// show where one is asked for goes on to set it up, and nowhere else.
pub fn way_on(has_factor: bool, is_asked: bool, is_bound: bool) -> Option<Way> {
    match (has_factor, is_asked && is_bound) {
        (true, _) => Some(Way::IssuerWithFactor),
        (false, false) => Some(Way::Issuer),
        (false, true) => None,
    }
}

/// Who somebody is at an issuer, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub id: IdentityId,
    /// The issuer's address.
    pub issuer: String,
    pub subject: String,
    pub person: PersonId,
    /// As the issuer told it last; empty where it did not.
    pub email: String,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}

/// By whom a membership is given, as it is kept.
pub fn giver(issuer: &OidcSettings) -> String {
    format!("oidc:{}", issuer.name)
}

/// A claim by its name, or by the way to it with dots between.
pub fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut steps = name.split('.');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

/// A group's name as it is compared: without the slash that Keycloak begins it with, in small letters.
pub fn folded(name: &str) -> String {
    name.strip_prefix('/').unwrap_or(name).to_lowercase()
}

/// The values of a claim. `None` where it is absent, or is no text and no list of texts: that says nothing of groups.
fn values(claims: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    match find(claims, name)? {
        Value::String(one) => Some(vec![folded(one)]),
        Value::Array(all) => all.iter().map(|one| one.as_str().map(folded)).collect(),
        Value::Bool(one) => Some(vec![one.to_string()]),
        _ => None,
    }
}

/// What the map says of one place: the center, or a tenant by its short name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This role.
    Role(Role),
    /// This role if the person has none there: a claim is absent, so that a role that is there stays.
    AtLeast(Role),
    /// None.
    None,
    /// A claim is absent: whatever is there stays.
    Unknown,
}

/// What the map says of all places that it names, and which of its claims are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub places: BTreeMap<Option<String>, Wanted>,
    pub absent: Vec<String>,
}

/// The places of somebody with these claims. The first line of the map that fits a place decides.
pub fn plan(issuer: &OidcSettings, claims: &Map<String, Value>) -> Plan {
    let mut plan = Plan::default();
    let mut silent: Vec<Option<String>> = Vec::new();
    let mut given: BTreeMap<Option<String>, Role> = BTreeMap::new();
    for line in &issuer.map {
        let Some(Place { tenant, role }) = issuer.place(line) else { continue };
        plan.places.entry(tenant.clone()).or_insert(Wanted::None);
        match values(claims, &line.claim) {
            None => {
                if !plan.absent.contains(&line.claim) {
                    plan.absent.push(line.claim.clone());
                }
                silent.push(tenant);
            }
            Some(values) if values.contains(&folded(&line.value)) => {
                given.entry(tenant).or_insert(role);
            }
            Some(_) => {}
        }
    }
    if let Some(Place { tenant, role }) = issuer.joined().filter(|_| may_join(issuer, claims)) {
        plan.places.entry(tenant.clone()).or_insert(Wanted::None);
        given.entry(tenant).or_insert(role);
    }
    for (place, wanted) in &mut plan.places {
        *wanted = match (given.get(place), silent.contains(place)) {
            (Some(role), false) => Wanted::Role(*role),
            (Some(role), true) => Wanted::AtLeast(*role),
            (None, false) => Wanted::None,
            (None, true) => Wanted::Unknown,
        };
    }
    plan
}

/// Whether somebody with these claims is among those who join without a group.
fn may_join(issuer: &OidcSettings, claims: &Map<String, Value>) -> bool {
    let Some(rule) = &issuer.auto_join else { return false };
    if rule.email_domains.is_empty() {
        return true;
    }
    let is_verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)))
        || claims.get("email_verified").and_then(Value::as_str) == Some("true");
    let email = claims.get("email").and_then(Value::as_str).unwrap_or_default();
    is_verified && rule.email_domains.iter().any(|domain| is_of_domain(email, domain))
}

/// Whether an address is of a domain: of that one, not of one below it.
pub fn is_of_domain(email: &str, domain: &str) -> bool {
    email.trim().rsplit_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
}

/// What is to be done at a place, by what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Make(Role),
    Set(MemberId, Role),
    TakeAway(MemberId),
}

/// A membership as it is there.
#[derive(Clone, Debug)]
pub struct There {
    pub id: MemberId,
    pub role: Role,
    pub is_enabled: bool,
    pub given_by: Option<String>,
}

/// What `giver` does at a place. What others gave, by hand or otherwise, is never touched.
pub fn deed(wanted: &Wanted, there: Option<&There>, giver: &str) -> Option<Deed> {
    let Some(there) = there else {
        return match wanted {
            Wanted::Role(role) | Wanted::AtLeast(role) => Some(Deed::Make(*role)),
            Wanted::Unknown | Wanted::None => None,
        };
    };
    if there.given_by.as_deref() != Some(giver) {
        return None;
    }
    match wanted {
        Wanted::Role(role) => {
            (there.role != *role || !there.is_enabled).then_some(Deed::Set(there.id, *role))
        }
        Wanted::AtLeast(role) => (!there.is_enabled).then_some(Deed::Set(there.id, *role)),
        Wanted::None => there.is_enabled.then_some(Deed::TakeAway(there.id)),
        Wanted::Unknown => None,
    }
}

/// A login made of what an issuer calls somebody, of letters that a login may have; `number` tells it from those that are
/// there already.
pub fn login(claims: &Map<String, Value>, subject: &str, number: u32) -> String {
    let told = ["preferred_username", "email"].into_iter().find_map(|name| claims.get(name)?.as_str());
    let clean = |text: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || "@._-+".contains(*c)).take(52).collect()
    };
    let of_told = told.map(clean).filter(|login| !login.is_empty());
    let login = of_told.or_else(|| Some(clean(subject)).filter(|login| !login.is_empty()));
    let login = login.unwrap_or_else(|| "person".to_owned());
    if number < 2 { login } else { format!("{login}-{number}") }
}

/// The name by which an issuer calls somebody; the login where it says none.
pub fn name(claims: &Map<String, Value>, login: &str) -> String {
    let told = claims.get("name").and_then(Value::as_str).unwrap_or_default();
    let line: String = told.chars().filter(|c| !c.is_control()).take(64).collect();
    let line = line.trim().to_owned();
    if line.is_empty() { login.to_owned() } else { line }
}

#[cfg(test)]
mod tests;
