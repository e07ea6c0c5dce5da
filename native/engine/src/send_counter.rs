//! Which counters a session sends under: none twice, whoever sends at the same time (SEMANTICS.md section 9).

use std::ops::RangeInclusive;

use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// From this send counter on a new handshake is due (protocol, section 2.4).
pub const COUNTER_HIGH: u64 = 1 << 34;
/// The last counter that is sent: 2^40 before the end, out of reach of any race between senders.
pub const COUNTER_LAST: u64 = u64::MAX - (1 << 40);

/// A counter for one message, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Send under this counter.
    Counter(u64),
    /// Send under this counter, and tell that it is time for a new handshake.
    High(u64),
    /// Nothing may be sent any more.
    Exhausted,
}

/// The send counter of one session.
pub struct SendCounter {
    last: AtomicU64,
    told_high: AtomicBool,
    told_exhausted: AtomicBool,
}

impl SendCounter {
    /// Goes on after this one.
    pub fn after(last: u64) -> Self {
        Self { last: AtomicU64::new(last), told_high: AtomicBool::new(false), told_exhausted: AtomicBool::new(false) }
    }

    /// Reserves the next one.
    pub fn reserve(&self) -> Reservation {
        if self.is_exhausted() {
            return Reservation::Exhausted;
        }
        let counter = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        if counter > COUNTER_LAST {
            Reservation::Exhausted
        } else if counter >= COUNTER_HIGH && !self.told_high.swap(true, Ordering::Relaxed) {
            Reservation::High(counter)
        } else {
            Reservation::Counter(counter)
        }
    }

    /// Whether the next so many may be sent, and there is nothing to tell of any of them.
    pub fn has(&self, count: u64) -> bool {
        let end = if self.told_high.load(Ordering::Relaxed) { COUNTER_LAST } else { COUNTER_HIGH };
        self.last().saturating_add(count) < end
    }

    /// Reserves the next so many, of which [`Self::has`] was asked.
    pub fn reserve_many(&self, count: u64) -> RangeInclusive<u64> {
        let before = self.last.fetch_add(count, Ordering::Relaxed);
        before + 1..=before + count
    }

    /// Whether none is left.
    pub fn is_exhausted(&self) -> bool {
        self.last() >= COUNTER_LAST
    }

    /// True the first time it is called: the end of the counters is told once.
    pub fn tell_exhausted(&self) -> bool {
        !self.told_exhausted.swap(true, Ordering::Relaxed)
    }

    /// Counter of the last message sent.
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, loom))]
mod models {
    use std::sync::Arc;

    use loom::thread;

    use super::*;

    /// What two threads reserve: one counter, then three, then one.
    fn reserved(last: u64) -> Vec<Reservation> {
        let counter = Arc::new(SendCounter::after(last));
        let send = |counter: &SendCounter| {
            let mut reserved = vec![counter.reserve()];
            if counter.has(3) {
                reserved.extend(counter.reserve_many(3).map(Reservation::Counter));
            }
            reserved.push(counter.reserve());
            reserved
        };
        let other = Arc::clone(&counter);
        let thread = thread::spawn(move || send(&other));
        let mut all = send(&counter);
        all.extend(thread.join().unwrap());
        all
    }

    fn number(reservation: &Reservation) -> Option<u64> {
        match reservation {
            Reservation::Counter(counter) | Reservation::High(counter) => Some(*counter),
            Reservation::Exhausted => None,
        }
    }

    #[test]
    fn no_counter_is_reserved_twice_and_none_is_left_out() {
        loom::model(|| {
            let mut numbers: Vec<u64> = reserved(2).iter().filter_map(number).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (3..13).collect::<Vec<_>>());
        });
    }

    #[test]
    fn that_a_handshake_is_due_is_told_once() {
        loom::model(|| {
            let told = reserved(COUNTER_HIGH - 2);
            assert_eq!(told.iter().filter(|one| matches!(one, Reservation::High(_))).count(), 1);
        });
    }

    #[test]
    fn senders_that_meet_at_the_end_stay_far_from_where_a_counter_comes_again() {
        loom::model(|| {
            let numbers: Vec<u64> = reserved(COUNTER_LAST - 3).iter().filter_map(number).collect();
            assert!(numbers.iter().all(|number| *number <= COUNTER_LAST + 6));
            let mut distinct = numbers.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), numbers.len());
        });
    }
}
