//! What a worker uses while it runs, asked from outside.

/// A reading of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Resident memory, in bytes.
    pub(super) rss: u64,
    /// Processor time, user and system, in milliseconds.
    pub(super) cpu_ms: u64,
}

/// Reads a process; `None` when it is gone or the system does not say.
#[cfg(target_os = "linux")]
pub(super) fn sample(pid: u32) -> Option<Sample> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc(5): the name, in brackets, may hold anything; the state is field 3,
    // utime and stime 14 and 15 in ticks, rss 24 in pages.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let ticks = number(14)? + number(15)?;
    Some(Sample {
        rss: number(24)? * system(libc::_SC_PAGESIZE, 4096),
        cpu_ms: ticks * 1000 / system(libc::_SC_CLK_TCK, 100),
    })
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "sysconf is a C function")]
fn system(name: libc::c_int, usual: u64) -> u64 {
    // SAFETY: it takes no pointer.
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value)
        .ok()
        .filter(|v| *v > 0)
        .unwrap_or(usual)
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
        // In units that depend on the machine; the process itself tells better.
        cpu_ms: 0,
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
    fn this_process_uses_something_and_one_with_a_wild_number_does_not_exist() {
        // At least one tick.
        let own = std::process::id();
        while sample(own).unwrap().cpu_ms == 0 {
            std::hint::black_box((0..1000).sum::<u64>());
        }
        let now = sample(own).unwrap();
        assert!(now.rss > 1024 * 1024 && now.cpu_ms < 600_000, "{now:?}");
        assert_eq!(sample(u32::MAX), None);
    }
}
