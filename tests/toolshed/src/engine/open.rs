//! `session.open`: who is there, and whether the session lives on.

use charmkeeper_space::identity::verify;
use charmkeeper_space::messages::{
    Challenge, Descriptor, OpenOk, PROTOCOL, RevokedReason, SessionOpen, SessionOpenAuth,
    WireError, error_name,
};
use serde_json::Value;

use super::{ConnectionId, Engine, OneTime, Out, Session, SessionKey, respond, wire};
use crate::acl::Right;
use crate::commit::Failure;
use crate::scope::Asker;

/// Seconds that a challenge is good for.
const CHALLENGE_LIFE: i64 = 300;

/// Seconds that a client's clock may be behind.
const SKEW: f64 = 120.0;

fn refuse<T>(words: &str, retriable: bool) -> Result<T, WireError> {
    Err(WireError {
        retriable,
        ..WireError::new(error_name::AUTHORIZATION, words)
    })
}

impl Engine {
    fn now_seconds(&self) -> i64 {
        self.parts.clock.now().0.div_euclid(1000)
    }

    /// A new challenge for a connection.
    pub(super) fn challenge(&mut self, connection: ConnectionId) -> SessionOpenAuth {
        let mut bytes = [0; 32];
        self.parts.random.fill(&mut bytes);
        let value: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let expires_at = self.now_seconds() + CHALLENGE_LIFE;
        if let Some(peer) = self.peers.get_mut(&connection) {
            peer.challenge = Some(OneTime {
                value: value.clone(),
                expires_at,
                used: false,
            });
        }
        SessionOpenAuth {
            audience: self.parts.audience.clone(),
            challenge: Challenge { value, expires_at },
        }
    }

    pub(super) fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.parts.random.fill(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let (a, b, c, d, e) = (
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        );
        format!("{a}-{b}-{c}-{d}-{e}")
    }

    pub(super) fn open_session(
        &mut self,
        connection: ConnectionId,
        open: &SessionOpen,
    ) -> Vec<Out> {
        let mut outs = Vec::new();
        let result = self.opened(connection, open, &mut outs);
        let result = result
            .map(|ok| ok.to_value())
            .map_err(|failure| wire(failure, error_name::PROTOCOL));
        outs.push(respond(connection, &open.request_id, result));
        outs
    }

    fn opened(
        &mut self,
        connection: ConnectionId,
        open: &SessionOpen,
        outs: &mut Vec<Out>,
    ) -> Result<OpenOk, Failure> {
        self.fresh(connection, open)?;
        let principal = self.proven(open)?;
        if let Some(challenge) = self
            .peers
            .get_mut(&connection)
            .and_then(|peer| peer.challenge.as_mut())
        {
            // From here on it is spent, even when the rest fails.
            challenge.used = true;
        }
        self.access(&open.space)?.require(&principal, Right::Read)?;
        let (key, resumed, lost) = self.enter(connection, open, principal)?;
        outs.extend(lost);
        let server_seq = self.store.view().seq(&open.space)?;
        let told = self
            .sessions
            .get(&key)
            .map_or(0, |session| session.caught_up);
        let sync = if resumed {
            self.sync_whole(&key)?
        } else {
            None
        };
        let session_token = self.sessions.get(&key).map(|session| session.token.clone());
        Ok(OpenOk {
            session_id: key.1,
            session_token: session_token.unwrap_or_default(),
            server_seq,
            caught_up_local_seq: Some(told),
            resumed,
            sync,
            session_open: self.challenge(connection),
        })
    }

    /// Checks that the invocation is for this server and this connection.
    fn fresh(&self, connection: ConnectionId, open: &SessionOpen) -> Result<(), WireError> {
        match open.invocation.text("aud") {
            None => return refuse("memory session.open requires audience", false),
            Some(audience) if audience != self.parts.audience => {
                return refuse("memory session.open audience mismatch", false);
            }
            Some(_) => {}
        }
        let peer = self.peers.get(&connection);
        let Some(challenge) = peer.and_then(|peer| peer.challenge.as_ref()) else {
            return refuse("memory session.open challenge unavailable", true);
        };
        if challenge.used {
            return refuse("memory session.open challenge already used", true);
        }
        if challenge.expires_at <= self.now_seconds() {
            return refuse("memory session.open challenge expired", true);
        }
        match open.invocation.text("challenge") {
            None => refuse("memory session.open requires challenge", false),
            Some(value) if value != challenge.value => {
                refuse("memory session.open challenge mismatch", true)
            }
            Some(_) => Ok(()),
        }
    }

