//! What a directory does with people: makes, changes and removes users, and what that means for persons and places.

use base::{
    audit::{self, Change},
    error::AppError,
    events::Event,
    moment::new_id,
};
use domain::{PersonId, Rfc3339, Role, TenantId, Timestamp, tenant::Person};
use serde_json::{Map, Value, json};
use store::{Tx, tenants};

use super::{
    rows,
    rule::{self, KEEP, ScimToken, ScimUser, ScimUserId},
    wire::{Fault, USER},
};
use crate::{
    oidc::{
        places::{Places, there},
        rule::{self as issuers, Deed},
    },
    person::rule::read_email,
    settings::oidc::OidcSettings,
};

/// A directory at work, in one transaction.
pub struct Directory<'a> {
    pub tx: &'a Tx,
    pub token: &'a ScimToken,
    /// The short name of its tenant; none for the center's.
    pub slug: Option<String>,
    pub issuers: &'a [OidcSettings],
    pub now: Timestamp,
    /// Where this center's SCIM is.
    pub base: &'a str,
    /// Who is to be asked for anew, and what is to be told, after the commit.
    pub persons: Vec<PersonId>,
    pub events: Vec<Event>,
}

impl std::fmt::Debug for Directory<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// A user's name, its name in the directory, whether it is active, and the rest.
type Parts = (String, Option<String>, bool, Map<String, Value>);

/// Those attributes that have columns of their own; the rest is kept as it is.
fn split(mut all: Map<String, Value>) -> Result<Parts, Fault> {
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let name = text(all.remove("userName")).map(|name| name.trim().to_owned()).unwrap_or_default();
    if name.is_empty() {
        return Err(Fault::value("`userName` is missing"));
    }
    let external = text(all.remove("externalId"));
    let is_active = all.remove("active").and_then(|value| value.as_bool()).unwrap_or(true);
    Ok((name, external, is_active, all))
}

/// A user as what can be changed of it.
pub fn joined(user: &ScimUser) -> Map<String, Value> {
    let mut all = user.resource.clone();
    all.insert("userName".into(), json!(user.user_name));
    all.insert("active".into(), json!(user.is_active));
    if let Some(id) = &user.external_id {
        all.insert("externalId".into(), json!(id));
    }
    all
}

