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

/// The room that this machine gives for the settings, if any. An error says why it can't give what they ask
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
        sys::mount("shm", SHM, "tmpfs", &format!("mode=1777,size={}", self.shm_bytes))?;
        if own_network != 0 { sys::loopback_up() } else { Ok(()) }
    }
}

/// Removes what a run has left in the room that this process is in. `has_hidden_queues` says that the run may have made
/// queues that nothing shows.
pub(crate) fn clean(has_hidden_queues: bool) -> io::Result<()> {
    if has_hidden_queues || sys::is_ipc_used() {
        sys::unshare(libc::CLONE_NEWIPC)?;
    }
    // All but the folder itself.
    let known = rustix::fs::statfs(SHM)?;
    if known.f_files - known.f_ffree > 1 { empty(Path::new(SHM)) } else { Ok(()) }
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
