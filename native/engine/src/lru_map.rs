//! A map with a fixed capacity that forgets what was used longest ago.

// Slots are only ever linked by this module to slots it has pushed; nothing from outside becomes an index.
#![allow(clippy::indexing_slicing)]

use std::collections::HashMap;
use std::hash::Hash;

const NONE: u32 = u32::MAX;

struct Slot<K, V> {
    /// `None` while the slot is free.
    entry: Option<(K, V)>,
    newer: u32,
    older: u32,
}

/// Entries in the order of their last use, found by key in constant time. Grows up to its capacity and stays there.
pub struct LruMap<K, V> {
    slots: Vec<Slot<K, V>>,
    by_key: HashMap<K, u32>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    capacity: usize,
}

impl<K: Copy + Eq + Hash, V> LruMap<K, V> {
    /// An empty map. `capacity` is at least 1.
    pub fn new(capacity: usize) -> Self {
        Self {
            slots: vec![],
            by_key: HashMap::new(),
            free: vec![],
            newest: NONE,
            oldest: NONE,
            capacity: capacity.max(1),
        }
    }

    /// Entries in the map.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The value of `key`, now the most recently used one.
    pub fn touch(&mut self, key: &K) -> Option<&mut V> {
        let slot = *self.by_key.get(key)?;
        self.move_to_front(slot);
        self.slots[slot as usize].entry.as_mut().map(|(_, value)| value)
    }

    /// The value of `key`, as old as it was.
    pub fn peek(&self, key: &K) -> Option<&V> {
        let slot = *self.by_key.get(key)?;
        self.slots[slot as usize].entry.as_ref().map(|(_, value)| value)
    }

    /// Where the most recently used entry lies, for [`Self::at`].
    pub fn newest_slot(&self) -> u32 {
        self.newest
    }

    /// The value of `key`, as old as it was, if it still lies in `slot`.
    pub fn at(&mut self, slot: u32, key: &K) -> Option<&mut V> {
        let (held, value) = self.slots.get_mut(slot as usize)?.entry.as_mut()?;
        (held == key).then_some(value)
    }

    /// At most `count` entries from a slot on, in no particular order, and the slot to go on from.
    pub fn page(&self, from: usize, count: usize) -> (impl Iterator<Item = &(K, V)>, Option<usize>) {
        let slots = self.slots.get(from..).unwrap_or_default();
        let next = (slots.len() > count).then_some(from + count);
        (slots.iter().take(count).filter_map(|slot| slot.entry.as_ref()), next)
    }

    /// Whether `key` is the most recently used one.
    pub fn is_newest(&self, key: &K) -> bool {
        let newest = self.slots.get(self.newest as usize);
        newest.and_then(|slot| slot.entry.as_ref()).is_some_and(|(newest, _)| newest == key)
    }

    /// Puts a value in as the most recently used one. True when the least recently used entry had to go for it.
    pub fn insert(&mut self, key: K, value: V) -> bool {
        if let Some(existing) = self.touch(&key) {
            *existing = value;
            return false;
        }
        let evicts = self.by_key.len() >= self.capacity;
        if evicts {
            self.remove_slot(self.oldest);
        }
        let entry = Some((key, value));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize].entry = entry;
                slot
            }
            None => {
                self.slots.push(Slot { entry, newer: NONE, older: NONE });
                (self.slots.len() - 1) as u32
            }
        };
        self.by_key.insert(key, slot);
        self.link_in_front(slot);
        evicts
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let slot = *self.by_key.get(key)?;
        self.remove_slot(slot)
    }

    /// Looks at the `count` least recently used entries and removes those that `is_stale` names.
    pub fn sweep(&mut self, count: usize, is_stale: impl Fn(&K, &V) -> bool) {
        let mut slot = self.oldest;
        for _ in 0..count {
            if slot == NONE {
                return;
            }
            let next = self.slots[slot as usize].newer;
            if self.slots[slot as usize].entry.as_ref().is_some_and(|(key, value)| is_stale(key, value)) {
                self.remove_slot(slot);
            }
            slot = next;
        }
    }

    fn remove_slot(&mut self, slot: u32) -> Option<V> {
        self.unlink(slot);
        let (key, value) = self.slots[slot as usize].entry.take()?;
        self.by_key.remove(&key);
        self.free.push(slot);
        Some(value)
    }

    fn move_to_front(&mut self, slot: u32) {
        if self.newest != slot {
            self.unlink(slot);
            self.link_in_front(slot);
        }
    }

    fn link_in_front(&mut self, slot: u32) {
        self.slots[slot as usize].newer = NONE;
        self.slots[slot as usize].older = self.newest;
        match self.newest {
            NONE => self.oldest = slot,
            newest => self.slots[newest as usize].newer = slot,
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: u32) {
        let Slot { newer, older, .. } = self.slots[slot as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.slots[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.slots[older as usize].newer = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_least_recently_used_entry_goes_first() {
        let mut map = LruMap::new(2);
        assert!(!map.insert(1, 'a'));
        assert!(!map.insert(2, 'b'));
        assert_eq!(map.touch(&1), Some(&mut 'a'));
        assert!(map.insert(3, 'c'));
        assert_eq!(map.touch(&2), None);
        assert!(map.is_newest(&3));
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn a_sweep_looks_at_the_oldest_entries_only() {
        let mut map = LruMap::new(10);
        for key in 0..10 {
            map.insert(key, ());
        }
        map.sweep(6, |key, ()| key % 2 == 0);
        assert_eq!(map.len(), 7);
        map.sweep(100, |_, ()| true);
        assert_eq!(map.len(), 0);
        assert!(!map.insert(1, ()));
        assert!(map.is_newest(&1));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_list_kept_in_order(steps in prop::collection::vec((0u8..4, 0u8..12), 1..300)) {
            let mut map = LruMap::new(5);
            let mut list: Vec<(u8, usize)> = vec![];
            for (at, (what, key)) in steps.into_iter().enumerate() {
                let found = list.iter().position(|(k, _)| *k == key);
                let entry = found.map(|i| list.remove(i));
                match what {
                    0 => {
                        let evicts = entry.is_none() && list.len() == 5;
                        if evicts { list.remove(0); }
                        list.push((key, at));
                        prop_assert_eq!(map.insert(key, at), evicts);
                    }
                    1 => prop_assert_eq!(map.remove(&key), entry.map(|(_, value)| value)),
                    _ => {
                        prop_assert_eq!(map.touch(&key).copied(), entry.map(|(_, value)| value));
                        list.extend(entry);
                    }
                }
                prop_assert_eq!(map.len(), list.len());
                prop_assert!(list.last().is_none_or(|(key, _)| map.is_newest(key)));
            }
        }
    }
}
