//! The doctor of the local engine: what the engine needs of the machine, checked at its start and for people.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use domain::{Both, Lang, both};

use super::{
    cgroup,
    config::{Isolation, LocalConfig, Network, Room},
    explain::system_error,
    filter, room, sys,
};
use crate::{check::Check, engine::EngineError};

/// The first version of Landlock that keeps signals and abstract sockets apart.
const ABI_WITH_SCOPES: u32 = 6;
/// The first version that limits TCP.
const ABI_WITH_TCP: u32 = 4;
fn no_room_hint() -> Both {
    both(
        "请赋予中心 CAP_SYS_ADMIN（多数容器之外的 root 具有它），或在 [engine] 中设置 network = \"host\"：此时所有提交者可以互相访问彼此的端口和中心的端口。",
        "Give the center CAP_SYS_ADMIN, as root has it outside of most containers, or set network = \"host\" \
         in [engine], where all who submit may reach each other's ports and the center's.",
    )
}

/// A remedy, or none: to run without isolation.
fn or_none(zh: &str, en: &str) -> Both {
    both(
        format!("{zh}若所有提交者都可信，也可设置 isolation = \"none\"，不做隔离。"),
        format!("{en} Set isolation = \"none\" to run without, where all who submit are trusted."),
    )
}

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
    EngineError::CannotIsolate { missing: why.to_owned(), hint: no_room_hint().en }
}

fn require(check: Check) -> Result<(), EngineError> {
    if check.ok {
        Ok(())
    } else {
        Err(EngineError::CannotIsolate { missing: check.detail.en, hint: check.hint.en })
    }
}

fn check_isolation(config: &LocalConfig) -> Check {
    isolation_on(config, sys::landlock_abi(), rustix::process::geteuid().is_root())
}

/// Whether a kernel with this version of Landlock, 0 for none, isolates runs.
fn isolation_on(config: &LocalConfig, abi: u32, is_root: bool) -> Check {
    let name = "isolation";
    let check = |ok, detail: Both, hint: Both| Check { name, ok, detail, hint };
    match (config.isolation, abi, is_root, config.uid_base) {
        (Isolation::None, ..) => check(
            true,
            both(
                "隔离已关闭：运行拥有中心的全部权限",
                "isolation is turned off: runs have all the rights of the center",
            ),
            both("请设置 isolation = \"full\"。", "Set isolation = \"full\"."),
        ),
        (Isolation::Full, 0, ..) => check(
            false,
            both(
                "内核没有 Landlock，或未启用该安全模块",
                "the kernel has no Landlock, or it is not among its active security modules",
            ),
            or_none(
                "请使用 Linux 5.13 或更新版本，并加上 `lsm=landlock,...`。",
                "Use Linux 5.13 or later with `lsm=landlock,...`.",
            ),
        ),
        (Isolation::Full, _, true, None) => check(
            false,
            both(
                "中心以 root 运行而没有设置用户号范围，运行会以 root 身份执行",
                "the center runs as root and no range of uids is set, so runs would be root's",
            ),
            or_none("请设置 uid_base。", "Set uid_base."),
        ),
        (Isolation::Full, _, true, Some(base)) if base < 1000 => check(
            false,
            both(
                format!("uid_base = {base} 会让运行使用系统自身用户的用户号"),
                format!("uid_base = {base} would give runs the uids of the system's own users"),
            ),
            both(
                "请把 uid_base 设为无人使用的范围，例如 200000。",
                "Set uid_base to a range that nobody else has, such as 200000.",
            ),
        ),
        (Isolation::Full, _, true, Some(base)) => check(
            true,
            both(
                format!("Landlock 第 {abi} 版，租户的用户号从 {base} 开始"),
                format!("Landlock version {abi}, tenants have the uids from {base} on"),
            ),
            Both::default(),
        ),
        (Isolation::Full, ..ABI_WITH_SCOPES, false, _) => check(
            false,
            both(
                format!("Landlock 第 {abi} 版不能隔开信号，而没有 root 权限时租户没有各自的用户号"),
                format!(
                    "Landlock version {abi} does not keep signals apart, and without root tenants have no uids of their own"
                ),
            ),
            or_none(
                "请使用 Linux 6.12 或更新版本，或以 root 运行中心。",
                "Use Linux 6.12 or later, or run the center as root.",
            ),
        ),
        (Isolation::Full, _, false, _) => {
            let bus = format!("/run/user/{}/bus", rustix::process::geteuid().as_raw());
            let zh = format!("Landlock 第 {abi} 版；所有运行使用中心的用户号");
            let en = format!("Landlock version {abi}; all runs have the center's uid");
            // Before version 9, Landlock does not cover sockets that have a path.
            if abi < 9 && Path::new(&bus).exists() {
                check(
                    true,
                    both(format!("{zh}，可能访问到 {bus}"), format!("{en}, and could reach {bus}")),
                    both(
                        "请以 root 或没有登录会话的用户运行中心。",
                        "Run the center as root or as a user without a session of its own.",
                    ),
                )
            } else {
                check(true, both(zh, en), Both::default())
            }
        }
    }
}

