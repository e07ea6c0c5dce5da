//! The system calls that are left (seccomp(2)): those that moving packets makes, in every thread.
//!
//! Anything else fails with EPERM, and the kernel's log names it (`dmesg`, type=1326): a library that tries a file first and does without is
//! no reason to lose every tunnel. What only somebody tries who means to get out ends the process.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Moving packets, waiting, the control socket, memory, time, and the end.
const ALLOWED: &[i64] = &[
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_ppoll,
    libc::SYS_accept4,
    libc::SYS_shutdown,
    libc::SYS_close,
    libc::SYS_futex,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_unlinkat,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The same under the names that only older architectures have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[i64] = &[libc::SYS_poll, libc::SYS_unlink];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[i64] = &[];

/// Programs, other processes, other namespaces, the network's settings, the kernel itself.
const DEADLY: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_reboot,
    libc::SYS_swapon,
];

/// Limits every thread of this process. Returns how many system calls are left.
pub fn limit() -> Result<u32, String> {
    // First, because the other one does not allow a further filter. Of what two filters say the kernel does the severer.
    let deadly = DEADLY.iter().map(|call| (*call, vec![])).collect();
    install(deadly, SeccompAction::Allow, SeccompAction::KillProcess)?;
    let allowed = allowed().map_err(|error| error.to_string())?;
    let left = allowed.len();
    install(allowed, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow)?;
    Ok(u32::try_from(left).unwrap_or(u32::MAX))
}

fn allowed() -> Result<Rules, BackendError> {
    let mut rules: Rules = ALLOWED.iter().chain(ALLOWED_HERE).map(|call| (*call, vec![])).collect();
    let no_code = SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64);
    rules.insert(libc::SYS_mmap, only(2, no_code.clone(), 0)?);
    rules.insert(libc::SYS_mprotect, only(2, no_code, 0)?);
    rules.insert(libc::SYS_fcntl, only(1, SeccompCmpOp::Eq, libc::F_DUPFD_CLOEXEC as u64)?);
    // Of a socket only whether what it sends may be divided on the way.
    let mtu_discovery = [(libc::IPPROTO_IP, libc::IP_MTU_DISCOVER), (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER)];
    let of_socket = mtu_discovery
        .into_iter()
        .map(|(level, option)| SeccompRule::new(vec![equals(1, level as u64)?, equals(2, option as u64)?]));
    rules.insert(libc::SYS_setsockopt, of_socket.collect::<Result<_, _>>()?);
    // abort() signals itself.
    rules.insert(libc::SYS_tgkill, only(0, SeccompCmpOp::Eq, std::process::id().into())?);
    Ok(rules)
}

fn equals(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn only(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<Vec<SeccompRule>, BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?;
    Ok(vec![SeccompRule::new(vec![condition])?])
}

fn install(rules: Rules, otherwise: SeccompAction, on_match: SeccompAction) -> Result<(), String> {
    let architecture = TargetArch::try_from(ARCH).map_err(|_| format!("there is no filter for {ARCH}"))?;
    let filter = SeccompFilter::new(rules, otherwise, on_match, architecture).map_err(|error| error.to_string())?;
    let program: BpfProgram = filter.try_into().map_err(|error: BackendError| error.to_string())?;
    let length = u16::try_from(program.len()).map_err(|_| "the filter is too long")?;
    let program_of = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    // The threads get it at the same moment. seccompiler's own call cannot ask for the log.
    let flags = libc::SECCOMP_FILTER_FLAG_TSYNC | libc::SECCOMP_FILTER_FLAG_LOG;
    // SAFETY: the kernel reads `length` instructions through the pointer to `program`, which lives until the call returns.
    match unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program_of) } {
        0 => Ok(()),
        thread if thread > 0 => Err(format!("thread {thread} has another filter")),
        _ => Err(format!("the kernel has no filter for system calls: {}", io::Error::last_os_error())),
    }
}
