//! How long a server asks us to wait.
//!
//! Owns: the forms in which the wait is given (`Retry-After` as seconds or as a
//! date, RFC 9110 §10.2.3; "Retry after <RFC 3339>" in Google's message text;
//! `retryDelay` of google.rpc.RetryInfo) and the limit on absurd ones. Never
//! reads a clock.

use std::time::Duration;

use charmkeeper_base::UnixMs;

/// The longest pause, whatever is asked for. Google's own are about 15 minutes.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(3600);

/// What an answer says about waiting.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// `Date` of the answer: dates are compared with it, so that a wrong clock
    /// on this computer does not matter.
    pub date: Option<&'a str>,
    /// The error's message.
    pub text: &'a str,
    /// `retryDelay`, as in `30s` or `1.5s`.
    pub delay: Option<&'a str>,
}

impl Asked<'_> {
    /// The longest wait that is asked for, uncapped; `None` when there is none
    /// or it is over already. `now` stands in for a missing `Date`.
    pub(crate) fn wait(&self, now: UnixMs) -> Option<Duration> {
        let server_now = self.date.and_then(http_date).unwrap_or(now);
        let until = |moment: UnixMs| moment.since(server_now);
        let header = self
            .retry_after
            .map(str::trim)
            .and_then(|value| seconds(value).or_else(|| http_date(value).map(until)));
        let text = text_moment(self.text).map(until);
        let delay = self
            .delay
            .and_then(|d| d.strip_suffix('s'))
            .and_then(fraction);
        [header, text, delay]
            .into_iter()
            .flatten()
            .max()
            .filter(|d| !d.is_zero())
    }
}

/// Digits only; a number too large for the type is simply very long.
fn seconds(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))))
}

fn fraction(value: &str) -> Option<Duration> {
    let seconds: f64 = value.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn http_date(value: &str) -> Option<UnixMs> {
    let moment = httpdate::parse_http_date(value.trim()).ok()?;
    let since = moment.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UnixMs(i64::try_from(since.as_millis()).ok()?))
}

/// The moment after the words "retry after".
fn text_moment(text: &str) -> Option<UnixMs> {
    let lower = text.to_ascii_lowercase();
    let at = lower.find("retry after ")? + "retry after ".len();
    let word = text.get(at..)?.split_whitespace().next()?;
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '-');
    UnixMs::parse_rfc3339(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_251_600_000); // 2026-11-21T09:00:00Z, a Saturday

    fn wait(asked: Asked<'_>) -> Option<f64> {
        asked.wait(NOW).map(|d| d.as_secs_f64())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, want) in [
            ("30", Some(30.0)),
            (" 120 ", Some(120.0)),
            ("Sat, 21 Nov 2026 09:05:00 GMT", Some(300.0)),
            ("Saturday, 21-Nov-26 09:05:00 GMT", Some(300.0)),
            ("Sat, 21 Nov 2026 08:00:00 GMT", None),
            ("0", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", Some(f64::from(u32::MAX))),
        ] {
            let asked = Asked {
                retry_after: Some(value),
                ..Asked::default()
            };
            assert_eq!(wait(asked), want, "{value}");
        }
    }

    #[test]
    fn the_text_and_the_delay_count_and_the_longest_wins() {
        let text = "User-rate limit exceeded.  Retry after 2026-11-21T09:15:00.500Z";
        assert_eq!(
            wait(Asked {
                text,
                ..Asked::default()
            }),
            Some(900.5)
        );
        let quoted = "(retry after 2026-11-21T10:15:00+01:00).";
        assert_eq!(
            wait(Asked {
                text: quoted,
                ..Asked::default()
            }),
            Some(900.0)
        );
        let both = Asked {
            text,
            retry_after: Some("1000"),
            ..Asked::default()
        };
        assert_eq!(wait(both), Some(1000.0));
        assert_eq!(
            wait(Asked {
                delay: Some("1.5s"),
                ..Asked::default()
            }),
            Some(1.5)
        );
        for nonsense in ["Retry after lunch", "Retry after ", "Ünïcode retry after ä"] {
            assert_eq!(
                wait(Asked {
                    text: nonsense,
                    ..Asked::default()
                }),
                None
            );
        }
        assert_eq!(
            wait(Asked {
                delay: Some("-3s"),
                ..Asked::default()
            }),
            None
        );
    }

    #[test]
    fn a_wrong_clock_here_does_not_matter_when_the_server_says_its_time() {
        let asked = Asked {
            retry_after: Some("Thu, 01 Jan 2026 00:02:00 GMT"),
            date: Some("Thu, 01 Jan 2026 00:00:00 GMT"),
            ..Asked::default()
        };
        assert_eq!(wait(asked), Some(120.0));
    }
}
