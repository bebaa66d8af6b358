//! The way out of tenants' networks.
//!
//! Debian's passt (`pasta`) carries what runs send: it opens connections of its own on the machine, so that nothing on the
//! machine has to be routed or translated, and nobody outside can open one to a run. Routes in the tenant's network say
//! where they may go. Runs have no right to change them.
//!
//! The filter of system calls that the host and its supervisors live under has none of what `pasta` needs, so a small
//! process beside them starts it, one for each network.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, Read as _, Write as _},
    net::IpAddr,
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use ipnet::IpNet;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pipe::{PipeFlags, pipe_with},
    process::Pid,
};
use serde_json::Value;

use super::super::{
    config::Outside,
    descriptors::{receive_exact, send_all},
    sys::{self, Forked},
};

/// The programs that the way out is made with, of Debian's packages `passt` and `iproute2`.
const TOOLS: [&str; 2] = ["pasta", "ip"];
/// How often the ways out are looked at.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// How long `pasta` may take to be ready; it takes some hundredths of a second.
const READY_WITHIN: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
/// The longest reason that is told.
const MAX_WHY_BYTES: usize = 512;

/// Whether there is a way out, or why there can't be the one that is asked for.
pub(in crate::local) fn find(rules: &Outside) -> Result<bool, String> {
    let lacking = TOOLS.into_iter().find(|tool| find_program(tool).is_none());
    match (rules.is_open, lacking) {
        (Some(false), _) | (None, Some(_)) => Ok(false),
        (Some(true) | None, None) => Ok(true),
        (Some(true), Some(tool)) => {
            Err(format!("`{tool}` is not there, which carries what runs send outside"))
        }
    }
}

/// A program of the system.
fn find_program(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// The same, to be started. The host has no `PATH`.
fn program(name: &str) -> Command {
    Command::new(find_program(name).unwrap_or_else(|| name.into()))
}

/// The process that connects networks, as the host sees it.
#[derive(Debug)]
pub(in crate::local) struct WayOut {
    connector: Pid,
    socket: UnixStream,
}

impl WayOut {
    /// Starts it. This process has a single thread, and is not under the filter yet.
    pub(in crate::local) fn start(rules: &Outside) -> io::Result<Self> {
        let (socket, its_end) = UnixStream::pair()?;
        // SAFETY: the host has a single thread.
        match unsafe { sys::fork() }? {
            Forked::Parent { child } => Ok(Self { connector: child, socket }),
            Forked::Child => {
                drop(socket);
                let _host_is_gone =
                    Connector { rules, all: HashMap::new(), lost: HashSet::new() }.serve(its_end);
                sys::exit_now(0)
            }
        }
    }

    /// Whether a process is the one that keeps the ways out. Its children are theirs.
    pub(in crate::local) fn is(&self, pid: i32) -> bool {
        self.connector.as_raw_nonzero().get() == pid
    }

    /// Gives a tenant's network its way out.
    pub(in crate::local) fn connect(&mut self, uid_index: u32, network: BorrowedFd<'_>) -> io::Result<()> {
        send_all(&self.socket, &uid_index.to_le_bytes(), Some(network))?;
        let mut len = [0; 2];
        self.socket.read_exact(&mut len)?;
        let mut why = vec![0; usize::from(u16::from_le_bytes(len))];
        self.socket.read_exact(&mut why)?;
        if why.is_empty() {
            Ok(())
        } else {
            Err(io::Error::other(String::from_utf8_lossy(&why).into_owned()))
        }
    }

    /// Ends the way out of a tenant's network that nobody is in any more.
    pub(in crate::local) fn disconnect(&self, uid_index: u32) {
        let _connector_is_gone = send_all(&self.socket, &uid_index.to_le_bytes(), None);
    }
}

/// The process that connects networks.
struct Connector<'a> {
    rules: &'a Outside,
    /// What carries for each tenant, and its network.
    all: HashMap<u32, (Child, OwnedFd)>,
    /// Tenants whose way out was lost and is not back, which was said.
    lost: HashSet<u32>,
}

