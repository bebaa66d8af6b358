//! Settings of the engine that carries out runs.

use std::path::PathBuf;

use domain::Millis;
use ipnet::IpNet;
use serde::Deserialize;

use super::SlurmSettings;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSettings {
    pub kind: EngineKind,
    /// Where `kind` is `slurm`.
    pub slurm: SlurmSettings,
    pub isolation: Isolation,
    /// Whether this machine's own accelerators are looked for at start and kept as a node of it.
    pub detect: bool,
    /// Where the center runs as root, each tenant's runs have the uid `uid_base` + the tenant's number.
    pub uid_base: u32,
    /// The network of runs. Where it is left out, it is the tenant's if this machine can give that.
    pub network: Option<Network>,
    /// Where runs may go outside of this machine.
    pub outside: OutsideSettings,
    /// The size of a run's own `/dev/shm`.
    pub shm_mib: u64,
    /// Folders that runs may read besides the system's.
    pub readable: Vec<PathBuf>,
    /// The time between the word to stop and the kill.
    pub kill_grace_ms: Millis,
    /// The most that is kept of each of a run's two streams.
    pub log_limit_mib: u64,
    pub max_processes: u64,
    pub max_open_files: u64,
    pub memory_mib: Option<u64>,
    pub file_size_mib: Option<u64>,
}

/// The engine that carries out runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Processes on this machine.
    #[default]
    Local,
    /// Jobs of a Slurm cluster.
    Slurm,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    #[default]
    Full,
    None,
}

/// The networks that runs are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    Tenant,
    None,
    Host,
}

/// Where runs in networks of their tenants may go outside of this machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutsideSettings {
    /// Whether they may at all. Where it is left out, they may if this machine has the programs for it.
    pub open: Option<bool>,
    /// The only networks that they may reach; all where none is named.
    pub only: Vec<IpNet>,
    /// Networks that they may never reach. The machine's own addresses are always among them.
    pub never: Vec<IpNet>,
}

impl Default for OutsideSettings {
    /// All but link-local addresses, at which clouds have their metadata.
    fn default() -> Self {
        let link_local = ["169.254.0.0/16", "fd00:ec2::254/128"].map(|net| net.parse().expect("a network"));
        Self { open: None, only: Vec::new(), never: link_local.to_vec() }
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            kind: EngineKind::Local,
            slurm: SlurmSettings::default(),
            isolation: Isolation::Full,
            detect: true,
            uid_base: 210_000,
            network: None,
            outside: OutsideSettings::default(),
            shm_mib: 16_384,
            readable: Vec::new(),
            kill_grace_ms: Millis::from_secs(10),
            log_limit_mib: 64,
            max_processes: 4096,
            max_open_files: 65_536,
            memory_mib: None,
            file_size_mib: None,
        }
    }
}
