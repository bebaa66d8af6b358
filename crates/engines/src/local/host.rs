//! The host: a small process with one thread that starts a supervisor for each run.
//!
//! A supervisor is a copy of the host (fork without exec). The copy is cheap because the host is small, and
//! sound because the host has a single thread; the center has many. A supervisor whose run is over may look
//! after another run, see `workers`. The host ends when the center does; supervisors stay to the end of their
//! runs.

use std::{
    collections::HashMap,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, FromRawFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use domain::{
    RunId,
    reason::{NotStarted, Step, SystemError},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::geteuid,
};

use super::{
    config::{Isolation, LocalConfig, Network},
    explain::system_error,
    filter,
    inherited::Inherited,
    network::{Networks, outside::WayOut},
    protocol::{HINTS, HostAnswer, MAX_FRAME_BYTES, split_frame},
    record::Runs,
    sandbox::SystemPaths,
    sys::{self, Came},
    tree,
    workers::Workers,
};

/// Older counts of processes are taken anew.
const COUNT_EVERY_MS: i64 = 2000;

/// A host without work keeps idle supervisors no longer than that.
const IDLE_FOR: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// The whole life of the host process. A program that was started with [`LocalConfig::host_command`] calls
/// this before it does anything else.
pub fn main() -> ! {
    // SAFETY: the center gives the socket as standard input, and nothing else uses it.
    let center = UnixStream::from(unsafe { OwnedFd::from_raw_fd(0) });
    let code = match Host::start(center) {
        Ok(host) => host.serve(),
        Err(code) => code,
    };
    sys::exit_now(code)
}

struct Host {
    center: UnixStream,
    inherited: Inherited,
    workers: Workers,
    /// The tenants' networks, where they have them.
    networks: Option<Networks>,
    processes_by_uid: HashMap<u32, u64>,
    counted_at_ms: i64,
    inbox: Vec<u8>,
}

impl Host {
    fn start(mut center: UnixStream) -> Result<Self, i32> {
        let prepared = Self::prepare(&mut center).and_then(|(inherited, way_out)| {
            let has_networks = inherited.config.room.is_some_and(|room| room.network == Network::Tenant);
            let networks = has_networks.then(|| Networks::open(way_out)).transpose()?;
            Ok((inherited, Workers::new()?, networks))
        });
        match prepared {
            Ok((inherited, workers, networks)) => {
                answer(&mut center, &HostAnswer::Ready);
                let (processes_by_uid, counted_at_ms) = (HashMap::new(), i64::MIN);
                let inbox = Vec::new();
                Ok(Self { center, inherited, workers, networks, processes_by_uid, counted_at_ms, inbox })
            }
            Err(error) => {
                answer(&mut center, &HostAnswer::Failed(error.to_string()));
                Err(1)
            }
        }
    }

    fn prepare(center: &mut UnixStream) -> io::Result<(Inherited, Option<WayOut>)> {
        let mut len = [0; 4];
        center.read_exact(&mut len)?;
        let mut frame =
            vec![0; usize::try_from(u32::from_le_bytes(len)).expect("32 bits fit").min(MAX_FRAME_BYTES)];
        center.read_exact(&mut frame)?;
        let config: LocalConfig = serde_json::from_slice(&frame)?;
        center.set_nonblocking(true)?;

        // Away from the center's terminal, keys, and whatever files it may have left open.
        // SAFETY: nothing here has opened a file above 2 yet, so none is closed under somebody's hands.
        unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
        let _is_leader_already = rustix::process::setsid();
        sys::leave_keyring();
        sys::forbid_tracing()?;
        sys::become_subreaper()?;
        let signals = sys::signals_by_descriptor()?;
        std::env::set_current_dir("/")?;
        rustix::process::umask(Mode::RWXG | Mode::RWXO);

        // It needs calls that the filter does not let through.
        let has_way_out = config.room.is_some_and(|room| room.has_way_out);
        let way_out = has_way_out.then(|| WayOut::start(&config.outside)).transpose()?;
        let has_own_uids = config.uid(0).is_some();
        let isolates = config.isolation == Isolation::Full;
        let hints = config.data_dir.join(HINTS);
        let inherited = Inherited {
            runs: Runs::open(&config.data_dir)?,
            boot: sys::boot_id(),
            hints: openat(CWD, &hints, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?,
            system: isolates.then(|| SystemPaths::open(&config, has_own_uids)),
            has_filter: isolates && filter::install()?,
            cgroup_root: super::cgroup::find(config.cgroup.as_deref()),
            nothing: openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?,
            signals,
            config,
        };
        Ok((inherited, way_out))
    }

    /// Serves until the center is gone. A launch that came before is still started: the center may have
    /// promised it.
    fn serve(mut self) -> i32 {
        loop {
            let mut fds = [
                PollFd::new(&self.center, PollFlags::IN),
                PollFd::new(&self.inherited.signals, PollFlags::IN),
                PollFd::from_borrowed_fd(self.workers.reports(), PollFlags::IN),
            ];
            let timeout = self.workers.has_idle().then_some(&IDLE_FOR);
            let came = poll(&mut fds, timeout);
            let [center, signal, report] = fds.map(|fd| !fd.revents().is_empty());
            match came {
                Ok(0) => self.workers.dismiss_idle(),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return 1,
            }
            // Reports first: they free workers for the next runs.
            if report {
                self.take_reports();
            }
            if signal {
                while let Some(signal) = sys::next_signal(self.inherited.signals.as_fd()) {
                    if signal == Came::Terminate {
                        return 0;
                    }
                }
                self.reap();
            }
            if center && !self.take_frames() {
                return 0;
            }
        }
    }

    fn take_reports(&mut self) {
        while let Some((run, why)) = self.workers.next_report() {
            if let (Some(run), Some(why)) = (run, why) {
                self.refuse(run, NotStarted::preparation(Step::Record, SystemError::new(None, why)));
            }
        }
    }

    /// Reads what the center sent, and starts the launches in it. Whether the center is still there.
    fn take_frames(&mut self) -> bool {
        let mut part = [0; 16 << 10];
        let is_there = match self.center.read(&mut part) {
            Ok(0) => false,
            Ok(len) => {
                self.inbox.extend_from_slice(&part[..len]);
                true
            }
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        };
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = inbox.as_slice();
        while let Some((frame, after)) = split_frame(rest) {
            self.launch(frame);
            rest = after;
        }
        self.inbox = rest.to_vec();
        is_there
    }

    fn launch(&mut self, frame: &[u8]) {
        let Some((run, rest)) = frame.split_first_chunk() else { return };
        let Some((uid_index, spec)) = rest.split_first_chunk() else { return };
        let (run, uid_index) = (RunId::from_bytes(*run), u32::from_le_bytes(*uid_index));
        self.count_processes();
        let uid = self.inherited.config.uid(uid_index).unwrap_or_else(|| geteuid().as_raw());
        let processes_of_uid = self.processes_by_uid.get(&uid).copied().unwrap_or(0);
        let network = match self.networks.as_mut().map(|networks| networks.of(uid_index)).transpose() {
            Ok(network) => network,
            Err(error) => {
                let error = system_error(&error);
                return self.refuse(run, NotStarted::Isolation { step: Step::Network, error });
            }
        };
        if self.workers.assign_idle(run, uid_index, processes_of_uid, network, spec) {
            return;
        }
        match self.workers.fork(run, uid_index, processes_of_uid, network) {
            Ok(None) => {}
            Ok(Some(work)) => {
                // They are the host's to keep alive.
                self.networks = None;
                sys::exit_now(work.work(&self.inherited, spec))
            }
            Err(error) => {
                self.refuse(run, NotStarted::preparation(Step::Process, system_error(&error)));
            }
        }
        if let Some(networks) = &mut self.networks {
            networks.clean(|| self.workers.tenants());
        }
    }

    /// Whether a child of the host is there for good: a supervisor, or what keeps the ways out.
    fn is_kept(&self, pid: i32) -> bool {
        self.workers.has(pid) || self.networks.as_ref().is_some_and(|networks| networks.has(pid))
    }

    fn refuse(&mut self, run: RunId, why: NotStarted) {
        answer(&mut self.center, &HostAnswer::Refused { run, why });
    }

    /// Waits for the children that have ended. A supervisor that was lost while it had a run leaves its
    /// processes to this one as children; they are killed.
    fn reap(&mut self) {
        let mut lost = self.workers.reap();
        if lost.is_empty() {
            return;
        }
        let own = std::process::id().cast_signed();
        for round in 0..100 {
            if tree::freeze_and_kill(&|| tree::descendants(&tree::all(), own, &|pid| self.is_kept(pid))) == 0
            {
                break;
            }
            lost.extend(self.workers.reap());
            std::thread::sleep(Duration::from_millis(round));
        }
        for (run, how) in lost {
            if let Some(root) = &self.inherited.cgroup_root {
                super::cgroup::clear(root, run);
            }
            if !self.inherited.runs.is_claimed(run) {
                self.refuse(run, NotStarted::SupervisorLost { how });
            }
            self.inherited.hint(run);
        }
    }

    fn count_processes(&mut self) {
        let now_ms = sys::uptime().0;
        if now_ms.saturating_sub(self.counted_at_ms) < COUNT_EVERY_MS {
            return;
        }
        let config = &self.inherited.config;
        let first_of_tenants = config.uid(0);
        let own = geteuid().as_raw();
        self.processes_by_uid =
            tree::count_by_uid(&|uid| first_of_tenants.map_or(uid == own, |first| uid >= first));
        self.counted_at_ms = now_ms;
    }
}

fn answer(center: &mut UnixStream, answer: &HostAnswer) {
    let mut line = serde_json::to_vec(answer).expect("answers have a JSON form");
    line.push(b'\n');
    // One write of a short line is not mixed up with other writes. If the center is gone, nobody needs the
    // answer.
    let _center_is_gone = center.write_all(&line);
}
