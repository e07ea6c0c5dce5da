//! Which message counters a session has seen (protocol, section 2.4).

/// Counters the window remembers behind the highest one. The reference's current size; smaller windows lose packets that a
/// path with parallel queues reorders.
pub const WINDOW_COUNTERS: u64 = 8_192;

const WORD_BITS: u64 = 64;
const WORDS: usize = (WINDOW_COUNTERS / WORD_BITS) as usize;

/// The receive direction of one session.
pub struct ReplayWindow {
    highest: u64,
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// A window in which everything up to and including `floor` counts as seen.
    pub fn new(floor: u64) -> Self {
        Self { highest: floor, seen: [u64::MAX; WORDS] }
    }

    /// Whether a packet with this counter may still be new. Changes nothing: the packet is not authentic yet.
    pub fn accepts(&self, counter: u64) -> bool {
        if counter > self.highest {
            return true;
        }
        self.highest - counter < WINDOW_COUNTERS && !self.is_marked(counter)
    }

    /// Whether the window knows that this counter has been seen: one that is behind it is not known any more.
    pub fn remembers(&self, counter: u64) -> bool {
        counter <= self.highest && self.highest - counter < WINDOW_COUNTERS && self.is_marked(counter)
    }

    /// Marks the counter of an authentic packet as seen. Returns how many counters leave the window unseen for it; none when it was not
    /// acceptable (any more).
    pub fn commit(&mut self, counter: u64) -> Option<u64> {
        if !self.accepts(counter) {
            return None;
        }
        let mut lost = 0;
        if counter > self.highest {
            lost = self.forget_between(counter);
            self.highest = counter;
        }
        let (word, bit) = place(counter);
        if let Some(word) = self.seen.get_mut(word) {
            *word |= bit;
        }
        Some(lost)
    }

    /// Clears the bits of the counters that come into view when `counter` becomes the highest, and counts those that go unseen.
    fn forget_between(&mut self, counter: u64) -> u64 {
        if counter - self.highest >= WINDOW_COUNTERS {
            let lost = self.seen.iter().map(|word| u64::from(word.count_zeros())).sum();
            self.seen.fill(0);
            return lost;
        }
        let mut lost = 0;
        for skipped in self.highest + 1..=counter {
            let (word, bit) = place(skipped);
            if let Some(word) = self.seen.get_mut(word) {
                lost += u64::from(*word & bit == 0);
                *word &= !bit;
            }
        }
        lost
    }

    fn is_marked(&self, counter: u64) -> bool {
        let (word, bit) = place(counter);
        self.seen.get(word).is_none_or(|word| word & bit != 0)
    }
}

fn place(counter: u64) -> (usize, u64) {
    let slot = counter % WINDOW_COUNTERS;
    ((slot / WORD_BITS) as usize, 1 << (slot % WORD_BITS))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_floor_and_everything_below_it_are_seen() {
        let mut window = ReplayWindow::new(2);
        for counter in 0..=2 {
            assert_eq!(window.commit(counter), None);
        }
        assert_eq!(window.commit(3), Some(0));
        assert_eq!(window.commit(3), None);
    }

    #[test]
    fn the_window_reaches_exactly_8192_counters_back() {
        let mut window = ReplayWindow::new(2);
        assert_eq!(window.commit(20_000), Some(0));
        assert!(!window.accepts(20_000 - 8_192));
        assert!(window.accepts(20_000 - 8_191));
    }

    #[test]
    fn a_jump_of_any_size_forgets_what_lies_behind_it() {
        let mut window = ReplayWindow::new(2);
        assert_eq!(window.commit(u64::MAX - 1), Some(0));
        assert_eq!(window.commit(u64::MAX), Some(1));
        assert_eq!(window.commit(u64::MAX - 8_191), Some(0));
        assert_eq!(window.commit(u64::MAX - 8_192), None);
        assert_eq!(window.commit(3), None);
    }

    #[test]
    fn what_leaves_the_window_unseen_is_lost_and_counted_once() {
        let mut window = ReplayWindow::new(0);
        assert_eq!(window.commit(1), Some(0));
        assert_eq!(window.commit(4), Some(0));
        assert_eq!(window.commit(8_192 + 2), Some(1));
        assert_eq!(window.commit(8_192 + 4), Some(1));
        assert_eq!(window.commit(8_192 + 5), Some(1));
        assert_eq!(window.commit(40_000), Some(8_192 - 3));
    }

    #[test]
    fn a_counter_is_remembered_as_long_as_it_is_in_the_window() {
        let mut window = ReplayWindow::new(0);
        window.commit(5);
        assert!(window.remembers(5) && !window.remembers(4) && !window.remembers(6));
        window.commit(5 + 8_192);
        assert!(!window.remembers(5) && window.remembers(5 + 8_192));
    }

    proptest! {
        #[test]
        fn a_window_agrees_with_a_set_of_all_counters(floor in 0u64..5, steps in prop::collection::vec((any::<bool>(), 0u64..20_000), 1..400)) {
            let mut window = ReplayWindow::new(floor);
            let mut seen: HashSet<u64> = (0..=floor).collect();
            let mut highest = floor;
            for (forward, distance) in steps {
                let counter = if forward { highest + distance % 9_000 } else { highest.saturating_sub(distance) };
                let expected = counter > highest || (counter + WINDOW_COUNTERS > highest && !seen.contains(&counter));
                prop_assert_eq!(window.accepts(counter), expected);
                prop_assert_eq!(window.commit(counter).is_some(), expected);
                seen.insert(counter);
                highest = highest.max(counter);
            }
        }
    }
}
