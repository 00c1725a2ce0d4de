//! Tests on texts of real systems, and of the judgement on a scripted one.

use std::sync::{Arc, Mutex};

use super::*;

const HEAD: &str =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const WIFI: &str = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n";
const OWN_NET: &str = "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n";
const DOCKER: &str = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
const VPN_HALF: &str = "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n";
const TETHER: &str = "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n";
const BLOCKED: &str = "*\t00000000\t00000000\t0201\t0\t0\t9999\t00000000\t0\t0\t0\n";

const V6_DEFAULT: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
fe80000000000000020c29fffe123456 00000400 00000003 00000000 00000003     eth0\n";
const V6_LOCAL: &str = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0\n\
00000000000000000000000000000001 80 00000000000000000000000000000000 00 \
00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo\n\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

fn v4(lines: &[&str]) -> Routes {
    let text = HEAD.to_owned() + &lines.concat();
    Routes::parse(Some(&text), Some(V6_LOCAL)).expect("both texts are there")
}

#[test]
fn routes_that_lead_out_are_told_from_those_that_do_not() {
    let table: [(&[&str], bool); 8] = [
        (&[], false),
        (&[WIFI, OWN_NET], true),
        (&[OWN_NET, DOCKER], false),
        (&[VPN_HALF], true),
        (&[TETHER], true),
        (&[BLOCKED], false),
        (
            &["lo\t00000000\t00000000\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"],
            false,
        ),
        (&["junk\n", "\n", "eth0 zz yy\n"], false),
    ];
    for (lines, lead_out) in table {
        assert_eq!(v4(lines).lead_out, lead_out, "{lines:?}");
    }
    let out = |v4: Option<&str>, v6: Option<&str>| Routes::parse(v4, v6).map(|r| r.lead_out);
    assert_eq!(out(None, None), None);
    assert_eq!(out(Some(HEAD), None), Some(false));
    assert_eq!(out(None, Some(V6_LOCAL)), Some(false));
    assert_eq!(
        out(Some(HEAD), Some(&(V6_LOCAL.to_owned() + V6_DEFAULT))),
        Some(true)
    );
    assert_ne!(v4(&[WIFI]).print, v4(&[VPN_HALF]).print);
    assert_eq!(
        v4(&[WIFI, DOCKER]).print,
        v4(&[WIFI]).print,
        "a container is no new network"
    );
}

#[test]
fn mains_battery_and_gadgets() {
    let laptop = |status: &str| {
        format!("POWER_SUPPLY_NAME=BAT0\nPOWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS={status}\n")
    };
    let mains = |online: u8| format!("POWER_SUPPLY_TYPE=Mains\nPOWER_SUPPLY_ONLINE={online}\n");
    let usb = |online: u8| format!("POWER_SUPPLY_TYPE=USB\nPOWER_SUPPLY_ONLINE={online}\n");
    let mouse = laptop("Discharging") + "POWER_SUPPLY_SCOPE=Device\n";
    let table = [
        (vec![], false),
        (vec![mains(1), laptop("Charging")], false),
        (vec![mains(0), laptop("Discharging")], true),
        (vec![laptop("Discharging")], true),
        (vec![mains(1), laptop("Discharging")], false),
        (vec![mains(0), usb(1), laptop("Discharging")], false),
        (vec![mains(0), usb(0), laptop("Full")], false),
        (vec![mouse.clone()], false),
        (vec![mouse, mains(1)], false),
        (vec!["nonsense".to_owned(), String::new()], false),
    ];
    for (texts, expected) in table {
        assert_eq!(supply::on_battery(texts.clone()), expected, "{texts:?}");
    }
    assert!(supply::is_saving("low-power\n"));
    assert!(!supply::is_saving("balanced\n") && !supply::is_saving(""));
}

/// A system that says what the test wrote.
#[derive(Clone, Debug, Default)]
struct Script(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    slept: Option<Duration>,
    routes: Option<Routes>,
    power: PowerReading,
}

impl Script {
    fn set(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap());
    }
    fn routes(&self, lines: Option<&[&str]>) {
        self.set(|s| s.routes = lines.map(v4));
    }
}

impl Senses for Script {
    fn slept(&self) -> Option<Duration> {
        self.0.lock().unwrap().slept
    }
    fn routes(&self) -> Option<Routes> {
        self.0.lock().unwrap().routes
    }
    fn power(&self) -> PowerReading {
        self.0.lock().unwrap().power
    }
}

