//! The few system calls that have no safe wrapper elsewhere, and the clocks of the machine.

use std::{
    ffi::{CString, c_int},
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use domain::{Millis, RunId, Timestamp};
use rustix::{
    process::{Pid, Signal},
    time::{ClockId, clock_gettime},
};

use crate::clock;

/// Milliseconds since the machine was started, including those in which it slept. So neither a changed wall
/// clock nor a suspended machine stretches a time limit.
pub(crate) fn uptime() -> Millis {
    let at = clock_gettime(ClockId::Boottime);
    Millis(at.tv_sec * 1000 + at.tv_nsec / 1_000_000)
}

/// When the machine was started, by the present wall clock.
pub(crate) fn booted_at() -> Timestamp {
    clock::now().minus(uptime())
}

/// The id of this start of the machine. Process ids of another start mean nothing.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The version of Landlock that the kernel has; 0 if it has none.
pub(crate) fn landlock_abi() -> u32 {
    const VERSION: libc::c_ulong = 1;
    // SAFETY: with this flag the call takes no attributes and only returns a number.
    let abi =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION) };
    u32::try_from(abi).unwrap_or(0)
}

/// A copy of this process.
pub(crate) enum Forked {
    Child,
    Parent { child: Pid },
}

/// Copies this process.
///
/// # Safety
/// This process must have a single thread, otherwise the copy may find locks held by threads that it doesn't
/// have.
pub(crate) unsafe fn fork() -> io::Result<Forked> {
    // SAFETY: single-threaded by the caller's promise, so all of the process's state is consistent in the
    // copy.
    let pid = check(unsafe { libc::fork() }.into())?;
    Ok(match i32::try_from(pid).ok().and_then(Pid::from_raw) {
        None => Forked::Child,
        Some(child) => Forked::Parent { child },
    })
}

/// Ends this process at once, without destructors: those belong to the process that this one is a copy of.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: takes no pointers and doesn't return.
    unsafe { libc::_exit(code) }
}

/// Makes this process the parent of descendants whose own parents are gone.
pub(crate) fn become_subreaper() -> io::Result<()> {
    // SAFETY: the call takes plain numbers.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1_usize, 0_usize, 0_usize, 0_usize) }.into())
        .map(drop)
}

/// Lets nobody but root trace this process or look into its memory, files and environment.
pub(crate) fn forbid_tracing() -> io::Result<()> {
    // SAFETY: the call takes plain numbers.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0_usize, 0_usize, 0_usize, 0_usize) }.into()).map(drop)
}

/// Leaves the session keyring of whoever started the center, which may hold keys of theirs.
pub(crate) fn leave_keyring() {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_ulong = 1;
    // SAFETY: a null name asks for a new, empty keyring. Where the kernel has no keyrings there is none to
    // leave.
    unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<u8>()) };
}

/// Moves this thread into new namespaces of these kinds.
pub(crate) fn unshare(kinds: c_int) -> io::Result<()> {
    // SAFETY: the call takes plain numbers; only kinds that one thread may have alone are asked for.
    check(unsafe { libc::unshare(kinds) }.into()).map(drop)
}

/// Whether there are segments, semaphores or queues of System V where this process is. It may be told that there are
/// some where that can't be known.
pub(crate) fn is_ipc_used() -> bool {
    const SHM_INFO: c_int = 14;
    const SEM_INFO: c_int = 19;
    const MSG_INFO: c_int = 12;
    // Each call fills a struct of numbers, none of which is as long as these.
    let (mut shm, mut sem, mut msg) = ([0; 32], [0; 32], [0; 32]);
    let fill = |array: &mut [c_int; 32]| array.as_mut_ptr();
    // SAFETY: the kernel copies at most 48 bytes into each buffer of 128, whatever its alignment.
    let failed = unsafe {
        libc::shmctl(0, SHM_INFO, fill(&mut shm).cast()) == -1
            || libc::semctl(0, 0, SEM_INFO, fill(&mut sem)) == -1
            || libc::msgctl(0, MSG_INFO, fill(&mut msg).cast()) == -1
    };
    // The counts of segments, of sets of semaphores, and of queues.
    failed || shm[0] > 0 || sem[7] > 0 || msg[0] > 0
}

