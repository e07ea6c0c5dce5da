//! Who holds how many places of a table, and what has to make room in it.

// Places and shares are only ever linked by this module to those it has put in; nothing from outside becomes an index.
#![allow(clippy::indexing_slicing)]

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::linked::{Links, List};

struct Share<O> {
    owner: O,
    /// Its places in the order of their last use.
    places: List,
    count: u32,
}

/// The places of a table by owner. Who holds most gives its least recently used one: nobody can push out the places of somebody who
/// holds fewer. No step looks at more than one place and some sizes.
pub struct Shares<O> {
    by_owner: HashMap<O, u32>,
    shares: Vec<Share<O>>,
    free: Vec<u32>,
    /// The share of each place, and its neighbours in it.
    share_of: Vec<u32>,
    places: Links,
    /// The shares of each size that there is, in the order in which they came to it.
    by_count: BTreeMap<u32, List>,
    sizes: Links,
}

impl<O: Copy + Eq + Hash> Shares<O> {
    /// Nobody holds anything.
    pub fn new() -> Self {
        Self {
            by_owner: HashMap::new(),
            shares: vec![],
            free: vec![],
            share_of: vec![],
            places: Links::default(),
            by_count: BTreeMap::new(),
            sizes: Links::default(),
        }
    }

    /// `owner` holds a place that was nobody's, as the most recently used of its share.
    pub fn add(&mut self, place: u32, owner: O) {
        let share = match self.by_owner.get(&owner) {
            Some(share) => *share,
            None => self.open(owner),
        };
        if self.share_of.len() <= place as usize {
            self.share_of.resize(place as usize + 1, 0);
        }
        self.share_of[place as usize] = share;
        self.places.push(&mut self.shares[share as usize].places, place);
        self.resize(share, self.shares[share as usize].count + 1);
    }

    /// A place was used.
    pub fn touch(&mut self, place: u32) {
        let share = self.share_of[place as usize];
        self.places.renew(&mut self.shares[share as usize].places, place);
    }

    /// A place is nobody's any more. Returns whose it was.
    pub fn remove(&mut self, place: u32) -> O {
        let share = self.share_of[place as usize];
        let Share { owner, count, .. } = self.shares[share as usize];
        self.places.take(&mut self.shares[share as usize].places, place);
        self.resize(share, count - 1);
        owner
    }

    /// Places of the largest share.
    pub fn largest(&self) -> usize {
        self.by_count.last_key_value().map_or(0, |(count, _)| *count as usize)
    }

    /// The least recently used place of the largest share; of equally large ones the one that has been for longest.
    pub fn to_evict(&self) -> Option<u32> {
        let (_, largest) = self.by_count.last_key_value()?;
        Some(self.shares.get(largest.oldest as usize)?.places.oldest)
    }

    fn open(&mut self, owner: O) -> u32 {
        let share = Share { owner, places: List::EMPTY, count: 0 };
        let at = match self.free.pop() {
            Some(at) => {
                self.shares[at as usize] = share;
                at
            }
            None => {
                self.shares.push(share);
                (self.shares.len() - 1) as u32
            }
        };
        self.by_owner.insert(owner, at);
        at
    }

    /// Moves a share among those of its size. One that holds nothing is forgotten, and so is a size that no share has.
    fn resize(&mut self, share: u32, count: u32) {
        let before = std::mem::replace(&mut self.shares[share as usize].count, count);
        if let Some(alike) = self.by_count.get_mut(&before) {
            self.sizes.take(alike, share);
        }
        if count > 0 {
            self.sizes.push(self.by_count.entry(count).or_insert(List::EMPTY), share);
        } else {
            self.by_owner.remove(&self.shares[share as usize].owner);
            self.free.push(share);
        }
        if self.by_count.get(&before).is_some_and(|alike| alike.is_empty()) {
            self.by_count.remove(&before);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_holds_most_gives_what_it_used_longest_ago() {
        let mut shares = Shares::new();
        shares.add(0, "quiet");
        for place in 1..=3 {
            shares.add(place, "greedy");
        }
        shares.touch(1);
        let mut gone = vec![];
        while let Some(place) = shares.to_evict() {
            shares.remove(place);
            gone.push(place);
        }
        // At last both hold one, and the quiet one has held one for longer.
        assert_eq!(gone, [2, 3, 0, 1]);
        assert!(shares.by_owner.is_empty() && shares.by_count.is_empty());
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_list_of_everything(steps in prop::collection::vec((0u8..3, 0u32..12, 0u8..4), 1..300)) {
            let mut shares = Shares::new();
            // Places in the order of their last use, each with its owner; owners in the order in which they came to their size.
            let mut used: Vec<(u32, u8)> = vec![];
            let mut sized: Vec<u8> = vec![];
            for (what, place, owner) in steps {
                let at = used.iter().position(|(held, _)| *held == place);
                match (what, at) {
                    (0, None) => {
                        shares.add(place, owner);
                        used.push((place, owner));
                        sized.retain(|held| *held != owner);
                        sized.push(owner);
                    }
                    (1, Some(at)) => {
                        shares.touch(place);
                        let entry = used.remove(at);
                        used.push(entry);
                    }
                    (2, Some(at)) => {
                        shares.remove(place);
                        let (_, owner) = used.remove(at);
                        sized.retain(|held| *held != owner);
                        sized.push(owner);
                    }
                    _ => {}
                }
                let count = |owner: &u8| used.iter().filter(|(_, held)| held == owner).count();
                let most = sized.iter().map(count).max().unwrap_or(0);
                let largest = sized.iter().find(|owner| most > 0 && count(owner) == most);
                let expected = used.iter().find(|(_, owner)| Some(owner) == largest).map(|(place, _)| *place);
                prop_assert_eq!(shares.to_evict(), expected);
                prop_assert_eq!(shares.largest(), most);
            }
        }
    }
}
