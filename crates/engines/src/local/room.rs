//! The surroundings of a run that are its own: IPC, `/dev/shm`, `/proc` and the network.
//!
//! A supervisor lives in a room, and so do the runs that it looks after, one after the other: they pay
//! nothing for it. Of what one run leaves there the next finds nothing. The network is the tenant's, made by
//! the host, see `networks`.

use std::{fs, io, path::Path};

use super::{
    config::{Isolation, LocalConfig, Network, Room},
    networks, sys,
};

/// Shared memory of a run's processes.
pub(crate) const SHM: &str = "/dev/shm";
pub(crate) const PROC: &str = "/proc";

/// What this machine gives for the settings: perhaps nothing. An error says why it can't give what they ask
/// for.
pub(crate) fn find(config: &LocalConfig) -> Result<Option<Room>, String> {
    if config.uid(0).is_none() {
        return Ok(None);
    }
    let network = config.network.unwrap_or(Network::Tenant);
    let room = Room { network, shm_bytes: config.shm_bytes };
    // The trial is made by a thread of its own, which takes the namespaces with it when it ends.
    let trial = std::thread::Builder::new().name("trial".to_owned()).spawn(move || {
        room.enter()?;
        if network == Network::Tenant { networks::Networks::open()?.of(0).map(drop) } else { Ok(()) }
    });
    let tried = trial.and_then(|trial| trial.join().unwrap_or_else(|_| Err(io::Error::other("it panicked"))));
    match (tried, config.network) {
        (Ok(()), _) => Ok(Some(room)),
        (Err(error), Some(Network::Tenant | Network::None)) => {
            Err(format!("no namespaces are to be had: {error}"))
        }
        (Err(_), None | Some(Network::Host)) => Ok(None),
    }
}

/// Whether runs may not use TCP at all, which Landlock sees to where there is no room.
pub(crate) fn denies_tcp(config: &LocalConfig) -> bool {
    config.isolation == Isolation::Full && config.room.is_none() && config.network == Some(Network::None)
}

impl Room {
    /// Moves this thread into a new room for good.
    pub(crate) fn enter(self) -> io::Result<()> {
        let own_network = if self.network == Network::None { libc::CLONE_NEWNET } else { 0 };
        sys::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWIPC | own_network)?;
        sys::keep_mounts_to_itself()?;
        // The group of root still sees all, as the supervisor must.
        sys::mount("proc", PROC, "proc", "hidepid=2")?;
        self.mount_shm()?;
        if own_network != 0 { sys::loopback_up() } else { Ok(()) }
    }

    fn mount_shm(self) -> io::Result<()> {
        sys::mount("shm", SHM, "tmpfs", &format!("mode=1777,size={}", self.shm_bytes))
    }

    /// Removes what a run has left. Whether `/dev/shm` is another one now. `has_queues` says that the run may
    /// have made queues that nothing shows.
    pub(crate) fn clean(self, has_queues: bool) -> io::Result<bool> {
        if has_queues || is_ipc_used() {
            sys::unshare(libc::CLONE_NEWIPC)?;
        }
        if empty(Path::new(SHM)).is_ok() {
            return Ok(false);
        }
        self.mount_shm().map(|()| true)
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a run has left segments, semaphores or queues of System V.
fn is_ipc_used() -> bool {
    // Each has a line of headings. What can't be read may be anything.
    let is_used = |kind: &str| {
        fs::read(format!("/proc/sysvipc/{kind}"))
            .map_or(true, |text| text.iter().filter(|byte| **byte == b'\n').count() > 1)
    };
    ["shm", "sem", "msg"].into_iter().any(is_used)
}
