//! Tenants and alliances.

use std::sync::Arc;

use domain::{
    AllianceId, Lang, Tenant, TenantDomain, TenantId,
    tenant::{Alliance, check_slug},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::tenants as rows;

use super::{
    audit::{self, Change},
    views::{self, Text},
};
use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    live::Live,
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

fn view(center: &Center, tenant: &Tenant) -> TenantView {
    TenantView {
        id: tenant.id,
        slug: tenant.slug.clone(),
        name: Text::of(|lang| match lang {
            Lang::Zh => tenant.name_zh.clone(),
            Lang::En => tenant.name_en.clone(),
        }),
        domain: tenant.domain.code().to_owned(),
        alliance: tenant.alliance,
        created_at: tenant.created_at.to_string(),
        active_jobs: center.live().jobs_of(tenant.id),
    }
}

/// Tenants that the caller may see, by short name.
pub fn list(center: &Center, caller: &Caller) -> Result<Vec<TenantView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, Action::ReadTenant, scope)?;
    let mut tenants: Vec<Arc<Tenant>> = center
        .live()
        .tenants
        .values()
        .filter(|tenant| scope.is_none_or(|own| own == tenant.id))
        .cloned()
        .collect();
    tenants.sort_by(|a, b| a.slug.cmp(&b.slug));
    Ok(tenants.iter().map(|tenant| view(center, tenant)).collect())
}

/// The tenant of that short name, if the caller may see it.
pub fn show(center: &Center, caller: &Caller, slug: &str) -> Result<TenantView, AppError> {
    let found = center.live().tenants.values().find(|tenant| tenant.slug == slug).cloned();
    let tenant =
        found.filter(|tenant| caller.sees(tenant.id)).ok_or_else(|| AppError::not_found("tenant", slug))?;
    center.policies.check(caller, Action::ReadTenant, Some(tenant.id))?;
    Ok(view(center, &tenant))
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
    center.policies.check(caller, Action::ManageTenant, None)?;
    check_slug(&new.slug).map_err(|error| AppError::invalid("slug", error.to_string(), "choose another"))?;
    for (field, name) in [("name_zh", &new.name_zh), ("name_en", &new.name_en)] {
        if !(1..=128).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(AppError::invalid(field, "is not a name", "use 1 to 128 printable characters"));
        }
    }
    let known = TenantDomain::ALL.map(TenantDomain::code);
    let domain = views::word("domain", &new.domain, TenantDomain::from_code, &known)?;
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
                    name_zh: new.name_zh,
                    name_en: new.name_en,
                    domain,
                    alliance,
                    uid_index: rows::next_uid_index(tx)?,
                    created_at: moment::now(),
                };
                rows::insert_tenant(tx, &tenant)?;
                let change = Change {
                    tenant: Some(tenant.id),
                    action: "manage_tenant",
                    subject: tenant.id.to_string(),
                    detail: json!({ "slug": tenant.slug, "domain": domain.code() }),
                };
                audit::record(tx, &by, change)?;
                Ok(Arc::new(tenant))
            },
            |center, tenant| {
                center.live().tenants.insert(tenant.id, tenant.clone());
                center.compute.tenant_signed_up(&center.settings.engine.slurm, tenant);
            },
        )
        .await?;
    Ok(view(center, &tenant))
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

/// All alliances: who is in one is public within the center.
pub fn list_alliances(center: &Center, caller: &Caller) -> Result<Vec<AllianceView>, AppError> {
    center.policies.check(caller, Action::ReadNode, None)?;
    let live = center.live();
    let mut alliances: Vec<&Alliance> = live.alliances.values().collect();
    alliances.sort_unstable_by_key(|alliance| &alliance.slug);
    Ok(alliances.into_iter().map(|alliance| alliance_view(&live, alliance)).collect())
}

fn alliance_view(live: &Live, alliance: &Alliance) -> AllianceView {
    let members = live.tenants.values().filter(|tenant| tenant.alliance == Some(alliance.id));
    let mut tenants: Vec<String> = members.map(|tenant| tenant.slug.clone()).collect();
    tenants.sort_unstable();
    let name = Text { zh: alliance.name_zh.clone(), en: alliance.name_en.clone() };
    let (slug, lending_limit) = (alliance.slug.clone(), alliance.lending_limit);
    AllianceView { id: alliance.id, slug, name, tenants, lending_limit }
}

/// Sets what an alliance lends to those outside of it: `None` is all that is idle.
pub async fn set_lending(
    center: &Center,
    caller: &Caller,
    slug: &str,
    limit: Option<u32>,
) -> Result<AllianceView, AppError> {
    center.policies.check(caller, Action::ManageTenant, None)?;
    let id = {
        let live = center.live();
        let found =
            live.alliances.values().find(|alliance| alliance.slug == slug).map(|alliance| alliance.id);
        found.ok_or_else(|| AppError::not_found("alliance", slug))?
    };
    let (by, slug) = (caller.clone(), slug.to_owned());
    center
        .write(
            move |tx| {
                rows::set_alliance_lending(tx, id, limit)?;
                let detail = json!({ "alliance": slug, "lending_limit": limit });
                let (action, subject) = ("manage_tenant", id.to_string());
                audit::record(tx, &by, Change { tenant: None, action, subject, detail })?;
                Ok(())
            },
            move |center, ()| {
                if let Some(known) = center.live().alliances.get_mut(&id) {
                    known.lending_limit = limit;
                }
                center.compute.wakers.plan();
            },
        )
        .await?;
    let live = center.live();
    live.alliances
        .get(&id)
        .map(|alliance| alliance_view(&live, alliance))
        .ok_or_else(|| AppError::not_found("alliance", id))
}

/// Founds an alliance.
pub async fn create_alliance(
    center: &Center,
    caller: &Caller,
    new: NewAlliance,
) -> Result<AllianceId, AppError> {
    center.policies.check(caller, Action::ManageTenant, None)?;
    let NewAlliance { slug, name, lending_limit } = new;
    check_slug(&slug).map_err(|error| AppError::invalid("slug", error.to_string(), "choose another"))?;
    let alliance =
        Alliance { id: new_id!(AllianceId), slug, name_zh: name.zh, name_en: name.en, lending_limit };
    let by = caller.clone();
    center
        .write(
            move |tx| {
                rows::insert_alliance(tx, &alliance)?;
                let change = Change {
                    tenant: None,
                    action: "manage_tenant",
                    subject: alliance.id.to_string(),
                    detail: json!({ "alliance": alliance.slug }),
                };
                audit::record(tx, &by, change)?;
                Ok(alliance)
            },
            |center, alliance| drop(center.live().alliances.insert(alliance.id, alliance.clone())),
        )
        .await
        .map(|alliance| alliance.id)
}
