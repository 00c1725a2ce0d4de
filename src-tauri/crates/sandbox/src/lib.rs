//! A stand-in for Google on loopback: sign-in, Gmail and Calendar, for trying
//! the app and for tests.
//!
//! Owns a made-up world of accounts, mail and events that is the same for the
//! same seed, and answers below one base URL as Google's services do:
//! `/o/oauth2/v2/auth`, `/token`, `/revoke`, `/v1/userinfo`, `/gmail/v1`,
//! `/batch/gmail/v1`, `/calendar/v3`. What it is and how it can be made to fail
//! is reached in process through [`World`], and over HTTP below `/sandbox/`
//! (see the `control` module for the list).
//!
//! Never reaches the network, never listens on anything but 127.0.0.1, and
//! keeps nothing after it stops. Its tokens are worth nothing.
//!
//! What it gives on purpose, because clients meet it at Google: attachment ids
//! that change from read to read, a Gmail list whose last page may be empty, an
//! empty page inside a list of events, sync tokens that need encoding in a
//! query, 64-bit history ids as strings, quoted and entity-laden text, a
//! calendar id with `#` in it.

mod approve;
mod calendar;
mod config;
mod control;
mod faults;
mod gmail;
mod google_error;
mod journal;
mod listener;
mod message;
mod oauth;
mod quota;
mod running;
mod seed;
mod server;
mod shared;
mod world;

pub use config::{Behaviour, CLIENT_ID, CLIENT_SECRET, ISSUER, SandboxConfig, SandboxError};
pub use faults::{Drip, Fault};
pub use journal::{LoggedRequest, fingerprint};
pub use running::{Running, Sandbox};
pub use world::{
    CalendarTruth, EventTruth, MessageTruth, NewEvent, NewMail, PROFILES, Profile, SAMPLE_ACCOUNT,
    World,
};
