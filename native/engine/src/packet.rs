//! The inner IP packet, as far as the firewall must know it (SEMANTICS.md section 8).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::drop_reason::DropReason;
use crate::extension_headers::{UpperLayer, upper_layer};
pub use crate::part::Part;
pub use crate::protocol::{ICMP, ICMPV6, TCP, UDP};
use crate::tuple::counterpart;
pub use crate::tuple::{Direction, ICMP_MESSAGE_MAX, Tuple};

/// A header of IPv4 without options.
pub const IPV4_HEADER_BYTES: usize = 20;
/// A header of IPv6 without extensions.
pub const IPV6_HEADER_BYTES: usize = 40;
/// IPv4: more fragments, and the fragment offset in units of eight bytes.
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_UNITS: u16 = 0x1fff;
const TCP_HEADER_BYTES_MIN: usize = 20;
const TCP_FLAGS_OFFSET: usize = 13;
/// Stands for the type of an ICMP packet too short to have one. Reserved, so nobody else's.
const NO_ICMP_TYPE: u8 = 255;

/// What distinguishes flows above the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ports {
    Pair {
        source: u16,
        destination: u16,
    },
    /// Type and, of an echo, its identifier, which stands on the remote side in both directions.
    Icmp {
        kind: u8,
        identifier: u16,
    },
    None,
}

/// A parsed packet. It holds no bytes, only what they said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerPacket {
    /// Length the packet says it has; what follows in the buffer is not part of it.
    pub length: usize,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Set when this is not the whole packet.
    pub part: Option<Part>,
    /// Where the upper-layer header starts.
    pub upper: usize,
    /// Of TCP its flags; 0 of a segment too short to have any, and of every other protocol.
    pub tcp_flags: u8,
    protocol: u8,
    ports: Ports,
}

/// What the rules are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The flow; of a part behind the first the flow of that one, when it is known.
    pub flow: Tuple,
    /// Set when it is not the whole packet.
    pub part: Option<Part>,
}

impl InnerPacket {
    /// Parses one packet: `bad-packet` or `bad-fragment` when nothing can be said about its flow.
    pub fn parse(bytes: &[u8]) -> Result<Self, DropReason> {
        match bytes.first().map(|first| first >> 4) {
            Some(4) => parse_ipv4(bytes),
            Some(6) => parse_ipv6(bytes),
            _ => Err(DropReason::BadPacket),
        }
    }

    /// IP protocol number; of IPv6 the one behind the extension headers.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// The type of an ICMP packet of its IP version.
    pub fn icmp_type(&self) -> Option<u8> {
        match self.ports {
            Ports::Icmp { kind, .. } => Some(kind),
            Ports::Pair { .. } | Ports::None => None,
        }
    }

    /// The flow this packet belongs to.
    pub fn tuple(&self, direction: Direction) -> Tuple {
        let (source_port, destination_port) = match self.ports {
            Ports::Pair { source, destination } => (source, destination),
            Ports::Icmp { .. } | Ports::None => (0, 0),
        };
        let (local_address, remote_address, local_port, remote_port) = match direction {
            Direction::Inbound => (self.destination, self.source, destination_port, source_port),
            Direction::Outbound => (self.source, self.destination, source_port, destination_port),
        };
        let mut tuple = Tuple {
            local_address,
            remote_address,
            local_port,
            remote_port,
            protocol: self.protocol,
            icmp_in: 0,
            is_rest: self.part.is_some_and(|part| !part.is_first()),
        };
        if let Ports::Icmp { kind, identifier } = self.ports {
            tuple.remote_port = identifier;
            tuple.icmp_in = match direction {
                Direction::Inbound => kind,
                Direction::Outbound => counterpart(self.protocol, kind),
            };
        }
        tuple
    }
}

fn parse_ipv4(bytes: &[u8]) -> Result<InnerPacket, DropReason> {
    let header = bytes.first_chunk::<IPV4_HEADER_BYTES>().ok_or(DropReason::BadPacket)?;
    let &[first, _, l0, l1, i0, i1, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = header;
    let header_length = usize::from(first & 0x0f) * 4;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if header_length < IPV4_HEADER_BYTES || length < header_length {
        return Err(DropReason::BadPacket);
    }
    let payload = bytes.get(header_length..length).ok_or(DropReason::BadPacket)?;
    let flags = u16::from_be_bytes([f0, f1]);
    let (more, from) = (flags & MORE_FRAGMENTS != 0, (flags & OFFSET_UNITS) << 3);
    let part = match more || from != 0 {
        true => {
            let id = u32::from(u16::from_be_bytes([i0, i1]));
            Some(Part::new(id, protocol, from, payload, more, header_length)?)
        }
        false => None,
    };
    let ports = ports(protocol, payload, part, (ICMP, [0, 8]))?;
    let source = IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3));
    let destination = IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3));
    let (upper, tcp_flags) = (header_length, tcp_flags(protocol, payload, part));
    Ok(InnerPacket { length, source, destination, upper, tcp_flags, part, protocol, ports })
}

