//! Jobs one after another in this process, each in a fresh runtime.
//!
//! How it works on systems without `fork`, and with V8, which has threads of its
//! own. On Linux with QuickJS see `copies`.

use std::{fs::File, io};

use super::{
    engine,
    job::JobRunner,
    probe,
    pump::{self, AfterBye, Task},
};
use crate::frames::{Frame, Kind, ProbeReport, Ready};

/// Serves the keeper until stdin ends, which ends the process.
pub(super) fn serve(out: File, level: String) -> io::Result<()> {
    let pump = pump::start(out, AfterBye::ReadOn)?;
    let ready = Ready {
        level: level.clone(),
    };
    pump.link
        .send(&Frame::new(Kind::Ready, 0, serde_json::to_vec(&ready)?));
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    engine::init_process();
    let runner = JobRunner {
        link: pump.link,
        watchdog: pump.watchdog,
        tokio,
        level,
    };
    while let Ok(task) = pump.tasks.recv() {
        match task {
            Task::Job(id, payload) => drop(runner.run(id, payload, None)),
            Task::Probe(id) => {
                runner
                    .link
                    .send(&Frame::new(Kind::ProbeResult, id, report(&runner.level)));
            }
            Task::Bye => {}
        }
    }
    Ok(())
}

/// Tries everything; the payload of a [`Kind::ProbeResult`].
pub(super) fn report(level: &str) -> Vec<u8> {
    let report = ProbeReport {
        level: level.to_owned(),
        attempts: probe::attempts(),
    };
    serde_json::to_vec(&report).unwrap_or_default()
}
