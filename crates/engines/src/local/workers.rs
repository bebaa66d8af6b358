//! The host's supervisors: those that look after a run, and a few that wait for the next one.
//!
//! Under load, a supervisor whose run is over is not thrown away: its start costs more than half of all that
//! a short run costs. It never has two runs at a time, and keeps nothing of a run but its tenant's open
//! folders.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::{self, Read as _},
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::net::{UnixDatagram, UnixStream},
    },
    panic::{AssertUnwindSafe, catch_unwind},
};

use domain::{RunId, reason::Step};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::{RecvFlags, recv},
    process::{Pid, WaitOptions, WaitStatus, wait},
};

use super::{
    config::Room,
    descriptors::{receive_exact, send_all},
    explain::refuse,
    inherited::Inherited,
    record::MAX_REASON_BYTES,
    supervisor::{Assignment, Reusable, supervise},
    sys::{self, Came, Forked},
};

/// The most supervisors that wait for a run.
const MAX_IDLE: usize = 32;
/// The length of an assignment's header: run, slot, processes of the uid, length of the spec.
const HEADER_BYTES: usize = 16 + 4 + 8 + 4;

/// All supervisors that this host has started and that have not ended.
#[derive(Debug)]
pub(super) struct Workers {
    all: HashMap<Pid, Worker>,
    idle: Vec<Pid>,
    /// The host's end for reports; `None` in the supervisors' own processes.
    reports: Option<UnixDatagram>,
    /// The end on which supervisors report. Each has a copy.
    report_to: UnixDatagram,
}

#[derive(Debug)]
struct Worker {
    run: Option<RunId>,
    /// The tenant that the supervisor works for. `slot` is its folder among that tenant's.
    uid_index: u32,
    slot: u32,
    assignments: UnixStream,
}

/// A supervisor's own side, in its own process.
#[derive(Debug)]
pub(super) struct WorkerSide {
    first: Assignment,
    /// The network to enter for the next run, if that is another one.
    network: Option<OwnedFd>,
    assignments: UnixStream,
    report_to: UnixDatagram,
}

impl Workers {
    pub(super) fn new() -> io::Result<Self> {
        let (reports, report_to) = UnixDatagram::pair()?;
        Ok(Self { all: HashMap::new(), idle: Vec::new(), reports: Some(reports), report_to })
    }

