//! Members of tenants, and the center's own people.

use domain::{
    Member, MemberId, PersonId, Rfc3339, Role, TenantId,
    problem::{Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Tx, credentials, tenants as rows};

use crate::{
    actions,
    center::Center,
    person::{
        password::{check_own, names_of, new_hash},
        rule,
    },
};
use base::{
    auth::{Caller, May},
    change::Changed,
    error::AppError,
    lookup::{self, Names},
    moment::{self, new_id},
    params,
    refusal::Refused,
};

/// A member as shown to others of the tenant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MemberView {
    pub id: MemberId,
    pub person: PersonId,
    pub tenant: Option<TenantId>,
    pub tenant_slug: Option<String>,
    pub login: String,
    pub name: String,
    pub role: Role,
    /// Whether the person may sign in, and be this member.
    pub is_enabled: bool,
    /// By whom the membership is given: `oidc:` or `scim:` with what the issuer or the directory is called; `null` where
    /// somebody gave it by hand.
    pub given_by: Option<String>,
    /// The person keeps their account themself: the tenant's administrators don't set name and password.
    pub keeps_account: bool,
    pub created_at: Rfc3339,
}

impl MemberView {
    pub fn of(names: &mut Names<'_>, member: &Member) -> Result<Self, StoreError> {
        let tenant_slug = member.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug);
        let keeps_account = names.keeper(member.person)?.is_none() && member.tenant.is_some();
        Ok(Self {
            id: member.id,
            person: member.person,
            keeps_account,
            given_by: names.giver(member.id)?,
            tenant: member.tenant,
            tenant_slug,
            login: member.login.clone(),
            name: member.name.clone(),
            role: member.role,
            is_enabled: member.is_enabled,
            created_at: member.created_at.into(),
        })
    }
}

/// A new member: a new person, or, without a name and a password, somebody who has a login already.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    #[schema(value_type = domain::schema::Login)]
    pub login: String,
    #[schema(value_type = Option<domain::schema::Line64>)]
    pub name: Option<String>,
    /// One of a tenant's: `admin`, `developer`, `finance`; without a tenant one of the center's own people's.
    #[schema(value_type = Role)]
    pub role: String,
    #[schema(value_type = Option<domain::schema::Password>)]
    pub password: Option<String>,
    /// The tenant's short name, for the center's people; the caller's own where left out.
    pub tenant: Option<String>,
}

/// Members that the caller may see.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<MemberView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_MEMBER, scope)?;
    let read = move |tx: &Tx| {
        let mut names = Names::of(tx);
        let members = rows::list_members(tx, scope)?.into_iter();
        members.map(|member| MemberView::of(&mut names, &member)).collect::<Result<_, StoreError>>()
    };
    center.read(read).await
}

/// Makes a member who signs in with a password. The center's operators make one of a person who has a login already.
pub async fn create(center: &Center, caller: &Caller, new: NewMember) -> Result<MemberView, AppError> {
    let tenant = lookup::named_or_own(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, actions::MANAGE_MEMBER, tenant)?;
    let NewMember { login, name, role, password, .. } = new;
    if name.is_none() && password.is_none() {
        // Whoever may not know all persons would learn by this which logins there are.
        center.policies.check(caller, rule::MANAGE, None)?;
        let role = role_for(&role, tenant)?;
        return admit(center, may, login, role, tenant).await;
    }
    check_login(&login)?;
    let name = params::line::<64>(field::NAME, name.unwrap_or_default())?;
    let password = password.unwrap_or_default();
    let role = role_for(&role, tenant)?;
    let hash = new_hash(center, password, vec![login.clone(), String::from(name.clone())]).await?;
    let member = Member {
        id: new_id!(MemberId),
        person: new_id!(PersonId),
        tenant,
        login,
        name: name.into(),
        role,
        is_enabled: true,
        created_at: moment::now(),
    };
    let write = move |tx: &Tx| {
        rows::insert_member(tx, &member, Some(&hash))?;
        let detail = json!({ "login": member.login, "role": member.role.code() });
        Ok(Changed::new(member.id, detail, MemberView::of(&mut Names::of(tx), &member)?))
    };
    center.change(may, write, |_, _| ()).await
}

