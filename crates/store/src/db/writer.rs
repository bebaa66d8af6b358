//! The writer: one thread that makes many writes durable with one commit.

use std::{
    any::Any,
    cell::Cell,
    collections::VecDeque,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use super::{error::StoreError, tx::Tx};

/// The most writes that may wait.
const QUEUE_LIMIT: usize = 16 * 1024;
/// The most writes of one commit. It bounds how long the first of them waits for the last.
const BATCH_LIMIT: usize = 512;
/// The pages in the log from which on it is copied into the database when no write waits.
const CHECKPOINT_PAGES: i32 = 4 * 1024;
/// The pages in the log from which on it is copied into the database even if writes wait.
const CHECKPOINT_AT_ONCE_PAGES: i32 = 16 * 1024;

/// The work of the writer since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Transactions that were committed, each with one wait for the disk.
    pub commits: u64,
    /// Closures whose changes were committed.
    pub closures: u64,
    /// Closures that failed or panicked, and were undone.
    pub failed: u64,
    /// Those of them that panicked.
    pub panicked: u64,
    /// Closures that were refused because the queue was full.
    pub refused: u64,
    /// The most closures of one commit.
    pub largest_batch: u64,
    /// The time in closures.
    pub work_us: u64,
    /// The time in commits.
    pub commit_us: u64,
    /// The time in copying the log into the database.
    pub checkpoint_us: u64,
    /// How often the log was copied into the database.
    pub checkpoints: u64,
    /// Closures that wait now.
    pub queued: u64,
    /// How many closures may wait.
    pub queue_limit: u64,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    closures: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    refused: AtomicU64,
    largest_batch: AtomicU64,
    work_us: AtomicU64,
    commit_us: AtomicU64,
    checkpoint_us: AtomicU64,
    checkpoints: AtomicU64,
}

/// Work with whom to tell of its result. A task is either run and then finished, or refused.
pub(super) trait Task: Send {
    fn run(self: Box<Self>, tx: &Tx) -> Ran;
    fn refuse(self: Box<Self>, error: StoreError);
}

/// Work that was done and waits for the commit.
pub(super) struct Ran {
    is_kept: bool,
    has_panicked: bool,
    finish: Box<dyn FnOnce(Result<(), StoreError>)>,
}

struct Closure<W, D> {
    work: W,
    done: D,
}

/// Makes a task of work and whom to tell.
pub(super) fn task<T, E>(
    work: impl FnOnce(&Tx) -> Result<T, E> + Send + 'static,
    done: impl FnOnce(Result<T, E>) + Send + 'static,
) -> Box<dyn Task>
where
    T: 'static,
    E: From<StoreError> + 'static,
{
    Box::new(Closure { work, done })
}

impl<T, E, W, D> Task for Closure<W, D>
where
    T: 'static,
    E: From<StoreError> + 'static,
    W: FnOnce(&Tx) -> Result<T, E> + Send,
    D: FnOnce(Result<T, E>) + Send + 'static,
{
    fn run(self: Box<Self>, tx: &Tx) -> Ran {
        let Self { work, done } = *self;
        let caught = catch_unwind(AssertUnwindSafe(|| work(tx)));
        let has_panicked = caught.is_err();
        let result = caught
            .unwrap_or_else(|payload| Err(StoreError::Panicked { message: message_of(&*payload) }.into()));
        let is_kept = result.is_ok();
        let finish = Box::new(move |committed: Result<(), StoreError>| {
            done(match (result, committed) {
                (Ok(_), Err(error)) => Err(error.into()),
                (result, _) => result,
            });
        });
        Ran { is_kept, has_panicked, finish }
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        (self.done)(Err(error.into()));
    }
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic").to_owned()
}

/// Whether a task is refused or waits when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenFull {
    Refuse,
    Wait,
}

/// Work done at the beginning or the end of each transaction, as a part of it.
pub(super) type Always = Box<dyn Fn(&Tx) -> Result<(), StoreError> + Send + Sync>;

pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    work_came: Condvar,
    room_came: Condvar,
    counters: Counters,
    at_begin: OnceLock<Always>,
    before_commit: OnceLock<Always>,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Box<dyn Task>>,
    is_closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics with the queue in hand")
    }
}

impl Writer {
    pub(super) fn start(tx: Tx) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let for_thread = Arc::clone(&queue);
        let thread =
            thread::Builder::new().name("store-writer".into()).spawn(move || run(&tx, &for_thread))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Puts a task at the end of the queue, or gives it back with the reason why not.
    pub(super) fn push(
        &self,
        task: Box<dyn Task>,
        when_full: WhenFull,
    ) -> Result<(), (Box<dyn Task>, StoreError)> {
        let mut state = self.queue.state();
        while state.tasks.len() >= QUEUE_LIMIT && !state.is_closed {
            if when_full == WhenFull::Refuse {
                self.queue.counters.refused.fetch_add(1, Relaxed);
                return Err((task, StoreError::Busy { limit: QUEUE_LIMIT }));
            }
            state = self.queue.room_came.wait(state).expect("nothing panics with the queue in hand");
        }
        if state.is_closed {
            return Err((task, StoreError::Closed));
        }
        state.tasks.push_back(task);
        let was_empty = state.tasks.len() == 1;
        drop(state);
        if was_empty {
            self.queue.work_came.notify_one();
        }
        Ok(())
    }

