//! The walls around a worker process.
//!
//! JavaScript has no ambient power in the first place: its only doors are the
//! ops. What is set up here is the second wall, for the day that the engine has
//! a hole. It is applied as the first thing in the worker, before any thread
//! exists and before anything is read. A wall that this system does not have is
//! not fatal (old kernels); the level that was reached is reported instead.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "linux")]
mod seccomp;
#[cfg(windows)]
mod windows;

/// What the keeper decides about a worker's walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The largest JavaScript heap of its jobs, in bytes.
    pub(crate) heap_bytes: u64,
    /// Processor time of one job, in seconds.
    pub(crate) cpu_seconds: u64,
    /// Process id of the keeper.
    pub(crate) parent: u32,
}

/// Puts the walls up and says which of them stand.
pub(crate) fn enter(limits: Limits) -> String {
    #[cfg(target_os = "linux")]
    return linux::enter(limits);
    #[cfg(target_os = "macos")]
    return macos::enter(limits);
    #[cfg(windows)]
    return windows::enter(limits);
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    {
        let _no_wall_known = limits;
        "none".to_owned()
    }
}

/// The last wall, in the process that runs a charm's code: from here on there is
/// no further process, and death comes with the one whose number is `parent`.
/// False when it could not be put up although the others stand.
pub(crate) fn seal(parent: u32) -> bool {
    #[cfg(target_os = "linux")]
    return linux::seal(parent);
    #[cfg(not(target_os = "linux"))]
    {
        // `enter` has done everything.
        let _already_done = parent;
        true
    }
}

/// Loads the zone data of `TZ`, which lies in files that the sandbox closes.
/// Local times are UTC ever after otherwise.
#[cfg(unix)]
#[allow(unsafe_code, reason = "localtime_r is a C function")]
fn load_zone_data() {
    let now: libc::time_t = 0;
    let mut broken_down = std::mem::MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are valid for the call, and there is no other
    // thread yet that could change the environment.
    unsafe {
        libc::localtime_r(&raw const now, broken_down.as_mut_ptr());
    }
}

/// Sets a resource limit; false when the system refuses.
#[cfg(unix)]
#[allow(unsafe_code, reason = "setrlimit is a C function")]
fn limit(resource: RlimitResource, soft: u64, hard: u64) -> bool {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: the pointer is valid for the call.
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
type RlimitResource = libc::__rlimit_resource_t;
#[cfg(all(unix, not(all(target_os = "linux", target_env = "gnu"))))]
type RlimitResource = libc::c_int;

/// The limits that Linux and macOS have in common.
#[cfg(unix)]
fn common_limits(limits: Limits) -> bool {
    let jobs = crate::worker::engine::RUNTIMES_PER_PROCESS as u64;
    // Each job raises the soft limit for itself (`usage::limit_cpu`).
    let cpu = limits.cpu_seconds.saturating_add(1);
    [
        limit(libc::RLIMIT_CPU, cpu, cpu.saturating_mul(jobs)),
        limit(libc::RLIMIT_FSIZE, 0, 0),
        limit(libc::RLIMIT_NOFILE, 32, 32),
        limit(libc::RLIMIT_CORE, 0, 0),
    ]
    .into_iter()
    .all(|done| done)
}
