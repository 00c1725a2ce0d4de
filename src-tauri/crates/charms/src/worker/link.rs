//! The worker's side of calls to the keeper.
//!
//! Owns the numbering of calls and who waits for which reply. Three threads meet
//! here: JavaScript makes calls, the reader delivers replies, the watchdog
//! stops everything. Never interprets what is in a message.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
};

use tokio::sync::oneshot;

use super::{
    host::HostFailure,
    process::{EXIT_PROTOCOL, end, say},
};
use crate::frames::{self, Frame, Kind, Reply};

enum Waiter {
    /// A thread that is blocked.
    Thread(mpsc::Sender<Reply>),
    /// A future on the JavaScript thread.
    Task(oneshot::Sender<Reply>),
}

#[derive(Default)]
struct State {
    stopped: bool,
    next: u32,
    waiting: HashMap<u32, Waiter>,
}

/// Sends calls and hands out their replies.
#[derive(Clone)]
pub(crate) struct Link {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
    state: Arc<Mutex<State>>,
}

impl Link {
    pub(crate) fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Arc::new(Mutex::new(Box::new(out))),
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every section under the lock leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a frame. Blocks while the pipe is full; the keeper always reads.
    /// Without a keeper the process ends.
    pub(crate) fn send(&self, frame: &Frame) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(e) = frames::write(&mut *out, frame) {
            say(&e.to_string());
            end(EXIT_PROTOCOL);
        }
    }

    /// Forgets the calls of the job before.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        state.stopped = false;
        state.waiting.clear();
    }

    /// Ends every wait and refuses new calls until the next [`begin`](Self::begin).
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        // Dropping the senders wakes whoever waits.
        state.waiting.clear();
    }

    fn register(&self, waiter: Waiter) -> Result<u32, HostFailure> {
        let mut state = self.state();
        if state.stopped {
            return Err(HostFailure::Stopped);
        }
        state.next = state.next.wrapping_add(1);
        let id = state.next;
        state.waiting.insert(id, waiter);
        Ok(id)
    }

    /// Makes a call and blocks this thread until the reply, or until
    /// [`stop`](Self::stop).
    pub(crate) fn call(&self, kind: Kind, payload: Vec<u8>) -> Result<Vec<u8>, HostFailure> {
        let (sender, receiver) = mpsc::channel();
        let id = self.register(Waiter::Thread(sender))?;
        self.send(&Frame { kind, id, payload });
        match receiver.recv() {
            Ok(Reply::Answer(bytes)) => Ok(bytes),
            Ok(Reply::Refused(reason)) => Err(HostFailure::Refused(reason)),
            Err(mpsc::RecvError) => Err(HostFailure::Stopped),
        }
    }

    /// Makes a call whose reply comes later; its number and the reply.
    pub(crate) fn start_call(
        &self,
        kind: Kind,
        payload: Vec<u8>,
    ) -> Result<(u32, oneshot::Receiver<Reply>), HostFailure> {
        let (sender, receiver) = oneshot::channel();
        let id = self.register(Waiter::Task(sender))?;
        self.send(&Frame { kind, id, payload });
        Ok((id, receiver))
    }

    /// Gives up a call: whoever waits is woken, and the keeper told.
    pub(crate) fn abandon(&self, id: u32) {
        let known = self.state().waiting.remove(&id).is_some();
        if known {
            self.send(&Frame::new(Kind::Abort, id, Vec::new()));
        }
    }

    /// Delivers a reply. One that nobody waits for is dropped: its job has ended.
    pub(crate) fn deliver(&self, id: u32, payload: Vec<u8>) {
        let waiter = self.state().waiting.remove(&id);
        let reply = Reply::from_payload(payload);
        match waiter {
            Some(Waiter::Thread(sender)) => {
                let _waiter_stopped = sender.send(reply);
            }
            Some(Waiter::Task(sender)) => {
                let _waiter_dropped = sender.send(reply);
            }
            None => {}
        }
    }
}

/// The other end of a link, for tests.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Frames(Arc<(Mutex<Vec<u8>>, std::sync::Condvar)>);

#[cfg(test)]
impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.0.lock().unwrap().extend_from_slice(bytes);
        self.0.1.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Frames {
    /// The next frame, if it is there.
    pub(crate) fn try_next(&self) -> Option<Frame> {
        Self::take(&mut self.0.0.lock().unwrap())
    }

    /// Waits for the next frame.
    pub(crate) fn next(&self) -> Frame {
        let mut bytes = self.0.0.lock().unwrap();
        loop {
            if let Some(frame) = Self::take(&mut bytes) {
                return frame;
            }
            bytes = self.0.1.wait(bytes).unwrap();
        }
    }

    fn take(bytes: &mut Vec<u8>) -> Option<Frame> {
        let (frame, length) = frames::decode(bytes).unwrap()?;
        bytes.drain(..length);
        Some(frame)
    }

    pub(crate) fn kinds(&self) -> Vec<(Kind, u32)> {
        std::iter::from_fn(|| self.try_next())
            .map(|f| (f.kind, f.id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> (Link, Frames) {
        let frames = Frames::default();
        (Link::new(frames.clone()), frames)
    }

    #[test]
    fn a_blocked_call_gets_its_own_reply() {
        let (link, frames) = link();
        let caller = link.clone();
        let call = std::thread::spawn(move || caller.call(Kind::Read, b"[]".to_vec()));
        let asked = frames.next();
        assert_eq!(
            (asked.kind, asked.payload.as_slice()),
            (Kind::Read, &b"[]"[..])
        );
        link.deliver(
            asked.id + 1,
            Reply::Answer(b"wrong".to_vec()).into_payload(),
        );
        link.deliver(asked.id, Reply::Answer(b"right".to_vec()).into_payload());
        assert_eq!(call.join().unwrap(), Ok(b"right".to_vec()));
    }

    #[test]
    fn stopping_wakes_a_blocked_call_and_refuses_the_next() {
        let (link, frames) = link();
        let caller = link.clone();
        let call = std::thread::spawn(move || caller.call(Kind::Wish, Vec::new()));
        let asked = frames.next();
        link.stop();
        assert_eq!(call.join().unwrap(), Err(HostFailure::Stopped));
        assert_eq!(link.call(Kind::Wish, Vec::new()), Err(HostFailure::Stopped));
        link.begin();
        // The reply to a call of the job before reaches nobody.
        link.deliver(asked.id, Reply::Answer(Vec::new()).into_payload());
        let (id, mut reply) = link.start_call(Kind::Fetch, Vec::new()).unwrap();
        assert_ne!(id, asked.id);
        assert!(reply.try_recv().is_err());
    }

    #[test]
    fn an_abandoned_call_is_told_to_the_keeper_once() {
        let (link, frames) = link();
        let (id, mut reply) = link.start_call(Kind::Fetch, Vec::new()).unwrap();
        link.abandon(id);
        link.abandon(id);
        assert!(reply.try_recv().is_err());
        assert_eq!(frames.kinds(), [(Kind::Fetch, id), (Kind::Abort, id)]);
    }
}
