//! Tenants and alliances.

use domain::{AllianceId, Tenant, TenantDomain, TenantId, problem::field, tenant::Alliance};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::tenants as rows;

use crate::{actions, center::Center};
use base::{
    audit::{self, Change},
    lookup, params,
    text::Text,
};
use base::{
    auth::Caller,
    error::AppError,
    moment::{self, new_id},
};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TenantView {
    pub id: TenantId,
    pub slug: String,
    pub name: Text,
    /// `research`, `enterprise` or `government`.
    pub domain: String,
    pub alliance: Option<AllianceId>,
    pub created_at: String,
    /// Jobs that have not ended.
    pub active_jobs: u32,
}

fn view(center: &Center, tenant: Tenant) -> TenantView {
    TenantView {
        id: tenant.id,
        slug: tenant.slug,
        name: Text { zh: tenant.name_zh, en: tenant.name_en },
        domain: tenant.domain.code().to_owned(),
        alliance: tenant.alliance,
        created_at: tenant.created_at.to_string(),
        active_jobs: center.live().jobs_of(tenant.id),
    }
}

/// Tenants that the caller may see, by short name.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<TenantView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_TENANT, scope)?;
    let tenants = center
        .read(move |tx| match scope {
            Some(own) => Ok(vec![rows::get_tenant(tx, own)?]),
            None => rows::list_tenants(tx),
        })
        .await?;
    Ok(tenants.into_iter().map(|tenant| view(center, tenant)).collect())
}

/// The tenant of that short name, if the caller may see it.
pub async fn show(center: &Center, caller: &Caller, slug: &str) -> Result<TenantView, AppError> {
    let tenant = lookup::tenant(center, caller, slug).await?;
    center.policies.check(caller, actions::READ_TENANT, Some(tenant.id))?;
    Ok(view(center, tenant))
}

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    pub slug: String,
    pub name_zh: String,
    pub name_en: String,
    /// `research`, `enterprise` or `government`.
    pub domain: String,
    /// An alliance's short name.
    pub alliance: Option<String>,
}

/// Signs up a tenant.
pub async fn create(center: &Center, caller: &Caller, new: NewTenant) -> Result<TenantView, AppError> {
    center.policies.check(caller, actions::MANAGE_TENANT, None)?;
    params::slug(&new.slug)?;
    let name_zh = params::line::<128>(field::NAME_ZH, new.name_zh)?;
    let name_en = params::line::<128>(field::NAME_EN, new.name_en)?;
    let known = TenantDomain::ALL.map(TenantDomain::code);
    let domain = params::word(field::DOMAIN, &new.domain, TenantDomain::from_code, &known)?;
    let by = caller.clone();
    let tenant = center
        .write(
            move |tx| {
                let alliance = match new.alliance.as_deref().filter(|slug| !slug.is_empty()) {
                    None => None,
                    Some(slug) => {
                        let all = rows::list_alliances(tx)?;
                        let found = all.into_iter().find(|alliance| alliance.slug == slug);
                        Some(found.ok_or_else(|| AppError::not_found("alliance", slug))?.id)
                    }
                };
                let tenant = Tenant {
                    id: new_id!(TenantId),
                    slug: new.slug,
                    name_zh: name_zh.into(),
                    name_en: name_en.into(),
                    domain,
                    alliance,
                    uid_index: rows::next_uid_index(tx)?,
                    created_at: moment::now(),
                };
                rows::insert_tenant(tx, &tenant)?;
                let change = Change {
                    tenant: Some(tenant.id),
                    action: actions::MANAGE_TENANT,
                    subject: tenant.id.to_string(),
                    detail: json!({ "slug": tenant.slug, "domain": domain.code() }),
                };
                audit::record(tx, &by, change)?;
                Ok(tenant)
            },
            |center, tenant| {
                center.live().tenant_signed_up(tenant);
                center.compute.tenant_signed_up(&center.settings.engine.slurm, tenant);
            },
        )
        .await?;
    Ok(view(center, tenant))
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AllianceView {
    pub id: AllianceId,
    pub slug: String,
    pub name: Text,
    /// Short names of the tenants in it.
    pub tenants: Vec<String>,
    /// How many of its idle guaranteed cards its contracts lend to those outside of it; all of them where left out.
    pub lending_limit: Option<u32>,
}

/// An alliance to found.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlliance {
    pub slug: String,
    pub name: Text,
    /// See [`AllianceView::lending_limit`].
    #[serde(default)]
    pub lending_limit: Option<u32>,
}

