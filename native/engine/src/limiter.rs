//! Limits on what an unauthenticated datagram may cost (SEMANTICS.md sections 6 and 7).

use std::net::IpAddr;

use crate::ip::masked;
use crate::lru_map::LruMap;

/// Sources remembered by each limit; the least recently seen one starts over with a full bucket.
pub const SOURCES_MAX: usize = 4_096;

/// How much may pass: `per_second` on average, `burst` at once.
#[derive(Clone, Copy)]
pub struct Rate {
    /// Tokens that come back in a second, equally milli-tokens in a millisecond.
    pub per_second: u64,
    /// Tokens a bucket holds.
    pub burst: u64,
}

const HANDSHAKES_PER_HOST: Rate = Rate { per_second: 20, burst: 40 };
const HANDSHAKES_PER_NETWORK: Rate = Rate { per_second: 200, burst: 400 };
const HANDSHAKES: Rate = Rate { per_second: 2_000, burst: 1_000 };
const ANSWERS_PER_HOST: Rate = Rate { per_second: 200, burst: 400 };
const ANSWERS: Rate = Rate { per_second: 4_000, burst: 4_000 };
const RECV_ERRORS_PER_SOURCE: Rate = Rate { per_second: 5, burst: 10 };
const RECV_ERRORS: Rate = Rate { per_second: 100, burst: 100 };

/// A token bucket in whole milli-tokens. It starts full.
#[derive(Clone, Copy)]
pub struct Bucket {
    milli_tokens: u64,
    filled_at_ms: u64,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now_ms: u64) -> Self {
        Self { milli_tokens: rate.burst * 1_000, filled_at_ms: now_ms }
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, rate: Rate, now_ms: u64) -> bool {
        self.refill(rate, now_ms) && self.spend()
    }

    /// Brings the bucket up to date; whether it has a token.
    fn refill(&mut self, rate: Rate, now_ms: u64) -> bool {
        let elapsed = now_ms.saturating_sub(self.filled_at_ms);
        let gained = elapsed.saturating_mul(rate.per_second);
        self.milli_tokens = self.milli_tokens.saturating_add(gained).min(rate.burst * 1_000);
        self.filled_at_ms = self.filled_at_ms.max(now_ms);
        self.milli_tokens >= 1_000
    }

    fn spend(&mut self) -> bool {
        self.milli_tokens = self.milli_tokens.saturating_sub(1_000);
        true
    }
}

/// First handshake messages, before any cryptography is spent on them.
pub struct HandshakeLimiter {
    hosts: LruMap<IpAddr, Bucket>,
    networks: LruMap<IpAddr, Bucket>,
    all: Bucket,
}

impl HandshakeLimiter {
    /// A limiter that has seen nothing.
    pub fn new() -> Self {
        Self { hosts: LruMap::new(SOURCES_MAX), networks: LruMap::new(SOURCES_MAX), all: Bucket::full(HANDSHAKES, 0) }
    }

    /// Whether one more may pass: the source, its network and the whole must each have a token, then each gives one.
    pub fn admits(&mut self, source: IpAddr, now_ms: u64) -> bool {
        let host = bucket(&mut self.hosts, masked(source, 32, 64), HANDSHAKES_PER_HOST, now_ms);
        let network = bucket(&mut self.networks, masked(source, 24, 48), HANDSHAKES_PER_NETWORK, now_ms);
        let (Some(host), Some(network)) = (host, network) else { return false };
        host.refill(HANDSHAKES_PER_HOST, now_ms)
            && network.refill(HANDSHAKES_PER_NETWORK, now_ms)
            && self.all.refill(HANDSHAKES, now_ms)
            && host.spend()
            && network.spend()
            && self.all.spend()
    }
}

/// Second handshake messages. They cost a look at a table, and an answer that we wait for is repeated: this bounds a flood.
pub struct AnswerLimiter {
    hosts: LruMap<IpAddr, Bucket>,
    all: Bucket,
}

impl AnswerLimiter {
    /// A limiter that has seen nothing.
    pub fn new() -> Self {
        Self { hosts: LruMap::new(SOURCES_MAX), all: Bucket::full(ANSWERS, 0) }
    }

    /// Whether one more may pass: the source and the whole must each have a token, then each gives one.
    pub fn admits(&mut self, source: IpAddr, now_ms: u64) -> bool {
        let Some(host) = bucket(&mut self.hosts, masked(source, 32, 64), ANSWERS_PER_HOST, now_ms) else {
            return false;
        };
        host.refill(ANSWERS_PER_HOST, now_ms) && self.all.refill(ANSWERS, now_ms) && host.spend() && self.all.spend()
    }
}

