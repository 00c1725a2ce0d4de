//! The calls of one run that are under way.
//!
//! Owns their number and their end: at most so many requests at once, the rest
//! waits in line, and all of them are dropped with the run.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
};

use futures_util::{
    StreamExt,
    future::{AbortHandle, Abortable},
    stream::FuturesUnordered,
};

use super::{Host, HostError, fetch};
use crate::frames::{Frame, Kind, Reply};

/// Bytes of waiting requests beyond which the worker is not listened to.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;

type Answer = Pin<Box<dyn Future<Output = (u32, Reply)> + Send>>;

/// Calls of one run.
pub(super) struct Calls {
    host: Arc<dyn Host>,
    limit: usize,
    running: FuturesUnordered<Abortable<Answer>>,
    /// Requests under way, by call.
    fetches: HashMap<u32, AbortHandle>,
    waiting: VecDeque<(u32, Vec<u8>)>,
    waiting_bytes: usize,
}

impl Calls {
    pub(super) fn new(host: Arc<dyn Host>, limit: usize) -> Self {
        Self {
            host,
            limit: limit.max(1),
            running: FuturesUnordered::new(),
            fetches: HashMap::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Takes a call. False when the frame is none.
    pub(super) fn take(&mut self, frame: Frame) -> bool {
        match frame.kind {
            Kind::Read | Kind::Wish | Kind::Send => self.ask(frame),
            Kind::Fetch => {
                self.waiting_bytes += frame.payload.len();
                self.waiting.push_back((frame.id, frame.payload));
                self.start_waiting();
            }
            Kind::Abort => self.abort(frame.id),
            _ => return false,
        }
        true
    }

    /// False while so much is waiting that the worker must wait too.
    pub(super) fn has_room(&self) -> bool {
        self.waiting_bytes <= QUEUE_BYTES
    }

    /// Requests that were started or wait.
    pub(super) fn open_fetches(&self) -> u32 {
        u32::try_from(self.fetches.len() + self.waiting.len()).unwrap_or(u32::MAX)
    }

    /// True when there is nothing that [`next`](Self::next) could wait for.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The next reply. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        while let Some(ended) = self.running.next().await {
            // An aborted request owes no reply.
            let Ok((id, reply)) = ended else { continue };
            self.fetches.remove(&id);
            self.start_waiting();
            return Some(Frame::new(Kind::Reply, id, reply.into_payload()));
        }
        None
    }

    fn start_waiting(&mut self) {
        while self.fetches.len() < self.limit
            && let Some((id, payload)) = self.waiting.pop_front()
        {
            self.waiting_bytes -= payload.len();
            let host = Arc::clone(&self.host);
            let handle = self.run(Box::pin(async move {
                let reply = match fetch::request(&payload) {
                    Some(request) => Reply::Answer(fetch::answer(host.fetch(request).await)),
                    None => Reply::Refused("this is not an HTTP request".to_owned()),
                };
                (id, reply)
            }));
            self.fetches.insert(id, handle);
        }
    }

    fn ask(&mut self, frame: Frame) {
        let host = Arc::clone(&self.host);
        let Frame { kind, id, payload } = frame;
        self.run(Box::pin(async move {
            let answer = match kind {
                Kind::Read => read(&*host, &payload).await,
                Kind::Send => send(&*host, &payload).await,
                _ => wish(&*host, &payload).await,
            };
            let reply = match answer {
                Ok(json) => Reply::Answer(json),
                Err(why) => Reply::Refused(why.message),
            };
            (id, reply)
        }));
    }

    fn run(&mut self, answer: Answer) -> AbortHandle {
        let (handle, registration) = AbortHandle::new_pair();
        self.running.push(Abortable::new(answer, registration));
        handle
    }

    fn abort(&mut self, id: u32) {
        if let Some(handle) = self.fetches.remove(&id) {
            handle.abort();
            self.start_waiting();
        } else if let Some(i) = self.waiting.iter().position(|(waiting, _)| *waiting == id)
            && let Some((_, payload)) = self.waiting.remove(i)
        {
            self.waiting_bytes -= payload.len();
        }
    }
}

async fn read(host: &dyn Host, payload: &[u8]) -> Result<Vec<u8>, HostError> {
    let ids = serde_json::from_slice(payload).map_err(|e| unreadable(&e))?;
    to_json(&host.read(ids).await?)
}

async fn wish(host: &dyn Host, payload: &[u8]) -> Result<Vec<u8>, HostError> {
    let query = serde_json::from_slice(payload).map_err(|e| unreadable(&e))?;
    to_json(&host.wish(query).await?)
}

async fn send(host: &dyn Host, payload: &[u8]) -> Result<Vec<u8>, HostError> {
    let request = serde_json::from_slice(payload).map_err(|e| unreadable(&e))?;
    to_json(&host.send(request).await?)
}

fn unreadable(error: &serde_json::Error) -> HostError {
    HostError {
        kind: charmkeeper_base::ErrorKind::Charm,
        message: format!("the question cannot be read: {error}"),
    }
}

fn to_json(answer: &impl serde::Serialize) -> Result<Vec<u8>, HostError> {
    let local = |message: String| HostError {
        kind: charmkeeper_base::ErrorKind::Local,
        message,
    };
    let json = serde_json::to_vec(answer).map_err(|e| local(e.to_string()))?;
    // One byte says that it is an answer.
    if json.len() < crate::frames::MAX_PAYLOAD {
        return Ok(json);
    }
    Err(local(format!(
        "the documents are larger than a charm can read at once ({} bytes)",
        json.len()
    )))
}
