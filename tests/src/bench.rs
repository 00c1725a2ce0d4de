//! What the benches share: a figure against its budget, and what Linux says of a
//! process. Prints; never decides what is measured.

#![allow(clippy::print_stdout, reason = "a bench's answer is what it prints")]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

/// Figures against their budgets.
#[derive(Debug, Default)]
pub struct Bench {
    /// Whether a budget was missed, or a figure could not be taken.
    pub missed: bool,
}

impl Bench {
    /// Prints a figure, which fits when it is no larger than its budget.
    pub fn figure(&mut self, what: &str, value: f64, unit: &str, budget: f64) {
        let fits = value <= budget;
        self.missed |= !fits;
        let word = if fits { "ok  " } else { "MISS" };
        println!("{word}  {what}: {value:.2} {unit} (budget {budget} {unit})");
    }

    /// 1 when a budget was missed.
    #[must_use]
    pub fn end(&self) -> ExitCode {
        if self.missed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// The middle one of an odd number, or the upper of the two.
///
/// # Panics
/// Without any.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A process by its id. What is read of it fails loudly once it has ended.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0)).expect("the process is alive")
    }

    /// The sum of these lines of one of its files, which are in kB, in MiB.
    fn mib(&self, file: &str, names: &[&str]) -> f64 {
        let text = self.read(file);
        let kib: f64 = text
            .lines()
            .filter(|line| names.iter().any(|name| line.starts_with(name)))
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
            .sum();
        kib / 1024.0
    }

    /// Memory that no other process shares, in MiB.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn private_mib(&self) -> f64 {
        self.mib("smaps_rollup", &["Private_Clean:", "Private_Dirty:"])
    }

    /// The part of [`private_mib`](Self::private_mib) that the system cannot drop
    /// and read again from a file: what is really this process's own.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn dirty_mib(&self) -> f64 {
        self.mib("smaps_rollup", &["Private_Dirty:"])
    }

    /// Memory that it made for itself, in MiB: not read from a file, where a page
    /// counts as the process's own until the file is written.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn own_mib(&self) -> f64 {
        self.mib("smaps_rollup", &["Anonymous:"])
    }

    /// The most memory that it ever had resident, shared pages included, in MiB.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn peak_mib(&self) -> f64 {
        self.mib("status", &["VmHWM:"])
    }

    /// Which of its threads were woken since then, and how often.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn woken_since(&self, before: &HashMap<OsString, u64>) -> Vec<(String, u64)> {
        let named = |(thread, woken): (OsString, u64)| {
            let comm = format!("/proc/{}/task/{}/comm", self.0, thread.to_string_lossy());
            // A thread may end while it is looked at.
            let name = fs::read_to_string(comm).ok()?;
            (woken > 0).then(|| (name.trim().to_owned(), woken))
        };
        self.since(before).filter_map(named).collect()
    }

    /// How often each of its threads went to sleep by itself, which is how often
    /// it was woken.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn wakeups(&self) -> HashMap<OsString, u64> {
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
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn wakeups_since(&self, before: &HashMap<OsString, u64>) -> u64 {
        self.since(before).map(|(_, woken)| woken).sum()
    }

    /// How often each thread that is alive was woken since then.
    fn since(&self, before: &HashMap<OsString, u64>) -> impl Iterator<Item = (OsString, u64)> {
        self.wakeups().into_iter().map(|(thread, count)| {
            let woken = count.saturating_sub(before.get(&thread).copied().unwrap_or(0));
            (thread, woken)
        })
    }

    /// Processor time of it and of the children that it has waited for.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
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
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn children(&self) -> Vec<u32> {
        let all = self.read(&format!("task/{}/children", self.0));
        all.split_whitespace()
            .filter_map(|p| p.parse().ok())
            .collect()
    }
}
