//! Compiled charms in memory, so that a charm that runs every minute is not read
//! from disk every minute.
//!
//! Owns the few that were used last. Never compiles: what is not here is made by
//! the compiler and its cache on disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use charmkeeper_charms::compile::Compiled;

/// How many are kept; our importers are about 100 KiB each with their maps.
const KEPT: usize = 16;

/// See the module. The one used last is at the front.
#[derive(Default)]
pub(crate) struct Programs {
    /// By the hash under which the charm's row names its sources. After an
    /// update of the compiler that is not the compiled charm's own hash.
    kept: Mutex<VecDeque<(String, Arc<Compiled>)>>,
}

impl Programs {
    /// The compiled charm of these sources, if it is here.
    pub(crate) fn get(&self, hash: &str) -> Option<Arc<Compiled>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == hash)?;
        let found = kept.remove(at)?;
        let compiled = Arc::clone(&found.1);
        kept.push_front(found);
        Some(compiled)
    }

    /// Keeps one, in place of the one that was used longest ago.
    pub(crate) fn put(&self, hash: &str, compiled: &Arc<Compiled>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.iter().all(|(known, _)| known != hash) {
            kept.push_front((hash.to_owned(), Arc::clone(compiled)));
            kept.truncate(KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_charms::compile::{compile, program_from_files};

    fn compiled(n: usize) -> Arc<Compiled> {
        let text = format!(
            "import {{ handler, pattern }} from \"commonfabric\";\n\
             export default pattern(() => ({{ bgUpdater: handler(() => {n})({{}}) }}));"
        );
        Arc::new(compile(&program_from_files([("/main.tsx", text)], "/main.tsx").unwrap()).unwrap())
    }

    #[test]
    fn the_one_used_longest_ago_makes_room() {
        let programs = Programs::default();
        let all: Vec<_> = (0..=KEPT).map(compiled).collect();
        for one in &all[..KEPT] {
            programs.put(&one.hash, one);
        }
        assert!(
            programs.get(&all[0].hash).is_some(),
            "now the one used last"
        );
        programs.put(&all[KEPT].hash, &all[KEPT]);
        assert!(programs.get(&all[0].hash).is_some());
        assert!(programs.get(&all[1].hash).is_none());
        assert!(programs.get(&all[KEPT].hash).is_some());
    }
}
