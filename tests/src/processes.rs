//! A look at processes from outside (Linux): who is whose child, and what a
//! process holds in its memory.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::Value;

/// The keeper that works on a home, as its lock file names it.
#[must_use]
pub fn keeper(home: &Path) -> Option<u32> {
    let note = fs::read(home.join("keeper.lock")).ok()?;
    let note: Value = serde_json::from_slice(&note).ok()?;
    u32::try_from(note["pid"].as_u64()?).ok()
}

/// Children of a process, their children and so on.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter();
    let mut found = Vec::new();
    for task in tasks.flatten().flatten() {
        // A thread may end while we look.
        let line = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in line.split_whitespace().filter_map(|word| word.parse().ok()) {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

/// True while a process runs; false for one that is gone or only waits to be
/// collected.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}

/// What a process could write to: heaps, stacks and variables, one after another.
///
/// # Errors
/// The system's, when it is gone or may not be looked into.
///
/// # Panics
/// When the system's list of its memory is not in its documented form (proc(5)).
pub fn memory(pid: u32) -> io::Result<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let mem = fs::File::open(format!("/proc/{pid}/mem"))?;
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        let (from, to) = range.expect("a range");
        let [from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).expect("an address"));
        let mut part = vec![0; usize::try_from(to - from).expect("it fits in memory")];
        // Pages come and go in a process that runs.
        if mem.read_exact_at(&mut part, from).is_ok() {
            all.extend(part);
        }
    }
    Ok(all)
}
