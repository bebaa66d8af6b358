//! What can be asked of the tokens of directories.

use base::{
    auth::{Caller, credentials},
    change::Changed,
    error::AppError,
    lookup::{self, Names},
    moment::{self, new_id},
    params,
    refusal::Refused,
};
use domain::{Rfc3339, Role, problem::field};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Tx};

use super::{
    rows,
    rule::{self, GOOD_FOR, MOST_TOKENS, PREFIX, ScimToken, ScimTokenId},
};
use crate::{app::members, center::Center};

/// The token of a directory, without its secret.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ScimTokenView {
    pub id: ScimTokenId,
    /// The short name of the tenant whose people it keeps; `null` for the center.
    pub tenant_slug: Option<String>,
    pub name: String,
    /// The role of those to whom no group gives one; `null` for none.
    pub role: Option<Role>,
    pub made_by: String,
    pub created_at: Rfc3339,
    pub expires_at: Rfc3339,
    /// To within ten minutes; `null` where it never changed anything.
    pub last_used_at: Option<Rfc3339>,
}

impl ScimTokenView {
    fn of(names: &mut Names<'_>, token: ScimToken) -> Result<Self, StoreError> {
        Ok(Self {
            id: token.id,
            tenant_slug: token.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug),
            name: token.name,
            role: Role::from_code(&token.role),
            made_by: names.login(token.made_by)?,
            created_at: token.created_at.into(),
            expires_at: token.expires_at.into(),
            last_used_at: token.last_used_at.map(Rfc3339),
        })
    }
}

/// The tokens that are good: of the caller's tenant, or all for the center's people.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<ScimTokenView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, rule::READ, scope)?;
    center
        .read(move |tx| {
            let mut names = Names::of(tx);
            rows::list_tokens(tx, scope)?
                .into_iter()
                .map(|token| ScimTokenView::of(&mut names, token))
                .collect()
        })
        .await
}

/// A new token of a directory.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScimToken {
    #[schema(value_type = domain::schema::Line64)]
    pub name: String,
    /// The role of those to whom no group gives one; none where left out.
    #[schema(value_type = Option<Role>)]
    pub role: Option<String>,
    /// The tenant's short name, for the center's people; the caller's own where left out.
    pub tenant: Option<String>,
}

/// A token that was made. Its text is told this once.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MadeScimToken {
    pub token: String,
    /// The path of SCIM at the center.
    pub path: String,
    pub made: ScimTokenView,
}

/// Makes a token.
pub async fn make(center: &Center, caller: &Caller, new: NewScimToken) -> Result<MadeScimToken, AppError> {
    let tenant = lookup::named_or_own(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, rule::MANAGE, tenant)?;
    let name = params::line::<64>(field::NAME, new.name)?;
    let role = match new.role.as_deref() {
        None | Some("") => None,
        Some(role) => Some(members::role_for(role, tenant)?),
    };
    let (now, secret) = (moment::now(), credentials::new_secret(PREFIX));
    let token = ScimToken {
        id: new_id!(ScimTokenId),
        tenant,
        name: name.into(),
        role: role.map(|role| role.code().to_owned()).unwrap_or_default(),
        hash: credentials::hash(&secret),
        made_by: caller.member.id,
        created_at: now,
        expires_at: now.plus(GOOD_FOR),
        last_used_at: None,
        revoked_at: None,
    };
    let write = move |tx: &Tx| {
        let there = rows::list_tokens(tx, tenant)?.into_iter().filter(|one| one.tenant == tenant).count();
        if there >= MOST_TOKENS {
            return Err(Refused::TooManyScimTokens { most: MOST_TOKENS }.into());
        }
        rows::insert_token(tx, &token)?;
        let detail = json!({ "name": token.name, "role": role.map(Role::code) });
        let view = ScimTokenView::of(&mut Names::of(tx), token.clone())?;
        Ok(Changed::new(token.id, detail, view))
    };
    let made = center.change(may, write, |_, _| ()).await?;
    Ok(MadeScimToken { token: secret, path: "/scim/v2".into(), made })
}

/// Revokes a token. Those whom it kept stay as they are.
pub async fn revoke(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let scope = caller.scope()?.tenant();
    // Whoever may end none is not told which there are.
    center.policies.check(caller, rule::MANAGE, scope)?;
    let id: ScimTokenId = params::id(id, "token")?;
    let found = center.read(move |tx| rows::get_token(tx, id)).await?;
    if scope.is_some() && scope != found.tenant {
        return Err(AppError::not_found("token", id));
    }
    let may = center.policies.may(caller, rule::MANAGE, found.tenant)?;
    let write = move |tx: &Tx| {
        rows::revoke_token(tx, id, moment::now())?;
        Ok(Changed::new(id, json!({ "name": found.name, "is_removed": true }), ()))
    };
    center.change(may, write, |_, ()| ()).await
}
