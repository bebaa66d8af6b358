//! Members of tenants, and the center's own people.

use domain::{
    Member, MemberId, Rfc3339, Role, TenantId,
    problem::{Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Tx, credentials, tenants as rows};

use crate::{actions, center::Center};
use base::{
    auth::{Caller, May, password},
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
    pub tenant: Option<TenantId>,
    pub tenant_slug: Option<String>,
    pub login: String,
    pub name: String,
    pub role: Role,
    pub is_enabled: bool,
    pub created_at: Rfc3339,
}

impl MemberView {
    pub fn of(names: &mut Names<'_>, member: &Member) -> Result<Self, StoreError> {
        let tenant_slug = member.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug);
        Ok(Self {
            id: member.id,
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

/// A new member.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    #[schema(value_type = domain::schema::Login)]
    pub login: String,
    #[schema(value_type = domain::schema::Line64)]
    pub name: String,
    /// One of a tenant's: `admin`, `developer`, `finance`; without a tenant one of the center's own people's.
    #[schema(value_type = Role)]
    pub role: String,
    #[schema(value_type = domain::schema::Password)]
    pub password: String,
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

/// Makes a member who signs in with a password.
pub async fn create(center: &Center, caller: &Caller, new: NewMember) -> Result<MemberView, AppError> {
    let tenant = lookup::named_or_own(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, actions::MANAGE_MEMBER, tenant)?;
    check_login(&new.login)?;
    let name = params::line::<64>(field::NAME, new.name)?;
    check_password(&new.password)?;
    let role = role_for(&new.role, tenant)?;
    let hash = hash(new.password).await?;
    let member = Member {
        id: new_id!(MemberId),
        tenant,
        login: new.login,
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
        tenant: Some(tenant),
        login: login.to_owned(),
        name: params::line::<64>(field::NAME, name.chars().take(64).collect::<String>())?.into(),
        role: Role::Admin,
        is_enabled: true,
        created_at: moment::now(),
    };
    rows::insert_member(tx, &member, None)?;
    Ok(member)
}

/// The hash of a first password, for a member who has none.
pub async fn first_password(password: String) -> Result<String, AppError> {
    check_password(&password)?;
    hash(password).await
}

fn check_login(login: &str) -> Result<(), AppError> {
    let is_login = (1..=64).contains(&login.len())
        && login.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._-+".contains(&byte));
    if is_login { Ok(()) } else { Err(AppError::invalid(field::LOGIN, Wrong::NotALogin)) }
}

/// A change to a member. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    pub is_enabled: Option<bool>,
    #[schema(value_type = Option<domain::schema::Password>)]
    pub password: Option<String>,
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
    let MemberChange { is_enabled, password, name, role } = change;
    let is_own = member.id == caller.member.id;
    let is_own_password = is_own && is_enabled.is_none() && role.is_none() && name.is_none();
    let may = if is_own_password {
        May::of_own_account(caller, actions::MANAGE_MEMBER)
    } else {
        center.policies.may(caller, actions::MANAGE_MEMBER, member.tenant)?
    };
    let name = name.map(|name| params::line::<64>(field::NAME, name).map(String::from)).transpose()?;
    let role = role.map(|role| role_for(&role, member.tenant)).transpose()?;
    let loses_role = role.is_some_and(|role| role != member.role);
    if is_own && (is_enabled == Some(false) || loses_role) {
        return Err(Refused::OwnAccount.into());
    }
    let hash = match password {
        Some(password) => {
            check_password(&password)?;
            Some(hash(password).await?)
        }
        None => None,
    };
    center
        .change(
            may,
            move |tx| {
                if let Some(is_enabled) = is_enabled {
                    rows::set_member_enabled(tx, id, is_enabled)?;
                }
                if let Some(hash) = &hash {
                    set_password(tx, id, hash)?;
                }
                if let Some(name) = &name {
                    rows::set_member_name(tx, id, name)?;
                }
                if let Some(role) = role {
                    rows::set_member_role(tx, id, role)?;
                }
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
            move |center, _| center.credentials.forget_member(id),
        )
        .await
}

/// Keeps a new password. Whoever knew the old one is out: all sessions and tokens end.
pub fn set_password(tx: &Tx, id: MemberId, hash: &str) -> Result<(), StoreError> {
    rows::set_password(tx, id, Some(hash))?;
    credentials::delete_sessions_of(tx, id)?;
    for token in credentials::list_tokens(tx, id)? {
        credentials::revoke_token(tx, token.id, moment::now())?;
    }
    Ok(())
}

fn check_password(password: &str) -> Result<(), AppError> {
    let (chars, least, most) = (password.chars().count(), password::MIN_CHARS, password::MAX_CHARS);
    if (least..=most).contains(&chars) {
        return Ok(());
    }
    Err(AppError::invalid(field::PASSWORD, Wrong::PasswordLength { chars, least, most }))
}

async fn hash(password: String) -> Result<String, AppError> {
    tokio::task::spawn_blocking(move || password::hash(&password)).await?.map_err(AppError::internal)
}

/// A role that `text` names and that a member of `tenant` may have.
fn role_for(text: &str, tenant: Option<TenantId>) -> Result<Role, AppError> {
    let known = Role::ALL.map(Role::code);
    let role = params::word(field::ROLE, text, Role::from_code, &known)?;
    if role.is_of_center() == tenant.is_none() {
        return Ok(role);
    }
    Err(AppError::invalid(field::ROLE, Wrong::RoleElsewhere { role }))
}
