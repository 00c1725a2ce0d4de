//! Sleep, network and power: what the system says, turned into inputs for the
//! scheduler.
//!
//! Owns the judgement of when the network counts as gone, how long the
//! computer slept, and how often to look. Looking is a few small reads; there
//! is no helper process, no D-Bus and nothing to poll while all is well.
//! Never makes a request itself: whether calls get through is learned from
//! those that charms make.
//!
//! On systems without an implementation everything is unknown, and unknown
//! means online, on mains and awake: a charm is never held back by a guess.

pub(crate) mod metered;
mod routes;
mod supply;
mod timer;

use std::path::PathBuf;
use std::time::Duration;

use crate::scheduler::{Input, PowerReading};

pub use routes::Routes;
pub use timer::WakeTimer;

/// What can be asked of the system. Every answer is cheap.
pub trait Senses: Send {
    /// How long the computer has slept since it was started, as far as the
    /// monotonic clock did not count it; `None` where that cannot be told.
    fn slept(&self) -> Option<Duration>;
    /// The routes out of this computer; `None` where they cannot be told.
    fn routes(&self) -> Option<Routes>;
    /// Power and the cost of the network.
    fn power(&self) -> PowerReading;
}

/// The operating system's answers.
#[derive(Clone, Debug)]
pub struct System {
    proc_net: PathBuf,
    supplies: PathBuf,
    profile: PathBuf,
}

impl Default for System {
    fn default() -> Self {
        Self {
            proc_net: "/proc/net".into(),
            supplies: "/sys/class/power_supply".into(),
            profile: "/sys/firmware/acpi/platform_profile".into(),
        }
    }
}

#[cfg(target_os = "linux")]
impl Senses for System {
    fn slept(&self) -> Option<Duration> {
        use rustix::time::{ClockId, clock_gettime};
        // CLOCK_BOOTTIME is CLOCK_MONOTONIC plus the time in suspend
        // (clock_gettime(2)).
        let since = |clock| Duration::try_from(clock_gettime(clock)).ok();
        Some(since(ClockId::Boottime)?.saturating_sub(since(ClockId::Monotonic)?))
    }

    fn routes(&self) -> Option<Routes> {
        let read = |name| std::fs::read_to_string(self.proc_net.join(name)).ok();
        Routes::parse(read("route").as_deref(), read("ipv6_route").as_deref())
    }

    fn power(&self) -> PowerReading {
        let folders = std::fs::read_dir(&self.supplies)
            .into_iter()
            .flatten()
            .flatten();
        let texts = folders.filter_map(|f| std::fs::read_to_string(f.path().join("uevent")).ok());
        let profile = std::fs::read_to_string(&self.profile).unwrap_or_default();
        PowerReading {
            on_battery: supply::on_battery(texts),
            saver: supply::is_saving(&profile),
            // See `metered`: that takes a conversation over D-Bus.
            metered: false,
        }
    }
}

/// macOS and Windows: sleep shows itself to the scheduler as a gap between the
/// clocks or as a late wake-up; network and power are unknown.
#[cfg(not(target_os = "linux"))]
impl Senses for System {
    fn slept(&self) -> Option<Duration> {
        None
    }
    fn routes(&self) -> Option<Routes> {
        None
    }
    fn power(&self) -> PowerReading {
        PowerReading::default()
    }
}

/// Sleep shorter than this waits to be reported with the next.
const NOTABLE_SLEEP: Duration = Duration::from_secs(10);
/// How often to look for a route while there is none. With the window over
/// which the scheduler spreads its starts this stays below five seconds.
const LOOK_OFFLINE: Duration = Duration::from_millis(1500);
/// How often to look for changed routes while calls fail and nobody knows why.
const LOOK_DOUBTFUL: Duration = Duration::from_secs(5);
/// How often to look whether a state of power that may hold charms back is over.
const LOOK_POWER: Duration = Duration::from_secs(30);

