//! What is known of whoever sends a datagram that proves nothing (SEMANTICS.md section 6).

use std::net::{IpAddr, SocketAddr};

use crate::fnv::Fnv1a;
use crate::header::HEADER_BYTES;
use crate::ip::masked;
use crate::lru_map::LruMap;

/// Sources of authentic packets that are remembered, and as many of those that were asked.
pub const ACQUAINTANCES_MAX: usize = 4_096;
/// How long somebody whom we asked may take for the answer: a call is over by then.
const ASKED_MS: u64 = 10_000;

/// Messages 1 that are remembered, each by its hash. A second's worth of a flood, so that the first repetition finds the original.
const MESSAGES_MAX: usize = 16_384;
/// An honest caller repeats itself within a tenth of that.
const REPEATED_MS: u64 = 4_000;
/// What is looked at of a message 1: its ephemeral key, which is new in each, and as much again.
const LOOKED_AT_BYTES: usize = 64;

/// Who shares a limit with whom: none of them can take what another one may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// From where something authentic came, or where the control plane has asked a moment ago.
    Known,
    /// The same message came from there a moment ago, as those of a host do that waits for an answer.
    Repeated,
    /// Anybody.
    First,
}

/// Addresses that are more than a claim.
pub struct Acquaintances {
    heard: LruMap<IpAddr, ()>,
    asked_at_ms: LruMap<IpAddr, u64>,
}

impl Acquaintances {
    /// Nobody.
    pub fn new() -> Self {
        Self { heard: LruMap::new(ACQUAINTANCES_MAX), asked_at_ms: LruMap::new(ACQUAINTANCES_MAX) }
    }

    /// Something authentic came from there.
    pub fn heard(&mut self, source: IpAddr) {
        self.heard.insert(place(source), ());
    }

    /// The control plane has sent something there that wants an answer.
    pub fn asked(&mut self, target: IpAddr, now_ms: u64) {
        self.asked_at_ms.insert(place(target), now_ms);
    }

    /// Whether this address is one of them. Being asked about keeps nobody in: that would be for anybody to claim.
    pub fn knows(&self, source: IpAddr, now_ms: u64) -> bool {
        let asked = || self.asked_at_ms.peek(&place(source));
        self.heard.peek(&place(source)).is_some()
            || asked().is_some_and(|at_ms| now_ms.saturating_sub(*at_ms) < ASKED_MS)
    }
}

/// A host has a whole /64 to send from.
fn place(address: IpAddr) -> IpAddr {
    masked(address, 32, 64)
}

/// What was sent before, as far as nothing else has taken its place.
pub struct Repeats {
    slots: Box<[Seen]>,
}

#[derive(Clone, Copy)]
struct Seen {
    hash: u32,
    until_ms: u64,
}

impl Repeats {
    /// Nothing was sent before.
    pub fn new() -> Self {
        Self { slots: vec![Seen { hash: 0, until_ms: 0 }; MESSAGES_MAX].into() }
    }

    /// Notes a message 1 and says whether the same one came from the same place a moment ago. Two that have one hash are the same
    /// here: whoever makes such could as well repeat one.
    pub fn has(&mut self, source: SocketAddr, datagram: &[u8], now_ms: u64) -> bool {
        let mut hash = Fnv1a::new();
        match source.ip() {
            IpAddr::V4(v4) => hash.add(&v4.octets()),
            IpAddr::V6(v6) => hash.add(&v6.octets()),
        }
        hash.add(&source.port().to_be_bytes());
        hash.add(
            datagram.get(HEADER_BYTES..).map_or(&[][..], |message| message.get(..LOOKED_AT_BYTES).unwrap_or(message)),
        );
        let hash = hash.finish();
        let Some(slot) = self.slots.get_mut(hash as usize % MESSAGES_MAX) else { return false };
        let known = slot.hash == hash && now_ms < slot.until_ms;
        *slot = Seen { hash, until_ms: now_ms + REPEATED_MS };
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_was_heard_stays_known_and_who_was_asked_for_ten_seconds() {
        let mut known = Acquaintances::new();
        known.heard(ip("192.0.2.1"));
        known.asked(ip("192.0.2.2"), 5);
        let knows =
            |known: &Acquaintances, now_ms| ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|a| known.knows(ip(a), now_ms));
        assert_eq!(knows(&known, 10_004), [true, true, false]);
        assert_eq!(knows(&known, 10_005), [true, false, false]);
    }

    #[test]
    fn a_claim_keeps_nobody_in_the_table() {
        let mut known = Acquaintances::new();
        known.heard(ip("192.0.2.1"));
        for n in 1..ACQUAINTANCES_MAX {
            known.heard(IpAddr::from([10, 0, (n >> 8) as u8, n as u8]));
        }
        assert!(known.knows(ip("192.0.2.1"), 0));
        known.heard(ip("192.0.2.2"));
        assert!(!known.knows(ip("192.0.2.1"), 0));
    }

    #[test]
    fn an_ipv6_host_is_a_64_bit_network() {
        let mut known = Acquaintances::new();
        known.heard(ip("2001:db8::1"));
        assert!(known.knows(ip("2001:db8::2"), 0) && !known.knows(ip("2001:db8:0:1::1"), 0));
    }

    #[test]
    fn a_message_is_repeated_for_four_seconds_after_the_last_time() {
        let mut repeats = Repeats::new();
        let source = "192.0.2.1:4242".parse().unwrap();
        assert_eq!([0, 3_999, 7_998, 11_998].map(|at| repeats.has(source, &[7; 100], at)), [false, true, true, false]);
    }

    #[test]
    fn another_port_or_another_key_is_another_message() {
        let mut repeats = Repeats::new();
        let mut other = [7; 100];
        other[HEADER_BYTES] ^= 1;
        assert!(!repeats.has("192.0.2.1:1".parse().unwrap(), &[7; 100], 0));
        assert!(!repeats.has("192.0.2.1:2".parse().unwrap(), &[7; 100], 0));
        assert!(!repeats.has("192.0.2.1:1".parse().unwrap(), &other, 0));
        assert!(repeats.has("192.0.2.1:1".parse().unwrap(), &[7; 100], 0));
        assert!(!repeats.has("192.0.2.1:1".parse().unwrap(), &[7; 3], 0));
    }
}