    /// Has `work` done at the end of each transaction; only the first that is given counts.
    pub(super) fn before_each_commit(&self, work: Always) {
        let _ = self.queue.before_commit.set(work);
    }

    /// Has `work` done at the beginning of each transaction; only the first that is given counts.
    pub(super) fn at_each_begin(&self, work: Always) {
        let _ = self.queue.at_begin.set(work);
    }

    pub(super) fn stats(&self) -> WriterStats {
        let queued = self.queue.state().tasks.len() as u64;
        let counters = &self.queue.counters;
        WriterStats {
            commits: counters.commits.load(Relaxed),
            closures: counters.closures.load(Relaxed),
            failed: counters.failed.load(Relaxed),
            panicked: counters.panicked.load(Relaxed),
            refused: counters.refused.load(Relaxed),
            largest_batch: counters.largest_batch.load(Relaxed),
            work_us: counters.work_us.load(Relaxed),
            commit_us: counters.commit_us.load(Relaxed),
            checkpoint_us: counters.checkpoint_us.load(Relaxed),
            checkpoints: counters.checkpoints.load(Relaxed),
            queued,
            queue_limit: QUEUE_LIMIT as u64,
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.state().is_closed = true;
        self.queue.work_came.notify_one();
        self.queue.room_came.notify_all();
        let Some(thread) = self.thread.take() else { return };
        // The last store may be dropped in a `done`, on the writer's own thread. The thread then ends by
        // itself.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the store's writer ended in a panic");
        }
    }
}

thread_local! {
    /// The pages in the log after the last commit on this thread.
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

fn run(tx: &Tx, queue: &Queue) {
    tx.conn().wal_hook(Some(|_, pages| {
        LOG_PAGES.set(pages);
        Ok(())
    }));
    let mut batch = VecDeque::with_capacity(BATCH_LIMIT);
    while take(queue, &mut batch) {
        while !batch.is_empty() {
            run_batch(tx, &mut batch, queue);
        }
        let pages = LOG_PAGES.get();
        if pages >= CHECKPOINT_AT_ONCE_PAGES || (pages >= CHECKPOINT_PAGES && queue.state().tasks.is_empty())
        {
            checkpoint(tx, &queue.counters);
        }
    }
}

/// Waits for tasks and moves them into `batch`, as many as one commit takes; `false` once the queue is closed
/// and empty.
fn take(queue: &Queue, batch: &mut VecDeque<Box<dyn Task>>) -> bool {
    let mut state = queue.state();
    while state.tasks.is_empty() {
        if state.is_closed {
            return false;
        }
        state = queue.work_came.wait(state).expect("nothing panics with the queue in hand");
    }
    if state.tasks.len() <= BATCH_LIMIT {
        mem::swap(&mut state.tasks, batch);
    } else {
        batch.extend(state.tasks.drain(..BATCH_LIMIT));
    }
    drop(state);
    queue.room_came.notify_all();
    true
}

/// Runs tasks in one transaction, commits, and tells each. Where the database gives the transaction up, the
/// tasks that were not run stay in `batch`.
fn run_batch(tx: &Tx, batch: &mut VecDeque<Box<dyn Task>>, queue: &Queue) {
    let counters = &queue.counters;
    let began_at = Instant::now();
    if let Err(error) = tx.control("BEGIN IMMEDIATE") {
        let error = StoreError::commit(&error);
        tracing::error!(%error, "failed to begin a transaction");
        for task in batch.drain(..) {
            tell(|| task.refuse(error.clone()));
        }
        return;
    }
    let mut ran = Vec::with_capacity(batch.len());
    let always = |work: &OnceLock<Always>| work.get().map_or(Ok(()), |work| by_itself(tx, work));
    let executed = always(&queue.at_begin)
        .and_then(|()| run_tasks(tx, batch, &mut ran))
        .and_then(|()| always(&queue.before_commit));
    let worked_at = Instant::now();
    let committed = executed.and_then(|()| tx.control("COMMIT")).map_err(|error| StoreError::commit(&error));
    if let Err(error) = &committed {
        tracing::error!(%error, writes = ran.len(), "failed to commit");
        if !tx.conn().is_autocommit() && tx.control("ROLLBACK").is_err() {
            tracing::error!("failed to roll back");
        }
    }
    let kept = if committed.is_ok() { ran.iter().filter(|ran| ran.is_kept).count() as u64 } else { 0 };
    counters.commits.fetch_add(u64::from(committed.is_ok()), Relaxed);
    counters.closures.fetch_add(kept, Relaxed);
    counters.failed.fetch_add(ran.len() as u64 - kept, Relaxed);
    counters.panicked.fetch_add(ran.iter().filter(|ran| ran.has_panicked).count() as u64, Relaxed);
    counters.largest_batch.fetch_max(ran.len() as u64, Relaxed);
    counters.work_us.fetch_add(micros(worked_at - began_at), Relaxed);
    counters.commit_us.fetch_add(micros(worked_at.elapsed()), Relaxed);
    for ran in ran {
        tell(|| (ran.finish)(committed.clone()));
    }
}

/// Runs tasks until none is left or the transaction is lost.
fn run_tasks(tx: &Tx, batch: &mut VecDeque<Box<dyn Task>>, all: &mut Vec<Ran>) -> rusqlite::Result<()> {
    while let Some(task) = batch.pop_front() {
        tx.control("SAVEPOINT work")?;
        let ran = task.run(tx);
        let is_kept = ran.is_kept;
        all.push(ran);
        // Where the disk is full, the database itself rolls back the whole transaction.
        if tx.conn().is_autocommit() {
            let is_full = tx.take_disk_full();
            let code =
                if is_full { rusqlite::ffi::SQLITE_FULL } else { rusqlite::ffi::SQLITE_ABORT_ROLLBACK };
            let cause = "the database rolled the transaction back".to_owned();
            return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(cause)));
        }
        if !is_kept {
            tx.control("ROLLBACK TO work")?;
        }
        tx.control("RELEASE work")?;
    }
    Ok(())
}

