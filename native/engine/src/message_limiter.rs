//! Limits on what a peer may order with authentic messages (SEMANTICS.md section 6.1).

use std::net::IpAddr;

use crate::limiter::{Bucket, Rate};
use crate::lru_map::LruMap;

/// Peers remembered; the least recently heard one starts over with full buckets.
const PEERS_MAX: usize = 4_096;

/// What becomes of what a peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The data plane answers a message: each costs a datagram.
    Answer,
    /// The control plane is told. A host that starts asks its lighthouse for everybody whom it has to call.
    Tell,
    /// A packet that no rule allows is answered.
    Reject,
    /// An ICMP error from the peer passes because of the flow that it is about.
    ErrorIn,
    /// An ICMP error to the peer.
    ErrorOut,
}

/// In the order of [`Order`].
const RATES: [Rate; 5] = [
    Rate { per_second: 100, burst: 200 },
    Rate { per_second: 100, burst: 500 },
    Rate { per_second: 100, burst: 100 },
    Rate { per_second: 100, burst: 100 },
    Rate { per_second: 100, burst: 100 },
];

/// What is left to each peer, all its sessions together.
pub struct MessageLimiter {
    peers: LruMap<IpAddr, [Bucket; RATES.len()]>,
}

impl MessageLimiter {
    /// Nobody has sent anything.
    pub fn new() -> Self {
        Self { peers: LruMap::new(PEERS_MAX) }
    }

    /// Whether one more message of this peer may be carried out.
    pub fn admits(&mut self, peer: IpAddr, order: Order, now_ms: u64) -> bool {
        let budget = self.peers.touch_or_insert(peer, || RATES.map(|rate| Bucket::full(rate, now_ms)));
        let bucket = budget.and_then(|budget| budget.get_mut(order as usize));
        bucket.zip(RATES.get(order as usize)).is_some_and(|(bucket, rate)| bucket.take(*rate, now_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limiter: &mut MessageLimiter, peer: u8, order: Order, now_ms: u64) -> usize {
        (0..2_000).filter(|_| limiter.admits(IpAddr::from([10, 0, 0, peer]), order, now_ms)).count()
    }

    #[test]
    fn each_peer_has_a_budget_for_answers_and_one_for_what_is_told() {
        let mut limiter = MessageLimiter::new();
        assert_eq!(admitted(&mut limiter, 1, Order::Answer, 0), 200);
        assert_eq!(admitted(&mut limiter, 1, Order::Tell, 0), 500);
        assert_eq!(admitted(&mut limiter, 2, Order::Tell, 0), 500);
        for order in [Order::Reject, Order::ErrorIn, Order::ErrorOut] {
            assert_eq!(admitted(&mut limiter, 1, order, 0), 100, "{order:?}");
        }
        assert_eq!(admitted(&mut limiter, 1, Order::Answer, 1_000), 100);
        assert_eq!(admitted(&mut limiter, 1, Order::Tell, 500), 50);
    }

    #[test]
    fn the_peer_heard_longest_ago_starts_over() {
        let mut limiter = MessageLimiter::new();
        let peer = |n: u32| IpAddr::from(n.to_be_bytes());
        for _ in 0..500 {
            assert!(limiter.admits(peer(0), Order::Tell, 0));
        }
        for n in 1..4_096 {
            limiter.admits(peer(n), Order::Tell, 0);
        }
        assert!(!limiter.admits(peer(0), Order::Tell, 0));
        limiter.admits(peer(4_096), Order::Tell, 0);
        assert!(!limiter.admits(peer(0), Order::Tell, 0), "peer 1 was heard longer ago");
        for n in 0..4_096 {
            limiter.admits(peer(10_000 + n), Order::Tell, 0);
        }
        assert!(limiter.admits(peer(0), Order::Tell, 0));
    }
}
