//! One worker process: its start, its death, its last words.
//!
//! A thread per worker starts the process, reads its stderr and waits for it.
//! It has to be a thread that lives as long as the worker: on Linux the worker
//! asks to be killed when the *thread* that started it ends (`PR_SET_PDEATHSIG`),
//! and threads of an async runtime may end at any time. The same thread makes
//! sure that no zombie is left, whatever happens to the futures.

use std::{
    io::{self, Read},
    process::{ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::oneshot;

use super::WorkerCommand;
use crate::worker::Isolation;

/// What is kept of a worker's stderr, in bytes: the end of it.
const LAST_WORDS: usize = 4096;

/// Stack of the thread, in bytes.
const STACK: usize = 256 * 1024;

/// Limits that are passed to the process at its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessLimits {
    pub(super) heap_bytes: usize,
    pub(super) cpu_seconds: u64,
    pub(super) isolation: Isolation,
}

/// How a process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exit {
    pub(super) signal: Option<i32>,
    pub(super) code: Option<i32>,
    /// Processor time of its whole life, in milliseconds.
    pub(super) cpu_ms: u64,
    /// The most memory it ever held, in bytes.
    pub(super) peak_rss: u64,
    /// The end of its stderr.
    pub(super) last_words: String,
}

/// A running process. Dropping it kills it.
pub(super) struct Child {
    pub(super) stdin: tokio::process::ChildStdin,
    pub(super) stdout: tokio::process::ChildStdout,
    pub(super) pid: u32,
    pub(super) killer: Killer,
    pub(super) exit: oneshot::Receiver<Exit>,
}

/// Kills the process at the latest when it is dropped.
pub(super) struct Killer(Arc<Mutex<Option<Target>>>);

