//! What the engine causes, in the order in which it is caused.

use std::net::{IpAddr, SocketAddr};

use crate::capture::Captured;
use crate::drop_reason::DropReason;
use crate::flow::FlowView;
pub use crate::flow_log::FlowRecords;
use crate::header::{Kind, PATH_TOKEN_BYTES};
use crate::packet::Tuple;
use crate::path::Path;
use crate::policy::RefusalAction;
pub use crate::standing::Standing;

/// Where it goes. Every thread has its own; a burst of calls is flushed by whoever made the burst.
pub trait Output {
    /// A datagram of `length` bytes to `to`. `fill` writes all of them; when it returns false nothing is sent.
    fn datagram(&mut self, to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool;

    /// Whether the datagrams that follow must arrive in one piece or not at all: what asks how much a path carries would else be told more than that.
    fn keep_whole(&mut self, _whole: bool) {}

    /// An inner packet for the device.
    fn packet(&mut self, packet: &[u8]);

    /// News for the control plane.
    fn event(&mut self, event: Event);
}

/// What the control plane learns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Event {
    /// A handshake or a recv_error that passed the limits.
    Datagram { origin: Path, standing: Standing, datagram: Vec<u8> },
    /// An authentic control message of a session. `heard`: of a lighthouse message, its number among those that were told; else 0.
    Message { local_index: u32, kind: Kind, body: Vec<u8>, heard: u32 },
    /// A packet waits for a session to this overlay address.
    NeedSession { destination: IpAddr },
    /// The first authentic packet arrived on a session that we answered.
    Confirmed { local_index: u32 },
    /// A large inner packet goes out.
    LargeSent { local_index: u32 },
    /// The peer was heard from a new place, and is sent to there.
    Roamed { local_index: u32, path: Path },
    /// The send counter passed the mark for a new handshake, or the end.
    CounterHigh { local_index: u32, send_counter: u64, exhausted: bool },
    /// The reply to a path request came by this way.
    PathReplied { local_index: u32, origin: Path, token: [u8; PATH_TOKEN_BYTES] },
    /// An inner packet was sent so long ago, and nothing was heard since.
    Silent { local_index: u32, since_ms: u64 },
    /// One of the dropped packets.
    Dropped(DropSample),
    /// Some of the flows that were asked for.
    Flows(Vec<FlowView>),
    /// What became of some flows.
    FlowRecords(FlowRecords),
    /// Packets that an operator wants to see.
    Captured(Captured),
}

/// What is known of a dropped packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropSample {
    /// Why.
    pub reason: DropReason,
    /// Whether it came from the underlay.
    pub inbound: bool,
    /// The inner flow, when the packet could be parsed.
    pub tuple: Option<Tuple>,
    /// The session, 0 when it met none.
    pub local_index: u32,
    /// Where it came from, of packets that met no session.
    pub origin: Option<Path>,
    /// How it was refused, of packets that no rule allows.
    pub action: Option<RefusalAction>,
}

impl DropSample {
    /// Nothing is known but the reason.
    pub(crate) fn new(reason: DropReason, inbound: bool) -> Self {
        Self { reason, inbound, tuple: None, local_index: 0, origin: None, action: None }
    }

    /// It was refused, and told so or not.
    pub(crate) fn refused(inbound: bool, tuple: Tuple, reason: DropReason, answered: bool) -> Self {
        let action = match (answered, reason) {
            (true, _) => Some(RefusalAction::Reject),
            (false, DropReason::NoMatchingRule) => Some(RefusalAction::Drop),
            (false, _) => None,
        };
        Self { tuple: Some(tuple), action, ..Self::new(reason, inbound) }
    }
}
