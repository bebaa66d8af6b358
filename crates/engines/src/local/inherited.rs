//! The things that the host opens once and every supervisor inherits.

use std::{io, os::fd::OwnedFd, path::PathBuf};

use domain::RunId;

use super::{config::LocalConfig, record::Runs, room, sandbox::SystemPaths};

/// The host's settings and open files. A supervisor is a copy of the host, so it has them too.
#[derive(Debug)]
pub(super) struct Inherited {
    pub config: LocalConfig,
    pub runs: Runs,
    pub boot: String,
    /// The fifo that tells the center to look at a run. The center may be gone, and another may come later.
    pub hints: OwnedFd,
    /// The places that runs may use; `None` without isolation.
    pub system: Option<SystemPaths>,
    /// The system calls of runs go through the filter.
    pub has_filter: bool,
    pub cgroup_root: Option<PathBuf>,
    pub signals: OwnedFd,
    /// `/dev/null`.
    pub nothing: OwnedFd,
}

impl Inherited {
    /// Removes what a run has left in the surroundings of this process.
    pub(super) fn clean(&self) -> io::Result<()> {
        self.config.room.map_or(Ok(()), |_| room::clean(!self.has_filter))
    }

    /// Tells the center to look at the run. A failure matters little: the record is the truth.
    pub(super) fn hint(&self, run: RunId) {
        let _center_is_gone = rustix::io::write(&self.hints, run.as_bytes());
    }
}
