//! Runs of a database that was restored from a backup.

use std::{collections::BTreeSet, fs};

use base::error::AppError;
use domain::RunId;

use super::news::{self, Seen};
use crate::{center::Center, live::LiveRun};

/// The file beside a database that was restored and has not been started since.
pub const MARK: &str = "restored";

/// At the first start of what was restored: the runs that were under way ended in a past that these books don't have. They
/// are lost, and charged as far as they were seen. Slurm knows how its jobs went on, and is asked as after any start. Gives
/// the runs that are left to look at.
pub fn end(center: &Center, mut active: BTreeSet<RunId>) -> Result<BTreeSet<RunId>, AppError> {
    let mark = center.settings.data_dir.join("database").join(MARK);
    if !mark.exists() {
        return Ok(active);
    }
    if center.compute.slurm.is_none() {
        let lost = |&run: &RunId| {
            let last_seen = center.live().run(run).and_then(LiveRun::metered_until);
            (run, Seen::Vanished { started_at: None, last_seen })
        };
        let lost: Vec<_> = active.iter().map(lost).collect();
        tracing::warn!(runs = lost.len(), "the database was restored: the runs that were under way are lost");
        news::take_in(center, lost);
        active.retain(|&run| center.live().run(run).is_some());
        if let Some(run) = active.first() {
            let problem = "it was under way at the backup and can't be ended; the log says why";
            return Err(AppError::internal_at(run, problem));
        }
    }
    fs::remove_file(&mark).map_err(|error| AppError::internal_at(mark.display(), error))?;
    Ok(active)
}
