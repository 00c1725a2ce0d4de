//! What a worker uses while it runs, asked from outside.

/// A reading of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Resident memory, in bytes.
    pub(super) rss: u64,
}

/// Reads a process; `None` when it is gone or the system does not say.
#[cfg(target_os = "linux")]
pub(super) fn sample(pid: u32) -> Option<Sample> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    // proc(5): size, resident, ..., in pages.
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(Sample {
        rss: pages * page_size(),
    })
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "sysconf is a C function")]
fn page_size() -> u64 {
    // SAFETY: it takes no pointer.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

/// Reads a process; `None` when it is gone or the system does not say.
#[cfg(target_os = "macos")]
#[allow(unsafe_code, reason = "proc_pidinfo is a C function")]
pub(super) fn sample(pid: u32) -> Option<Sample> {
    let mut info = std::mem::MaybeUninit::<libc::proc_taskinfo>::zeroed();
    let size = i32::try_from(std::mem::size_of::<libc::proc_taskinfo>()).ok()?;
    let pid = i32::try_from(pid).ok()?;
    // SAFETY: the buffer is as large as said, and zeros are a valid value of
    // this plain data.
    let info = unsafe {
        let got = libc::proc_pidinfo(
            pid,
            libc::PROC_PIDTASKINFO,
            0,
            info.as_mut_ptr().cast(),
            size,
        );
        if got != size {
            return None;
        }
        info.assume_init()
    };
    Some(Sample {
        rss: info.pti_resident_size,
    })
}

/// On Windows the job object limits the memory.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) fn sample(_pid: u32) -> Option<Sample> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_memory_and_none_with_a_wild_number_exists() {
        assert!(sample(std::process::id()).unwrap().rss > 1024 * 1024);
        assert_eq!(sample(u32::MAX), None);
    }
}
