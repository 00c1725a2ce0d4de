//! The worker process: how it begins and how it ends.
//!
//! Main thread: walls, then JavaScript on a thread with a large stack, for which
//! it waits. Frames come on stdin and leave on a private copy of fd 1. When stdin
//! ends, the process ends: the keeper is gone or needs it no more.

use std::{
    fs::File,
    io::{self, IsTerminal},
};

use super::{
    engine::THREAD_STACK,
    sandbox::{self, Limits},
    serial,
};

/// Exit code when the worker cannot work with its keeper.
pub(crate) const EXIT_PROTOCOL: i32 = 3;

/// Blocks of more bytes are no part of the allocator's pool.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BLOCK: libc::c_int = 256 * 1024;

/// How jobs of one worker are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A process for each job, copied from one that is prepared. Linux with
    /// QuickJS only.
    Process,
    /// One process, a fresh JavaScript runtime for each job.
    Runtime,
}

impl Default for Isolation {
    /// The best that this system has.
    fn default() -> Self {
        if cfg!(all(target_os = "linux", feature = "quickjs")) {
            Self::Process
        } else {
            Self::Runtime
        }
    }
}

impl Isolation {
    /// The word on the worker's command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Runtime => "runtime",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Process, Self::Runtime]
            .into_iter()
            .find(|i| i.as_str() == word)
    }
}

/// Runs this process as a worker and never returns. Call it first thing in
/// `main`, when the first argument is `worker`: no thread may exist yet.
///
/// The keeper passes limits as arguments (`runner::child`). Exit code 0 after the
/// keeper closed stdin, 3 when a frame cannot be read, 2 when a person started it.
#[allow(clippy::print_stderr, reason = "a person started it")]
pub fn worker_main() -> ! {
    if io::stdin().is_terminal() {
        eprintln!("charmkeeper worker is started by the keeper and has no use in a shell.");
        std::process::exit(2);
    }
    let Some((limits, isolation)) = parse_arguments(std::env::args().skip(2)) else {
        say("the arguments are not those of this version");
        end(EXIT_PROTOCOL)
    };
    abort_on_panic();
    frugal_allocator();
    close_inherited();
    let Ok(out) = take_stdout() else {
        say("there is no output");
        end(EXIT_PROTOCOL)
    };
    let level = sandbox::enter(limits);
    let javascript = std::thread::Builder::new()
        .name("javascript".to_owned())
        .stack_size(THREAD_STACK)
        .spawn(move || serve(out, level, limits, isolation));
    // A panic there has aborted the process.
    let served = javascript.and_then(|thread| thread.join().unwrap_or(Ok(())));
    if let Err(e) = served {
        say(&e.to_string());
        end(EXIT_PROTOCOL)
    }
    end(0)
}

fn serve(out: File, level: String, limits: Limits, isolation: Isolation) -> io::Result<()> {
    #[cfg(all(target_os = "linux", feature = "quickjs"))]
    if isolation == Isolation::Process {
        return super::copies::serve(out, level, limits);
    }
    let _known = isolation;
    if !sandbox::seal(limits.parent) {
        return Err(io::Error::other("the sandbox could not be closed"));
    }
    serial::serve(out, level)
}

/// `--heap-bytes N --cpu-seconds N --parent PID --isolation WORD`, in this order.
fn parse_arguments(arguments: impl Iterator<Item = String>) -> Option<(Limits, Isolation)> {
    let all: Vec<_> = arguments.collect();
    match all.as_slice() {
        [a, heap, b, cpu, c, parent, d, isolation]
            if [a.as_str(), b, c, d]
                == ["--heap-bytes", "--cpu-seconds", "--parent", "--isolation"] =>
        {
            let limits = Limits {
                heap_bytes: heap.parse().ok()?,
                cpu_seconds: cpu.parse().ok()?,
                parent: parent.parse().ok()?,
            };
            Some((limits, Isolation::parse(isolation)?))
        }
        _ => None,
    }
}

