//! The sessions: by the index that peers send to, and by the overlay address they are used to send to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use crate::lock::{read, write};
use crate::tunnel::Tunnel;

/// Sessions at one time.
pub const TUNNELS_MAX: usize = 65_536;
/// Overlay addresses that have a primary session.
pub const PRIMARIES_MAX: usize = 131_072;

#[derive(Default)]
struct Tables {
    by_index: HashMap<u32, Arc<Tunnel>>,
    primaries: HashMap<IpAddr, Arc<Tunnel>>,
}

/// The tables behind one lock, which the threads that move packets take only after something changed ([`TunnelCache`]).
#[derive(Default)]
pub struct TunnelTable {
    tables: RwLock<Tables>,
    version: AtomicU64,
}

/// Why a session was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum InsertError {
    IndexTaken,
    TunnelsFull,
    PrimariesFull,
}

impl TunnelTable {
    /// Takes a session in; `primary` makes it the one that sends for its addresses.
    pub fn insert(&self, tunnel: &Arc<Tunnel>, primary: bool) -> Result<(), InsertError> {
        let mut tables = write(&self.tables);
        if tables.by_index.contains_key(&tunnel.local_index) {
            return Err(InsertError::IndexTaken);
        }
        if tables.by_index.len() >= TUNNELS_MAX {
            return Err(InsertError::TunnelsFull);
        }
        if !tables.has_room_for(tunnel) {
            return Err(InsertError::PrimariesFull);
        }
        tables.by_index.insert(tunnel.local_index, Arc::clone(tunnel));
        if primary {
            tables.make_primary(tunnel);
        }
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Makes a session the one that sends for its addresses, as far as there is room, unless it is gone.
    pub fn make_primary(&self, tunnel: &Arc<Tunnel>) {
        let mut tables = write(&self.tables);
        let present = tables.by_index.get(&tunnel.local_index).is_some_and(|held| Arc::ptr_eq(held, tunnel));
        if present {
            tables.make_primary(tunnel);
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Takes a session out.
    pub fn remove(&self, local_index: u32) -> Option<Arc<Tunnel>> {
        let mut tables = write(&self.tables);
        let tunnel = tables.by_index.remove(&local_index)?;
        for address in &tunnel.peer_addresses {
            if tables.primaries.get(address).is_some_and(|held| Arc::ptr_eq(held, &tunnel)) {
                tables.primaries.remove(address);
            }
        }
        self.version.fetch_add(1, Ordering::Release);
        Some(tunnel)
    }

    /// The session of an index.
    pub fn by_index(&self, local_index: u32) -> Option<Arc<Tunnel>> {
        read(&self.tables).by_index.get(&local_index).cloned()
    }

    /// The session that sends to an overlay address.
    pub fn primary(&self, address: IpAddr) -> Option<Arc<Tunnel>> {
        read(&self.tables).primaries.get(&address).cloned()
    }

    /// Whether a session sends for at least one of its addresses.
    pub fn is_primary(&self, tunnel: &Arc<Tunnel>) -> bool {
        let tables = read(&self.tables);
        tunnel.peer_addresses.iter().any(|a| tables.primaries.get(a).is_some_and(|held| Arc::ptr_eq(held, tunnel)))
    }

    /// All sessions, by ascending index.
    pub fn all(&self) -> Vec<Arc<Tunnel>> {
        let mut tunnels: Vec<_> = read(&self.tables).by_index.values().cloned().collect();
        tunnels.sort_unstable_by_key(|tunnel| tunnel.local_index);
        tunnels
    }
}

impl Tables {
    fn has_room_for(&self, tunnel: &Tunnel) -> bool {
        let new = tunnel.peer_addresses.iter().filter(|address| !self.primaries.contains_key(address)).count();
        self.primaries.len() + new <= PRIMARIES_MAX
    }

    fn make_primary(&mut self, tunnel: &Arc<Tunnel>) {
        for address in &tunnel.peer_addresses {
            if self.primaries.len() < PRIMARIES_MAX || self.primaries.contains_key(address) {
                self.primaries.insert(*address, Arc::clone(tunnel));
            }
        }
    }
}

/// Places of each kind that a cache has. A burst rarely speaks of more peers.
const CACHE_PLACES: usize = 64;

/// What one thread remembers of the tables, so that it takes the lock once per peer and burst. Keeps sessions, and so their
/// keys, alive: [`TunnelCache::clear`] it before waiting.
pub struct TunnelCache {
    version: u64,
    by_index: [Option<Arc<Tunnel>>; CACHE_PLACES],
    primaries: [Option<(IpAddr, Arc<Tunnel>)>; CACHE_PLACES],
    is_clear: bool,
}

impl TunnelCache {
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

    /// The session of an index.
    pub fn by_index(&mut self, table: &TunnelTable, local_index: u32) -> Option<&Arc<Tunnel>> {
        self.follow(table);
        let place = self.by_index.get_mut(local_index as usize % CACHE_PLACES)?;
        if place.as_ref().is_none_or(|held| held.local_index != local_index) {
            *place = table.by_index(local_index);
            self.is_clear = false;
        }
        place.as_ref()
    }

    /// The session that sends to an overlay address.
    pub fn primary(&mut self, table: &TunnelTable, address: IpAddr) -> Option<&Arc<Tunnel>> {
        self.follow(table);
        let place = self.primaries.get_mut(usize::from(last_byte(address)) % CACHE_PLACES)?;
        if place.as_ref().is_none_or(|(held, _)| *held != address) {
            *place = table.primary(address).map(|tunnel| (address, tunnel));
            self.is_clear = false;
        }
        place.as_ref().map(|(_, tunnel)| tunnel)
    }

    fn follow(&mut self, table: &TunnelTable) {
        let version = table.version.load(Ordering::Acquire);
        if version != self.version {
            self.clear();
            self.version = version;
        }
    }
}

fn last_byte(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(a) => a.octets()[3],
        IpAddr::V6(a) => a.octets()[15],
    }
}
