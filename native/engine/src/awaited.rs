//! Sessions that are about to be installed, and what came too early for them (SEMANTICS.md section 7).

use std::net::IpAddr;

use crate::lru_map::LruMap;
use crate::path::Path;
use crate::waiting::{Waiting, WaitingLimits};

/// Indexes remembered: by far more than the limiter of message 2 lets strangers name while one is awaited, so that they push out none.
const INDEXES_MAX: usize = 8_192;
/// Once message 2 is there the control plane installs the session within milliseconds; a second covers one that is busy.
const NAMED_MS: u64 = 1_000;
/// No handshake takes longer.
pub const AWAIT_MS_MAX: u32 = 60_000;
/// How long what came too early is of use.
const EARLY_MS: u64 = 1_000;
/// Datagrams that came too early. A stream fills them within milliseconds; what goes beyond is lost, as it is on any way that is too short for a burst.
const EARLY_PER_INDEX_MAX: usize = 64;
/// Indexes that something came too early for: handshakes that are finished within one second.
const EARLY_INDEXES_MAX: usize = 256;
/// In all: of the longest datagrams they would be 9 MB.
const EARLY_MAX: usize = 1_024;

/// Indexes of ours that a handshake under way has named. A responder may send right behind its message 2, which may be overtaken: what comes
/// before the session is installed here is held, and a recv_error would make the responder drop the session that both just agreed on.
pub struct AwaitedIndexes {
    until_ms: LruMap<u32, u64>,
    early: Waiting<u32, Early>,
}

/// A sealed datagram whose session is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Early {
    /// How it came.
    pub origin: Path,
    /// With whom the session must be, of one that a relay brought.
    pub peer: Option<IpAddr>,
    /// Its bytes.
    pub datagram: Vec<u8>,
}

impl AwaitedIndexes {
    /// Awaits nothing yet.
    pub fn new() -> Self {
        let limits = WaitingLimits {
            per_key: EARLY_PER_INDEX_MAX,
            keys: EARLY_INDEXES_MAX,
            total: EARLY_MAX,
            lifetime_ms: EARLY_MS,
        };
        Self { until_ms: LruMap::new(INDEXES_MAX), early: Waiting::new(limits) }
    }

    /// A message 2 has named this index.
    pub fn named(&mut self, index: u32, now_ms: u64) {
        self.expect(index, NAMED_MS, now_ms);
    }

    /// Its session may be installed at any moment for so long, or for longer where that was said before.
    pub fn expect(&mut self, index: u32, for_ms: u64, now_ms: u64) {
        let until_ms = now_ms.saturating_add(for_ms);
        let before_ms = self.until_ms.touch(&index).map_or(0, |until_ms| *until_ms);
        self.until_ms.insert(index, until_ms.max(before_ms));
    }

    /// Whether a session with this index may be installed at any moment.
    pub fn contains(&mut self, index: u32, now_ms: u64) -> bool {
        self.until_ms.touch(&index).is_some_and(|until_ms| now_ms < *until_ms)
    }

    /// Holds what came for an awaited index until its session is installed. False when there is no room.
    pub fn hold(&mut self, index: u32, now_ms: u64, early: impl FnOnce() -> Early) -> bool {
        self.early.hold(index, now_ms, early)
    }

    /// Takes out what came too early for a session, in the order of arrival.
    pub fn take(&mut self, index: u32) -> Vec<Early> {
        self.early.take(index)
    }

    /// Forgets what no session was installed for, and returns how many datagrams that were.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        self.early.expire(now_ms)
    }

    /// When the next of them expire.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.early.deadline_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early(byte: u8) -> Early {
        Early { origin: Path::Direct("192.0.2.1:4242".parse().unwrap()), peer: None, datagram: vec![byte] }
    }

    #[test]
    fn sixty_four_datagrams_wait_for_an_index_in_the_order_of_arrival() {
        let mut awaited = AwaitedIndexes::new();
        assert_eq!((0..100).filter(|n| awaited.hold(7, 100, || early(*n))).count(), 64);
        assert_eq!(awaited.take(7)[..2], [early(0), early(1)]);
        assert_eq!(awaited.take(7), []);
    }

    #[test]
    fn what_no_session_was_installed_for_is_gone_after_a_second() {
        let mut awaited = AwaitedIndexes::new();
        awaited.hold(7, 200, || early(1));
        assert_eq!(awaited.deadline_ms(), Some(1_200));
        assert_eq!((awaited.expire(1_199), awaited.expire(1_200), awaited.take(7)), (0, 1, vec![]));
    }

    #[test]
    fn all_together_hold_a_thousand_for_256_indexes() {
        let mut awaited = AwaitedIndexes::new();
        assert_eq!((0..2_000).filter(|index| awaited.hold(*index, 0, || early(0))).count(), 256);
        let more = (0..20).flat_map(|_| 0..256).filter(|index| awaited.hold(*index, 0, || early(0))).count();
        assert_eq!(256 + more, 1_024);
    }

    #[test]
    fn an_index_is_awaited_for_as_long_as_was_said_and_message_2_shortens_nothing() {
        let mut awaited = AwaitedIndexes::new();
        awaited.expect(7, 5_500, 100);
        awaited.named(7, 200);
        assert!(awaited.contains(7, 5_599) && !awaited.contains(7, 5_600));
    }

    #[test]
    fn an_index_that_message_2_names_is_awaited_for_a_second() {
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
