//! Linux: resource limits, no dumps, death with the keeper, landlock, seccomp.

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};

use super::{Limits, common_limits, limit, load_zone_data, seccomp};

/// Address space beside the JavaScript heap, in bytes: the program itself,
/// stacks, the allocator, buffers for frames. Temporal's data alone made a worker
/// die at 160 MiB in all.
const ADDRESS_SPACE_BESIDE_HEAP: u64 = 384 * 1024 * 1024;

pub(super) fn enter(limits: Limits) -> String {
    load_zone_data();
    one_arena();
    let die_with_keeper = die_with(limits.parent);
    let hidden = no_dumps();
    let rlimits = common_limits(limits) && limit_address_space(limits);
    let landlock = match restrict_files_and_network() {
        Ok(RulesetStatus::FullyEnforced) => "full",
        Ok(RulesetStatus::PartiallyEnforced) => "partial",
        Ok(RulesetStatus::NotEnforced) => "none",
        Err(_) => "failed",
    };
    let seccomp = match seccomp::confine() {
        Ok(()) => "on",
        Err(_) => "failed",
    };
    let on = |done| if done { "on" } else { "failed" };
    format!(
        "landlock {landlock}, seccomp {seccomp}, limits {}",
        on(rlimits && hidden && die_with_keeper)
    )
}

/// `prctl` and `fork` are of no further use.
pub(super) fn seal(parent: u32) -> bool {
    let die = die_with(parent);
    match seccomp::seal() {
        Ok(()) => die,
        // A kernel without seccomp, as the level has said.
        Err(_) => !seccomp::is_on(),
    }
}

/// Every thread would otherwise reserve 64 MiB of address space for an arena of
/// its own, which counts against the limit.
#[allow(unsafe_code, reason = "mallopt is a C function")]
fn one_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: called before any thread exists, as mallopt(3) asks.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Asks to be killed when the process that started this one dies. The signal is
/// sent when the *thread* that started it ends, so the keeper gives each worker a
/// thread of its own that waits for it; and a copy has to ask again. One whose
/// parent is gone already ends here.
#[allow(unsafe_code, reason = "prctl and getppid are C functions")]
fn die_with(parent: u32) -> bool {
    // SAFETY: neither call takes a pointer.
    let (done, now) = unsafe {
        (
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0,
            libc::getppid(),
        )
    };
    if u32::try_from(now) != Ok(parent) {
        std::process::exit(0);
    }
    done
}

/// No core dumps, and no other process of this user may look into this one.
#[allow(unsafe_code, reason = "prctl and signal are C functions")]
fn no_dumps() -> bool {
    // SAFETY: neither call takes a pointer that must be valid; ignoring the
    // signal turns a write beyond RLIMIT_FSIZE into an error.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::prctl(libc::PR_SET_DUMPABLE, 0) == 0
    }
}

/// V8 reserves far more than it uses, so with it only its own heap limit and the
/// keeper's watch on the resident memory count.
fn limit_address_space(limits: Limits) -> bool {
    let bytes = limits.heap_bytes.saturating_add(ADDRESS_SPACE_BESIDE_HEAP);
    cfg!(feature = "v8") || limit(libc::RLIMIT_AS, bytes, bytes)
}

/// No file, no TCP port, no signal or socket to the outside. `landlock` asks for
/// as much of this as the running kernel knows.
fn restrict_files_and_network() -> Result<RulesetStatus, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}
