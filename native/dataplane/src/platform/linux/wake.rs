//! Waking the thread that looks after deadlines, only when it sleeps without one.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use lacis_engine::engine::Engine;

/// One sleeper, any number of wakers.
pub struct Wake {
    reader: PipeReader,
    writer: PipeWriter,
    sleeps_without_deadline: AtomicBool,
}

impl Wake {
    /// Nobody sleeps yet.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self { reader, writer, sleeps_without_deadline: AtomicBool::new(false) })
    }

    /// The sleeper is about to wait for [`AsFd::as_fd`]. True when the engine has deadlines, so that it must wait with a timeout.
    pub fn prepare(&self, engine: &Engine) -> bool {
        self.sleeps_without_deadline.store(true, Ordering::SeqCst);
        // Asked after the flag is up: a burst that brings the first deadline either is seen here or sees the flag.
        let needs_tick = engine.needs_tick();
        if needs_tick {
            self.sleeps_without_deadline.store(false, Ordering::SeqCst);
        }
        needs_tick
    }

    /// The sleeper was woken.
    pub fn acknowledge(&self) {
        let _ = (&self.reader).read(&mut [0; 16]);
    }

    /// A burst is over: wakes the sleeper if it does not know of the deadlines that the burst brought.
    pub fn after_burst(&self, engine: &Engine) {
        if self.sleeps_without_deadline.load(Ordering::SeqCst)
            && engine.needs_tick()
            && self.sleeps_without_deadline.swap(false, Ordering::SeqCst)
        {
            let _ = (&self.writer).write(&[0]);
        }
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
