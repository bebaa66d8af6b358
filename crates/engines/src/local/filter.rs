//! The system calls that a run may not make.
//!
//! A run has no more rights than its uid, so a filter gives none away; it takes away parts of the kernel that
//! work on cards never needs, and in which most of its faults are found. All else is let through: a list of
//! what is allowed would break with the next version of some library.
//!
//! The kernel takes longer to take a filter than to start a process. So the host has it, and supervisors and
//! their runs inherit it.

use std::{collections::BTreeMap, io};

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

/// Told for a call that a kernel need not have, so that libraries do without it.
const NO_SUCH_CALL: u32 = libc::ENOSYS.cast_unsigned();
const NO_SUCH_FAMILY: u32 = libc::EAFNOSUPPORT.cast_unsigned();

/// Calls that no run makes.
const CALLS: [libc::c_long; 39] = [
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
    // Namespaces, and with them rights over parts of the kernel; see also `programs`. The C library does without it.
    libc::SYS_clone3,
    // Mounts. The supervisors need `mount` itself, which takes rights that no run has.
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

/// Whether this kernel has filters.
pub(crate) fn is_there() -> bool {
    let action = libc::SECCOMP_RET_ERRNO;
    let ask = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: the call reads the number that is passed by address, and changes nothing.
    unsafe { libc::syscall(libc::SYS_seccomp, ask, 0, &raw const action) == 0 }
}

/// Has all calls of this thread, and of all processes that it starts from now on, go through the filter. False if this
/// kernel has none.
pub(crate) fn install() -> io::Result<bool> {
    if !is_there() {
        return Ok(false);
    }
    let failed =
        |error: String| io::Error::other(format!("failed to set the filter of system calls: {error}"));
    for program in programs().map_err(|error| failed(error.to_string()))? {
        seccompiler::apply_filter(&program).map_err(|error| failed(error.to_string()))?;
    }
    Ok(true)
}

/// The programs that the kernel runs at each call.
fn programs() -> Result<[BpfProgram; 2], BackendError> {
    let arg = |index, op, value: libc::c_int| {
        SeccompCondition::new(index, SeccompCmpArgLen::Dword, op, u64::from(value.cast_unsigned()))
    };
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = CALLS.iter().map(|call| (*call, Vec::new())).collect();
    // A new namespace of users, from which follow all others.
    let users = libc::CLONE_NEWUSER;
    let asks_for_users = arg(0, SeccompCmpOp::MaskedEq(u64::from(users.cast_unsigned())), users)?;
    let asks_for_users = SeccompRule::new(vec![asks_for_users])?;
    calls.insert(libc::SYS_clone, vec![asks_for_users.clone()]);
    // Other forms take rights that no run has. The host and the supervisors have the filter too, and need them.
    calls.insert(libc::SYS_unshare, vec![asks_for_users]);
    let but_networks = arg(1, SeccompCmpOp::Ne, libc::CLONE_NEWNET)?;
    calls.insert(libc::SYS_setns, vec![SeccompRule::new(vec![but_networks])?]);

    let others = FAMILIES.iter().map(|family| arg(0, SeccompCmpOp::Ne, *family)).collect::<Result<_, _>>()?;
    let netlink =
        vec![arg(0, SeccompCmpOp::Eq, libc::AF_NETLINK)?, arg(2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE)?];
    let sockets = vec![SeccompRule::new(others)?, SeccompRule::new(netlink)?];
    let mut calls = program(calls, NO_SUCH_CALL)?;
    if cfg!(target_arch = "x86_64") {
        calls.splice(0..0, without_second_numbers());
    }
    Ok([calls, program([(libc::SYS_socket, sockets)].into(), NO_SUCH_FAMILY)?])
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
