//! An engine with a client's words, without a socket.

use std::sync::{Arc, Mutex};

use charmkeeper_base::UnixMs;
use charmkeeper_base::random::{Random, SeededRandom};
use charmkeeper_base::time::FakeClock;
use charmkeeper_space::codec;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{
    ClientMessage, Descriptor, Hello, ServerMessage, SessionOpen, SessionOpenAuth,
};
use charmkeeper_toolshed::{ConnectionId, Engine, Options, Outgoing, Parts};
use serde_json::{Value, json};

/// When the recorded session began, in Unix seconds.
pub(crate) const NOW: i64 = 1_795_222_226;

/// Random bytes from a list, then from a seed.
#[derive(Default)]
pub(crate) struct Scripted(Mutex<std::collections::VecDeque<Vec<u8>>>);

impl Scripted {
    pub(crate) fn add(&self, bytes: Vec<u8>) {
        self.0.lock().unwrap().push_back(bytes);
    }
}

impl Random for Scripted {
    fn fill(&self, into: &mut [u8]) {
        let bytes = self
            .0
            .lock()
            .unwrap()
            .pop_front()
            .expect("more recorded randomness");
        into.copy_from_slice(&bytes);
    }
}

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<FakeClock>,
    parts: Parts,
    /// Keeps the folder while the bench lives.
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Arc::new(SeededRandom::new(7)))
    }

    pub(crate) fn with(random: Arc<dyn Random>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(UnixMs(NOW * 1000)));
        let parts = Parts {
            clock: clock.clone(),
            random,
            ..Options::default().parts
        };
        let engine = Engine::open(folder.path(), parts.clone()).unwrap();
        Self {
            engine,
            clock,
            parts,
            folder,
        }
    }

    /// What a new process would find.
    pub(crate) fn restart(&mut self) {
        self.engine = Engine::open(self.folder.path(), self.parts.clone()).unwrap();
    }

    pub(crate) fn flags(mut self, name: &str) -> Self {
        self.parts.flags = self.parts.flags.clone().with(name, true);
        self.restart();
        self
    }

    /// What comes back to this connection for a message, as values.
    pub(crate) fn say(&mut self, from: ConnectionId, message: &Value) -> Vec<Value> {
        let frame = codec::encode(message).unwrap();
        let outs = self.engine.receive(from, &frame);
        values(
            outs.into_iter()
                .filter(|(to, _)| *to == from)
                .map(|(_, out)| out),
        )
    }

    pub(crate) fn pushes(&mut self, to: ConnectionId) -> Vec<Value> {
        let outs = self.engine.flush();
        values(
            outs.into_iter()
                .filter(|(at, _)| *at == to)
                .map(|(_, out)| out),
        )
    }

    /// A connection that said hello.
    pub(crate) fn greet(&mut self) -> (ConnectionId, SessionOpenAuth) {
        let id = self.engine.connect();
        let hello = ClientMessage::Hello(Hello::ours()).encode().unwrap();
        let [(_, Outgoing::Frame(frame))] = &self.engine.receive(id, &hello)[..] else {
            panic!("one frame");
        };
        match ServerMessage::from_value(codec::decode(frame).unwrap()).unwrap() {
            ServerMessage::HelloOk(hello) => (id, hello.session_open),
            other => panic!("{other:?}"),
        }
    }

    /// The answer to `session.open`.
    pub(crate) fn open_as(
        &mut self,
        to: ConnectionId,
        auth: &SessionOpenAuth,
        key: &Identity,
        space: &str,
        session: Descriptor,
    ) -> Value {
        let now = charmkeeper_base::Clock::now(&*self.clock).0 / 1000;
        let open = SessionOpen::signed("open".into(), space, key, auth, session, now).unwrap();
        let mut answers = self.say(to, &ClientMessage::Open(open).to_value());
        answers.pop().expect("an answer")
    }

    /// A client with an open session.
    pub(crate) fn client(&mut self, key: &Identity, space: &str) -> Client {
        self.client_of(key, space, Descriptor::default())
    }

    pub(crate) fn client_of(&mut self, key: &Identity, space: &str, session: Descriptor) -> Client {
        let (connection, auth) = self.greet();
        let answer = self.open_as(connection, &auth, key, space, session);
        let ok = &answer["ok"];
        assert!(ok.is_object(), "{answer}");
        Client {
            connection,
            space: space.to_owned(),
            session: ok["sessionId"].as_str().unwrap().to_owned(),
            token: ok["sessionToken"].as_str().unwrap().to_owned(),
            opened: ok.clone(),
        }
    }

    /// A space that `owner` owns, with `acl` besides.
    pub(crate) fn space(&mut self, name: &str, acl: Value) -> String {
        let key = Identity::of_named_space(name);
        let space = key.did().to_owned();
        let client = self.client(&key, &space);
        let list = json!({"op": "set", "id": format!("of:{space}"), "value": {"value": acl}});
        let answer = client.commit(self, 1, json!([list]));
        assert_eq!(answer["ok"]["seq"], 1, "{answer}");
        self.engine.disconnect(client.connection);
        space
    }
}