    /// Becomes readable when a supervisor is done.
    pub(super) fn reports(&self) -> BorrowedFd<'_> {
        self.reports.as_ref().expect("it is there in the host").as_fd()
    }

    /// Takes the next report: the supervisor's run, and why it came to nothing, if it left no record.
    pub(super) fn next_report(&mut self) -> Option<(Option<RunId>, Option<String>)> {
        let mut bytes = [0; 4 + MAX_REASON_BYTES];
        let (len, _) = recv(self.reports(), &mut bytes, RecvFlags::DONTWAIT).ok()?;
        let (pid, why) = bytes[..len].split_first_chunk()?;
        let why = (!why.is_empty()).then(|| String::from_utf8_lossy(why).into_owned());
        Some((Pid::from_raw(i32::from_le_bytes(*pid)).and_then(|pid| self.finished(pid)), why))
    }

    pub(super) fn has(&self, pid: i32) -> bool {
        Pid::from_raw(pid).is_some_and(|pid| self.all.contains_key(&pid))
    }

    pub(super) fn has_idle(&self) -> bool {
        !self.idle.is_empty()
    }

    /// Lets the idle supervisors go: they end when their socket is closed.
    pub(super) fn dismiss_idle(&mut self) {
        for pid in self.idle.drain(..) {
            if let Some(worker) = self.all.get(&pid) {
                let _closed = worker.assignments.shutdown(std::net::Shutdown::Both);
            }
        }
    }

    /// Gives the run to an idle supervisor, preferably to one that worked for the same tenant. False if there
    /// is none.
    pub(super) fn assign_idle(
        &mut self,
        run: RunId,
        uid_index: u32,
        processes_of_uid: u64,
        network: Option<BorrowedFd<'_>>,
        spec: &[u8],
    ) -> bool {
        while !self.idle.is_empty() {
            let worked_for_it =
                |pid: &Pid| self.all.get(pid).is_some_and(|worker| worker.uid_index == uid_index);
            let best = self.idle.iter().rposition(worked_for_it);
            let pid = self.idle.swap_remove(best.unwrap_or(self.idle.len() - 1));
            let slot = if best.is_some() { None } else { Some(self.free_slot(uid_index)) };
            let Some(worker) = self.all.get_mut(&pid) else { continue };
            worker.uid_index = uid_index;
            worker.slot = slot.unwrap_or(worker.slot);
            let assignment = Assignment { run, slot: worker.slot, processes_of_uid };
            let mut message = header(assignment, spec.len());
            message.extend_from_slice(spec);
            // One that worked for the tenant is in its network already.
            let network = network.filter(|_| best.is_none());
            // A supervisor that died while it waited takes nothing, and did nothing.
            if send_all(&worker.assignments, &message, network).is_ok() {
                worker.run = Some(run);
                return true;
            }
        }
        false
    }

    /// Starts a supervisor for the run. In the new process it returns that process's work, here `None`.
    pub(super) fn fork(
        &mut self,
        run: RunId,
        uid_index: u32,
        processes_of_uid: u64,
        network: Option<BorrowedFd<'_>>,
    ) -> io::Result<Option<WorkerSide>> {
        let (ours, theirs) = UnixStream::pair()?;
        let network = network.map(|network| network.try_clone_to_owned()).transpose()?;
        let slot = self.free_slot(uid_index);
        let report_to = self.report_to.try_clone()?;
        // SAFETY: the host never starts a thread.
        match unsafe { sys::fork() }? {
            Forked::Parent { child } => {
                self.all.insert(child, Worker { run: Some(run), uid_index, slot, assignments: ours });
                Ok(None)
            }
            Forked::Child => {
                // The host's ends of the sockets must close when the host does.
                self.all.clear();
                self.reports = None;
                let first = Assignment { run, slot, processes_of_uid };
                Ok(Some(WorkerSide { first, network, assignments: theirs, report_to }))
            }
        }
    }

    /// The tenants that a supervisor works for or worked for last.
    pub(super) fn tenants(&self) -> HashSet<u32> {
        self.all.values().map(|worker| worker.uid_index).collect()
    }

    fn free_slot(&self, uid_index: u32) -> u32 {
        let of_tenant = self.all.values().filter(|worker| worker.uid_index == uid_index);
        let taken: BTreeSet<u32> = of_tenant.map(|worker| worker.slot).collect();
        (0..u32::MAX).find(|slot| !taken.contains(slot)).expect("there are fewer supervisors than numbers")
    }

    /// Notes that a supervisor is done, and returns the run that it had.
    fn finished(&mut self, pid: Pid) -> Option<RunId> {
        let worker = self.all.get_mut(&pid)?;
        if self.idle.len() < MAX_IDLE {
            self.idle.push(pid);
        } else {
            let _closed = worker.assignments.shutdown(std::net::Shutdown::Both);
        }
        worker.run.take()
    }

    /// Waits for all processes that have ended. Returns the runs whose supervisors are among them, and how
    /// these ended.
    pub(super) fn reap(&mut self) -> Vec<(RunId, String)> {
        let mut lost = Vec::new();
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.idle.retain(|idle| *idle != pid);
            lost.extend(self.all.remove(&pid).and_then(|worker| Some((worker.run?, describe(status)))));
        }
        lost
    }
}

fn describe(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "unknown".to_owned(),
    }
}

fn header(assignment: Assignment, spec_len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + spec_len);
    bytes.extend_from_slice(assignment.run.as_bytes());
    bytes.extend_from_slice(&assignment.slot.to_le_bytes());
    bytes.extend_from_slice(&assignment.processes_of_uid.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(spec_len).expect("a frame is below 16 MiB").to_le_bytes());
    bytes
}

