//! The scripts that Slurm runs: the batch script, and the start of one node's process.
//!
//! The batch script claims the run: of several Slurm jobs of one run, or several lives of one job, only the
//! first to make the claim's file goes on. The script then sets the environment and the limits. It goes on as
//! the run's own script where that is a bash script that can't tell the difference. Otherwise it becomes the
//! run's script, which then lies as `script` in the run's folder on the shared file system. Either way the
//! run's script is the job's process, as with sbatch: a signal that Slurm sends to the job reaches it once.
//! The watcher keeps its time limit. Where a process runs on each of several nodes, the batch script begins
//! each of them with the file `start` in that folder.
//!
//! All scripts use the shell's own means where they can: a process costs milliseconds, and these are started
//! for each run.

pub(super) mod job;
pub(super) mod process;
mod refusal;
pub(super) mod sbatch;
