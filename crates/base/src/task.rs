//! Work that the center does by itself, again and again: each piece is a task with its last outcome, which operators see.
//!
//! A task is idempotent: it looks at how things stand and does what is due, so that a run that was missed or broke off costs
//! nothing but time. It runs when it is woken, and at least as often as it says.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use domain::{Millis, Timestamp};

use crate::{error::AppError, moment};

/// A piece of work, as a noun or the center declares it.
pub struct Task<C> {
    /// For programs and in the list of tasks: `idempotency`.
    pub name: &'static str,
    /// The longest pause between two runs.
    pub every: Millis,
    /// Does what is due, and gives how many things it changed.
    pub run: fn(&C) -> Result<u64, AppError>,
}

impl<C> std::fmt::Debug for Task<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How the runs of one task went since the center started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub every: Millis,
    pub runs: u64,
    pub failures: u64,
    pub last: Option<Run>,
    /// The last failure stays in sight after runs that went well.
    pub last_failure: Option<(Timestamp, String)>,
}

/// One run of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub ended_at: Timestamp,
    pub took: Millis,
    /// How many things it changed, or why it failed.
    pub outcome: Result<u64, String>,
}

/// The records of all tasks, by name.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<&'static str, Record>>);

impl Board {
    /// A task that is to run: it is listed before its first run.
    pub fn announce(&self, name: &'static str, every: Millis) {
        let new = Record { every, runs: 0, failures: 0, last: None, last_failure: None };
        self.lock().entry(name).or_insert(new);
    }

    /// Takes in how a run of an announced task went.
    pub fn record(&self, name: &'static str, run: Run) {
        let mut records = self.lock();
        let Some(record) = records.get_mut(name) else { return };
        record.runs += 1;
        if let Err(reason) = &run.outcome {
            record.failures += 1;
            record.last_failure = Some((run.ended_at, reason.clone()));
        }
        record.last = Some(run);
    }

    /// Runs `work` as a run of the task, and keeps how it went. A failure goes to the log as well.
    pub fn run(&self, name: &'static str, work: impl FnOnce() -> Result<u64, AppError>) {
        let began = Instant::now();
        let outcome = work().map_err(|error| error.to_string());
        if let Err(reason) = &outcome {
            tracing::error!(task = name, %reason, "a task failed; it is tried again");
        }
        let took = Millis(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
        self.record(name, Run { ended_at: moment::now(), took, outcome });
    }

    /// Every task with its record, by name.
    pub fn list(&self) -> Vec<(&'static str, Record)> {
        self.lock().iter().map(|(name, record)| (*name, record.clone())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sleeps until called, or for `at_most`. False if nobody is left who could call.
pub fn sleep(called: &Receiver<()>, at_most: Duration) -> bool {
    !matches!(called.recv_timeout(at_most), Err(RecvTimeoutError::Disconnected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_failure_stays_in_sight_after_a_run_that_went_well() {
        let board = Board::default();
        board.announce("sweep", Millis::from_secs(60));
        assert_eq!(board.list()[0].1.last, None);
        board.run("sweep", || Err(AppError::not_found("job", "x")));
        board.run("sweep", || Ok(3));
        let (name, record) = board.list().remove(0);
        assert_eq!((name, record.runs, record.failures), ("sweep", 2, 1));
        assert_eq!(record.last.unwrap().outcome, Ok(3));
        assert!(record.last_failure.unwrap().1.contains("no job `x`"));
    }

    #[test]
    fn a_task_that_nobody_announced_is_not_listed() {
        let board = Board::default();
        board.run("stray", || Ok(0));
        assert!(board.list().is_empty());
    }
}
