//! What each job of a worker used.
//!
//! A process of its own tells exactly; a process that had jobs before tells sums
//! and a peak over all of them, from which the part of one job is worked out.

use super::{Isolation, child::Exit, sample::Sample};
use crate::frames::Used;

/// The account of one worker.
#[derive(Debug)]
pub(super) struct Account {
    isolation: Isolation,
    cpu_before: u64,
    peak_before: u64,
}

impl Account {
    pub(super) fn new(isolation: Isolation) -> Self {
        Self {
            isolation,
            cpu_before: 0,
            peak_before: 0,
        }
    }

    /// A job that its process has told about: processor time since its begin,
    /// and the process's peak.
    pub(super) fn told(&mut self, used: Used, seen: Sample) -> Used {
        if self.isolation == Isolation::Process {
            return used;
        }
        let peak_rss = self.peak(used.peak_rss, seen);
        self.cpu_before += used.cpu_ms;
        Used {
            cpu_ms: used.cpu_ms,
            peak_rss,
        }
    }

    /// A job whose worker is dead.
    pub(super) fn died(&mut self, exit: &Exit, seen: Sample) -> Used {
        if self.isolation == Isolation::Process {
            // The worker's own account is not that of the job's process, which
            // died with it and told nothing.
            return Used {
                cpu_ms: seen.cpu_ms,
                peak_rss: seen.rss,
            };
        }
        Used {
            cpu_ms: exit.cpu_ms.saturating_sub(self.cpu_before),
            peak_rss: self.peak(exit.peak_rss, seen),
        }
    }

    /// A peak that has grown is that of the job that just ended.
    fn peak(&mut self, peak: u64, seen: Sample) -> u64 {
        let grew = peak > self.peak_before;
        self.peak_before = self.peak_before.max(peak);
        if grew || seen.rss == 0 {
            peak
        } else {
            seen.rss
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(cpu_ms: u64, peak_rss: u64) -> Used {
        Used { cpu_ms, peak_rss }
    }

    fn seen(cpu_ms: u64, rss: u64) -> Sample {
        Sample { rss, cpu_ms }
    }

    #[test]
    fn in_one_process_a_job_answers_for_its_own_part() {
        let mut account = Account::new(Isolation::Runtime);
        assert_eq!(account.told(used(50, 900), seen(40, 800)), used(50, 900));
        // The peak is still that of the first job.
        assert_eq!(account.told(used(20, 900), seen(70, 300)), used(20, 300));
        let exit = Exit {
            cpu_ms: 100,
            peak_rss: 900,
            ..Exit::default()
        };
        assert_eq!(account.died(&exit, seen(99, 200)), used(30, 200));
    }

    #[test]
    fn in_a_process_of_its_own_a_job_is_what_the_process_was() {
        let mut account = Account::new(Isolation::Process);
        account.told(used(50, 900), seen(40, 800));
        assert_eq!(account.told(used(20, 300), seen(10, 200)), used(20, 300));
        let exit = Exit {
            cpu_ms: 100,
            peak_rss: 950,
            ..Exit::default()
        };
        assert_eq!(account.died(&exit, seen(33, 222)), used(33, 222));
    }
}
