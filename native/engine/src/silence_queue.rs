//! Who sends and hears nothing (SEMANTICS.md section 5.2).

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lock::lock;
use crate::session::Session;
use crate::silence::{Judgement, UNQUEUED};

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
        session.seldom.silence.watch(after_ms);
        self.forget(session);
    }

    /// An inner packet left on this session.
    pub fn sent(&self, session: &Session, now_ms: u64) {
        if let Some(due_ms) = session.seldom.silence.sent(now_ms) {
            self.wait(session, due_ms);
        }
    }

    /// Looks at the session not later than then.
    fn wait(&self, session: &Session, due_ms: u64) {
        let queued_ms = &session.seldom.silence.queued_ms;
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
        let queued_ms = session.seldom.silence.queued_ms.swap(UNQUEUED, Ordering::SeqCst);
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
            session.seldom.silence.queued_ms.store(UNQUEUED, Ordering::SeqCst);
            match session.seldom.silence.judge(now_ms) {
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
