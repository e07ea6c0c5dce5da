//! A part of the flows, for one thread at a time: those whose keys hash to it.

use std::hash::BuildHasher;

use crate::flow_entry::Flow;
use crate::flow_index::FlowIndex;
use crate::flow_memory::{CHUNK, Chunk, FlowMemory};
use crate::packet::Tuple;
use crate::prefetch::prefetch;
use crate::sync::KeyedState;

/// Where a flow lies, and which one of those that lay there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowId {
    /// The place among those of all parts.
    pub slot: u32,
    /// Another one for each flow that lies there.
    pub generation: u32,
}

/// Flows by key. A flow keeps its place as long as it is there.
pub struct FlowShard {
    number: u32,
    /// Parts that there are.
    of: u32,
    by_tuple: FlowIndex,
    /// `None` while the place is free.
    slots: Slots,
    free: Vec<u32>,
    generation: u32,
}

impl FlowShard {
    /// No flow, as part `number` of so many.
    pub fn new(number: u32, of: u32) -> Self {
        Self { number, of, by_tuple: FlowIndex::default(), slots: Slots::default(), free: vec![], generation: 0 }
    }

    /// The flow of a key, whose hash this is.
    pub fn find(&mut self, hash: u64, tuple: &Tuple) -> Option<(FlowId, &mut Flow)> {
        let Self { by_tuple, slots, number, of, .. } = self;
        let at = by_tuple.find(hash, |at| slots.get(at).is_some_and(|flow| flow.tuple == *tuple))?;
        let flow = slots.get_mut(at)?;
        Some((FlowId { slot: at * *of + *number, generation: flow.generation }, flow))
    }

    /// Has the memory fetched that says where the flow of a key lies.
    pub fn prefetch_place(&self, hash: u64) {
        self.by_tuple.prefetch(hash);
    }

    /// Has the memory of the flow itself fetched, if there is one.
    pub fn prefetch_flow(&self, hash: u64) {
        if let Some(place) = self.by_tuple.guess(hash).and_then(|at| self.slots.place(at)) {
            prefetch(place);
        }
    }

    /// The flow of an id, unless it is gone.
    pub fn get(&mut self, FlowId { slot, generation }: FlowId) -> Option<&mut Flow> {
        self.at(slot).filter(|flow| flow.generation == generation)
    }

    /// The flow in a place.
    pub fn at(&mut self, slot: u32) -> Option<&mut Flow> {
        self.slots.get_mut(slot / self.of)
    }

    /// Takes a flow in, whose key is not there.
    pub fn insert(&mut self, hash: u64, mut flow: Flow, memory: &FlowMemory) -> FlowId {
        // The same number comes again when four billion other flows have lain here.
        self.generation = self.generation.wrapping_add(1);
        let at = self.free.pop().unwrap_or_else(|| self.slots.add(memory));
        flow.generation = self.generation;
        self.slots.set(at, flow);
        self.by_tuple.insert(hash, at);
        FlowId { slot: at * self.of + self.number, generation: self.generation }
    }

    /// Takes the flow in a place out.
    pub fn remove(&mut self, slot: u32, hasher: &KeyedState) -> Option<Flow> {
        let hash = hasher.hash_one(self.at(slot)?.tuple);
        let at = slot / self.of;
        self.by_tuple.remove(hash, at);
        self.free.push(at);
        self.slots.take(at)
    }

    /// Places that there are, free ones counted.
    pub fn places(&self) -> usize {
        self.slots.len as usize
    }

    /// The flows in at most `count` places from one on, each with its own, and the place to go on from.
    pub fn page(&self, from: usize, count: usize) -> (impl Iterator<Item = (u32, &Flow)>, Option<usize>) {
        let end = self.places().min(from + count);
        let next = (self.places() > end).then_some(end);
        let flows = (from as u32..end as u32).filter_map(|at| Some((at * self.of + self.number, self.slots.get(at)?)));
        (flows, next)
    }
}

#[derive(Default)]
struct Slots {
    chunks: Vec<Chunk>,
    len: u32,
}

impl Slots {
    fn place(&self, at: u32) -> Option<&Option<Flow>> {
        self.chunks.get(at as usize / CHUNK)?.places().get(at as usize % CHUNK)
    }

    fn place_mut(&mut self, at: u32) -> Option<&mut Option<Flow>> {
        self.chunks.get_mut(at as usize / CHUNK)?.places_mut().get_mut(at as usize % CHUNK)
    }

    fn get(&self, at: u32) -> Option<&Flow> {
        self.place(at)?.as_ref()
    }

    fn get_mut(&mut self, at: u32) -> Option<&mut Flow> {
        self.place_mut(at)?.as_mut()
    }

    fn set(&mut self, at: u32, flow: Flow) {
        if let Some(place) = self.place_mut(at) {
            *place = Some(flow);
        }
    }

    fn take(&mut self, at: u32) -> Option<Flow> {
        self.place_mut(at)?.take()
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
