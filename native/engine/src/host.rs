//! What this host is in the overlay, as the control plane configured it.

use std::net::IpAddr;

use crate::drop_reason::DropReason;
use crate::header::BODY_LIMIT_BYTES;
use crate::ip::{Prefix, is_private};
use crate::packet::InnerPacket;

/// Who is told that a session does not exist here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecvErrorPolicy {
    /// Everybody.
    Always,
    /// Nobody.
    #[default]
    Never,
    /// Sources in private networks.
    Private,
}

impl RecvErrorPolicy {
    /// Whether `source` is told.
    pub fn tells(self, source: IpAddr) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Private => is_private(source),
        }
    }
}

/// Facts about this host. Before the first configuration there are no networks, so nothing is forwarded.
#[derive(Clone, Debug, Default)]
pub struct HostFacts {
    /// Our overlay networks, each with our own address in it.
    pub networks: Vec<Prefix>,
    /// See [`RecvErrorPolicy`].
    pub send_recv_error: RecvErrorPolicy,
    /// Drop outbound packets to the broadcast address of one of our networks.
    pub drop_local_broadcast: bool,
    /// Drop outbound multicast.
    pub drop_multicast: bool,
    /// There is no device: answer echo requests to our own addresses.
    pub answer_echo: bool,
}

impl HostFacts {
    /// Whether `address` lies in one of our overlay networks.
    pub fn is_overlay(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Whether `address` is one of our own overlay addresses.
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.address() == address)
    }

    /// Steps 1 to 3 of SEMANTICS.md section 3: whether a packet from the device may look for a session.
    pub fn check_outbound(&self, inner: &InnerPacket) -> Result<(), DropReason> {
        let to = inner.destination;
        if inner.length > BODY_LIMIT_BYTES {
            Err(DropReason::Oversized)
        } else if self.drop_multicast && to.is_multicast() {
            Err(DropReason::Multicast)
        } else if self.drop_local_broadcast && self.networks.iter().any(|network| network.is_broadcast(to)) {
            Err(DropReason::Broadcast)
        } else if self.is_own(to) {
            Err(DropReason::OwnAddress)
        } else if !self.is_own(inner.source) {
            Err(DropReason::LocalAddress)
        } else if !self.is_overlay(to) {
            Err(DropReason::NoRoute)
        } else {
            Ok(())
        }
    }
}
