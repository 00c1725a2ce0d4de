//! The one interface of the keeper: what the tray, the window, the command
//! line and the tests can ask, and what they get back.
//!
//! Owns: requests, events and answers as plain data that travel over the local
//! socket unchanged, and from which the window's types are made
//! (`tests/bindings.rs`). Never holds a secret that JSON could show: a client
//! secret is passed as the path of the file that holds it.

mod account;
mod charm;
mod error;
mod event;
mod history;
mod request;
mod run;
mod settings;
mod space;
mod status;

pub use account::{AccountView, ConnectView, DisconnectView};
pub use charm::{CharmView, PreviewView, WarningView, WishMatch, WishView};
pub use error::{ApiError, ErrorCode};
pub use event::{Event, NoticeView};
pub use history::{
    ExportFormat, ExportView, FacetView, FacetsView, HistoryFilter, LaneBucket, LaneView,
};
pub use request::Request;
pub use run::{CellChangeView, LogView, RunDetails, RunError, RunView};
pub use settings::{ClientView, SettingsChange, SettingsView};
pub use space::{FavoriteView, PublishView, SpaceView, StuckView};
pub use status::{CheckView, Pause, StatusView, all_synced, all_synced_for};
