//! How much each peer may have forwarded (SEMANTICS.md section 2.2).

use std::net::IpAddr;

use crate::header::DATAGRAM_LIMIT_BYTES;
use crate::limiter::{Bucket, Rate};
use crate::lru_map::LruMap;

/// Peers remembered; the least recently heard one starts over with a full bucket.
const PEERS_MAX: usize = 4_096;

/// What is left to each peer, all its sessions together.
pub struct RelayQuota {
    kilobytes: u32,
    peers: LruMap<IpAddr, Bucket>,
}

impl RelayQuota {
    /// Nobody has had anything forwarded.
    pub fn new() -> Self {
        Self { kilobytes: 0, peers: LruMap::new(PEERS_MAX) }
    }

    /// Whether so many bytes of this peer may go on, at so many thousands of bytes a second.
    pub fn admits(&mut self, peer: IpAddr, bytes: usize, kilobytes: u32, now_ms: u64) -> bool {
        if kilobytes != self.kilobytes {
            *self = Self { kilobytes, ..Self::new() };
        }
        let per_second = u64::from(kilobytes) * 1_000;
        let rate = Rate { per_second, burst: per_second.max(DATAGRAM_LIMIT_BYTES as u64) };
        let bucket = self.peers.touch_or_insert(peer, || Bucket::full(rate, now_ms));
        bucket.is_some_and(|bucket| bucket.take_many(rate, now_ms, bytes as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_gets_a_second_s_worth_at_once_and_then_its_rate() {
        let mut quota = RelayQuota::new();
        let peer = |n| IpAddr::from([10, 0, 0, n]);
        let passed =
            |quota: &mut RelayQuota, n, now_ms| (0..100).filter(|_| quota.admits(peer(n), 1_000, 20, now_ms)).count();
        assert_eq!(passed(&mut quota, 1, 0), 20);
        assert_eq!(passed(&mut quota, 2, 0), 20);
        assert_eq!(passed(&mut quota, 1, 250), 5);
        assert!(quota.admits(peer(1), 9_001, 1, 250), "another rate begins anew, with the longest datagram at least");
    }
}