impl Directory<'_> {
    pub fn tenant(&self) -> Option<TenantId> {
        self.token.tenant
    }

    pub fn user(&self, id: &str) -> Result<ScimUser, Fault> {
        let found = match id.parse::<ScimUserId>() {
            Ok(id) => rows::find_user(self.tx, self.tenant(), id)?,
            Err(_) => None,
        };
        found.ok_or_else(|| Fault::not_found("user", id))
    }

    /// A user as SCIM sends it.
    pub fn shown(&self, user: &ScimUser) -> Result<Value, Fault> {
        let mut all = joined(user);
        let groups = rows::groups_of(self.tx, user.id)?.into_iter().map(|group| {
            json!({ "value": group.id, "display": group.display_name, "$ref": format!("{}/Groups/{}", self.base, group.id) })
        });
        let groups: Vec<Value> = groups.collect();
        if !groups.is_empty() {
            all.insert("groups".into(), Value::Array(groups));
        }
        all.insert("schemas".into(), json!([USER]));
        all.insert("id".into(), json!(user.id));
        all.insert(
            "meta".into(),
            json!({ "resourceType": "User", "created": Rfc3339(user.created_at), "lastModified": Rfc3339(user.changed_at),
                "location": format!("{}/Users/{}", self.base, user.id) }),
        );
        Ok(Value::Object(all))
    }

    /// Makes a user: of a member of the directory's own place with that login, or of a new person.
    pub fn make(&mut self, all: Map<String, Value>) -> Result<ScimUser, Fault> {
        let (user_name, external_id, is_active, resource) = split(all)?;
        let (count, _) = rows::list_users(self.tx, self.tenant(), None, (0, 0))?;
        if usize::try_from(count).unwrap_or(usize::MAX) >= rule::MOST_USERS {
            return Err(Fault::value(format!("a directory keeps {} users at most", rule::MOST_USERS)));
        }
        let person = match self.member(&user_name)? {
            Some(person) => person,
            None => self.new_person(&user_name, &resource)?,
        };
        let user = ScimUser {
            id: new_id!(ScimUserId),
            tenant: self.tenant(),
            person,
            user_name_folded: user_name.to_lowercase(),
            user_name,
            external_id,
            is_active,
            resource,
            created_at: self.now,
            changed_at: self.now,
        };
        rows::insert_user(self.tx, &user)?;
        self.tell(&user, json!({ "is_enabled": is_active }))?;
        self.bring_about(&user, !user.is_active)?;
        Ok(user)
    }

    /// The member of the directory's own place with that login. Somebody who is a member elsewhere alone is none of the
    /// directory's business.
    fn member(&self, login: &str) -> Result<Option<PersonId>, Fault> {
        let Some((person, _)) = tenants::find_login(self.tx, login)? else { return Ok(None) };
        Ok(there(self.tx, person.id, self.tenant())?.map(|_| person.id))
    }

    fn new_person(&self, user_name: &str, resource: &Map<String, Value>) -> Result<PersonId, Fault> {
        let mut claims = Map::new();
        claims.insert("preferred_username".into(), json!(user_name));
        let mut number = 1;
        let login = loop {
            let login = issuers::login(&claims, "person", number);
            if tenants::find_login(self.tx, &login)?.is_none() {
                break login;
            }
            number += 1;
        };
        let person = Person {
            id: new_id!(PersonId),
            name: name(resource, &login),
            login,
            email: email(resource),
            is_enabled: true,
            created_at: self.now,
            kept_by: None,
        };
        tenants::insert_person(self.tx, &person, None)?;
        Ok(person.id)
    }

    /// Changes a user to these attributes.
    pub fn change(&mut self, user: &ScimUser, all: Map<String, Value>) -> Result<ScimUser, Fault> {
        let (user_name, external_id, is_active, resource) = split(all)?;
        let was_active = user.is_active;
        let changed = ScimUser {
            user_name_folded: user_name.to_lowercase(),
            user_name,
            external_id,
            is_active,
            resource,
            ..user.clone()
        };
        if changed == *user {
            return Ok(changed);
        }
        let changed = ScimUser { changed_at: self.now, ..changed };
        rows::set_user(self.tx, &changed)?;
        self.rename(&changed)?;
        if was_active != is_active {
            self.tell(&changed, json!({ "is_enabled": is_active }))?;
        }
        self.bring_about(&changed, was_active && !is_active)?;
        Ok(changed)
    }

    /// A person whom nobody but the directory keeps is called as it says.
    fn rename(&self, user: &ScimUser) -> Result<(), Fault> {
        let person = tenants::get_person(self.tx, user.person)?;
        let is_elsewhere =
            tenants::memberships_of(self.tx, person.id)?.iter().any(|member| member.tenant != self.tenant());
        if is_elsewhere || tenants::has_password(self.tx, person.id)? {
            return Ok(());
        }
        tenants::set_person_name(self.tx, person.id, &name(&user.resource, &person.login))?;
        tenants::set_person_email(self.tx, person.id, &email(&user.resource))?;
        Ok(())
    }

    /// Removes a user: the person's place in this tenant ends, the person and all that they did stay.
    pub fn remove(&mut self, user: &ScimUser) -> Result<(), Fault> {
        let out = ScimUser { is_active: false, ..user.clone() };
        self.bring_about(&out, user.is_active)?;
        self.tell(user, json!({ "is_removed": true }))?;
        Ok(rows::delete_user(self.tx, user.id)?)
    }

    /// Gives and takes what the user's groups say. Whoever is not active has no place of this directory's: sessions and
    /// tokens end, and jobs keep running.
    pub fn bring_about(&mut self, user: &ScimUser, is_newly_out: bool) -> Result<(), Fault> {
        let person = tenants::get_person(self.tx, user.person)?;
        let giver = rule::giver(self.slug.as_deref());
        let places = Places { giver: &giver, issuer: &self.token.name, now: self.now };
        let mut events = Vec::new();
        if user.is_active {
            let groups: Vec<String> =
                rows::groups_of(self.tx, user.id)?.into_iter().map(|group| group.display_name).collect();
            let maps: Vec<&OidcSettings> = self
                .issuers
                .iter()
                .filter(|issuer| self.slug.is_none() || issuer.tenant.is_none() || issuer.tenant == self.slug)
                .collect();
            let role = Role::from_code(&self.token.role);
            let plan = rule::plan(&maps, self.slug.as_deref(), &groups, role);
            places.apply(self.tx, &person, &plan, &mut events)?;
        } else {
            for member in tenants::memberships_of(self.tx, person.id)? {
                let given_by = tenants::given_by(self.tx, member.id)?;
                let is_own = member.tenant == self.tenant();
                let is_given = given_by.as_deref() == Some(&*giver);
                if !(is_given || is_own && is_newly_out) {
                    continue;
                }
                let Some(seen) = there(self.tx, person.id, member.tenant)? else { continue };
                if seen.is_enabled {
                    let deed = Deed::TakeAway(member.id);
                    places.act(self.tx, &person, member.tenant, Some(&seen), deed, &mut events)?;
                }
                if !tenants::get_member(self.tx, member.id)?.is_enabled {
                    // Nobody else's groups let them in again.
                    tenants::set_given_by(self.tx, member.id, Some(&giver))?;
                }
            }
        }
        self.persons.push(person.id);
        self.events.extend(events);
        Ok(())
    }

    fn tell(&self, user: &ScimUser, mut detail: Value) -> Result<(), AppError> {
        detail["login"] = json!(tenants::get_person(self.tx, user.person)?.login);
        detail["directory"] = json!(self.token.name);
        let change = Change { tenant: self.tenant(), action: KEEP, subject: user.person.to_string(), detail };
        audit::record_own(self.tx, change)
    }
}

/// The name by which a directory calls somebody.
fn name(resource: &Map<String, Value>, login: &str) -> String {
    let of_name = |part: &str| resource.get("name").and_then(|name| name.get(part)).and_then(Value::as_str);
    let both =
        [of_name("givenName"), of_name("familyName")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let told = resource.get("displayName").and_then(Value::as_str).or_else(|| of_name("formatted"));
    let mut claims = Map::new();
    claims.insert("name".into(), json!(told.map_or(both, str::to_owned)));
    issuers::name(&claims, login)
}

/// The address by which a directory reaches somebody: the primary one, or the first.
fn email(resource: &Map<String, Value>) -> String {
    let all = resource.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let primary = all.iter().find(|one| one.get("primary") == Some(&json!(true))).or_else(|| all.first());
    let told = primary.and_then(|one| one.get("value")).and_then(Value::as_str).unwrap_or_default();
    read_email(told).unwrap_or_default()
}