fn parse_header(bytes: &[u8; HEADER_BYTES]) -> (Assignment, usize) {
    let (run, rest) = bytes.split_first_chunk().expect("16 bytes of run");
    let (slot, rest) = rest.split_first_chunk().expect("4 bytes of slot");
    let (processes, rest) = rest.split_first_chunk().expect("8 bytes of count");
    let (len, _) = rest.split_first_chunk().expect("4 bytes of length");
    let assignment = Assignment {
        run: RunId::from_bytes(*run),
        slot: u32::from_le_bytes(*slot),
        processes_of_uid: u64::from_le_bytes(*processes),
    };
    (assignment, usize::try_from(u32::from_le_bytes(*len)).expect("32 bits fit"))
}

impl WorkerSide {
    /// The life of a supervisor: the run that it was started for, and those that it is given then. Returns
    /// its exit code.
    pub(super) fn work(mut self, inherited: &Inherited, spec: &[u8]) -> i32 {
        if let Err(error) = Self::settle_in(inherited) {
            refuse(inherited, self.first.run, Step::Room, &error);
            return 5;
        }
        let mut reusable = Reusable::default();
        let mut next = Some((self.first, spec.to_vec()));
        while let Some((assignment, spec)) = next {
            if let Some(network) = self.network.take() {
                // Its port was marked in the network that it leaves.
                reusable.leave_network();
                if let Err(error) = sys::enter_network(network.as_fd()) {
                    refuse(inherited, assignment.run, Step::Network, &error);
                    return 6;
                }
            }
            // A panic must not go on into the host's code, of which this is a copy.
            let result =
                catch_unwind(AssertUnwindSafe(|| supervise(inherited, &mut reusable, assignment, &spec)));
            // The run that found what this one left would be another tenant's. The host notes that this process
            // ended after its run.
            if inherited.clean().is_err() {
                return 7;
            }
            let why = match result {
                Ok(Ok(())) => String::new(),
                Ok(Err(error)) => error.to_string(),
                Err(_panic) => return 4,
            };
            if self.report(&why).is_err() {
                return 0;
            }
            next = self.wait(inherited);
        }
        0
    }

    fn settle_in(inherited: &Inherited) -> io::Result<()> {
        sys::become_subreaper()?;
        // This process may outlive the center and its terminal, so it must not hold open their files.
        rustix::stdio::dup2_stdin(&inherited.nothing)?;
        rustix::stdio::dup2_stdout(&inherited.nothing)?;
        rustix::stdio::dup2_stderr(&inherited.nothing)?;
        inherited.config.room.map_or(Ok(()), Room::enter)
    }

    fn report(&self, why: &str) -> io::Result<()> {
        let mut message = std::process::id().to_le_bytes().to_vec();
        message.extend_from_slice(&why.as_bytes()[..why.floor_char_boundary(MAX_REASON_BYTES)]);
        self.report_to.send(&message).map(drop)
    }

    /// Waits for the next run; `None` if there will be none.
    fn wait(&mut self, inherited: &Inherited) -> Option<(Assignment, Vec<u8>)> {
        loop {
            let mut fds = [
                PollFd::new(&self.assignments, PollFlags::IN),
                PollFd::new(&inherited.signals, PollFlags::IN),
            ];
            let _interrupted = poll(&mut fds, None);
            if !fds[0].revents().is_empty() {
                break;
            }
            if sys::next_signal(inherited.signals.as_fd()) == Some(Came::Terminate) {
                return None;
            }
        }
        let mut header = [0; HEADER_BYTES];
        self.network = receive_exact(&self.assignments, &mut header).ok()?;
        let (assignment, len) = parse_header(&header);
        let mut spec = vec![0; len];
        self.assignments.read_exact(&mut spec).ok()?;
        Some((assignment, spec))
    }
}
