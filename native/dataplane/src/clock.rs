//! Monotonic milliseconds.

use std::time::Instant;

/// Counts from its own start, or on from where another one was.
#[derive(Clone, Copy)]
pub struct Clock {
    start: Instant,
    start_ms: u64,
}

impl Clock {
    /// Starts there.
    pub fn from(start_ms: u64) -> Self {
        Self { start: Instant::now(), start_ms }
    }

    /// Milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.start_ms.saturating_add(self.age_ms())
    }

    /// Milliseconds since this process began to count.
    pub fn age_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
