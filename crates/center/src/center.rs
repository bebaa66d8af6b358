//! The center itself: its store, its engine, what is live, and how all parts reach each other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, mpsc},
};

use domain::{ContractId, Lang, Timestamp};
use engines::{Engine, slurm::SlurmEngine};
use scheduler::{Limit, Planner};
use store::{Store, StoreError, Tx};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};

use crate::{
    auth::{Policies, credentials, limits::Limits},
    error::AppError,
    events::Event,
    live::Live,
    loops::Wakers,
    metrics::Metrics,
    settings::Settings,
};

/// Shared by all parts; cheap to clone.
#[derive(Clone)]
pub struct Center(Arc<Inner>);

pub struct Inner {
    pub settings: Settings,
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    /// The same engine, where it is Slurm's.
    pub slurm: Option<Arc<SlurmEngine>>,
    pub policies: Policies,
    pub limits: Limits,
    pub credentials: credentials::Cache,
    pub wakers: Wakers,
    pub events: broadcast::Sender<Arc<Event>>,
    /// One permit for each stream of events or logs that may be open.
    pub streams: Arc<Semaphore>,
    pub metrics: Metrics,
    pub started_at: Timestamp,
    /// Turns true when the center stops: streams watch it.
    pub stopping: watch::Sender<bool>,
    /// The capacity balance that overviews show, and when it was made.
    pub recent_balance: Mutex<Option<(Timestamp, crate::app::capacity::CapacityView)>>,
    pub trials: crate::app::twin::Trials,
    /// Held while Slurm's accounts are looked at and changed: one at a time.
    pub slurm_accounts: Mutex<()>,
    live: Mutex<Live>,
    planner: Mutex<Planner>,
    feasible: Mutex<HashMap<Shape, Option<Limit>>>,
}

/// What decides whether a job can ever start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub contract: ContractId,
    pub nodes: u32,
    pub cards_per_node: u32,
    pub is_exclusive: bool,
    pub models: Vec<String>,
    pub labels: Vec<String>,
}

impl std::fmt::Debug for Center {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Center").field("data_dir", &self.0.settings.data_dir).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl std::ops::Deref for Center {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What the center is made of when it starts.
pub struct Parts {
    pub settings: Settings,
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    pub slurm: Option<Arc<SlurmEngine>>,
    pub policies: Policies,
    pub live: Live,
    pub wakers: Wakers,
}

impl Center {
    pub fn new(parts: Parts) -> Self {
        let limits =
            Limits::new(parts.settings.limits.requests_per_second, parts.settings.limits.sign_ins_per_minute);
        Self(Arc::new(Inner {
            limits,
            credentials: credentials::Cache::default(),
            events: broadcast::channel(4096).0,
            streams: Arc::new(Semaphore::new(parts.settings.limits.streams)),
            metrics: Metrics::new(),
            started_at: crate::moment::now(),
            stopping: watch::Sender::new(false),
            recent_balance: Mutex::default(),
            trials: crate::app::twin::Trials::default(),
            slurm_accounts: Mutex::default(),
            live: Mutex::new(parts.live),
            planner: Mutex::new(Planner::new(crate::loops::plan::policy(&parts.settings))),
            feasible: Mutex::default(),
            settings: parts.settings,
            store: parts.store,
            engine: parts.engine,
            slurm: parts.slurm,
            policies: parts.policies,
            wakers: parts.wakers,
        }))
    }

    /// What is going on now. Hold it shortly, and never across a write.
    pub fn live(&self) -> MutexGuard<'_, Live> {
        self.0.live.lock().expect("no panic while holding what is live")
    }

    /// The planner, as of its last plan. Whoever needs what is live as well takes this first.
    pub fn planner(&self) -> MutexGuard<'_, Planner> {
        self.0.planner.lock().expect("no panic while holding the planner")
    }

    /// Commits `work`, then brings what is live up to date with `apply`, which runs in the order of the commits.
    /// Returns when the change is on disk.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        apply: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let (tell, told) = oneshot::channel();
        self.submit(work, apply, move |result| drop(tell.send(result)));
        told.await.map_err(|_| AppError::Internal("the center is stopping".into()))?
    }

    /// [`Self::write`] for the loops' own threads.
    pub fn write_now<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        apply: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let (tell, told) = mpsc::sync_channel(1);
        self.submit(work, apply, move |result| drop(tell.send(result)));
        told.recv().map_err(|_| AppError::Internal("the center is stopping".into()))?
    }

    fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        apply: impl FnOnce(&Self, &T) + Send + 'static,
        tell: impl FnOnce(Result<T, AppError>) + Send + 'static,
    ) {
        let center = self.clone();
        self.store.submit(work, move |result| {
            if let Ok(done) = &result {
                apply(&center, done);
            }
            tell(result);
        });
    }

    /// Reads from the store, off the threads that serve requests.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AppError> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.read(work))
            .await
            .map_err(|error| AppError::Internal(error.to_string()))?
            .map_err(AppError::from)
    }

    /// Why no job of this shape can ever start, if so. Asked of the planner once for each shape.
    pub fn never_fits(&self, shape: &Shape) -> Option<Limit> {
        if let Some(known) = self.feasible.lock().expect("not poisoned").get(shape) {
            return known.clone();
        }
        let limit = crate::app::jobs::ask_whether_it_fits(self, shape);
        self.feasible.lock().expect("not poisoned").insert(shape.clone(), limit.clone());
        limit
    }

    /// Nodes or contracts changed: what fits is to be asked anew.
    pub fn forget_what_fits(&self) {
        self.feasible.lock().expect("not poisoned").clear();
    }

    /// Tells loops and streams to end.
    pub fn begin_to_stop(&self) {
        self.wakers.stop();
        self.stopping.send_replace(true);
    }

    /// The center's name in `lang`.
    pub fn name(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.settings.name_zh,
            Lang::En => &self.settings.name_en,
        }
    }
}
