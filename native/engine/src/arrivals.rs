//! What has arrived on a session: each counter once, whoever receives at the same time.

use crate::counters::InboundCounters;
use crate::drop_reason::DropReason;
use crate::replay_window::ReplayWindow;
use crate::sync::{Mutex, lock};

/// The replay window of one session, what opens its datagrams and what it has let in, under one lock.
pub struct Arrivals<Key>(Mutex<Arrived<Key>>);

struct Arrived<Key> {
    window: ReplayWindow,
    /// `None` while the session rests.
    key: Option<Key>,
    packets: u64,
    bytes: u64,
}

impl<Key> Arrivals<Key> {
    /// Counters up to and including `floor` count as received.
    pub fn after(floor: u64, key: Key) -> Self {
        Self(Mutex::new(Arrived { window: ReplayWindow::new(floor), key: Some(key), packets: 0, bytes: 0 }))
    }

    /// What `open` makes of a datagram with this counter and length, if the counter is new and the datagram authentic; the counter is then seen. The window is
    /// held from the first look at it to the last: who brings the same datagram beside this one waits for as long as opening takes, and everybody
    /// else asks once. `make`: the key, of a session that has rested.
    pub fn take_in<T>(
        &self,
        (counter, length): (u64, usize),
        counters: &InboundCounters,
        make: impl FnOnce() -> Option<Key>,
        open: impl FnOnce(&Key) -> Option<T>,
    ) -> Result<T, DropReason> {
        let mut arrived = lock(&self.0);
        if !arrived.window.accepts(counter) {
            counters.duplicate.add(arrived.window.remembers(counter).into());
            return Err(DropReason::Replayed);
        }
        if arrived.key.is_none() {
            arrived.key = make();
        }
        let held = arrived.key.as_ref().and_then(open).ok_or(DropReason::NotAuthentic)?;
        match arrived.window.commit(counter) {
            Some(0) => {}
            Some(lost) => counters.lost.add(lost),
            None => return Err(DropReason::Replayed),
        }
        arrived.packets += 1;
        arrived.bytes += length as u64;
        Ok(held)
    }

    /// Lets go of the key.
    pub fn rest(&self) {
        lock(&self.0).key = None;
    }

    /// The highest counter that was taken in.
    pub fn highest(&self) -> u64 {
        lock(&self.0).window.highest()
    }

    /// Packets and bytes that were accepted.
    pub fn totals(&self) -> (u64, u64) {
        let arrived = lock(&self.0);
        (arrived.packets, arrived.bytes)
    }
}

#[cfg(all(test, loom))]
mod models {
    use std::sync::Arc;

    use loom::thread;

    use super::*;

    /// How often two threads that each receive these counters take one in.
    fn accepted(floor: u64, received: [&'static [u64]; 2]) -> (Arc<Arrivals<()>>, Vec<u64>) {
        let arrivals = Arc::new(Arrivals::after(floor, ()));
        let receive = |arrivals: &Arrivals<()>, received: &[u64]| {
            let counters = InboundCounters::default();
            let is_new = |counter: &u64| arrivals.take_in((*counter, 100), &counters, || None, |()| Some(())).is_ok();
            received.iter().copied().filter(is_new).collect::<Vec<u64>>()
        };
        let other = Arc::clone(&arrivals);
        let [one, two] = received;
        let thread = thread::spawn(move || receive(&other, one));
        let mut all = receive(&arrivals, two);
        all.extend(thread.join().unwrap());
        all.sort_unstable();
        (arrivals, all)
    }

    #[test]
    fn what_two_threads_receive_is_taken_in_once() {
        loom::model(|| {
            let (arrivals, all) = accepted(2, [&[3, 4, 5], &[4, 5, 3]]);
            assert_eq!(all, [3, 4, 5]);
            assert_eq!(arrivals.totals(), (3, 300));
        });
    }

    #[test]
    fn a_jump_beside_what_it_leaves_behind_takes_nothing_in_twice() {
        loom::model(|| {
            let (_, all) = accepted(2, [&[3, 9_000], &[3, 4]]);
            assert_eq!(all.iter().filter(|counter| **counter == 3).count(), 1);
            assert!(all.contains(&9_000));
        });
    }
}
