//! Cancels the jobs of runs that are to end.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use domain::RunId;

use super::{
    core::Core,
    job_name::job_name,
    table::{TrackedRun, is_job_of},
};
use crate::slurm::client::{job::JobRecord, port::SlurmError};

/// How long a number stays a run's after Slurm confirmed it. Within that time no controller dies, is started
/// anew and gives the number to another job.
const CONFIRMED_FOR: Duration = Duration::from_secs(1);

/// Cancels, in one call, those runs of the batch that Slurm has and that are to end. Whether that went well.
pub(super) fn cancel(core: &Core, batch: &[RunId]) -> bool {
    let wanted: Vec<(RunId, u32)> = {
        let table = core.table();
        let is_wanted = |entry: &&TrackedRun| entry.is_to_end() && entry.job.cancelled_at.is_none();
        let of = |run: &RunId| table.runs.get(run).filter(is_wanted);
        batch.iter().filter_map(|run| Some((*run, of(run)?.job.number?))).collect()
    };
    if wanted.is_empty() {
        return true;
    }
    let done = confirm(core, &wanted).and_then(|numbers| match numbers.as_slice() {
        [] => Ok(()),
        numbers => core.slurm.cancel(numbers),
    });
    if let Err(error) = &done {
        tracing::warn!(%error, jobs = wanted.len(), "failed to cancel Slurm jobs; the engine tries again");
        core.put_back(wanted.iter().map(|(run, _)| *run));
    } else {
        let mut table = core.table();
        for (run, number) in &wanted {
            if let Some(entry) = table.runs.get_mut(run).filter(|entry| entry.job.number == Some(*number)) {
                entry.job.cancelled_at = Some(Instant::now());
            }
        }
    }
    core.to_watch.notify_one();
    done.is_ok()
}

/// The numbers under which Slurm still has these runs. A controller that died gives the numbers that it has
/// forgotten to other jobs, which may be anybody's.
fn confirm(core: &Core, wanted: &[(RunId, u32)]) -> Result<Vec<u32>, SlurmError> {
    let all_since = |since: Instant| {
        let table = core.table();
        let is_so = |(run, number): &&(RunId, u32)| {
            let entry = table.runs.get(run).filter(|entry| entry.job.number == Some(*number));
            entry.and_then(|entry| entry.job.confirmed_at).is_some_and(|at| at >= since)
        };
        wanted.iter().filter(is_so).map(|(_, number)| *number).collect::<Vec<u32>>()
    };
    let asked_at = Instant::now();
    let confirmed = asked_at.checked_sub(CONFIRMED_FOR).map(all_since).unwrap_or_default();
    if confirmed.len() == wanted.len() {
        return Ok(confirmed);
    }
    let listing = core.slurm.jobs()?;
    let by_number: HashMap<u32, &JobRecord> = listing.jobs.iter().map(|job| (job.id, job)).collect();
    // The listing confirms the other runs as well: some of them are often to end soon after.
    for (run, entry) in &mut core.table().runs {
        let listed = entry.job.number.and_then(|number| by_number.get(&number));
        if listed.is_some_and(|job| is_job_of(*run, entry.direct.as_deref(), entry.job.started_at, job)) {
            entry.job.confirmed_at = Some(asked_at);
        }
    }
    Ok(all_since(asked_at))
}

/// Cancels those of these jobs that Slurm still has under the run's name.
pub(super) fn cancel_named(core: &Core, run: RunId, numbers: &[u32]) -> Result<(), SlurmError> {
    let name = job_name(run);
    let listing = core.slurm.jobs()?;
    let is_meant = |job: &&JobRecord| numbers.contains(&job.id) && job.name == name && !job.state.is_over();
    let numbers: Vec<u32> = listing.jobs.iter().filter(is_meant).map(|job| job.id).collect();
    if numbers.is_empty() { Ok(()) } else { core.slurm.cancel(&numbers) }
}
