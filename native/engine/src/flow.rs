//! One flow: what it carried, and how it is told of.

use std::net::IpAddr;

use crate::drop_reason::DropReason;
use crate::host::FlowTimeouts;
use crate::packet::{Direction, Tuple};
use crate::policy::{AllowedBy, RefusalAction};

/// A packet to be judged.
pub struct FlowPacket<'a> {
    /// Its flow.
    pub tuple: &'a Tuple,
    /// What is known already of where the flow lies.
    pub foreseen: Foreseen,
    /// Which way it goes.
    pub direction: Direction,
    /// Of TCP its flags.
    pub tcp_flags: u8,
    /// How many packets it stands for: those that came with it and differ in nothing that matters here.
    pub packets: u64,
    /// Their length, together.
    pub bytes: u64,
    /// Whose session it came through or leaves through: a peer is named by the first of its addresses.
    pub peer: IpAddr,
    /// The program of its session.
    pub policy_id: u32,
    /// When.
    pub now_ms: u64,
    /// When flows expire.
    pub timeouts: &'a FlowTimeouts,
}

/// Where the flow of a packet would lie: the hash of its key, if it was asked for before the packet is judged. Nothing of a table that is at hand anyhow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Foreseen(pub Option<u64>);

impl Foreseen {
    /// Whether anything is known.
    pub fn is_known(self) -> bool {
        self.0.is_some()
    }
}

/// What becomes of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Goes on.
    Allowed,
    /// Goes on, and another flow was forgotten for it.
    AllowedByEviction,
    /// No flow and no rule.
    Refused(RefusalAction),
}

/// Packets of a flow and their bytes, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Traffic {
    pub received_packets: u64,
    pub received_bytes: u64,
    pub sent_packets: u64,
    pub sent_bytes: u64,
}

/// One flow as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FlowView {
    pub tuple: Tuple,
    pub opened_by: Direction,
    pub by: AllowedBy,
    pub age_ms: u64,
    pub idle_ms: u64,
    pub traffic: Traffic,
}

/// What became of a flow, as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRecord {
    /// What.
    pub happening: FlowHappening,
    /// The flow. Refused packets are counted without their bytes.
    pub flow: FlowView,
    /// Whose session it goes through, if it met one.
    pub peer: Option<IpAddr>,
}

/// What can become of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FlowHappening {
    Begun,
    Ended(FlowEnd),
    Refused { reason: DropReason, action: Option<RefusalAction> },
}

/// Why a flow is remembered no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEnd {
    /// Its connection is over.
    Closed,
    /// It was not used for long.
    Expired,
    /// Another one took its place.
    Evicted,
}

impl FlowEnd {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
        }
    }
}

/// Where a list of flows goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowPlace {
    pub(crate) shard: usize,
    pub(crate) slot: usize,
}

impl FlowPlace {
    /// On from here: in the same shard, or at the beginning of the next.
    pub(crate) fn followed_by(self, slot: Option<usize>) -> Self {
        match slot {
            Some(slot) => Self { slot, ..self },
            None => Self { shard: self.shard + 1, slot: 0 },
        }
    }
}

impl Traffic {
    /// Counts what passes.
    #[inline]
    pub fn add(&mut self, packet: &FlowPacket<'_>) {
        let (packets, bytes) = match packet.direction {
            Direction::Inbound => (&mut self.received_packets, &mut self.received_bytes),
            Direction::Outbound => (&mut self.sent_packets, &mut self.sent_bytes),
        };
        *packets += packet.packets;
        *bytes += packet.bytes;
    }

    /// Packets and bytes both ways.
    pub fn both_ways(&self) -> (u64, u64) {
        (self.received_packets + self.sent_packets, self.received_bytes + self.sent_bytes)
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, more: &Self) {
        self.received_packets += more.received_packets;
        self.received_bytes += more.received_bytes;
        self.sent_packets += more.sent_packets;
        self.sent_bytes += more.sent_bytes;
    }
}
