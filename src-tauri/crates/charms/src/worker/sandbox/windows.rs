//! Windows: a job object and a token of low integrity without privileges.
//!
//! The job limits memory and processor time, allows no second process and no
//! use of the desktop. Low integrity denies writing to the person's files. The
//! network stays open to native code, which only an AppContainer would change;
//! the reported level says so.

use std::{ffi::c_void, mem::size_of, ptr::null};

use windows_sys::Win32::{
    Foundation::{CloseHandle, HANDLE},
    Security::{
        AdjustTokenPrivileges, CreateWellKnownSid, GetLengthSid, SECURITY_MAX_SID_SIZE,
        SID_AND_ATTRIBUTES, SetTokenInformation, TOKEN_ADJUST_DEFAULT, TOKEN_ADJUST_PRIVILEGES,
        TOKEN_MANDATORY_LABEL, TOKEN_QUERY, TokenIntegrityLevel, WinLowLabelSid,
    },
    System::{
        JobObjects::{
            AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
            JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
            JOB_OBJECT_LIMIT_PROCESS_MEMORY, JOB_OBJECT_LIMIT_PROCESS_TIME,
            JOB_OBJECT_UILIMIT_DESKTOP, JOB_OBJECT_UILIMIT_DISPLAYSETTINGS,
            JOB_OBJECT_UILIMIT_EXITWINDOWS, JOB_OBJECT_UILIMIT_GLOBALATOMS,
            JOB_OBJECT_UILIMIT_HANDLES, JOB_OBJECT_UILIMIT_READCLIPBOARD,
            JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS, JOB_OBJECT_UILIMIT_WRITECLIPBOARD,
            JOBOBJECT_BASIC_UI_RESTRICTIONS, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
            JobObjectBasicUIRestrictions, JobObjectExtendedLimitInformation,
            SetInformationJobObject,
        },
        Threading::{GetCurrentProcess, OpenProcessToken},
    },
};

use super::Limits;
use crate::worker::engine::RUNTIMES_PER_PROCESS;

/// Memory beside the JavaScript heap, in bytes.
const MEMORY_BESIDE_HEAP: u64 = 384 * 1024 * 1024;

/// `SE_GROUP_INTEGRITY` of <winnt.h>.
const SE_GROUP_INTEGRITY: u32 = 0x20;

pub(super) fn enter(limits: Limits) -> String {
    let on = |done| if done { "on" } else { "failed" };
    format!(
        "job {}, low integrity {}, network open",
        on(limit_by_job(limits)),
        on(lower_token())
    )
}

#[allow(unsafe_code, reason = "the Windows API is C")]
fn limit_by_job(limits: Limits) -> bool {
    let seconds = limits
        .cpu_seconds
        .saturating_mul(RUNTIMES_PER_PROCESS as u64);
    // SAFETY: the structures are plain data for which zeros are valid, and each
    // is passed with its own size. The job's handle stays open until the process
    // ends, which the job needs.
    unsafe {
        let job = CreateJobObjectW(null(), null());
        if job.is_null() {
            return false;
        }
        let mut info: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = std::mem::zeroed();
        let basic = &mut info.BasicLimitInformation;
        basic.LimitFlags = JOB_OBJECT_LIMIT_ACTIVE_PROCESS
            | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION
            | JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
            | JOB_OBJECT_LIMIT_PROCESS_MEMORY
            | JOB_OBJECT_LIMIT_PROCESS_TIME;
        basic.ActiveProcessLimit = 1;
        // In units of 100 ns.
        basic.PerProcessUserTimeLimit =
            i64::try_from(seconds.saturating_mul(10_000_000)).unwrap_or(i64::MAX);
        info.ProcessMemoryLimit =
            usize::try_from(limits.heap_bytes + MEMORY_BESIDE_HEAP).unwrap_or(usize::MAX);
        let ui = JOBOBJECT_BASIC_UI_RESTRICTIONS {
            UIRestrictionsClass: JOB_OBJECT_UILIMIT_DESKTOP
                | JOB_OBJECT_UILIMIT_DISPLAYSETTINGS
                | JOB_OBJECT_UILIMIT_EXITWINDOWS
                | JOB_OBJECT_UILIMIT_GLOBALATOMS
                | JOB_OBJECT_UILIMIT_HANDLES
                | JOB_OBJECT_UILIMIT_READCLIPBOARD
                | JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS
                | JOB_OBJECT_UILIMIT_WRITECLIPBOARD,
        };
        set(job, JobObjectExtendedLimitInformation, &info)
            && set(job, JobObjectBasicUIRestrictions, &ui)
            && AssignProcessToJobObject(job, GetCurrentProcess()) != 0
    }
}

/// # Safety
/// `info` must be the structure that belongs to `class`.
#[allow(unsafe_code, reason = "the Windows API is C")]
unsafe fn set<T>(job: HANDLE, class: i32, info: &T) -> bool {
    let size = u32::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the pointer is valid for `size` bytes.
    unsafe { SetInformationJobObject(job, class, std::ptr::from_ref(info).cast(), size) != 0 }
}

/// Gives up all privileges and the right to write where the person may.
#[allow(unsafe_code, reason = "the Windows API is C")]
fn lower_token() -> bool {
    let mut sid = [0u8; SECURITY_MAX_SID_SIZE as usize];
    let mut length = SECURITY_MAX_SID_SIZE;
    let mut token: HANDLE = std::ptr::null_mut();
    let rights = TOKEN_ADJUST_DEFAULT | TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY;
    // SAFETY: every pointer is valid for the size that goes with it, and the SID
    // outlives the call that points to it.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), rights, &raw mut token) == 0 {
            return false;
        }
        let privileges = AdjustTokenPrivileges(
            token,
            1,
            null(),
            0,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        );
        let made = CreateWellKnownSid(
            WinLowLabelSid,
            std::ptr::null_mut(),
            sid.as_mut_ptr().cast::<c_void>(),
            &raw mut length,
        );
        let label = TOKEN_MANDATORY_LABEL {
            Label: SID_AND_ATTRIBUTES {
                Sid: sid.as_mut_ptr().cast::<c_void>(),
                Attributes: SE_GROUP_INTEGRITY,
            },
        };
        let size = u32::try_from(size_of::<TOKEN_MANDATORY_LABEL>()).unwrap_or(0)
            + GetLengthSid(sid.as_mut_ptr().cast::<c_void>());
        let lowered =
            SetTokenInformation(token, TokenIntegrityLevel, (&raw const label).cast(), size);
        CloseHandle(token);
        privileges != 0 && made != 0 && lowered != 0
    }
}
