//! Which place the flow of a key has: open addressing, with a word for each flow and nothing else.
//!
//! A word holds 32 bits of the hash, which say where it belongs and tell nearly all keys apart, and the place. So one look at memory leads to the flow, no
//! other flow is looked at on the way, and a larger table is made of the words alone.

use crate::prefetch::prefetch;

/// Words at first.
const WORDS_MIN: usize = 16;

/// Places by hash, with linear probing. Never more than three quarters full, and seldom less than half: it grows by half of what it is.
#[derive(Default)]
pub struct FlowIndex {
    /// 32 bits of hash, and a place counted from one; 0 where there is none.
    words: Vec<u64>,
    len: usize,
}

impl FlowIndex {
    /// The place that was put in with this hash, and of which `is_it` says that it is the one.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.probe(hash).map(|(_, place)| place).find(|place| is_it(*place))
    }

    /// The first place with this hash. It may be another key's.
    pub fn guess(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// Has the memory fetched that [`Self::find`] is going to look at.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        if let Some(word) = self.words.get(self.home(hash as u32)) {
            prefetch(word);
        }
    }

    /// Puts in a place that is not there.
    pub fn insert(&mut self, hash: u64, place: u32) {
        if (self.len + 1) * 4 > self.words.len() * 3 {
            self.grow();
        }
        self.put(word_of(hash as u32, place));
        self.len += 1;
    }

    /// Takes a place out that was put in with this hash, if it is there.
    pub fn remove(&mut self, hash: u64, place: u32) {
        let Some((mut hole, _)) = self.probe(hash).find(|(_, held)| *held == place) else { return };
        // What lies behind moves up as far as it would have come if this place had been free.
        let mut at = hole;
        loop {
            at = self.after(at);
            let word = self.word(at);
            if word == 0 {
                break;
            }
            let home = self.home(tag_of(word));
            if self.distance(home, at) >= self.distance(hole, at) {
                self.set(hole, word);
                hole = at;
            }
        }
        self.set(hole, 0);
        self.len -= 1;
    }

    /// Where the words of a hash lie, and their places.
    #[inline]
    fn probe(&self, hash: u64) -> impl Iterator<Item = (usize, u32)> {
        let tag = hash as u32;
        let home = self.home(tag);
        let positions = (home..self.words.len()).chain(0..home);
        let words = positions.map(|at| (at, self.word(at))).take_while(|(_, word)| *word != 0);
        words.filter(move |(_, word)| tag_of(*word) == tag).map(|(at, word)| (at, word as u32 - 1))
    }

    fn grow(&mut self) {
        let words = vec![0; (self.words.len() / 2 * 3).max(WORDS_MIN)];
        for word in std::mem::replace(&mut self.words, words) {
            if word != 0 {
                self.put(word);
            }
        }
    }

    fn put(&mut self, word: u64) {
        let mut at = self.home(tag_of(word));
        while self.word(at) != 0 {
            at = self.after(at);
        }
        self.set(at, word);
    }

    /// Where a hash belongs.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.words.len() as u64) >> u32::BITS) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 < self.words.len() { at + 1 } else { 0 }
    }

    /// Steps from one position on to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to < from { to + self.words.len() - from } else { to - from }
    }

    #[inline]
    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    fn set(&mut self, at: usize, word: u64) {
        if let Some(held) = self.words.get_mut(at) {
            *held = word;
        }
    }
}

fn word_of(tag: u32, place: u32) -> u64 {
    (u64::from(tag) << 32) | (u64::from(place) + 1)
}

fn tag_of(word: u64) -> u32 {
    (word >> 32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes, most of which belong to the last words and wrap round.
        #[test]
        fn it_agrees_with_a_list(steps in prop::collection::vec((any::<bool>(), 0u32..40, 0u64..6), 1..400)) {
            let mut index = FlowIndex::default();
            let mut list: Vec<(u64, u32)> = vec![];
            for (adds, place, hash) in steps {
                let hash = 0xffff_fff0 | (hash * 3);
                let held = list.iter().position(|(_, held)| *held == place);
                match (adds, held) {
                    (true, None) => {
                        index.insert(hash, place);
                        list.push((hash, place));
                    }
                    (false, Some(at)) => {
                        let (hash, place) = list.remove(at);
                        index.remove(hash, place);
                    }
                    _ => {}
                }
                for number in 0..40 {
                    for hash in (0..6).map(|hash| 0xffff_fff0 | (hash * 3)) {
                        let expected = list.contains(&(hash, number)).then_some(number);
                        prop_assert_eq!(index.find(hash, |at| at == number), expected);
                    }
                }
                prop_assert!(index.len == list.len() && index.len * 4 <= index.words.len() * 3);
            }
        }
    }

    #[test]
    fn what_is_not_there_is_neither_found_nor_taken_out() {
        let mut index = FlowIndex::default();
        assert_eq!(index.find(7, |_| true), None);
        index.remove(7, 1);
        index.insert(7, 1);
        index.remove(7, 2);
        index.remove(8, 1);
        assert_eq!((index.find(7, |_| true), index.find(8, |_| true)), (Some(1), None));
    }
}
