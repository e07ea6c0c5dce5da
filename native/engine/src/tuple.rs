//! What makes packets one flow (SEMANTICS.md section 4.3).

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use crate::protocol::{ICMP, ICMPV6};

/// Echo, timestamp, information and address mask: question and answer.
const QUESTIONS: [(u8, u8); 4] = [(8, 0), (13, 14), (15, 16), (17, 18)];
const QUESTIONS_V6: [(u8, u8); 1] = [(128, 129)];
/// Where the numbers of ICMPv6 messages begin among those that rules name, behind those of ICMP.
const ICMPV6_MESSAGES: u16 = 256;
/// Type 255 of ICMPv6.
pub const ICMP_MESSAGE_MAX: u16 = 2 * ICMPV6_MESSAGES - 1;

/// Which way a packet goes, seen from this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a session to this host.
    Inbound,
    /// From this host into a session.
    Outbound,
}

/// A flow's key, the same for both directions: local is this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Our overlay address.
    pub local_address: IpAddr,
    /// The peer's overlay address.
    pub remote_address: IpAddr,
    /// Our port; 0 when the protocol has none.
    pub local_port: u16,
    /// The peer's port, or the identifier of an echo.
    pub remote_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// Of ICMP the type that the flow lets in: who asks may be answered, not asked. 0 of every other protocol.
    pub icmp_in: u8,
    /// A part behind the first of which nobody knows the first, and so not the ports.
    pub is_rest: bool,
}

/// In few and whole words: this is most of what looking for a flow costs.
impl Hash for Tuple {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.local_address, self.remote_address) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                state.write_u64(u64::from(local.to_bits()) << 32 | u64::from(remote.to_bits()));
            }
            (local, remote) => [local, remote].into_iter().for_each(|address| match address {
                IpAddr::V4(v4) => state.write_u32(v4.to_bits()),
                IpAddr::V6(v6) => state.write_u128(v6.to_bits()),
            }),
        }
        let ports = u64::from(self.local_port) << 48 | u64::from(self.remote_port) << 32;
        let rest = u64::from(self.protocol) << 16 | u64::from(self.icmp_in) << 8 | u64::from(self.is_rest);
        state.write_u64(ports | rest);
    }
}

impl Tuple {
    /// The port that rules of a direction are about: the service's.
    pub fn service_port(&self, direction: Direction) -> u16 {
        match direction {
            Direction::Inbound => self.local_port,
            Direction::Outbound => self.remote_port,
        }
    }

    /// The kind of ICMP message that opens, or has opened, the flow in a direction: types of ICMP as they are, those of ICMPv6 behind
    /// them. `None` of what its IP version does not know as ICMP.
    pub fn icmp_message(&self, direction: Direction) -> Option<u16> {
        let offset = match (self.protocol, self.local_address) {
            _ if self.is_rest => return None,
            (ICMP, IpAddr::V4(_)) => 0,
            (ICMPV6, IpAddr::V6(_)) => ICMPV6_MESSAGES,
            _ => return None,
        };
        let kind = match direction {
            Direction::Inbound => self.icmp_in,
            Direction::Outbound => counterpart(self.protocol, self.icmp_in),
        };
        Some(offset + u16::from(kind))
    }
}

/// The ICMP type that comes back for this one: questions and answers lead to each other, everything else to itself.
pub fn counterpart(protocol: u8, kind: u8) -> u8 {
    let pairs: &[(u8, u8)] = if protocol == ICMP { &QUESTIONS } else { &QUESTIONS_V6 };
    let other = pairs.iter().find_map(|&(question, answer)| match kind {
        _ if kind == question => Some(answer),
        _ if kind == answer => Some(question),
        _ => None,
    });
    other.unwrap_or(kind)
}