/// Makes a tenant's first administrator, who has no password yet, in the transaction of whoever asks.
pub fn first_administrator(tx: &Tx, tenant: TenantId, login: &str, name: &str) -> Result<Member, AppError> {
    check_login(login)?;
    let member = Member {
        id: new_id!(MemberId),
        person: new_id!(PersonId),
        tenant: Some(tenant),
        login: login.to_owned(),
        name: params::line::<64>(field::NAME, name)?.into(),
        role: Role::Admin,
        is_enabled: true,
        created_at: moment::now(),
    };
    rows::insert_member(tx, &member, None)?;
    Ok(member)
}

/// Refuses what no login can be.
pub fn check_login(login: &str) -> Result<(), AppError> {
    let login_ok = (1..=64).contains(&login.len())
        && login.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._-+".contains(&byte));
    if login_ok { Ok(()) } else { Err(AppError::invalid(field::LOGIN, Wrong::NotALogin)) }
}

/// Makes a member of a person who has a login already.
async fn admit(
    center: &Center,
    may: May,
    login: String,
    role: Role,
    tenant: Option<TenantId>,
) -> Result<MemberView, AppError> {
    let write = move |tx: &Tx| {
        let Some((person, _)) = rows::find_login(tx, &login)? else {
            return Err(AppError::invalid(field::LOGIN, Wrong::NoSuch { given: login }));
        };
        let id = join(tx, person.id, role, tenant)?;
        let detail = json!({ "login": person.login, "role": role.code() });
        let view = MemberView::of(&mut Names::of(tx), &rows::get_member(tx, id)?)?;
        Ok(Changed::new(id, detail, view))
    };
    center.change(may, write, |center, member| center.credentials.forget_person(member.person)).await
}

/// Makes a member of a person who is there already. From then on they keep their account themself: who sets a password
/// in one place would get into the others.
pub fn join(tx: &Tx, person: PersonId, role: Role, tenant: Option<TenantId>) -> Result<MemberId, StoreError> {
    let found = rows::get_person(tx, person)?;
    let (id, created_at, login, name) = (new_id!(MemberId), moment::now(), found.login, found.name);
    let member = Member { id, person, tenant, login, name, role, is_enabled: true, created_at };
    rows::insert_membership(tx, &member)?;
    rows::set_kept_by(tx, person, None)?;
    Ok(id)
}

/// A change to a member. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    pub is_enabled: Option<bool>,
    #[schema(value_type = Option<domain::schema::Password>)]
    pub password: Option<String>,
    /// The password that is in force, for one's own new password.
    pub old_password: Option<String>,
    #[schema(value_type = Option<domain::schema::Line64>)]
    pub name: Option<String>,
    /// Another role on the same side: a tenant's, or the center's own.
    #[schema(value_type = Option<Role>)]
    pub role: Option<String>,
}

/// One member, if the caller may see them.
pub async fn show(center: &Center, caller: &Caller, id: &str) -> Result<MemberView, AppError> {
    let all = list(center, caller).await?.into_iter();
    all.into_iter()
        .find(|member| member.id.to_string() == id)
        .ok_or_else(|| AppError::not_found("member", id))
}

