//! The thread that takes the keeper's frames in, and the watchdog's.

use std::{
    fs::File,
    io,
    sync::mpsc::{self, Receiver, Sender},
};

use super::{
    link::Link,
    process::{EXIT_PROTOCOL, end, say},
    watchdog::Watchdog,
};
use crate::frames::{self, Frame, FrameError, Kind};

/// Stack of the reading thread, in bytes.
const STACK: usize = 128 * 1024;

/// What the JavaScript thread has to do.
pub(super) enum Task {
    Job(u32, Vec<u8>),
    Probe(u32),
    /// The keeper has nothing more to say about the job.
    Bye,
}

/// What the JavaScript thread holds of them.
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

/// Starts the threads. Frames are written by whoever has one, which is the
/// JavaScript thread alone: it would wait for a writing thread anyway.
pub(super) fn start(out: File, after_bye: AfterBye) -> io::Result<Pump> {
    let link = Link::new(out);
    let watchdog = Watchdog::start(link.clone())?;
    let (sender, tasks) = mpsc::channel();
    let (theirs, dog) = (link.clone(), watchdog.clone());
    std::thread::Builder::new()
        .name("frames in".to_owned())
        .stack_size(STACK)
        .spawn(move || read(&theirs, &dog, &sender, after_bye))?;
    Ok(Pump {
        link,
        watchdog,
        tasks,
    })
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
