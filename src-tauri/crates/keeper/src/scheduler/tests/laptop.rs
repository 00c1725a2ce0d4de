//! A year of a laptop's life, from a seed: sleep, lost networks, changed
//! clocks, dead sign-ins, quotas, outages, bugs, impatient people, crashes of
//! the program. After every step the promises of the scheduler are checked.

mod checks;
mod events;
mod world;

use world::World;

const DAY_MS: u64 = 86_400_000;

#[test]
fn a_year_of_laptop_life_keeps_every_promise() {
    let mut world = World::new(2026, true);
    world.live(365 * DAY_MS);
    let tally = &world.tally;
    // The year was eventful, or the checks have seen nothing.
    assert!(tally.runs > 50_000, "{tally:?}");
    assert!(
        tally.wakes > 500 && tally.jumps > 20 && tally.crashes > 20,
        "{tally:?}"
    );
    assert!(
        tally.offline > 300 && tally.paused_after_failures > 5,
        "{tally:?}"
    );
    assert!(
        tally.needs_sign_in > 3 && tally.working_again > 10,
        "{tally:?}"
    );
    assert!(tally.missed > 100 && tally.skipped > 50, "{tally:?}");
}

#[test]
fn months_on_machines_that_do_not_report_sleep_keep_them_too() {
    for seed in 0..6 {
        World::new(seed, false).live(30 * DAY_MS);
    }
}

#[test]
fn the_same_seed_lives_the_same_life() {
    let life = |seed| {
        let mut world = World::new(seed, true);
        world.live(10 * DAY_MS);
        world.digest
    };
    assert_eq!(life(5), life(5));
    assert_ne!(life(5), life(6));
}
