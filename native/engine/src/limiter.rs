//! Limits on what an unauthenticated datagram may cost (SEMANTICS.md sections 6 and 7).

use std::net::{IpAddr, Ipv4Addr};

use crate::ip::masked;
use crate::lru_map::LruMap;
use crate::standing::Standing;

/// Sources remembered by each tier. The least recently seen one starts over with a full bucket: forging sources buys what the wider
/// tiers allow.
pub const SOURCES_MAX: usize = 4_096;

/// How much may pass: `per_second` on average, `burst` at once.
#[derive(Clone, Copy)]
pub struct Rate {
    /// Tokens that come back in a second, equally milli-tokens in a millisecond.
    pub per_second: u64,
    /// Tokens a bucket holds.
    pub burst: u64,
}

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
        self.take_many(rate, now_ms, 1)
    }

    /// Takes so many tokens if they are there.
    pub fn take_many(&mut self, rate: Rate, now_ms: u64, tokens: u64) -> bool {
        let has = self.has(rate, now_ms, tokens);
        if has {
            self.spend(tokens);
        }
        has
    }

    /// Brings the bucket up to date; whether it has so many tokens.
    fn has(&mut self, rate: Rate, now_ms: u64, tokens: u64) -> bool {
        let elapsed = now_ms.saturating_sub(self.filled_at_ms);
        let gained = elapsed.saturating_mul(rate.per_second);
        self.milli_tokens = self.milli_tokens.saturating_add(gained).min(rate.burst * 1_000);
        self.filled_at_ms = self.filled_at_ms.max(now_ms);
        self.milli_tokens >= tokens * 1_000
    }

    fn spend(&mut self, tokens: u64) {
        self.milli_tokens = self.milli_tokens.saturating_sub(tokens * 1_000);
    }
}

/// Bytes that a token pays for: what an ordinary handshake fits in.
const TOKEN_BYTES: usize = 1_500;

/// What a datagram costs: one token for each [`TOKEN_BYTES`] begun.
pub fn tokens_of(datagram: &[u8]) -> u64 {
    datagram.len().div_ceil(TOKEN_BYTES).max(1) as u64
}

/// Who shares a bucket: each prefix of so many bits of IPv4 and of IPv6 has its own. (0, 0): everybody.
type Division = (u32, u32);

const HOST: Division = (32, 64);
const NETWORK: Division = (24, 48);
const ADDRESS: Division = (32, 128);
const EVERYBODY: Division = (0, 0);

/// One way to divide sources, for those of some standings.
struct Tier {
    division: Division,
    rate: Rate,
    standings: &'static [Standing],
    buckets: LruMap<IpAddr, Bucket>,
}

impl Tier {
    fn new(division: Division, per_second: u64, burst: u64, standings: &'static [Standing]) -> Self {
        Self { division, rate: Rate { per_second, burst }, standings, buckets: LruMap::new(SOURCES_MAX) }
    }

    fn bucket(&mut self, source: IpAddr, now_ms: u64) -> Option<&mut Bucket> {
        let (v4, v6) = self.division;
        let key = if self.division == EVERYBODY { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { masked(source, v4, v6) };
        self.buckets.touch_or_insert(key, || Bucket::full(self.rate, now_ms))
    }
}

const ALL: &[Standing] = &[Standing::Known, Standing::Repeated, Standing::First];

/// Token buckets in tiers. Every tier for this standing must have the tokens; only then each gives them.
pub struct SourceLimiter {
    tiers: Vec<Tier>,
}

impl SourceLimiter {
    /// First handshake messages, before any cryptography is spent on them. Whoever repeats himself need not wait behind those who do
    /// not, and neither costs somebody known a token.
    pub fn message_1() -> Self {
        Self {
            tiers: vec![
                Tier::new(HOST, 20, 40, ALL),
                Tier::new(NETWORK, 200, 400, &[Standing::First]),
                Tier::new(EVERYBODY, 2_000, 2_000, &[Standing::Known]),
                Tier::new(EVERYBODY, 1_000, 1_000, &[Standing::Repeated]),
                Tier::new(EVERYBODY, 500, 500, &[Standing::First]),
            ],
        }
    }

    /// Second handshake messages. They cost a look at a table, and an answer that we wait for is repeated: this bounds a flood.
    pub fn message_2() -> Self {
        Self {
            tiers: vec![
                Tier::new(HOST, 200, 400, ALL),
                Tier::new(EVERYBODY, 4_000, 4_000, &[Standing::Known]),
                Tier::new(EVERYBODY, 200, 400, &[Standing::Repeated, Standing::First]),
            ],
        }
    }

    /// recv_errors in one direction: those we answer with, or those we pass on.
    pub fn recv_error() -> Self {
        Self {
            tiers: vec![
                Tier::new(ADDRESS, 5, 10, ALL),
                Tier::new(EVERYBODY, 100, 100, &[Standing::Known]),
                Tier::new(EVERYBODY, 100, 100, &[Standing::Repeated, Standing::First]),
            ],
        }
    }

