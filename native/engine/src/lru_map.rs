//! A map with a fixed capacity that forgets what was used longest ago.

// Slots are only ever linked by this module to slots it has pushed; nothing from outside becomes an index.
#![allow(clippy::indexing_slicing)]

use std::collections::HashMap;
use std::hash::Hash;

use crate::linked::{Links, List};

/// Entries in the order of their last use, found by key in constant time. Grows up to its capacity and stays there. An entry keeps
/// its slot as long as it is there.
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

    /// Where the entry of `key` lies.
    pub fn slot_of(&self, key: &K) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Where the most recently used entry lies.
    pub fn newest_slot(&self) -> u32 {
        self.order.newest
    }

    /// Where the least recently used entry lies.
    pub fn oldest_slot(&self) -> u32 {
        self.order.oldest
    }

    /// The entry in a slot, as old as it was.
    pub fn entry_mut(&mut self, slot: u32) -> Option<&mut (K, V)> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The value of `key`, as old as it was, if it still lies in `slot`.
    pub fn at(&mut self, slot: u32, key: &K) -> Option<&mut V> {
        let (held, value) = self.entry_mut(slot)?;
        (held == key).then_some(value)
    }

    /// At most `count` entries from a slot on, in no particular order, and the slot to go on from.
    pub fn page(&self, from: usize, count: usize) -> (impl Iterator<Item = &(K, V)>, Option<usize>) {
        let slots = self.slots.get(from..).unwrap_or_default();
        let next = (slots.len() > count).then_some(from + count);
        (slots.iter().take(count).flatten(), next)
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

    /// Makes the entry in a slot the most recently used one.
    pub fn renew(&mut self, slot: u32) {
        self.links.renew(&mut self.order, slot);
    }

    /// Takes the entry in a slot out.
    pub fn remove_at(&mut self, slot: u32) {
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

    #[test]
    fn an_entry_keeps_its_slot_until_it_goes() {
        let mut map = LruMap::new(2);
        map.insert(1, 'a');
        let slot = map.newest_slot();
        map.insert(2, 'b');
        assert_eq!((map.oldest_slot(), map.slot_of(&1)), (slot, Some(slot)));
        map.renew(slot);
        map.insert(3, 'c');
        assert_eq!(map.at(slot, &1), Some(&mut 'a'));
        map.remove_at(slot);
        assert_eq!(map.at(slot, &1), None);
        assert_eq!((map.slot_of(&1), map.len()), (None, 1));
        map.remove_at(slot);
        assert_eq!(map.len(), 1);
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
                        let slot = map.slot_of(&key);
                        prop_assert_eq!(slot.is_some(), entry.is_some());
                        map.remove_at(slot.unwrap_or(u32::MAX));
                    }
                    _ => {
                        prop_assert_eq!(map.touch(&key).copied(), entry.map(|(_, value)| value));
                        list.extend(entry);
                    }
                }
                prop_assert_eq!(map.len(), list.len());
                prop_assert!(list.last().is_none_or(|(key, _)| map.slot_of(key) == Some(map.newest_slot())));
                prop_assert!(list.first().is_none_or(|(key, _)| map.slot_of(key) == Some(map.oldest_slot())));
            }
        }
    }
}
