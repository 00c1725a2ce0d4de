//! What Linux says of a process.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;

/// A process by its id.
pub(crate) struct Process(pub(crate) u32);

impl Process {
    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0)).expect("the process is alive")
    }

    /// Memory that no other process shares, in MiB.
    pub(crate) fn private_mib(&self) -> f64 {
        let rollup = self.read("smaps_rollup");
        let kib: f64 = rollup
            .lines()
            .filter(|l| l.starts_with("Private_Clean:") || l.starts_with("Private_Dirty:"))
            .filter_map(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok())
            .sum();
        kib / 1024.0
    }

    /// The part of [`private_mib`](Self::private_mib) that the system cannot drop
    /// and read again from a file: what is really this process's own.
    #[allow(dead_code, reason = "another bench asks")]
    pub(crate) fn dirty_mib(&self) -> f64 {
        let rollup = self.read("smaps_rollup");
        let line = rollup.lines().find(|l| l.starts_with("Private_Dirty:"));
        let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }

    /// Memory that it made for itself, in MiB: not read from a file, where a page
    /// counts as the process's own until the file is written.
    #[allow(dead_code, reason = "another bench asks")]
    pub(crate) fn own_mib(&self) -> f64 {
        let rollup = self.read("smaps_rollup");
        let line = rollup.lines().find(|l| l.starts_with("Anonymous:"));
        let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }

    /// The most memory that it ever had resident, shared pages included, in MiB.
    #[allow(dead_code, reason = "another bench asks")]
    pub(crate) fn peak_mib(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find(|l| l.starts_with("VmHWM:"));
        let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }

    /// Which of its threads were woken since then, and how often.
    #[allow(dead_code, reason = "another bench asks")]
    pub(crate) fn woken_since(&self, before: &HashMap<OsString, u64>) -> Vec<(String, u64)> {
        let since = |(thread, count): (OsString, u64)| {
            let woken = count.saturating_sub(before.get(&thread).copied().unwrap_or(0));
            let name = self.read(&format!("task/{}/comm", thread.to_string_lossy()));
            (woken > 0).then(|| (name.trim().to_owned(), woken))
        };
        self.wakeups().into_iter().filter_map(since).collect()
    }

    /// How often each of its threads went to sleep by itself, which is how often
    /// it was woken.
    pub(crate) fn wakeups(&self) -> HashMap<OsString, u64> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).expect("the process is alive");
        tasks
            .filter_map(|task| {
                let task = task.ok()?;
                let status = fs::read_to_string(task.path().join("status")).ok()?;
                let line = status
                    .lines()
                    .find(|l| l.starts_with("voluntary_ctxt_switches"))?;
                Some((
                    task.file_name(),
                    line.split_whitespace().nth(1)?.parse().ok()?,
                ))
            })
            .collect()
    }

    /// Wake-ups of all threads since then; threads that ended do not count.
    pub(crate) fn wakeups_since(&self, before: &HashMap<OsString, u64>) -> u64 {
        let since = |(thread, count): (OsString, u64)| {
            count.saturating_sub(before.get(&thread).copied().unwrap_or(0))
        };
        self.wakeups().into_iter().map(since).sum()
    }

    /// Processor time of it and of the children that it has waited for.
    #[allow(dead_code, reason = "another bench asks")]
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = self.read("stat");
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        // After the name: utime, stime, cutime, cstime are fields 14 to 17 of proc(5).
        let ticks: f64 = fields[11..15]
            .iter()
            .filter_map(|f| f.parse::<f64>().ok())
            .sum();
        ticks / 100.0
    }

    /// Its children that are alive.
    #[allow(dead_code, reason = "another bench asks")]
    pub(crate) fn children(&self) -> Vec<u32> {
        let all = self.read(&format!("task/{}/children", self.0));
        all.split_whitespace()
            .filter_map(|p| p.parse().ok())
            .collect()
    }
}
