//! The charms that come with the program: their sources, embedded.
//!
//! Owns their names and which service of an account each is for. They are
//! charms like any other: compiled, sandboxed and limited the same way.

use charmkeeper_accounts::Service;
use charmkeeper_charms::compile::{CompileError, Program, program_from_files};

/// Prefix of a charm's source that says it came with the program.
pub(crate) const SCHEME: &str = "builtin:";

/// One charm that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// Holds an account's auth cell; one for each account.
    GoogleAuth,
    /// Mail.
    GmailImporter,
    /// Events.
    CalendarImporter,
}

impl Builtin {
    /// Handle, and name of the source file.
    pub(crate) fn handle(self) -> &'static str {
        match self {
            Self::GoogleAuth => "google-auth",
            Self::GmailImporter => "gmail-importer",
            Self::CalendarImporter => "google-calendar-importer",
        }
    }

    /// What is stored as its source.
    pub(crate) fn source(self) -> String {
        format!("{SCHEME}{}", self.handle())
    }

    /// The charm that imports a service.
    pub(crate) fn importer(service: Service) -> Self {
        match service {
            Service::Gmail => Self::GmailImporter,
            Service::Calendar => Self::CalendarImporter,
        }
    }

    /// Its files.
    ///
    /// # Errors
    /// Never in a build that passed its tests.
    pub(crate) fn program(self) -> Result<Program, CompileError> {
        const AUTH: &str = include_str!("../../../../patterns/google-auth.tsx");
        const GOOGLE: &str = include_str!("../../../../patterns/util/google.ts");
        const MAIL: &str = include_str!("../../../../patterns/util/mail.ts");
        const GMAIL: &str = include_str!("../../../../patterns/gmail-importer.tsx");
        const CALENDAR: &str = include_str!("../../../../patterns/google-calendar-importer.tsx");
        let auth = ("/google-auth.tsx", AUTH);
        let google = ("/util/google.ts", GOOGLE);
        let files = match self {
            Self::GoogleAuth => vec![auth],
            Self::GmailImporter => {
                vec![
                    ("/gmail-importer.tsx", GMAIL),
                    auth,
                    google,
                    ("/util/mail.ts", MAIL),
                ]
            }
            Self::CalendarImporter => {
                vec![("/google-calendar-importer.tsx", CALENDAR), auth, google]
            }
        };
        program_from_files(files, &format!("/{}.tsx", self.handle()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_charms::compile::compile;

    #[test]
    fn every_charm_that_comes_with_the_program_compiles() {
        for (builtin, tag) in [
            (Builtin::GoogleAuth, "googleAuth"),
            (Builtin::GmailImporter, "gmailEmails"),
            (Builtin::CalendarImporter, "calendarEvents"),
        ] {
            let compiled = compile(&builtin.program().unwrap()).unwrap();
            assert!(compiled.facts.has_tag(tag), "{:?}", compiled.facts.tags);
            for host in &compiled.facts.hosts {
                assert!(host.ends_with("googleapis.com"), "{builtin:?} calls {host}");
            }
        }
    }
}
