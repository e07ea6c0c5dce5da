//! Packets that wait for a session (SEMANTICS.md section 1).

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::limiter::{Bucket, Rate};
use crate::lru_map::LruMap;

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

/// Packets by destination, oldest destination first to expire.
pub struct ParkingLot {
    queues: HashMap<IpAddr, Queue>,
    /// Expiry and arrival of each queue: the order in which they leave.
    expiries: BTreeMap<(u64, u64), IpAddr>,
    packets: usize,
    arrivals: u64,
    asked_at_ms: LruMap<IpAddr, u64>,
    asks: Bucket,
}

struct Queue {
    packets: Vec<Vec<u8>>,
    expiry: (u64, u64),
}

impl ParkingLot {
    /// An empty lot.
    pub fn new() -> Self {
        Self {
            queues: HashMap::new(),
            expiries: BTreeMap::new(),
            packets: 0,
            arrivals: 0,
            asked_at_ms: LruMap::new(NEED_SESSION_ADDRESSES_MAX),
            asks: Bucket::full(ASKED, 0),
        }
    }

    /// Parks a packet. False when one of the limits is reached.
    pub fn park(&mut self, destination: IpAddr, packet: &[u8], now_ms: u64) -> bool {
        if self.packets >= PARKED_MAX {
            return false;
        }
        if let Some(queue) = self.queues.get_mut(&destination) {
            if queue.packets.len() >= PARKED_PER_ADDRESS_MAX {
                return false;
            }
            queue.packets.push(packet.to_vec());
        } else {
            if self.queues.len() >= PARKED_ADDRESSES_MAX {
                return false;
            }
            self.arrivals += 1;
            let expiry = (now_ms.saturating_add(PARKED_LIFETIME_MS), self.arrivals);
            self.expiries.insert(expiry, destination);
            self.queues.insert(destination, Queue { packets: vec![packet.to_vec()], expiry });
        }
        self.packets += 1;
        true
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
        let Some(queue) = self.queues.remove(&destination) else { return vec![] };
        self.expiries.remove(&queue.expiry);
        self.packets -= queue.packets.len();
        queue.packets
    }

    /// Takes out the packets of the first address whose time is over.
    pub fn take_expired(&mut self, now_ms: u64) -> Option<Vec<Vec<u8>>> {
        let (&(expires_ms, _), &destination) = self.expiries.first_key_value()?;
        (expires_ms <= now_ms).then(|| self.take(destination))
    }

    /// When the next packets expire.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.expiries.first_key_value().map(|((expires_ms, _), _)| *expires_ms)
    }

    /// Packets parked now.
    pub fn len(&self) -> usize {
        self.packets
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
        assert_eq!(lot.take_expired(9_999), None);
        assert_eq!(lot.take_expired(10_000), Some(vec![vec![1], vec![3]]));
        assert_eq!(lot.take_expired(10_000), None);
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
