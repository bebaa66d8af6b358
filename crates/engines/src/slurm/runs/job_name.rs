//! The names of the runs' jobs in Slurm.

use domain::RunId;

/// The name of a run's Slurm job.
pub(crate) fn job_name(run: RunId) -> String {
    format!("qt-{run}")
}

/// The run whose job would have this name.
pub(crate) fn run_of(job_name: &str) -> Option<RunId> {
    job_name.strip_prefix("qt-")?.parse().ok()
}
