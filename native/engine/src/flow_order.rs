//! Which flow goes when there is one too many (SEMANTICS.md section 4.3).

use std::net::IpAddr;

use crate::packet::Direction;
use crate::shares::Shares;

/// Flows that are spared in a row for having been used.
const SPARED_MAX: usize = 16;

/// The places of flows by whose they are: what a peer opened and what this host opened towards it are two shares, and neither pushes out
/// the other.
pub struct FlowOrder {
    /// Each in the order in which its flows were opened or spared.
    shares: Shares<(IpAddr, Direction)>,
    len: usize,
    limit: usize,
}

impl FlowOrder {
    /// Of no flow, and at most so many.
    pub fn new(limit: usize) -> Self {
        Self { shares: Shares::new(), len: 0, limit }
    }

    /// Flows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// From now on there are at most so many: [`Self::excess`] is too many.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// A flow lies in a place that was free.
    pub fn add(&mut self, slot: u32, owner: (IpAddr, Direction)) {
        self.shares.add(slot, owner);
        self.len += 1;
    }

    /// A place is free again. Returns whose it was.
    pub fn remove(&mut self, slot: u32) -> (IpAddr, Direction) {
        self.len -= 1;
        self.shares.remove(slot)
    }

    /// Where the flow lies that has to go, while there are too many.
    pub fn excess(&self) -> Option<u32> {
        if self.len > self.limit { self.shares.to_evict() } else { None }
    }

    /// The flow that had to go does not, if not as many were spared as may be: it counts as if it were opened now. One that has just come is
    /// the last of its share, and is not reached.
    pub fn spare(&mut self, slot: u32, spared: usize) -> bool {
        let may_be = spared < SPARED_MAX.min(self.shares.largest().saturating_sub(2));
        if may_be {
            self.shares.touch(slot);
        }
        may_be
    }
}
