//! Settings of the local engine.

use std::{ffi::OsString, path::PathBuf};

use serde::{Deserialize, Serialize};

/// How far runs are kept from the center and from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Landlock, and where the center runs as root an own uid a tenant. Where that can't be had, the engine doesn't
    /// start.
    #[default]
    Full,
    /// Runs have all the rights of the center. Limits and the end of all their processes are kept to all the same.
    None,
}

/// Settings of the local engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalConfig {
    /// The center's folder; the engine keeps `runs/`, `work/` and `tmp/` in it. With own uids everybody must be able
    /// to pass through the folders that it is in.
    pub data_dir: PathBuf,
    pub isolation: Isolation,
    /// Runs of a tenant have this uid (and gid) plus the tenant's index, where the center runs as root.
    pub uid_base: Option<u32>,
    /// Program and arguments that start the host process.
    #[serde(skip)]
    pub host_command: Vec<OsString>,
    /// What runs may read beyond the system's own folders.
    pub readonly_paths: Vec<PathBuf>,
    /// PATH of runs.
    pub path: String,
    /// First and last of the ports that `MASTER_PORT` is taken from.
    pub master_ports: (u16, u16),
    /// A cgroup v2 folder that is the center's to divide (systemd: `Delegate=memory pids` and
    /// `DelegateSubgroup=center`). `None`: it is found if it has that shape.
    pub cgroup: Option<PathBuf>,
}

impl LocalConfig {
    /// Full isolation with the customary uids, ports and PATH.
    pub fn new(data_dir: impl Into<PathBuf>, host_command: Vec<OsString>) -> Self {
        Self {
            data_dir: data_dir.into(),
            isolation: Isolation::Full,
            uid_base: Some(200_000),
            host_command,
            readonly_paths: Vec::new(),
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            // Below the range that the kernel hands out by itself.
            master_ports: (20_000, 32_000),
            cgroup: None,
        }
    }

    /// The uid of a tenant's runs; `None`: the center's own.
    pub(crate) fn uid(&self, uid_index: u32) -> Option<u32> {
        let isolates = self.isolation == Isolation::Full && rustix::process::geteuid().is_root();
        if isolates { self.uid_base.map(|base| base.saturating_add(uid_index)) } else { None }
    }
}
