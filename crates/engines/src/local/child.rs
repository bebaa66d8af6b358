//! The start of one process of a run.
//!
//! The new process shares the supervisor's memory until it runs the script, as with `posix_spawn`. So nothing
//! is copied, and the new process can report a failure in plain memory. Until then it may only make system
//! calls: no allocation, no locks, and nothing of the standard library that might use either.

use std::{
    ffi::{OsStr, c_char, c_int, c_void},
    io,
    os::{
        fd::{AsRawFd as _, BorrowedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use domain::reason::Step;
use rustix::process::Pid;

use crate::spec::RunLimits;

/// All that a process is started with.
pub(crate) struct Start<'a> {
    pub program: &'a Path,
    /// The arguments, of which the first is the name of the program.
    pub args: &'a [&'a OsStr],
    pub env: &'a [(String, String)],
    pub folder: BorrowedFd<'a>,
    pub stdin: BorrowedFd<'a>,
    pub stdout: BorrowedFd<'a>,
    pub stderr: BorrowedFd<'a>,
    /// The tenant's own uid and gid.
    pub uid: Option<u32>,
    pub limits: &'a RunLimits,
    /// The limit of the uid's processes on this machine; `None` where a cgroup limits those of the run.
    pub max_processes_of_uid: Option<u64>,
    /// The data of each process is limited, because no cgroup limits the memory of the run.
    pub limits_data: bool,
    pub ruleset: Option<BorrowedFd<'a>>,
    /// `cgroup.procs` of the run's cgroup, open for writing.
    pub cgroup: Option<BorrowedFd<'a>>,
}

/// The step at which a start failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("no new process: {0}")]
    Fork(io::Error),
    #[error("{}: {source}", step.code())]
    Step { step: Step, source: io::Error },
    /// The program itself could not be run.
    #[error("{0}")]
    Exec(io::Error),
}

const STEPS: [Step; 8] = [
    Step::Session,
    Step::Outputs,
    Step::WorkFolder,
    Step::Cgroup,
    Step::Limits,
    Step::User,
    Step::Privileges,
    Step::Places,
];
const EXEC: usize = STEPS.len();

/// All that the new process reads, prepared for it, and the place for its report.
struct ChildPlan {
    program: *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
    folder: RawFd,
    stdio: [RawFd; 3],
    uid: Option<u32>,
    limits: [(libc::c_int, libc::rlimit64); 6],
    limit_count: usize,
    ruleset: RawFd,
    cgroup: RawFd,
    supervisor: libc::pid_t,
    failed_step: usize,
    errno: c_int,
}

/// Starts the process in a session of its own, and confined. The kernel ends it when this process ends.
pub(crate) fn start(what: &Start<'_>) -> Result<Pid, StartError> {
    let mut texts = Texts::default();
    texts.push(&[what.program.as_os_str().as_bytes()])?;
    for arg in what.args {
        texts.push(&[arg.as_bytes()])?;
    }
    for (name, value) in what.env {
        texts.push(&[name.as_bytes(), b"=", value.as_bytes()])?;
    }
    let pointers = texts.pointers();
    let (program, rest) = pointers.split_first().expect("the program at least");
    let (args, env) = rest.split_at(what.args.len());
    let with_end = |texts: &[*const c_char]| [texts, &[std::ptr::null()]].concat();
    let (arg_pointers, env_pointers) = (with_end(args), with_end(env));

    let (limits, limit_count) = limits(what);
    let mut plan = ChildPlan {
        program: *program,
        argv: arg_pointers.as_ptr(),
        envp: env_pointers.as_ptr(),
        folder: what.folder.as_raw_fd(),
        stdio: [what.stdin.as_raw_fd(), what.stdout.as_raw_fd(), what.stderr.as_raw_fd()],
        uid: what.uid,
        limits,
        limit_count,
        ruleset: what.ruleset.map_or(-1, |fd| fd.as_raw_fd()),
        cgroup: what.cgroup.map_or(-1, |fd| fd.as_raw_fd()),
        supervisor: rustix::process::getpid().as_raw_nonzero().get(),
        failed_step: usize::MAX,
        errno: 0,
    };
    // Left uninitialised, so that untouched pages cost nothing.
    let mut stack = Vec::<u128>::with_capacity(4096);
    // SAFETY: this thread waits (CLONE_VFORK) until the new process has run its program or ended, so `plan`,
    // all that it points to, and `stack` (64 KiB, aligned to 16, growing down from its end) outlive its use
    // of them. All signals are blocked, so no handler runs in the shared memory.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(4096).cast::<c_void>();
        libc::clone(
            enter,
            top,
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            (&raw mut plan).cast::<c_void>(),
        )
    };
    if pid == -1 {
        return Err(StartError::Fork(io::Error::last_os_error()));
    }
    // The compiler can't know that the other process wrote here.
    // SAFETY: `plan` is alive and initialised; the other process is done with it.
    let (failed_step, errno) =
        unsafe { ((&raw const plan.failed_step).read_volatile(), (&raw const plan.errno).read_volatile()) };
    let pid = Pid::from_raw(pid).expect("a new process has a positive id");
    if failed_step > EXEC {
        return Ok(pid);
    }
    let _reaped = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    let source = io::Error::from_raw_os_error(errno);
    Err(match STEPS.get(failed_step) {
        Some(&step) => StartError::Step { step, source },
        None => StartError::Exec(source),
    })
}

