//! The system calls that a worker may not make.
//!
//! A deny list, because the engine's needs differ between systems and versions;
//! each entry is a door out of the process. Refused calls fail with `EPERM`.
//!
//! It is put up in two steps. [`confine`] closes everything but `fork`, which the
//! process needs that makes copies of itself and runs no charm; [`seal`] closes
//! that too, in the copy. Threads stay possible: `clone` is refused only without
//! `CLONE_THREAD`, and `clone3`, whose flags lie in memory where a filter cannot
//! look, is said not to exist, so that the C library falls back to `clone`.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, sock_filter,
};

/// Refused whatever the arguments are.
const DENIED: &[libc::c_long] = &[
    // Network
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    // Other programs and processes
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_kcmp,
    // Files
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_readlinkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_statx,
    libc::SYS_truncate,
    libc::SYS_getdents64,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_chroot,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_inotify_init1,
    libc::SYS_fanotify_init,
    libc::SYS_mq_open,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    // The kernel itself
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_open_tree,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_personality,
    libc::SYS_setpriority,
    libc::SYS_sched_setaffinity,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_acct,
];

/// Older forms, which only this architecture has.
#[cfg(target_arch = "x86_64")]
const DENIED_OLD: &[libc::c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_readlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_access,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_getdents,
    libc::SYS_inotify_init,
    libc::SYS_modify_ldt,
];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_OLD: &[libc::c_long] = &[];

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeccompError {
    #[error("the filter cannot be built: {0}")]
    Build(#[from] seccompiler::BackendError),
    #[error("the filter was refused: {0}")]
    Apply(#[from] seccompiler::Error),
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Closes everything but the making of processes.
pub(super) fn confine() -> Result<(), SeccompError> {
    seccompiler::apply_filter_all_threads(&not_there())?;
    apply(rules()?)
}

/// Closes the rest, `prctl` included, which applying a filter needs.
pub(super) fn seal() -> Result<(), SeccompError> {
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    // `abort` and `raise` signal their own process this way.
    let own = u64::from(std::process::id());
    let rules = Rules::from([
        (libc::SYS_prctl, Vec::new()),
        when(libc::SYS_clone, 0, Len::Qword, Op::MaskedEq(thread), 0)?,
        when(libc::SYS_tgkill, 0, Len::Dword, Op::Ne, own)?,
    ]);
    apply(rules)
}

/// True when a filter is in force.
#[allow(unsafe_code, reason = "prctl is a C function")]
pub(super) fn is_on() -> bool {
    // SAFETY: it takes no pointer. 2 is filter mode, prctl(2).
    unsafe { libc::prctl(libc::PR_GET_SECCOMP) == 2 }
}

fn apply(rules: Rules) -> Result<(), SeccompError> {
    let program: BpfProgram = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()?;
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}

fn rules() -> Result<Rules, SeccompError> {
    let always = DENIED.iter().chain(DENIED_OLD).map(|n| (*n, Vec::new()));
    let mut rules: Rules = always.collect();
    rules.extend([when(libc::SYS_prlimit64, 0, Len::Dword, Op::Ne, 0)?]);
    if cfg!(feature = "quickjs") {
        // An interpreter needs no memory that can be executed.
        let exec = u64::from(libc::PROT_EXEC.unsigned_abs());
        for number in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
            rules.extend([when(number, 2, Len::Dword, Op::MaskedEq(exec), exec)?]);
        }
    }
    Ok(rules)
}

/// Refuses a call when one of its arguments is so.
fn when(
    number: i64,
    argument: u8,
    length: Len,
    is: Op,
    value: u64,
) -> Result<(i64, Vec<SeccompRule>), SeccompError> {
    let condition = SeccompCondition::new(argument, length, is, value)?;
    Ok((number, vec![SeccompRule::new(vec![condition])?]))
}

/// A filter that answers `ENOSYS` to `clone3` and, on x86-64, to the numbers of
/// the x32 ABI, which are the same calls under numbers that a deny list misses.
fn not_there() -> BpfProgram {
    // <linux/bpf_common.h>, <linux/seccomp.h>; the number is the first field of
    // `seccomp_data`.
    const LOAD_WORD: u16 = 0x20;
    const JUMP_EQ: u16 = 0x15;
    const JUMP_GE: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X32_BIT: u32 = 0x4000_0000;
    let ins = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let clone3 = u32::try_from(libc::SYS_clone3).unwrap_or(u32::MAX);
    vec![
        ins(LOAD_WORD, 0, 0, 0),
        ins(JUMP_GE, 1, 0, X32_BIT),
        ins(JUMP_EQ, 0, 1, clone3),
        ins(
            RETURN,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs(),
        ),
        ins(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}
