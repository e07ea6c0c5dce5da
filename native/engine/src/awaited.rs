//! Indexes of sessions that are about to be installed (SEMANTICS.md section 7).

use crate::lru_map::LruMap;

/// Indexes remembered: by far more than the limiter of message 2 lets strangers name while one is awaited, so that they push out none.
const INDEXES_MAX: usize = 8_192;
/// The control plane installs the session within milliseconds; a second covers one that is busy.
const AWAITED_MS: u64 = 1_000;

/// Indexes of ours that a handshake message 2 has named a moment ago. A responder may send right behind its message 2, before the
/// session is installed here; a recv_error would make it drop the session that both just agreed on.
pub struct AwaitedIndexes {
    named_at_ms: LruMap<u32, u64>,
}

impl AwaitedIndexes {
    /// Awaits nothing yet.
    pub fn new() -> Self {
        Self { named_at_ms: LruMap::new(INDEXES_MAX) }
    }

    /// A message 2 has named this index.
    pub fn named(&mut self, index: u32, now_ms: u64) {
        self.named_at_ms.insert(index, now_ms);
    }

    /// Whether a session with this index may be installed at any moment.
    pub fn contains(&mut self, index: u32, now_ms: u64) -> bool {
        self.named_at_ms.touch(&index).is_some_and(|at_ms| now_ms.saturating_sub(*at_ms) < AWAITED_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_awaited_for_a_second() {
        let mut awaited = AwaitedIndexes::new();
        awaited.named(7, 100);
        assert!(awaited.contains(7, 100) && awaited.contains(7, 1_099));
        assert!(!awaited.contains(7, 1_100) && !awaited.contains(8, 100));
    }

    #[test]
    fn the_index_named_longest_ago_makes_room() {
        let mut awaited = AwaitedIndexes::new();
        for index in 0..=INDEXES_MAX as u32 {
            awaited.named(index, 0);
        }
        assert!(!awaited.contains(0, 0) && awaited.contains(1, 0));
    }
}
