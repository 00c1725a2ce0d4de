//! A timer that goes on counting while the computer sleeps.
//!
//! The runtime's own timers stand still during sleep on Linux and macOS: a
//! charm due a minute after the lid was closed would run a minute after it is
//! opened, eight hours later. A timer on `CLOCK_BOOTTIME` has expired by then
//! and fires at once. It never wakes the computer.

use std::time::Duration;

/// Where there is no such timer, a sleep ends after this at the latest, so that
/// the end of the computer's sleep is noticed soon.
const LONGEST_BLIND: Duration = Duration::from_secs(30);

/// See the module. Clones share one timer: only the latest sleep counts.
#[derive(Clone, Debug)]
pub struct WakeTimer {
    #[cfg(target_os = "linux")]
    timer: Option<std::sync::Arc<linux::Timer>>,
}

impl WakeTimer {
    /// Must be called inside a tokio runtime. Where the system has no such
    /// timer, or gives none, this is [`blind`](Self::blind).
    #[must_use]
    pub fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            timer: linux::Timer::new().ok().map(std::sync::Arc::new),
        }
    }

    /// A timer on the runtime's own clock: for tests that pause it. Sleeps are
    /// cut short, so that the end of the computer's sleep is noticed.
    #[must_use]
    pub fn blind() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            timer: None,
        }
    }

    /// Ends after `wait`, time asleep included; it may end early. `None` never
    /// ends. A later call takes the timer over.
    pub fn sleep(&self, wait: Option<Duration>) -> impl Future<Output = ()> + Send + use<> {
        let this = self.clone();
        async move {
            let Some(wait) = wait else {
                return std::future::pending().await;
            };
            #[cfg(target_os = "linux")]
            if let Some(timer) = &this.timer
                && timer.sleep(wait).await.is_ok()
            {
                return;
            }
            drop(this);
            tokio::time::sleep(wait.min(LONGEST_BLIND)).await;
        }
    }
}

impl Default for WakeTimer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            // Outside a runtime `AsyncFd` would panic.
            tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Boottime, flags)?;
            // SAFETY: the descriptor is open and owned by the `AsyncFd`, which
            // nothing here takes it out of; an `OwnedFd` names the same open
            // descriptor until it is dropped.
            #[allow(unsafe_code, reason = "AsyncFd has no safe constructor")]
            let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
            Ok(Self(fd?))
        }

        pub(super) async fn sleep(&self, wait: Duration) -> io::Result<()> {
            // A wait of zero would disarm the timer (timerfd_settime(2)).
            let wait = wait.max(Duration::from_nanos(1));
            let never = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let it_value = Timespec::try_from(wait).map_err(io::Error::other)?;
            let spec = Itimerspec {
                it_interval: never,
                it_value,
            };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &spec)?;
            loop {
                let mut ready = self.0.readable().await?;
                let mut expirations = [0_u8; 8];
                let read = ready.try_io(|fd| Ok(rustix::io::read(fd, &mut expirations)?));
                // An expiry of an earlier sleep leaves nothing to read.
                if let Ok(read) = read {
                    return read.map(drop);
                }
            }
        }
    }
}
