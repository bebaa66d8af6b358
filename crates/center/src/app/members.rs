//! Members of tenants, and the center's own people.

use domain::{Member, MemberId, TenantId};
use serde::Deserialize;
use serde_json::json;
use store::{credentials, tenants as rows};

use super::{
    audit::{self, Change},
    sign_in::{MemberView, role_for},
    views,
};
use crate::{
    auth::{Action, Caller, password},
    center::Center,
    error::AppError,
    moment::{self, new_id},
};

/// A new member.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    pub login: String,
    pub name: String,
    /// `admin`, `developer`, `finance`; `operator` or `auditor` without a tenant.
    pub role: String,
    pub password: String,
    /// The tenant's short name, for the center's people; the caller's own where left out.
    pub tenant: Option<String>,
}

/// Members that the caller may see.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<MemberView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, Action::ReadMember, scope)?;
    let members = center.read(move |tx| rows::list_members(tx, scope)).await?;
    Ok(members.iter().map(|member| MemberView::of(center, member)).collect())
}

/// Makes a member who signs in with a password.
pub async fn create(center: &Center, caller: &Caller, new: NewMember) -> Result<MemberView, AppError> {
    let tenant = super::lookup::named_or_own(center, caller, new.tenant.as_deref())?;
    center.policies.check(caller, Action::ManageMember, tenant)?;
    let login_ok = (1..=64).contains(&new.login.len())
        && new.login.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._-+".contains(&byte));
    if !login_ok {
        let hint = "use 1 to 64 letters, digits and @ . _ - +, such as an address";
        return Err(AppError::invalid("login", "is not a login", hint));
    }
    if !(1..=64).contains(&new.name.chars().count()) || new.name.chars().any(char::is_control) {
        return Err(AppError::invalid("name", "is not a name", "use 1 to 64 printable characters"));
    }
    check_password(&new.password)?;
    let role = role_for(&new.role, tenant)?;
    let hash = hash(new.password).await?;
    let member = Member {
        id: new_id!(MemberId),
        tenant,
        login: new.login,
        name: new.name,
        role,
        is_enabled: true,
        created_at: moment::now(),
    };
    let (by, row) = (caller.clone(), member.clone());
    center
        .write(
            move |tx| {
                rows::insert_member(tx, &row, Some(&hash))?;
                let detail = json!({ "login": row.login, "role": row.role.code() });
                let subject = row.id.to_string();
                audit::record(tx, &by, Change { tenant, action: "manage_member", subject, detail })?;
                Ok(row)
            },
            |center, row| drop(center.live().logins.insert(row.id, row.login.clone())),
        )
        .await?;
    Ok(MemberView::of(center, &member))
}

/// What of a member is to change.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    pub is_enabled: Option<bool>,
    pub password: Option<String>,
}

/// Lets a member in or out, or gives a new password, which ends all sessions and tokens of the old one.
pub async fn change(
    center: &Center,
    caller: &Caller,
    id: &str,
    change: MemberChange,
) -> Result<MemberView, AppError> {
    let id: MemberId = views::id(id, "member")?;
    let found = Some(center.read(move |tx| rows::get_member(tx, id)).await?);
    let visible = |member: &Member| match (caller.member.tenant, member.tenant) {
        (None, _) => true,
        (own, theirs) => own == theirs,
    };
    let mut member = found.filter(visible).ok_or_else(|| AppError::not_found("member", id))?;
    // Everybody may change their own password.
    let is_own_password = member.id == caller.member.id && change.is_enabled.is_none();
    if !is_own_password {
        center.policies.check(caller, Action::ManageMember, member.tenant)?;
    }
    if member.id == caller.member.id && change.is_enabled == Some(false) {
        return Err(AppError::refused(
            "own_account",
            "you can't lock yourself out",
            "ask another administrator",
        ));
    }
    let hash = match change.password {
        Some(password) => {
            check_password(&password)?;
            Some(hash(password).await?)
        }
        None => None,
    };
    let by = caller.clone();
    let (tenant, is_enabled): (Option<TenantId>, Option<bool>) = (member.tenant, change.is_enabled);
    center
        .write(
            move |tx| {
                if let Some(is_enabled) = is_enabled {
                    rows::set_member_enabled(tx, id, is_enabled)?;
                }
                if let Some(hash) = &hash {
                    rows::set_password(tx, id, Some(hash))?;
                    // Whoever knew the old one is out.
                    credentials::delete_sessions_of(tx, id)?;
                    for token in credentials::list_tokens(tx, id)? {
                        credentials::revoke_token(tx, token.id, moment::now())?;
                    }
                }
                let detail = json!({ "is_enabled": is_enabled, "new_password": hash.is_some() });
                let subject = id.to_string();
                audit::record(tx, &by, Change { tenant, action: "manage_member", subject, detail })
            },
            move |center, ()| center.credentials.forget_member(id),
        )
        .await?;
    member.is_enabled = is_enabled.unwrap_or(member.is_enabled);
    Ok(MemberView::of(center, &member))
}

fn check_password(password: &str) -> Result<(), AppError> {
    let chars = password.chars().count();
    if (password::MIN_CHARS..=256).contains(&chars) {
        return Ok(());
    }
    let hint = format!("use {} to 256 characters", password::MIN_CHARS);
    Err(AppError::invalid("password", format!("has {chars} characters"), hint))
}

async fn hash(password: String) -> Result<String, AppError> {
    tokio::task::spawn_blocking(move || password::hash(&password))
        .await
        .map_err(|error| AppError::Internal(error.to_string()))?
        .map_err(AppError::Internal)
}
