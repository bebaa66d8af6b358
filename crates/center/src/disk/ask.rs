//! What is free of the disks, and what tenants take of them.

use base::{auth::Caller, error::AppError, lookup::Names, refusal::Refused, text::Text};
use domain::{Rfc3339, TenantId};
use serde::Serialize;

use super::{
    rule::{self, Disk, DiskName},
    watch,
};
use crate::center::Center;

/// What is free of the disks, for the center's people, and what tenants take of them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DiskReport {
    /// Empty for a tenant's people.
    pub disks: Vec<DiskView>,
    /// A disk has less free than it must: nothing starts, and no job is taken on.
    pub is_full: bool,
    pub tenants: Vec<TenantOnDisk>,
    /// What one run may take with the folder of its job; `null` where only its tenant's quota holds.
    pub run_allowed_bytes: Option<u64>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DiskView {
    /// The folder by which it is known.
    pub name: DiskName,
    pub size_bytes: u64,
    pub free_bytes: u64,
    /// What must stay free.
    pub floor_bytes: u64,
    /// Files that there may still be; `null` where the file system has no such limit.
    pub free_files: Option<u64>,
    pub full_since: Option<Rfc3339>,
}

impl From<&Disk> for DiskView {
    fn from(disk: &Disk) -> Self {
        Self {
            name: disk.name,
            size_bytes: disk.space.size_bytes,
            free_bytes: disk.space.free_bytes,
            floor_bytes: disk.floor_bytes,
            free_files: (disk.space.files > 0).then_some(disk.space.free_files),
            full_since: disk.full_since.map(Rfc3339),
        }
    }
}

/// What the folders of a tenant's runs take.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TenantOnDisk {
    pub tenant_slug: String,
    pub tenant_name: Text,
    pub used_bytes: u64,
    pub allowed_bytes: u64,
    pub files: u64,
    pub allowed_files: u64,
    /// It takes more than it may: its runs that write more are ended.
    pub is_over: bool,
    /// When that was counted; `null` where it was not yet.
    pub looked_at: Option<Rfc3339>,
}

/// What the caller may see.
pub async fn show(center: &Center, caller: &Caller) -> Result<DiskReport, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, rule::READ, scope)?;
    let settings = &center.settings.disk;
    let allowed_bytes = rule::tenant_bytes(settings, watch::size_of_work(center));
    let allowed_files = settings.tenant_files;
    let seen = center.compute.disks.tenants();
    let is_seen = |id: &TenantId| scope.is_none_or(|own| own == *id);
    let ids: Vec<TenantId> = center.live().tenants().map(|(id, _)| id).filter(is_seen).collect();
    let tenants = center
        .read(move |tx| {
            let mut names = Names::of(tx);
            let mut tenants = Vec::with_capacity(ids.len());
            for id in ids {
                let name = names.tenant(id)?;
                let (held, looked_at) = seen.get(&id).copied().unzip();
                let held = held.unwrap_or_default();
                tenants.push(TenantOnDisk {
                    tenant_slug: name.slug,
                    tenant_name: name.name,
                    used_bytes: held.bytes,
                    allowed_bytes,
                    files: held.files,
                    allowed_files,
                    is_over: held.bytes > allowed_bytes || held.files > allowed_files,
                    looked_at: looked_at.map(Rfc3339),
                });
            }
            tenants.sort_by(|a, b| {
                b.used_bytes.cmp(&a.used_bytes).then_with(|| a.tenant_slug.cmp(&b.tenant_slug))
            });
            Ok(tenants)
        })
        .await?;
    let disks = center.compute.disks.all();
    Ok(DiskReport {
        is_full: disks.iter().any(Disk::is_full),
        disks: if scope.is_none() { disks.iter().map(DiskView::from).collect() } else { Vec::new() },
        tenants,
        run_allowed_bytes: rule::run_bytes(settings),
    })
}

/// Refuses while a disk is full: what is taken on then may not be carried out for long.
pub fn has_room(center: &Center) -> Result<(), AppError> {
    let Some(full) = center.compute.disks.full() else { return Ok(()) };
    let shortage = full.shortage();
    let (disk, free_mib, floor_mib) = (full.name.code().to_owned(), shortage.free_mib, shortage.floor_mib);
    Err(Refused::DiskBelowFloor { disk, free_mib, floor_mib }.into())
}
