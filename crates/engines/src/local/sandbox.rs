//! The places that a run may open, as a Landlock ruleset.
//!
//! A run may read and execute in the system's own folders. In `/proc`, Landlock itself closes the parts of
//! other processes that tell secrets (environment, memory, open files): it lets a process look only at those
//! in its own domain. In a room of its own it sees no others; elsewhere their command lines stay readable, so no
//! secret may be on one. A run may write in its own folders and nowhere else. Of `/dev` it has the harmless files and its own cards.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use domain::{card::Vendor, reason::NotStarted};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, Scope,
};

use super::{config::LocalConfig, room};
use crate::spec::LaunchNode;

/// The newest version whose rights are asked for. The crate leaves out those that the kernel doesn't know.
const NEWEST: ABI = ABI::V9;

const SYSTEM: [&str; 11] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/nix/store",
    "/sys",
    // /etc/resolv.conf is a link into this folder on many systems.
    "/run/systemd/resolve",
];

const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// The places that every run may use, opened once.
#[derive(Debug)]
pub(crate) struct SystemPaths {
    places: Vec<(OwnedFd, BitFlags<AccessFs>)>,
    /// The run has a `/dev/shm` of its own, or the modes of other users' files close them.
    opens_shm: bool,
    denies_tcp: bool,
    /// Landlock must keep signals and abstract sockets apart, because the uid doesn't.
    needs_scopes: bool,
}

impl SystemPaths {
    /// Opens the places. `has_own_uids` says that the runs of each tenant have a uid of their own.
    pub(crate) fn open(config: &LocalConfig, has_own_uids: bool) -> Self {
        let more = &config.readonly_paths;
        let mut taken: Vec<PathBuf> = Vec::new();
        let mut places = Vec::new();
        for path in SYSTEM.iter().map(Path::new).chain(more.iter().map(PathBuf::as_path)) {
            // On most systems /bin is a link to /usr/bin, and needs no rule of its own.
            let Ok(path) = path.canonicalize() else { continue };
            if !taken.iter().any(|parent| path.starts_with(parent)) {
                places.extend(open(&path).map(|fd| (fd, AccessFs::from_read(NEWEST))));
                taken.push(path);
            }
        }
        let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
        places.extend(DEVICES.iter().filter_map(|path| open(Path::new(path))).map(|fd| (fd, device)));
        let denies_tcp = room::denies_tcp(config);
        Self { places, opens_shm: has_own_uids, denies_tcp, needs_scopes: !has_own_uids }
    }

    /// The ruleset of a run that may write to its `own` folders and use its `devices`.
    pub(crate) fn ruleset(
        &self,
        own: &[BorrowedFd<'_>],
        devices: &[PathBuf],
    ) -> Result<OwnedFd, RulesetError> {
        let scopes = Scope::AbstractUnixSocket | Scope::Signal;
        let scopes_level =
            if self.needs_scopes { CompatLevel::HardRequirement } else { CompatLevel::BestEffort };
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))?;
        if self.denies_tcp {
            // No rule follows that allows any of it.
            ruleset = ruleset.handle_access(AccessNet::from_all(ABI::V4))?;
        }
        let mut ruleset = ruleset
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .set_compatibility(scopes_level)
            .scope(scopes)?
            .set_compatibility(CompatLevel::BestEffort)
            .create()?;
        for (place, access) in &self.places {
            ruleset = ruleset.add_rule(PathBeneath::new(place.as_fd(), *access))?;
        }
        // Where these are the room's own, no earlier ones will do. Data loaders share memory.
        let shm = self.opens_shm.then_some((room::SHM, AccessFs::from_all(NEWEST)));
        for (path, access) in [(room::PROC, AccessFs::from_read(NEWEST))].into_iter().chain(shm) {
            if let Some(fd) = open(Path::new(path)) {
                ruleset = ruleset.add_rule(PathBeneath::new(fd, access))?;
            }
        }
        for folder in own {
            ruleset = ruleset.add_rule(PathBeneath::new(folder, AccessFs::from_all(NEWEST)))?;
        }
        let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
        for path in devices {
            if let Some(fd) = open(path) {
                // Some makers keep the files of each card in a folder, which may be listed too.
                let listing = if path.is_dir() { AccessFs::ReadDir.into() } else { BitFlags::EMPTY };
                ruleset = ruleset.add_rule(PathBeneath::new(fd, device | listing))?;
            }
        }
        Ok(Option::<OwnedFd>::from(ruleset).expect("version 1 is required, so there is a ruleset"))
    }
}

