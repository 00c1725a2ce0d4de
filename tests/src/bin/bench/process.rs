//! What Linux says of a process.

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

    /// How often its threads went to sleep by themselves, which is how often
    /// they were woken.
    pub(crate) fn wakeups(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).expect("the process is alive");
        tasks
            .filter_map(|t| fs::read_to_string(t.ok()?.path().join("status")).ok())
            .filter_map(|status| {
                let line = status
                    .lines()
                    .find(|l| l.starts_with("voluntary_ctxt_switches"))?;
                line.split_whitespace().nth(1)?.parse::<u64>().ok()
            })
            .sum()
    }

    /// Processor time of it and of the children that it has waited for.
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
    pub(crate) fn children(&self) -> Vec<u32> {
        let all = self.read(&format!("task/{}/children", self.0));
        all.split_whitespace()
            .filter_map(|p| p.parse().ok())
            .collect()
    }
}
