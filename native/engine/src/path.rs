//! Ways to a peer.

use std::net::SocketAddr;

/// A way to a peer, and where a datagram came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Straight to this underlay address.
    Direct(SocketAddr),
    /// Through a relay that both have a session with.
    Relayed(Relayed),
}

/// A way through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// Local index of our session with the relay.
    pub session: u32,
    /// The index by which the relay knows this hop.
    pub relay_index: u32,
}
