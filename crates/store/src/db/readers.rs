//! The readers: connections that can't write. One thread at a time uses each.

use std::{
    path::{Path, PathBuf},
    sync::{Condvar, Mutex},
    thread,
};

use super::{error::StoreError, schema, tx::Tx};

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    /// How many connections there may be. Whoever needs one more waits.
    limit: usize,
    pool: Mutex<Pool>,
    came_back: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Tx>,
    open: usize,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        let cores = thread::available_parallelism().map_or(4, usize::from);
        Self {
            path: path.to_owned(),
            limit: (2 * cores).clamp(4, 32),
            pool: Mutex::default(),
            came_back: Condvar::new(),
        }
    }

    pub(super) fn read<T, E>(&self, work: impl FnOnce(&Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let lent = self.lend()?;
        lent.tx().control("BEGIN").map_err(|error| StoreError::of_statement("(snapshot)", &[], &error))?;
        // When `lent` is dropped, the snapshot ends and the connection goes back.
        work(lent.tx())
    }

    fn lend(&self) -> Result<Lent<'_>, StoreError> {
        let mut pool = self.pool.lock().expect("no reader panics with the pool in hand");
        loop {
            if let Some(tx) = pool.idle.pop() {
                return Ok(Lent { readers: self, tx: Some(tx) });
            }
            if pool.open < self.limit {
                pool.open += 1;
                drop(pool);
                let mut lent = Lent { readers: self, tx: None };
                lent.tx = Some(Tx::new(schema::open_reader(&self.path)?));
                return Ok(lent);
            }
            pool = self.came_back.wait(pool).expect("no reader panics with the pool in hand");
        }
    }
}

/// A connection on loan, or the right to open one.
struct Lent<'a> {
    readers: &'a Readers,
    tx: Option<Tx>,
}

impl Lent<'_> {
    fn tx(&self) -> &Tx {
        self.tx.as_ref().expect("it is here until it is dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // A connection that can't end its snapshot is closed, and the next reader opens another.
        let tx = self.tx.take().filter(|tx| tx.conn().is_autocommit() || tx.control("ROLLBACK").is_ok());
        let mut pool = self.readers.pool.lock().expect("no reader panics with the pool in hand");
        match tx {
            Some(tx) => pool.idle.push(tx),
            None => pool.open -= 1,
        }
        drop(pool);
        self.readers.came_back.notify_one();
    }
}
