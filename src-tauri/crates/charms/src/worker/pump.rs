//! The threads that move frames between the pipes and the rest of the worker.

use std::{
    fs::File,
    io,
    sync::mpsc::{self, Receiver, Sender},
};

use super::{
    link::{Link, Outgoing},
    process::{EXIT_PROTOCOL, end, say},
    watchdog::Watchdog,
};
use crate::frames::{self, Frame, FrameError, Kind};

/// Stack of each thread, in bytes.
const STACK: usize = 128 * 1024;

/// Frames that wait to be written; then JavaScript waits too.
const OUT_QUEUE: usize = 16;

/// What the JavaScript thread has to do.
pub(super) enum Task {
    Job(u32, Vec<u8>),
    Probe(u32),
    /// The keeper has nothing more to say about the job.
    Bye,
}

/// The ends of the threads that the JavaScript thread holds.
pub(super) struct Pump {
    pub(super) link: Link,
    pub(super) watchdog: Watchdog,
    pub(super) tasks: Receiver<Task>,
}

/// Whether the reader goes on after [`Kind::Bye`] or leaves the rest of stdin to
/// another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterBye {
    ReadOn,
    Leave,
}

/// Starts the threads.
pub(super) fn start(out: File, after_bye: AfterBye) -> io::Result<Pump> {
    let (frames, to_write) = mpsc::sync_channel(OUT_QUEUE);
    let link = Link::new(frames);
    thread("frames out", move || write(out, &to_write))?;
    let watchdog = Watchdog::start(link.clone())?;
    let (sender, tasks) = mpsc::channel();
    let (theirs, dog) = (link.clone(), watchdog.clone());
    thread("frames in", move || {
        read(&theirs, &dog, &sender, after_bye);
    })?;
    Ok(Pump {
        link,
        watchdog,
        tasks,
    })
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.stack_size(STACK).spawn(work).map(drop)
}

fn write(mut out: File, outgoing: &Receiver<Outgoing>) {
    while let Ok(next) = outgoing.recv() {
        match next {
            Outgoing::Frame(frame) => {
                if frames::write(&mut out, &frame).is_err() {
                    end(EXIT_PROTOCOL);
                }
            }
            Outgoing::Flush(done) => {
                let _nobody_waits = done.send(());
            }
        }
    }
}

fn read(link: &Link, watchdog: &Watchdog, tasks: &Sender<Task>, after_bye: AfterBye) {
    let mut stdin = stdin();
    loop {
        let frame = next_frame(&mut stdin);
        let leaves = frame.kind == Kind::Bye && after_bye == AfterBye::Leave;
        dispatch(frame, link, watchdog, tasks);
        if leaves {
            return;
        }
    }
}

fn dispatch(frame: Frame, link: &Link, watchdog: &Watchdog, tasks: &Sender<Task>) {
    let task = match frame.kind {
        Kind::Job => Task::Job(frame.id, frame.payload),
        Kind::Probe => Task::Probe(frame.id),
        Kind::Bye => Task::Bye,
        Kind::Reply => return link.deliver(frame.id, frame.payload),
        Kind::Cancel => return watchdog.cancel(frame.id),
        other => refuse(other),
    };
    // The JavaScript thread ends only with the process.
    let _thread_gone = tasks.send(task);
}

/// The next frame; the process ends when there is none.
pub(super) fn next_frame(stdin: &mut File) -> Frame {
    match frames::read(stdin) {
        Ok(Some(frame)) => frame,
        Ok(None) => end(0),
        Err(e) => broken(&e),
    }
}

fn broken(error: &FrameError) -> ! {
    say(&error.to_string());
    end(EXIT_PROTOCOL)
}

/// Ends the process over a frame that no keeper sends.
pub(super) fn refuse(kind: Kind) -> ! {
    say(&format!("a {kind:?} frame is not for a worker"));
    end(EXIT_PROTOCOL)
}

/// fd 0 without a buffer: what is read too much would be lost to the process
/// that reads after this one.
#[cfg(unix)]
#[allow(unsafe_code, reason = "file descriptors are C integers")]
pub(super) fn stdin() -> File {
    use std::os::fd::FromRawFd;
    // SAFETY: nothing else in a worker reads or closes fd 0, and the file lives
    // as long as the thread that reads from it.
    unsafe { File::from_raw_fd(0) }
}

/// Stdin without a buffer.
#[cfg(windows)]
#[allow(unsafe_code, reason = "handles are C pointers")]
pub(super) fn stdin() -> File {
    use std::os::windows::io::{AsRawHandle, FromRawHandle};
    // SAFETY: nothing else in a worker reads or closes the handle, and the file
    // lives as long as the thread that reads from it.
    unsafe { File::from_raw_handle(io::stdin().as_raw_handle()) }
}
