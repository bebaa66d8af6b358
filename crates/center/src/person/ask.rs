//! What can be asked of persons.

use domain::{Member, MemberId, PersonId, Rfc3339, Role, problem::field, tenant::Person};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Tx, credentials, second_factors, tenants as rows};

use super::{
    password::{check_own, names_of, new_hash},
    rule,
};
use crate::{
    app::members::{self, MemberView},
    center::Center,
};
use base::{
    Base,
    auth::{Caller, May},
    change::Changed,
    error::AppError,
    lookup::Names,
    moment, params,
    refusal::Refused,
};

/// A place that a person has, in a tenant or among the center's own people.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MembershipView {
    pub member: MemberId,
    /// The tenant's short name; `null` for the center.
    pub tenant_slug: Option<String>,
    pub role: Role,
    pub is_enabled: bool,
}

/// The caller: as which member they ask, and what else they may be.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Me {
    #[serde(flatten)]
    pub member: MemberView,
    /// Empty where nobody said.
    pub email: String,
    pub memberships: Vec<MembershipView>,
}

/// A person, as the center's people see them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PersonView {
    pub id: PersonId,
    pub login: String,
    pub name: String,
    /// Empty where nobody said.
    pub email: String,
    /// Whether they may sign in at all.
    pub is_enabled: bool,
    pub has_second_factor: bool,
    pub created_at: Rfc3339,
    pub memberships: Vec<MembershipView>,
}

fn places(names: &mut Names<'_>, members: Vec<Member>) -> Result<Vec<MembershipView>, StoreError> {
    let view = |member: Member| {
        let tenant_slug = member.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug);
        Ok(MembershipView {
            member: member.id,
            tenant_slug,
            role: member.role,
            is_enabled: member.is_enabled,
        })
    };
    let mut all = members.into_iter().map(view).collect::<Result<Vec<_>, StoreError>>()?;
    all.sort_by(|one, other| one.tenant_slug.cmp(&other.tenant_slug));
    Ok(all)
}

fn view(tx: &Tx, names: &mut Names<'_>, person: Person) -> Result<PersonView, StoreError> {
    let memberships = places(names, rows::memberships_of(tx, person.id)?)?;
    let Person { id, login, name, email, is_enabled, created_at, kept_by: _ } = person;
    let has_second_factor = second_factors::is_bound(tx, id)?;
    let created_at = created_at.into();
    Ok(PersonView { id, login, name, email, is_enabled, has_second_factor, created_at, memberships })
}

/// The caller, and what else they may be.
pub async fn me(base: &Base, caller: &Caller) -> Result<Me, AppError> {
    let member = caller.member.clone();
    base.read(move |tx| {
        let mut names = Names::of(tx);
        let memberships = places(&mut names, rows::memberships_of(tx, member.person)?)?;
        let email = rows::get_person(tx, member.person)?.email;
        Ok(Me { member: MemberView::of(&mut names, &member)?, email, memberships })
    })
    .await
}

/// Everybody who can sign in.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<PersonView>, AppError> {
    center.policies.check(caller, rule::READ, None)?;
    let read = |tx: &Tx| {
        let mut names = Names::of(tx);
        let persons = rows::list_persons(tx)?.into_iter();
        persons.map(|person| view(tx, &mut names, person)).collect::<Result<_, StoreError>>()
    };
    center.read(read).await
}

/// The person of a member.
pub async fn of_member(center: &Center, caller: &Caller, member: MemberId) -> Result<PersonView, AppError> {
    center.policies.check(caller, rule::READ, None)?;
    let read = move |tx: &Tx| {
        let person = rows::get_person(tx, rows::get_member(tx, member)?.person)?;
        view(tx, &mut Names::of(tx), person)
    };
    center.read(read).await
}

/// A change to a person. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonChange {
    /// `false` ends all sessions and tokens of all memberships.
    pub is_enabled: Option<bool>,
    #[schema(value_type = Option<domain::schema::Line64>)]
    pub name: Option<String>,
    /// Empty for none.
    pub email: Option<String>,
    /// Ends all sessions and tokens of all memberships.
    #[schema(value_type = Option<domain::schema::Password>)]
    pub password: Option<String>,
    /// The password that is in force, for one's own new password.
    pub old_password: Option<String>,
}

/// Lets a person in or out, wherever they are a member, or gives them a name, an address or a password.
pub async fn change(
    center: &Center,
    caller: &Caller,
    id: &str,
    change: PersonChange,
) -> Result<PersonView, AppError> {
    let may = center.policies.may(caller, rule::MANAGE, None)?;
    let id: PersonId = params::id(id, "person")?;
    let PersonChange { is_enabled, name, email, password, old_password } = change;
    let name = name.map(|name| params::line::<64>(field::NAME, name).map(String::from)).transpose()?;
    let email = email.map(|email| rule::read_email(&email)).transpose()?;
    if id == caller.member.person && is_enabled == Some(false) {
        return Err(Refused::OwnAccount.into());
    }
    let hash = match password {
        Some(password) => {
            if id == caller.member.person {
                check_own(center, caller, &old_password.unwrap_or_default()).await?;
            }
            let kept = center.read(move |tx| rows::get_person(tx, id)).await?;
            Some(new_hash(center, password, names_of(&kept)).await?)
        }
        None => None,
    };
    let write = move |tx: &Tx| {
        let login = rows::get_person(tx, id)?.login;
        if let Some(is_enabled) = is_enabled {
            rows::set_person_enabled(tx, id, is_enabled)?;
            if !is_enabled {
                credentials::end_all_of_person(tx, id, moment::now())?;
            }
            members::check_operators(tx)?;
        }
        if let Some(hash) = &hash {
            members::set_password(tx, id, hash)?;
        }
        if let Some(name) = &name {
            rows::set_person_name(tx, id, name)?;
        }
        if let Some(email) = &email {
            rows::set_person_email(tx, id, email)?;
        }
        let detail = json!({ "login": login, "is_enabled": is_enabled, "new_password": hash.is_some(),
            "new_name": name.is_some(), "new_email": email.is_some() });
        let seen = view(tx, &mut Names::of(tx), rows::get_person(tx, id)?)?;
        Ok(Changed::new(id, detail, seen))
    };
    center.change(may, write, move |center, _| center.credentials.forget_person(id)).await
}

/// What a person changes of their own.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnChange {
    /// Empty for none.
    pub email: String,
}

/// Gives the caller an address.
pub async fn change_own(center: &Center, caller: &Caller, change: OwnChange) -> Result<Me, AppError> {
    let email = rule::read_email(&change.email)?;
    let (may, person) = (May::of_own_account(caller, rule::CHANGE_OWN), caller.member.person);
    let login = caller.member.login.clone();
    let write = move |tx: &Tx| {
        rows::set_person_email(tx, person, &email)?;
        Ok(Changed::new(person, json!({ "login": login, "new_email": true }), ()))
    };
    center.change(may, write, |_, ()| ()).await?;
    me(center, caller).await
}