/// recv_errors in one direction: those we answer with, or those we pass on.
pub struct RecvErrorLimiter {
    sources: LruMap<IpAddr, Bucket>,
    all: Bucket,
}

impl RecvErrorLimiter {
    /// A limiter that has seen nothing.
    pub fn new() -> Self {
        Self { sources: LruMap::new(SOURCES_MAX), all: Bucket::full(RECV_ERRORS, 0) }
    }

    /// Whether one more may pass: the source and the whole must each have a token, then each gives one.
    pub fn admits(&mut self, source: IpAddr, now_ms: u64) -> bool {
        let Some(own) = bucket(&mut self.sources, source, RECV_ERRORS_PER_SOURCE, now_ms) else { return false };
        own.refill(RECV_ERRORS_PER_SOURCE, now_ms)
            && self.all.refill(RECV_ERRORS, now_ms)
            && own.spend()
            && self.all.spend()
    }
}

fn bucket(buckets: &mut LruMap<IpAddr, Bucket>, source: IpAddr, rate: Rate, now_ms: u64) -> Option<&mut Bucket> {
    if buckets.touch(&source).is_none() {
        buckets.insert(source, Bucket::full(rate, now_ms));
    }
    buckets.touch(&source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limiter: &mut HandshakeLimiter, source: &str, tries: usize, now_ms: u64) -> usize {
        (0..tries).filter(|_| limiter.admits(source.parse().unwrap(), now_ms)).count()
    }

    #[test]
    fn a_bucket_starts_full_and_gains_whole_milli_tokens() {
        let rate = Rate { per_second: 5, burst: 2 };
        let mut bucket = Bucket::full(rate, 0);
        assert!(bucket.take(rate, 0) && bucket.take(rate, 0) && !bucket.take(rate, 0));
        assert!(!bucket.take(rate, 199));
        assert!(bucket.take(rate, 200));
        assert!(!bucket.take(rate, 200));
        assert!(bucket.take(rate, u64::MAX) && bucket.take(rate, u64::MAX) && !bucket.take(rate, u64::MAX));
    }

    #[test]
    fn one_host_gets_forty_handshakes_and_then_twenty_a_second() {
        let mut limiter = HandshakeLimiter::new();
        assert_eq!(admitted(&mut limiter, "192.0.2.1", 100, 0), 40);
        assert_eq!(admitted(&mut limiter, "192.0.2.1", 100, 1_000), 20);
        assert_eq!(admitted(&mut limiter, "192.0.2.2", 100, 1_000), 40);
    }

    #[test]
    fn an_ipv6_host_is_a_64_bit_network() {
        let mut limiter = HandshakeLimiter::new();
        assert_eq!(admitted(&mut limiter, "2001:db8::1", 30, 0), 30);
        assert_eq!(admitted(&mut limiter, "2001:db8::2", 30, 0), 10);
        assert_eq!(admitted(&mut limiter, "2001:db8:0:1::1", 30, 0), 30);
    }

    #[test]
    fn one_network_gets_four_hundred_and_all_together_a_thousand() {
        let mut limiter = HandshakeLimiter::new();
        let from_network = |limiter: &mut HandshakeLimiter, network: u8| -> usize {
            (0..=255).map(|host| admitted(limiter, &format!("10.0.{network}.{host}"), 40, 0)).sum()
        };
        assert_eq!(from_network(&mut limiter, 0), 400);
        assert_eq!(from_network(&mut limiter, 1), 400);
        assert_eq!(from_network(&mut limiter, 2), 200);
    }

    #[test]
    fn a_refused_handshake_costs_nobody_a_token() {
        let mut limiter = HandshakeLimiter::new();
        admitted(&mut limiter, "192.0.2.1", 1_000, 0);
        let others: usize = (2..=10).map(|host| admitted(&mut limiter, &format!("192.0.2.{host}"), 40, 0)).sum();
        assert_eq!(others, 360);
    }

    #[test]
    fn recv_errors_pass_ten_at_once_from_a_source_and_a_hundred_in_all() {
        let mut limiter = RecvErrorLimiter::new();
        let mut passed = 0;
        for source in 0..20u8 {
            let from_one = (0..50).filter(|_| limiter.admits(IpAddr::from([10, 0, 0, source]), 0)).count();
            assert_eq!(from_one, if source < 10 { 10 } else { 0 });
            passed += from_one;
        }
        assert_eq!(passed, 100);
    }
}
