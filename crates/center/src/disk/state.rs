//! What was seen of the disks last.

use std::collections::BTreeMap;

use domain::{TenantId, Timestamp};
use engines::disk::Held;
use parking_lot::Mutex;

use super::rule::{Disk, Look};

/// The disks, as the loops saw them last.
#[derive(Debug, Default)]
pub struct Disks(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    disks: Vec<Disk>,
    /// The last whole look at runs.
    look: Option<Look>,
    /// The folders of each tenant, and when they were looked at.
    tenants: BTreeMap<TenantId, (Held, Timestamp)>,
}

impl Disks {
    pub fn all(&self) -> Vec<Disk> {
        self.0.lock().disks.clone()
    }

    /// A disk that is full, the one with the least left if there are more.
    pub fn full(&self) -> Option<Disk> {
        let seen = self.0.lock();
        seen.disks.iter().filter(|disk| disk.is_full()).min_by_key(|disk| disk.space.free_bytes).copied()
    }

    pub fn looked_at(&self, disks: Vec<Disk>) {
        self.0.lock().disks = disks;
    }

    /// The last whole look at runs, with all tenants that were ever looked at.
    pub fn look(&self) -> Option<Look> {
        let seen = self.0.lock();
        let mut look = seen.look.clone()?;
        look.tenants = seen.tenants.iter().map(|(tenant, (held, _))| (*tenant, *held)).collect();
        Some(look)
    }

    pub fn looked_at_runs(&self, look: Look, now: Timestamp) {
        let mut seen = self.0.lock();
        for (tenant, held) in &look.tenants {
            seen.tenants.insert(*tenant, (*held, now));
        }
        seen.look = Some(look);
    }

    pub fn looked_at_tenant(&self, tenant: TenantId, held: Held, now: Timestamp) {
        self.0.lock().tenants.insert(tenant, (held, now));
    }

    /// The folders of each tenant, and when they were looked at.
    pub fn tenants(&self) -> BTreeMap<TenantId, (Held, Timestamp)> {
        self.0.lock().tenants.clone()
    }
}
