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

/// All alliances, which are public within the center.
pub async fn alliances(center: &Center) -> Result<Vec<domain::tenant::Alliance>, AppError> {
    center.read(rows::list_alliances).await
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

/// The alliance of that short name; none where the text is empty.
fn alliance_of(tx: &store::Tx, slug: Option<&str>) -> Result<Option<AllianceId>, AppError> {
    let Some(slug) = slug.filter(|slug| !slug.is_empty()) else { return Ok(None) };
    let found = rows::list_alliances(tx)?.into_iter().find(|alliance| alliance.slug == slug);
    found.map(|alliance| Some(alliance.id)).ok_or_else(|| AppError::not_found("alliance", slug))
}

/// Sets a tenant's names, its alliance, and whom its statements are made out to. Statements that were given out stay as they
/// are. Its domain stays: prices and reports went by it.
pub async fn change(
    center: &Center,
    caller: &Caller,
    slug: &str,
    change: TenantChange,
) -> Result<TenantView, AppError> {
    let found = lookup::tenant(center, caller, slug).await?;
    let may = center.policies.may(caller, MANAGE, Some(found.id))?;
    let line = |name: Option<String>, at| {
        name.map(|name| params::line::<128>(at, name).map(String::from)).transpose()
    };
    let name_zh = line(change.name_zh.clone(), field::NAME_ZH)?;
    let name_en = line(change.name_en.clone(), field::NAME_EN)?;
    let (wanted, is_named) = (change.alliance.clone(), name_zh.is_some() || name_en.is_some());
    let is_payer =
        change.legal_name.is_some() || change.tax_number.is_some() || change.other_tax_number.is_some();
    let payer = Payer::read(Payer::of(&found).with(change))?;
    let work = move |tx: &store::Tx| {
        let mut tenant = payer.put_into(rows::get_tenant(tx, found.id)?);
        let mut detail = json!({ "slug": tenant.slug });
        if is_payer {
            rows::set_payer(tx, &tenant)?;
            detail["legal_name"] = json!(tenant.legal_name);
            detail["tax_number"] = json!(tenant.tax_number);
            detail["other_tax_number"] = json!(tenant.other_tax_number);
        }
        if is_named || wanted.is_some() {
            tenant.name_zh = name_zh.unwrap_or(tenant.name_zh);
            tenant.name_en = name_en.unwrap_or(tenant.name_en);
            if let Some(slug) = &wanted {
                tenant.alliance = alliance_of(tx, Some(slug))?;
                detail["alliance"] = json!(slug);
            }
            rows::set_names(tx, &tenant)?;
            if is_named {
                detail["name_zh"] = json!(tenant.name_zh);
                detail["name_en"] = json!(tenant.name_en);
            }
        }
        Ok(Changed::new(tenant.id, detail, tenant.clone()).of_tenant(tenant.id))
    };
    let tenant = center
        .change(may, work, |center, tenant| {
            center.live().tenant_changed(tenant);
            center.compute.wakers.plan();
        })
        .await?;
    Ok(view(center, tenant))
}

/// A tenant to sign up, whose words were looked at.
#[derive(Clone, Debug)]
pub struct Admitted {
    slug: String,
    name_zh: String,
    name_en: String,
    domain: TenantDomain,
    alliance: Option<String>,
    payer: Payer,
}

/// Refuses what is no tenant.
pub fn admit(new: NewTenant) -> Result<Admitted, AppError> {
    params::slug(&new.slug)?;
    let name_zh = params::line::<128>(field::NAME_ZH, new.name_zh)?;
    let name_en = params::line::<128>(field::NAME_EN, new.name_en)?;
    let known = TenantDomain::ALL.map(TenantDomain::code);
    let payer = Payer { legal_name: new.legal_name, tax_number: new.tax_number, other: new.other_tax_number };
    let payer = Payer::read(payer)?;
    let domain = params::word(field::DOMAIN, &new.domain, TenantDomain::from_code, &known)?;
    let (name_zh, name_en, alliance) = (name_zh.into(), name_en.into(), new.alliance);
    Ok(Admitted { slug: new.slug, name_zh, name_en, domain, alliance, payer })
}

/// Signs a tenant up, in the transaction of whoever asks. [`signed_up`] is to be told once it is on disk.
pub fn sign_up(tx: &store::Tx, new: Admitted) -> Result<Tenant, AppError> {
    let Admitted { slug, name_zh, name_en, domain, alliance, payer } = new;
    let tenant = payer.put_into(Tenant {
        id: new_id!(TenantId),
        slug,
        name_zh,
        name_en,
        domain,
        alliance: alliance_of(tx, alliance.as_deref())?,
        uid_index: rows::next_uid_index(tx)?,
        created_at: moment::now(),
        legal_name: String::new(),
        tax_number: String::new(),
        other_tax_number: String::new(),
    });
    rows::insert_tenant(tx, &tenant)?;
    Ok(tenant)
}

/// Brings up to date what is live, after a tenant was signed up.
pub fn signed_up(center: &Center, tenant: &Tenant) {
    center.live().tenant_changed(tenant);
    center.compute.tenant_signed_up(&center.settings.engine.slurm, tenant);
}

/// Signs up a tenant.
pub async fn create(center: &Center, caller: &Caller, new: NewTenant) -> Result<TenantView, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let new = admit(new)?;
    let work = move |tx: &store::Tx| {
        let tenant = sign_up(tx, new)?;
        let (id, detail) = (tenant.id, json!({ "slug": tenant.slug, "domain": tenant.domain.code() }));
        Ok(Changed::new(id, detail, tenant).of_tenant(id))
    };
    let tenant = center.change(may, work, signed_up).await?;
    Ok(view(center, tenant))
}
