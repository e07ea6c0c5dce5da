//! Sessions whose key schedules are there. What a library makes of a key takes more memory than everything else that a session is, and is made within a
//! microsecond: a session that nobody uses keeps its keys alone, so that thousands can rest.

use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::session::Session;

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

    /// Lets those rest that nobody has used since the look before.
    pub(crate) fn look(&self, find: impl Fn(u32) -> Option<Arc<Session>>) {
        // Sessions are asked without the lock: whoever makes a schedule has one of the session's, and then wants this.
        let looked_at = std::mem::take(&mut *lock(&self.0));
        let mut kept = vec![];
        for Awake { local_index, used: before } in looked_at {
            let Some(session) = find(local_index) else { continue };
            let used = Some(session.used());
            if used == before {
                session.rest();
            } else {
                kept.push(Awake { local_index, used });
            }
        }
        lock(&self.0).append(&mut kept);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }
}
