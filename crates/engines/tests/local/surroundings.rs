//! Things outside of its own surroundings that a run can't reach, tried by real scripts, each beside a similar
//! thing that it can. Without root there are no surroundings of their own, and the doctor says so.

use std::net::TcpListener;

use engines::{
    Engine as _, EngineError, LaunchSpec,
    local::{Isolation, LocalEngine, Network, check_host},
};
use testkit::{
    engine::{SmallCenter, UnderTest as _, is_root, local_config, node, spec, tenant, variables},
    open_folder,
};

use crate::HOST;

/// Says for each `NAME=ADDRESS:PORT` whether somebody listens there.
const TRIES_TO_CONNECT: &str = include_str!("outside/connect.py");

/// Listens on the port of its run until it is stopped.
const LISTENS: &str = "#!/usr/bin/python3
import os, socket
server = socket.create_server(('127.0.0.1', int(os.environ['MASTER_PORT'])))
print('port', os.environ['MASTER_PORT'], flush=True)
while True:
    server.accept()
";

fn of_tenant(index: u32, script: &str) -> LaunchSpec {
    let mut spec = spec(script);
    (spec.tenant, spec.uid_index) = (tenant(index), index);
    spec
}

fn found(
    center: &SmallCenter,
    by: &mut LaunchSpec,
    args: &[String],
) -> std::collections::HashMap<String, String> {
    by.args = args.to_vec();
    variables(&center.output(by))
}

#[test]
fn a_run_reaches_its_tenants_runs_and_neither_the_center_nor_other_tenants() {
    if !is_root() {
        return;
    }
    let of_center = ["127.0.0.1:0", "[::1]:0"].map(|at| TcpListener::bind(at).ok());
    let center = SmallCenter::start(HOST);
    let other = of_tenant(2, LISTENS);
    center.launch(&other);
    let others_port = center.wait_line(other.run, "port ");
    let mut args = vec![format!("other=127.0.0.1:{others_port}")];
    for (name, listener) in ["center4", "center6"].iter().zip(&of_center) {
        if let Some(at) = listener.as_ref().map(|listener| listener.local_addr().unwrap()) {
            args.push(format!("{name}={}:{}", at.ip(), at.port()));
        }
    }
    for (name, found) in found(&center, &mut of_tenant(1, TRIES_TO_CONNECT), &args) {
        assert_eq!(found, "closed", "{name}");
    }
    let of_same = found(&center, &mut of_tenant(2, TRIES_TO_CONNECT), &args);
    assert_eq!((of_same["other"].as_str(), of_same["center4"].as_str()), ("open", "closed"));
    center.engine.stop(other.run).unwrap();
    center.wait_end(other.run);

    // What the machine's network would have let it reach.
    let center = SmallCenter::start_with(HOST, |config| config.network = Some(Network::Host));
    assert_eq!(found(&center, &mut of_tenant(1, TRIES_TO_CONNECT), &args)["center4"], "open");
}

#[test]
fn without_a_network_each_run_is_alone() {
    if !is_root() {
        // Landlock has to do without namespaces.
        let of_center = TcpListener::bind("127.0.0.1:0").unwrap();
        let args = [format!("center=127.0.0.1:{}", of_center.local_addr().unwrap().port())];
        for (network, want) in [(Network::None, "closed"), (Network::Host, "open")] {
            let center = SmallCenter::start_with(HOST, |config| config.network = Some(network));
            assert_eq!(found(&center, &mut of_tenant(1, TRIES_TO_CONNECT), &args)["center"], want);
        }
        return;
    }
    let center = SmallCenter::start_with(HOST, |config| config.network = Some(Network::None));
    let other = of_tenant(1, LISTENS);
    center.launch(&other);
    let args = [format!("other=127.0.0.1:{}", center.wait_line(other.run, "port "))];
    assert_eq!(found(&center, &mut of_tenant(1, TRIES_TO_CONNECT), &args)["other"], "closed");
    center.engine.stop(other.run).unwrap();
    center.wait_end(other.run);
}

