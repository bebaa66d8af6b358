//! Whatever turns jobs into runs: the engine that carries them out, the planner that decides, and the loops' wakers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use domain::Tenant;
use engines::{Engine, slurm::SlurmEngine};
use parking_lot::{Mutex, MutexGuard};
use scheduler::{Planner, Policy};

use crate::{
    disk::state::Disks, fits::Fits, retirement::wish::Wish, secret::keyring::Keyring,
    settings::SlurmSettings, wakers::Wakers,
};

pub struct Compute {
    pub engine: Arc<dyn Engine>,
    /// The same engine, where it is Slurm's.
    pub slurm: Option<Arc<SlurmEngine>>,
    pub fits: Fits,
    pub wakers: Wakers,
    pub disks: Disks,
    /// The keys of secrets, which runs get.
    pub keyring: Keyring,
    /// Held while Slurm's accounts are looked at and changed: one at a time.
    pub slurm_accounts: Mutex<()>,
    planner: Mutex<Planner>,
    /// The nodes that there are to be: by the settings, or by Slurm once it has answered.
    wish: Mutex<Option<Wish>>,
    /// How many differences there are between it and the hall.
    differences: AtomicUsize,
}

impl std::fmt::Debug for Compute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compute").field("fits", &self.fits).finish_non_exhaustive()
    }
}

impl Compute {
    pub fn new(
        engine: Arc<dyn Engine>,
        slurm: Option<Arc<SlurmEngine>>,
        policy: Policy,
        wakers: Wakers,
    ) -> Self {
        Self {
            engine,
            slurm,
            fits: Fits::default(),
            wakers,
            disks: Disks::default(),
            keyring: Keyring::default(),
            slurm_accounts: Mutex::default(),
            planner: Mutex::new(Planner::new(policy)),
            wish: Mutex::default(),
            differences: AtomicUsize::default(),
        }
    }

    /// A tenant signed up: from now on its runs belong to the Slurm user that the settings name for it.
    pub fn tenant_signed_up(&self, settings: &SlurmSettings, tenant: &Tenant) {
        if let (Some(slurm), Some(owner)) = (&self.slurm, settings.tenants.get(&tenant.slug)) {
            slurm.add_tenant(tenant.id, owner.clone());
        }
    }

    /// The nodes that there are to be, where that is known.
    pub fn wish(&self) -> Option<Wish> {
        self.wish.lock().clone()
    }

    pub fn wish_is(&self, wish: Wish) {
        *self.wish.lock() = Some(wish);
    }

    pub fn differences(&self) -> usize {
        self.differences.load(Ordering::Relaxed)
    }

    pub fn differences_are(&self, count: usize) {
        self.differences.store(count, Ordering::Relaxed);
    }

    /// The planner, as of its last plan. Whoever needs what is live as well takes this first.
    pub fn planner(&self) -> MutexGuard<'_, Planner> {
        self.planner.lock()
    }
}
