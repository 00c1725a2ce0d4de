//! What the window's page may call.
//!
//! One command for each request of the keeper, and a few that only a desktop
//! can do. Owns the passing on; decides nothing, and never trusts the shape of
//! what it is given.

#[macro_use]
mod list;
mod requests;
mod shell;

pub(crate) use requests::Pending;
pub(crate) use shell::Clipboard;

macro_rules! handler {
    (requests { $($name:ident => $kind:literal,)* } shell { $($own:ident,)* }) => {
        /// Answers the page's calls.
        pub fn handler<R: tauri::Runtime>()
        -> impl Fn(tauri::ipc::Invoke<R>) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$(requests::$name,)* $(shell::$own,)*]
        }

        /// Every command, for the test of the capability file.
        #[cfg(test)]
        const COMMANDS: &[&str] = &[$(stringify!($name),)* $(stringify!($own),)*];
        /// Every request that has a command.
        #[cfg(test)]
        const REQUESTS: &[&str] = &[$($kind,)*];
    };
}

each_command!(handler);

#[cfg(test)]
mod tests;