/// A panic on the JavaScript thread (a hostile thrown Proxy makes the engine's
/// Rust binding unwrap nothing) or in an op, which cannot unwind, both end the
/// process at once, so that the keeper blames the job that runs. It prints no
/// backtrace, for which files would be read.
#[allow(clippy::print_stderr, reason = "fd 2 is how a worker says why it ends")]
fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::abort();
    }));
}

/// Makes the C library's allocator give back what is no longer used. Its own
/// rule is to keep ever larger blocks for itself once one was freed, and to have a
/// pool for each thread: after ten answers of a megabyte a worker held twice what
/// it needed. No thread may exist yet.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "mallopt is a C function")]
fn frugal_allocator() {
    // SAFETY: it takes no pointers, and nothing allocates on another thread.
    unsafe {
        // Larger blocks are pages of their own, which go back at once.
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BLOCK);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE_BLOCK);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Other allocators have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn frugal_allocator() {}

/// Gives the pages back that hold nothing any more, also those between others that
/// do, which the allocator never does by itself.
#[cfg(all(target_os = "linux", target_env = "gnu", feature = "quickjs"))]
#[allow(unsafe_code, reason = "malloc_trim is a C function")]
pub(super) fn give_back() {
    // SAFETY: it takes no pointers.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators have no such call.
#[cfg(all(target_os = "linux", not(target_env = "gnu"), feature = "quickjs"))]
pub(super) fn give_back() {}

/// Closes what a library in the keeper may have left open for its children.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "close_range is a system call")]
fn close_inherited() {
    // SAFETY: nothing in this process has opened anything yet. On a kernel
    // without the call (before 5.9) it fails and nothing is closed.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
    }
}

/// Handles are inherited only when that is asked for.
#[cfg(not(target_os = "linux"))]
fn close_inherited() {}

/// Takes the frame channel away from fd 1: whatever prints afterwards, prints to
/// fd 2. The copy is not inherited by other programs.
#[cfg(unix)]
#[allow(unsafe_code, reason = "file descriptors are C integers")]
fn take_stdout() -> io::Result<File> {
    use std::os::fd::FromRawFd;
    // SAFETY: the calls take no pointers; the new descriptor belongs to nobody
    // else, so the file may own it.
    unsafe {
        let private = libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3);
        if private < 0 || libc::dup2(2, 1) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(private))
    }
}

/// Without taking stdout away: nothing in the worker prints, and the op that
/// could is disabled.
#[cfg(windows)]
fn take_stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

/// The worker's last words, which the keeper shows.
#[allow(clippy::print_stderr, reason = "fd 2 is how a worker says why it ends")]
pub(crate) fn say(why: &str) {
    eprintln!("worker: {why}");
}

/// Ends the process without destructors: other threads may be anywhere, and
/// tearing an engine down takes longer than the system needs to forget it.
#[allow(unsafe_code, reason = "_exit is a C function")]
pub(crate) fn end(code: i32) -> ! {
    #[cfg(unix)]
    // SAFETY: it takes no pointer and does not return.
    unsafe {
        libc::_exit(code)
    }
    #[cfg(not(unix))]
    std::process::exit(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_arguments_are_accepted() {
        let parse = |text: &str| parse_arguments(text.split_whitespace().map(str::to_owned));
        let whole = "--heap-bytes 1024 --cpu-seconds 30 --parent 77 --isolation runtime";
        let (limits, isolation) = parse(whole).unwrap();
        assert_eq!(
            (limits.heap_bytes, limits.cpu_seconds, limits.parent),
            (1024, 30, 77)
        );
        assert_eq!(isolation, Isolation::Runtime);
        for bad in [
            "",
            "--heap-bytes 1024 --cpu-seconds 30 --parent 77",
            "--heap-bytes x --cpu-seconds 1 --parent 1 --isolation runtime",
            "--heap-bytes 1 --cpu-seconds 1 --parent 1 --isolation none",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
