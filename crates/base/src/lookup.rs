//! Things by their short names, as requests give them, and names by id, as lists show them.

use std::collections::HashMap;

use domain::{
    MemberId, PersonId, ProjectId, Tenant, TenantDomain, TenantId,
    problem::{Wrong, field},
};
use store::{StoreError, Tx, tenants};

use crate::text::Text;
use crate::{Base, auth::Caller, error::AppError};

/// The names by which people know a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantName {
    pub slug: String,
    pub name: Text,
    pub domain: TenantDomain,
}

impl From<Tenant> for TenantName {
    fn from(tenant: Tenant) -> Self {
        let name = Text { zh: tenant.name_zh, en: tenant.name_en };
        Self { slug: tenant.slug, name, domain: tenant.domain }
    }
}

/// Names by id, in one snapshot of the store. A list names the same few things over and over: each is read once.
#[derive(Debug)]
pub struct Names<'a> {
    tx: &'a Tx,
    tenants: HashMap<TenantId, TenantName>,
    projects: HashMap<ProjectId, String>,
    logins: HashMap<MemberId, String>,
    keepers: HashMap<PersonId, Option<TenantId>>,
}

impl<'a> Names<'a> {
    pub fn of(tx: &'a Tx) -> Self {
        Self {
            tx,
            tenants: HashMap::new(),
            projects: HashMap::new(),
            logins: HashMap::new(),
            keepers: HashMap::new(),
        }
    }

    pub fn tenant(&mut self, id: TenantId) -> Result<TenantName, StoreError> {
        once(&mut self.tenants, id, || Ok(tenants::get_tenant(self.tx, id)?.into()))
    }

    /// A project's short name.
    pub fn project(&mut self, id: ProjectId) -> Result<String, StoreError> {
        once(&mut self.projects, id, || Ok(tenants::get_project(self.tx, id)?.slug))
    }

    /// The tenant that keeps a person's account; none where it is their own.
    pub fn keeper(&mut self, id: PersonId) -> Result<Option<TenantId>, StoreError> {
        once(&mut self.keepers, id, || Ok(tenants::get_person(self.tx, id)?.kept_by))
    }

    /// By whom a membership is given; none for a person's hand.
    pub fn giver(&self, id: MemberId) -> Result<Option<String>, StoreError> {
        tenants::given_by(self.tx, id)
    }

    /// A member's login.
    pub fn login(&mut self, id: MemberId) -> Result<String, StoreError> {
        once(&mut self.logins, id, || Ok(tenants::get_member(self.tx, id)?.login))
    }
}

fn once<K: std::hash::Hash + Eq + Copy, V: Clone>(
    known: &mut HashMap<K, V>,
    id: K,
    read: impl FnOnce() -> Result<V, StoreError>,
) -> Result<V, StoreError> {
    if let Some(found) = known.get(&id) {
        return Ok(found.clone());
    }
    let found = read()?;
    known.insert(id, found.clone());
    Ok(found)
}

/// The tenant of that short name, if the caller may know of it.
pub async fn tenant(base: &Base, caller: &Caller, slug: &str) -> Result<Tenant, AppError> {
    let wanted = slug.to_owned();
    let found = base.read(move |tx| tenants::find_tenant(tx, &wanted)).await?;
    found.filter(|tenant| caller.sees(tenant.id)).ok_or_else(|| AppError::not_found("tenant", slug))
}

/// The tenant that a request names, or the caller's own; none for the center's people who name none.
pub async fn named_or_own(
    base: &Base,
    caller: &Caller,
    slug: Option<&str>,
) -> Result<Option<TenantId>, AppError> {
    match slug.filter(|slug| !slug.is_empty()) {
        Some(slug) => Ok(Some(tenant(base, caller, slug).await?.id)),
        None => Ok(caller.member.tenant),
    }
}

/// [`named_or_own`] where there must be one.
pub async fn named_or_own_required(
    base: &Base,
    caller: &Caller,
    slug: Option<&str>,
) -> Result<TenantId, AppError> {
    named_or_own(base, caller, slug)
        .await?
        .ok_or_else(|| AppError::invalid(field::TENANT, Wrong::TenantNotNamed))
}