fn rig() -> (Script, Surroundings<Script>) {
    let script = Script::default();
    script.set(|s| s.slept = Some(Duration::from_secs(100)));
    script.routes(Some(&[WIFI]));
    let surroundings = Surroundings::new(script.clone(), false);
    (script, surroundings)
}

fn network(online: bool) -> Vec<Input> {
    vec![Input::NetworkChanged { online }]
}

#[test]
fn offline_needs_a_failed_call_and_no_route() {
    let (script, mut around) = rig();
    // No route alone, as in a container that talks to itself: still online.
    script.routes(Some(&[]));
    assert_eq!(around.look(), []);
    assert_eq!(around.look_again(), None);
    assert_eq!(around.after_calls(true, false), []);
    assert!(around.is_online());
    // A failed call with a route: still online.
    script.routes(Some(&[WIFI]));
    assert_eq!(around.after_calls(false, true), []);
    assert!(around.is_online());
    // Both: offline, once, until there is a route again.
    script.routes(Some(&[OWN_NET]));
    assert_eq!(around.after_calls(false, true), network(false));
    assert_eq!(around.after_calls(false, true), []);
    assert!(!around.is_online());
    assert_eq!(around.look(), []);
    assert!(
        around
            .look_again()
            .is_some_and(|d| d <= Duration::from_secs(2))
    );
    script.routes(Some(&[WIFI]));
    assert_eq!(around.look(), network(true));
    assert_eq!(around.look(), []);
    assert_eq!(around.look_again(), None);
}

#[test]
fn an_answer_ends_offline_without_a_route() {
    let (script, mut around) = rig();
    script.routes(Some(&[]));
    assert_eq!(around.after_calls(false, true), network(false));
    // A run by hand that got through in part.
    assert_eq!(around.after_calls(true, true), network(true));
    assert!(around.is_online());
}

#[test]
fn targets_on_this_computer_need_no_route() {
    let (script, _) = rig();
    script.routes(Some(&[]));
    let mut around = Surroundings::new(script, true);
    assert_eq!(around.after_calls(false, true), []);
    assert!(around.is_online());
}

#[test]
fn a_joined_network_or_an_answer_ends_doubt() {
    let (script, mut around) = rig();
    assert_eq!(around.after_calls(false, true), []);
    assert_eq!(around.look(), []);
    assert_eq!(around.look_again(), Some(LOOK_DOUBTFUL));
    script.routes(Some(&[VPN_HALF]));
    assert_eq!(around.look(), network(true));
    assert_eq!(around.after_calls(false, true), []);
    assert_eq!(
        around.after_calls(true, true),
        [],
        "only a part got through"
    );
    assert_eq!(around.after_calls(true, false), network(true));
    assert_eq!(around.after_calls(true, false), [], "no news");
    assert_eq!(
        around.after_calls(false, false),
        [],
        "a run without calls says nothing"
    );
}

#[test]
fn where_routes_are_unknown_the_network_is_never_gone() {
    let (script, mut around) = rig();
    script.routes(None);
    for _ in 0..3 {
        assert_eq!(around.after_calls(false, true), []);
        assert_eq!(around.look(), []);
    }
    assert!(around.is_online());
}

#[test]
fn sleep_is_reported_once_and_naps_add_up() {
    let (script, mut around) = rig();
    assert!(around.reports_sleep());
    assert_eq!(around.look(), []);
    let woke = |s| {
        vec![Input::Woke {
            uncounted: Duration::from_secs(s),
        }]
    };
    script.set(|s| s.slept = Some(Duration::from_secs(100 + 8 * 3600)));
    assert_eq!(around.look(), woke(8 * 3600));
    assert_eq!(around.look(), []);
    for (slept, expected) in [(6, vec![]), (9, vec![]), (12, woke(12))] {
        script.set(|s| s.slept = Some(Duration::from_secs(100 + 8 * 3600 + slept)));
        assert_eq!(around.look(), expected, "{slept}");
    }
    script.set(|s| s.slept = None);
    let mut blind = Surroundings::new(script, false);
    assert!(!blind.reports_sleep());
    assert_eq!(blind.look(), []);
}