/// All alliances, by short name: who is in one is public within the center.
pub async fn list_alliances(center: &Center, caller: &Caller) -> Result<Vec<AllianceView>, AppError> {
    center.policies.check(caller, actions::READ_NODE, None)?;
    let (alliances, tenants) =
        center.read(|tx| Ok((rows::list_alliances(tx)?, rows::list_tenants(tx)?))).await?;
    Ok(alliances.into_iter().map(|alliance| alliance_view(alliance, &tenants)).collect())
}

fn alliance_view(alliance: Alliance, tenants: &[Tenant]) -> AllianceView {
    let members = tenants.iter().filter(|tenant| tenant.alliance == Some(alliance.id));
    AllianceView {
        id: alliance.id,
        slug: alliance.slug,
        name: Text { zh: alliance.name_zh, en: alliance.name_en },
        tenants: members.map(|tenant| tenant.slug.clone()).collect(),
        lending_limit: alliance.lending_limit,
    }
}

/// Sets how many of its idle cards an alliance lends to tenants outside of it: `None` is all.
pub async fn set_lending(
    center: &Center,
    caller: &Caller,
    slug: &str,
    limit: Option<u32>,
) -> Result<AllianceView, AppError> {
    center.policies.check(caller, actions::MANAGE_TENANT, None)?;
    let (by, slug) = (caller.clone(), slug.to_owned());
    let (alliance, tenants) = center
        .write(
            move |tx| {
                let found = rows::list_alliances(tx)?.into_iter().find(|alliance| alliance.slug == slug);
                let mut alliance = found.ok_or_else(|| AppError::not_found("alliance", &slug))?;
                rows::set_alliance_lending(tx, alliance.id, limit)?;
                alliance.lending_limit = limit;
                let detail = json!({ "alliance": slug, "lending_limit": limit });
                let (action, subject) = (actions::MANAGE_TENANT, alliance.id.to_string());
                audit::record(tx, &by, Change { tenant: None, action, subject, detail })?;
                Ok((alliance, rows::list_tenants(tx)?))
            },
            |center, (alliance, _)| {
                center.live().alliance_changed(alliance);
                center.compute.wakers.plan();
            },
        )
        .await?;
    Ok(alliance_view(alliance, &tenants))
}

/// Founds an alliance.
pub async fn create_alliance(
    center: &Center,
    caller: &Caller,
    new: NewAlliance,
) -> Result<AllianceId, AppError> {
    center.policies.check(caller, actions::MANAGE_TENANT, None)?;
    let NewAlliance { slug, name, lending_limit } = new;
    params::slug(&slug)?;
    let alliance = Alliance {
        id: new_id!(AllianceId),
        slug,
        name_zh: params::line::<128>(field::NAME_IN_ZH, name.zh)?.into(),
        name_en: params::line::<128>(field::NAME_IN_EN, name.en)?.into(),
        lending_limit,
    };
    let by = caller.clone();
    center
        .write(
            move |tx| {
                rows::insert_alliance(tx, &alliance)?;
                let change = Change {
                    tenant: None,
                    action: actions::MANAGE_TENANT,
                    subject: alliance.id.to_string(),
                    detail: json!({ "alliance": alliance.slug }),
                };
                audit::record(tx, &by, change)?;
                Ok(alliance)
            },
            |center, alliance| center.live().alliance_changed(alliance),
        )
        .await
        .map(|alliance| alliance.id)
}
