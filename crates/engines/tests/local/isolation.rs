//! Things that a run can't do, tried by real scripts, each beside a similar thing that it can do.

use std::{
    os::linux::net::SocketAddrExt as _,
    os::unix::net::{SocketAddr, UnixListener},
    path::{Path, PathBuf},
};

use engines::{
    Engine as _, EngineError, Exit, LaunchSpec,
    local::{Isolation, LocalEngine, check_host},
};
use testkit::{
    engine::{SmallCenter, UnderTest as _, is_root, local_config, spec, tenant, variables},
    open_folder,
};

use crate::HOST;

/// A run of another tenant that waits.
fn other_tenants_run() -> LaunchSpec {
    let mut spec = spec("#!/bin/sh\necho secret > secret; chmod 644 secret\necho pid $$\nsleep 600\n");
    (spec.tenant, spec.uid_index) = (tenant(2), 2);
    spec
}

/// Prints `<path>=open` or `<path>=closed` for each argument.
const TRIES_TO_READ: &str = "#!/usr/bin/python3
import sys, os
for path in sys.argv[1:]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(1)
        print(path, 'open', sep='=')
    except OSError:
        print(path, 'closed', sep='=')
";

fn tries_to_read(center: &SmallCenter, paths: &[PathBuf]) -> LaunchSpec {
    let mut reads = spec(TRIES_TO_READ);
    reads.args = paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    center.launch(&reads);
    reads
}

/// Files of a center, readable to all by their modes, so that isolation alone closes them.
fn secrets(center: &SmallCenter, other: &LaunchSpec) -> Vec<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let data = center.dir.path().join("data");
    let mut paths = Vec::new();
    for name in ["center.db", "config.toml", "token"] {
        let path = data.join(name);
        std::fs::write(&path, "secret").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        paths.push(path);
    }
    let part = other.run.to_string()[34..].to_owned();
    paths.push(data.join("runs").join(&part).join(format!("{}.record", other.run)));
    paths.push(data.join("runs").join(&part).join(format!("{}.stdout", other.run)));
    paths.push(data.join("runs"));
    paths.push(data.join("work"));
    let others_work = center.engine.work_folder(other.tenant, other.job);
    paths.extend([others_work.join("secret"), others_work]);
    paths
}

#[test]
fn a_run_cannot_read_what_is_the_centers_or_another_tenants() {
    let center = SmallCenter::start(HOST);
    let other = other_tenants_run();
    center.launch(&other);
    center.wait_line(other.run, "pid ");
    let closed = secrets(&center, &other);
    let own = [center.dir.path().join("data/work").join(tenant(1).to_string()), "/etc/passwd".into()];

    let reads = tries_to_read(&center, &[closed.clone(), own.to_vec()].concat());
    assert_eq!(center.wait_end(reads.run).how, Exit::Code(0), "{}", center.err(reads.run));
    let found = variables(&center.out(reads.run));
    for path in &closed {
        assert_eq!(found[path.to_str().unwrap()], "closed", "{}", path.display());
    }
    for path in &own {
        assert_eq!(found[path.to_str().unwrap()], "open", "{}", path.display());
    }
    center.engine.stop(other.run).unwrap();
    center.wait_end(other.run);
}

#[test]
fn without_isolation_the_same_attempts_succeed() {
    let center = SmallCenter::start_with(HOST, |config| config.isolation = Isolation::None);
    let other = other_tenants_run();
    center.launch(&other);
    center.wait_line(other.run, "pid ");
    let paths = secrets(&center, &other);
    let reads = tries_to_read(&center, &paths);
    center.wait_end(reads.run);
    let found = variables(&center.out(reads.run));
    for path in &paths {
        assert_eq!(found[path.to_str().unwrap()], "open", "{}", path.display());
    }
    center.engine.stop(other.run).unwrap();
    center.wait_end(other.run);
}

