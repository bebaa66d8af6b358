//! The center's side of the host: it starts the host, replaces one that dies, hands launches over, and hears
//! hints.

use std::{
    collections::HashMap,
    io::{self, BufRead as _, BufReader},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use domain::{Lang, RunId, Timestamp, reason::NotStarted};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fs::{CWD, Mode, OFlags, mkfifoat, openat},
    io::Errno,
    net::{SendFlags, send},
};

use super::{
    config::LocalConfig,
    protocol::{HINTS, HostAnswer, frame},
    record::Runs,
};
use crate::{
    clock::{self, AHEAD_VARIABLE},
    engine::EngineError,
    spec::LaunchSpec,
    sync,
};

/// How long a new host may take to say that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// The pause between attempts to start a host that doesn't start.
const RETRY_AFTER_MS: i64 = 1000;

type OnHint = Box<dyn Fn(RunId) + Send>;

/// The connection to the host.
#[derive(Debug)]
pub(super) struct Link {
    inner: Arc<Inner>,
    runs: Arc<Runs>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    wake: OwnedFd,
    /// The fifo, for hints from the center's own side.
    hints: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    host: Option<HostProcess>,
    /// Launches by run, until the engine knows that somebody has claimed the run.
    pending: HashMap<RunId, Arc<[u8]>>,
    /// Bytes for which the socket had no room.
    backlog: Vec<u8>,
    refused: HashMap<RunId, (Timestamp, NotStarted)>,
    is_closing: bool,
}

#[derive(Debug)]
struct HostProcess {
    process: Child,
    socket: Arc<UnixStream>,
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // The host ends when its socket is closed.
        let _closed = self.socket.shutdown(std::net::Shutdown::Both);
        let _reaped = self.process.wait();
    }
}

impl Link {
    /// Starts the first host, and the thread that keeps one running.
    pub(super) fn start(config: LocalConfig, runs: Arc<Runs>, on_hint: OnHint) -> Result<Self, EngineError> {
        let (reader, writer) =
            open_hints(&config).map_err(EngineError::io("open the engine's channel for hints"))?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(EngineError::io("make an eventfd"))?;
        let host = start_host(&config).map_err(|error| EngineError::Host(error.to_string()))?;
        let state = Mutex::new(State { host: Some(host), ..State::default() });
        let inner = Arc::new(Inner { state, wake, hints: writer });
        let keeper =
            Keeper { inner: Arc::clone(&inner), runs: Arc::clone(&runs), config, hints: reader, on_hint };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || keeper.run())
            .map_err(EngineError::io("start a thread"))?;
        Ok(Self { inner, runs, thread: Some(thread) })
    }

    /// Hands the launch to the host, or keeps it until there is one.
    pub(super) fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError> {
        // What the host gets stays in memory.
        let with_secrets;
        let spec = if spec.secrets.is_empty() {
            spec
        } else {
            let mut all = spec.clone();
            all.env.append(&mut all.secrets);
            with_secrets = all;
            &with_secrets
        };
        let body = serde_json::to_vec(spec).map_err(|error| EngineError::Host(error.to_string()))?;
        let message: Arc<[u8]> = frame(&[spec.run.as_bytes(), &spec.uid_index.to_le_bytes(), &body]).into();
        let mut state = self.inner.lock();
        state.refused.remove(&spec.run);
        state.pending.insert(spec.run, Arc::clone(&message));
        if !state.send(&message) {
            self.inner.wake();
        }
        Ok(())
    }

    /// Notes that the run has a record: its launch needs no repeating.
    pub(super) fn note_recorded(&self, run: RunId) {
        let mut state = self.inner.lock();
        state.pending.remove(&run);
        state.refused.remove(&run);
    }

    pub(super) fn is_pending(&self, run: RunId) -> bool {
        self.inner.lock().pending.contains_key(&run)
    }

    /// When and why a launch came to nothing without leaving a record.
    pub(super) fn refusal(&self, run: RunId) -> Option<(Timestamp, NotStarted)> {
        let refusal = self.inner.lock().refused.get(&run).cloned();
        // Another launch of the same run may have gone well.
        refusal.filter(|_| !self.runs.is_claimed(run))
    }

    /// Gives a hint as a supervisor would.
    pub(super) fn hint(&self, run: RunId) {
        self.inner.hint(run);
    }

    pub(super) fn host_pid(&self) -> Option<u32> {
        self.inner.lock().host.as_ref().map(|host| host.process.id())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.inner.lock().is_closing = true;
        self.inner.wake();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.state)
    }

    fn wake(&self) {
        let _is_awake_already = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn hint(&self, run: RunId) {
        let _fifo_is_full = rustix::io::write(&self.hints, run.as_bytes());
    }
}

