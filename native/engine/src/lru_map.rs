//! A map with a fixed capacity that forgets what was used longest ago.

// Slots are only ever linked by this module to slots it has pushed; nothing from outside becomes an index.
#![allow(clippy::indexing_slicing)]

use std::collections::HashMap;
use std::hash::Hash;

use crate::linked::{Links, List};

/// Entries in the order of their last use, found by key in constant time. Grows up to its capacity and stays there.
pub struct LruMap<K, V> {
    /// `None` while the slot is free.
    slots: Vec<Option<(K, V)>>,
    by_key: HashMap<K, u32>,
    free: Vec<u32>,
    order: List,
    links: Links,
    capacity: usize,
}

impl<K: Copy + Eq + Hash, V> LruMap<K, V> {
    /// An empty map. `capacity` is at least 1.
    pub fn new(capacity: usize) -> Self {
        Self {
            slots: vec![],
            by_key: HashMap::new(),
            free: vec![],
            order: List::EMPTY,
            links: Links::default(),
            capacity: capacity.max(1),
        }
    }

    /// Entries in the map.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The value of `key`, now the most recently used one.
    pub fn touch(&mut self, key: &K) -> Option<&mut V> {
        let slot = self.slot_of(key)?;
        self.renew(slot);
        self.slots[slot as usize].as_mut().map(|(_, value)| value)
    }

    /// The value of `key`, made when it is not there, now the most recently used one.
    pub fn touch_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> Option<&mut V> {
        if self.slot_of(&key).is_none() {
            self.insert(key, make());
        }
        self.touch(&key)
    }

    /// The value of `key`, as old as it was.
    pub fn peek(&self, key: &K) -> Option<&V> {
        let slot = self.slot_of(key)?;
        self.slots[slot as usize].as_ref().map(|(_, value)| value)
    }

    fn slot_of(&self, key: &K) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Puts a value in as the most recently used one. True when the least recently used entry had to go for it.
    pub fn insert(&mut self, key: K, value: V) -> bool {
        if let Some(existing) = self.touch(&key) {
            *existing = value;
            return false;
        }
        let evicts = self.by_key.len() >= self.capacity;
        if evicts {
            self.remove_at(self.order.oldest);
        }
        let entry = Some((key, value));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = entry;
                slot
            }
            None => {
                self.slots.push(entry);
                (self.slots.len() - 1) as u32
            }
        };
        self.by_key.insert(key, slot);
        self.links.push(&mut self.order, slot);
        evicts
    }

    fn renew(&mut self, slot: u32) {
        self.links.renew(&mut self.order, slot);
    }

    fn remove_at(&mut self, slot: u32) {
        let Some((key, _)) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return };
        self.links.take(&mut self.order, slot);
        self.by_key.remove(&key);
        self.free.push(slot);
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
        assert_eq!(map.len(), 2);
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
                    1 => {
                        prop_assert_eq!(map.peek(&key).copied(), entry.map(|(_, value)| value));
                        if let (Some(at), Some(entry)) = (found, entry) { list.insert(at, entry); }
                    }
                    _ => {
                        prop_assert_eq!(map.touch(&key).copied(), entry.map(|(_, value)| value));
                        list.extend(entry);
                    }
                }
                prop_assert_eq!(map.len(), list.len());
            }
        }
    }
}
