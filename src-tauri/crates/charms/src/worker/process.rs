//! The worker process: its threads and its end.
//!
//! Main thread: walls, then JavaScript on a thread with a large stack. One thread
//! reads frames from stdin, one writes frames to a private copy of fd 1. When
//! stdin ends, the process ends: the keeper is gone or needs it no more.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    sync::mpsc,
};

use super::{
    engine::{self, THREAD_STACK},
    job::JobRunner,
    link::Link,
    probe,
    sandbox::{self, Limits},
    watchdog::Watchdog,
};
use crate::frames::{self, Frame, Kind, ProbeReport, Ready};

/// Stack of the threads that move frames, in bytes.
const IO_STACK: usize = 128 * 1024;

/// Frames that wait to be written; then JavaScript waits too.
const OUT_QUEUE: usize = 16;

/// Exit code when the worker cannot work with its keeper.
const EXIT_PROTOCOL: i32 = 3;

/// What the JavaScript thread has to do.
enum Task {
    Job(u32, Vec<u8>),
    Probe(u32),
}

/// Runs this process as a worker and never returns. Call it first thing in
/// `main`, when the first argument is `worker`: no thread may exist yet.
///
/// The keeper passes limits as arguments (`runner::child`). Exit code 0 after the
/// keeper closed stdin, 3 when a frame cannot be read, 2 when a person started it.
#[allow(clippy::print_stderr, reason = "fd 2 is how a worker says why it ends")]
pub fn worker_main() -> ! {
    if io::stdin().is_terminal() {
        eprintln!("charmkeeper worker is started by the keeper and has no use in a shell.");
        std::process::exit(2);
    }
    let Some(limits) = parse_arguments(std::env::args().skip(2)) else {
        eprintln!("worker: the arguments are not those of this version");
        std::process::exit(EXIT_PROTOCOL);
    };
    abort_on_panic();
    let Ok(out) = take_stdout() else {
        eprintln!("worker: no output");
        std::process::exit(EXIT_PROTOCOL);
    };
    let level = sandbox::enter(limits);
    match start(out, level) {
        Ok(()) => end(0),
        Err(e) => {
            eprintln!("worker: {e}");
            end(EXIT_PROTOCOL)
        }
    }
}

/// `--heap-bytes N --cpu-seconds N --parent PID`, in this order.
fn parse_arguments(arguments: impl Iterator<Item = String>) -> Option<Limits> {
    let all: Vec<_> = arguments.collect();
    match all.as_slice() {
        [a, heap, b, cpu, c, parent]
            if [a.as_str(), b, c] == ["--heap-bytes", "--cpu-seconds", "--parent"] =>
        {
            Some(Limits {
                heap_bytes: heap.parse().ok()?,
                cpu_seconds: cpu.parse().ok()?,
                parent: parent.parse().ok()?,
            })
        }
        _ => None,
    }
}

/// A panic on the JavaScript thread (a hostile thrown Proxy makes the engine's
/// Rust binding unwrap nothing) or in an op, which cannot unwind, both end the
/// process at once, so that the keeper blames the job that runs. In the release
/// profile a panic aborts anyway; this makes all builds behave the same, and
/// prints no backtrace, for which files would be read.
#[allow(clippy::print_stderr, reason = "fd 2 is how a worker says why it ends")]
fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::abort();
    }));
}

/// Takes the frame channel away from fd 1: whatever prints afterwards, prints to
/// fd 2. The copy is not inherited.
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

/// Without a second name for stdout: nothing in the worker prints, and the op
/// that could is disabled.
#[cfg(windows)]
fn take_stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

fn start(out: File, level: String) -> io::Result<()> {
    let (frames_out, to_write) = mpsc::sync_channel(OUT_QUEUE);
    let link = Link::new(frames_out);
    let io_thread = |name: &str| {
        std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(IO_STACK)
    };
    io_thread("frames out").spawn(move || write_frames(out, &to_write))?;
    let ready = Ready {
        level: level.clone(),
    };
    link.send(Frame::new(Kind::Ready, 0, serde_json::to_vec(&ready)?));
    let watchdog = Watchdog::start(link.clone())?;
    let (tasks, work) = mpsc::channel();
    let reader = (link.clone(), watchdog.clone());
    io_thread("frames in").spawn(move || read_frames(&reader.0, &reader.1, &tasks))?;
    let javascript = std::thread::Builder::new()
        .name("javascript".to_owned())
        .stack_size(THREAD_STACK)
        .spawn(move || {
            let tokio = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?;
            engine::init_process();
            work_off(
                &JobRunner {
                    link,
                    watchdog,
                    tokio,
                    level,
                },
                &work,
            );
            io::Result::Ok(())
        })?;
    // A panic there has aborted the process.
    javascript.join().unwrap_or(Ok(()))
}

fn work_off(runner: &JobRunner, work: &mpsc::Receiver<Task>) {
    while let Ok(task) = work.recv() {
        match task {
            Task::Job(id, payload) => runner.run(id, &payload),
            Task::Probe(id) => {
                let report = ProbeReport {
                    level: runner.level.clone(),
                    attempts: probe::attempts(),
                };
                let json = serde_json::to_vec(&report).unwrap_or_default();
                runner.link.send(Frame::new(Kind::ProbeResult, id, json));
            }
        }
    }
}

fn write_frames(mut out: File, frames: &mpsc::Receiver<Frame>) {
    while let Ok(frame) = frames.recv() {
        if frames::write(&mut out, &frame)
            .and_then(|()| Ok(out.flush()?))
            .is_err()
        {
            end(EXIT_PROTOCOL);
        }
    }
}

#[allow(clippy::print_stderr, reason = "fd 2 is how a worker says why it ends")]
fn read_frames(link: &Link, watchdog: &Watchdog, tasks: &mpsc::Sender<Task>) {
    let mut stdin = io::stdin().lock();
    loop {
        let frame = match frames::read(&mut stdin) {
            Ok(Some(frame)) => frame,
            Ok(None) => end(0),
            Err(e) => {
                eprintln!("worker: {e}");
                end(EXIT_PROTOCOL)
            }
        };
        let accepted = match frame.kind {
            Kind::Job => tasks.send(Task::Job(frame.id, frame.payload)).is_ok(),
            Kind::Probe => tasks.send(Task::Probe(frame.id)).is_ok(),
            Kind::Reply => {
                link.deliver(frame.id, frame.payload);
                true
            }
            Kind::Cancel => {
                watchdog.cancel(frame.id);
                true
            }
            _ => false,
        };
        if !accepted {
            eprintln!("worker: a {:?} frame is not for a worker", frame.kind);
            end(EXIT_PROTOCOL);
        }
    }
}

/// Ends the process without destructors: other threads may be anywhere, and
/// tearing an engine down takes longer than the system needs to forget it.
#[allow(unsafe_code, reason = "_exit is a C function")]
fn end(code: i32) -> ! {
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
        let limits = parse("--heap-bytes 1024 --cpu-seconds 30 --parent 77").unwrap();
        assert_eq!(
            (limits.heap_bytes, limits.cpu_seconds, limits.parent),
            (1024, 30, 77)
        );
        for bad in [
            "",
            "--heap-bytes 1 --cpu-seconds 1",
            "--heap-bytes x --cpu-seconds 1 --parent 1",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
