//! Packets that wait for a session (SEMANTICS.md section 1).

use std::net::IpAddr;

use crate::limiter::{Bucket, Rate};
use crate::lru_map::LruMap;
use crate::waiting::{Waiting, WaitingLimits};

/// Packets parked for one address. The reference's own limit; more only delays the loss the application must see.
pub const PARKED_PER_ADDRESS_MAX: usize = 100;
/// Packets parked in all.
pub const PARKED_MAX: usize = 10_000;
/// Addresses with parked packets.
pub const PARKED_ADDRESSES_MAX: usize = 4_096;
/// How long the first packet of an address may wait; the others leave with it.
pub const PARKED_LIFETIME_MS: u64 = 10_000;
/// How often a session to the same address is asked for.
pub const NEED_SESSION_INTERVAL_MS: u64 = 1_000;
/// Addresses whose last request for a session is remembered.
pub const NEED_SESSION_ADDRESSES_MAX: usize = 4_096;
/// Sessions asked for in all: who scans more addresses than are remembered would ask with every packet.
const ASKED: Rate = Rate { per_second: 1_000, burst: 8_192 };

/// Packets by destination, and which sessions were asked for.
pub struct ParkingLot {
    packets: Waiting<IpAddr, Vec<u8>>,
    asked_at_ms: LruMap<IpAddr, u64>,
    asks: Bucket,
}

impl ParkingLot {
    /// An empty lot.
    pub fn new() -> Self {
        Self {
            packets: Waiting::new(WaitingLimits {
                per_key: PARKED_PER_ADDRESS_MAX,
                keys: PARKED_ADDRESSES_MAX,
                total: PARKED_MAX,
                lifetime_ms: PARKED_LIFETIME_MS,
            }),
            asked_at_ms: LruMap::new(NEED_SESSION_ADDRESSES_MAX),
            asks: Bucket::full(ASKED, 0),
        }
    }

    /// Parks a packet. False when one of the limits is reached.
    pub fn park(&mut self, destination: IpAddr, packet: &[u8], now_ms: u64) -> bool {
        self.packets.hold(destination, now_ms, || packet.to_vec())
    }

    /// Whether a session to `destination` must be asked for now. True is taken as asked.
    pub fn must_ask(&mut self, destination: IpAddr, now_ms: u64) -> bool {
        let asked = self.asked_at_ms.peek(&destination);
        let is_early = asked.is_some_and(|at| now_ms.saturating_sub(*at) < NEED_SESSION_INTERVAL_MS);
        if is_early || !self.asks.take(ASKED, now_ms) {
            return false;
        }
        self.asked_at_ms.insert(destination, now_ms);
        true
    }

    /// Takes out everything that waits for `destination`, in the order of arrival.
    pub fn take(&mut self, destination: IpAddr) -> Vec<Vec<u8>> {
        self.packets.take(destination)
    }

    /// Takes out the packets whose time is over, and returns how many they were.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        self.packets.expire(now_ms)
    }

    /// When the next packets expire.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.packets.deadline_ms()
    }

    /// Packets parked now.
    pub fn len(&self) -> usize {
        self.packets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u16) -> IpAddr {
        let [high, low] = number.to_be_bytes();
        IpAddr::from([10, 0, high, low])
    }

    #[test]
    fn packets_leave_in_the_order_they_came() {
        let mut lot = ParkingLot::new();
        for n in 0..3 {
            assert!(lot.park(address(1), &[n], 0));
        }
        assert_eq!(lot.take(address(1)), [[0], [1], [2]]);
        assert_eq!(lot.take(address(1)), Vec::<Vec<u8>>::new());
        assert_eq!((lot.len(), lot.deadline_ms()), (0, None));
    }

    #[test]
    fn one_address_holds_a_hundred() {
        let mut lot = ParkingLot::new();
        assert_eq!((0..150).filter(|_| lot.park(address(1), &[0], 0)).count(), 100);
        assert!(lot.park(address(2), &[0], 0));
    }

    #[test]
    fn all_together_hold_ten_thousand() {
        let mut lot = ParkingLot::new();
        let parked = (0..200).map(|a| (0..100).filter(|_| lot.park(address(a), &[0], 0)).count()).sum::<usize>();
        assert_eq!((parked, lot.len()), (10_000, 10_000));
    }

    #[test]
    fn at_most_4096_addresses_are_waited_for() {
        let mut lot = ParkingLot::new();
        assert_eq!((0..5_000).filter(|a| lot.park(address(*a), &[0], 0)).count(), 4_096);
        assert!(lot.park(address(0), &[0], 0));
    }

    #[test]
    fn all_packets_of_an_address_expire_ten_seconds_after_the_first() {
        let mut lot = ParkingLot::new();
        lot.park(address(1), &[1], 0);
        lot.park(address(2), &[2], 500);
        lot.park(address(1), &[3], 9_999);
        assert_eq!(lot.deadline_ms(), Some(10_000));
        assert_eq!(lot.expire(9_999), 0);
        assert_eq!((lot.expire(10_000), lot.len()), (2, 1));
        assert_eq!(lot.expire(10_000), 0);
        assert_eq!(lot.deadline_ms(), Some(10_500));
    }

    #[test]
    fn a_session_is_asked_for_once_a_second() {
        let mut lot = ParkingLot::new();
        assert!(lot.must_ask(address(1), 0));
        assert!(!lot.must_ask(address(1), 999));
        assert!(lot.must_ask(address(2), 999));
        assert!(lot.must_ask(address(1), 1_000));
    }

    #[test]
    fn a_scan_asks_eight_thousand_times_at_once_and_then_a_thousand_times_a_second() {
        let mut lot = ParkingLot::new();
        let mut asked = |now_ms| (0..20_000).filter(|a| lot.must_ask(address(*a), now_ms)).count();
        assert_eq!((asked(0), asked(500), asked(501)), (8_192, 500, 1));
    }
}