#[test]
fn a_run_can_write_to_its_own_folders_only() {
    let center = SmallCenter::start(HOST);
    let data = center.dir.path().join("data");
    let open_to_all = center.dir.path().join("open-to-all");
    std::fs::create_dir(&open_to_all).unwrap();
    set_mode(&open_to_all, 0o777);
    let script = "#!/usr/bin/python3
import os, sys
def attempt(name, path):
    try:
        open(os.path.join(path, 'written'), 'w').write('x')
        print(name, 'open', sep='=')
    except OSError:
        print(name, 'closed', sep='=')
attempt('home', os.environ['HOME'])
attempt('work', '.')
attempt('temporary', os.environ['TMPDIR'])
for path in sys.argv[1:]:
    attempt(path, path)
open('/dev/null', 'w').write('x')
";
    let mut writes = spec(script);
    let closed =
        [data.clone(), data.join("runs"), data.join("tmp"), open_to_all, "/tmp".into(), "/etc".into()];
    writes.args = closed.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    let found = variables(&center.output(&writes));
    for own in ["home", "work", "temporary"] {
        assert_eq!(found[own], "open", "{own}");
    }
    for path in &closed {
        assert_eq!(found[path.to_str().unwrap()], "closed", "{}", path.display());
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_run_cannot_signal_trace_or_look_into_processes_that_are_not_its_own() {
    let center = SmallCenter::start(HOST);
    let other = other_tenants_run();
    center.launch(&other);
    let of_other_tenant = center.wait_line(other.run, "pid ");
    let mut same_tenant = spec("#!/bin/sh\necho pid $$\nsleep 600\n");
    same_tenant.project = "another".into();
    center.launch(&same_tenant);
    let of_same_tenant = center.wait_line(same_tenant.run, "pid ");
    // A child of its own is the control: it can be signalled and traced.
    let script = "#!/usr/bin/python3
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
child = subprocess.Popen(['sleep', '600'])
named = dict(arg.split('=') for arg in sys.argv[1:])
named['supervisor'] = os.getppid()
named['child'] = child.pid
for name, pid in named.items():
    pid = int(pid)
    try:
        os.kill(pid, 0)
        print(name + '-signal=open')
    except PermissionError:
        print(name + '-signal=closed')
    try:
        open('/proc/%d/environ' % pid, 'rb').read()
        print(name + '-environ=open')
    except (PermissionError, FileNotFoundError):
        print(name + '-environ=closed')
    attached = libc.ptrace(16, pid, 0, 0) == 0
    print(name + '-trace=' + ('open' if attached else 'closed'))
    if attached:
        os.waitpid(pid, 0)
        libc.ptrace(17, pid, 0, 0)
";
    let mut tries = spec(script);
    tries.args = vec![
        format!("other={of_other_tenant}"),
        format!("same={of_same_tenant}"),
        format!("host={}", center.engine.host_pid().unwrap()),
        format!("center={}", std::process::id()),
    ];
    let found = variables(&center.output(&tries));
    for what in ["signal", "environ", "trace"] {
        for name in ["other", "same", "host", "center", "supervisor"] {
            assert_eq!(found[&format!("{name}-{what}")], "closed", "{name} {what}");
        }
        assert_eq!(found[&format!("child-{what}")], "open", "{what}");
    }
    for run in [other.run, same_tenant.run] {
        center.engine.stop(run).unwrap();
        center.wait_end(run);
    }
}

#[test]
fn a_run_gets_no_environment_files_or_privileges_of_the_center() {
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok(), "the center of this test has variables of its own");
    let center = SmallCenter::start(HOST);
    let script = "#!/bin/sh
env
echo files=$(ls /proc/self/fd | tr '\\n' ' ')
grep -E '^(NoNewPrivs|CapEff|Groups|Uid):' /proc/self/status | sed 's/:[[:space:]]*/=/'
echo limits=$(ulimit -c)
";
    let mut looks = spec(script);
    looks.env = vec![("MINE".into(), "1".into())];
    let found = variables(&center.output(&looks));
    assert!(found.keys().all(|name| !name.starts_with("CARGO")), "{found:?}");
    assert_eq!(found["MINE"], "1");
    assert_eq!(found["files"], "0 1 2 3", "3 is the listing itself");
    assert_eq!(found["NoNewPrivs"], "1");
    assert_eq!(found["limits"], "0");
    if is_root() {
        assert_eq!(found["CapEff"], "0000000000000000");
        assert_eq!(found["Groups"].trim(), "");
        assert_eq!(found["Uid"], "200001\t200001\t200001\t200001");
    }
}

#[test]
fn a_run_cannot_reach_abstract_sockets_of_others() {
    let center = SmallCenter::start(HOST);
    let name = format!("qiantang-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let script = "#!/usr/bin/python3
import socket, sys
def attempt(name, address):
    try:
        socket.socket(socket.AF_UNIX).connect(address)
        print(name, 'open', sep='=')
    except (PermissionError, ConnectionRefusedError):
        print(name, 'closed', sep='=')
attempt('other', '\\0' + sys.argv[1])
own = socket.socket(socket.AF_UNIX)
own.bind('\\0' + sys.argv[1] + '-own')
own.listen()
attempt('own', '\\0' + sys.argv[1] + '-own')
";
    let mut tries = spec(script);
    tries.args = vec![name];
    let found = variables(&center.output(&tries));
    assert_eq!((found["other"].as_str(), found["own"].as_str()), ("closed", "open"));
}

#[test]
fn a_run_can_use_the_harmless_devices_only() {
    let center = SmallCenter::start(HOST);
    let mut devices: Vec<PathBuf> =
        ["kmsg", "mem", "fuse", "kvm", "vda", "sda", "nvidia0", "davinci0", "ptmx"]
            .iter()
            .map(|name| Path::new("/dev").join(name))
            .filter(|path| path.exists())
            .collect();
    assert!(!devices.is_empty(), "every machine has one of these");
    devices.push("/dev/zero".into());
    let reads = tries_to_read(&center, &devices);
    center.wait_end(reads.run);
    let found = variables(&center.out(reads.run));
    for path in &devices {
        let want = if path.ends_with("zero") { "open" } else { "closed" };
        assert_eq!(found[path.to_str().unwrap()], want, "{}", path.display());
    }
}

#[test]
fn links_that_a_tenant_lays_are_not_followed_with_the_centers_rights() {
    let center = SmallCenter::start(HOST);
    let outside = center.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let victim = spec("#!/bin/sh\necho x > written\n");
    let mut lays = spec("#!/bin/sh\nln -s $1 $HOME/$2\nln -sf $1 $TMPDIR/link\n");
    lays.args = vec![outside.to_str().unwrap().into(), victim.job.to_string()];
    std::fs::write(outside.join("kept"), "").unwrap();
    assert_eq!(center.run(&lays), Exit::Code(0));
    let how = center.run(&victim);
    assert!(matches!(how, Exit::FailedToStart(_)), "{how:?}");
    let left: Vec<_> = std::fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["kept"], "nothing was made or removed through the links");
}

#[test]
fn a_script_left_behind_in_its_place_does_no_harm() {
    let center = SmallCenter::start(HOST);
    for leaves in
        ["rm $0; mkfifo $0", "chmod 000 $0", "rm $0; ln -s /etc/passwd $0", "rm $0; mkdir $0", "rm $0"]
    {
        center.run(&spec(&format!("#!/bin/sh\n{leaves}\n")));
        assert_eq!(center.output(&spec("#!/bin/sh\necho fine\n")), "fine\n", "after {leaves}");
    }
}

#[test]
fn where_runs_cannot_be_isolated_the_engine_does_not_start() {
    let dir = open_folder();
    let mut config = local_config(HOST, dir.path());
    assert!(check_host(&config).iter().all(|check| check.ok), "{:?}", check_host(&config));
    if is_root() {
        config.uid_base = None;
        let refused = LocalEngine::start(config.clone(), |_| {});
        assert!(matches!(refused, Err(EngineError::CannotIsolate { .. })), "{refused:?}");
        config.uid_base = Some(200_000);

        // Tenants' uids can't get through this folder.
        set_mode(dir.path(), 0o700);
        let refused = LocalEngine::start(config.clone(), |_| {});
        assert!(
            matches!(&refused, Err(EngineError::CannotIsolate { hint, .. }) if hint.contains("isolation = \"none\"")),
            "{refused:?}"
        );
    }
    config.isolation = Isolation::None;
    drop(LocalEngine::start(config, |_| {}).expect("without isolation it starts"));
}

#[test]
fn the_host_program_must_be_one() {
    let dir = open_folder();
    let mut config = local_config(HOST, dir.path());
    for command in [vec![], vec!["/bin/true".into()], vec!["/does/not/exist".into()]] {
        config.host_command = command;
        let refused = LocalEngine::start(config.clone(), |_| {});
        assert!(matches!(refused, Err(EngineError::Host(_))), "{refused:?}");
    }
}
