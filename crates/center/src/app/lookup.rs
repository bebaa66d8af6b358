//! Things that requests name by their short names.

use domain::TenantId;

use crate::{auth::Caller, center::Center, error::AppError};

/// The tenant that a request names, or the caller's own; none for the center's people who name none.
pub fn named_or_own(
    center: &Center,
    caller: &Caller,
    slug: Option<&str>,
) -> Result<Option<TenantId>, AppError> {
    let Some(slug) = slug.filter(|slug| !slug.is_empty()) else { return Ok(caller.member.tenant) };
    let found = center.live().tenants.values().find(|tenant| tenant.slug == slug).map(|tenant| tenant.id);
    found.filter(|id| caller.sees(*id)).map(Some).ok_or_else(|| AppError::not_found("tenant", slug))
}

/// [`named_or_own`] where there must be one.
pub fn named_or_own_required(
    center: &Center,
    caller: &Caller,
    slug: Option<&str>,
) -> Result<TenantId, AppError> {
    named_or_own(center, caller, slug)?
        .ok_or_else(|| AppError::invalid("tenant", "is not named", "give the tenant's short name"))
}
