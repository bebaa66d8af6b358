//! The lock on a center's folder.

use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use rustix::{fs::FlockOperation, io::Errno};

use crate::engine::EngineError;

/// How long an engine waits for its predecessor to let go of the folder.
const PATIENCE: Duration = Duration::from_secs(1);

/// Locks the center's folder for as long as the file returned lives. Two centers on one folder would each
/// take the runs for theirs.
pub(crate) fn lock_folder(data_dir: &Path) -> Result<File, EngineError> {
    let path = data_dir.join("engine.lock");
    let what = || format!("open {}", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(EngineError::io(what()))?;
    // A center that was just stopped may have left a process that is about to close its files.
    let begun = Instant::now();
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(Errno::WOULDBLOCK) => return Err(EngineError::InUse(data_dir.to_owned())),
            Err(error) => return Err(EngineError::io(what())(error)),
        }
    }
}
