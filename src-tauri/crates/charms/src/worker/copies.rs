//! Jobs one after another, each in a process of its own that is a copy of this
//! one.
//!
//! Making a runtime takes 20 to 45 ms of processor time; copying a process that
//! has one takes about 1 ms. So this process makes one runtime, never runs a
//! charm's code, and forks for every job. Besides being fast this is the better
//! wall: what a charm does to its process, the next one never sees. It also
//! leaves the engine's limit of 252 runtimes per process and its leak of 0.9 MB
//! for each without effect.
//!
//! Two processes share the pipes, one after the other: the copy reads stdin until
//! the keeper's [`Kind::Bye`], and this process goes on reading when the copy is
//! gone. Therefore nothing may read ahead.
//!
//! `fork` copies the calling thread alone. That is sound here because the only
//! other thread waits for this one to end and holds no lock; the copy
//! starts threads of its own.

use std::{fs::File, io};

use super::{
    engine::Engine,
    job::JobRunner,
    process::{EXIT_PROTOCOL, end, give_back, say},
    pump::{self, AfterBye, Task},
    sandbox::{self, Limits},
    serial,
};
use crate::frames::{self, Frame, FrameError, Gone, Kind, Ready, Used};

/// Serves the keeper until stdin ends, which ends the process.
pub(super) fn serve(mut out: File, level: String, limits: Limits) -> io::Result<()> {
    let ready = Ready {
        level: level.clone(),
    };
    send(
        &mut out,
        &Frame::new(Kind::Ready, 0, serde_json::to_vec(&ready)?),
    )?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let heap = usize::try_from(limits.heap_bytes).unwrap_or(usize::MAX);
    let engine = tokio
        .block_on(Engine::new(heap))
        .map_err(|failure| io::Error::other(failure.sentence()))?;
    // Every copy has these pages too.
    give_back();
    let mut stdin = pump::stdin();
    let own = std::process::id();
    loop {
        let frame = pump::next_frame(&mut stdin);
        if !matches!(frame.kind, Kind::Job | Kind::Probe) {
            pump::refuse(frame.kind);
        }
        match fork()? {
            Fork::Copy => {
                if !sandbox::seal(own) {
                    say("the sandbox of a run could not be closed");
                    end(EXIT_PROTOCOL);
                }
                if frame.kind == Kind::Probe {
                    let report = serial::report(&level);
                    send(&mut out, &Frame::new(Kind::ProbeResult, frame.id, report))?;
                    end(0);
                }
                run(frame, engine, out, tokio, level)
            }
            Fork::Original { copy } => {
                let gone = serde_json::to_vec(&wait(copy)?)?;
                send(&mut out, &Frame::new(Kind::Gone, frame.id, gone))?;
            }
        }
    }
}

/// The life of a copy.
fn run(
    frame: Frame,
    engine: Engine,
    out: File,
    tokio: tokio::runtime::Runtime,
    level: String,
) -> ! {
    let pump = match pump::start(out, AfterBye::Leave) {
        Ok(pump) => pump,
        Err(e) => {
            say(&format!("no threads: {e}"));
            end(EXIT_PROTOCOL)
        }
    };
    let runner = JobRunner {
        link: pump.link.clone(),
        watchdog: pump.watchdog,
        tokio,
        level,
    };
    // Taking the runtime apart would copy every page of it.
    std::mem::forget(runner.run(frame.id, frame.payload, Some(engine)));
    // Until the keeper's last word for this job is read, the next process must
    // not read. The reader ends the process when the keeper is gone.
    match pump.tasks.recv() {
        Ok(Task::Bye) => end(0),
        _ => end(EXIT_PROTOCOL),
    }
}

fn send(out: &mut File, frame: &Frame) -> io::Result<()> {
    frames::write(out, frame).map_err(|e| match e {
        FrameError::Io(e) => e,
        other => io::Error::other(other),
    })
}

enum Fork {
    Copy,
    Original { copy: libc::pid_t },
}

#[allow(unsafe_code, reason = "fork is a C function")]
fn fork() -> io::Result<Fork> {
    // SAFETY: the only other thread is the main thread, which is waiting for
    // this one (`process::worker_main`) and holds no lock.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Copy),
        copy => Ok(Fork::Original { copy }),
    }
}

#[allow(unsafe_code, reason = "wait4 is a C function")]
fn wait(copy: libc::pid_t) -> io::Result<Gone> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are valid for the call.
        let done = unsafe { libc::wait4(copy, &raw mut status, 0, usage.as_mut_ptr()) };
        if done == copy {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: it was filled in, and zeros are a valid value of plain data.
    let usage = unsafe { usage.assume_init() };
    let ms = |t: libc::timeval| {
        u64::try_from(t.tv_sec).unwrap_or(0) * 1000 + u64::try_from(t.tv_usec).unwrap_or(0) / 1000
    };
    Ok(Gone {
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        used: Used {
            cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
            // In kibibytes: getrusage(2) on Linux, where alone this is compiled.
            peak_rss: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
        },
    })
}
