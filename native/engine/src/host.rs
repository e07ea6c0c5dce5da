//! What this host is in the overlay, as the control plane configured it.

use std::net::{IpAddr, Ipv4Addr};

use crate::allow_list::AllowList;
use crate::drop_reason::DropReason;
use crate::header::BODY_LIMIT_BYTES;
use crate::ip::{Prefix, is_private};
use crate::packet::{InnerPacket, TCP, UDP};
use crate::policy::RefusalAction;

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

/// Flows remembered at one time, if nothing else is said.
pub const FLOWS_DEFAULT: usize = 65_536;
/// Flows remembered at one time at most.
pub const FLOWS_MAX: usize = 1_048_576;

/// Facts about this host. Before the first configuration there are no networks, so nothing is forwarded.
#[derive(Clone, Debug)]
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
    /// How long flows are remembered.
    pub flow_timeouts: FlowTimeouts,
    /// Flows remembered at one time.
    pub flow_limit: usize,
    /// The control plane is told of flows as they begin, end and are refused.
    pub record_flows: bool,
    /// Thousands of bytes that one peer may have forwarded in a second; 0: as many as it likes.
    pub relay_peer_kilobytes: u32,
    /// Where peers may move to.
    pub remote_allow_list: AllowList,
    /// How packets of this host are refused that have no route.
    pub refuse_no_route: RefusalAction,
}

impl Default for HostFacts {
    /// No network, nobody told of anything, everybody anywhere.
    fn default() -> Self {
        Self {
            networks: vec![],
            send_recv_error: RecvErrorPolicy::default(),
            drop_local_broadcast: false,
            drop_multicast: false,
            answer_echo: false,
            flow_timeouts: FlowTimeouts::default(),
            flow_limit: FLOWS_DEFAULT,
            record_flows: false,
            relay_peer_kilobytes: 0,
            remote_allow_list: AllowList::default(),
            refuse_no_route: RefusalAction::default(),
        }
    }
}

/// How long a flow is remembered after its last packet, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FlowTimeouts {
    pub tcp_ms: u32,
    pub udp_ms: u32,
    pub other_ms: u32,
}

impl Default for FlowTimeouts {
    /// The reference's connection-tracking defaults.
    fn default() -> Self {
        Self { tcp_ms: 720_000, udp_ms: 180_000, other_ms: 600_000 }
    }
}

impl FlowTimeouts {
    /// That of a protocol.
    pub fn of(&self, protocol: u8) -> u64 {
        u64::from(match protocol {
            TCP => self.tcp_ms,
            UDP => self.udp_ms,
            _ => self.other_ms,
        })
    }
}

impl HostFacts {
    /// Whether `address` lies in one of our overlay networks.
    pub fn is_overlay(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    fn is_broadcast(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.is_broadcast(address))
    }

    /// Whether an address is that of more than one host.
    pub fn is_for_many(&self, address: IpAddr) -> bool {
        address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) || self.is_broadcast(address)
    }

    /// Step 1 of SEMANTICS.md section 3: what leaves no host, whatever the routes say.
    pub fn check_outbound(&self, inner: &InnerPacket) -> Result<(), DropReason> {
        let to = inner.destination;
        if inner.length > BODY_LIMIT_BYTES {
            Err(DropReason::Oversized)
        } else if self.drop_multicast && to.is_multicast() {
            Err(DropReason::Multicast)
        } else if self.drop_local_broadcast && self.is_broadcast(to) {
            Err(DropReason::Broadcast)
        } else {
            Ok(())
        }
    }
}
