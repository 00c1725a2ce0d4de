//! Requests without an answer yet.
//!
//! Owns request ids and finding the request of an answer. Never sends.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::sync::oneshot;

use super::error::SpaceError;
use super::session::SessionKey;
use crate::messages::Response;

/// Where the answer to a command goes.
pub(super) type Reply = oneshot::Sender<Result<Value, SpaceError>>;

/// What a request was for.
pub(super) enum Purpose {
    /// To open a session.
    Open(SessionKey),
    /// Someone asked.
    Call {
        key: SessionKey,
        /// The answer tells documents, as a push does.
        watch: bool,
        reply: Reply,
    },
}

pub(super) struct InFlight {
    prefix: String,
    count: u64,
    queue: VecDeque<(String, Purpose)>,
}

impl InFlight {
    pub(super) fn new(prefix: String) -> Self {
        Self {
            prefix,
            count: 0,
            queue: VecDeque::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Notes a request and returns its id.
    pub(super) fn add(&mut self, purpose: Purpose) -> String {
        self.count += 1;
        let id = format!("{}{}", self.prefix, self.count);
        self.queue.push_back((id.clone(), purpose));
        id
    }

    /// Forgets the request just added, which could not be sent.
    pub(super) fn take_last(&mut self) -> Option<Purpose> {
        self.queue.pop_back().map(|(_, purpose)| purpose)
    }

    /// The request that an answer is for. A server that could not read a request
    /// does not know its id, but it answers in order.
    pub(super) fn take(&mut self, request_id: &str) -> Option<Purpose> {
        let at = if request_id == Response::INVALID {
            0
        } else {
            self.queue.iter().position(|(id, _)| id == request_id)?
        };
        self.queue.remove(at).map(|(_, purpose)| purpose)
    }

    /// Ends every call with `error`.
    pub(super) fn fail(&mut self, error: &SpaceError) {
        for (_, purpose) in self.queue.drain(..) {
            if let Purpose::Call { reply, .. } = purpose {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}
