//! The supervisor of one run: starts its processes, keeps their output, enforces its limits, and records its end.
//!
//! It is a copy of the host with a single thread, and waits in one place, [`Supervisor::watch`]. All descendants of
//! the run's processes become its children when their own parents end, so the run is over when the kernel says that
//! it has no children: nothing can be left behind.

use std::{
    ffi::OsStr,
    io,
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
};

use domain::{Millis, RunId, Timestamp};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::Mode,
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, wait},
};

use super::{
    cgroup::{self, Cgroup},
    child::{self, Start, StartError},
    env::{Place, environment},
    folders::Folders,
    host::Shared,
    logs::{self, Came, Log},
    ports::{self, Port},
    ranktable,
    record::{Line, Record},
    sandbox, sys, tree,
};
use crate::{Exit, LaunchSpec, Status, Stream};

/// A run that is over sooner is not announced as started: the hint of its end tells both.
const ANNOUNCE_AFTER: Millis = Millis(4);
/// How often a record is marked as alive.
const TOUCH_EVERY: Millis = Millis(30_000);
/// What is read of an output at once.
const READ_BYTES: usize = 64 << 10;

/// Looks after the run from its claim to its end. An error means that nothing was started and nothing recorded.
pub(super) fn supervise(shared: &Shared, run: RunId, spec: &[u8]) -> io::Result<()> {
    let spec: LaunchSpec = serde_json::from_slice(spec)?;
    sys::become_subreaper()?;
    let claim = Line::Claim { pid: std::process::id().cast_signed(), boot: shared.boot.clone(), at: sys::now() };
    let Some(record) = shared.runs.claim(run, &claim)? else { return Ok(()) };
    // From here on the record speaks. What the center or the terminal hold open must not be held open by this process.
    rustix::stdio::dup2_stdin(&shared.nothing)?;
    rustix::stdio::dup2_stdout(&shared.nothing)?;
    rustix::stdio::dup2_stderr(&shared.nothing)?;

    let logs = Stream::ALL.map(|stream| Log::new(stream, spec.log_limit_bytes));
    let mut supervisor = Supervisor {
        shared,
        spec: &spec,
        record,
        logs,
        nodes: Vec::new(),
        started_at: None,
        buffer: Vec::new(),
        phase: Phase::Running,
        cause: None,
        failed: None,
    };
    let holdings = supervisor.start();
    let (holdings, refusal) = match holdings {
        Ok(holdings) => (Some(holdings), None),
        Err((holdings, reason)) => {
            supervisor.phase = Phase::killing_from(sys::uptime());
            (holdings, Some(reason))
        }
    };
    supervisor.watch();
    let at = sys::now();
    supervisor.drain();
    let how = refusal.map_or_else(|| supervisor.outcome(), Exit::FailedToStart);
    let started_at = if matches!(how, Exit::FailedToStart(_)) { None } else { supervisor.started_at };
    supervisor.record.append(&Line::End { started_at, at, how })?;
    shared.hint(run);
    if let Some(holdings) = holdings {
        holdings.give_back();
    }
    Ok(())
}

/// What the run has for as long as it lasts.
struct Holdings {
    folders: Folders,
    _port: Port,
    cgroup: Option<Cgroup>,
}

impl Holdings {
    fn give_back(self) {
        self.folders.remove_temporary();
        if let Some(cgroup) = self.cgroup {
            cgroup.remove();
        }
    }
}

/// The first process of one node.
struct NodeProcess {
    pid: Pid,
    outputs: [Option<OwnedFd>; 2],
    status: Option<Status>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Running,
    /// All were told to end; what is left at that instant is killed.
    Ending { kill_at: Millis },
    /// All are killed; what is left at that instant, too.
    Killing { again_at: Millis, pause: Millis },
}

impl Phase {
    fn killing_from(now: Millis) -> Self {
        Self::Killing { again_at: now, pause: Millis(20) }
    }
}

/// Why the engine itself ended the run.
#[derive(Clone, Copy, Debug)]
enum Cause {
    TimedOut,
    Stopped,
}

struct Supervisor<'a> {
    shared: &'a Shared,
    spec: &'a LaunchSpec,
    record: Record,
    logs: [Log; 2],
    nodes: Vec<NodeProcess>,
    started_at: Option<Timestamp>,
    buffer: Vec<u8>,
    phase: Phase,
    cause: Option<Cause>,
    /// The first of the nodes' processes that didn't end with 0.
    failed: Option<Status>,
}