/// Turns what is seen into inputs for the scheduler, changes only.
#[derive(Debug)]
pub struct Surroundings<S> {
    senses: S,
    /// All targets are on this computer: routes say nothing about them.
    local_only: bool,
    slept: Option<Duration>,
    power: PowerReading,
    /// What [`Surroundings::metered`] was told.
    metered: bool,
    network: Network,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Online,
    /// Calls fail although there is a route, or nobody can tell; the routes
    /// as they were then.
    Doubtful(Option<Routes>),
    /// Calls failed and there is no route.
    Offline,
}

impl<S: Senses> Surroundings<S> {
    /// `local_only`: every target of a charm is on this computer (the sandbox),
    /// so that no network is needed to reach it.
    pub fn new(senses: S, local_only: bool) -> Self {
        let slept = senses.slept();
        let (power, network) = (PowerReading::default(), Network::Online);
        Self {
            senses,
            local_only,
            slept,
            power,
            metered: false,
            network,
        }
    }

    /// True when sleep is reported, for
    /// [`Config::sleep_is_reported`](crate::scheduler::Config).
    #[must_use]
    pub fn reports_sleep(&self) -> bool {
        self.slept.is_some()
    }

    /// False while the network counts as gone.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.network != Network::Offline
    }

    /// Whether the network is charged by volume, for the next look.
    pub fn metered(&mut self, metered: bool) {
        self.metered = metered;
    }

    /// Looks at the system. To be called whenever the keeper wakes up, before
    /// it tells the scheduler the time, and after [`look_again`](Self::look_again).
    pub fn look(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        if let (Some(before), Some(now)) = (self.slept, self.senses.slept()) {
            let uncounted = now.saturating_sub(before);
            if uncounted >= NOTABLE_SLEEP {
                self.slept = Some(now);
                inputs.push(Input::Woke { uncounted });
            }
        }
        let mut power = self.senses.power();
        power.metered |= self.metered;
        if power != self.power {
            self.power = power;
            inputs.push(Input::Power(power));
        }
        let back = match self.network {
            Network::Online => false,
            Network::Doubtful(before) => self.senses.routes() != before,
            Network::Offline => self.senses.routes().is_none_or(|routes| routes.lead_out),
        };
        if back {
            self.network = Network::Online;
            inputs.push(Input::NetworkChanged { online: true });
        }
        inputs
    }

    /// How soon to look again even if the scheduler needs nothing; `None` while
    /// all is well, so that an idle keeper sleeps.
    #[must_use]
    pub fn look_again(&self) -> Option<Duration> {
        // A metered network is told of, so there is nothing to look for.
        let told = PowerReading {
            metered: self.power.metered,
            ..PowerReading::default()
        };
        let held = self.power != told;
        match self.network {
            Network::Offline => Some(LOOK_OFFLINE),
            Network::Doubtful(_) => Some(LOOK_DOUBTFUL),
            Network::Online => held.then_some(LOOK_POWER),
        }
    }

    /// Learns from the calls of a run. `answered`: at least one got an answer
    /// from its server. `unreachable`: the run failed as if there were no
    /// network. To be told to the scheduler before the end of that run.
    pub fn after_calls(&mut self, answered: bool, unreachable: bool) -> Vec<Input> {
        if answered {
            let over = match self.network {
                Network::Online => false,
                Network::Doubtful(_) => !unreachable,
                Network::Offline => true,
            };
            if over {
                self.network = Network::Online;
            }
            return if over {
                vec![Input::NetworkChanged { online: true }]
            } else {
                Vec::new()
            };
        }
        if !unreachable || self.network == Network::Offline {
            return Vec::new();
        }
        let routes = self.senses.routes();
        if routes.is_some_and(|routes| !routes.lead_out) && !self.local_only {
            self.network = Network::Offline;
            return vec![Input::NetworkChanged { online: false }];
        }
        self.network = Network::Doubtful(routes);
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
