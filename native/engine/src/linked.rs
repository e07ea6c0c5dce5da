//! Doubly linked lists of slots. Many lists can share one vector of links: a slot is in at most one of them.

// Slots are only ever linked to slots that somebody has pushed; nothing from outside becomes an index.
#![allow(clippy::indexing_slicing)]

/// No slot.
pub const NONE: u32 = u32::MAX;

/// One list: its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// Pushed last.
    pub newest: u32,
    /// Pushed first.
    pub oldest: u32,
}

impl List {
    /// Nothing.
    pub const EMPTY: Self = Self { newest: NONE, oldest: NONE };

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.oldest == NONE
    }
}

#[derive(Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

/// The links between slots, by slot.
#[derive(Default)]
pub struct Links(Vec<Link>);

impl Links {
    /// Puts a slot that is in no list in as the newest one.
    pub fn push(&mut self, list: &mut List, slot: u32) {
        let link = Link { newer: NONE, older: list.newest };
        match self.0.get_mut(slot as usize) {
            Some(held) => *held = link,
            None => self.0.resize(slot as usize + 1, link),
        }
        match list.newest {
            NONE => list.oldest = slot,
            newest => self.0[newest as usize].newer = slot,
        }
        list.newest = slot;
    }

    /// Takes a slot out of the list that it is in.
    pub fn take(&mut self, list: &mut List, slot: u32) {
        let Link { newer, older } = self.0[slot as usize];
        match newer {
            NONE => list.newest = older,
            newer => self.0[newer as usize].older = older,
        }
        match older {
            NONE => list.oldest = newer,
            older => self.0[older as usize].newer = newer,
        }
    }

    /// Makes a slot of the list its newest one.
    pub fn renew(&mut self, list: &mut List, slot: u32) {
        if list.newest != slot {
            self.take(list, slot);
            self.push(list, slot);
        }
    }
}
