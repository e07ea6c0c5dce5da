//! The sessions: by the index that peers send to, and by the overlay address they are used to send to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use crate::lock::{read, write};
use crate::session::Session;

/// Sessions at one time.
pub const SESSIONS_MAX: usize = 65_536;
/// Overlay addresses that have a primary session.
pub const PRIMARIES_MAX: usize = 131_072;

#[derive(Default)]
struct Tables {
    by_index: HashMap<u32, Arc<Session>>,
    primaries: HashMap<IpAddr, Arc<Session>>,
}

/// The tables behind one lock, which the threads that move packets take only after something changed ([`SessionCache`]).
#[derive(Default)]
pub struct SessionTable {
    tables: RwLock<Tables>,
    version: AtomicU64,
}

/// Why a session was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum InsertError {
    IndexTaken,
    SessionsFull,
    PrimariesFull,
}

impl SessionTable {
    /// Takes a session in; `primary` makes it the one that sends for its addresses.
    pub fn insert(&self, session: &Arc<Session>, primary: bool) -> Result<(), InsertError> {
        let mut tables = write(&self.tables);
        if tables.by_index.contains_key(&session.local_index) {
            return Err(InsertError::IndexTaken);
        }
        if tables.by_index.len() >= SESSIONS_MAX {
            return Err(InsertError::SessionsFull);
        }
        if !tables.has_room_for(session) {
            return Err(InsertError::PrimariesFull);
        }
        tables.by_index.insert(session.local_index, Arc::clone(session));
        if primary {
            tables.make_primary(session);
        }
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Makes a session the one that sends for its addresses, as far as there is room, unless it is gone.
    pub fn make_primary(&self, session: &Arc<Session>) {
        let mut tables = write(&self.tables);
        let present = tables.by_index.get(&session.local_index).is_some_and(|held| Arc::ptr_eq(held, session));
        if present {
            tables.make_primary(session);
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Takes a session out.
    pub fn remove(&self, local_index: u32) -> Option<Arc<Session>> {
        let mut tables = write(&self.tables);
        let session = tables.by_index.remove(&local_index)?;
        for address in &session.peer_addresses {
            if tables.primaries.get(address).is_some_and(|held| Arc::ptr_eq(held, &session)) {
                tables.primaries.remove(address);
            }
        }
        self.version.fetch_add(1, Ordering::Release);
        Some(session)
    }

    /// The session of an index.
    pub fn by_index(&self, local_index: u32) -> Option<Arc<Session>> {
        read(&self.tables).by_index.get(&local_index).cloned()
    }

    /// The session that sends to an overlay address.
    pub fn primary(&self, address: IpAddr) -> Option<Arc<Session>> {
        read(&self.tables).primaries.get(&address).cloned()
    }

    /// Whether a session sends for at least one of its addresses.
    pub fn is_primary(&self, session: &Arc<Session>) -> bool {
        let tables = read(&self.tables);
        session.peer_addresses.iter().any(|a| tables.primaries.get(a).is_some_and(|held| Arc::ptr_eq(held, session)))
    }

    /// The index of every session, ascending.
    pub fn indexes(&self) -> Vec<u32> {
        let mut indexes: Vec<_> = read(&self.tables).by_index.keys().copied().collect();
        indexes.sort_unstable();
        indexes
    }

    /// All sessions, by ascending index.
    pub fn all(&self) -> Vec<Arc<Session>> {
        let mut sessions: Vec<_> = read(&self.tables).by_index.values().cloned().collect();
        sessions.sort_unstable_by_key(|session| session.local_index);
        sessions
    }
}

impl Tables {
    fn has_room_for(&self, session: &Session) -> bool {
        let new = session.peer_addresses.iter().filter(|address| !self.primaries.contains_key(address)).count();
        self.primaries.len() + new <= PRIMARIES_MAX
    }

    fn make_primary(&mut self, session: &Arc<Session>) {
        for address in &session.peer_addresses {
            if self.primaries.len() < PRIMARIES_MAX || self.primaries.contains_key(address) {
                self.primaries.insert(*address, Arc::clone(session));
            }
        }
    }
}

/// Places of each kind that a cache has. A burst rarely speaks of more peers.
const CACHE_PLACES: usize = 64;

/// What one thread remembers of the tables, so that it takes the lock once per peer and burst. Keeps sessions, and so their
/// keys, alive: [`SessionCache::clear`] it before waiting.
pub struct SessionCache {
    version: u64,
    by_index: [Option<Arc<Session>>; CACHE_PLACES],
    primaries: [Option<(IpAddr, Arc<Session>)>; CACHE_PLACES],
    is_clear: bool,
}

impl SessionCache {
    /// Remembers nothing.
    pub fn new() -> Self {
        Self {
            version: 0,
            by_index: [const { None }; CACHE_PLACES],
            primaries: [const { None }; CACHE_PLACES],
            is_clear: true,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if !self.is_clear {
            self.by_index.fill(None);
            self.primaries.fill(None);
            self.is_clear = true;
        }
    }

    /// Changes with everything that may change what [`Self::primary`] says.
    pub fn version(&mut self, table: &SessionTable) -> u64 {
        self.follow(table);
        self.version
    }

    /// The session of an index.
    pub fn by_index(&mut self, table: &SessionTable, local_index: u32) -> Option<&Arc<Session>> {
        self.follow(table);
        let place = self.by_index.get_mut(local_index as usize % CACHE_PLACES)?;
        if place.as_ref().is_none_or(|held| held.local_index != local_index) {
            *place = table.by_index(local_index);
            self.is_clear = false;
        }
        place.as_ref()
    }

    /// The session that sends to an overlay address.
    pub fn primary(&mut self, table: &SessionTable, address: &IpAddr) -> Option<&Arc<Session>> {
        self.follow(table);
        let place = self.primaries.get_mut(usize::from(last_byte(address)) % CACHE_PLACES)?;
        if place.as_ref().is_none_or(|(held, _)| held != address) {
            *place = table.primary(*address).map(|session| (*address, session));
            self.is_clear = false;
        }
        place.as_ref().map(|(_, session)| session)
    }

    fn follow(&mut self, table: &SessionTable) {
        let version = table.version.load(Ordering::Acquire);
        if version != self.version {
            self.clear();
            self.version = version;
        }
    }
}

fn last_byte(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(a) => a.octets()[3],
        IpAddr::V6(a) => a.octets()[15],
    }
}
