//! The system calls that a run may not make.
//!
//! A run has no more rights than its uid, so a filter gives none away; it takes away parts of the kernel that
//! work on cards never needs, and in which most of its faults are found. All else is let through: a list of
//! what is allowed would break with the next version of some library.
//!
//! The kernel takes longer to take a filter than to start a process. So each supervisor has it, and its runs
//! inherit it.

use std::{collections::BTreeMap, io};

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

/// Told for a call that a kernel need not have, so that libraries do without it.
const NO_SUCH_CALL: u32 = libc::ENOSYS.cast_unsigned();
const NO_SUCH_FAMILY: u32 = libc::EAFNOSUPPORT.cast_unsigned();

/// Calls that no run makes.
const CALLS: [libc::c_long; 40] = [
    // Asynchronous I/O with a history; programs in the kernel; watching other code run; faults of pages as
    // events.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    // Keys of the kernel are not kept apart by namespaces.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Namespaces, and with them rights over parts of the kernel; see also `make`. The C library does without it.
    libc::SYS_clone3,
    // Mounts.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    // Files by handles, which get past folders; watching whole file systems; their quotas.
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // Queues that outlive the run, and that nothing lists.
    libc::SYS_mq_open,
    // The machine itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_syslog,
];

/// The families of sockets that runs may have. Netlink is further limited to its part about networks, by
/// which programs list their interfaces: it tells of the run's own network alone.
const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// The programs that the kernel runs at each call.
#[derive(Debug)]
pub(crate) struct Filter(Vec<BpfProgram>);

/// Whether this kernel has filters.
pub(crate) fn is_there() -> bool {
    let action = libc::SECCOMP_RET_ERRNO;
    let ask = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: the call reads the number that is passed by address, and changes nothing.
    unsafe { libc::syscall(libc::SYS_seccomp, ask, 0, &raw const action) == 0 }
}

impl Filter {
    /// The filter of all runs.
    pub(crate) fn of_runs() -> io::Result<Self> {
        if !is_there() {
            return Ok(Self(Vec::new()));
        }
        Self::make()
            .map_err(|error| io::Error::other(format!("failed to make the filter of system calls: {error}")))
    }

    fn make() -> Result<Self, BackendError> {
        let arg = |index, op, value: libc::c_int| {
            SeccompCondition::new(index, SeccompCmpArgLen::Dword, op, u64::from(value.cast_unsigned()))
        };
        let mut calls: BTreeMap<i64, Vec<SeccompRule>> =
            CALLS.iter().map(|call| (*call, Vec::new())).collect();
        // A new namespace by clone: of users, from which follow all others.
        let new_users = u64::from(libc::CLONE_NEWUSER.cast_unsigned());
        let asks_for_it = arg(0, SeccompCmpOp::MaskedEq(new_users), libc::CLONE_NEWUSER)?;
        calls.insert(libc::SYS_clone, vec![SeccompRule::new(vec![asks_for_it])?]);
        // The supervisor, which has the filter too, needs these forms. They take rights that no run has.
        let but_ipc = arg(0, SeccompCmpOp::Ne, libc::CLONE_NEWIPC)?;
        calls.insert(libc::SYS_unshare, vec![SeccompRule::new(vec![but_ipc])?]);
        let but_network = arg(1, SeccompCmpOp::Ne, libc::CLONE_NEWNET)?;
        calls.insert(libc::SYS_setns, vec![SeccompRule::new(vec![but_network])?]);

        let others =
            FAMILIES.iter().map(|family| arg(0, SeccompCmpOp::Ne, *family)).collect::<Result<_, _>>()?;
        let netlink =
            vec![arg(0, SeccompCmpOp::Eq, libc::AF_NETLINK)?, arg(2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE)?];
        let sockets = vec![SeccompRule::new(others)?, SeccompRule::new(netlink)?];
        let mut calls = program(calls, NO_SUCH_CALL)?;
        if cfg!(target_arch = "x86_64") {
            calls.splice(0..0, without_second_numbers());
        }
        Ok(Self(vec![calls, program([(libc::SYS_socket, sockets)].into(), NO_SUCH_FAMILY)?]))
    }

    /// Has the kernel run them at each call of this thread, and of all processes that it starts from now on.
    pub(crate) fn install(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|program| seccompiler::apply_filter(program).map_err(io::Error::other))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: u32) -> Result<BpfProgram, BackendError> {
    let machine = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), machine)?.try_into()
}

/// On x86-64 each call has a second number, by the interface x32, which the rules don't know. None is let
/// through.
fn without_second_numbers() -> [sock_filter; 3] {
    const NUMBER_OFFSET: u32 = 0;
    const X32: u32 = 0x4000_0000;
    let code = |code: u32| u16::try_from(code).expect("codes are small");
    let load = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);
    let at_least = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
    let give = code(libc::BPF_RET | libc::BPF_K);
    [
        sock_filter { code: load, jt: 0, jf: 0, k: NUMBER_OFFSET },
        sock_filter { code: at_least, jt: 0, jf: 1, k: X32 },
        sock_filter { code: give, jt: 0, jf: 0, k: libc::SECCOMP_RET_ERRNO | NO_SUCH_CALL },
    ]
}