impl State {
    /// Sends the message, and keeps the rest in the backlog. Whether all of it was sent.
    fn send(&mut self, message: &[u8]) -> bool {
        let Some(host) = &self.host else { return false };
        let sent = if self.backlog.is_empty() {
            send(&host.socket, message, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).unwrap_or(0)
        } else {
            0
        };
        self.backlog.extend_from_slice(&message[sent..]);
        self.backlog.is_empty()
    }

    /// Sends the backlog, as far as there is room. An error means that the host is gone.
    fn send_backlog(&mut self) -> Result<(), Errno> {
        let Some(host) = &self.host else { return Ok(()) };
        let mut sent = 0;
        while sent < self.backlog.len() {
            match send(&host.socket, &self.backlog[sent..], SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(more) => sent += more,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        self.backlog.drain(..sent);
        Ok(())
    }
}

/// The thread that keeps a host running.
struct Keeper {
    inner: Arc<Inner>,
    runs: Arc<Runs>,
    config: LocalConfig,
    hints: OwnedFd,
    on_hint: OnHint,
}

impl Keeper {
    fn run(self) {
        let mut answers = Vec::new();
        loop {
            let (socket, has_backlog) = {
                let state = self.inner.lock();
                if state.is_closing {
                    break;
                }
                (state.host.as_ref().map(|host| Arc::clone(&host.socket)), !state.backlog.is_empty())
            };
            let mut fds =
                vec![PollFd::new(&self.hints, PollFlags::IN), PollFd::new(&self.inner.wake, PollFlags::IN)];
            if let Some(socket) = &socket {
                let writable = if has_backlog { PollFlags::OUT } else { PollFlags::empty() };
                fds.push(PollFd::new(socket, PollFlags::IN | writable));
            }
            let retry = Timespec { tv_sec: RETRY_AFTER_MS / 1000, tv_nsec: 0 };
            let timeout = if socket.is_none() { Some(&retry) } else { None };
            let came = poll(&mut fds, timeout);
            if came.is_err_and(|error| error != Errno::INTR) {
                break;
            }
            let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            drop(fds);
            if is_ready[0] {
                self.pass_hints();
            }
            if is_ready[1] {
                let _emptied = rustix::io::read(&self.inner.wake, &mut [0; 8]);
            }
            let is_there = match &socket {
                None => false,
                Some(socket) if is_ready[2] => self.exchange(socket, &mut answers),
                Some(_) => true,
            };
            if !is_there {
                answers.clear();
                self.restart_host();
            }
        }
        // Dropping the host waits for it. Supervisors live on.
        let host = self.inner.lock().host.take();
        drop(host);
    }

    fn pass_hints(&self) {
        let mut bytes = [0; 16 * 256];
        let Ok(len) = rustix::io::read(&self.hints, &mut bytes) else { return };
        // Each writer writes 16 bytes at a time, which a fifo keeps together.
        let runs: Vec<RunId> = bytes[..len].as_chunks().0.iter().map(|id| RunId::from_bytes(*id)).collect();
        {
            let mut state = self.inner.lock();
            for run in &runs {
                state.pending.remove(run);
            }
        }
        for run in runs {
            (self.on_hint)(run);
        }
    }

    /// Sends and receives as much as possible. False if the host is gone.
    fn exchange(&self, socket: &UnixStream, answers: &mut Vec<u8>) -> bool {
        if self.inner.lock().send_backlog().is_err() {
            return false;
        }
        let mut part = [0; 4096];
        match rustix::net::recv(socket.as_fd(), &mut part, rustix::net::RecvFlags::DONTWAIT) {
            Ok((0, _)) => return false,
            Ok((len, _)) => answers.extend_from_slice(&part[..len]),
            Err(Errno::AGAIN | Errno::INTR) => return true,
            Err(_) => return false,
        }
        while let Some(end) = answers.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = answers.drain(..=end).collect();
            if let Ok(HostAnswer::Refused { run, why }) = serde_json::from_slice(&line) {
                tracing::warn!(%run, why = why.text(Lang::En), "a launch came to nothing");
                let mut state = self.inner.lock();
                state.pending.remove(&run);
                state.refused.insert(run, (clock::now(), why));
                drop(state);
                (self.on_hint)(run);
            }
        }
        true
    }

    /// Starts a host in place of one that is gone, and sends it the launches that nobody has claimed.
    fn restart_host(&self) {
        let old = self.inner.lock().host.take();
        if old.is_some() {
            tracing::warn!("the engine's host ended; starting another one");
        }
        drop(old);
        match start_host(&self.config) {
            Ok(host) => {
                let mut state = self.inner.lock();
                state.host = Some(host);
                state.pending.retain(|run, _| !self.runs.is_claimed(*run));
                state.backlog.clear();
                let messages: Vec<_> = state.pending.values().cloned().collect();
                state.backlog = messages.concat();
                let _noticed_later = state.send_backlog();
            }
            Err(error) => tracing::error!(%error, "failed to start the engine's host"),
        }
    }
}

/// Makes the fifo for hints and opens both its ends. Every center on this folder has the same fifo, so that
/// it hears the supervisors of an earlier one.
fn open_hints(config: &LocalConfig) -> io::Result<(OwnedFd, OwnedFd)> {
    let path = config.data_dir.join(HINTS);
    match mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let reader = openat(CWD, &path, flags | OFlags::RDONLY, Mode::empty())?;
    // The center writes hints too. While it has this end open, a poll of the other end doesn't report that
    // nobody writes.
    let writer = openat(CWD, &path, flags | OFlags::WRONLY, Mode::empty())?;
    Ok((reader, writer))
}

/// Starts a host and waits until it is ready.
fn start_host(config: &LocalConfig) -> io::Result<HostProcess> {
    let Some((program, args)) = config.host_command.split_first() else {
        return Err(io::Error::other("no program is set for it"));
    };
    let (ours, theirs) = UnixStream::pair()?;
    let process = Command::new(program)
        .args(args)
        // The host gets none of the center's secrets.
        .env_clear()
        .envs(std::env::var_os(AHEAD_VARIABLE).map(|ahead| (AHEAD_VARIABLE, ahead)))
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .spawn()?;
    let socket = Arc::new(ours);
    let host = HostProcess { process, socket };
    let settings = serde_json::to_vec(config)?;
    let mut socket = host.socket.as_ref();
    io::Write::write_all(&mut socket, &frame(&[&settings]))?;
    socket.set_read_timeout(Some(READY_WITHIN))?;
    // Nothing follows this line before a launch is sent.
    let mut line = Vec::new();
    BufReader::new(socket).read_until(b'\n', &mut line)?;
    match serde_json::from_slice(&line) {
        Ok(HostAnswer::Ready) => {}
        Ok(HostAnswer::Failed(why)) => return Err(io::Error::other(why)),
        _ => return Err(io::Error::other("it ended, or is not the engine's host")),
    }
    Ok(host)
}
