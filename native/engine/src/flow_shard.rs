//! A part of the flows, for one thread at a time: those whose keys hash to it.

use std::hash::BuildHasher;
use std::net::IpAddr;

use crate::flow_entry::{Addresses, Flow, Place};
use crate::flow_index::FlowIndex;
use crate::flow_memory::{CHUNK, Chunk, FlowMemory};
use crate::packet::Tuple;
use crate::prefetch::prefetch;
use crate::sync::KeyedState;

/// Flows by key. A flow keeps its place as long as it is there; its number among the places of all parts is its slot.
pub struct FlowShard {
    number: u32,
    /// Parts that there are.
    of: u32,
    by_tuple: FlowIndex,
    places: Places,
    free: Vec<u32>,
}

impl FlowShard {
    /// No flow, as part `number` of so many.
    pub fn new(number: u32, of: u32) -> Self {
        Self { number, of, by_tuple: FlowIndex::default(), places: Places::default(), free: vec![] }
    }

    /// The flow of a key, whose hash this is, and its slot.
    #[inline]
    pub fn find(&mut self, hash: u64, tuple: &Tuple) -> Option<(u32, &mut Flow)> {
        let Self { by_tuple, places, number, of, .. } = self;
        let at = by_tuple.find(hash, |at| places.flow(at).is_some_and(|(held, _)| held == *tuple))?;
        Some((at * *of + *number, places.flow_mut(at)?))
    }

    /// Has the memory fetched that says where the flow of a key lies.
    pub fn prefetch_place(&self, hash: u64) {
        self.by_tuple.prefetch(hash);
    }

    /// Has the memory of the flow itself fetched, if there is one.
    pub fn prefetch_flow(&self, hash: u64) {
        if let Some(place) = self.by_tuple.guess(hash).and_then(|at| self.places.get(at)) {
            prefetch(place);
        }
    }

    /// The flow in a slot, if it has this key.
    pub fn find_at(&mut self, slot: u32, tuple: &Tuple) -> Option<&mut Flow> {
        let at = slot / self.of;
        self.places.flow(at).filter(|(held, _)| held == tuple)?;
        self.places.flow_mut(at)
    }

    /// The flow in a slot.
    pub fn at(&mut self, slot: u32) -> Option<&mut Flow> {
        self.places.flow_mut(slot / self.of)
    }

    /// Takes a flow in, whose key is not there. Returns its slot.
    pub fn insert(&mut self, hash: u64, tuple: &Tuple, mut flow: Flow, memory: &FlowMemory) -> u32 {
        if let Addresses::Elsewhere(place) = &mut flow.addresses {
            let pair = Place::Addresses([tuple.local_address, tuple.remote_address]);
            *place = self.put(pair, memory).to_ne_bytes();
        }
        let at = self.put(Place::Flow(flow), memory);
        self.by_tuple.insert(hash, at);
        at * self.of + self.number
    }

    fn put(&mut self, what: Place, memory: &FlowMemory) -> u32 {
        let at = self.free.pop().unwrap_or_else(|| self.places.add(memory));
        self.places.replace(at, what);
        at
    }

    /// Takes the flow in a slot out.
    pub fn remove(&mut self, slot: u32, hasher: &KeyedState) -> Option<(Tuple, Flow)> {
        let at = slot / self.of;
        let (tuple, _) = self.places.flow(at)?;
        self.by_tuple.remove(hasher.hash_one(tuple), at);
        let Some(Place::Flow(flow)) = self.take(at) else { return None };
        if let Addresses::Elsewhere(place) = flow.addresses {
            self.take(u32::from_ne_bytes(place));
        }
        Some((tuple, flow))
    }

    fn take(&mut self, at: u32) -> Option<Place> {
        self.free.push(at);
        self.places.replace(at, Place::Free)
    }

    /// Places that there are, free ones counted.
    pub fn places(&self) -> usize {
        self.places.len as usize
    }

    /// The flows in at most `count` places from one on, each with its slot and its key, and the place to go on from.
    pub fn page(&self, from: usize, count: usize) -> (impl Iterator<Item = (u32, Tuple, &Flow)>, Option<usize>) {
        let end = self.places().min(from + count);
        let next = (self.places() > end).then_some(end);
        let flows = (from as u32..end as u32).filter_map(|at| {
            let (tuple, flow) = self.places.flow(at)?;
            Some((at * self.of + self.number, tuple, flow))
        });
        (flows, next)
    }
}