impl Supervisor<'_> {
    /// Starts the processes of all nodes. On failure gives the reason, and what it holds already.
    fn start(&mut self) -> Result<Holdings, (Option<Holdings>, String)> {
        let folders = Folders::make(&self.shared.config, self.spec)
            .map_err(|error| (None, format!("failed to make its folders: {error}")))?;
        let seed = u64::from_be_bytes(*self.spec.run.as_bytes().last_chunk().expect("16 bytes"));
        let Some(port) = ports::take(self.shared.config.master_ports, seed) else {
            folders.remove_temporary();
            return Err((None, "no free port is left on this machine for MASTER_PORT".to_owned()));
        };
        let cgroup = self.shared.cgroup_root.as_deref().and_then(|root| {
            Cgroup::make(root, self.spec.run, &self.spec.limits).ok()
        });
        let holdings = Holdings { folders, _port: port, cgroup };
        match self.start_nodes(&holdings) {
            Ok(()) => Ok(holdings),
            Err(reason) => Err((Some(holdings), reason)),
        }
    }

    fn start_nodes(&mut self, holdings: &Holdings) -> Result<(), String> {
        let Holdings { folders, cgroup, .. } = holdings;
        let (spec, shared) = (self.spec, self.shared);
        let failed = |what: &'static str| move |error: io::Error| format!("failed to {what}: {error}");

        let script = folders.write("script", Mode::RWXU, spec.script.as_bytes()).map_err(failed("write its script"))?;
        let place = Place {
            home: folders.home.clone(),
            work: folders.work.clone(),
            temporary: folders.temporary.clone(),
            user: format!("qt{}", spec.uid_index),
            path: shared.config.path.clone(),
            master_port: holdings._port.number,
            rank_table: write_rank_table(folders, spec).map_err(failed("write its rank table"))?,
        };
        let ruleset = match &shared.system {
            None => None,
            Some(system) => {
                let own = [folders.home_fd.as_fd(), folders.temporary_fd.as_fd()];
                let ruleset = system.ruleset(&own, &sandbox::device_files(&spec.nodes));
                Some(ruleset.map_err(|error| format!("failed to isolate it: {error}"))?)
            }
        };
        let entrance = cgroup.as_ref().and_then(|cgroup| cgroup.entrance().ok());
        let uid = shared.config.uid(spec.uid_index);
        let counted_uid = uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        // Where no cgroup counts them, the kernel counts all processes of the uid, so those of other runs are added.
        let others = shared.processes_by_uid.get(&counted_uid).copied().unwrap_or(0);
        let max_processes_of_uid = (!cgroup.as_ref().is_some_and(|cgroup| cgroup.limits_processes))
            .then(|| others + u64::from(spec.limits.max_processes));
        // A shell where the script doesn't say what runs it.
        let shell = (!spec.script.starts_with("#!")).then(default_shell);
        let args: Vec<&OsStr> = (shell.iter().map(|shell| shell.as_os_str()))
            .chain([script.as_os_str()])
            .chain(spec.args.iter().map(OsStr::new))
            .collect();

        for rank in 0..spec.nodes.len() {
            let (stdout, stdout_for_process) = logs::pipe().map_err(failed("make a pipe"))?;
            let (stderr, stderr_for_process) = logs::pipe().map_err(failed("make a pipe"))?;
            let started = child::start(&Start {
                program: shell.unwrap_or(&script),
                args: &args,
                env: &environment(spec, rank, &place),
                folder: folders.work_fd.as_fd(),
                stdin: shared.nothing.as_fd(),
                stdout: stdout_for_process.as_fd(),
                stderr: stderr_for_process.as_fd(),
                uid,
                limits: &spec.limits,
                max_processes_of_uid,
                limits_data: !cgroup.as_ref().is_some_and(|cgroup| cgroup.limits_memory),
                ruleset: ruleset.as_ref().map(|fd| fd.as_fd()),
                cgroup: entrance.as_ref().map(|file| file.as_fd()),
            });
            let pid = started.map_err(|error| explain(&error, &spec.script))?;
            self.started_at.get_or_insert_with(sys::now);
            self.nodes.push(NodeProcess { pid, outputs: [Some(stdout), Some(stderr)], status: None });
        }
        let sessions = self.nodes.iter().map(|node| node.pid.as_raw_nonzero().get()).collect();
        let at = self.started_at.expect("there is at least one node");
        self.record.append(&Line::Start { at, sessions }).map_err(failed("record its start"))
    }

    /// Returns when no process of the run is left.
    fn watch(&mut self) {
        let begun = sys::uptime();
        let deadline = Millis(begun.0.saturating_add(self.spec.time_limit.0.max(0)));
        let mut announce_at = Some(Millis(begun.0 + ANNOUNCE_AFTER.0));
        let mut touch_at = Millis(begun.0 + TOUCH_EVERY.0);
        while self.reap() {
            let now = sys::uptime();
            if announce_at.is_some_and(|at| now >= at) {
                self.shared.hint(self.spec.run);
                announce_at = None;
            }
            if now >= touch_at {
                self.record.touch();
                touch_at = Millis(now.0 + TOUCH_EVERY.0);
            }
            let next = self.advance(now, deadline);
            let wake_at = [Some(next), Some(touch_at), announce_at].into_iter().flatten().min();
            self.wait(wake_at.map_or(0, |at| at.0.saturating_sub(now.0)));
        }
    }

    /// Does what is due; returns when something will be.
    fn advance(&mut self, now: Millis, deadline: Millis) -> Millis {
        let all_over = self.nodes.iter().all(|node| node.status.is_some());
        match self.phase {
            // What the nodes' processes leave running has nobody to work for.
            Phase::Running | Phase::Ending { .. } if all_over => self.phase = Phase::killing_from(now),
            // One node's process failed: the others wait for it in vain.
            Phase::Running if self.failed.is_some() => self.end_all(now, None),
            Phase::Running if now >= deadline => self.end_all(now, Some(Cause::TimedOut)),
            Phase::Ending { kill_at } if now >= kill_at => self.phase = Phase::killing_from(now),
            _ => {}
        }
        match self.phase {
            Phase::Running => deadline,
            Phase::Ending { kill_at } => kill_at,
            Phase::Killing { again_at, pause } if now >= again_at => {
                if let Some(root) = &self.shared.cgroup_root {
                    cgroup::kill(root, self.spec.run);
                }
                tree::freeze_and_kill(&own_descendants);
                let again_at = Millis(now.0 + pause.0);
                self.phase = Phase::Killing { again_at, pause: Millis((pause.0 * 2).min(1000)) };
                again_at
            }
            Phase::Killing { again_at, .. } => again_at,
        }
    }

    /// Asks all processes to end.
    fn end_all(&mut self, now: Millis, cause: Option<Cause>) {
        self.cause = cause;
        self.phase = Phase::Ending { kill_at: Millis(now.0.saturating_add(self.spec.kill_grace.0.max(0))) };
        for process in own_descendants() {
            tree::signal(&process, Signal::TERM);
            // One that is stopped would not hear it.
            tree::signal(&process, Signal::CONT);
        }
    }

    /// Until a signal, output, or the time has come.
    fn wait(&mut self, timeout_ms: i64) {
        let timeout = Timespec { tv_sec: timeout_ms / 1000, tv_nsec: timeout_ms % 1000 * 1_000_000 };
        let mut fds = vec![PollFd::new(&self.shared.signals, PollFlags::IN)];
        let outputs = self.nodes.iter().flat_map(|node| node.outputs.iter().flatten());
        fds.extend(outputs.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        if poll(&mut fds, Some(&timeout)).is_err() {
            return;
        }
        let signal_came = !fds[0].revents().is_empty();
        let output_came = fds[1..].iter().any(|fd| !fd.revents().is_empty());
        if output_came {
            self.read_outputs();
        }
        while signal_came && let Some(signal) = sys::next_signal(self.shared.signals.as_fd()) {
            if signal == libc::SIGTERM && matches!(self.phase, Phase::Running) {
                self.end_all(sys::uptime(), Some(Cause::Stopped));
            }
        }
    }

    /// Reads once from each output. Returns whether anything came.
    fn read_outputs(&mut self) -> bool {
        self.buffer.resize(READ_BYTES, 0);
        let mut came = false;
        for node in &mut self.nodes {
            for (output, log) in node.outputs.iter_mut().zip(&mut self.logs) {
                let Some(pipe) = output else { continue };
                match logs::read(pipe, &mut self.buffer) {
                    Came::Bytes(len) => {
                        came = true;
                        log.append(&self.buffer[..len], self.spec.run, &self.shared.runs, &mut self.record);
                    }
                    Came::NothingNow => {}
                    Came::End => *output = None,
                }
            }
        }
        came
    }

    /// Reads what the processes left in the pipes.
    fn drain(&mut self) {
        while self.nodes.iter().any(|node| node.outputs.iter().any(Option::is_some)) && self.read_outputs() {}
    }

    /// Takes note of processes that ended; false if none is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.note(pid, status),
                Ok(None) => return true,
                Err(Errno::INTR) => {}
                Err(_no_children) => return false,
            }
        }
    }

    fn note(&mut self, pid: Pid, status: WaitStatus) {
        let Some(node) = self.nodes.iter_mut().find(|node| node.pid == pid && node.status.is_none()) else {
            return;
        };
        let status = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Status::Code(code),
            (None, signal) => Status::Signal(signal.unwrap_or(0)),
        };
        node.status = Some(status);
        if status != Status::Code(0) && self.failed.is_none() {
            self.failed = Some(status);
        }
    }

    fn outcome(&self) -> Exit {
        match (self.cause, self.failed) {
            (Some(Cause::TimedOut), _) => Exit::TimedOut,
            (Some(Cause::Stopped), failed) => Exit::Stopped { status: failed.or(Some(Status::Code(0))) },
            (None, Some(Status::Code(code))) => Exit::Code(code),
            (None, Some(Status::Signal(signal))) => Exit::Signal(signal),
            (None, None) => Exit::Code(0),
        }
    }
}

