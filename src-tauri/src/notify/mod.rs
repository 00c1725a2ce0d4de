//! Notifications: the keeper's notices on the desktop, one for each cause.
//!
//! The keeper decides what is worth one. A new notice with the cause of an old
//! one takes its place; a click opens the page that shows it.

#[cfg(target_os = "linux")]
mod freedesktop;
#[cfg(not(target_os = "linux"))]
mod plugin;

#[cfg(target_os = "linux")]
pub(crate) use freedesktop::Notifier;
#[cfg(not(target_os = "linux"))]
pub(crate) use plugin::Notifier;
