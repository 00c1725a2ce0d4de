//! What a request costs, in the units of Google's quotas.
//!
//! Owns: the table by method and path. Figures: Google, "Usage limits" of the
//! Gmail API (messages.get, threads.get, messages.list and history.list as of 1
//! May 2026, the others from the table before, which is the last one seen) and
//! of the Calendar API (one per request). Never counts, never waits.

/// The quota that a request is counted against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Meter {
    /// Gmail's quota units per minute and user.
    Gmail,
    /// Calendar's requests per minute and user.
    Calendar,
}

/// Meter and units of a request to a Google host; `None` where no quota is
/// known. `path` may have a query.
pub(crate) fn cost(method: &str, path: &str) -> Option<(Meter, u32)> {
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/resumable").unwrap_or(path);
    let path = path.strip_prefix("/upload").unwrap_or(path);
    let mut words = path.split('/').filter(|w| !w.is_empty());
    match (words.next()?, words.next()?) {
        ("gmail", "v1") => {
            let rest: Vec<&str> = words.collect();
            let below_user = rest.strip_prefix(&["users"]).and_then(|r| r.get(1..));
            Some((Meter::Gmail, gmail(method, below_user.unwrap_or_default())))
        }
        ("calendar", "v3") => Some((Meter::Calendar, 1)),
        _ => None,
    }
}

/// Units of a Gmail method by what follows `users/{userId}`.
fn gmail(method: &str, words: &[&str]) -> u32 {
    match (method, words) {
        ("GET", ["profile"] | ["labels", ..]) => 1,
        ("GET", ["history"]) => 2,
        ("GET", ["messages", _]) => 20,
        ("GET", ["threads", _]) => 40,
        ("GET", ["threads"]) => 10,
        ("GET", ["settings", ..]) => 1,
        // messages.list, attachments.get, drafts, and what is not in the table.
        ("GET" | "HEAD", _) => 5,
        ("POST", ["messages" | "drafts", "send"] | ["watch"]) => 100,
        ("POST", ["messages", "batchModify" | "batchDelete"] | ["stop"]) => 50,
        ("POST", ["messages"] | ["messages", "import"]) => 25,
        ("POST", ["messages", _, "modify" | "trash" | "untrash"] | ["labels"]) => 5,
        ("DELETE", ["threads", _]) => 20,
        ("PUT", ["drafts", _]) => 15,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_googles() {
        let me = "/gmail/v1/users/me";
        for (method, path, units) in [
            ("GET", "/profile", 1),
            ("GET", "/labels", 1),
            ("GET", "/labels/INBOX", 1),
            ("GET", "/history?startHistoryId=1", 2),
            ("GET", "/messages?q=in:inbox&maxResults=500", 5),
            ("GET", "/messages/18c?format=full", 20),
            ("GET", "/messages/18c/attachments/ANG", 5),
            ("GET", "/threads/18c", 40),
            ("GET", "/threads", 10),
            ("POST", "/messages/send", 100),
            ("POST", "/messages/18c/modify", 5),
            ("POST", "/messages/batchModify", 50),
            ("GET", "/something/new", 5),
            ("PATCH", "/something/new", 10),
        ] {
            assert_eq!(
                cost(method, &format!("{me}{path}")),
                Some((Meter::Gmail, units)),
                "{path}"
            );
        }
        assert_eq!(
            cost(
                "POST",
                "/upload/gmail/v1/users/me/messages/send?uploadType=media"
            ),
            Some((Meter::Gmail, 100))
        );
        assert_eq!(cost("GET", "/gmail/v1"), Some((Meter::Gmail, 5)));
    }

    #[test]
    fn calendar_counts_requests_and_other_services_nothing() {
        let list = "/calendar/v3/users/me/calendarList";
        assert_eq!(cost("GET", list), Some((Meter::Calendar, 1)));
        for other in [
            "/v1/userinfo",
            "/drive/v3/files",
            "/",
            "",
            "/batch/gmail/v1",
        ] {
            assert_eq!(cost("GET", other), None, "{other}");
        }
    }
}