/// Moves this thread into the network.
pub(crate) fn enter_network(network: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the call takes plain numbers.
    check(unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) }.into()).map(drop)
}

/// Mounts a new file system of that kind, from which no program gets more rights.
pub(crate) fn mount(source: &str, at: &str, kind: &str, options: &str) -> io::Result<()> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | if kind == "proc" { libc::MS_NOEXEC } else { 0 };
    let [source, at, kind, options] = [source, at, kind, options].map(CString::new);
    let (source, at, kind, options) = (source?, at?, kind?, options?);
    let options = options.as_ptr().cast();
    // SAFETY: all pointers are to texts that end with a NUL and live until the call returns.
    check(unsafe { libc::mount(source.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options) }.into())
        .map(drop)
}

/// Shows one file in the place of another.
pub(crate) fn bind(source: &str, at: &str) -> io::Result<()> {
    let (source, at) = (CString::new(source)?, CString::new(at)?);
    let none = std::ptr::null();
    // SAFETY: both pointers are to texts that end with a NUL and live until the call returns.
    check(unsafe { libc::mount(source.as_ptr(), at.as_ptr(), none, libc::MS_BIND, none.cast()) }.into())
        .map(drop)
}

/// Has the mounts of this thread's namespace follow those of the machine, and not the other way round.
pub(crate) fn keep_mounts_to_itself() -> io::Result<()> {
    let (none, flags) = (std::ptr::null(), libc::MS_REC | libc::MS_SLAVE);
    // SAFETY: only the address is read, a text that ends with a NUL.
    check(unsafe { libc::mount(none, c"/".as_ptr(), none, flags, none.cast()) }.into()).map(drop)
}

/// Brings up the loopback of the network that this thread is in.
pub(crate) fn loopback_up() -> io::Result<()> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: the struct is plain numbers, for which zeros are valid; its name is `lo` and a NUL.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, letter) in request.ifr_name.iter_mut().zip(*b"lo") {
            *to = libc::c_char::try_from(letter).expect("letters are below 128");
        }
        request.ifr_ifru.ifru_flags =
            libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).expect("low bits");
        check(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request).into()).map(drop)
    }
}

/// The signal that tells a supervisor to end one run. It carries the end of the run's id, because the
/// supervisor may have gone on to another run meanwhile. It is a real-time signal, so that none is lost to
/// another that waits.
fn stop_signal() -> c_int {
    libc::SIGRTMIN() + 1
}

/// As [`stop_signal`], for a run that gets no time to end by itself.
fn kill_signal() -> c_int {
    libc::SIGRTMIN() + 2
}

fn stop_value(run: RunId) -> u64 {
    u64::from_ne_bytes(*run.as_bytes().last_chunk().expect("16 bytes"))
}

/// Sets every signal to its default and blocks all. Signals that come are read from the descriptor returned.
pub(crate) fn signals_by_descriptor() -> io::Result<OwnedFd> {
    // SAFETY: the sets are initialised by sigfillset and sigemptyset before they are used; SIG_DFL installs
    // no code.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()).into())?;
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGCHLD, libc::SIGTERM, stop_signal(), kill_signal()] {
            libc::sigaddset(&raw mut set, signal);
        }
        let fd = check(libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC).into())?;
        Ok(OwnedFd::from_raw_fd(i32::try_from(fd).expect("a descriptor fits an i32")))
    }
}

/// A signal, as such a descriptor tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    ChildEnded,
    /// Somebody wants this process to end.
    Terminate,
    /// The run with this [`stop_value`] is to be stopped.
    Stop(u64),
    /// It is to end at once.
    Kill(u64),
}

impl Came {
    /// Whether the run is to be stopped.
    pub(crate) fn stops(self, run: RunId) -> bool {
        match self {
            Self::ChildEnded => false,
            Self::Terminate => true,
            Self::Stop(value) | Self::Kill(value) => value == stop_value(run),
        }
    }

