//! The doctor's report: what works on this computer and what does not, in words
//! that are safe to paste.
//!
//! Owns the list of checks. Changes nothing, and holds no secret and no address
//! of a person.

use charmkeeper_accounts::VaultStatus;
use charmkeeper_charms::runner;

use crate::api::CheckView;
use crate::keeper::{CLIENT_SETTING, Keeper};
use crate::power::{Senses, System};

/// Looks at everything once.
pub(crate) async fn examine(keeper: &Keeper) -> Vec<CheckView> {
    vec![
        program(keeper),
        keychain(keeper).await,
        worker(keeper).await,
        data(keeper).await,
        client(keeper).await,
        network(keeper).await,
    ]
}

fn check(name: &str, state: &str, detail: impl Into<String>, hint: Option<String>) -> CheckView {
    CheckView {
        name: name.to_owned(),
        state: state.to_owned(),
        detail: detail.into(),
        hint,
    }
}

fn program(keeper: &Keeper) -> CheckView {
    let detail = format!(
        "Charmkeeper {} on {} {}, {}.",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        if keeper.core.serving {
            "keeper running"
        } else {
            "no keeper running"
        }
    );
    check("Program", "ok", detail, None)
}

async fn keychain(keeper: &Keeper) -> CheckView {
    let status = keeper.core.accounts.vault_status().await;
    let hint = status.hint();
    match status {
        VaultStatus::Ready => check("Keychain", "ok", status.to_string(), None),
        VaultStatus::Memory => check("Keychain", "warning", status.to_string(), None),
        other => check("Keychain", "problem", other.to_string(), hint),
    }
}

async fn worker(keeper: &Keeper) -> CheckView {
    match runner::probe(&keeper.core.worker).await {
        Ok(report) if report.confined() => {
            let tried: Vec<_> = report.attempts.iter().map(|a| a.what.clone()).collect();
            let detail = format!(
                "Workers are locked in ({}); refused: {}.",
                report.level,
                tried.join(", ")
            );
            check("Worker isolation", "ok", detail, None)
        }
        Ok(report) => {
            let open: Vec<_> = report
                .attempts
                .iter()
                .filter(|a| a.errno.is_none())
                .map(|a| a.what.clone())
                .collect();
            check(
                "Worker isolation",
                "warning",
                format!("Workers reach more than they should ({}): {}.", report.level, open.join(", ")),
                Some("Charms still have no way to these from JavaScript. A newer kernel closes them for good.".to_owned()),
            )
        }
        Err(e) => check(
            "Worker isolation",
            "problem",
            crate::core::sentence(&e.to_string()),
            Some("Charms cannot run until a worker can be started.".to_owned()),
        ),
    }
}

async fn data(keeper: &Keeper) -> CheckView {
    let home = keeper.core.home.dir().display().to_string();
    let counted = keeper
        .core
        .store(|s| Ok((s.charms()?.len(), s.events(1)?)))
        .await;
    match counted {
        Ok((charms, events)) => match events.first() {
            Some(event) if event.kind == charmkeeper_store::DATABASE_DAMAGED => check(
                "Data",
                "warning",
                crate::core::sentence(&event.message),
                None,
            ),
            _ if charms == 1 => check("Data", "ok", format!("1 charm in {home}."), None),
            _ => check("Data", "ok", format!("{charms} charms in {home}."), None),
        },
        Err(e) => check("Data", "problem", e.message, e.hint),
    }
}

async fn client(keeper: &Keeper) -> CheckView {
    let own = keeper.core.store(|s| s.setting(CLIENT_SETTING)).await;
    let accounts = keeper.core.accounts.list().len();
    let connected = match accounts {
        0 => "no account is connected".to_owned(),
        1 => "1 account is connected".to_owned(),
        n => format!("{n} accounts are connected"),
    };
    match (own, keeper.core.accounts.has_client()) {
        (Ok(Some(_)), _) => {
            check("Google", "ok", format!("Your own client id is set up; {connected}."), None)
        }
        (_, true) => check("Google", "ok", format!("A client id is set up; {connected}."), None),
        _ => check(
            "Google",
            "warning",
            "No Google client id is set up.",
            Some("Give yours with `charmkeeper connect google --client FILE`, or try `charmkeeper sandbox`.".to_owned()),
        ),
    }
}

async fn network(keeper: &Keeper) -> CheckView {
    let routes = System::default().routes();
    let online = keeper.look().await.is_ok_and(|l| l.online);
    if online && routes.is_none_or(|r| r.lead_out) {
        check("Network", "ok", "There is a network.", None)
    } else {
        check("Network", "warning", "There is no network.", None)
    }
}
