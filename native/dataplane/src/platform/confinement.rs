//! What a process has given up, so that whoever takes it over by a packet has taken over little else.

use std::fmt::Display;
use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use super::renounce;

/// One thing that a process cannot do any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What only an administrator may.
    NoPrivileges,
    /// To gain any by starting a program that has some.
    NoNewPrivileges,
    /// To ask the system for anything but what moving packets takes.
    FewSystemCalls,
    /// To open a file.
    NoFiles,
    /// To make code of data.
    NoNewCode,
    /// To leave its memory behind, or to show it to a debugger.
    NoDump,
    /// To have its memory written to a disk.
    MemoryLocked,
}

impl Measure {
    /// As the contract calls it (SEMANTICS.md section 14).
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPrivileges => "no-privileges",
            Self::NoNewPrivileges => "no-new-privileges",
            Self::FewSystemCalls => "few-system-calls",
            Self::NoFiles => "no-files",
            Self::NoNewCode => "no-new-code",
            Self::NoDump => "no-dump",
            Self::MemoryLocked => "memory-locked",
        }
    }
}

/// What holds for a process, and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// In every thread, until the process ends.
    pub holds: Vec<Measure>,
    /// And why.
    pub lacking: Vec<(Measure, String)>,
    /// How many system calls are left; 0: all.
    pub system_calls: u32,
}

impl Confinement {
    /// Notes what became of a measure.
    pub fn note<E: Display>(&mut self, measure: Measure, outcome: Result<(), E>) {
        match outcome {
            Ok(()) => self.holds.push(measure),
            Err(why) => self.lacking.push((measure, why.to_string())),
        }
    }
}

/// Starts a thread that only moves bytes: it has renounced everything before it does anything. Returns once it has, and has done what it does `first`, so that
/// no later measure finds it half done, or in the way of that.
pub fn spawn_bare(
    name: &str,
    first: impl FnOnce() + Send + 'static,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let (ready, is_ready) = mpsc::channel();
    let handle = thread::Builder::new().name(name.into()).spawn(move || {
        renounce();
        first();
        drop(ready);
        run();
    })?;
    let _: Result<(), _> = is_ready.recv();
    Ok(handle)
}
