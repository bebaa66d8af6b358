//! Settings of the local engine.

use std::{ffi::OsString, path::PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// How far runs are kept apart from the center and from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Landlock, and a uid for each tenant where the center runs as root. The engine doesn't start where it
    /// can't have them.
    #[default]
    Full,
    /// Runs have all the rights of the center. The engine still enforces limits and ends all processes of a
    /// run.
    None,
}

/// The networks that runs are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The runs of a tenant share a network of their own, with a way out where there is one, see `network::outside`.
    Tenant,
    /// Each run has a network of its own, for its own processes alone.
    None,
    /// The machine's.
    Host,
}

/// Where runs may go outside of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// Whether they may go anywhere at all. Where it is not said, they may if this machine has the programs for it.
    pub is_open: Option<bool>,
    /// The only networks that they may reach; all, where none is named.
    pub only: Vec<IpNet>,
    /// Networks that they may never reach.
    pub never: Vec<IpNet>,
}

/// How the surroundings of a run are made that are its own, see `room`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    pub network: Network,
    pub has_way_out: bool,
    pub shm_bytes: u64,
}

/// Settings of the local engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalConfig {
    /// The center's folder. The engine keeps `runs/`, `work/` and `tmp/` in it. Where tenants have uids of
    /// their own, everybody must be able to pass through the folders above it.
    pub data_dir: PathBuf,
    pub isolation: Isolation,
    /// Where the center runs as root, the runs of a tenant have this number plus the tenant's index as uid
    /// and gid.
    pub uid_base: Option<u32>,
    /// The network of runs. Where it is not said, it is the tenant's if this machine can give that, and the
    /// machine's if not.
    pub network: Option<Network>,
    /// Where runs in networks of their tenants may go outside of this machine.
    pub outside: Outside,
    /// The size of a run's `/dev/shm`, where it is its own.
    pub shm_bytes: u64,
    /// How the surroundings of runs are made: the engine finds it at its start. `None`: they are the machine's.
    pub(crate) room: Option<Room>,
    /// The program and the arguments that start the host process.
    #[serde(skip)]
    pub host_command: Vec<OsString>,
    /// Files and folders that runs may read beyond the system's own.
    pub readonly_paths: Vec<PathBuf>,
    /// PATH of runs.
    pub path: String,
    /// The first and the last port for `MASTER_PORT`.
    pub master_ports: (u16, u16),
    /// A cgroup v2 folder that is the center's to divide (systemd: `Delegate=memory pids` and
    /// `DelegateSubgroup=center`). `None`: the engine finds it if it has that form.
    pub cgroup: Option<PathBuf>,
}

impl LocalConfig {
    /// Full isolation with the customary uids, ports and PATH.
    pub fn new(data_dir: impl Into<PathBuf>, host_command: Vec<OsString>) -> Self {
        Self {
            data_dir: data_dir.into(),
            isolation: Isolation::Full,
            uid_base: Some(200_000),
            network: None,
            outside: Outside::default(),
            shm_bytes: 16 << 30,
            room: None,
            host_command,
            readonly_paths: Vec::new(),
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            // Below the range from which the kernel takes ports by itself.
            master_ports: (20_000, 32_000),
            cgroup: None,
        }
    }

    /// The uid of a tenant's runs; `None` for the center's own.
    pub(crate) fn uid(&self, uid_index: u32) -> Option<u32> {
        let isolates = self.isolation == Isolation::Full && rustix::process::geteuid().is_root();
        if isolates { self.uid_base.map(|base| base.saturating_add(uid_index)) } else { None }
    }
}
