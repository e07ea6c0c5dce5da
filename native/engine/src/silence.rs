//! Whether what a session sends is left unanswered (SEMANTICS.md section 5.2).

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Longer than this nobody is waited for.
pub const SILENCE_MS_MAX: u32 = 60_000;

/// Nothing was sent that an answer is awaited for.
const HEARD: u64 = 0;
/// It was told that none came.
const TOLD: u64 = u64::MAX;
/// No deadline stands in the queue.
pub const UNQUEUED: u64 = u64::MAX;

/// What a session knows of its silence. Most packets read one of these and write none.
pub struct Silence {
    after_ms: AtomicU32,
    /// [`HEARD`], [`TOLD`], or one more than when the first packet was sent that nothing was heard after.
    since: AtomicU64,
    /// The deadline in the queue. Written under its lock.
    pub queued_ms: AtomicU64,
}

impl Default for Silence {
    /// Unwatched.
    fn default() -> Self {
        Self { after_ms: AtomicU32::new(0), since: AtomicU64::new(HEARD), queued_ms: AtomicU64::new(UNQUEUED) }
    }
}

impl Silence {
    /// Watched anew; 0 ends it.
    pub fn watch(&self, after_ms: u32) {
        self.after_ms.store(after_ms, Ordering::SeqCst);
        self.since.store(HEARD, Ordering::SeqCst);
    }

    /// As it was set.
    pub fn after_ms(&self) -> u32 {
        self.after_ms.load(Ordering::Relaxed)
    }

    /// Something authentic came.
    pub fn heard(&self) {
        if self.since.load(Ordering::Relaxed) != HEARD {
            self.since.store(HEARD, Ordering::SeqCst);
        }
    }

    /// An inner packet left. The deadline that follows, if it is the first one that nothing was heard after.
    pub fn sent(&self, now_ms: u64) -> Option<u64> {
        let after_ms = self.after_ms.load(Ordering::Relaxed);
        if after_ms == 0 || self.since.load(Ordering::Relaxed) != HEARD {
            return None;
        }
        let first = self.since.compare_exchange(HEARD, now_ms + 1, Ordering::SeqCst, Ordering::Relaxed);
        first.is_ok().then(|| now_ms + u64::from(after_ms))
    }

    /// How it stands with a session whose deadline has come.
    pub fn judge(&self, now_ms: u64) -> Judgement {
        let since = self.since.load(Ordering::SeqCst);
        let after_ms = self.after_ms.load(Ordering::Relaxed);
        if since == HEARD || since == TOLD || after_ms == 0 {
            return Judgement::Heard;
        }
        let (sent_ms, due_ms) = (since - 1, since - 1 + u64::from(after_ms));
        if due_ms > now_ms {
            return Judgement::Due(due_ms);
        }
        let told = self.since.compare_exchange(since, TOLD, Ordering::SeqCst, Ordering::Relaxed);
        told.map_or(Judgement::Heard, |_| Judgement::Silent(now_ms - sent_ms))
    }
}

/// What there is to say when a deadline has come.
pub enum Judgement {
    /// Nothing is awaited.
    Heard,
    /// Something was heard meanwhile and sent anew: it is due then.
    Due(u64),
    /// For so many milliseconds.
    Silent(u64),
}
