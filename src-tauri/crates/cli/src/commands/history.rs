//! `history`: a list for people, or an export as JSON or CSV.

use std::process::ExitCode;

use charmkeeper_base::{Clock, Outcome, SystemClock, UnixMs};
use charmkeeper_keeper::api::{HistoryFilter, Request, RunView};
use charmkeeper_keeper::export::{CSV_HEADING, RunJson, csv_line};

use super::{Asking, print_json, show_progress};
use crate::args::{Common, HistoryArgs};
use crate::failure::Failure;
use crate::{output, render};

pub(crate) async fn run(common: &Common, args: &HistoryArgs) -> Result<ExitCode, Failure> {
    let filter = filter(args, SystemClock::default().now())?;
    let mut session = Asking::open(common).await?;
    let runs: Result<Vec<RunView>, _> = session.ask(Request::History(filter), show_progress).await;
    session.warn().await;
    session.close().await;
    let runs = runs?;
    match (args.format.as_deref(), common.json) {
        (Some("csv"), _) => csv(&runs),
        (Some(_), _) | (None, true) => {
            print_json(&runs.iter().map(RunJson::of).collect::<Vec<_>>())?;
        }
        (None, false) if runs.is_empty() => output::line("No runs."),
        (None, false) => output::table(&runs.iter().map(render::run_row).collect::<Vec<_>>()),
    }
    Ok(ExitCode::SUCCESS)
}

fn filter(args: &HistoryArgs, now: UnixMs) -> Result<HistoryFilter, Failure> {
    let outcome = match args.outcome.as_deref() {
        None => None,
        Some(word) => Some(Outcome::parse(word).ok_or_else(|| {
            let all: Vec<_> = Outcome::ALL.iter().map(|o| o.as_str()).collect();
            Failure::usage(format!(
                "{word} is not an outcome; use one of {}.",
                all.join(", ")
            ))
        })?),
    };
    let since = match args.since.as_deref() {
        None => None,
        Some(text) => Some(moment(text, now).ok_or_else(|| {
            Failure::usage(format!(
                "{text} is not a time; use 2026-11-21T09:00:00Z, 2026-11-21, or an age as in 30m, 12h, 2d."
            ))
        })?),
    };
    Ok(HistoryFilter {
        charm: args.charm.clone(),
        outcome,
        since,
        changed: args.changed,
        limit: if args.limit == 0 {
            u32::MAX
        } else {
            args.limit
        },
        ..HistoryFilter::default()
    })
}

/// An RFC 3339 time, a local date, or an age such as `90s`, `30m`, `12h`, `2d`, `1w`.
fn moment(text: &str, now: UnixMs) -> Option<UnixMs> {
    if let Some(at) = UnixMs::parse_rfc3339(text) {
        return Some(at);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        let start = date.to_zoned(jiff::tz::TimeZone::system()).ok()?;
        return Some(UnixMs(start.timestamp().as_millisecond()));
    }
    let unit = text.chars().last()?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    if number < 0 {
        return None;
    }
    Some(UnixMs(now.0.saturating_sub(
        number.saturating_mul(seconds).saturating_mul(1000),
    )))
}

fn csv(runs: &[RunView]) {
    output::line(CSV_HEADING);
    runs.iter().for_each(|run| output::line(&csv_line(run)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_times_are_read() {
        let now = UnixMs(1_000_000_000);
        assert_eq!(moment("2d", now), Some(UnixMs(1_000_000_000 - 172_800_000)));
        assert_eq!(moment("90s", now), Some(UnixMs(1_000_000_000 - 90_000)));
        assert_eq!(moment("1970-01-01T00:00:01Z", now), Some(UnixMs(1000)));
        assert!(moment("2026-11-21", now).is_some());
        for bad in ["", "d", "-2d", "tomorrow", "5y", "é"] {
            assert_eq!(moment(bad, now), None, "{bad}");
        }
        assert!(
            moment("99999999999999999d", now).is_some(),
            "absurd ages saturate"
        );
    }
}
