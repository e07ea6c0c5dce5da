//! How long the inner packets of one session may be (SEMANTICS.md section 4.7).

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Between two times that a session tells of large packets.
const TOLD_EVERY_MS: u64 = 250;

/// What the way of a session carries, and whether it is to be told that long packets go out.
#[derive(Default)]
pub struct PathMtu {
    mtu: AtomicU32,
    large_above: AtomicU32,
    tell_from_ms: AtomicU64,
}

impl PathMtu {
    /// The longest inner packet; `None`: any.
    #[inline]
    pub fn longest(&self) -> Option<usize> {
        Some(self.mtu.load(Ordering::Relaxed) as usize).filter(|mtu| *mtu > 0)
    }

    /// As they were set.
    pub fn limits(&self) -> (u32, u32) {
        (self.mtu.load(Ordering::Relaxed), self.large_above.load(Ordering::Relaxed))
    }

    /// 0: any length; none is told of.
    pub fn set(&self, mtu: u32, large_above: u32) {
        self.mtu.store(mtu, Ordering::Relaxed);
        self.large_above.store(large_above, Ordering::Relaxed);
    }

    /// Whether this inner packet, which goes out now, is to be told of.
    #[inline]
    pub fn tells(&self, bytes: usize, now_ms: u64) -> bool {
        let large_above = self.large_above.load(Ordering::Relaxed) as usize;
        let is_large = large_above > 0 && bytes > large_above;
        let is_due = is_large && now_ms >= self.tell_from_ms.load(Ordering::Relaxed);
        if is_due {
            self.tell_from_ms.store(now_ms + TOLD_EVERY_MS, Ordering::Relaxed);
        }
        is_due
    }
}
