//! A charm that was made for a favorite stops when the favorite is gone, and for
//! no other reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use charmkeeper_keeper::api::Request;
use charmkeeper_space::identity::Identity;
use charmkeeper_tests::computers::{Desktop, PASSPHRASE, TICKER, World, try_ask};
use charmkeeper_tests::wait_until;
use charmkeeper_toolshed::seed::PieceSeed;
use charmkeeper_toolshed::{Action, Rule};
use serde_json::{Value, json};

/// Replaces the list of favorites; what it was.
fn set_favorites(world: &World, list: &Value) -> Value {
    let at = &world.favorites;
    let before = world.server.value(&at.space, &at.id).unwrap();
    let document = json!({ "value": list });
    world.server.write(&at.space, &at.id, document).unwrap();
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_taken_away_stops_the_charm_and_a_star_given_back_starts_it_again() {
    let world = World::new().await;
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    let runs = laptop.runs().await;
    let before = set_favorites(&world, &json!([]));
    laptop.until_state("off").await;
    let charm = laptop.charm().await;
    assert_eq!(charm["detail"], "No longer a favorite, so it does not run.");
    assert_eq!(charm["enabled"], false);
    assert_eq!(laptop.runs().await, runs, "its history stays");
    wait_until("other computers may have it", async || {
        world.holder().is_empty()
    })
    .await;

    set_favorites(&world, &before);
    laptop.until_state("waiting").await;
    assert_eq!(laptop.charm().await["enabled"], true);

    // Paused by the person before: so it comes back.
    let charm = "ticker".to_owned();
    laptop
        .ask(Request::Pause {
            charm: charm.clone(),
        })
        .await;
    set_favorites(&world, &json!([]));
    laptop.until_state("off").await;
    set_favorites(&world, &before);
    laptop.until_state("paused").await;

    // The person wants it although it is no favorite.
    set_favorites(&world, &json!([]));
    laptop.until_state("off").await;
    laptop.ask(Request::Resume { charm }).await;
    laptop.until_state("waiting").await;
    laptop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_refused_or_shows_half_of_it_stops_nothing() {
    let world = World::new().await;
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    // The list cannot be asked for, although news of it come.
    let refuse = Action::Refuse {
        name: "AuthorizationError".to_owned(),
        message: "not now".to_owned(),
    };
    let home = &world.favorites.space;
    let rule = Rule::next(refuse).on("graph.query").space(home);
    world.server.fault(rule.times(u32::MAX));
    let before = set_favorites(&world, &json!([]));
    goes_on(&world, &laptop).await;
    // It is not there; then an entry is of a kind that nobody knows.
    let strange = json!([{ "piece": "of a later version" }]);
    set_favorites(&world, &strange);
    world.server.clear_faults();
    goes_on(&world, &laptop).await;
    set_favorites(&world, &json!({}));
    goes_on(&world, &laptop).await;

    // Away from the server it goes on, and is looked at anew when it is back.
    world.server.set_offline(true);
    set_favorites(&world, &json!([]));
    goes_on(&world, &laptop).await;
    set_favorites(&world, &before);
    world.server.set_offline(false);
    goes_on(&world, &laptop).await;
    set_favorites(&world, &json!([]));
    laptop.until_state("off").await;
    laptop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_without_a_star_runs_when_it_is_registered_and_goes_on() {
    let world = World::new().await;
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    let person = Identity::from_passphrase(PASSPHRASE);
    let mut seed = PieceSeed::simple("other pieces", "Plain", TICKER, json!({ "count": 0 }));
    seed.tags = None;
    let seeded = world.server.seed_home(&person, &[seed]).unwrap();
    let plain = &seeded.pieces[0];
    let register = |space: &str, piece: &str| Request::Register {
        space: space.to_owned(),
        piece: piece.trim_start_matches("of:").to_owned(),
        integration: "test".to_owned(),
    };
    let shown = laptop
        .ask(register(&plain.piece.space, &plain.piece.id))
        .await;
    assert_eq!(shown["on"], true, "{shown:#}");
    assert_eq!(shown["background"], true, "{shown:#}");
    let count = || {
        let inputs = &plain.argument;
        let value = world.server.value(&inputs.space, &inputs.id).unwrap();
        value["count"].as_f64().unwrap()
    };
    wait_until("its run is in the space", async || count() >= 1.0).await;
    // The list holds what the person starred, and nothing else.
    let listed = laptop.ask(Request::Favorites).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed:#}");

    // The reads that stop the one without its star leave this one alone.
    set_favorites(&world, &json!([]));
    laptop.until_state("off").await;
    let handle = shown["charm"].as_str().unwrap();
    let charms = laptop.ask(Request::Charms).await;
    let charms = charms.as_array().unwrap();
    let charm = charms.iter().find(|charm| charm["charm"] == handle);
    assert_eq!(charm.unwrap()["state"], "waiting", "{charms:#?}");

    for (space, piece, expected) in [
        ("did:key:z6Mk", "fid1:a", "That is not the DID of a space."),
        (
            &plain.piece.space,
            "plain",
            "That is not the id of a piece.",
        ),
        (
            &plain.piece.space,
            "fid1:nothing",
            "There is no such piece in that space.",
        ),
        (
            Identity::of_named_space("nobody made this").did(),
            "fid1:nothing",
            "There is no such space on the server.",
        ),
    ] {
        let refused = try_ask(&laptop.keeper, register(space, piece)).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.message, expected);
    }
    laptop.end().await;
}

/// Runs the charm again and again for longer than two reads of the favorites take,
/// each of which is begun by news from the home space.
async fn goes_on(world: &World, laptop: &Desktop) {
    let begun = Instant::now();
    let mut n = 0;
    while begun.elapsed() < Duration::from_secs(7) {
        n += 1;
        let home = &world.favorites.space;
        let news = json!({ "value": n });
        world
            .server
            .write(home, &world.favorites.id, news_of(world, &news))
            .unwrap();
        let request = Request::Run {
            charm: "ticker".to_owned(),
            argument: None,
        };
        assert!(laptop.ask(request).await["outcome"].is_string());
        assert_ne!(laptop.charm().await["state"], "off");
    }
}

/// The list as it is, with something beside it that is new.
fn news_of(world: &World, beside: &Value) -> Value {
    let at = &world.favorites;
    let list = world.server.value(&at.space, &at.id).unwrap();
    json!({ "value": list, "beside": beside })
}
