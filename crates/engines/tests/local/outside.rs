//! The way out of tenants' networks, tried towards a machine beside this one: a network namespace with servers in it.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use engines::local::Outside;
use testkit::engine::{SmallCenter, UnderTest as _, is_root, spec, tenant, variables};

use crate::HOST;

/// Says for each `NAME=ADDRESS:PORT` whether somebody listens there.
const TRIES_TO_CONNECT: &str = include_str!("outside/connect.py");

/// Listens at two addresses, and says once it does.
const SERVES: &str = "
import socket, sys
servers = [socket.create_server((address, 9000)) for address in sys.argv[1:]]
print('ready', flush=True)
sys.stdin.read()
";

/// A machine beside this one. Its addresses are for tests, and no network that this machine may be in.
struct Beside {
    name: String,
    server: Child,
}

/// This machine's own address on the cable between both, and two of the other's.
const OWN: &str = "198.18.77.1";
const NEAR: &str = "198.18.77.2";
const FAR: &str = "198.18.78.2";

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("ip runs");
    assert!(output.status.success(), "ip {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Beside {
    /// `None` where there are no tools for it; with `CI=true` the test fails then.
    fn new() -> Option<Self> {
        let has = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
        if !has("pasta") || !is_root() {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no way out: apt-get install passt, as root"
            );
            eprintln!("skipped, there is no way out: apt-get install passt iproute2, as root");
            return None;
        }
        let name = format!("qt-{}", std::process::id());
        let (here, there) = (format!("{name}-h"), format!("{name}-t"));
        ip(&["netns", "add", &name]);
        ip(&["link", "add", &here, "type", "veth", "peer", "name", &there, "netns", &name]);
        ip(&["address", "add", &format!("{OWN}/24"), "dev", &here]);
        ip(&["link", "set", &here, "up"]);
        ip(&["route", "add", &format!("{FAR}/32"), "via", NEAR]);
        for address in [NEAR, FAR] {
            ip(&["-n", &name, "address", "add", &format!("{address}/24"), "dev", &there]);
        }
        ip(&["-n", &name, "link", "set", &there, "up"]);
        let mut server = Command::new("ip")
            .args(["netns", "exec", &name, "python3", "-c", SERVES, NEAR, FAR])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the servers start");
        let mut line = String::new();
        let mut out = BufReader::new(server.stdout.take().expect("its output is piped"));
        out.read_line(&mut line).expect("it says a line");
        assert_eq!(line, "ready\n");
        Some(Self { name, server })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _is_over = self.server.kill();
        let _is_over = self.server.wait();
        // The cable goes with it.
        ip(&["netns", "delete", &self.name]);
    }
}

/// What a run of a tenant reaches.
fn reached(center: &SmallCenter, of: u32, args: &[String]) -> Vec<(String, String)> {
    let mut run = spec(TRIES_TO_CONNECT);
    (run.tenant, run.uid_index) = (tenant(of), of);
    run.args = args.to_vec();
    let mut found: Vec<_> = variables(&center.output(&run)).into_iter().collect();
    found.sort();
    found
}

fn expected(all: [(&str, &str); 5]) -> Vec<(String, String)> {
    all.map(|(name, found)| (name.to_owned(), found.to_owned())).to_vec()
}

#[test]
fn runs_reach_what_the_site_allows_and_nothing_of_the_machine() {
    let Some(_beside) = Beside::new() else { return };
    let everywhere = TcpListener::bind("0.0.0.0:0").expect("a port");
    let loopback = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own_port = everywhere.local_addr().expect("an address").port();
    let args = [
        format!("far={FAR}:9000"),
        format!("loopback=127.0.0.1:{}", loopback.local_addr().expect("an address").port()),
        // A port at which the other machine has no server: the way there is open, and nobody listens.
        format!("near={NEAR}:9000"),
        format!("nobody={NEAR}:9"),
        format!("own={OWN}:{own_port}"),
    ];
    let net = |text: &str| text.parse().expect("a network");
    let closed = ("loopback", "closed");
    for (rules, far, near) in [
        (Outside::default(), "open", "open"),
        (Outside { never: vec![net("198.18.78.0/24")], ..Outside::default() }, "closed", "open"),
        (Outside { only: vec![net("198.18.78.0/24")], ..Outside::default() }, "open", "closed"),
        (Outside { is_open: Some(false), ..Outside::default() }, "closed", "closed"),
    ] {
        let center = SmallCenter::start_with(HOST, |config| config.outside = rules.clone());
        let want = expected([("far", far), closed, ("near", near), ("nobody", "closed"), ("own", "closed")]);
        assert_eq!(reached(&center, 1, &args), want, "{rules:?}");
        // The second run of a tenant finds the same, and so does another tenant.
        assert_eq!(reached(&center, 1, &args), want, "{rules:?}");
        assert_eq!(reached(&center, 2, &args), want, "{rules:?}");
    }
    a_way_out_that_was_lost_comes_back(&[args[0].clone(), args[2].clone()]);
}

fn a_way_out_that_was_lost_comes_back(args: &[String]) {
    let only = "198.18.78.0/24".parse().expect("a network");
    let rules = Outside { only: vec![only], ..Outside::default() };
    let center = SmallCenter::start_with(HOST, |config| config.outside = rules);
    let open = [("far", "open"), ("near", "closed")].map(|(name, found)| (name.to_owned(), found.to_owned()));
    assert_eq!(reached(&center, 1, args), open);
    let carriers = carriers();
    assert!(!carriers.is_empty());
    for carrier in carriers {
        let pid = rustix::process::Pid::from_raw(carrier).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is there");
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    while reached(&center, 1, args) != open {
        assert!(Instant::now() < deadline, "it did not come back");
    }
}

/// The processes that carry for the engines of this one.
fn carriers() -> Vec<i32> {
    let parent = |pid: i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let parent = text.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        parent.trim().parse().ok().filter(|pid| *pid > 1)
    };
    let own = i32::try_from(std::process::id()).expect("a pid");
    let all = std::fs::read_dir("/proc").expect("processes").filter_map(Result::ok);
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let command = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
    let is_program = |command: String| command.split('\0').next().is_some_and(|path| path.ends_with("pasta"));
    let carries = |pid: &i32| command(pid).is_ok_and(is_program);
    let is_ours = |pid: &i32| std::iter::successors(Some(*pid), |pid| parent(*pid)).any(|pid| pid == own);
    pids.filter(carries).filter(is_ours).collect()
}
