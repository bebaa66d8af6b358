//! Trials of the twin: a question each, how far its replay has come, and its answer.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use domain::{Lang, Timestamp};
use parking_lot::Mutex;
use twin::{Faults, Figures, ReplayPolicy, Trace};

use base::{error::AppError, refusal::Refused};

/// How many trials are remembered.
const KEPT: usize = 20;
/// How many trials run at once: the center's own work comes first.
const AT_ONCE: usize = 1;

/// The center as it might be, to be compared with the center as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// The history of the last so many days.
    pub days: u32,
    pub policy: ReplayPolicy,
    pub nodes: u32,
    pub cards_per_node: u8,
    /// The demand, in thousandths of what it was.
    pub demand_milli: u32,
    /// The mean of the hours between two failures of a node.
    pub mtbf_hours: Option<u32>,
    pub repair_hours: u32,
}

/// A question that was put to the twin, and its answer once there is one.
#[derive(Debug)]
pub struct Trial {
    pub id: u64,
    pub at: Timestamp,
    pub by: String,
    pub what: WhatIf,
    /// Jobs of both sides that were replayed so far; 0 while the history is read.
    done: AtomicU64,
    /// Jobs of both sides; 0 while the history is read.
    total: AtomicU64,
    outcome: OnceLock<Result<Report, AppError>>,
}

/// The figures of a trial.
#[derive(Debug)]
pub struct Report {
    /// The center as it is, and as it might be.
    pub sides: [Figures; 2],
    trace: Trace,
}

impl Report {
    pub fn new(sides: [Figures; 2], trace: Trace) -> Self {
        Self { sides, trace }
    }

    /// A page with plots that needs nothing from outside.
    pub fn html(&self, lang: Lang) -> String {
        let mut sides = self.sides.clone();
        let words = if lang == Lang::Zh { ["现状", "方案后"] } else { ["now", "then"] };
        for (side, word) in sides.iter_mut().zip(words) {
            word.clone_into(&mut side.label);
        }
        let faults = Faults { lines: self.trace.jobs.len() as u64, ..Faults::default() };
        twin::report::html(&self.trace, &faults, &sides.iter().collect::<Vec<_>>(), lang)
    }
}

impl Trial {
    /// The replay has jobs to go through.
    pub fn set_total(&self, jobs: u64) {
        self.total.store(jobs, Ordering::Relaxed);
    }

    /// The replay has come so far.
    pub fn set_done(&self, jobs: u64) {
        self.done.store(jobs, Ordering::Relaxed);
    }

    /// Ends the trial; only the first end counts.
    pub fn end(&self, outcome: Result<Report, AppError>) {
        let _only_once = self.outcome.set(outcome);
    }

    /// In thousandths.
    pub fn progress(&self) -> u64 {
        let total = self.total.load(Ordering::Relaxed);
        (self.done.load(Ordering::Relaxed) * 1000).checked_div(total).unwrap_or(0).min(1000)
    }

    /// `None` while it runs.
    pub fn outcome(&self) -> Option<&Result<Report, AppError>> {
        self.outcome.get()
    }
}

/// The trials that are remembered, newest first. They go with the center's process.
#[derive(Clone, Debug, Default)]
pub struct Trials(Arc<Mutex<Vec<Arc<Trial>>>>);

impl Trials {
    pub fn list(&self) -> Vec<Arc<Trial>> {
        self.0.lock().clone()
    }

    /// Adds a trial, unless as many run as may run at once.
    pub fn add(&self, at: Timestamp, by: String, what: WhatIf) -> Result<Arc<Trial>, AppError> {
        let mut trials = self.0.lock();
        if trials.iter().filter(|trial| trial.outcome().is_none()).count() >= AT_ONCE {
            return Err(Refused::TwinIsBusy.into());
        }
        let trial = Arc::new(Trial {
            id: trials.first().map_or(1, |newest| newest.id + 1),
            at,
            by,
            what,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            outcome: OnceLock::new(),
        });
        trials.insert(0, trial.clone());
        trials.truncate(KEPT);
        Ok(trial)
    }
}
