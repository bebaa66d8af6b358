//! The doctor of the local engine: what the engine needs of the machine, checked at its start and for people.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use super::{
    cgroup,
    config::{Isolation, LocalConfig, Network},
    filter, room, sys,
};
use crate::{check::Check, engine::EngineError};

/// The first version of Landlock that keeps signals and abstract sockets apart.
const ABI_WITH_SCOPES: u32 = 6;
/// The first version that limits TCP.
const ABI_WITH_TCP: u32 = 4;
const NO_ROOM: &str = "Give the center CAP_SYS_ADMIN, as root has it outside of most containers, or set network = \"host\" \
    in [engine], where all who submit may reach each other's ports and the center's.";
const OR_NONE: &str = "Set isolation = \"none\" to run without, where all who submit are trusted.";

/// Checks all that matters for the engine on this machine.
pub fn check_host(config: &LocalConfig) -> Vec<Check> {
    vec![
        check_isolation(config),
        check_surroundings(config),
        check_filter(config),
        check_passage(config),
        check_cgroup(config),
        check_ports(config),
        check_fork(),
    ]
}

pub(super) fn require_isolation(config: &LocalConfig) -> Result<(), EngineError> {
    require(check_isolation(config))
}

pub(super) fn require_surroundings(config: &LocalConfig) -> Result<(), EngineError> {
    require(check_surroundings(config))
}

pub(super) fn require_passage(config: &LocalConfig) -> Result<(), EngineError> {
    require(check_passage(config))
}

/// The engine was to give runs surroundings of their own and can't.
pub(super) fn no_room(why: &str) -> EngineError {
    EngineError::CannotIsolate { missing: why.to_owned(), hint: NO_ROOM.to_owned() }
}

fn require(check: Check) -> Result<(), EngineError> {
    if check.ok {
        Ok(())
    } else {
        Err(EngineError::CannotIsolate { missing: check.detail, hint: check.hint })
    }
}

fn check_isolation(config: &LocalConfig) -> Check {
    isolation_on(config, sys::landlock_abi(), rustix::process::geteuid().is_root())
}

/// Whether a kernel with this version of Landlock, 0 for none, isolates runs.
fn isolation_on(config: &LocalConfig, abi: u32, is_root: bool) -> Check {
    let name = "isolation";
    let check = |ok, detail: String, hint: String| Check { name, ok, detail, hint };
    match (config.isolation, abi, is_root, config.uid_base) {
        (Isolation::None, ..) => {
            let detail = "isolation is turned off: runs have all the rights of the center".to_owned();
            check(true, detail, "Set isolation = \"full\".".to_owned())
        }
        (Isolation::Full, 0, ..) => check(
            false,
            "the kernel has no Landlock, or it is not among its active security modules".to_owned(),
            format!("Use Linux 5.13 or later with `lsm=landlock,...`. {OR_NONE}"),
        ),
        (Isolation::Full, _, true, None) => check(
            false,
            "the center runs as root and no range of uids is set, so runs would be root's".to_owned(),
            format!("Set uid_base. {OR_NONE}"),
        ),
        (Isolation::Full, _, true, Some(base)) if base < 1000 => check(
            false,
            format!("uid_base = {base} would give runs the uids of the system's own users"),
            "Set uid_base to a range that nobody else has, such as 200000.".to_owned(),
        ),
        (Isolation::Full, _, true, Some(base)) => check(
            true,
            format!("Landlock version {abi}, tenants have the uids from {base} on"),
            String::new(),
        ),
        (Isolation::Full, ..ABI_WITH_SCOPES, false, _) => check(
            false,
            format!(
                "Landlock version {abi} does not keep signals apart, and without root tenants have no uids of their own"
            ),
            format!("Use Linux 6.12 or later, or run the center as root. {OR_NONE}"),
        ),
        (Isolation::Full, _, false, _) => {
            let bus = format!("/run/user/{}/bus", rustix::process::geteuid().as_raw());
            // Before version 9, Landlock does not cover sockets that have a path.
            if abi < 9 && Path::new(&bus).exists() {
                check(
                    true,
                    format!("Landlock version {abi}; all runs have the center's uid, and could reach {bus}"),
                    "Run the center as root or as a user without a session of its own.".to_owned(),
                )
            } else {
                check(true, format!("Landlock version {abi}; all runs have the center's uid"), String::new())
            }
        }
    }
}

