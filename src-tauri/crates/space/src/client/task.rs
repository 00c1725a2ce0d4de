//! The task behind a connection: connect, live, wait, again.
//!
//! Owns the orders from handles and the pauses between attempts. What happens
//! while connected is in `life`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::error::SpaceError;
use super::event::{Event, Opened};
use super::inflight::Reply;
use super::session::SessionKey;
use super::sessions::{Record, Sessions};
use super::{Settings, backoff};
use crate::identity::Identity;
use crate::messages::{Command, Descriptor};

/// What handles and sessions tell the task.
pub(super) enum Order {
    Register {
        key: SessionKey,
        space: String,
        identity: Arc<Identity>,
        which: Descriptor,
    },
    Forget {
        key: SessionKey,
    },
    Await {
        key: SessionKey,
        reply: oneshot::Sender<Result<Opened, SpaceError>>,
    },
    Send {
        key: SessionKey,
        command: Command,
        reply: oneshot::Sender<Result<Value, SpaceError>>,
    },
    Check,
    Close,
}

/// How a connection, or the attempt to make one, ended.
pub(super) enum End {
    /// We closed it.
    Closed,
    /// There is no use in trying again.
    Stopped(SpaceError),
    /// It was lost.
    Lost {
        error: SpaceError,
        /// True when it had worked for a while.
        stable: bool,
        /// True when it was given up for a new one.
        renew: bool,
    },
}

impl From<SpaceError> for End {
    fn from(error: SpaceError) -> Self {
        Self::Lost {
            error,
            stable: false,
            renew: false,
        }
    }
}

pub(super) struct Task {
    pub(super) settings: Settings,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) sessions: Sessions,
}

pub(super) async fn run(
    settings: Settings,
    orders: mpsc::UnboundedReceiver<Order>,
    events: mpsc::UnboundedSender<Event>,
) {
    let mut task = Task {
        settings,
        orders,
        events,
        sessions: Sessions::default(),
    };
    let mut attempt = 0;
    loop {
        match task.connection().await {
            End::Closed => break,
            End::Stopped(error) => {
                tracing::warn!(%error, "the space server cannot be used");
                task.tell(Event::Stopped {
                    error: error.clone(),
                });
                task.sessions.lost(Some(&error));
                task.answer_with(&error).await;
                break;
            }
            End::Lost {
                error,
                stable,
                renew,
            } => {
                if stable {
                    attempt = 0;
                }
                let retry_in = if renew {
                    Duration::ZERO
                } else {
                    backoff::delay(attempt, &*task.settings.random)
                };
                attempt += u32::from(!renew);
                tracing::debug!(%error, ?retry_in, "no connection to the space server");
                task.sessions.lost((!renew).then_some(&error));
                task.tell(Event::Disconnected { error, retry_in });
                if task.pause(retry_in).await.is_err() {
                    break;
                }
            }
        }
    }
    task.sessions.lost(Some(&SpaceError::Closed));
}

/// We are to close.
pub(super) struct Closing;

/// What an order without a connection leads to.
#[derive(PartialEq, Eq)]
enum Outcome {
    Nothing,
    /// Someone wants a connection now.
    Hurry,
}

impl Task {
    pub(super) fn tell(&self, event: Event) {
        // Without a listener the connection still serves its sessions.
        let _ = self.events.send(event);
    }

    /// Carries on with `work` while orders are answered without a connection.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Closing> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                order = self.orders.recv() => {
                    self.offline(order)?;
                }
            }
        }
    }

    /// Waits, unless someone is in a hurry.
    async fn pause(&mut self, delay: Duration) -> Result<(), Closing> {
        let until = Instant::now() + delay;
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                order = self.orders.recv() => {
                    if self.offline(order)? == Outcome::Hurry {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn offline(&mut self, order: Option<Order>) -> Result<Outcome, Closing> {
        match order.ok_or(Closing)? {
            Order::Close => return Err(Closing),
            Order::Check => return Ok(Outcome::Hurry),
            Order::Send {
                key,
                command,
                reply,
            } => self.not_sent(key, &command, reply),
            order @ Order::Register { .. } => {
                self.book(order);
                return Ok(Outcome::Hurry);
            }
            order => self.book(order),
        }
        Ok(Outcome::Nothing)
    }

    /// Carries out an order that is the same with and without a connection.
    pub(super) fn book(&mut self, order: Order) {
        match order {
            Order::Register {
                key,
                space,
                identity,
                which,
            } => self
                .sessions
                .insert(key, Record::new(space, identity, which)),
            Order::Forget { key } => self.sessions.remove(key),
            Order::Await { key, reply } => match self.sessions.get(key) {
                Some(record) => record.wait(reply),
                None => drop(reply.send(Err(SpaceError::Closed))),
            },
            Order::Send { .. } | Order::Check | Order::Close => {}
        }
    }

    /// Answers a command that cannot be sent.
    fn not_sent(&mut self, key: SessionKey, command: &Command, reply: Reply) {
        let error = match self.sessions.get(key) {
            Some(record) => {
                if let Command::Ack { seen_seq } = command {
                    record.acknowledged(*seen_seq);
                }
                record.open_id().err().unwrap_or(SpaceError::NotOpen)
            }
            None => SpaceError::Closed,
        };
        let _ = reply.send(Err(error));
    }

    /// Answers everything with `error` until we are to close.
    async fn answer_with(&mut self, error: &SpaceError) {
        while let Some(order) = self.orders.recv().await {
            match order {
                Order::Await { reply, .. } => drop(reply.send(Err(error.clone()))),
                Order::Send { reply, .. } => drop(reply.send(Err(error.clone()))),
                Order::Close => break,
                Order::Register { .. } | Order::Forget { .. } | Order::Check => {}
            }
        }
    }
}
