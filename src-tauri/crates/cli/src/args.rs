//! The command line as a contract: names, flags, help texts.
//!
//! Owns: parsing and what `--help` says. Never does any work.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Keeps your charms running while the browser is closed.
#[derive(Debug, Parser)]
#[command(
    name = "charmkeeper",
    version,
    about,
    long_about = "Keeps your charms running while the browser is closed: signs in to Google, runs \
each charm's background update on a timer, and keeps a history of every run.\n\nWithout a command \
it opens the tray and the window.",
    after_help = "Exit codes: 0 done, 1 the work failed, 2 wrong usage (an unknown charm, run \
or path too), 3 the keeper cannot be \
reached or started, 69 no display for a command that needs one.\n\nExamples:\n  charmkeeper sandbox --once         try everything without a Google account\n  \
charmkeeper connect google         sign in and add the Gmail and Calendar charms\n  \
charmkeeper serve                  run without a display until stopped\n  charmkeeper history --changed      what changed, newest first"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Start in the tray without opening the window; what start at login uses.
    #[arg(long)]
    pub(crate) background: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Data folder of this profile.
    #[arg(long, value_name = "DIR", env = "CHARMKEEPER_HOME", global = true)]
    pub(crate) home: Option<PathBuf>,
    /// Print JSON on standard output; everything else goes to standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Allow CHARMKEEPER_GOOGLE_BASE_URL to redirect Google's addresses in a release build.
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) allow_insecure_endpoints: bool,
    /// Seconds that one run of a charm may take before it is ended (1 to 600).
    #[arg(
        long,
        global = true,
        hide = true,
        default_value_t = 120,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u16).range(1..=600)
    )]
    pub(crate) run_limit: u16,
    /// Seconds after which another computer may run what this one ran and does not
    /// renew (2 to 900).
    #[arg(
        long,
        global = true,
        hide = true,
        default_value_t = 900,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u16).range(2..=900)
    )]
    pub(crate) lease: u16,
    /// Say more about what the keeper does (repeat for even more).
    #[arg(short, long, action = clap::ArgAction::Count, global = true, hide_short_help = true)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the keeper without a display, until it is told to stop.
    #[command(
        after_help = "Example:\n  charmkeeper serve --home ~/charms\n\nStop it with Ctrl-C or SIGTERM: runs that are going on get five seconds to end."
    )]
    Serve,
    /// Try everything: a stand-in for Google starts and our charms run against it.
    #[command(
        long_about = "Starts a try-out profile: a stand-in for Google on this computer, a sample \
account that is signed in, and our Gmail and Calendar charms running against it. Nothing leaves \
this computer.",
        after_help = "Examples:\n  charmkeeper sandbox                run until Ctrl-C, printing each run\n  \
charmkeeper sandbox --once --json  run every charm twice and print the result\n  \
charmkeeper sandbox --space-url http://localhost:8000   keep the cells in a space there"
    )]
    Sandbox(SandboxArgs),
    /// Sign in to an account.
    #[command(
        after_help = "Examples:\n  charmkeeper connect google\n  charmkeeper connect google --services gmail\n  \
charmkeeper connect google --client ~/Downloads/client_secret_123.json\n  \
charmkeeper connect google --print-url   open the address yourself, on this computer"
    )]
    Connect(ConnectArgs),
    /// List accounts.
    Accounts,
    /// Revoke an account's access and forget it.
    #[command(after_help = "Example:\n  charmkeeper disconnect ada@example.com")]
    Disconnect {
        /// Account id or email address, as `accounts` lists it.
        account: String,
    },
    /// Connect remote spaces and look after what waits for them.
    #[command(subcommand)]
    Space(SpaceCommand),
    /// Run a piece of a remote space in the background, here; a star is not needed.
    #[command(
        after_help = "Example:\n  charmkeeper register --space did:key:z6Mk... --piece fid1:... --integration gmail"
    )]
    Register {
        /// `did:key` of the piece's space.
        #[arg(long, value_name = "DID")]
        space: String,
        /// Id of the piece, `fid1:...`.
        #[arg(long, value_name = "ID")]
        piece: String,
        /// Label for the log, `gmail`; nothing depends on it here.
        #[arg(long, value_name = "NAME")]
        integration: String,
    },
    /// List charms.
    Charms,
    /// Add a charm from a file, a folder or an https address.
    #[command(after_help = "Examples:\n  charmkeeper add ./weather.tsx\n  \
