//! Ways to a peer.

use std::net::SocketAddr;

/// A way to a peer, and where a datagram came from. Relayed ways of the contract are not carried yet: they get no further than
/// the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Straight to this underlay address.
    Direct(SocketAddr),
}
