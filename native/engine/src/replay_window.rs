//! Which message counters a session has seen (protocol, section 2.4).

/// Counters the window remembers behind the highest one. The reference's current size; smaller windows lose packets that a
/// path with parallel queues reorders.
pub const WINDOW_COUNTERS: u64 = 8_192;

const WORD_BITS: u64 = 64;
const WORDS: usize = (WINDOW_COUNTERS / WORD_BITS) as usize;

/// The receive direction of one session. Most never lose a packet or see two change places for long: while nothing is missing further back than
/// one word, that word is all there is, and a thousand idle sessions do without a megabyte.
pub struct ReplayWindow {
    highest: u64,
    /// The highest counter in the lowest bit. Everything before these 64 has been seen, unless there is a `long` one.
    recent: u64,
    /// Present from the first time that a counter was missing for longer than `recent` reaches.
    long: Option<Box<LongWindow>>,
}

impl ReplayWindow {
    /// A window in which everything up to and including `floor` counts as seen.
    pub fn new(floor: u64) -> Self {
        Self { highest: floor, recent: u64::MAX, long: None }
    }

    /// The highest counter that has been seen.
    pub fn highest(&self) -> u64 {
        self.highest
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
        if let Some(long) = &mut self.long {
            return Some(long.commit(&mut self.highest, counter));
        }
        let Some(ahead) = counter.checked_sub(self.highest) else {
            self.recent |= bit_back(self.highest - counter);
            return Some(0);
        };
        if ahead > u64::from(self.recent.leading_ones()) {
            // One that is missing would leave the word.
            let mut long = Box::new(LongWindow::after(self.highest, self.recent));
            let lost = long.commit(&mut self.highest, counter);
            self.long = Some(long);
            return Some(lost);
        }
        self.recent = self.recent.checked_shl(u32::try_from(ahead).unwrap_or(u32::MAX)).unwrap_or(0) | 1;
        self.highest = counter;
        Some(0)
    }

    fn is_marked(&self, counter: u64) -> bool {
        match &self.long {
            Some(long) => long.is_marked(counter),
            None => self.recent & bit_back(self.highest - counter) != 0 || self.highest - counter >= WORD_BITS,
        }
    }
}

/// The bit of `recent` so far back; none beyond it.
fn bit_back(distance: u64) -> u64 {
    u32::try_from(distance).ok().and_then(|distance| 1_u64.checked_shl(distance)).unwrap_or(0)
}

/// Every counter of the window, each with a place that it shares with those a whole window away.
struct LongWindow {
    seen: [u64; WORDS],
}

impl LongWindow {
    /// All seen, but for what is missing from the last 64.
    fn after(highest: u64, recent: u64) -> Self {
        let mut long = Self { seen: [u64::MAX; WORDS] };
        for distance in (0..WORD_BITS).filter(|distance| recent & bit_back(*distance) == 0) {
            let (word, bit) = place(highest.wrapping_sub(distance));
            if let Some(word) = long.seen.get_mut(word) {
                *word &= !bit;
            }
        }
        long
    }

    fn commit(&mut self, highest: &mut u64, counter: u64) -> u64 {
        let mut lost = 0;
        if counter > *highest {
            lost = self.forget_between(*highest, counter);
            *highest = counter;
        }
        let (word, bit) = place(counter);
        if let Some(word) = self.seen.get_mut(word) {
            *word |= bit;
        }
        lost
    }

    /// Clears the bits of the counters that come into view when `counter` becomes the highest, and counts those that go unseen.
    fn forget_between(&mut self, highest: u64, counter: u64) -> u64 {
        if counter - highest >= WINDOW_COUNTERS {
            let lost = self.seen.iter().map(|word| u64::from(word.count_zeros())).sum();
            self.seen.fill(0);
            return lost;
        }
        let mut lost = 0;
        for skipped in highest + 1..=counter {
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

    /// Mostly as on a path that keeps the order, or nearly.
    fn distances() -> impl Strategy<Value = u64> {
        prop_oneof![4 => 0u64..3, 4 => 0u64..70, 1 => 0u64..20_000]
    }

    #[test]
    fn a_path_that_keeps_the_order_nearly_needs_one_word() {
        let mut window = ReplayWindow::new(2);
        for counter in (3..10_000).step_by(3) {
            assert_eq!([counter + 2, counter, counter + 1].map(|next| window.commit(next)), [Some(0); 3]);
            assert_eq!(window.commit(counter), None);
        }
        assert!(window.long.is_none());
    }

    #[test]
    fn a_counter_that_comes_when_the_word_has_gone_past_it_is_new() {
        let mut window = ReplayWindow::new(2);
        for counter in (3..200).filter(|counter| *counter != 100) {
            assert_eq!(window.commit(counter), Some(0));
        }
        assert_eq!([window.commit(100), window.commit(100), window.commit(99)], [Some(0), None, None]);
    }

    proptest! {
        #[test]
        fn a_window_agrees_with_a_set_of_all_counters(floor in 0u64..5, steps in prop::collection::vec((any::<bool>(), distances()), 1..400)) {
            let mut window = ReplayWindow::new(floor);
            let mut seen: HashSet<u64> = (0..=floor).collect();
            let mut highest = floor;
            for (forward, distance) in steps {
                let counter = if forward { highest + distance % 9_000 } else { highest.saturating_sub(distance) };
                let expected = counter > highest || (counter + WINDOW_COUNTERS > highest && !seen.contains(&counter));
                prop_assert_eq!(window.accepts(counter), expected);
                let known = counter <= highest && counter + WINDOW_COUNTERS > highest && seen.contains(&counter);
                prop_assert_eq!(window.remembers(counter), known);
                prop_assert_eq!(window.commit(counter).is_some(), expected);
                seen.insert(counter);
                highest = highest.max(counter);
            }
        }
    }
}
