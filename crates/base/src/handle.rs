//! The ground that every noun stands on, and no noun itself: settings, the store, who may, and who is told.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use domain::{Lang, Timestamp};
use store::{Store, StoreError, Tx};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};

use crate::{
    auth::{Policies, credentials, limits::Limits},
    error::AppError,
    events::{Event, Kind},
    loops::Loops,
    metrics::Metrics,
    moment,
    notice::inbox::Unread,
    page::{carried::Carried, kept::Kept},
    settings::Settings,
};

/// How many events wait for a follower that is slow; one that falls further behind reads them from the store.
const EVENTS_KEPT: usize = 4096;

/// A handle to the ground; cheap to clone.
#[derive(Clone)]
pub struct Base(Arc<Ground>);

/// The parts that a [`Base`] is a handle to.
pub struct Ground {
    /// The settings that every noun may need.
    pub common: Settings,
    pub store: Store,
    pub policies: Policies,
    pub limits: Limits,
    pub credentials: credentials::Cache,
    pub events: broadcast::Sender<Arc<Event>>,
    /// One permit for each stream of events or logs that may be open.
    pub streams: Arc<Semaphore>,
    /// The registry of all metrics, and the counter of requests.
    pub http_metrics: Metrics,
    pub loops: Loops,
    /// Secrets that were just made, for the page that shows each once.
    pub secrets: Kept<String>,
    /// Forms whose session had ended while they were typed.
    pub carried: Kept<Carried>,
    /// How many notices each member has not read.
    pub unread: Unread,
    /// All kinds of events, once the table of nouns is known.
    kinds: OnceLock<Vec<Kind>>,
    pub started_at: Timestamp,
    /// Turns true when the center stops: streams watch it.
    pub stopping: watch::Sender<bool>,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Base").field(&self.0).finish()
    }
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("name", &self.common.name_en).finish_non_exhaustive()
    }
}

impl Deref for Base {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.0
    }
}

impl Base {
    pub fn new(common: Settings, store: Store, policies: Policies) -> Self {
        let limits = &common.limits;
        Self(Arc::new(Ground {
            limits: Limits::new(limits),
            credentials: credentials::Cache::default(),
            events: broadcast::channel(EVENTS_KEPT).0,
            streams: Arc::new(Semaphore::new(limits.streams)),
            http_metrics: Metrics::default(),
            loops: Loops::default(),
            secrets: Kept::new(10, 256),
            carried: Kept::new(60, 32),
            unread: Unread::default(),
            kinds: OnceLock::new(),
            started_at: moment::now(),
            stopping: watch::Sender::new(false),
            common,
            store,
            policies,
        }))
    }

    /// Commits `work`, then calls `effects` with its outcome, in the order of the commits: the place to change a copy of
    /// the rows in memory and to tell of events. Returns when the change is on disk.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        effects: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let (answer, answered) = oneshot::channel();
        self.submit(work, effects, move |result| drop(answer.send(result)));
        answered.await.map_err(|_| AppError::Stopping)?
    }

    /// [`Self::write`] for a thread that may block.
    pub fn write_now<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        effects: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        self.submit(work, effects, move |result| drop(answer.send(result)));
        answered.recv().map_err(|_| AppError::Stopping)?
    }

    fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
        effects: impl FnOnce(&Self, &T) + Send + 'static,
        answer: impl FnOnce(Result<T, AppError>) + Send + 'static,
    ) {
        let base = self.clone();
        self.store.submit(work, move |result| {
            if let Ok(done) = &result {
                effects(&base, done);
            }
            answer(result);
        });
    }

    /// Reads from the store, off the threads that serve requests.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AppError> {
        self.try_read(|tx| Ok(work(tx)?)).await
    }

    /// [`Self::read`] for work that may refuse.
    pub async fn try_read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.read(work)).await?
    }

    /// [`Self::try_read`] for a thread that may block.
    pub fn read_now<T>(&self, work: impl FnOnce(&Tx) -> Result<T, AppError>) -> Result<T, AppError> {
        self.store.read(work)
    }

    /// Tells all who follow of an event. Called where a write is told, so that events are told in their order.
    pub fn tell(&self, event: Event) {
        // Without a receiver nobody follows at the moment, which is no error.
        let _ = self.events.send(Arc::new(event));
    }

    /// Takes in the kinds of events of all nouns. The first call counts.
    pub fn know_kinds(&self, kinds: impl IntoIterator<Item = Kind>) {
        self.kinds.get_or_init(|| kinds.into_iter().collect());
    }

    /// All kinds of events that there are.
    pub fn kinds(&self) -> &[Kind] {
        self.kinds.get().map_or(&[], Vec::as_slice)
    }

    /// The center's name in `lang`.
    pub fn name(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.common.name_zh,
            Lang::En => &self.common.name_en,
        }
    }
}