/// The network, the IPC, `/dev/shm` and `/proc` of runs.
fn check_surroundings(config: &LocalConfig) -> Check {
    let check = |ok, detail: Both, hint: Both| Check { name: "surroundings", ok, detail, hint };
    let is_root = rustix::process::geteuid().is_root();
    if config.isolation == Isolation::None {
        let detail = both(
            "隔离已关闭：网络、IPC、/dev/shm 和 /proc 都是本机的",
            "isolation is turned off: network, IPC, /dev/shm and /proc are the machine's",
        );
        return check(true, detail, Both::default());
    }
    match (room::find(config), config.network) {
        (Err(why), _) => check(false, both(format!("无法为运行准备独立环境（{why}）"), why), no_room_hint()),
        (Ok(Some(room)), _) => {
            if room.has_way_out && room::has_no_servers_for_names() {
                return check(
                    false,
                    both(
                        "运行可以访问外部网络，但没有域名服务器：/etc/resolv.conf 中只有本机的，运行访问不到",
                        "runs have a way out, and no server for names: /etc/resolv.conf has none but this machine's own, which they don't reach",
                    ),
                    both(
                        "请在 /etc/resolv.conf 中写一个其他机器也能访问的服务器。",
                        "Name a server in /etc/resolv.conf that other machines reach, too.",
                    ),
                );
            }
            check(true, in_room(&room, config), Both::default())
        }
        (Ok(None), Some(Network::Tenant)) => check(
            false,
            both(
                "没有 root 权限，租户不能有各自的网络",
                "without root tenants can't have networks of their own",
            ),
            both(
                "请以 root 运行中心，或不设置 `network`。",
                "Run the center as root, or leave `network` out.",
            ),
        ),
        (Ok(None), Some(Network::None)) if sys::landlock_abi() < ABI_WITH_TCP => check(
            false,
            both(
                "本机内核的 Landlock 不能禁止运行使用 TCP，也没有可用的命名空间",
                "this kernel's Landlock does not keep runs from TCP, and there are no namespaces for them",
            ),
            both(
                "请使用 Linux 6.7 或更新版本，或以 root 运行中心。",
                "Use Linux 6.7 or later, or run the center as root.",
            ),
        ),
        (Ok(None), Some(Network::None)) => check(
            true,
            both(
                "Landlock 禁止运行使用 TCP；UDP、IPC 和其他进程的命令行仍对它们开放",
                "Landlock keeps runs from TCP; UDP, IPC and other processes' command lines stay open to them",
            ),
            Both::default(),
        ),
        (Ok(None), None | Some(Network::Host)) => {
            let (zh, en) = if is_root {
                ("没有可用的命名空间", "no namespaces are to be had")
            } else {
                ("中心没有以 root 运行", "the center does not run as root")
            };
            let detail = both(
                format!(
                    "{zh}：运行共用本机的网络、IPC 和 /proc，可以访问中心的端口和彼此的端口，并看到命令行"
                ),
                format!(
                    "{en}: runs share the machine's network, IPC and /proc: they reach the center's port, each other's, and see command lines"
                ),
            );
            check(true, detail, Both::default())
        }
    }
}

/// The surroundings that runs have of their own.
fn in_room(room: &Room, config: &LocalConfig) -> Both {
    let (zh, en) = match room.network {
        Network::Tenant if room.has_way_out => {
            ("有所属租户的网络，通过 passt 访问外部", "a network of their tenant's with a way out by passt")
        }
        Network::Tenant if config.outside.is_open == Some(false) => (
            "有所属租户的网络，只含回环：`[engine.outside]` 不允许访问外部",
            "a network of their tenant's with loopback alone: `[engine.outside]` gives no way out",
        ),
        Network::Tenant => (
            "有所属租户的网络，只含回环：没有 passt 和 iproute2 就不能访问外部",
            "a network of their tenant's with loopback alone: there is no way out without passt and iproute2",
        ),
        Network::None => ("有各自的网络，只含回环", "a network of their own with loopback alone"),
        Network::Host => (
            "使用本机的网络：可以访问中心的端口、彼此的端口以及本机能访问的一切",
            "the machine's network: they reach the center's port, each other's, and what the machine reaches",
        ),
    };
    let shm_mib = room.shm_bytes >> 20;
    both(
        format!("运行{zh}；/dev/shm 为 {shm_mib} MiB，有独立的 IPC，/proc 中只有自己的进程"),
        format!(
            "runs have {en}; /dev/shm of {shm_mib} MiB, IPC of their own, and a /proc with their own processes"
        ),
    )
}

