//! Sessions whose key schedules are there. What a library makes of a key takes more memory than everything else that a session is, and is made within a
//! microsecond: a session that nobody uses keeps its keys alone, so that thousands can rest.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::lock::lock;

/// From one look at a session to the next.
const LOOK_AGAIN_MS: u64 = 500;
/// Sessions looked at in one tick: with 12,000 at once everybody else on the core waited for 5 ms, each second.
const LOOKED_AT_MAX: usize = 128;

/// Those that were used since they were last looked at, and perhaps some that were not, in the order in which their turn comes.
#[derive(Default)]
pub struct AwakeSessions(Mutex<VecDeque<Awake>>);

struct Awake {
    local_index: u32,
    /// Packets that it had sent and received when it was last looked at; `None` for one that has only just woken.
    used: Option<u64>,
    /// When its turn comes, at the earliest.
    due_ms: u64,
}

impl AwakeSessions {
    /// A schedule of this session was made.
    pub(crate) fn add(&self, local_index: u32) {
        lock(&self.0).push_back(Awake { local_index, used: None, due_ms: 0 });
    }

    /// Looks at some whose turn has come. `look`: what one has used now, told what it had used the last time; `None` when it rests from now on, or is gone.
    pub(crate) fn look(&self, now_ms: u64, look: impl Fn(u32, Option<u64>) -> Option<u64>) {
        // Sessions are asked without the lock: whoever makes a schedule has one of the session's, and then wants this.
        let looked_at = self.take_due(now_ms);
        let kept = looked_at.into_iter().filter_map(|Awake { local_index, used, .. }| {
            let used = Some(look(local_index, used)?);
            Some(Awake { local_index, used, due_ms: now_ms + LOOK_AGAIN_MS })
        });
        let kept: Vec<_> = kept.collect();
        lock(&self.0).extend(kept);
    }

    fn take_due(&self, now_ms: u64) -> Vec<Awake> {
        let mut listed = lock(&self.0);
        let due = listed.iter().take(LOOKED_AT_MAX).take_while(|awake| awake.due_ms <= now_ms).count();
        listed.drain(..due).collect()
    }

    /// Whether there are more whose turn has come than one look takes. Those that have only just woken wait behind others whose turn has not.
    pub(crate) fn is_behind(&self, now_ms: u64) -> bool {
        let listed = lock(&self.0);
        let is_due = |place| listed.get(place).is_some_and(|awake: &Awake| awake.due_ms <= now_ms);
        is_due(0) && is_due(LOOKED_AT_MAX)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }
}