fn parse_ipv6(bytes: &[u8]) -> Result<InnerPacket, DropReason> {
    let (header, rest) = bytes.split_first_chunk::<IPV6_HEADER_BYTES>().ok_or(DropReason::BadPacket)?;
    let &[_, _, _, _, l0, l1, next_header, _, ref addresses @ ..] = header;
    let payload_length = usize::from(u16::from_be_bytes([l0, l1]));
    let payload = rest.get(..payload_length).ok_or(DropReason::BadPacket)?;
    let (source, destination) = addresses.split_first_chunk::<16>().ok_or(DropReason::BadPacket)?;
    let destination: [u8; 16] = destination.try_into().map_err(|_| DropReason::BadPacket)?;
    let UpperLayer { protocol, payload, part } = upper_layer(next_header, payload)?;
    let ports = ports(protocol, payload, part, (ICMPV6, [128, 129]))?;
    let (source, destination) = (Ipv6Addr::from(*source), Ipv6Addr::from(destination));
    // An IPv4-mapped address would pass for the IPv4 address it maps wherever the two are not told apart.
    if source.to_ipv4_mapped().is_some() || destination.to_ipv4_mapped().is_some() {
        return Err(DropReason::BadPacket);
    }
    Ok(InnerPacket {
        length: IPV6_HEADER_BYTES + payload_length,
        source: IpAddr::V6(source),
        destination: IpAddr::V6(destination),
        part,
        upper: IPV6_HEADER_BYTES + payload_length - payload.len(),
        tcp_flags: tcp_flags(protocol, payload, part),
        protocol,
        ports,
    })
}

/// What tells flows apart, of a packet or its first part; `icmp` is this family's protocol number and its two echo types.
#[inline]
fn ports(
    protocol: u8,
    payload: &[u8],
    part: Option<Part>,
    (icmp_protocol, echo_types): (u8, [u8; 2]),
) -> Result<Ports, DropReason> {
    match part {
        Some(part) if !part.is_first() => return Ok(Ports::None),
        // Whoever puts the packet together must read the flags that were judged here (RFC 1858).
        Some(_) if protocol == TCP && !holds_tcp_header(payload) => return Err(DropReason::BadFragment),
        _ => {}
    }
    match protocol {
        TCP | UDP => port_pair(payload),
        _ if protocol == icmp_protocol => icmp(payload, echo_types),
        _ => Ok(Ports::None),
    }
}

fn holds_tcp_header(payload: &[u8]) -> bool {
    let header_bytes = payload.get(12).map_or(usize::MAX, |offset| usize::from(offset >> 4) * 4);
    payload.len() >= header_bytes.max(TCP_HEADER_BYTES_MIN)
}

fn port_pair(payload: &[u8]) -> Result<Ports, DropReason> {
    let &[s0, s1, d0, d1] = payload.first_chunk::<4>().ok_or(DropReason::BadPacket)?;
    Ok(Ports::Pair { source: u16::from_be_bytes([s0, s1]), destination: u16::from_be_bytes([d0, d1]) })
}

#[inline]
fn tcp_flags(protocol: u8, payload: &[u8], part: Option<Part>) -> u8 {
    let is_header = protocol == TCP && part.is_none_or(|part| part.is_first());
    if is_header { payload.get(TCP_FLAGS_OFFSET).copied().unwrap_or(0) } else { 0 }
}

