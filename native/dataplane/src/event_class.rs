//! Which events may be lost, and how many may wait.

use lacis_contract::wire::from_data_plane::Event;
use lacis_engine::header::{Header, Kind};

/// How an event may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Never while the connection lives: a control plane that lets this many pile up is cut off, and learns the state anew from the
    /// snapshot when it comes back. Nobody can order these: of one session there are a few, and one a second while its peer roams.
    Certain,
    /// Like [`Self::Certain`], but large.
    Bulky,
    /// Sent again by whoever sent it, or asked for again.
    Repeatable,
    /// The same, and anybody can send it: a flood of it leaves the others their room.
    Unproven,
    /// What became of flows, and packets that are looked at: what is lost of it is counted.
    Record,
    /// The counters are exact without it.
    Sample,
}

/// As many as there are.
pub const CLASSES: usize = Class::Sample as usize + 1;

/// How much may wait. Each event has a bound of its own, but not all together: a message may carry 9 kB, an answer 1 MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Their number.
    pub events: usize,
    /// What they take together.
    pub bytes: usize,
}

/// Whether an event is of no use once it has waited for long: a host that asks for something asks again, or has gone elsewhere. What answers this host is
/// none of them.
pub fn is_asked_again(event: &Event) -> bool {
    match event {
        Event::Datagram(asked) => {
            Header::decode(&asked.datagram).is_ok_and(|header| header.kind == Kind::Handshake && header.counter == 1)
        }
        Event::Message(asked) => asked.r#type == u32::from(Kind::LightHouse.to_wire().0),
        _ => false,
    }
}

impl Class {
    /// That of an event.
    pub fn of(event: &Event) -> Self {
        match event {
            // The session is gone already, and nobody says so again.
            Event::Message(message) if message.r#type == u32::from(Kind::CloseTunnel.to_wire().0) => Self::Certain,
            Event::Datagram(_) => Self::Unproven,
            Event::Message(_) | Event::NeedSession(_) | Event::LargeSent(_) | Event::PathReplied(_) => Self::Repeatable,
            Event::DropSample(_) | Event::SendError(_) => Self::Sample,
            Event::FlowReport(_) => Self::Bulky,
            Event::FlowRecords(_) | Event::Captured(_) => Self::Record,
            _ => Self::Certain,
        }
    }

    /// As much of it may wait.
    pub fn limit(self) -> Amount {
        let (events, mebibytes) = match self {
            Self::Certain => (131_072, 64),
            // Twice all flows that there can be.
            Self::Bulky => (128, 32),
            Self::Repeatable => (4_096, 16),
            // Half a second of all that the limiters let through.
            Self::Unproven => (1_024, 4),
            // A second and a half of as many as are noted.
            Self::Record => (64, 8),
            Self::Sample => (64, 1),
        };
        Amount { events, bytes: mebibytes << 20 }
    }

    /// Whether the connection goes on without it.
    pub fn may_be_lost(self) -> bool {
        matches!(self, Self::Repeatable | Self::Unproven | Self::Record | Self::Sample)
    }
}