impl Killer {
    /// Kills the process, unless it has ended.
    pub(super) fn kill(&self) {
        if let Some(target) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            target.kill();
        }
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the thread hands over when the process runs. Wherever it is dropped, also
/// on its way to somebody who no longer waits, the process ends.
struct Started {
    stdin: std::process::ChildStdin,
    stdout: std::process::ChildStdout,
    pid: u32,
    killer: Killer,
}

/// Starts a worker.
pub(super) async fn spawn(cmd: &WorkerCommand, limits: ProcessLimits) -> io::Result<Child> {
    let (starting, started) = oneshot::channel();
    let (ended, exit) = oneshot::channel();
    let mut command = command(cmd, limits);
    std::thread::Builder::new()
        .name("worker keeper".to_owned())
        .stack_size(STACK)
        .spawn(move || guard(&mut command, starting, ended))?;
    let gone = |_| io::Error::other("the thread that starts workers ended");
    let Started {
        stdin,
        stdout,
        pid,
        killer,
    } = started.await.map_err(gone)??;
    Ok(Child {
        stdin: tokio::process::ChildStdin::from_std(stdin)?,
        stdout: tokio::process::ChildStdout::from_std(stdout)?,
        pid,
        killer,
        exit,
    })
}

fn command(cmd: &WorkerCommand, limits: ProcessLimits) -> Command {
    let mut command = Command::new(&cmd.program);
    command.args(&cmd.args);
    command
        .arg("--heap-bytes")
        .arg(limits.heap_bytes.to_string());
    command
        .arg("--cpu-seconds")
        .arg(limits.cpu_seconds.to_string());
    command.arg("--parent").arg(std::process::id().to_string());
    command.arg("--isolation").arg(limits.isolation.as_str());
    // Nothing of the person's environment is a charm's business. The variable
    // keeps the engine from reading and writing unverified bytecode in ~/.cache.
    command.env_clear().env("V82JSC_NO_BC_CACHE", "1");
    if let Some(zone) = zone() {
        command.env("TZ", zone);
    }
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    if cfg!(unix) {
        command.current_dir("/");
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        // CREATE_NO_WINDOW: no console flashes up for every run.
        command.creation_flags(0x0800_0000);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Name of the local time zone, as in `Europe/Berlin`.
fn zone() -> Option<String> {
    let chosen = std::env::var("TZ").ok().filter(|tz| !tz.is_empty());
    chosen.or_else(|| iana_time_zone::get_timezone().ok())
}

/// The life of the thread: start, listen, wait.
fn guard(
    command: &mut Command,
    starting: oneshot::Sender<io::Result<Started>>,
    ended: oneshot::Sender<Exit>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            let _nobody_waits = starting.send(Err(e));
            return;
        }
    };
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let target = Arc::new(Mutex::new(Target::of(&child)));
    let started = match (stdin, stdout) {
        (Some(stdin), Some(stdout)) => Ok(Started {
            stdin,
            stdout,
            pid: child.id(),
            killer: Killer(Arc::clone(&target)),
        }),
        // All three were asked for as pipes.
        _ => Err(io::Error::other("the worker has no pipes")),
    };
    // When the future that wanted the worker is gone, this drop kills it; a binding
    // would keep it until the wait below has ended.
    drop(starting.send(started));
    let last_words = stderr.map(last_words).unwrap_or_default();
    let exit = wait(&mut child, &target);
    let _nobody_asks = ended.send(Exit { last_words, ..exit });
}

/// Reads until the end and keeps the last part.
fn last_words(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(n @ 1..) = stderr.read(&mut chunk) {
        kept.extend_from_slice(&chunk[..n]);
        let excess = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// How long a process that has closed its stderr may go on before it is looked
/// at again; only a hostile one does.
#[cfg(windows)]
const POLL: std::time::Duration = std::time::Duration::from_millis(50);

#[cfg(unix)]
mod system {
    use super::{Arc, Exit, Mutex, PoisonError, io};

    /// A process that has not been waited for, so its id is still its own.
    pub(super) struct Target {
        pid: u32,
    }

    impl Target {
        // The same form as on Windows, where taking a handle can fail.
        #[allow(clippy::unnecessary_wraps, reason = "the same form as on Windows")]
        pub(super) fn of(child: &std::process::Child) -> Option<Self> {
            Some(Self { pid: child.id() })
        }

        #[allow(unsafe_code, reason = "kill is a C function")]
        pub(super) fn kill(&self) {
            if let Ok(pid) = i32::try_from(self.pid) {
                // SAFETY: it takes no pointer, and the process has not been
                // waited for, so the id names no other process.
                unsafe {
                    libc::kill(pid, libc::SIGKILL);
                }
            }
        }
    }

    /// Waits for the end. The id is taken from `target` before it is given back
    /// to the system, so that nobody kills a stranger.
    #[allow(unsafe_code, reason = "waitid and wait4 are C functions")]
    pub(super) fn wait(
        child: &mut std::process::Child,
        target: &Arc<Mutex<Option<Target>>>,
    ) -> Exit {
        let id = child.id();
        let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the pointer is valid; WNOWAIT leaves the process to be
        // waited for.
        let waited = retry(|| unsafe {
            libc::waitid(
                libc::P_PID,
                id,
                info.as_mut_ptr(),
                libc::WEXITED | libc::WNOWAIT,
            )
        });
        target.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
        let pid = i32::try_from(id).unwrap_or(-1);
        // SAFETY: both pointers are valid, and zeros are a valid `rusage`.
        let (reaped, usage) = unsafe {
            let reaped = if waited == 0 {
                retry(|| libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()))
            } else {
                -1
            };
            (reaped, usage.assume_init())
        };
        if reaped != pid {
            return Exit::default();
        }
        let ms = |t: libc::timeval| {
            u64::try_from(t.tv_sec).unwrap_or(0) * 1000
                + u64::try_from(t.tv_usec).unwrap_or(0) / 1000
        };
        let peak = usage.ru_maxrss.unsigned_abs();
        Exit {
            signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
            code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
            cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
            // Linux counts kibibytes, macOS bytes (getrusage(2) of both).
            peak_rss: if cfg!(target_os = "macos") {
                peak
            } else {
                peak * 1024
            },
            last_words: String::new(),
        }
    }

    fn retry(mut call: impl FnMut() -> libc::c_int) -> libc::c_int {
        loop {
            let result = call();
            if result >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return result;
            }
        }
    }
}

#[cfg(windows)]
mod system {
    use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle};

    use super::{Arc, Exit, Mutex, POLL, PoisonError};

    /// A process, by a handle of its own.
    pub(super) struct Target {
        handle: OwnedHandle,
    }

    impl Target {
        pub(super) fn of(child: &std::process::Child) -> Option<Self> {
            let handle = child.as_handle().try_clone_to_owned().ok()?;
            Some(Self { handle })
        }

        #[allow(unsafe_code, reason = "TerminateProcess is a C function")]
        pub(super) fn kill(&self) {
            // SAFETY: the handle is open for as long as `self` lives.
            unsafe {
                windows_sys::Win32::System::Threading::TerminateProcess(
                    self.handle.as_raw_handle(),
                    1,
                );
            }
        }
    }

    pub(super) fn wait(
        child: &mut std::process::Child,
        target: &Arc<Mutex<Option<Target>>>,
    ) -> Exit {
        let code = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.code(),
                Ok(None) => std::thread::sleep(POLL),
                Err(_) => break None,
            }
        };
        target.lock().unwrap_or_else(PoisonError::into_inner).take();
        Exit {
            code,
            ..Exit::default()
        }
    }
}

use system::{Target, wait};
