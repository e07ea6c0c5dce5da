//! Who sends and hears nothing (SEMANTICS.md section 5.2).

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::lock::lock;
use crate::session::Session;

/// Longer than this nobody is waited for.
pub const SILENCE_MS_MAX: u32 = 60_000;

/// Nothing was sent that an answer is awaited for.
const HEARD: u64 = 0;
/// It was told that none came.
const TOLD: u64 = u64::MAX;
/// No deadline stands in the queue.
const UNQUEUED: u64 = u64::MAX;

/// What a session knows of its silence. Most packets read one of these and write none.
#[repr(align(128))]
pub struct Silence {
    after_ms: AtomicU32,
    /// [`HEARD`], [`TOLD`], or one more than when the first packet was sent that nothing was heard after.
    since: AtomicU64,
    /// The deadline in the queue. Written under its lock.
    queued_ms: AtomicU64,
}

impl Default for Silence {
    /// Unwatched.
    fn default() -> Self {
        Self { after_ms: AtomicU32::new(0), since: AtomicU64::new(HEARD), queued_ms: AtomicU64::new(UNQUEUED) }
    }
}

impl Silence {
    /// Something authentic came.
    pub fn heard(&self) {
        if self.since.load(Ordering::Relaxed) != HEARD {
            self.since.store(HEARD, Ordering::SeqCst);
        }
    }

    /// An inner packet left. The deadline that follows, if it is the first one that nothing was heard after.
    fn sent(&self, now_ms: u64) -> Option<u64> {
        let after_ms = self.after_ms.load(Ordering::Relaxed);
        if after_ms == 0 || self.since.load(Ordering::Relaxed) != HEARD {
            return None;
        }
        let first = self.since.compare_exchange(HEARD, now_ms + 1, Ordering::SeqCst, Ordering::Relaxed);
        first.is_ok().then(|| now_ms + u64::from(after_ms))
    }

    /// How it stands with a session whose deadline has come.
    fn judge(&self, now_ms: u64) -> Judgement {
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

enum Judgement {
    /// Nothing is awaited.
    Heard,
    /// Something was heard meanwhile and sent anew: it is due then.
    Due(u64),
    /// For so many milliseconds.
    Silent(u64),
}

/// The deadlines of sessions that wait for an answer, at most one each. A session that is heard leaves its deadline where it is; when it comes, the
/// session is looked at. So a session that talks touches the queue once in the time that it may be silent, not with every packet.
pub struct SilenceQueue {
    deadlines: Mutex<BTreeSet<(u64, u32)>>,
    earliest_ms: AtomicU64,
}

impl Default for SilenceQueue {
    /// Nobody is waited for.
    fn default() -> Self {
        Self { deadlines: Mutex::default(), earliest_ms: AtomicU64::new(UNQUEUED) }
    }
}

impl SilenceQueue {
    /// The earliest deadline.
    pub fn deadline_ms(&self) -> Option<u64> {
        Some(self.earliest_ms.load(Ordering::SeqCst)).filter(|earliest| *earliest != UNQUEUED)
    }

    /// Watches a session anew; 0 ends it.
    pub fn watch(&self, session: &Session, after_ms: u32) {
        session.silence.after_ms.store(after_ms, Ordering::SeqCst);
        session.silence.since.store(HEARD, Ordering::SeqCst);
        self.forget(session);
    }

    /// An inner packet left on this session.
    pub fn sent(&self, session: &Session, now_ms: u64) {
        if let Some(due_ms) = session.silence.sent(now_ms) {
            self.wait(session, due_ms);
        }
    }

    /// Looks at the session not later than then.
    fn wait(&self, session: &Session, due_ms: u64) {
        let queued_ms = &session.silence.queued_ms;
        if queued_ms.load(Ordering::SeqCst) <= due_ms {
            return;
        }
        let mut deadlines = lock(&self.deadlines);
        let before_ms = queued_ms.load(Ordering::SeqCst);
        if before_ms <= due_ms {
            return;
        }
        deadlines.remove(&(before_ms, session.local_index));
        deadlines.insert((due_ms, session.local_index));
        queued_ms.store(due_ms, Ordering::SeqCst);
        self.note_earliest(&deadlines);
    }

    /// Nobody waits for this session any more.
    pub fn forget(&self, session: &Session) {
        let mut deadlines = lock(&self.deadlines);
        let queued_ms = session.silence.queued_ms.swap(UNQUEUED, Ordering::SeqCst);
        if queued_ms != UNQUEUED {
            deadlines.remove(&(queued_ms, session.local_index));
            self.note_earliest(&deadlines);
        }
    }

    /// The sessions that have been silent for too long, found by `find`: their index and for how long, by ascending index.
    pub fn take_silent<S: AsRef<Session>>(&self, now_ms: u64, find: impl Fn(u32) -> Option<S>) -> Vec<(u32, u64)> {
        let mut silent = vec![];
        for local_index in self.take_due(now_ms) {
            let Some(session) = find(local_index) else { continue };
            let session = session.as_ref();
            // Before it is looked at: whoever sends from now on queues a deadline of its own.
            session.silence.queued_ms.store(UNQUEUED, Ordering::SeqCst);
            match session.silence.judge(now_ms) {
                Judgement::Heard => {}
                Judgement::Due(due_ms) => self.wait(session, due_ms),
                Judgement::Silent(for_ms) => silent.push((local_index, for_ms)),
            }
        }
        silent.sort_unstable();
        silent
    }

    fn take_due(&self, now_ms: u64) -> Vec<u32> {
        if self.deadline_ms().is_none_or(|earliest| earliest > now_ms) {
            return vec![];
        }
        let mut deadlines = lock(&self.deadlines);
        let later = deadlines.split_off(&(now_ms + 1, 0));
        let due = std::mem::replace(&mut *deadlines, later);
        self.note_earliest(&deadlines);
        due.into_iter().map(|(_, local_index)| local_index).collect()
    }

    fn note_earliest(&self, deadlines: &BTreeSet<(u64, u32)>) {
        let earliest = deadlines.first().map_or(UNQUEUED, |(due_ms, _)| *due_ms);
        self.earliest_ms.store(earliest, Ordering::SeqCst);
    }
}
