//! Everything that can be asked.
//!
//! Owns the requests alone: what carries them out is in `requests`.

use std::path::PathBuf;

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::{ExportFormat, HistoryFilter, SettingsChange};

/// Something to do. The answer to each is named in its comment.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[ts(optional_fields = nullable)]
pub enum Request {
    /// `StatusView`.
    Status,
    /// A list of `CharmView`.
    Charms,
    /// `CharmView` of the new charm.
    Add {
        /// A file, a folder, or an https URL.
        source: String,
        /// Name of a local space; made when it does not exist.
        space: Option<String>,
        /// Inputs of the charm; merged over the defaults of its types.
        argument: Option<Value>,
        /// Hosts the charm may call besides those its source names.
        hosts: Vec<String>,
    },
    /// Removes a charm and its cells; its history stays. `CharmView`.
    Remove {
        /// Handle, id or name.
        charm: String,
    },
    /// Switches a charm's timer off. `CharmView`.
    Pause {
        /// Handle, id or name.
        charm: String,
    },
    /// Switches it on again and forgets its failures. `CharmView`.
    Resume {
        /// Handle, id or name.
        charm: String,
    },
    /// Changes how often a charm runs. `CharmView`.
    SetInterval {
        /// Handle, id or name.
        charm: String,
        /// 30 to 86,400 seconds.
        seconds: u64,
    },
    /// One run now. `RunDetails`.
    Run {
        /// Handle, id, name, or a path to a charm's source.
        charm: String,
        /// Inputs to set before the run.
        argument: Option<Value>,
    },
    /// Ends a run that is going on. `null`.
    Cancel {
        /// Run id.
        run: String,
    },
    /// What a charm's cells hold now: any JSON.
    Cells {
        /// Handle, id or name.
        charm: String,
        /// `emails/0/subject`; empty for all outputs.
        path: Vec<String>,
    },
    /// What a charm is and asks for, before it is added. `PreviewView`.
    Preview {
        /// A file, a folder, or an https URL.
        source: String,
    },
    /// Brings back a charm that was removed a short while ago. `CharmView`.
    Restore {
        /// Lasting id.
        charm: String,
    },
    /// Binds a charm to one account, or lets it choose again. `CharmView`.
    SetAccount {
        /// Handle, id or name.
        charm: String,
        /// Account id; nothing for "whichever fits".
        account: Option<String>,
    },
    /// Which hosts a charm may call. `CharmView`.
    SetHosts {
        /// Handle, id or name.
        charm: String,
        /// Host names without a port; replaces the list.
        hosts: Vec<String>,
    },
    /// What a charm looks for, and what it gets. A list of `WishView`.
    Wishes {
        /// Handle, id or name.
        charm: String,
    },
    /// Which of several a charm's wish gets. A list of `WishView`.
    ChooseWish {
        /// Handle, id or name.
        charm: String,
        /// `#googleAuth`
        tag: String,
        /// Handle, id or name of a charm that answers, or an account id or
        /// address; nothing to let it choose by itself again.
        choice: Option<String>,
    },
    /// A list of `RunView`, newest first.
    History(HistoryFilter),
    /// What the history can be filtered by. `FacetsView`.
    Facets,
    /// The last hours of every charm, for drawing. A list of `LaneView`.
    Lanes {
        /// The first moment shown.
        since: UnixMs,
        /// The end of the last bucket.
        until: UnixMs,
        /// Number of equal parts, 1 to 1,440.
        buckets: u32,
    },
    /// One run as plain text that is safe to paste. A string.
    RunReport {
        /// Run id.
        run: String,
    },
    /// Writes the runs that the filter names to a file. `ExportView`.
    ExportHistory {
        /// Which runs; its `limit` 0 means all of them.
        filter: HistoryFilter,
        /// How they are written.
        format: ExportFormat,
        /// The file to write; replaced when it exists.
        path: PathBuf,
    },
    /// Writes everything the keeper holds, secrets excepted, into a new folder
    /// below `folder`. `ExportView`.
    ExportAll {
        /// An existing folder.
        folder: PathBuf,
    },
    /// Revokes and forgets all accounts, removes all charms, cells and history.
    /// `null`.
    Reset,
    /// `SettingsView`.
    Settings,
    /// Changes what is given. `SettingsView`.
    ChangeSettings(SettingsChange),
    /// Uses the person's own Google client from a downloaded file.
    /// `SettingsView`.
    UseClient {
        /// A downloaded `client_secret_*.json`.
        path: PathBuf,
    },
    /// Goes back to the client of the build. `SettingsView`.
    ForgetClient,
    /// Runs every charm that is switched on, now. `null`.
    RunAll,
    /// Ends a sign-in that waits for the browser. `null`.
    CancelConnect,
    /// Every remote and local space. A list of `SpaceView`.
    Spaces,
    /// Connects a remote space. `SpaceView`.
    ConnectSpace {
        /// `https://` address of the server.
        url: String,
        /// DID of an identity whose key is in the keychain.
        identity: String,
        /// A named space; nothing for the home space.
        space: Option<String>,
        /// Whether to write the access list of a space that has none yet.
        claim: bool,
    },
    /// Stops syncing a remote space; its replica stays. `SpaceView`.
    DisconnectSpace {
        /// DID or name.
        space: String,
    },
    /// Tries a refused change again. `SpaceView`.
    RetryChange {
        /// Id of the change.
        change: u64,
    },
    /// Gives a refused change up. `SpaceView`.
    DropChange {
        /// Id of the change.
        change: u64,
    },
    /// What the person starred in their home space. A list of `FavoriteView`.
    Favorites,
    /// Runs a favorite here, or no longer. `FavoriteView`.
    SetFavorite {
        /// `FavoriteView::id`.
        id: String,
        /// Whether it runs on this computer.
        on: bool,
    },
    /// Takes a charm over from the server, or from another computer.
    /// `FavoriteView`.
    TakeOver {
        /// `FavoriteView::id`, or the charm that it became here.
        id: String,
    },
    /// Places a charm of this computer in a remote space. `PublishView`.
    Publish {
        /// Handle, id or name.
        charm: String,
        /// DID or name of a connected remote space.
        space: String,
        /// Whether it becomes a favorite of the person.
        favorite: bool,
    },
    /// Runs a piece here, favorite or not. `FavoriteView`.
    Register {
        /// DID of its space.
        space: String,
        /// `fid1:...`
        piece: String,
        /// Label for the log, `gmail`; nothing depends on it here.
        integration: String,
    },
    /// `RunDetails`.
    RunDetails {
        /// Run id.
        run: String,
    },
    /// A list of `AccountView`.
    Accounts,
    /// Signs in to Google. `ConnectView`.
    Connect {
        /// `gmail`, `calendar`; empty for both.
        services: Vec<String>,
        /// A downloaded `client_secret_*.json`.
        client: Option<PathBuf>,
        /// Only send the address as an event; do not open a browser.
        print_url: bool,
        /// The account to sign in again, or to ask for more; nothing for a new
        /// one.
        #[serde(default)]
        account: Option<String>,
    },
    /// Revokes and forgets an account. `DisconnectView`.
    Disconnect {
        /// Account id or email address.
        account: String,
    },
    /// The person has seen the warning of `StatusView`. `null`.
    DismissWarning,
    /// Stops all timers. `null`.
    PauseAll {
        /// Until this moment, or until resumed.
        until: Option<UnixMs>,
    },
    /// Starts all timers again. `null`.
    ResumeAll,
    /// A list of `CheckView`.
    Doctor,
    /// Events without end, until the caller hangs up.
    Watch,
}