charmkeeper add ./weather.tsx --argument '{\"city\": \"Oslo\"}'\n  charmkeeper add ./weather.tsx --allow-host api.example.com")]
    Add(AddArgs),
    /// Remove a charm and its cells. Its history stays.
    Remove {
        /// Name of the charm, as `charms` lists it.
        charm: String,
    },
    /// Stop a charm's timer.
    Pause {
        /// Name of the charm, as `charms` lists it.
        charm: String,
    },
    /// Start a charm's timer again.
    Resume {
        /// Name of the charm, as `charms` lists it.
        charm: String,
    },
    /// Choose which charm or account a charm works with, where several fit.
    #[command(
        after_help = "Examples:\n  charmkeeper use weekly-report                                   what it looks for, and what it gets\n  \
charmkeeper use weekly-report '#googleAuth' kim@example.com   always this one\n  \
charmkeeper use weekly-report '#googleAuth' --automatic       choose by itself again"
    )]
    Use(UseArgs),
    /// Run a charm once, now, and show what happened.
    #[command(
        long_about = "Runs a charm once, waits for it, and shows the outcome, the requests, the \
changed cells and the log. A path to a charm's source works as well: its cells are kept, but it \
gets no timer.",
        after_help = "Examples:\n  charmkeeper run gmail-importer\n  charmkeeper run ./weather.tsx --argument '{\"city\": \"Oslo\"}'"
    )]
    Run(RunArgs),
    /// Show what a charm's cells hold now.
    #[command(
        after_help = "Examples:\n  charmkeeper cells gmail-importer\n  charmkeeper cells gmail-importer emails/0/subject"
    )]
    Cells {
        /// Name of the charm, as `charms` lists it.
        charm: String,
        /// Path inside its cells, with slashes.
        path: Option<String>,
    },
    /// List runs, newest first.
    #[command(
        after_help = "Examples:\n  charmkeeper history --changed\n  charmkeeper history --charm gmail-importer --outcome failed --since 2d\n  \
charmkeeper history --format csv > runs.csv"
    )]
    History(HistoryArgs),
    /// Show the state of the keeper, its charms and accounts.
    Status,
    /// Check this computer: keychain, worker isolation, data folder, network.
    Doctor,
    /// The worker process; started by the keeper, not by people.
    #[command(hide = true)]
    Worker,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpaceCommand {
    /// Connect your home space, or a named one, with your key.
    #[command(
        after_help = "Examples:\n  charmkeeper space connect --url https://toolshed.example --key-file my.pem\n  \
charmkeeper space connect --url https://toolshed.example --mnemonic-stdin < words.txt"
    )]
    Connect(SpaceConnectArgs),
    /// Place a charm of this computer in a connected space, where others find it.
    #[command(
        long_about = "Places a charm of this computer in a connected space: its cells and its \
source are created there, and it is put on the space's list of pieces. The charm goes on running \
here, and what it writes is synced from then on. Doing it twice changes nothing.",
        after_help = "Examples:\n  charmkeeper space publish weather --space \"my notes\"\n  \
charmkeeper space publish weather --space did:key:z6Mk... --favorite"
    )]
    Publish {
        /// Name of the charm, as `charms` lists it.
        charm: String,
        /// Name or `did:key` of the space, as `space status` shows it.
        #[arg(long, value_name = "NAME|DID")]
        space: String,
        /// Also put it among your favorites, in your home space.
        #[arg(long)]
        favorite: bool,
    },
    /// Show every space, what waits for it and what is stuck.
    Status,
    /// Try a stuck change again.
    Retry {
        /// Its number, as `space status` shows it.
        id: u64,
    },
    /// Run a charm here that another of your computers, or the server, runs.
    TakeOver {
        /// Name of the charm, as `charms` lists it.
        charm: String,
    },
    /// Give a stuck change up.
    Drop {
        /// Its number, as `space status` shows it.
        id: u64,
    },
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("key").required(true))]
pub(crate) struct SpaceConnectArgs {
    /// Address of the server, as you open it in the browser.
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// Your key as a PKCS8 file (PEM).
    #[arg(long, value_name = "PEM", group = "key")]
    pub(crate) key_file: Option<PathBuf>,
    /// Read your 24 words from standard input.
    #[arg(long, group = "key")]
    pub(crate) mnemonic_stdin: bool,
    /// Read a passphrase from standard input (for development: it is weak).
    #[arg(long, group = "key")]
    pub(crate) passphrase_stdin: bool,
    /// A named space; your home space when left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// The space is new and yours: write its access list.
    #[arg(long)]
    pub(crate) claim: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UseArgs {
    /// Name of the charm, as `charms` lists it.
    pub(crate) charm: String,
    /// What it looks for, as in `#googleAuth`.
    pub(crate) tag: Option<String>,
    /// The charm or account that it is to get: a name, or an email address.
    #[arg(requires = "tag", conflicts_with = "automatic")]
    pub(crate) choice: Option<String>,
    /// Let it choose by itself again.
    #[arg(long, requires = "tag")]
    pub(crate) automatic: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// End after every charm ran twice.
    #[arg(long)]
    pub(crate) once: bool,
    /// Number that decides what the sample mailbox holds.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// How many messages the sample mailbox starts with.
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) messages: u32,
    /// Port of the stand-in for Google; any free one when left out.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Keep the charms' cells in a remote space on this server, without a window.
    #[arg(long, value_name = "URL")]
    pub(crate) space_url: Option<String>,
    /// The remote space; one of its own when left out.
    #[arg(long, value_name = "NAME", requires = "space_url")]
    pub(crate) space: Option<String>,
    /// Your key as a PKCS8 file (PEM); one that everybody knows when none is given.
    #[arg(long, value_name = "PEM", group = "key", requires = "space_url")]
    pub(crate) key_file: Option<PathBuf>,
    /// Read your 24 words from standard input.
    #[arg(long, group = "key", requires = "space_url")]
    pub(crate) mnemonic_stdin: bool,
    /// Read a passphrase from standard input (for development: it is weak).
    #[arg(long, group = "key", requires = "space_url")]
    pub(crate) passphrase_stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// The provider.
    #[arg(value_parser = ["google"])]
    pub(crate) provider: String,
    /// What to ask for.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LIST",
        default_value = "gmail,calendar"
    )]
    pub(crate) services: Vec<String>,
    /// Your own Google client: the downloaded client_secret_*.json.
    #[arg(long, value_name = "FILE")]
    pub(crate) client: Option<PathBuf>,
    /// Print the sign-in address instead of opening a browser.
    #[arg(long)]
    pub(crate) print_url: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A .tsx file, a folder with a main.tsx, or an https address.
    pub(crate) source: String,
    /// Local space to put it in; made when it does not exist.
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// Inputs as a JSON object, over the defaults of the charm's types.
    #[arg(long, value_name = "JSON")]
    pub(crate) argument: Option<String>,
    /// Another host the charm may call, besides those its source names.
    #[arg(long = "allow-host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Name of a charm, or a path to a charm's source.
    pub(crate) charm: String,
    /// Inputs to set before the run, as a JSON object.
    #[arg(long, value_name = "JSON")]
    pub(crate) argument: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only this charm.
    #[arg(long, value_name = "CHARM")]
    pub(crate) charm: Option<String>,
    /// Only this outcome, as in `failed`.
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) outcome: Option<String>,
    /// Only runs since then: a time (2026-11-21T09:00:00Z) or an age (30m, 12h, 2d).
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only runs that changed something.
    #[arg(long)]
    pub(crate) changed: bool,
    /// At most this many rows; 0 for all.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: u32,
    /// Export as `json` or `csv`.
    #[arg(long, value_parser = ["json", "csv"], value_name = "FORMAT")]
    pub(crate) format: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_can_be_parsed_as_documented() {
        for line in [
            "charmkeeper",
            "charmkeeper --background",
            "charmkeeper serve --home /x --json",
            "charmkeeper serve --run-limit 3",
            "charmkeeper sandbox --once --json",
            "charmkeeper sandbox --space-url http://x --space n --passphrase-stdin",
            "charmkeeper space publish c --space n --favorite",
            "charmkeeper connect google --services gmail,calendar --print-url",
            "charmkeeper accounts",
            "charmkeeper disconnect a@b.c",
            "charmkeeper charms",
            "charmkeeper add x.tsx --space s --argument {}",
            "charmkeeper run x --argument {}",
            "charmkeeper cells x emails/0",
            "charmkeeper history --charm c --outcome ok --since 2d --changed --format csv",
            "charmkeeper status",
            "charmkeeper doctor",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
        assert!(Cli::try_parse_from(["charmkeeper", "connect", "yahoo"]).is_err());
        let keyless = ["charmkeeper", "sandbox", "--key-file", "x.pem"];
        assert!(
            Cli::try_parse_from(keyless).is_err(),
            "a key without a space"
        );
        for wrong in ["0", "601", "soon"] {
            let line = ["charmkeeper", "serve", "--run-limit", wrong];
            assert!(Cli::try_parse_from(line).is_err(), "{wrong}");
        }
    }
}
