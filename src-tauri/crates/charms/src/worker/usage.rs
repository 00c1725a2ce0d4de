//! What this process has used, and its limit of processor time.

use crate::frames::Used;

/// A reading of the process's counters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    cpu_ms: u64,
    peak_rss: u64,
}

impl Reading {
    /// What was used since an earlier reading.
    pub(crate) fn since(self, before: Self) -> Used {
        Used {
            cpu_ms: self.cpu_ms.saturating_sub(before.cpu_ms),
            peak_rss: self.peak_rss,
        }
    }
}

/// Reads the counters; zeros where the system has none.
#[cfg(unix)]
#[allow(unsafe_code, reason = "getrusage is a C function")]
pub(crate) fn now() -> Reading {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is valid for writes of one `rusage`, which is plain
    // data for which zeros are a valid value.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let ms = |t: libc::timeval| {
        u64::try_from(t.tv_sec).unwrap_or(0) * 1000 + u64::try_from(t.tv_usec).unwrap_or(0) / 1000
    };
    let peak = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    Reading {
        cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
        // Linux counts kibibytes, macOS bytes (getrusage(2) of both).
        peak_rss: if cfg!(target_os = "macos") {
            peak
        } else {
            peak * 1024
        },
    }
}

/// Reads the counters; zeros where the system has none.
#[cfg(not(unix))]
pub(crate) fn now() -> Reading {
    Reading::default()
}

/// Lets the process use this much more processor time; then the system kills it
/// with SIGXCPU. The last of the three clocks.
#[cfg(unix)]
#[allow(unsafe_code, reason = "setrlimit is a C function")]
pub(crate) fn limit_cpu(seconds: u64) {
    let soft = now().cpu_ms / 1000 + 1 + seconds;
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls get a valid pointer to one `rlimit`.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_CPU, &raw mut limit) == 0 {
            limit.rlim_cur = soft.min(limit.rlim_max);
            // A failure leaves the hard limit, which the sandbox has set.
            libc::setrlimit(libc::RLIMIT_CPU, &raw const limit);
        }
    }
}

/// Nothing to do: the job object limits processor time.
#[cfg(not(unix))]
pub(crate) fn limit_cpu(_seconds: u64) {}