/// Lets a member in or out, gives a name or a role, or a new password, which ends all sessions and tokens of the old one.
pub async fn change(
    center: &Center,
    caller: &Caller,
    id: &str,
    change: MemberChange,
) -> Result<MemberView, AppError> {
    let id: MemberId = params::id(id, "member")?;
    let found = Some(center.read(move |tx| rows::get_member(tx, id)).await?);
    let visible = |member: &Member| match (caller.member.tenant, member.tenant) {
        (None, _) => true,
        (own, theirs) => own == theirs,
    };
    let member = found.filter(visible).ok_or_else(|| AppError::not_found("member", id))?;
    // Everybody may change their own password.
    let MemberChange { is_enabled, password, old_password, name, role } = change;
    let is_own = member.id == caller.member.id;
    let of_person = name.is_some() || password.is_some();
    let is_own_password = member.person == caller.member.person
        && is_enabled.is_none()
        && role.is_none()
        && name.is_none()
        && password.is_some();
    let may = if is_own_password {
        May::of_own_account(caller, actions::MANAGE_MEMBER)
    } else {
        center.policies.may(caller, actions::MANAGE_MEMBER, member.tenant)?
    };
    let may_all = is_own_password || center.policies.check(caller, rule::MANAGE, None).is_ok();
    let name = name.map(|name| params::line::<64>(field::NAME, name).map(String::from)).transpose()?;
    let role = role.map(|role| role_for(&role, member.tenant)).transpose()?;
    let loses_role = role.is_some_and(|role| role != member.role);
    if is_own && (is_enabled == Some(false) || loses_role) {
        return Err(Refused::OwnAccount.into());
    }
    let person = member.person;
    let hash = match password {
        Some(password) => {
            if person == caller.member.person {
                check_own(center, caller, &old_password.unwrap_or_default()).await?;
            }
            let kept = center.read(move |tx| rows::get_person(tx, person)).await?;
            Some(new_hash(center, password, names_of(&kept)).await?)
        }
        None => None,
    };
    center
        .change(
            may,
            move |tx| {
                let kept = rows::get_person(tx, person)?;
                let is_renamed = name.as_ref().is_some_and(|name| *name != kept.name);
                if of_person && !may_all && kept.kept_by != member.tenant && (is_renamed || hash.is_some()) {
                    return Err(Refused::PersonsOwn.into());
                }
                if let Some(is_enabled) = is_enabled {
                    if is_enabled && !kept.is_enabled {
                        return Err(Refused::PersonIsOut.into());
                    }
                    rows::set_member_enabled(tx, id, is_enabled)?;
                }
                if let Some(hash) = &hash {
                    set_password(tx, person, hash)?;
                }
                if let Some(name) = &name {
                    rows::set_person_name(tx, person, name)?;
                }
                if let Some(role) = role {
                    rows::set_member_role(tx, id, role)?;
                }
                if is_enabled.is_some_and(|is_enabled| is_enabled != member.is_enabled) || loses_role {
                    // From now on it is by hand, and no issuer or directory changes it.
                    rows::set_given_by(tx, id, None)?;
                }
                check_operators(tx)?;
                let mut detail = json!({ "login": member.login, "is_enabled": is_enabled, "new_password": hash.is_some() });
                if let Some(role) = role {
                    detail["role"] = json!(role.code());
                }
                if let Some(name) = &name {
                    detail["name"] = json!(name);
                }
                let view = MemberView::of(&mut Names::of(tx), &rows::get_member(tx, id)?)?;
                Ok(Changed::new(id, detail, view))
            },
            move |center, _| center.credentials.forget_person(person),
        )
        .await
}

/// Refuses what would leave the center without an operator who can sign in: two may each see to it that the other can't.
pub fn check_operators(tx: &Tx) -> Result<(), AppError> {
    if rows::count_operators(tx)? == 0 { Err(Refused::LastOperator.into()) } else { Ok(()) }
}

/// Keeps a new password. Whoever knew the old one is out: all sessions and tokens end, of all memberships.
pub fn set_password(tx: &Tx, person: PersonId, hash: &str) -> Result<(), StoreError> {
    rows::set_password(tx, person, Some(hash))?;
    credentials::end_all_of_person(tx, person, moment::now())
}

/// A role that `text` names and that a member of `tenant` may have.
pub fn role_for(text: &str, tenant: Option<TenantId>) -> Result<Role, AppError> {
    let known = Role::ALL.map(Role::code);
    let role = params::word(field::ROLE, text, Role::from_code, &known)?;
    if role.is_of_center() == tenant.is_none() {
        return Ok(role);
    }
    Err(AppError::invalid(field::ROLE, Wrong::RoleElsewhere { role }))
}
