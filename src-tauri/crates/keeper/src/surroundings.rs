//! What happens around the program: sleep and the network.
//!
//! Owns the judgement from runs: the network counts as gone only when calls
//! fail as if there were none *and* the system has no route, and as back with
//! the first call that is answered or the first route. Nothing is polled while
//! all is well, so that an idle keeper sleeps.

use charmkeeper_base::ErrorKind;
use charmkeeper_store::RunRow;

use crate::scheduler::Input;

/// See the module.
#[derive(Debug)]
pub(crate) struct Surroundings {
    online: bool,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { online: true }
    }
}

impl Surroundings {
    /// Looks at the system; called when the scheduler wakes up anyway.
    pub(crate) fn look(&mut self) -> Vec<Input> {
        Vec::new()
    }

    /// Learns from the end of a run.
    pub(crate) fn after_run(
        &mut self,
        kind: Option<ErrorKind>,
        row: Option<&RunRow>,
    ) -> Vec<Input> {
        let answered = row.is_some_and(|r| r.calls > r.calls_failed);
        if kind == Some(ErrorKind::Offline) && self.online && !has_route() {
            self.online = false;
            return vec![Input::NetworkChanged { online: false }];
        }
        if answered && !self.online {
            self.online = true;
            return vec![Input::NetworkChanged { online: true }];
        }
        Vec::new()
    }
}

pub(crate) fn has_route() -> bool {
    true
}
