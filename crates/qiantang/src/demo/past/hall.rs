//! The machines of the past: nothing runs on them. A run begins as it is launched and ends as was thrown for its job,
//! by the center's clock, and the center is told as an engine tells it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use base::moment;
use domain::{JobId, Millis, RunId, Timestamp};
use engines::{
    Ended, Engine, EngineError, Exit, LaunchSpec, Leaving, LogChunk, LogLayout, Observation, Started, Status,
    Stream,
};

/// What is thrown for a job before it is launched.
#[derive(Clone, Debug)]
pub struct Fate {
    /// How long its run takes, if nothing comes between.
    pub takes: Millis,
    pub how: Exit,
}

/// A run that was launched.
#[derive(Clone, Debug)]
struct Machine {
    started_at: Timestamp,
    ends_at: Timestamp,
    how: Exit,
}

impl Machine {
    fn end(&self) -> Ended {
        Ended {
            started_at: Some(self.started_at),
            at: self.ends_at,
            took: Some(Millis(self.ends_at.since(self.started_at).0)),
            how: self.how.clone(),
            why: None,
        }
    }
}

#[derive(Debug)]
pub struct Hall {
    all: Mutex<All>,
    /// Nothing runs longer: from then on the machines are real.
    closes_at: Timestamp,
}

#[derive(Debug, Default)]
struct All {
    fates: BTreeMap<JobId, Fate>,
    runs: BTreeMap<RunId, Machine>,
    /// Those whose end was not told yet, by their end.
    open: BTreeMap<RunId, Timestamp>,
}

impl Hall {
    pub fn new(closes_at: Timestamp) -> Self {
        Self { all: Mutex::default(), closes_at }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Throws the fate of a job before the planner sees it.
    pub fn foretell(&self, job: JobId, fate: Fate) {
        self.all().fates.insert(job, fate);
    }

    /// When the next run ends, as it looks now.
    pub fn next_end(&self) -> Option<Timestamp> {
        self.all().open.values().min().copied()
    }
}

impl Engine for Hall {
    fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError> {
        let now = moment::now();
        let mut all = self.all();
        let fate = all.fates.get_mut(&spec.job);
        let fate = fate.ok_or_else(|| EngineError::Host("nothing was thrown for this job".into()))?;
        let how = fate.how.clone();
        // A machine that broke down under a job does so once.
        if how == Exit::MachineLost {
            fate.how = Exit::Code(0);
        }
        let ends_at = now.plus(fate.takes);
        let (ends_at, how) =
            if ends_at > self.closes_at { (self.closes_at.max(now), Exit::Code(0)) } else { (ends_at, how) };
        let All { runs, open, .. } = &mut *all;
        if let Entry::Vacant(new) = runs.entry(spec.run) {
            new.insert(Machine { started_at: now, ends_at, how });
            open.insert(spec.run, ends_at);
        }
        Ok(())
    }

    fn observe(&self, run: RunId) -> Result<Observation, EngineError> {
        let now = moment::now();
        let mut all = self.all();
        let Some(machine) = all.runs.get(&run).cloned() else { return Ok(Observation::NotLaunched) };
        if machine.ends_at <= now {
            all.open.remove(&run);
            return Ok(Observation::Ended(machine.end()));
        }
        Ok(Observation::Alive {
            started: Some(Started { at: machine.started_at }),
            leaving: Leaving::No,
            seen_at: Some(now),
        })
    }

    fn stop(&self, run: RunId) -> Result<(), EngineError> {
        let now = moment::now();
        let mut all = self.all();
        if let Some(machine) = all.runs.get_mut(&run)
            && machine.ends_at > now
        {
            (machine.ends_at, machine.how) = (now, Exit::Stopped { status: Some(Status::Signal(15)) });
            all.open.insert(run, now);
        }
        Ok(())
    }

    fn read_log(&self, _: RunId, _: Stream, _: u64, _: usize) -> Result<LogChunk, EngineError> {
        Ok(LogChunk::default())
    }

    fn log_layout(&self, _: RunId) -> Result<LogLayout, EngineError> {
        Ok(LogLayout::default())
    }
}