fn own_descendants() -> Vec<tree::Process> {
    tree::descendants(&tree::all(), std::process::id().cast_signed(), &|_| false)
}

fn default_shell() -> &'static Path {
    let bash = Path::new("/bin/bash");
    if bash.exists() { bash } else { Path::new("/bin/sh") }
}

/// Writes the rank table of a run with several Ascend cards.
fn write_rank_table(folders: &Folders, spec: &LaunchSpec) -> io::Result<Option<std::path::PathBuf>> {
    let cards: u32 = spec.nodes.iter().map(|node| node.cards.len()).sum();
    if cards < 2 || spec.nodes[0].vendor != domain::card::Vendor::Ascend {
        return Ok(None);
    }
    let conf = std::fs::read_to_string("/etc/hccn.conf").unwrap_or_default();
    let table = ranktable::rank_table(&spec.nodes, super::env::MASTER_ADDR, |node, card| {
        let known = if node.is_virtual { None } else { ranktable::hccn_address(&conf, card) };
        known.unwrap_or(super::env::MASTER_ADDR).to_owned()
    });
    // The processes that read it are started when it is complete.
    folders.write("hccl.json", Mode::RUSR | Mode::WUSR, table.as_bytes()).map(Some)
}

/// Says why a start failed, to the one who wrote the script.
fn explain(error: &StartError, script: &str) -> String {
    let StartError::Exec(source) = error else { return format!("failed to give it {error}") };
    let first = script.lines().next().unwrap_or_default();
    let interpreter = first.strip_prefix("#!").map(|rest| rest.split_ascii_whitespace().next().unwrap_or(""));
    let line_end = if script.split('\n').next().is_some_and(|line| line.ends_with('\r')) {
        " (the script has the line ends of Windows; convert it with `sed -i 's/\\r$//'`)"
    } else {
        ""
    };
    match (source.raw_os_error(), interpreter) {
        (Some(libc::ENOENT), Some(interpreter)) => {
            format!("its first line asks for `{interpreter}`, which does not exist{line_end}")
        }
        (Some(libc::EACCES), Some(interpreter)) => {
            format!("its first line asks for `{interpreter}`, which runs may not execute{line_end}")
        }
        (Some(libc::ENOEXEC), Some(_)) => {
            format!("its first line `{}` is not one that names a program", first.chars().take(80).collect::<String>())
        }
        (Some(libc::EAGAIN), _) => "its tenant has as many processes on this machine as it may have".to_owned(),
        (Some(libc::E2BIG), _) => "its arguments and environment are too long".to_owned(),
        _ => format!("failed to run it: {source}"),
    }
}