/// Does what belongs to each transaction. Where it fails it is undone alone, and the transaction is kept.
fn by_itself(tx: &Tx, work: &Always) -> rusqlite::Result<()> {
    tx.control("SAVEPOINT always")?;
    if let Err(error) = work(tx) {
        tracing::error!(%error, "failed to do what belongs to each transaction");
        tx.control("ROLLBACK TO always")?;
    }
    tx.control("RELEASE always")
}

/// Copies the log into the database, up to where readers still need it, so that the log can begin anew.
fn checkpoint(tx: &Tx, counters: &Counters) {
    let began_at = Instant::now();
    let copied = tx.conn().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = copied {
        tracing::warn!(%error, "failed to copy the log into the database");
    }
    LOG_PAGES.set(0);
    counters.checkpoints.fetch_add(1, Relaxed);
    counters.checkpoint_us.fetch_add(micros(began_at.elapsed()), Relaxed);
}

/// Tells one submitter. A panic of the submitter ends nothing else.
fn tell(tell: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(tell)).is_err() {
        tracing::error!("a closure that was told of its write panicked");
    }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::{super::schema, *};
    use crate::events;

    #[test]
    fn what_is_told_is_true_when_the_disk_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let tx = Tx::new(schema::open_writer(&dir.path().join("center.db")).unwrap().0);
        let pages: i64 = tx.conn().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        tx.conn().pragma_update(None, "max_page_count", pages + 20).unwrap();
        let (told, results) = mpsc::channel();
        let mut batch: VecDeque<Box<dyn Task>> = VecDeque::new();
        for n in 0..12_i64 {
            // Every third takes eight pages, so that there is no room for all.
            let text = "x".repeat(if n % 3 == 0 { 32_000 } else { 10 });
            let work = move |tx: &Tx| {
                let data = text.as_str().into();
                let (tenant, job, run, at) = (None, None, None, domain::Timestamp::from_secs(n));
                events::append(tx, &events::NewEvent { at, tenant, job, run, kind: n.to_string(), data })
            };
            let told = told.clone();
            batch.push_back(task(work, move |result: Result<i64, StoreError>| {
                told.send((n, result)).unwrap();
            }));
        }
        let queue = Queue::default();
        while !batch.is_empty() {
            run_batch(&tx, &mut batch, &queue);
        }
        drop(told);
        let results: Vec<_> = results.into_iter().collect();
        assert_eq!(results.iter().map(|(n, _)| *n).collect::<Vec<_>>(), (0..12).collect::<Vec<_>>());
        let kept: Vec<_> =
            results.iter().filter(|(_, result)| result.is_ok()).map(|(n, _)| n.to_string()).collect();
        let there = events::list_after(&tx, 0, None, None, 100).unwrap();
        assert_eq!(there.into_iter().map(|event| event.event.kind).collect::<Vec<_>>(), kept);
        let failed: Vec<_> = results.iter().filter_map(|(_, result)| result.as_ref().err()).collect();
        assert!(!failed.is_empty(), "there was no room for all");
        // Those that fell with the one that found no room are told the same reason.
        assert!(failed.iter().all(|error| matches!(error, StoreError::DiskFull { .. })), "{failed:?}");
        assert!(tx.conn().is_autocommit(), "no transaction stays open");
    }
}
