//! Access lists: who may open, write, and change the list itself.

use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::Descriptor;
use serde_json::{Value, json};

use crate::support::{Bench, error, me, set};

/// Whether `key` can open, write a document, and set the list.
fn can(bench: &mut Bench, key: &Identity, space: &str, list: &Value, n: u64) -> (bool, bool, bool) {
    let (connection, auth) = bench.greet();
    let answer = bench.open_as(connection, &auth, key, space, Descriptor::default());
    if answer["ok"].is_null() {
        let words = format!("Principal {} lacks READ on space {space}", key.did());
        assert_eq!(error(&answer), ("AuthorizationError", words.as_str()));
        return (false, false, false);
    }
    bench.engine.disconnect(connection);
    let client = bench.client(key, space);
    let wrote = client.commit(bench, n, json!([set("of:x", json!(n))]));
    if wrote["ok"].is_null() {
        let words = format!("Principal {} lacks WRITE on space {space}", key.did());
        assert_eq!(error(&wrote), ("AuthorizationError", words.as_str()));
    }
    let owned = client.commit(
        bench,
        n + 1,
        json!([set(&format!("of:{space}"), list.clone())]),
    );
    if owned["ok"].is_null() {
        let words = format!("Principal {} lacks OWNER on space {space}", key.did());
        assert_eq!(error(&owned), ("AuthorizationError", words.as_str()));
    }
    bench.engine.disconnect(client.connection);
    (true, wrote["ok"].is_object(), owned["ok"].is_object())
}

#[test]
fn rights_follow_the_list() {
    let owner = me();
    let other = Identity::from_passphrase("somebody");
    let entry = |right: &str| json!({ owner.did(): "OWNER", other.did(): right });
    let any = |right: &str| json!({ owner.did(): "OWNER", "*": right });
    let table = [
        (entry("READ"), (true, false, false)),
        (entry("WRITE"), (true, true, false)),
        (entry("OWNER"), (true, true, true)),
        (any("READ"), (true, false, false)),
        (any("WRITE"), (true, true, false)),
        // An entry of one's own counts before that of everybody.
        (
            json!({ owner.did(): "OWNER", other.did(): "READ", "*": "WRITE" }),
            (true, false, false),
        ),
        (json!({ owner.did(): "OWNER" }), (false, false, false)),
    ];
    for (n, (list, expected)) in table.into_iter().enumerate() {
        let mut bench = Bench::new();
        let space = bench.space(&format!("space {n}"), list.clone());
        assert_eq!(
            can(&mut bench, &other, &space, &list, 1),
            expected,
            "{list}"
        );
        assert_eq!(
            can(&mut bench, &owner, &space, &list, 1),
            (true, true, true),
            "{list}"
        );
    }
}

#[test]
fn a_fresh_space_is_opened_by_anybody_and_begun_by_its_own_key() {
    let mut bench = Bench::new();
    let key = Identity::of_named_space("fresh");
    let space = key.did().to_owned();
    let client = bench.client(&me(), &space);
    let list = format!("of:{space}");
    let cases = [
        (
            json!([set("of:x", json!(1))]),
            "AuthorizationError",
            format!("Space {space} requires an ACL genesis commit before ordinary writes"),
        ),
        (
            json!([set(&list, json!({ me().did(): "OWNER" }))]),
            "AuthorizationError",
            format!("Only the space identity or a service DID may initialize {space}"),
        ),
        (
            json!([set(&list, json!({ "*": "OWNER" }))]),
            "ProtocolError",
            "ACL must be valid and retain at least one concrete OWNER".into(),
        ),
        (
            json!([set(&list, json!({ me().did(): "ADMIN" }))]),
            "ProtocolError",
            "ACL must be valid and retain at least one concrete OWNER".into(),
        ),
        (
            json!([{"op": "delete", "id": list}]),
            "ProtocolError",
            "ACL mutations must replace the space-scoped ACL document".into(),
        ),
        (
            json!([
                set(&list, json!({ me().did(): "OWNER" })),
                set("of:x", json!(1))
            ]),
            "ProtocolError",
            "ACL mutations must be an ACL-only commit".into(),
        ),
    ];
    for (n, (operations, name, words)) in (1..).zip(cases) {
        let answer = client.commit(&mut bench, n, operations);
        assert_eq!(error(&answer), (name, words.as_str()));
    }
    assert_eq!(bench.engine.seq(&space).unwrap(), 0);
    // The home space is a person's own: its key is theirs.
    let home = bench.client(&me(), me().did());
    let own = set(
        &format!("of:{}", me().did()),
        json!({ me().did(): "OWNER" }),
    );
    assert_eq!(home.commit(&mut bench, 1, json!([own]))["ok"]["seq"], 1);
}

#[test]
fn a_writer_who_shuts_itself_out_is_answered_before_it_is_told() {
    let mut bench = Bench::new();
    let other = Identity::from_passphrase("somebody");
    let space = bench.space("shut", json!({ me().did(): "OWNER", other.did(): "OWNER" }));
    let client = bench.client(&me(), &space);
    let list = set(&format!("of:{space}"), json!({ other.did(): "OWNER" }));
    let commit = json!({
        "localSeq": 1, "operations": [list], "reads": {"confirmed": [], "pending": []},
    });
    let message = json!({
        "type": "transact", "requestId": "r", "space": space, "sessionId": client.session,
        "commit": commit,
    });
    let told = bench.say(client.connection, &message);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0]["ok"]["seq"], 2);
    assert_eq!(told[1]["type"], "session/revoked");
    assert_eq!(told[1]["reason"], "unauthorized");
    let answer = client.commit(&mut bench, 2, json!([set("of:x", json!(1))]));
    assert_eq!(
        error(&answer),
        ("SessionError", "Session is not open on this connection")
    );
}
