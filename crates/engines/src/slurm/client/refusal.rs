//! The meaning of Slurm's words for a failure.

use super::port::SlurmError;

/// Words of a Slurm that was reached and will not have the job.
const REFUSALS: [&str; 25] = [
    "invalid account",
    "invalid partition",
    "invalid generic resource",
    "invalid trackable resource",
    "invalid qos",
    "invalid node name",
    "invalid feature",
    "invalid job",
    "invalid --",
    "invalid wckey",
    "invalid user",
    "requested node configuration is not available",
    "requested time limit is invalid",
    "requested partition configuration not available",
    "more processors requested than permitted",
    "node count specification invalid",
    "job violates accounting/qos policy",
    "user's group not permitted",
    "access/permission denied",
    "job submit plugin",
    "memory specification can not be satisfied",
    "pathname of a file, directory or other parameter too long",
    "job script",
    "requested topology configuration is not available",
    "unable to allocate resources",
];

/// Words of commands and services that did not reach Slurm.
const NOT_REACHED: [&str; 6] = [
    "unable to contact slurm controller",
    "unable to establish configuration source",
    "connection refused",
    "temporarily unable to accept job",
    "zero bytes were transmitted",
    "controller in standby mode",
];

/// Reads a failed submission. All words that are not listed here leave it unclear whether Slurm has the job.
pub(crate) fn submission_error(err: &str) -> SlurmError {
    let low = err.to_lowercase();
    let why =
        problem("sbatch", err).replace("sbatch: error: ", "").replace("Batch job submission failed: ", "");
    // `Unable to contact` comes as `Unable to allocate resources: Unable to contact slurm controller`.
    if NOT_REACHED.iter().any(|known| low.contains(known)) {
        SlurmError::Unreachable(why)
    } else if REFUSALS.iter().any(|known| low.contains(known)) {
        SlurmError::Refused(why)
    } else {
        SlurmError::Unclear(why)
    }
}

/// Whether Slurm has not ended a job because the job has ended already.
pub(crate) fn is_over_already(why: &str) -> bool {
    let why = why.to_lowercase();
    why.contains("invalid job id") || why.contains("already completing or completed")
}

/// The part of a command's standard error that says something.
pub(crate) fn problem(program: &str, err: &str) -> String {
    let lines: Vec<&str> = err.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect();
    let text = lines.join("; ");
    if text.is_empty() { format!("{program} failed and said nothing") } else { text }
}
