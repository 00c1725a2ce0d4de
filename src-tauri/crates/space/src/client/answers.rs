//! What each message of the server leads to.
//!
//! Owns matching answers to requests and telling events. Never sends.

use serde_json::Value;
use tokio::time::Instant;

use super::backoff;
use super::dial::Incoming;
use super::error::SpaceError;
use super::event::Event;
use super::inflight::Purpose;
use super::life::Life;
use super::session::SessionKey;
use super::sessions::State;
use super::task::Task;
use crate::codec;
use crate::messages::{
    OpenOk, Response, Revoked, RevokedReason, ServerMessage, SyncEffect, WireError, error_name,
};

impl Task {
    pub(super) fn received(
        &mut self,
        life: &mut Life,
        incoming: Incoming,
    ) -> Result<(), SpaceError> {
        life.last_heard = Instant::now();
        life.probe = None;
        let Incoming::Text(text) = incoming else {
            return Ok(());
        };
        life.busy = life.last_heard;
        match ServerMessage::from_value(codec::decode(&text)?)? {
            ServerMessage::Response(response) => self.answered(life, response),
            ServerMessage::Effect(effect) => {
                self.pushed(effect);
                Ok(())
            }
            ServerMessage::Revoked(revoked) => {
                self.revoked(&revoked);
                Ok(())
            }
            ServerMessage::HelloOk(_) | ServerMessage::Other(_) => Ok(()),
        }
    }

    fn pushed(&mut self, effect: SyncEffect) {
        // One for a session that we gave up meanwhile is nobody's.
        if let Some((session, record)) = self.sessions.find(&effect.space, &effect.session_id) {
            record.synced_to(effect.sync.to_seq);
            self.tell(Event::Synced {
                session,
                space: effect.space,
                sync: Box::new(effect.sync),
            });
        }
    }

    fn revoked(&mut self, revoked: &Revoked) {
        if let Some((session, record)) = self.sessions.find(&revoked.space, &revoked.session_id) {
            record.over(SpaceError::Revoked(revoked.reason));
            self.tell(Event::Revoked {
                session,
                space: revoked.space.clone(),
                reason: revoked.reason,
            });
        }
    }

    fn answered(&mut self, life: &mut Life, response: Response) -> Result<(), SpaceError> {
        match life.inflight.take(&response.request_id) {
            Some(Purpose::Open(key)) => match response.result {
                Ok(ok) => self.opened(life, key, OpenOk::from_value(ok)?),
                Err(error) => self.not_opened(key, error),
            },
            Some(Purpose::Call { key, watch, reply }) => {
                self.call_answered(key, watch, &response.result);
                let _ = reply.send(response.result.map_err(SpaceError::Refused));
            }
            None => tracing::debug!(id = response.request_id, "an answer to nothing"),
        }
        Ok(())
    }

    fn opened(&mut self, life: &mut Life, key: SessionKey, ok: OpenOk) {
        life.auth = Some(self.auth(ok.session_open.clone()));
        // It may have been given up meanwhile.
        let Some(record) = self.sessions.get(key) else {
            return;
        };
        let opened = Box::new(record.opened(ok));
        let space = record.space.clone();
        self.tell(Event::Opened {
            session: key,
            space,
            opened,
        });
    }

    /// A refusal that will not change ends this session alone; other sessions of
    /// the connection go on.
    fn not_opened(&mut self, session: SessionKey, error: WireError) {
        let random = self.settings.random.clone();
        let Some(record) = self.sessions.get(session) else {
            return;
        };
        let space = record.space.clone();
        if error.name == error_name::REVOKED {
            if !record.stale() {
                let reason = RevokedReason::TakenOver;
                record.over(SpaceError::Revoked(reason));
                self.tell(Event::Revoked {
                    session,
                    space,
                    reason,
                });
            }
        } else if error.name == error_name::AUTHORIZATION && !error.retriable {
            let error = SpaceError::Refused(error);
            record.over(error.clone());
            self.tell(Event::Refused {
                session,
                space,
                error,
            });
        } else {
            let error = SpaceError::Refused(error);
            record.failed(|attempt| backoff::delay(attempt, &*random), &error);
        }
    }

    fn call_answered(&mut self, key: SessionKey, watch: bool, result: &Result<Value, WireError>) {
        let Some(record) = self.sessions.get(key) else {
            return;
        };
        match result {
            Ok(ok) if watch => {
                // What cannot be read is for whoever asked to say.
                let upto = ok.pointer("/sync/toSeq").and_then(Value::as_u64);
                record.synced_to(upto.unwrap_or(0));
            }
            Err(error) if error.name == error_name::SESSION && record.open_id().is_ok() => {
                // The server forgot the session; it is to be opened again.
                record.state = State::Waiting;
            }
            _ => {}
        }
    }
}
