//! The accounts that can sign in. They are the same for every seed, so that
//! scripts can name them.

use serde::Serialize;

/// One account of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Stable numeric id, as Google's `sub`.
    pub sub: &'static str,
    /// Address and key of the account.
    pub email: &'static str,
    /// Full display name.
    pub name: &'static str,
    /// First part of the name.
    pub given_name: &'static str,
    /// Last part of the name; may be empty.
    pub family_name: &'static str,
    /// IANA name of the account's time zone.
    pub time_zone: &'static str,
    /// BCP 47 language.
    pub locale: &'static str,
}

/// The first account, the one that is signed in when nothing else is said.
pub const SAMPLE_ACCOUNT: &str = "sample@sandbox.example";

/// Every account: an ordinary one, a second one for several-account set-ups, a
/// right-to-left name, and a name and address too long for one line.
pub const PROFILES: [Profile; 4] = [
    Profile {
        sub: "104205310886203270911",
        email: SAMPLE_ACCOUNT,
        name: "Sample Account",
        given_name: "Sample",
        family_name: "Account",
        time_zone: "Europe/Berlin",
        locale: "en",
    },
    Profile {
        sub: "108551903471225610042",
        email: "work@sandbox.example",
        name: "Sample Work Account",
        given_name: "Sample Work",
        family_name: "Account",
        time_zone: "America/New_York",
        locale: "en",
    },
    Profile {
        sub: "110073365418870929313",
        email: "tajriba@sandbox.example",
        name: "حساب تجريبي للقراءة من اليمين",
        given_name: "حساب تجريبي",
        family_name: "للقراءة من اليمين",
        time_zone: "Asia/Dubai",
        locale: "ar",
    },
    Profile {
        sub: "115920047736158824604",
        email: "an-address-that-is-much-too-long-for-one-line@a-long-department.sandbox.example",
        name: "Sample Account With a Name So Long That It Has to Wrap Instead of Pushing Everything Else Aside",
        given_name: "Sample Account With a Name So Long",
        family_name: "That It Has to Wrap Instead of Pushing Everything Else Aside",
        time_zone: "UTC",
        locale: "en-GB",
    },
];

impl Profile {
    /// Finds an account by address or by `sub`, as `login_hint` may name it.
    pub(crate) fn find(hint: &str) -> Option<&'static Self> {
        PROFILES
            .iter()
            .find(|p| p.email.eq_ignore_ascii_case(hint) || p.sub == hint)
    }
}