/// Texts that end with a NUL, one after the other.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Texts {
    /// Adds the parts as one text.
    fn push(&mut self, parts: &[&[u8]]) -> Result<(), StartError> {
        self.starts.push(self.bytes.len());
        for part in parts {
            if part.contains(&0) {
                return Err(StartError::Exec(io::ErrorKind::InvalidInput.into()));
            }
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        Ok(())
    }

    /// The beginnings of the texts. They are valid while this lives and nothing is added.
    fn pointers(&self) -> Vec<*const c_char> {
        self.starts.iter().map(|&start| self.bytes[start..].as_ptr().cast()).collect()
    }
}

fn limits(what: &Start<'_>) -> ([(libc::c_int, libc::rlimit64); 6], usize) {
    let wanted = [
        (libc::RLIMIT_CORE, Some(0)),
        (libc::RLIMIT_NPROC, what.max_processes_of_uid),
        (libc::RLIMIT_NOFILE, Some(u64::from(what.limits.max_open_files))),
        (libc::RLIMIT_FSIZE, what.limits.file_size_bytes),
        // Not the address space: the makers' libraries reserve terabytes of it and never touch them.
        (libc::RLIMIT_DATA, what.limits.memory_bytes.filter(|_| what.limits_data)),
    ];
    let none = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let mut limits = [(0, none); 6];
    let mut count = 0;
    for (resource, value) in wanted.into_iter().filter_map(|(resource, value)| Some((resource, value?))) {
        let resource = i32::try_from(resource).expect("resources are small numbers");
        // Raising a limit above the center's own needs a privilege that in containers not even root has.
        let value = value.min(hard_limit(resource));
        limits[count] = (resource, libc::rlimit64 { rlim_cur: value, rlim_max: value });
        count += 1;
    }
    (limits, count)
}

fn hard_limit(resource: c_int) -> u64 {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills the struct that is passed, and nothing else is read or written.
    unsafe {
        libc::syscall(libc::SYS_prlimit64, 0, resource, std::ptr::null::<libc::rlimit64>(), &raw mut limit)
    };
    limit.rlim_max
}

/// Runs in the new process.
extern "C" fn enter(plan: *mut c_void) -> c_int {
    let plan = plan.cast::<ChildPlan>();
    // SAFETY: `start` passes a valid plan and waits; only system calls are made in here.
    unsafe {
        let failed_step = confine_and_run(&*plan);
        (&raw mut (*plan).errno).write_volatile(*libc::__errno_location());
        (&raw mut (*plan).failed_step).write_volatile(failed_step);
        libc::_exit(127)
    }
}

/// Goes through the steps and returns the one that failed. If none does, it doesn't return.
///
/// # Safety
/// As for [`enter`]: nothing but system calls on what the plan holds.
unsafe fn confine_and_run(plan: &ChildPlan) -> usize {
    // SAFETY: plain numbers, or pointers from the plan, which is valid; see `start`.
    unsafe {
        if libc::setsid() == -1 {
            return 0;
        }
        for (target, &fd) in (0..).zip(&plan.stdio) {
            // All of them are above 2, because the supervisor keeps 0 to 2 open.
            if libc::dup2(fd, target) == -1 {
                return 1;
            }
        }
        if libc::fchdir(plan.folder) == -1 {
            return 2;
        }
        if plan.cgroup != -1 && libc::write(plan.cgroup, c"0".as_ptr().cast(), 1) != 1 {
            return 3;
        }
        for (resource, limit) in &plan.limits[..plan.limit_count] {
            let none = std::ptr::null_mut::<libc::rlimit64>();
            if libc::syscall(libc::SYS_prlimit64, 0, *resource, std::ptr::from_ref(limit), none) == -1 {
                return 4;
            }
        }
        libc::umask(0o022);
        if let Some(id) = plan.uid {
            // The system calls themselves, not the C library's functions: those would tell the threads of a
            // process that this one isn't.
            let no_groups = std::ptr::null::<libc::gid_t>();
            if libc::syscall(libc::SYS_setgroups, 0, no_groups) == -1
                || libc::syscall(libc::SYS_setresgid, id, id, id) == -1
                || libc::syscall(libc::SYS_setresuid, id, id, id) == -1
            {
                return 5;
            }
        }
        // After the change of the uid, which would undo it.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != plan.supervisor {
            libc::_exit(127);
        }
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1_usize, 0_usize, 0_usize, 0_usize) == -1 {
            return 6;
        }
        if plan.ruleset != -1 && libc::syscall(libc::SYS_landlock_restrict_self, plan.ruleset, 0) == -1 {
            return 7;
        }
        // Files that the center or the host may have left open.
        if libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) == -1 {
            return 1;
        }
        let mut nothing: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut nothing);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const nothing, std::ptr::null_mut());
        libc::execve(plan.program, plan.argv, plan.envp);
    }
    EXEC
}