#[test]
fn the_nodes_of_a_run_reach_each_other_by_its_master_port() {
    let script = "#!/usr/bin/python3
import os, socket, time
at = (os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT']))
if os.environ['RANK'] == '0':
    server = socket.create_server(at)
    server.accept()[0].sendall(b'hello')
else:
    while True:
        try:
            there = socket.create_connection(at)
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
    print('got', there.recv(5))
";
    for network in [None, Some(Network::Host)] {
        let center = SmallCenter::start_with(HOST, |config| config.network = network);
        for index in [1, 2, 1] {
            let mut gang = of_tenant(index, script);
            gang.nodes = vec![node("node-1", 0), node("node-2", 0)];
            assert_eq!(center.output(&gang), "got b'hello'\n");
        }
    }
}

#[test]
fn a_run_leaves_no_shared_memory_and_has_no_more_of_it_than_its_limit() {
    if !is_root() {
        return;
    }
    let center = SmallCenter::start_with(HOST, |config| config.shm_bytes = 1 << 20);
    let leaves = "#!/usr/bin/python3
import ctypes, os
os.umask(0)
libc = ctypes.CDLL(None, use_errno=True)
print('before', *os.listdir('/dev/shm'), *open('/proc/sysvipc/shm').readlines()[1:],
      *open('/proc/sysvipc/sem').readlines()[1:], *open('/proc/sysvipc/msg').readlines()[1:])
open('/dev/shm/left', 'w').write('secret')
os.makedirs('/dev/shm/folder/inner')
open('/dev/shm/folder/inner/file', 'w').write('secret')
assert libc.shmget(4711, 4096, 0o1666) >= 0
assert libc.semget(4712, 1, 0o1666) >= 0
assert libc.msgget(4713, 0o1666) >= 0
print('made', len(os.listdir('/dev/shm')), len(open('/proc/sysvipc/shm').readlines()))
try:
    open('/dev/shm/large', 'wb').write(bytes(2 << 20))
    print('large')
except OSError as error:
    print(error.strerror)
";
    for index in [1, 1, 2, 1] {
        let out = center.output(&of_tenant(index, leaves));
        assert_eq!(out, "before\nmade 2 2\nNo space left on device\n", "by tenant {index}");
    }
    let of_machine = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    assert!(!of_machine.lines().any(|line| line.split_whitespace().next() == Some("4711")), "{of_machine}");
    assert!(!std::path::Path::new("/dev/shm/left").exists());
}

#[test]
fn a_run_sees_no_processes_but_its_own() {
    if !is_root() {
        return;
    }
    let center = SmallCenter::start(HOST);
    let same_tenant = of_tenant(1, "#!/bin/sh\necho pid $$\nsleep 600\n");
    center.launch(&same_tenant);
    let of_same_tenant = center.wait_line(same_tenant.run, "pid ");
    let looks = "#!/usr/bin/python3
import os, subprocess
child = subprocess.Popen(['sleep', '600'])
seen = sorted(int(name) for name in os.listdir('/proc') if name.isdigit())
print(seen == sorted([os.getpid(), child.pid]), seen)
child.kill()
";
    let out = center.output(&of_tenant(1, looks));
    assert!(out.starts_with("True "), "{out}, beside {of_same_tenant}");
    center.engine.stop(same_tenant.run).unwrap();
    center.wait_end(same_tenant.run);
}

#[test]
fn a_run_makes_no_system_calls_that_work_on_cards_never_needs() {
    let center = SmallCenter::start(HOST);
    let script = "#!/usr/bin/python3
import ctypes, errno, os, platform, socket, subprocess, threading
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(name, *args):
    ctypes.set_errno(0)
    result = libc.syscall(*args)
    print(name, 'open' if result >= 0 else errno.errorcode[ctypes.get_errno()], sep='=')
def sock(name, *args):
    try:
        socket.socket(*args).close()
        print(name, 'open', sep='=')
    except OSError as error:
        print(name, errno.errorcode[error.errno], sep='=')
x86 = platform.machine() == 'x86_64'
call('io_uring', 425, 1, None)
call('pidfd_of_itself', 434, os.getpid(), 0)
call('clone3', 435, None, 0)
call('keyctl', 250 if x86 else 219, 0, -3, 1)
call('userfaultfd', 323 if x86 else 282, 1)
call('perf', 298 if x86 else 241, None, 0, -1, -1, 0)
call('bpf', 321 if x86 else 280, 0, None, 0)
call('user_namespace', 272 if x86 else 97, 0x10000000)
call('getpid', 39 if x86 else 172)
if x86:
    call('second_number', 39 | 0x40000000)
    call('user_namespace_by_clone', 56, 0x10000000 | 17, 0, 0, 0, 0)
for name in ['AF_VSOCK', 'AF_PACKET', 'AF_ALG']:
    sock(name, getattr(socket, name), socket.SOCK_DGRAM if name != 'AF_ALG' else socket.SOCK_SEQPACKET)
sock('AF_NETLINK', socket.AF_NETLINK, socket.SOCK_RAW, 15)
for name in ['AF_UNIX', 'AF_INET', 'AF_INET6']:
    sock(name, getattr(socket, name))
print('interfaces=' + ('open' if socket.if_nameindex() else 'none'))
thread = threading.Thread(target=lambda: print('thread=open'))
thread.start()
thread.join()
print('process=' + subprocess.run(['echo', 'open'], capture_output=True, text=True).stdout.strip())
";
    let found = variables(&center.output(&spec(script)));
    for (name, told) in &found {
        let want = match name.as_str() {
            "getpid" | "pidfd_of_itself" | "AF_UNIX" | "AF_INET" | "AF_INET6" | "interfaces" | "thread"
            | "process" => "open",
            name if name.starts_with("AF_") => "EAFNOSUPPORT",
            _ => "ENOSYS",
        };
        assert_eq!(told, want, "{name}: {found:?}");
    }
    assert!(found.len() >= 20, "{found:?}");
}

#[test]
fn surroundings_that_are_asked_for_and_not_to_be_had_are_refused() {
    let dir = open_folder();
    let mut config = local_config(HOST, dir.path());
    let told = |config: &_| {
        let check = check_host(config).into_iter().find(|check| check.name == "surroundings");
        check.map(|check| (check.ok, check.detail.en)).expect("there is such a check")
    };
    if is_root() {
        assert!(told(&config).1.contains("a network of their tenant's"), "{:?}", told(&config));
        config.network = Some(Network::Host);
        assert!(told(&config).1.contains("the machine's network"), "{:?}", told(&config));
    } else {
        assert!(told(&config).1.contains("share the machine's network"), "{:?}", told(&config));
        config.network = Some(Network::Tenant);
        assert!(!told(&config).0);
        let refused = LocalEngine::start(config.clone(), |_| {});
        assert!(matches!(refused, Err(EngineError::CannotIsolate { .. })), "{refused:?}");
    }
    config.isolation = Isolation::None;
    assert!(told(&config).1.contains("isolation is turned off"));
}
