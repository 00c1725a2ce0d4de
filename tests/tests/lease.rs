//! Two computers of one person on one space: a charm runs on one of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Stdio;
use std::time::Duration;

use charmkeeper_base::{SystemClock, UnixMs};
use charmkeeper_keeper::api::Request;
use charmkeeper_space::pieces::lease_id;
use charmkeeper_tests::computers::{Desktop, PASSPHRASE, World};
use charmkeeper_tests::keyring::Keyring;
use charmkeeper_tests::program::{self, Done, Going};
use charmkeeper_tests::wait_until;
use charmkeeper_toolshed::{Action, Rule};
use serde_json::{Value, json};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_computers_one_runs_a_favorite_and_the_other_takes_over_when_asked_to() {
    let world = World::new().await;
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    assert_eq!(world.holder(), "Laptop");
    let desktop = Desktop::new(&world, "Desktop").await;
    desktop.until_state("elsewhere").await;
    assert_eq!(desktop.charm().await["detail"], "Runs on Laptop.");
    let favorite = desktop.favorite().await;
    assert_eq!(
        (&favorite["runner"], &favorite["other"]),
        (&json!("other"), &json!("Laptop"))
    );
    let here = laptop.favorite().await;
    assert_eq!(
        (&here["runner"], &here["other"]),
        (&json!("here"), &Value::Null)
    );
    assert_eq!(desktop.runs().await, 0, "not even a row");

    let id = favorite["id"].as_str().unwrap().to_owned();
    let taken = desktop.ask(Request::TakeOver { id }).await;
    assert_eq!(
        (&taken["runner"], &taken["other"]),
        (&json!("here"), &Value::Null)
    );
    desktop.until_runs(1).await;
    laptop.until_state("elsewhere").await;
    assert_eq!(laptop.charm().await["detail"], "Runs on Desktop.");
    assert_eq!(
        world.lease_commits(),
        2,
        "one write for each change of hands"
    );

    // Paused by the person: the other one goes on at once, not when the lease ends.
    let charm = "ticker".to_owned();
    desktop.ask(Request::Pause { charm }).await;
    wait_until("the laptop goes on", async || {
        laptop.charm().await["state"] != "elsewhere"
    })
    .await;
    desktop.keeper.shutdown().await;
    laptop.keeper.shutdown().await;
    assert_eq!(world.holder(), "", "given back at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_charm_is_given_back_and_a_run_asked_for_waits_for_nobody() {
    let world = World::new().await;
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    let desktop = Desktop::new(&world, "Desktop").await;
    desktop.until_state("elsewhere").await;
    let charm = "ticker".to_owned();
    let run = Request::Run {
        charm: charm.clone(),
        argument: None,
    };
    assert_eq!(desktop.ask(run).await["outcome"], "ok");
    assert_eq!(world.holder(), "Laptop", "that changes nothing");
    laptop.ask(Request::Remove { charm }).await;
    wait_until("the desktop has it at once", async || {
        world.holder() == "Desktop"
    })
    .await;
    desktop.keeper.shutdown().await;
    laptop.keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_comes_second_is_not_merged_with_the_first() {
    let world = World::new().await;
    let lease = lease_id(&world.piece.piece);
    let soon = charmkeeper_base::Clock::now(&SystemClock::default());
    let first = json!({
        "holder": "first", "name": "First", "until": soon.plus(Duration::from_secs(900)).0,
    });
    world.server.fault(
        Rule::next(Action::WriteFirst {
            operations: vec![json!({ "op": "set", "id": lease.id, "value": { "value": first } })],
        })
        .document(&lease.id),
    );
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_state("elsewhere").await;
    assert_eq!(laptop.charm().await["detail"], "Runs on First.");
    assert_eq!(world.server.value(&lease.space, &lease.id), Some(first));
    assert_eq!((laptop.runs().await, world.count()), (0, 0.0));
    laptop.keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_space_that_stores_no_lease_still_has_its_charms_run() {
    let world = World::new().await;
    let lease = lease_id(&world.piece.piece);
    let refuse = Action::Refuse {
        name: "TransactionError".to_owned(),
        message: "no leases here".to_owned(),
    };
    let rule = Rule::next(refuse).times(u32::MAX).document(&lease.id);
    world.server.fault(rule);
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    laptop.keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_a_computer_that_did_not_hold_the_lease_does_not_start() {
    let world = World::new().await;
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    let desktop = Desktop::new(&world, "Desktop").await;
    desktop.until_state("elsewhere").await;
    let folder = desktop.end().await;
    world.server.set_offline(true);
    // Its key was in memory alone, so it cannot ask; what it knew it still knows.
    let desktop = Desktop::open("Desktop", folder).await;
    desktop.until_state("elsewhere").await;
    assert_eq!(desktop.charm().await["detail"], "Runs on Laptop.");
    assert_eq!(desktop.runs().await, 0);
    desktop.keeper.shutdown().await;
    laptop.keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_the_computer_that_holds_the_lease_goes_on() {
    let world = World::new().await;
    let laptop = Desktop::new(&world, "Laptop").await;
    laptop.until_runs(1).await;
    let desktop = Desktop::new(&world, "Desktop").await;
    desktop.until_state("elsewhere").await;
    world.server.set_offline(true);
    for computer in [&laptop, &desktop] {
        let charm = "ticker".to_owned();
        let seconds = 30;
        computer.ask(Request::SetInterval { charm, seconds }).await;
    }
    laptop.until_runs(2).await;
    assert_eq!(desktop.runs().await, 0);
    world.server.set_offline(false);
    wait_until("what it did arrives", async || world.count() >= 2.0).await;
    assert_eq!(world.holder(), "Laptop");
    laptop.end().await;
    desktop.end().await;
}

/// A computer of the person: the real program with a home of its own.
struct Program {
    folder: TempDir,
    bus: String,
    lease: &'static str,
}

impl Program {
    async fn new(world: &World, keyring: &Keyring, lease: &'static str) -> (Self, Going) {
        let program = Self {
            folder: tempfile::tempdir().unwrap(),
            bus: keyring.address.clone(),
            lease,
        };
        let serve = program.serve().await;
        let url = world.server.url();
        let connect = ["space", "connect", "--url", &url, "--passphrase-stdin"];
        program.run(&connect, PASSPHRASE).await.with_code(0);
        let piece = &world.piece.piece;
        let fid = piece.id.trim_start_matches("of:");
        let register = [
            "register",
            "--space",
            &piece.space,
            "--piece",
            fid,
            "--integration",
            "x",
        ];
        program.run(&register, "").await.with_code(0);
        (program, serve)
    }

    fn command(&self, args: &[&str]) -> tokio::process::Command {
        let mut command = program::command(self.folder.path());
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .args(args)
            .args(["--json", "--lease", self.lease]);
        command
    }

    async fn serve(&self) -> Going {
        let mut serve = Going::start(self.command(&["serve"]));
        serve.err_line(|l| l.contains("is running on")).await;
        serve
    }

    async fn run(&self, args: &[&str], input: &str) -> Done {
        let path = self.folder.path().join("input");
        std::fs::write(&path, input).unwrap();
        let mut command = self.command(args);
        command.stdin(Stdio::from(std::fs::File::open(&path).unwrap()));
        program::run(command).await
    }

    async fn ask(&self, args: &[&str]) -> Value {
        self.run(args, "").await.with_code(0).json()
    }

    async fn until_elsewhere(&self) {
        wait_until("it runs on the other", async || {
            self.ask(&["charms"]).await[0]["state"] == "elsewhere"
        })
        .await;
        assert_eq!(self.ask(&["history"]).await, json!([]));
    }
}

async fn until_it_runs(serve: &mut Going) {
    serve.out_line(|line| line.contains("\"ok\"")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_dies_is_followed_when_its_lease_ends() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let keyring = Keyring::unlocked(folder.path()).await;
    let (_first, mut holder) = Program::new(&world, &keyring, "15").await;
    until_it_runs(&mut holder).await;
    let (second, mut other) = Program::new(&world, &keyring, "15").await;
    second.until_elsewhere().await;
    let lease = lease_id(&world.piece.piece);
    let value = || world.server.value(&lease.space, &lease.id).unwrap();
    let before = value();
    holder.kill().await;
    until_it_runs(&mut other).await;
    let now = charmkeeper_base::Clock::now(&SystemClock::default());
    assert!(
        now >= UnixMs(before["until"].as_i64().unwrap()),
        "not before"
    );
    assert_ne!(value()["holder"], before["holder"]);
    assert!(world.count() >= 1.0);
    other.signal("TERM").await;
    other.end().await.with_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_in_good_order_is_followed_at_once() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let keyring = Keyring::unlocked(folder.path()).await;
    // A lease that is much longer than the test waits for anything.
    let (_first, mut holder) = Program::new(&world, &keyring, "900").await;
    until_it_runs(&mut holder).await;
    let (second, mut other) = Program::new(&world, &keyring, "900").await;
    second.until_elsewhere().await;
    holder.signal("TERM").await;
    holder.end().await.with_code(0);
    until_it_runs(&mut other).await;

    // The person's word, at the command line.
    let (third, mut last) = Program::new(&world, &keyring, "900").await;
    third.until_elsewhere().await;
    let taken = third.ask(&["space", "take-over", "ticker"]).await;
    assert_eq!(taken["runner"], "here", "{taken:#}");
    until_it_runs(&mut last).await;
    for program in [other, last] {
        program.signal("TERM").await;
        program.end().await.with_code(0);
    }
}