#[test]
fn power_is_told_when_it_changes() {
    let (script, mut around) = rig();
    let battery = PowerReading {
        on_battery: true,
        ..PowerReading::default()
    };
    script.set(|s| s.power = battery);
    assert_eq!(around.look(), [Input::Power(battery)]);
    assert_eq!(around.look(), []);
    assert_eq!(
        around.look_again(),
        Some(LOOK_POWER),
        "the end of it must be noticed"
    );
    script.set(|s| s.power = PowerReading::default());
    assert_eq!(around.look(), [Input::Power(PowerReading::default())]);
    assert_eq!(around.look_again(), None);
}

#[test]
fn a_metered_network_is_told_and_needs_no_further_look() {
    let (_script, mut around) = rig();
    around.metered(true);
    let metered = PowerReading {
        metered: true,
        ..PowerReading::default()
    };
    assert_eq!(around.look(), [Input::Power(metered)]);
    assert_eq!(around.look(), []);
    assert_eq!(around.look_again(), None, "its end is told as well");
    around.metered(false);
    assert_eq!(around.look(), [Input::Power(PowerReading::default())]);
}

#[cfg(target_os = "linux")]
#[test]
fn this_system_answers() {
    let system = System::default();
    let (first, second) = (system.slept().unwrap(), system.slept().unwrap());
    assert!(
        first.abs_diff(second) < Duration::from_secs(1),
        "nobody slept in between"
    );
    assert!(system.routes().is_some(), "every Linux has /proc/net/route");
    // A machine without these files is on mains and has no routes to tell of.
    let nowhere = std::path::PathBuf::from("/nonexistent");
    let bare = System {
        proc_net: nowhere.clone(),
        supplies: nowhere.clone(),
        profile: nowhere,
    };
    assert_eq!(bare.routes(), None);
    assert_eq!(bare.power(), PowerReading::default());
}

#[cfg(target_os = "linux")]
#[test]
fn power_is_read_from_the_folder_of_supplies() {
    let folder = tempfile::tempdir().unwrap();
    let battery = folder.path().join("BAT0");
    std::fs::create_dir(&battery).unwrap();
    let text = "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS=Discharging\n";
    std::fs::write(battery.join("uevent"), text).unwrap();
    let profile = folder.path().join("profile");
    std::fs::write(&profile, "low-power\n").unwrap();
    let system = System {
        supplies: folder.path().into(),
        profile,
        ..System::default()
    };
    let expected = PowerReading {
        on_battery: true,
        saver: true,
        metered: false,
    };
    assert_eq!(system.power(), expected);
}

#[tokio::test]
async fn the_timer_fires_in_order_and_a_later_sleep_takes_it_over() {
    let timer = WakeTimer::new();
    let begin = std::time::Instant::now();
    timer.sleep(Some(Duration::ZERO)).await;
    timer.sleep(Some(Duration::from_millis(20))).await;
    assert!(begin.elapsed() >= Duration::from_millis(20));
    // A sleep that was given up leaves nothing behind, fired or not.
    for given_up in [Duration::from_millis(1), Duration::from_secs(3600)] {
        tokio::select! {
            biased;
            () = timer.sleep(Some(given_up)) => {}
            () = tokio::task::yield_now() => {}
        }
        WakeTimer::new().sleep(Some(Duration::from_millis(5))).await;
        let begin = std::time::Instant::now();
        timer.sleep(Some(Duration::from_millis(30))).await;
        let took = begin.elapsed();
        assert!(
            took >= Duration::from_millis(30),
            "{took:?} after {given_up:?}"
        );
        assert!(
            took < Duration::from_secs(30),
            "{took:?} after {given_up:?}"
        );
    }
    tokio::select! {
        () = timer.sleep(None) => panic!("never ends"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_blind_timer_looks_up_now_and_then() {
    let begin = tokio::time::Instant::now();
    WakeTimer::blind()
        .sleep(Some(Duration::from_millis(40)))
        .await;
    assert_eq!(begin.elapsed(), Duration::from_millis(40));
    WakeTimer::blind()
        .sleep(Some(Duration::from_secs(3600)))
        .await;
    assert!(begin.elapsed() < Duration::from_secs(40));
}

#[test]
fn a_timer_outside_a_runtime_is_blind_and_does_not_panic() {
    let timer = WakeTimer::new();
    assert!(!format!("{timer:?}").contains("Some"), "{timer:?}");
}
