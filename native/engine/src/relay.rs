//! What relays are set: which way a frame goes, by the index in it (SEMANTICS.md section 2.2).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use crate::counters::Count;
use crate::lock::{read, write};
use crate::path::{Path, Relayed};
use crate::session::Session;

/// Relays at one time: two for each of 4,096 pairs of hosts that find each other through this one.
pub const RELAYS_MAX: usize = 8_192;

/// One hop of a relayed path, as the control plane speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The index in a frame that arrives.
    pub relay_index: u32,
    /// Local index of the session on which it arrives.
    pub session: u32,
    /// The index by which the host on the other side of that session knows this hop; 0 where it is not known.
    pub remote_index: u32,
    /// What becomes of a frame.
    pub role: Role,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We are its end, and this peer is the other one.
    End(IpAddr),
    /// It goes on: through this session, to the host that knows the next hop by this index.
    Forward(Relayed),
}

/// A relay with the sessions that it needs at hand.
pub(crate) struct RelayEntry {
    pub relay: Relay,
    /// The session on which frames arrive.
    pub hop: Arc<Session>,
    /// The session through which they go on.
    pub next: Option<Arc<Session>>,
    packets: Count,
    bytes: Count,
    is_news: AtomicBool,
}

/// What came through a relay since it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RelayActivity {
    pub relay_index: u32,
    pub packets: u64,
    pub bytes: u64,
}

impl RelayEntry {
    pub fn new(relay: Relay, hop: Arc<Session>, next: Option<Arc<Session>>) -> Self {
        Self { relay, hop, next, packets: Count::default(), bytes: Count::default(), is_news: AtomicBool::new(false) }
    }

    /// The way back, and so where what arrives comes from.
    pub fn origin(&self) -> Path {
        Path::Relayed(Relayed { session: self.relay.session, relay_index: self.relay.remote_index })
    }

    /// Counts an authentic frame.
    pub fn count(&self, bytes: usize) {
        self.packets.add(1);
        self.bytes.add(bytes as u64);
        self.is_news.store(true, Ordering::Relaxed);
    }

    fn needs(&self, session: &Arc<Session>) -> bool {
        Arc::ptr_eq(&self.hop, session) || self.next.as_ref().is_some_and(|next| Arc::ptr_eq(next, session))
    }
}

/// The relays by index, behind a lock that the threads which move packets take only after something changed ([`RelayCache`]).
#[derive(Default)]
pub(crate) struct RelayTable {
    relays: RwLock<HashMap<u32, Arc<RelayEntry>>>,
    version: AtomicU64,
}

impl RelayTable {
    /// Sets the relay that `make` finds the sessions for. While it looks no session can go and leave its relay behind. `None`: there are too many.
    pub fn set<E>(&self, relay_index: u32, make: impl FnOnce() -> Result<RelayEntry, E>) -> Result<Option<()>, E> {
        let mut relays = write(&self.relays);
        let entry = make()?;
        if relays.len() >= RELAYS_MAX && !relays.contains_key(&relay_index) {
            return Ok(None);
        }
        relays.insert(relay_index, Arc::new(entry));
        self.version.fetch_add(1, Ordering::Release);
        Ok(Some(()))
    }

    pub fn remove(&self, relay_index: u32) {
        if write(&self.relays).remove(&relay_index).is_some() {
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// The relays that need a session which is gone are gone with it.
    pub fn forget(&self, session: &Arc<Session>) {
        let mut relays = write(&self.relays);
        let before = relays.len();
        relays.retain(|_, entry| !entry.needs(session));
        if relays.len() != before {
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// All of them, by ascending index.
    pub fn all(&self) -> Vec<Relay> {
        self.sorted().iter().map(|entry| entry.relay).collect()
    }

    /// What came through those that something came through since they were told of, and whether there are more than `limit`.
    pub fn take_activity(&self, limit: usize) -> (Vec<RelayActivity>, bool) {
        let mut activity = vec![];
        for entry in self.sorted().iter().filter(|entry| entry.is_news.load(Ordering::Relaxed)) {
            if activity.len() == limit {
                return (activity, true);
            }
            entry.is_news.store(false, Ordering::Relaxed);
            let relay_index = entry.relay.relay_index;
            activity.push(RelayActivity { relay_index, packets: entry.packets.get(), bytes: entry.bytes.get() });
        }
        (activity, false)
    }

    fn sorted(&self) -> Vec<Arc<RelayEntry>> {
        let mut entries: Vec<_> = read(&self.relays).values().cloned().collect();
        entries.sort_unstable_by_key(|entry| entry.relay.relay_index);
        entries
    }
}

/// Places that a cache has. A burst rarely comes through more relays.
const CACHE_PLACES: usize = 64;

/// What one thread remembers of the table. Keeps sessions, and so their keys, alive: [`RelayCache::clear`] it before waiting.
pub(crate) struct RelayCache {
    version: u64,
    places: [Option<Arc<RelayEntry>>; CACHE_PLACES],
    is_clear: bool,
}

impl RelayCache {
    /// Remembers nothing.
    pub fn new() -> Self {
        Self { version: 0, places: [const { None }; CACHE_PLACES], is_clear: true }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if !self.is_clear {
            self.places.fill(None);
            self.is_clear = true;
        }
    }

    /// The relay of an index.
    pub fn get(&mut self, table: &RelayTable, relay_index: u32) -> Option<&RelayEntry> {
        let version = table.version.load(Ordering::Acquire);
        if version != self.version {
            self.clear();
            self.version = version;
        }
        let place = self.places.get_mut(relay_index as usize % CACHE_PLACES)?;
        if place.as_ref().is_none_or(|held| held.relay.relay_index != relay_index) {
            *place = read(&table.relays).get(&relay_index).cloned();
            self.is_clear = false;
        }
        place.as_deref()
    }
}
