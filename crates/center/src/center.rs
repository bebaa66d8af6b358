//! The center itself: its ground, what is live, and what turns jobs into runs.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use base::noun::Platform;
use parking_lot::{Mutex, MutexGuard};
use store::Tx;

use crate::{
    compute::Compute, entry::state::Entry, generated::rule::GeneratedPast, live::Live, metrics::Metrics,
    oidc::issuers::Issuers, settings::Settings, signing::template::Templates,
};
use base::{Base, auth::May, change::Changed, error::AppError};

/// Shared by all parts; cheap to clone.
#[derive(Clone, Debug)]
pub struct Center {
    pub base: Base,
    pub compute: Arc<Compute>,
    /// People and programs that are coming in.
    pub entry: Arc<Entry>,
    /// The nouns that this program has.
    pub platforms: &'static [Platform<Self>],
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
    /// What of its past never happened.
    pub generated: Option<GeneratedPast>,
    /// Of the texts of contracts.
    pub templates: Arc<Templates>,
    /// Those who sign people in.
    pub issuers: Arc<Issuers>,
    live: Arc<Mutex<Live>>,
}

impl Deref for Center {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

impl FromRef<Center> for Base {
    fn from_ref(center: &Center) -> Self {
        center.base.clone()
    }
}

impl Center {
    pub fn new(
        platforms: &'static [Platform<Self>],
        settings: Settings,
        base: Base,
        compute: Compute,
        live: Live,
    ) -> Self {
        let metrics = Metrics::new(&mut base.http_metrics.registry(), settings.http.tls.is_some());
        Self {
            base,
            platforms,
            settings: Arc::new(settings),
            metrics: Arc::new(metrics),
            generated: None,
            templates: Arc::default(),
            issuers: Arc::default(),
            compute: Arc::new(compute),
            entry: Arc::default(),
            live: Arc::new(Mutex::new(live)),
        }
    }

    /// Everything that goes on now. Hold it shortly, and never across a write.
    pub fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock()
    }

    /// Commits `work`, then brings what is live up to date with `apply`, which runs in the order of the commits.
    /// Returns when the change is on disk.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        apply: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let center = self.clone();
        self.base.write(work, move |_, done| apply(&center, done)).await
    }

    /// [`Self::write`] for a person (see [`Base::change`]).
    pub async fn change<T: Send + 'static>(
        &self,
        may: May,
        work: impl FnOnce(&Tx) -> Result<Changed<T>, AppError> + Send + 'static,
        apply: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let center = self.clone();
        self.base.change(may, work, move |_, done| apply(&center, done)).await
    }

    /// [`Self::write`] for the loops' own threads.
    pub fn write_now<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        apply: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let center = self.clone();
        self.base.write_now(work, move |_, done| apply(&center, done))
    }

    /// Tells loops and streams to end.
    pub fn begin_to_stop(&self) {
        self.compute.wakers.stop();
        self.stopping.send_replace(true);
    }
}