fn check_filter(config: &LocalConfig) -> Check {
    let (zh, en) = match (config.isolation, filter::is_there()) {
        (Isolation::None, _) => {
            ("隔离已关闭：运行可以使用任何系统调用", "isolation is turned off: runs make any system call")
        }
        (Isolation::Full, true) => (
            "运行不能使用加速卡上的工作用不到的内核功能",
            "runs are kept from parts of the kernel that work on cards never needs",
        ),
        (Isolation::Full, false) => (
            "内核没有系统调用过滤（seccomp）：运行可以使用任何系统调用",
            "the kernel has no filters (seccomp): runs make any system call",
        ),
    };
    Check { name: "system calls", ok: true, detail: both(zh, en), hint: Both::default() }
}

/// Runs with uids of their own must get through to their folders.
fn check_passage(config: &LocalConfig) -> Check {
    let name = "data folder";
    let dir = config.data_dir.display();
    let mut check = Check { name, ok: true, detail: Both::alike(dir.to_string()), hint: Both::default() };
    if config.data_dir.to_str().is_none() {
        check.ok = false;
        check.detail = both(format!("路径 {dir} 不是 UTF-8"), format!("the path {dir} is not UTF-8"));
        check.hint = both("请使用其他目录。", "Use another folder.");
        return check;
    }
    if config.uid(0).is_none() {
        return check;
    }
    let is_closed = |path: &&Path| path.metadata().is_ok_and(|meta| meta.mode() & 0o001 == 0);
    // The engine itself opens the folder that far.
    if let Some(closed) = config.data_dir.ancestors().skip(1).find(is_closed) {
        let closed = closed.display();
        check.ok = false;
        check.detail = both(
            format!("租户的用户号不能经过 {closed} 到达 {dir}"),
            format!("the uids of tenants can't pass through {closed} to {dir}"),
        );
        check.hint = or_none(
            "请使用其他位置的数据目录，例如 /var/lib/qiantang，或执行 `chmod o+x`。",
            "Use a data folder elsewhere, such as /var/lib/qiantang, or `chmod o+x`.",
        );
    }
    check
}

fn check_cgroup(config: &LocalConfig) -> Check {
    let (detail, hint) = match cgroup::find(config.cgroup.as_deref()) {
        Some(root) => {
            let root = root.display();
            let detail = both(format!("运行的 cgroup 位于 {root}"), format!("runs get cgroups in {root}"));
            (detail, Both::default())
        }
        None => (
            both(
                "没有委派 cgroup：内存和进程数只由 rlimit 限制",
                "no cgroup is delegated: memory and processes are limited by rlimits alone",
            ),
            both(
                "请在 systemd 单元中设置 `Delegate=memory pids` 和 `DelegateSubgroup=center`。",
                "In the systemd unit set `Delegate=memory pids` and `DelegateSubgroup=center`.",
            ),
        ),
    };
    Check { name: "cgroup", ok: true, detail, hint }
}

fn check_ports(config: &LocalConfig) -> Check {
    let (first, last) = config.master_ports;
    let ok = first >= 1024 && first <= last;
    let hint = both(
        "请设置从 1024 开始的范围，终点不小于起点。",
        "Set a range from 1024 on, its end not below its beginning.",
    );
    let detail =
        both(format!("MASTER_PORT 为 {first} 至 {last}"), format!("MASTER_PORT from {first} to {last}"));
    Check { name: "ports", ok, detail, hint: if ok { Both::default() } else { hint } }
}

fn check_fork() -> Check {
    let listed = std::fs::read_to_string("/proc/self/stat");
    let ok = listed.is_ok();
    let detail = match listed {
        Ok(_) => both("/proc 可用", "/proc is there"),
        Err(error) => both(
            format!("无法读取 /proc：{}", system_error(&error).text(Lang::Zh)),
            format!("/proc can't be read: {error}"),
        ),
    };
    let hint = both(
        "请挂载 /proc：引擎在其中查找运行的进程。",
        "Mount /proc: the engine finds the processes of runs in it.",
    );
    Check { name: "proc", ok, detail, hint: if ok { Both::default() } else { hint } }
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
            assert_eq!(check.ok, needed.is_none(), "{abi} {is_root}: {:?}", check.detail);
            assert!(
                needed.is_none_or(|kernel| check.hint.en.contains(kernel)),
                "{abi} {is_root}: {:?}",
                check.hint
            );
        }
    }
}