    /// Who signed, when what was signed is what is asked.
    fn proven(&self, open: &SessionOpen) -> Result<String, WireError> {
        let invocation = &open.invocation;
        let args = invocation.value().get("args");
        let protocol = args
            .and_then(|args| args.get("protocol"))
            .and_then(Value::as_str);
        let session = args
            .and_then(|args| args.get("session"))
            .filter(|s| s.is_object());
        let same = session.is_some_and(|session| describes(session, &open.session));
        let (Some(issuer), true) = (
            invocation.text("iss"),
            invocation.text("cmd") == Some("session.open")
                && invocation.text("sub") == Some(open.space.as_str())
                && protocol == Some(PROTOCOL)
                && same,
        ) else {
            return refuse("memory session.open authorization mismatch", false);
        };
        let seconds = |member: &str| invocation.value().get(member).and_then(Value::as_f64);
        if seconds("iat").is_none() {
            return refuse("memory session.open requires iat", false);
        }
        let Some(until) = seconds("exp") else {
            return refuse("memory session.open requires exp", false);
        };
        #[allow(clippy::cast_precision_loss)] // seconds of this age are exact
        if until < self.now_seconds() as f64 - SKEW {
            return refuse("memory session.open authorization expired", true);
        }
        let signed = invocation
            .digest()
            .is_ok_and(|digest| verify(issuer, &digest, &open.signature));
        if signed {
            Ok(issuer.to_owned())
        } else {
            refuse("Invalid signature", false)
        }
    }

    /// Makes the session, or goes on with the one that lives.
    fn enter(
        &mut self,
        connection: ConnectionId,
        open: &SessionOpen,
        principal: String,
    ) -> Result<(SessionKey, bool, Option<Out>), Failure> {
        let id = open
            .session
            .session_id
            .clone()
            .unwrap_or_else(|| self.uuid());
        let key = (open.space.clone(), id.clone());
        if let Some(existing) = self.sessions.get(&key) {
            if existing.asker.principal != principal {
                let owner = &existing.asker.principal;
                refuse::<()>(&format!("session {id} is already bound to {owner}"), false)?;
            }
            if open.session.session_token.as_deref() != Some(existing.token.as_str()) {
                let words = format!("session {id} resume token is no longer valid");
                return Err(WireError::new(error_name::REVOKED, words).into());
            }
        }
        let existing = self.sessions.remove(&key);
        let resumed = existing.is_some();
        let seen = open.session.seen_seq.unwrap_or(0);
        let token = self.uuid();
        let asker = Asker {
            principal,
            session: id,
        };
        let mut session = existing.unwrap_or_else(|| Session {
            asker,
            token: String::new(),
            seen_seq: seen,
            synced_seq: seen,
            watches: Vec::new(),
            tracked: std::collections::BTreeMap::new(),
            caught_up: 0,
            pending: 0,
            owner: None,
            expires: None,
        });
        session.token = token;
        session.seen_seq = session.seen_seq.max(seen);
        session.expires = None;
        let before = session
            .owner
            .replace(connection)
            .filter(|owner| *owner != connection);
        self.sessions.insert(key.clone(), session);
        let lost = before.and_then(|owner| self.lost(owner, &key, RevokedReason::TakenOver));
        if let Some(peer) = self.peers.get_mut(&connection) {
            peer.sessions.insert(key.clone());
        }
        Ok((key, resumed, lost))
    }
}

/// True when the signed descriptor is the one that was sent.
fn describes(signed: &Value, sent: &Descriptor) -> bool {
    let text = |key: &str| signed.get(key).and_then(Value::as_str);
    text("sessionId") == sent.session_id.as_deref()
        && text("sessionToken") == sent.session_token.as_deref()
        && signed.get("seenSeq").and_then(Value::as_u64) == sent.seen_seq
}