/// The network, the IPC, `/dev/shm` and `/proc` of runs.
fn check_surroundings(config: &LocalConfig) -> Check {
    let check = |ok, detail: &str, hint: &str| Check {
        name: "surroundings",
        ok,
        detail: detail.to_owned(),
        hint: hint.to_owned(),
    };
    let is_root = rustix::process::geteuid().is_root();
    if config.isolation == Isolation::None {
        return check(
            true,
            "isolation is turned off: network, IPC, /dev/shm and /proc are the machine's",
            "",
        );
    }
    match (room::find(config), config.network) {
        (Err(why), _) => check(false, &why, NO_ROOM),
        (Ok(Some(room)), _) => {
            let network = match room.network {
                Network::Tenant if room.has_way_out => "a network of their tenant's with a way out by passt",
                Network::Tenant if config.outside.is_open == Some(false) => {
                    "a network of their tenant's with loopback alone: `[engine.outside]` gives no way out"
                }
                Network::Tenant => {
                    "a network of their tenant's with loopback alone: there is no way out without passt and iproute2"
                }
                Network::None => "a network of their own with loopback alone",
                Network::Host => {
                    "the machine's network: they reach the center's port, each other's, and what the machine reaches"
                }
            };
            if room.has_way_out && room::has_no_servers_for_names() {
                let detail = "runs have a way out, and no server for names: /etc/resolv.conf has none but this machine's own, which they don't reach";
                return check(
                    false,
                    detail,
                    "Name a server in /etc/resolv.conf that other machines reach, too.",
                );
            }
            let shm_mib = room.shm_bytes >> 20;
            let rest = "IPC of their own, and a /proc with their own processes";
            check(true, &format!("runs have {network}; /dev/shm of {shm_mib} MiB, {rest}"), "")
        }
        (Ok(None), Some(Network::Tenant)) => check(
            false,
            "without root tenants can't have networks of their own",
            "Run the center as root, or leave `network` out.",
        ),
        (Ok(None), Some(Network::None)) if sys::landlock_abi() < ABI_WITH_TCP => check(
            false,
            "this kernel's Landlock does not keep runs from TCP, and there are no namespaces for them",
            "Use Linux 6.7 or later, or run the center as root.",
        ),
        (Ok(None), Some(Network::None)) => check(
            true,
            "Landlock keeps runs from TCP; UDP, IPC and other processes' command lines stay open to them",
            "",
        ),
        (Ok(None), None | Some(Network::Host)) => {
            let why = if is_root { "no namespaces are to be had" } else { "the center does not run as root" };
            let open = "runs share the machine's network, IPC and /proc: they reach the center's port, each other's, and see command lines";
            check(true, &format!("{why}: {open}"), "")
        }
    }
}

fn check_filter(config: &LocalConfig) -> Check {
    let detail = match (config.isolation, filter::is_there()) {
        (Isolation::None, _) => "isolation is turned off: runs make any system call",
        (Isolation::Full, true) => "runs are kept from parts of the kernel that work on cards never needs",
        (Isolation::Full, false) => "the kernel has no filters (seccomp): runs make any system call",
    };
    Check { name: "system calls", ok: true, detail: detail.to_owned(), hint: String::new() }
}

/// Runs with uids of their own must get through to their folders.
fn check_passage(config: &LocalConfig) -> Check {
    let name = "data folder";
    let dir = config.data_dir.display();
    let mut check = Check { name, ok: true, detail: format!("{dir}"), hint: String::new() };
    if config.data_dir.to_str().is_none() {
        check.ok = false;
        check.detail = format!("the path {dir} is not UTF-8");
        "Use another folder.".clone_into(&mut check.hint);
        return check;
    }
    if config.uid(0).is_none() {
        return check;
    }
    let is_closed = |path: &&Path| path.metadata().is_ok_and(|meta| meta.mode() & 0o001 == 0);
    // The engine itself opens the folder that far.
    if let Some(closed) = config.data_dir.ancestors().skip(1).find(is_closed) {
        check.ok = false;
        check.detail = format!("the uids of tenants can't pass through {} to {dir}", closed.display());
        check.hint =
            format!("Use a data folder elsewhere, such as /var/lib/qiantang, or `chmod o+x`. {OR_NONE}");
    }
    check
}

fn check_cgroup(config: &LocalConfig) -> Check {
    let (detail, hint) = match cgroup::find(config.cgroup.as_deref()) {
        Some(root) => (format!("runs get cgroups in {}", root.display()), ""),
        None => (
            "no cgroup is delegated: memory and processes are limited by rlimits alone".to_owned(),
            "In the systemd unit set `Delegate=memory pids` and `DelegateSubgroup=center`.",
        ),
    };
    Check { name: "cgroup", ok: true, detail, hint: hint.to_owned() }
}

fn check_ports(config: &LocalConfig) -> Check {
    let (first, last) = config.master_ports;
    let ok = first >= 1024 && first <= last;
    let hint = if ok { "" } else { "Set a range from 1024 on, its end not below its beginning." };
    Check { name: "ports", ok, detail: format!("MASTER_PORT from {first} to {last}"), hint: hint.to_owned() }
}

fn check_fork() -> Check {
    let listed = std::fs::read_to_string("/proc/self/stat");
    let ok = listed.is_ok();
    let detail = match listed {
        Ok(_) => "/proc is there".to_owned(),
        Err(error) => format!("/proc can't be read: {error}"),
    };
    let hint = if ok { "" } else { "Mount /proc: the engine finds the processes of runs in it." };
    Check { name: "proc", ok, detail, hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_that_isolate_are_those_of_the_guide() {
        let mut config = LocalConfig::new("/nowhere", Vec::new());
        config.uid_base = Some(210_000);
        // The version of Landlock, whether the center is root, and the kernel that is told to be needed. Linux 5.13 has the
        // first version, Linux 6.12 the sixth.
        for (abi, is_root, needed) in [
            (0, true, Some("Linux 5.13 or later")),
            (0, false, Some("Linux 5.13 or later")),
            (1, true, None),
            (5, true, None),
            (5, false, Some("Linux 6.12 or later")),
            (6, false, None),
        ] {
            let check = isolation_on(&config, abi, is_root);
            assert_eq!(check.ok, needed.is_none(), "{abi} {is_root}: {}", check.detail);
            assert!(
                needed.is_none_or(|kernel| check.hint.contains(kernel)),
                "{abi} {is_root}: {}",
                check.hint
            );
        }
    }
}