impl Connector<'_> {
    /// Connects what the host sends, until the host is gone; then all ways out end.
    fn serve(mut self, mut host: UnixStream) -> io::Result<()> {
        // The center must not take this process for the host.
        close_all_but(host.as_fd())?;
        let served = self.serve_all(&mut host);
        self.all.values_mut().for_each(|(carrier, _)| end(carrier));
        served
    }

    fn serve_all(&mut self, host: &mut UnixStream) -> io::Result<()> {
        let home = fs::File::open("/proc/thread-self/ns/net")?;
        loop {
            let mut fds = [PollFd::new(&*host, PollFlags::IN)];
            let timeout = (!self.all.is_empty()).then_some(&LOOK_EVERY);
            if matches!(poll(&mut fds, timeout), Ok(0) | Err(_)) {
                self.connect_again_what_has_ended(home.as_fd())?;
                continue;
            }
            let mut uid_index = [0; 4];
            let network = receive_exact(host, &mut uid_index)?;
            let uid_index = u32::from_le_bytes(uid_index);
            if let Some((mut carrier, _)) = self.all.remove(&uid_index) {
                end(&mut carrier);
            }
            let Some(network) = network else { continue };
            let why = match self.connect(&network) {
                Ok(carrier) => {
                    self.all.insert(uid_index, (carrier, network));
                    String::new()
                }
                Err(error) => error.to_string(),
            };
            sys::enter_network(home.as_fd())?;
            let why = &why.as_bytes()[..why.floor_char_boundary(MAX_WHY_BYTES)];
            let len = u16::try_from(why.len()).expect("it is short").to_le_bytes();
            host.write_all(&[&len, why].concat())?;
        }
    }

    /// A way out that was lost, such as to the kernel for want of memory, comes back. One that can't is tried again. Until its
    /// routes are set anew, for some milliseconds, runs may reach what the rules close.
    fn connect_again_what_has_ended(&mut self, home: BorrowedFd<'_>) -> io::Result<()> {
        let has_ended = |carrier: &mut Child| !matches!(carrier.try_wait(), Ok(None));
        let ended =
            self.all.iter_mut().filter_map(|(tenant, (carrier, _))| has_ended(carrier).then_some(*tenant));
        for tenant in ended.collect::<Vec<_>>() {
            let again = self.connect(&self.all[&tenant].1);
            // The next one is carried through the machine's network, not through this tenant's.
            sys::enter_network(home)?;
            match again {
                Ok(again) => {
                    self.lost.remove(&tenant);
                    say(&format!("the way out of the network of tenant {tenant} was lost, and is back"));
                    self.all.get_mut(&tenant).expect("it has one").0 = again;
                }
                Err(error) => {
                    if self.lost.insert(tenant) {
                        say(&format!(
                            "the way out of the network of tenant {tenant} is lost, and is tried each second: {error}"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Starts what carries for a network, which this thread is in afterwards.
    fn connect(&self, network: &OwnedFd) -> io::Result<Child> {
        let never = self.never()?;
        // It inherits both: it has given up the right to open them as files of this process.
        let inherited = rustix::io::dup(network)?;
        let (ready, own_end) = pipe_with(PipeFlags::CLOEXEC)?;
        let its_end = rustix::io::dup(&own_end)?;
        let path = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
        let mut carrier = program("pasta")
            .args(["--runas", "0", "--config-net", "--no-map-gw", "--quiet", "--foreground", "--stderr"])
            .args(["-t", "none", "-u", "none", "-T", "none", "-U", "none"])
            .args(["--netns-only", "--no-netns-quit", "--netns", &path(&inherited), "--pid", &path(&its_end)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        drop((inherited, own_end, its_end));
        let connected = sys::enter_network(network.as_fd())
            .and_then(|()| wait_until_ready(&mut carrier, &ready))
            .and_then(|()| restrict(self.rules, &never));
        match connected {
            Ok(()) => {
                // The center's log gets what it says from here on; a full pipe would stop it.
                let errors = carrier.stderr.take();
                let _read_by =
                    std::thread::spawn(move || errors.map(|from| io::copy(&mut { from }, &mut io::stderr())));
                Ok(carrier)
            }
            Err(error) => {
                end(&mut carrier);
                Err(error)
            }
        }
    }

    /// Where runs may never go: what the rules name, and all of the machine's own addresses.
    fn never(&self) -> io::Result<Vec<IpNet>> {
        let seen = ip(&["-j", "address", "show"])?;
        let interfaces: Vec<Value> = serde_json::from_slice(&seen.stdout)?;
        let addresses = interfaces.iter().filter_map(|interface| interface["addr_info"].as_array()).flatten();
        let addresses = addresses.filter_map(|address| address["local"].as_str()?.parse().ok());
        let own = addresses.filter(|address: &IpAddr| !address.is_loopback()).map(IpNet::from);
        Ok(self.rules.never.iter().copied().chain(own).collect())
    }
}

/// Tells the center's log, which is this process's standard error.
fn say(what: &str) {
    let _nobody_reads_it = writeln!(io::stderr(), "qiantang: {what}");
}

fn end(carrier: &mut Child) {
    let _is_over = carrier.kill();
    let _is_over = carrier.wait();
}

/// Closes all files of this process but the first three and `kept`.
fn close_all_but(kept: BorrowedFd<'_>) -> io::Result<()> {
    let kept = u32::try_from(kept.as_raw_fd()).map_err(io::Error::other)?;
    for (first, last) in [(3, kept.saturating_sub(1)), (kept + 1, u32::MAX)] {
        if first <= last {
            // SAFETY: this process is a copy that uses no other file from here on.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0_u32) };
        }
    }
    Ok(())
}

/// Waits until `pasta` has set the network up: then it writes its process id.
fn wait_until_ready(carrier: &mut Child, ready: &OwnedFd) -> io::Result<()> {
    let mut fds = [PollFd::new(ready, PollFlags::IN)];
    if poll(&mut fds, Some(&READY_WITHIN))? == 0 {
        return Err(io::Error::other("pasta did not become ready"));
    }
    if fds[0].revents().contains(PollFlags::IN) {
        return Ok(());
    }
    let status = carrier.wait()?;
    let mut told = String::new();
    let _nothing_is_told = carrier.stderr.take().map(|mut from| from.read_to_string(&mut told));
    Err(io::Error::other(format!("pasta ended with {status}: {}", told.trim())))
}

/// Runs `ip` in the network that this thread is in.
fn ip(args: &[&str]) -> io::Result<Output> {
    let output = program("ip").args(args).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output);
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ip {}: {}", args.join(" "), told.trim())))
}

/// A route to everywhere, or to a network beside the interface.
struct Route {
    to: String,
    device: String,
    gateway: Option<String>,
}

fn routes(family: &str) -> io::Result<Vec<Route>> {
    let seen = ip(&[family, "-j", "route", "show"])?;
    let seen: Vec<Value> = serde_json::from_slice(&seen.stdout)?;
    let text = |route: &Value, name| route[name].as_str().map(str::to_owned);
    let read = |route: &Value| {
        Some(Route { to: text(route, "dst")?, device: text(route, "dev")?, gateway: text(route, "gateway") })
    };
    Ok(seen.iter().filter_map(read).collect())
}

/// Sets the routes of the network that this thread is in. The longest prefix wins, so what is never reached is closed
/// within what may be.
fn restrict(rules: &Outside, never: &[IpNet]) -> io::Result<()> {
    for family in ["-4", "-6"] {
        let is_of = |net: &&IpNet| matches!(net, IpNet::V4(_)) == (family == "-4");
        if !rules.only.is_empty() {
            let own = routes(family)?;
            let out = own.iter().find(|route| route.to == "default");
            if let Some(Route { device, gateway: Some(gateway), .. }) = out {
                ip(&[family, "route", "replace", gateway, "dev", device])?;
                for only in rules.only.iter().filter(is_of) {
                    let to = only.trunc().to_string();
                    ip(&[family, "route", "replace", &to, "via", gateway, "dev", device])?;
                }
            }
            for route in &own {
                let is_named = rules.only.iter().any(|only| only.trunc().to_string() == route.to);
                if !is_named {
                    ip(&[family, "route", "del", &route.to, "dev", &route.device])?;
                }
            }
        }
        for never in never.iter().filter(is_of) {
            ip(&[family, "route", "replace", "unreachable", &never.trunc().to_string()])?;
        }
    }
    Ok(())
}