fn values(outs: impl Iterator<Item = Outgoing>) -> Vec<Value> {
    outs.map(|out| match out {
        Outgoing::Frame(frame) => codec::decode(&frame).unwrap(),
        Outgoing::Close(code, reason) => json!({"close": code, "reason": reason}),
        Outgoing::Abort => json!("abort"),
    })
    .collect()
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) connection: ConnectionId,
    pub(crate) space: String,
    pub(crate) session: String,
    pub(crate) token: String,
    pub(crate) opened: Value,
}

impl Client {
    /// The answer to a request.
    pub(crate) fn ask(&self, bench: &mut Bench, kind: &str, rest: Value) -> Value {
        let mut message = json!({
            "type": kind, "requestId": "r", "space": self.space, "sessionId": self.session,
        });
        for (name, value) in rest.as_object().unwrap() {
            message[name] = value.clone();
        }
        let mut answers = bench.say(self.connection, &message);
        answers.retain(|answer| answer["type"] == "response");
        answers.pop().expect("an answer")
    }

    pub(crate) fn commit(&self, bench: &mut Bench, local_seq: u64, operations: Value) -> Value {
        self.commit_on(bench, local_seq, operations, json!([]), json!([]))
    }

    pub(crate) fn commit_on(
        &self,
        bench: &mut Bench,
        local_seq: u64,
        operations: Value,
        confirmed: Value,
        preconditions: Value,
    ) -> Value {
        let mut commit = json!({
            "localSeq": local_seq, "operations": operations,
            "reads": {"confirmed": confirmed, "pending": []},
        });
        if preconditions != json!([]) {
            commit["preconditions"] = preconditions;
        }
        self.ask(bench, "transact", json!({ "commit": commit }))
    }

    pub(crate) fn resume(&self, seen: u64) -> Descriptor {
        Descriptor {
            session_id: Some(self.session.clone()),
            session_token: Some(self.token.clone()),
            seen_seq: Some(seen),
        }
    }

    pub(crate) fn watch(&self, bench: &mut Bench, id: &str) -> Value {
        let root = json!({"id": id, "selector": {"path": [], "schema": false}});
        let watch = json!({"id": "w", "kind": "graph", "query": {"roots": [root]}});
        self.ask(bench, "session.watch.set", json!({ "watches": [watch] }))
    }
}

pub(crate) fn set(id: &str, value: Value) -> Value {
    json!({"op": "set", "id": id, "value": {"value": value}})
}

pub(crate) fn error(answer: &Value) -> (&str, &str) {
    let text = |key: &str| answer["error"][key].as_str().unwrap_or_default();
    (text("name"), text("message"))
}

pub(crate) fn me() -> Identity {
    Identity::from_passphrase("interop user")
}
