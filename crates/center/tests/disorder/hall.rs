//! The machines, in memory: runs begin and end as the dice say, and the center is told as an engine tells it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use base::moment;
use domain::{Millis, RunId, Timestamp, reason::NotStarted};
use engines::{
    Ended, Engine, EngineError, Exit, LaunchSpec, Leaving, LogChunk, LogLayout, Observation, Started, Stream,
};

/// A run that was launched.
#[derive(Clone, Debug)]
pub struct Machine {
    pub started_at: Option<Timestamp>,
    pub is_to_stop: bool,
    end: Option<Observation>,
}

#[derive(Debug, Default)]
pub struct Hall {
    runs: Mutex<BTreeMap<RunId, Machine>>,
    /// Since when the center hears nothing of it.
    silent_since: Mutex<Option<Timestamp>>,
}

impl Hall {
    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Machine>> {
        self.runs.lock().expect("no thread has panicked")
    }

    /// Runs that are not over.
    pub fn alive(&self) -> Vec<(RunId, Machine)> {
        let alive = |(id, machine): (&RunId, &Machine)| machine.end.is_none().then(|| (*id, machine.clone()));
        self.runs().iter().filter_map(alive).collect()
    }

    pub fn fall_silent(&self) {
        self.silent_since.lock().expect("no thread has panicked").get_or_insert_with(moment::now);
    }

    pub fn speak(&self) {
        *self.silent_since.lock().expect("no thread has panicked") = None;
    }

    pub fn start(&self, id: RunId) {
        if let Some(machine) = self.runs().get_mut(&id) {
            machine.started_at.get_or_insert_with(moment::now);
        }
    }

    pub fn end(&self, id: RunId, how: Exit) {
        let now = moment::now();
        if let Some(machine) = self.runs().get_mut(&id) {
            let started_at = machine.started_at;
            let how = if machine.is_to_stop { Exit::Stopped { status: None } } else { how };
            let how = if started_at.is_none() && !machine.is_to_stop {
                Exit::FailedToStart(NotStarted::Other("no such script".into()))
            } else {
                how
            };
            let took = started_at.map(|from| Millis(now.since(from).0));
            machine.end = Some(Observation::Ended(Ended { started_at, at: now, took, how, why: None }));
        }
    }

    /// Nobody saw its end, and it was last seen so long ago.
    pub fn lose(&self, id: RunId, ago: Millis) {
        let now = moment::now();
        if let Some(machine) = self.runs().get_mut(&id) {
            let started = machine.started_at.map(|at| Started { at });
            let last_seen = machine.started_at.map(|from| now.minus(ago).max(from));
            machine.end = Some(Observation::Vanished { started, last_seen });
        }
    }
}

impl Engine for Hall {
    fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError> {
        let new = Machine { started_at: None, is_to_stop: false, end: None };
        self.runs().entry(spec.run).or_insert(new);
        Ok(())
    }

    fn observe(&self, run: RunId) -> Result<Observation, EngineError> {
        let silent_since = *self.silent_since.lock().expect("no thread has panicked");
        let runs = self.runs();
        let Some(machine) = runs.get(&run) else { return Ok(Observation::NotLaunched) };
        if let (None, Some(end)) = (silent_since, &machine.end) {
            return Ok(end.clone());
        }
        let started = machine.started_at.filter(|at| silent_since.is_none_or(|since| *at < since));
        Ok(Observation::Alive {
            started: started.map(|at| Started { at }),
            leaving: Leaving::No,
            seen_at: Some(silent_since.unwrap_or_else(moment::now)),
        })
    }

    fn stop(&self, run: RunId) -> Result<(), EngineError> {
        if let Some(machine) = self.runs().get_mut(&run) {
            machine.is_to_stop = true;
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