fn icmp(payload: &[u8], echo_types: [u8; 2]) -> Result<Ports, DropReason> {
    let kind = payload.first().copied().unwrap_or(NO_ICMP_TYPE);
    if !echo_types.contains(&kind) {
        return Ok(Ports::Icmp { kind, identifier: 0 });
    }
    let &[_, _, _, _, i0, i1] = payload.first_chunk::<6>().ok_or(DropReason::BadPacket)?;
    Ok(Ports::Icmp { kind, identifier: u16::from_be_bytes([i0, i1]) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_packets::{ipv4, ipv6};

    fn remote_port(packet: &[u8]) -> Result<u16, DropReason> {
        InnerPacket::parse(packet).map(|inner| inner.tuple(Direction::Outbound).remote_port)
    }

    #[test]
    fn a_tcp_packet_names_both_ports_and_which_are_ours_depends_on_the_direction() {
        let inner = InnerPacket::parse(&ipv4(TCP, &[0, 80, 1, 0])).unwrap();
        let out = inner.tuple(Direction::Outbound);
        assert_eq!((out.local_port, out.remote_port, out.protocol), (80, 256, TCP));
        assert_eq!(out.local_address, "10.0.0.1".parse::<IpAddr>().unwrap());
        let back = inner.tuple(Direction::Inbound);
        assert_eq!((back.local_port, back.remote_port), (256, 80));
        assert_eq!(back.remote_address, out.local_address);
    }

    #[test]
    fn bytes_behind_the_packet_are_not_part_of_it() {
        let mut packet = ipv4(UDP, &[0, 1, 0, 2]);
        packet.push(9);
        assert_eq!(InnerPacket::parse(&packet).unwrap().length, 24);
        let mut packet = ipv6(UDP, &[0, 1, 0, 2]);
        packet.push(9);
        assert_eq!(InnerPacket::parse(&packet).unwrap().length, 44);
    }

    #[test]
    fn lengths_that_contradict_the_bytes_are_bad() {
        for (offset, value) in [(0, 0x44), (0, 0x4f), (0, 0x35), (3, 19), (3, 25)] {
            let mut packet = ipv4(UDP, &[0, 1, 0, 2]);
            packet[offset] = value;
            assert_eq!(InnerPacket::parse(&packet), Err(DropReason::BadPacket), "byte {offset} = {value}");
        }
        let mut packet = ipv6(UDP, &[0, 1, 0, 2]);
        packet[5] = 5;
        assert_eq!(InnerPacket::parse(&packet), Err(DropReason::BadPacket));
        assert_eq!(InnerPacket::parse(&[]), Err(DropReason::BadPacket));
        assert_eq!(InnerPacket::parse(&ipv4(TCP, &[0, 80, 1])), Err(DropReason::BadPacket));
    }

    #[test]
    fn an_echo_has_its_identifier_on_the_remote_side_in_both_directions() {
        for packet in [ipv4(ICMP, &[8, 0, 0, 0, 0x12, 0x34]), ipv6(ICMPV6, &[129, 0, 0, 0, 0x12, 0x34])] {
            let inner = InnerPacket::parse(&packet).unwrap();
            for direction in [Direction::Inbound, Direction::Outbound] {
                let tuple = inner.tuple(direction);
                assert_eq!((tuple.local_port, tuple.remote_port), (0, 0x1234));
            }
        }
        assert_eq!(remote_port(&ipv4(ICMP, &[3, 0, 0, 0, 0x12, 0x34])), Ok(0));
        assert_eq!(remote_port(&ipv4(ICMP, &[8, 0, 0, 0, 0x12])), Err(DropReason::BadPacket));
    }

    #[test]
    fn question_and_answer_are_one_flow_and_the_same_question_from_the_other_side_is_another() {
        let key = |packet: &[u8], direction| {
            let tuple = InnerPacket::parse(packet).unwrap().tuple(direction);
            (tuple.icmp_in, tuple.remote_port)
        };
        let v4 = |kind: u8| ipv4(ICMP, &[kind, 0, 0, 0, 0, 9]);
        let v6 = |kind: u8| ipv6(ICMPV6, &[kind, 0, 0, 0, 0, 9]);
        for (question, answer) in [(v4(8), v4(0)), (v4(13), v4(14)), (v4(17), v4(18)), (v6(128), v6(129))] {
            let ours = key(&question, Direction::Outbound);
            let theirs = key(&question, Direction::Inbound);
            assert_eq!(ours, key(&answer, Direction::Inbound));
            assert_eq!(theirs, key(&answer, Direction::Outbound));
            assert_ne!(ours, theirs);
        }
        assert_eq!(key(&v4(3), Direction::Outbound), key(&v4(3), Direction::Inbound));
        assert_ne!(key(&v4(3), Direction::Inbound), key(&v4(5), Direction::Inbound));
        assert_eq!(key(&ipv4(ICMP, &[]), Direction::Inbound), (255, 0));
        assert_eq!(key(&ipv4(ICMPV6, &[128, 0, 0, 0, 0, 9]), Direction::Inbound), (0, 0));
    }

    #[test]
    fn extension_headers_are_walked_up_to_eight() {
        let destination_options = |next: u8| [next, 0, 0, 0, 0, 0, 0, 0];
        let chain = |count: usize| {
            let mut payload = vec![];
            for i in 1..=count {
                payload.extend_from_slice(&destination_options(if i == count { UDP } else { 60 }));
            }
            payload.extend_from_slice(&[0, 1, 0, 2]);
            ipv6(60, &payload)
        };
        assert_eq!(remote_port(&chain(8)), Ok(2));
        assert_eq!(remote_port(&chain(9)), Err(DropReason::BadPacket));
        let authentication = [UDP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2];
        assert_eq!(remote_port(&ipv6(51, &authentication)), Ok(2));
        assert_eq!(remote_port(&ipv6(0, &[UDP, 1, 0, 0, 0, 0, 0, 0])), Err(DropReason::BadPacket));
        assert_eq!(remote_port(&ipv6(0, &[59, 0, 0, 0, 0, 0, 0, 0])), Ok(0));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic_or_claim_more_than_there_is(bytes in prop::collection::vec(any::<u8>(), 0..200), version in prop::sample::select(vec![0x45u8, 0x46, 0x4f, 0x60])) {
            for first in [None, Some(version)] {
                let mut bytes = bytes.clone();
                if let (Some(version), Some(first)) = (first, bytes.first_mut()) {
                    *first = version;
                }
                if let Ok(inner) = InnerPacket::parse(&bytes) {
                    prop_assert!(inner.length <= bytes.len());
                }
            }
        }
    }
}
