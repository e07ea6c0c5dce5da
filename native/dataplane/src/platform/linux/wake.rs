//! Waking the thread that looks after deadlines, only when it would sleep past one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use lacis_engine::engine::Engine;

use super::bell::Bell;
use crate::platform::Wait;

/// No deadline.
const NEVER: u64 = u64::MAX;

/// One sleeper, any number of wakers.
pub struct Wake {
    bell: Bell,
    /// Until when the sleeper sleeps at most.
    sleeps_until_ms: AtomicU64,
}

impl Wake {
    /// Nobody sleeps yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self { bell: Bell::new()?, sleeps_until_ms: AtomicU64::new(0) })
    }

    /// The sleeper is about to wait for [`AsFd::as_fd`], until then at most.
    pub fn prepare(&self, engine: &Engine, now_ms: u64) -> Option<u64> {
        self.sleeps_until_ms.store(NEVER, Ordering::SeqCst);
        // Asked after the flag is up: a burst that brings an earlier deadline either is seen here or sees the flag, and wakes.
        let until_ms = engine.next_tick_ms(now_ms);
        self.sleeps_until_ms.store(until_ms.unwrap_or(NEVER), Ordering::SeqCst);
        until_ms
    }

    /// The sleeper was woken.
    pub fn acknowledge(&self) {
        self.bell.hush();
    }

    /// A burst is over: wakes the sleeper if it would sleep past a deadline that the burst brought.
    pub fn after_burst(&self, engine: &Engine, now_ms: u64) {
        let until_ms = self.sleeps_until_ms.load(Ordering::SeqCst);
        let due_ms = match until_ms {
            NEVER => engine.next_tick_ms(now_ms),
            _ => engine.next_urgent_ms(),
        };
        if due_ms.is_some_and(|due_ms| due_ms < until_ms) && self.sleeps_until_ms.swap(0, Ordering::SeqCst) != 0 {
            self.bell.ring();
        }
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.handle()
    }
}
