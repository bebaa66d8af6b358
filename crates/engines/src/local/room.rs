//! The surroundings of a run that are its own: IPC, `/dev/shm`, `/proc` and the network.
//!
//! A supervisor lives in a room, and so do the runs that it looks after, one after the other: they pay
//! nothing for it. Of what one run leaves there the next finds nothing. The network is the tenant's, made by
//! the host, see `network`.

use std::{fs, io, path::Path};

use super::{
    config::{Isolation, LocalConfig, Network, Room},
    network::{Networks, outside},
    sys,
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
    let has_way_out = match outside::find(&config.outside) {
        Ok(has_way_out) => has_way_out && network == Network::Tenant,
        Err(why) if network == Network::Tenant => return Err(why),
        Err(_) => false,
    };
    let room = Room { network, has_way_out, shm_bytes: config.shm_bytes };
    // The trial is made by a thread of its own, which takes the namespaces with it when it ends.
    let trial = std::thread::Builder::new().name("trial".to_owned()).spawn(move || {
        room.enter()?;
        if network == Network::Tenant { Networks::open(None)?.of(0).map(drop) } else { Ok(()) }
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
        if self.has_way_out {
            ask_real_servers_for_names()?;
        }
        if own_network != 0 { sys::loopback_up() } else { Ok(()) }
    }
}

/// Where the machine asks a server of its own on loopback, which runs don't reach: the list of those that it asks in turn.
const REAL_SERVERS: &str = "/run/systemd/resolve/resolv.conf";
const SERVERS: &str = "/etc/resolv.conf";

/// Has runs ask the servers for names that the machine itself asks in the end.
fn ask_real_servers_for_names() -> io::Result<()> {
    let is_stub = fs::read_to_string(SERVERS).is_ok_and(|text| asks_loopback_alone(&text));
    if is_stub && Path::new(REAL_SERVERS).is_file() {
        sys::bind(REAL_SERVERS, SERVERS)?;
    }
    Ok(())
}

/// Whether the machine's servers for names are out of the reach of runs.
pub(super) fn has_no_servers_for_names() -> bool {
    let asks_itself = fs::read_to_string(SERVERS).is_ok_and(|text| asks_loopback_alone(&text));
    asks_itself && !Path::new(REAL_SERVERS).is_file()
}

/// Whether all servers for names that a `resolv.conf` has are on loopback.
fn asks_loopback_alone(resolv_conf: &str) -> bool {
    let servers = resolv_conf.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let mut servers = servers.filter_map(|server| server.trim().parse::<std::net::IpAddr>().ok()).peekable();
    servers.peek().is_some() && servers.all(|server| server.is_loopback())
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

#[cfg(test)]
mod tests {
    use super::asks_loopback_alone;

    #[test]
    fn a_server_of_the_machine_itself_is_told_from_others() {
        for (text, alone) in [
            ("nameserver 127.0.0.53\noptions edns0\n", true),
            ("nameserver 127.0.0.53\nnameserver ::1\n", true),
            ("nameserver 127.0.0.53\nnameserver 10.1.1.1\n", false),
            ("# nameserver 127.0.0.53\n nameserver\t10.1.1.1\n", false),
            ("", false),
        ] {
            assert_eq!(asks_loopback_alone(text), alone, "{text}");
        }
    }
}
