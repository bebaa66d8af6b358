//! Operations on tenants: listing and showing them, and signing one up.

use domain::{AllianceId, Rfc3339, Tenant, TenantDomain, TenantId, problem::field};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::tenants as rows;

use super::rule::{MANAGE, Payer, READ, TenantChange};
use crate::center::Center;
use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    lookup,
    moment::{self, new_id},
    params,
    text::Text,
};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TenantView {
    pub id: TenantId,
    pub slug: String,
    pub name: Text,
    pub domain: TenantDomain,
    pub alliance: Option<AllianceId>,
    pub created_at: Rfc3339,
    /// Whom statements are made out to, as it is registered; empty where nobody said.
    pub legal_name: String,
    /// The unified social credit code; empty where there is none or nobody said.
    pub tax_number: String,
    /// A tax number of another kind; empty where there is none.
    pub other_tax_number: String,
    /// Jobs that have not ended.
    pub active_jobs: u32,
}

fn view(center: &Center, tenant: Tenant) -> TenantView {
    TenantView {
        id: tenant.id,
        slug: tenant.slug,
        name: Text { zh: tenant.name_zh, en: tenant.name_en },
        domain: tenant.domain,
        alliance: tenant.alliance,
        created_at: tenant.created_at.into(),
        legal_name: tenant.legal_name,
        tax_number: tenant.tax_number,
        other_tax_number: tenant.other_tax_number,
        active_jobs: center.live().jobs_of(tenant.id),
    }
}

/// Tenants that the caller may see, by short name.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<TenantView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
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
    center.policies.check(caller, READ, Some(tenant.id))?;
    Ok(view(center, tenant))
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    #[schema(value_type = domain::schema::Slug)]
    pub slug: String,
    #[schema(value_type = domain::schema::Line128)]
    pub name_zh: String,
    #[schema(value_type = domain::schema::Line128)]
    pub name_en: String,
    /// `research`, `enterprise` or `government`.
    #[schema(value_type = TenantDomain)]
    pub domain: String,
    /// An alliance's short name.
    pub alliance: Option<String>,
    /// Whom statements are made out to, as it is registered.
    #[serde(default)]
    pub legal_name: String,
    /// The unified social credit code: 18 characters, whose last follows from the others.
    #[serde(default)]
    pub tax_number: String,
    /// A tax number of another kind, such as one of another country.
    #[serde(default)]
    pub other_tax_number: String,
}

/// Sets whom a tenant's statements are made out to. Statements that were given out stay as they are.
pub async fn change(
    center: &Center,
    caller: &Caller,
    slug: &str,
    change: TenantChange,
) -> Result<TenantView, AppError> {
    let found = lookup::tenant(center, caller, slug).await?;
    let may = center.policies.may(caller, MANAGE, Some(found.id))?;
    let payer = Payer::read(Payer::of(&found).with(change))?;
    let work = move |tx: &store::Tx| {
        let tenant = payer.put_into(rows::get_tenant(tx, found.id)?);
        rows::set_payer(tx, &tenant)?;
        let Tenant { legal_name, tax_number, other_tax_number, .. } = &tenant;
        let detail = json!({ "slug": tenant.slug, "legal_name": legal_name, "tax_number": tax_number,
            "other_tax_number": other_tax_number });
        Ok(Changed::new(tenant.id, detail, tenant.clone()).of_tenant(tenant.id))
    };
    let tenant = center.change(may, work, |_, _| ()).await?;
    Ok(view(center, tenant))
}

/// Signs up a tenant.
pub async fn create(center: &Center, caller: &Caller, new: NewTenant) -> Result<TenantView, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    params::slug(&new.slug)?;
    let name_zh = params::line::<128>(field::NAME_ZH, new.name_zh)?;
    let name_en = params::line::<128>(field::NAME_EN, new.name_en)?;
    let known = TenantDomain::ALL.map(TenantDomain::code);
    let payer = Payer { legal_name: new.legal_name, tax_number: new.tax_number, other: new.other_tax_number };
    let payer = Payer::read(payer)?;
    let domain = params::word(field::DOMAIN, &new.domain, TenantDomain::from_code, &known)?;
    let tenant = center
        .change(
            may,
            move |tx| {
                let alliance = match new.alliance.as_deref().filter(|slug| !slug.is_empty()) {
                    None => None,
                    Some(slug) => {
                        let all = rows::list_alliances(tx)?;
                        let found = all.into_iter().find(|alliance| alliance.slug == slug);
                        Some(found.ok_or_else(|| AppError::not_found("alliance", slug))?.id)
                    }
                };
                let tenant = payer.put_into(Tenant {
                    id: new_id!(TenantId),
                    slug: new.slug,
                    name_zh: name_zh.into(),
                    name_en: name_en.into(),
                    domain,
                    alliance,
                    uid_index: rows::next_uid_index(tx)?,
                    created_at: moment::now(),
                    legal_name: String::new(),
                    tax_number: String::new(),
                    other_tax_number: String::new(),
                });
                rows::insert_tenant(tx, &tenant)?;
                let (id, detail) = (tenant.id, json!({ "slug": tenant.slug, "domain": domain.code() }));
                Ok(Changed::new(id, detail, tenant).of_tenant(id))
            },
            |center, tenant| {
                center.live().tenant_signed_up(tenant);
                center.compute.tenant_signed_up(&center.settings.engine.slurm, tenant);
            },
        )
        .await?;
    Ok(view(center, tenant))
}
