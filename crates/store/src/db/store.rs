//! The store: one writer, many readers, one center.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use super::{
    backup::{self, BackupReport},
    error::StoreError,
    readers::Readers,
    schema,
    tx::Tx,
    writer::{self, Writer, WriterStats},
};

/// The database of a center. Clones are cheap and share it; when the last is dropped, the writer does all
/// that was submitted and the database is closed.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    was_touched: bool,
    // The order of the fields is the order in which they close.
    writer: Writer,
    readers: Readers,
    _lock: File,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `path`, makes it if it isn't there, and brings its schema up to date. A lock on
    /// `<path>.lock` keeps all others from opening it until the store is dropped or the process ends. (A
    /// child that is forked without exec keeps the lock: fork such children first.)
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let (conn, was_touched) = schema::open_writer(path)?;
        let writer = Writer::start(Tx::new(conn)).map_err(|error| StoreError::open(path, &error))?;
        let readers = Readers::new(path);
        Ok(Self {
            inner: Arc::new(Inner { path: path.to_owned(), writer, readers, was_touched, _lock: lock }),
        })
    }

    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Hands work to the writer and returns at once. The writer does all work that waits in one transaction,
    /// in the order in which it was handed in; work that fails or panics is undone alone. Once the
    /// transaction is on disk, `done` gets the result on the writer's thread, in that order, and should only
    /// pass it on. If too much work waits already, `done` gets [`StoreError::Busy`] at once, on the caller's
    /// thread.
    pub fn submit<T, E>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, E> + Send + 'static,
        done: impl FnOnce(Result<T, E>) + Send + 'static,
    ) where
        T: 'static,
        E: From<StoreError> + 'static,
    {
        if let Err((task, error)) = self.inner.writer.push(writer::task(work, done), writer::WhenFull::Refuse)
        {
            task.refuse(error);
        }
    }

    /// As [`Self::submit`], but waits for room in the queue and for the result. It is not for async code; nor
    /// for work and `done`, as the writer can't wait for itself.
    pub fn write<T, E>(&self, work: impl FnOnce(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (send, receive) = mpsc::sync_channel(1);
        let done = move |result| {
            // The receiver waits below, so the result finds it.
            let _ = send.send(result);
        };
        if let Err((task, error)) = self.inner.writer.push(writer::task(work, done), writer::WhenFull::Wait) {
            task.refuse(error);
        }
        receive.recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs `work` on this thread over one consistent snapshot, which `work` can't change. Waits while all
    /// readers are in use.
    pub fn read<T, E>(&self, work: impl FnOnce(&Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        self.inner.readers.read(work)
    }

    /// Writes a consistent copy, as of now, to the new file `to`, while everything goes on. When this
    /// returns, the copy is on disk and was opened and checked. A file that is there is not overwritten. To
    /// restore a copy, put it where the database was.
    pub fn backup(&self, to: &Path) -> Result<BackupReport, StoreError> {
        backup::run(&self.inner.path, to)
    }

    /// Has `work` done at the end of each transaction, as a part of it. It is given once, before the first write.
    pub fn before_each_commit(&self, work: impl Fn(&Tx) -> Result<(), StoreError> + Send + Sync + 'static) {
        self.inner.writer.before_each_commit(Box::new(work));
    }

    /// Has `work` done at the beginning of each transaction, as a part of it. It is given once.
    pub fn at_each_begin(&self, work: impl Fn(&Tx) -> Result<(), StoreError> + Send + Sync + 'static) {
        self.inner.writer.at_each_begin(Box::new(work));
    }

    /// Whether rows were not sealed when the database was opened, before its schema was brought up to date: something
    /// else than a center had changed them.
    pub fn was_touched(&self) -> bool {
        self.inner.was_touched
    }

    /// The work of the writer since the store was opened.
    pub fn stats(&self) -> WriterStats {
        self.inner.writer.stats()
    }

    /// The version of the database's schema.
    pub fn schema_version(&self) -> Result<i64, StoreError> {
        self.read(|tx| schema::version(tx.conn()).map_err(|error| StoreError::open(&self.inner.path, &error)))
    }
}

/// Takes the lock that keeps a center away from the database at `path`; it has it until the file is dropped.
pub fn hold(path: &Path) -> Result<File, StoreError> {
    lock(path)
}

/// Takes the lock that keeps a second center away.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(|error| StoreError::open(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::AlreadyOpen { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::open(path, &error)),
    }
}