fn open(path: &Path) -> Option<OwnedFd> {
    PathFd::new(path).ok().and_then(|fd| fd.as_fd().try_clone_to_owned().ok())
}

/// The device files of the run's real cards on this machine; none for virtual nodes.
pub(crate) fn device_files(nodes: &[LaunchNode]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for node in nodes.iter().filter(|node| !node.is_virtual && !node.cards.is_empty()) {
        let shared: &[&str] = match node.vendor {
            Vendor::Ascend => &["/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc", "/dev/upgrade"],
            Vendor::Nvidia => {
                &["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-caps"]
            }
            Vendor::Other => continue,
        };
        files.extend(node.cards.iter().filter_map(|card| device_file(node.vendor, card)));
        files.extend(shared.iter().map(PathBuf::from));
    }
    files.sort();
    files.dedup();
    files
}

/// The device file of a card; `None` where its maker's cards have none that is known.
fn device_file(vendor: Vendor, card: u8) -> Option<PathBuf> {
    let each = match vendor {
        Vendor::Ascend => "/dev/davinci",
        Vendor::Nvidia => "/dev/nvidia",
        Vendor::Other => return None,
    };
    Some(PathBuf::from(format!("{each}{card}")))
}

/// Why the run can't have its cards: the first node that lacks some that it is to have. They may have been lost since the
/// center looked.
pub(crate) fn missing_cards(nodes: &[LaunchNode]) -> Option<NotStarted> {
    nodes.iter().filter(|node| !node.is_virtual).find_map(|node| {
        let is_missing = |card: &u8| device_file(node.vendor, *card).is_some_and(|file| !file.exists());
        let missing: Vec<u32> = node.cards.iter().filter(is_missing).map(u32::from).collect();
        (!missing.is_empty()).then(|| NotStarted::NoCards { node: node.name.clone(), missing })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::CardSet;

    #[test]
    fn only_real_cards_open_their_devices() {
        let mut node = LaunchNode {
            name: "n".into(),
            cards: CardSet::from_bits(0b1010),
            card_count: 8,
            vendor: Vendor::Ascend,
            model: "m".into(),
            is_virtual: true,
        };
        assert_eq!(device_files(std::slice::from_ref(&node)), Vec::<PathBuf>::new());
        node.is_virtual = false;
        let files = device_files(&[node.clone(), node]);
        assert!(files.contains(&"/dev/davinci3".into()) && !files.contains(&"/dev/davinci0".into()));
        assert_eq!(files.iter().filter(|file| file.ends_with("davinci_manager")).count(), 1);
    }

    #[test]
    fn real_cards_that_are_not_there_are_named() {
        let mut node = LaunchNode {
            name: "hz-01".into(),
            cards: CardSet::from_bits(0b1010),
            card_count: 8,
            vendor: Vendor::Ascend,
            model: "m".into(),
            is_virtual: true,
        };
        assert_eq!(missing_cards(std::slice::from_ref(&node)), None);
        node.is_virtual = false;
        let missing = Some(NotStarted::NoCards { node: "hz-01".into(), missing: vec![1, 3] });
        assert_eq!(missing_cards(&[node.clone()]), missing);
        node.vendor = Vendor::Other;
        assert_eq!(missing_cards(&[node]), None);
    }
}
