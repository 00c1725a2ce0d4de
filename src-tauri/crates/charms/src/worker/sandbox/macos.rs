//! macOS: a sandbox profile that denies everything, resource limits, no debugger.
//!
//! `sandbox_init` is deprecated since 10.8 and is still what browsers confine
//! their renderers with. There is no signal at the parent's death here; the end
//! of stdin ends the worker on every system.

use std::ffi::{CStr, c_char, c_int};

use super::{Limits, common_limits, load_zone_data};

/// Signals to itself are how `abort` works; the rest of a process's life needs
/// no permission once it runs.
const PROFILE: &CStr = c"(version 1)(deny default)(allow signal (target self))";

#[allow(unsafe_code, reason = "the declarations are those of <sandbox.h>")]
unsafe extern "C" {
    // <sandbox.h>; flags 0 says that the profile is given as text.
    fn sandbox_init(profile: *const c_char, flags: u64, error: *mut *mut c_char) -> c_int;
    fn sandbox_free_error(error: *mut c_char);
}

pub(super) fn enter(limits: Limits) -> String {
    load_zone_data();
    end_without(limits.parent);
    let hidden = deny_debuggers();
    // RLIMIT_AS is not enforced here; the engine's own limit and the keeper's
    // watch on the resident memory count.
    let limited = common_limits(limits);
    let on = |done| if done { "on" } else { "failed" };
    format!(
        "sandbox {}, limits {}",
        on(confine()),
        on(limited && hidden)
    )
}

#[allow(unsafe_code, reason = "getppid is a C function")]
fn end_without(parent: u32) {
    // SAFETY: it takes no pointer.
    let now = unsafe { libc::getppid() };
    if u32::try_from(now) != Ok(parent) {
        std::process::exit(0);
    }
}

#[allow(unsafe_code, reason = "ptrace is a C function")]
fn deny_debuggers() -> bool {
    // SAFETY: this request uses none of the other arguments.
    unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) == 0 }
}

#[allow(unsafe_code, reason = "sandbox_init is a C function")]
fn confine() -> bool {
    let mut error = std::ptr::null_mut();
    // SAFETY: the profile is a C string, and the error is freed as documented.
    unsafe {
        let done = sandbox_init(PROFILE.as_ptr(), 0, &raw mut error) == 0;
        if !error.is_null() {
            sandbox_free_error(error);
        }
        done
    }
}