#[derive(Default)]
struct Places {
    chunks: Vec<Chunk>,
    len: u32,
}

impl Places {
    #[inline]
    fn get(&self, at: u32) -> Option<&Place> {
        self.chunks.get(at as usize / CHUNK)?.places().get(at as usize % CHUNK)
    }

    #[inline]
    fn get_mut(&mut self, at: u32) -> Option<&mut Place> {
        self.chunks.get_mut(at as usize / CHUNK)?.places_mut().get_mut(at as usize % CHUNK)
    }

    /// The flow in a place, with its key.
    #[inline]
    fn flow(&self, at: u32) -> Option<(Tuple, &Flow)> {
        let Some(Place::Flow(flow)) = self.get(at) else { return None };
        let addresses = match flow.addresses {
            Addresses::Short(short) => short.map(IpAddr::V4),
            Addresses::Elsewhere(place) => match self.get(u32::from_ne_bytes(place))? {
                Place::Addresses(addresses) => *addresses,
                _ => return None,
            },
        };
        Some((flow.tuple(addresses), flow))
    }

    #[inline]
    fn flow_mut(&mut self, at: u32) -> Option<&mut Flow> {
        match self.get_mut(at) {
            Some(Place::Flow(flow)) => Some(flow),
            _ => None,
        }
    }

    /// Returns what lay there.
    fn replace(&mut self, at: u32, what: Place) -> Option<Place> {
        Some(std::mem::replace(self.get_mut(at)?, what))
    }

    /// One more place, which is free.
    fn add(&mut self, memory: &FlowMemory) -> u32 {
        let at = self.len;
        if at as usize == self.chunks.len() * CHUNK {
            self.chunks.push(if at == 0 { FlowMemory::first_chunk() } else { memory.chunk() });
        }
        self.len += 1;
        at
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::flow::{FlowView, Traffic};
    use crate::packet::{Direction, UDP};
    use crate::policy::AllowedBy;
    use crate::rule_tally::RuleTally;

    fn view(local: &str, remote: &str) -> FlowView {
        let (local_address, remote_address) = (local.parse().unwrap(), remote.parse().unwrap());
        let tuple = Tuple {
            local_address,
            remote_address,
            local_port: 1,
            remote_port: 2,
            protocol: UDP,
            icmp_in: 0,
            is_rest: true,
        };
        let traffic = Traffic { received_packets: 1, received_bytes: 1 << 50, sent_packets: 1 << 39, sent_bytes: 2 };
        let by = AllowedBy { policy_id: 3, rule_id: 4 };
        FlowView { tuple, opened_by: Direction::Outbound, by, age_ms: 5, idle_ms: 2, traffic }
    }

    #[test]
    fn flows_of_both_ip_versions_are_told_as_they_were_put_in_and_leave_their_places_to_others() {
        let (memory, hasher) = (FlowMemory::new(|_| {}), KeyedState::default());
        let mut shard = FlowShard::new(1, 2);
        let pairs = [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2"), ("fd00::1", "fd00::3"), ("10.0.0.1", "fd00::2")];
        for _ in 0..3 {
            for told in pairs.map(|(local, remote)| view(local, remote)) {
                let flow = Flow::taken_over(&told, 1, Arc::new(RuleTally::new(told.by)), 1 << 39);
                shard.insert(hasher.hash_one(told.tuple), &told.tuple, flow, &memory);
            }
            for told in pairs.map(|(local, remote)| view(local, remote)) {
                let (slot, flow) = shard.find(hasher.hash_one(told.tuple), &told.tuple).unwrap();
                assert_eq!(flow.view(told.tuple, 1 << 39), told);
                assert!(shard.find_at(slot, &told.tuple).is_some());
                assert_eq!(shard.remove(slot, &hasher).map(|(tuple, _)| tuple), Some(told.tuple));
                assert!(shard.find(hasher.hash_one(told.tuple), &told.tuple).is_none() && shard.at(slot).is_none());
            }
            assert_eq!((shard.places(), shard.page(0, 9).0.count()), (7, 0));
        }
    }
}
