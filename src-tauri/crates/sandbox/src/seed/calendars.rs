//! An account's calendars, and the holidays in one of them.

use charmkeeper_base::UnixMs;
use jiff::civil::Date;

use super::calendar::{blank, shifted};
use super::{BASE32HEX, Dice, HEX};
use crate::world::book::{Calendar, Event};
use crate::world::profile::Profile;
use crate::world::recur::When;

/// Id of the holidays calendar: its `#` has to be encoded in a path.
pub(crate) const HOLIDAYS: &str = "en.german#holiday@group.v.calendar.google.com";

/// The calendars of an account: its own, a shared one, holidays (read only),
/// and a room that is not ticked.
pub(crate) fn calendars(seed: u64, profile: &Profile) -> Vec<Calendar> {
    let dice = Dice::new(seed, "calendars", profile.email, 0);
    let zone = profile.time_zone.to_owned();
    let make =
        |id: &str, summary: &str, role, colors: (&'static str, &'static str, &'static str)| {
            Calendar {
                id: id.to_owned(),
                summary: summary.to_owned(),
                description: None,
                zone: zone.clone(),
                color_id: colors.0,
                background: colors.1,
                foreground: colors.2,
                selected: true,
                primary: false,
                role,
                deleted: false,
                revision: 0,
            }
        };
    let shared = format!("c_{}@group.calendar.google.com", dice.word(HEX, 64));
    let room = format!("c_{}@resource.calendar.google.com", dice.word(HEX, 40));
    vec![
        Calendar {
            primary: true,
            ..make(
                profile.email,
                profile.email,
                "owner",
                ("14", "#9fe1e7", "#000000"),
            )
        },
        Calendar {
            description: Some("Who picks up whom, and when 🚲".to_owned()),
            ..make(
                &shared,
                "Familie & Freunde",
                "writer",
                ("7", "#42d692", "#000000"),
            )
        },
        make(
            HOLIDAYS,
            "Holidays in Germany",
            "reader",
            ("8", "#16a765", "#000000"),
        ),
        Calendar {
            selected: false,
            ..make(
                &room,
                "Room 2.14 (12 seats)",
                "reader",
                ("24", "#a47ae2", "#ffffff"),
            )
        },
    ]
}

/// The holidays around a day.
pub(crate) fn holidays(seed: u64, profile: &Profile, today: Date, now: UnixMs) -> Vec<Event> {
    const DAYS: [(i64, &str); 5] = [
        (-16, "Day of the Lantern"),
        (-2, "Harvest Day"),
        (6, "Feast of the First Snow"),
        (21, "Midwinter"),
        (35, "New Leaf Day"),
    ];
    DAYS.iter()
        .zip(0..)
        .map(|((offset, name), n)| {
            let dice = Dice::new(seed, "holiday", profile.email, n);
            let day = shifted(today, *offset);
            Event {
                id: format!("{}_{}", day.strftime("%Y%m%d"), dice.word(BASE32HEX, 26)),
                free: true,
                organizer: (HOLIDAYS.to_owned(), Some("Holidays in Germany".to_owned())),
                summary: Some((*name).to_owned()),
                ..blank(HOLIDAYS, When::Day(day), When::Day(shifted(day, 1)), now)
            }
        })
        .collect()
}
