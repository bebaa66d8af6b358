//! Finds the Slurm jobs of runs: by name, where it is not known whether a run was submitted, and by the
//! claim, where a run has several jobs.

use std::{collections::HashMap, io};

use domain::RunId;

use super::{
    core::Core,
    job_name::{job_name, run_of},
    table::{TrackedJob, TrackedRun},
};
use crate::{
    clock,
    engine::EngineError,
    observation::Leaving,
    slurm::{
        client::{
            job::{AccountingQuery, JobRecord},
            port::SlurmError,
        },
        disk::record::RunEvent,
    },
};

/// How long before a run was made its jobs are looked for in the accounting, in seconds: clocks differ.
const LOOK_BACK_S: i64 = 3600;

/// Finds, in two calls, the jobs of those runs of the batch that may have been submitted before. Whether
/// Slurm answered.
pub(super) fn look_for(core: &Core, batch: &[RunId]) -> bool {
    let wanted: Vec<RunId> = {
        let table = core.table();
        let is_wanted = |run: &&RunId| {
            table.runs.get(run).is_some_and(|entry| entry.job.number.is_none() && entry.may_be_there)
        };
        batch.iter().filter(is_wanted).copied().collect()
    };
    if wanted.is_empty() {
        return true;
    }
    let found = match find_jobs(core, &wanted) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, runs = wanted.len(), "failed to look for runs in Slurm; the engine tries again");
            core.put_back(wanted);
            return false;
        }
    };
    for run in wanted {
        let number = found.get(&run).copied();
        if let Some(number) = number {
            tracing::info!(%run, number, "found the Slurm job of a run");
            adopt(core, run, number);
        } else if let Some(entry) = core.table().runs.get_mut(&run) {
            entry.may_be_there = false;
        }
    }
    true
}

/// Adopts jobs that a look at all jobs shows for runs of which it was unclear whether Slurm took them.
/// Whether there were any.
pub(super) fn adopt_found(core: &Core, by_name: &HashMap<&str, Vec<u32>>) -> bool {
    let unclear: Vec<RunId> = {
        let table = core.table();
        let is_unclear = |(run, entry): &(&RunId, &TrackedRun)| {
            entry.job.number.is_none() && entry.may_be_there && !table.in_hand.contains(run)
        };
        table.runs.iter().filter(is_unclear).map(|(run, _)| *run).collect()
    };
    let mut has_found = false;
    for run in unclear {
        let Some(numbers) = by_name.get(job_name(run).as_str()) else { continue };
        match choose(core, run, numbers.clone()) {
            Ok(Some(number)) => {
                tracing::info!(%run, number, "found the Slurm job of a run");
                adopt(core, run, number);
                has_found = true;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%run, %error, "failed to choose among the Slurm jobs of a run; the engine tries again");
            }
        }
    }
    has_found
}

/// Chooses, of several jobs, the one that made the run's claim, or else the first.
fn choose(core: &Core, run: RunId, mut numbers: Vec<u32>) -> Result<Option<u32>, EngineError> {
    if let Some(entry) = core.table().runs.get(&run) {
        numbers.retain(|number| !entry.forgotten.contains(number));
    }
    if numbers.len() <= 1 {
        return Ok(numbers.pop());
    }
    let claimed = claimed_by(core, run)?.filter(|claimed| numbers.contains(claimed));
    Ok(claimed.or_else(|| numbers.into_iter().min()))
}

/// Makes the job the run's own.
pub(super) fn adopt(core: &Core, run: RunId, number: u32) {
    let at = clock::now();
    if let Err(error) = core.records.append(run, &RunEvent::Submitted { number, at }) {
        // The job will be found by its name again.
        tracing::error!(%run, %error, "failed to keep the number of a Slurm job");
    }
    let mut table = core.table();
    let Some(entry) = table.runs.get_mut(&run) else { return };
    (entry.job, entry.may_be_there) = (TrackedJob::submitted(number, at), false);
    if entry.left_at.is_none() {
        let is_short = core.notices.as_ref().is_some_and(|notices| notices.expects_short(entry));
        entry.leaving = if is_short { Leaving::Soon } else { Leaving::No };
    }
    if entry.is_to_end() {
        table.queue.push_front(run);
    }
    drop(table);
    core.to_watch.notify_one();
}

fn find_jobs(core: &Core, runs: &[RunId]) -> Result<HashMap<RunId, u32>, EngineError> {
    let listing = core.slurm.jobs()?;
    let mut all: HashMap<RunId, Vec<u32>> = HashMap::new();
    let mut note = |jobs: &[JobRecord]| {
        for job in jobs {
            if let Some(run) = run_of(&job.name).filter(|run| runs.contains(run)) {
                all.entry(run).or_default().push(job.id);
            }
        }
    };
    note(&listing.jobs);
    let query = AccountingQuery {
        names: runs.iter().map(|run| job_name(*run)).collect(),
        since: runs.iter().copied().map(looked_for_s).min().unwrap_or(0),
        ..AccountingQuery::default()
    };
    note(&core.slurm.accounting(&query)?);
    let mut found = HashMap::new();
    for (run, numbers) in all {
        if let Some(number) = choose(core, run, numbers)? {
            found.insert(run, number);
        }
    }
    Ok(found)
}

/// Whether Slurm has, or has had, a job of this number under the run's name.
pub(super) fn is_named(core: &Core, run: RunId, number: u32) -> Result<bool, SlurmError> {
    let name = job_name(run);
    let is_it = |job: &JobRecord| job.id == number && job.name == name;
    if core.slurm.jobs()?.jobs.iter().any(is_it) {
        return Ok(true);
    }
    let query = AccountingQuery {
        jobs: vec![number],
        names: vec![name.clone()],
        since: looked_for_s(run),
        ..AccountingQuery::default()
    };
    Ok(core.slurm.accounting(&query)?.iter().any(is_it))
}

/// Since when the accounting may have jobs of a run, in seconds since 1970.
pub(super) fn looked_for_s(run: RunId) -> i64 {
    run.made_at().as_micros() / 1_000_000 - LOOK_BACK_S
}

/// The number of the job that made the run's claim.
pub(super) fn claimed_by(core: &Core, run: RunId) -> Result<Option<u32>, EngineError> {
    let failed = || EngineError::io::<io::Error>(format!("read the claim of {run}"));
    let Some(user) = core.owner_of_run(run).map_err(failed())? else { return Ok(None) };
    let word = core.shared.word(run, "claim", user.uid).map_err(failed())?;
    Ok(word.and_then(|text| text.parse().ok()))
}