    /// Whether the run is to end at once.
    pub(crate) fn kills(self, run: RunId) -> bool {
        matches!(self, Self::Kill(value) if value == stop_value(run))
    }
}

/// Takes the next signal from such a descriptor; `None` if there is none now.
pub(crate) fn next_signal(fd: BorrowedFd<'_>) -> Option<Came> {
    let mut bytes = [0_u8; size_of::<libc::signalfd_siginfo>()];
    if rustix::io::read(fd, &mut bytes).ok()? < bytes.len() {
        return None;
    }
    // SAFETY: the struct is plain numbers, for which all bytes are valid values, and is read without its
    // alignment.
    let info = unsafe { bytes.as_ptr().cast::<libc::signalfd_siginfo>().read_unaligned() };
    let signal = c_int::try_from(info.ssi_signo).ok()?;
    Some(match signal {
        libc::SIGTERM => Came::Terminate,
        _ if signal == stop_signal() => Came::Stop(info.ssi_ptr),
        _ if signal == kill_signal() => Came::Kill(info.ssi_ptr),
        _ => Came::ChildEnded,
    })
}

/// Does `work` on files as user and group `id`, with no more rights than they have. So names that they chose,
/// such as symbolic links, lead to nothing that they may not reach.
pub(crate) fn with_file_owner<T>(id: Option<u32>, work: impl FnOnce() -> T) -> T {
    let Some(id) = id else { return work() };
    let ours = rustix::process::geteuid().as_raw();
    // The group first: only root may change it. The calls return the old id, whatever happens.
    // SAFETY: the calls take plain numbers and touch this thread alone.
    unsafe {
        libc::setfsgid(id);
        libc::setfsuid(id);
    }
    let result = work();
    // SAFETY: as above.
    unsafe {
        libc::setfsuid(ours);
        libc::setfsgid(rustix::process::getegid().as_raw());
    }
    result
}

/// A handle on a process, which no later process with the same number can be mistaken for.
#[derive(Debug)]
pub(crate) struct Handle(OwnedFd);

impl Handle {
    /// Opens the process; `None` if there is no such process.
    pub(crate) fn open(pid: i32) -> Option<Self> {
        let pid = Pid::from_raw(pid)?;
        rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok().map(Self)
    }

    /// Sends the signal. A process that is gone already is no error.
    pub(crate) fn signal(&self, signal: Signal) {
        let _gone = rustix::process::pidfd_send_signal(&self.0, signal);
    }

    /// Tells a supervisor to end the run, if it looks after that run.
    pub(crate) fn stop(&self, run: RunId) -> io::Result<()> {
        self.tell(stop_signal(), run)
    }

    /// Tells a supervisor to end the run at once, if it looks after that run.
    pub(crate) fn kill_run(&self, run: RunId) -> io::Result<()> {
        self.tell(kill_signal(), run)
    }

    fn tell(&self, signal: c_int, run: RunId) -> io::Result<()> {
        // The beginning of a siginfo_t for a signal with a value: number, errno, code, padding; sender;
        // value.
        #[repr(C)]
        struct Info {
            head: [c_int; 4],
            sender: [libc::pid_t; 2],
            value: u64,
            rest: [u64; 12],
        }
        const { assert!(size_of::<Info>() == size_of::<libc::siginfo_t>()) };
        let sender = [std::process::id().cast_signed(), rustix::process::geteuid().as_raw().cast_signed()];
        let head = [signal, 0, libc::SI_QUEUE, 0];
        let info = Info { head, sender, value: stop_value(run), rest: [0; 12] };
        // SAFETY: the descriptor is open and the struct has the size and the layout that the kernel reads.
        let sent = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, &raw const info, 0)
        };
        match check(sent) {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
            _ => Ok(()),
        }
    }
}

/// The address `/proc/self/fd/N` of an open file.
pub(crate) fn own_descriptor_path(fd: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