    /// Whether one more may pass, at the price of so many tokens.
    pub fn admits(&mut self, source: IpAddr, standing: Standing, tokens: u64, now_ms: u64) -> bool {
        let mut concerned: Vec<_> = self.tiers.iter_mut().filter(|tier| tier.standings.contains(&standing)).collect();
        let mut admitted = true;
        // All are looked at, whatever the first says: each remembers its sources in the order in which they came.
        for tier in &mut concerned {
            let rate = tier.rate;
            admitted &= tier.bucket(source, now_ms).is_some_and(|bucket| bucket.has(rate, now_ms, tokens));
        }
        if admitted {
            concerned.iter_mut().filter_map(|tier| tier.bucket(source, now_ms)).for_each(|bucket| bucket.spend(tokens));
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limiter: &mut SourceLimiter, source: &str, tries: usize, now_ms: u64) -> usize {
        (0..tries).filter(|_| limiter.admits(source.parse().unwrap(), Standing::First, 1, now_ms)).count()
    }

    /// One from each of so many networks.
    fn from_everywhere(limiter: &mut SourceLimiter, standing: Standing, tries: usize) -> usize {
        let source = |n: usize| IpAddr::from([10, (n >> 8) as u8, n as u8, 1]);
        (0..tries).filter(|n| limiter.admits(source(*n), standing, 1, 0)).count()
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
        let mut limiter = SourceLimiter::message_1();
        assert_eq!(admitted(&mut limiter, "192.0.2.1", 100, 0), 40);
        assert_eq!(admitted(&mut limiter, "192.0.2.1", 100, 1_000), 20);
        assert_eq!(admitted(&mut limiter, "192.0.2.2", 100, 1_000), 40);
    }

    #[test]
    fn an_ipv6_host_is_a_64_bit_network() {
        let mut limiter = SourceLimiter::message_1();
        assert_eq!(admitted(&mut limiter, "2001:db8::1", 30, 0), 30);
        assert_eq!(admitted(&mut limiter, "2001:db8::2", 30, 0), 10);
        assert_eq!(admitted(&mut limiter, "2001:db8:0:1::1", 30, 0), 30);
    }

    #[test]
    fn one_network_gets_four_hundred_and_all_together_five_hundred() {
        let mut limiter = SourceLimiter::message_1();
        let from_network = |limiter: &mut SourceLimiter, network: u8| -> usize {
            (0..=255).map(|host| admitted(limiter, &format!("10.0.{network}.{host}"), 40, 0)).sum()
        };
        assert_eq!(from_network(&mut limiter, 0), 400);
        assert_eq!(from_network(&mut limiter, 1), 100);
    }

    #[test]
    fn no_standing_takes_the_tokens_of_another() {
        let mut limiter = SourceLimiter::message_1();
        let mut passed = |standing| from_everywhere(&mut limiter, standing, 3_000);
        assert_eq!(passed(Standing::First), 500);
        assert_eq!(passed(Standing::Repeated), 1_000);
        assert_eq!(passed(Standing::Known), 2_000);
    }

    #[test]
    fn a_long_datagram_costs_as_many_tokens_as_it_has_beginnings_of_1500_bytes() {
        assert_eq!([17, 1_500, 1_501, 9_001].map(|bytes| tokens_of(&vec![0; bytes])), [1, 1, 2, 7]);
        let mut limiter = SourceLimiter::message_1();
        let source = IpAddr::from([192, 0, 2, 1]);
        assert_eq!((0..9).filter(|_| limiter.admits(source, Standing::First, 7, 0)).count(), 5);
        assert_eq!(admitted(&mut limiter, "192.0.2.1", 9, 0), 5);
    }

    #[test]
    fn a_refused_handshake_costs_nobody_a_token() {
        let mut limiter = SourceLimiter::message_1();
        admitted(&mut limiter, "192.0.2.1", 1_000, 0);
        let others: usize = (2..=10).map(|host| admitted(&mut limiter, &format!("192.0.2.{host}"), 40, 0)).sum();
        assert_eq!(others, 360);
    }

    #[test]
    fn five_thousand_forged_sources_a_second_leave_the_tables_as_large_as_they_may_be() {
        let mut limiter = SourceLimiter::message_1();
        for n in 0..20_000u32 {
            limiter.admits(IpAddr::from(n.to_be_bytes()), Standing::First, 1, u64::from(n) / 5);
        }
        assert!(limiter.tiers.iter().all(|tier| tier.buckets.len() <= SOURCES_MAX));
    }

    #[test]
    fn recv_errors_pass_ten_at_once_from_a_source_and_a_hundred_in_all() {
        let mut limiter = SourceLimiter::recv_error();
        let mut passed = 0;
        for source in 0..20u8 {
            let address = IpAddr::from([10, 0, 0, source]);
            let from_one = (0..50).filter(|_| limiter.admits(address, Standing::First, 1, 0)).count();
            assert_eq!(from_one, if source < 10 { 10 } else { 0 });
            passed += from_one;
        }
        assert_eq!(passed, 100);
        assert_eq!(from_everywhere(&mut limiter, Standing::Known, 200), 100);
    }
}
