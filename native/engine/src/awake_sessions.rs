//! Sessions whose key schedules are there. What a library makes of a key takes more memory than everything else that a session is, and is made within a
//! microsecond: a session that nobody uses keeps its keys alone, so that thousands can rest.

use std::sync::Mutex;

use crate::lock::lock;

/// Those that were used since they were last looked at, and perhaps some that were not.
#[derive(Default)]
pub struct AwakeSessions(Mutex<Vec<Awake>>);

struct Awake {
    local_index: u32,
    /// Packets that it had sent and received when it was last looked at; `None` for one that has only just woken.
    used: Option<u64>,
}

impl AwakeSessions {
    /// A schedule of this session was made.
    pub(crate) fn add(&self, local_index: u32) {
        lock(&self.0).push(Awake { local_index, used: None });
    }

    /// Looks at all of them. `look`: what one has used now, told what it had used the last time; `None` when it rests from now on, or is gone.
    pub(crate) fn look(&self, look: impl Fn(u32, Option<u64>) -> Option<u64>) {
        // Sessions are asked without the lock: whoever makes a schedule has one of the session's, and then wants this.
        let looked_at = std::mem::take(&mut *lock(&self.0));
        let kept = looked_at.into_iter().filter_map(|Awake { local_index, used }| {
            let used = Some(look(local_index, used)?);
            Some(Awake { local_index, used })
        });
        let mut kept: Vec<_> = kept.collect();
        lock(&self.0).append(&mut kept);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }
}
