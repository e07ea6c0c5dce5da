//! What answers a packet that is rejected instead of dropped (SEMANTICS.md section 4.5): a TCP reset, or an ICMP error that says
//! "administratively prohibited".

use std::net::IpAddr;

use crate::checksum::Checksum;
use crate::packet::{ICMP, ICMPV6, InnerPacket, TCP};
use crate::tcp_end::flag;

const IPV4_HEADER_BYTES: usize = 20;
const TCP_HEADER_BYTES: usize = 20;
const ICMP_HEADER_BYTES: usize = 8;
const HOPS: u8 = 64;
/// Of the packet an ICMP error holds its IP header and 8 bytes; an ICMPv6 error so many bytes.
const QUOTED_BYTES_V4: usize = 8;
const QUOTED_BYTES_V6: usize = 1_000;
/// ICMP errors, and what is treated like them: source quench, redirect.
const ERRORS: [u8; 5] = [3, 4, 5, 11, 12];
const ERRORS_V6: [u8; 4] = [1, 2, 3, 4];

/// How a packet is answered.
pub enum Rejection<'a> {
    /// A TCP segment, and how many bytes of data it holds.
    Reset { segment: &'a [u8; TCP_HEADER_BYTES], data_bytes: usize },
    /// The first 8 bytes of an ICMP error, and what it quotes.
    Error { begin: [u8; ICMP_HEADER_BYTES], quoted: &'a [u8] },
}

impl<'a> Rejection<'a> {
    /// How a packet is answered. `None` for one that is not: an ICMP error, a reset (two hosts that reject would go on answering each
    /// other), a TCP segment without its whole header, a part of a divided packet but for the first one of IPv4.
    pub fn of(packet: &'a [u8], inner: &InnerPacket) -> Option<Self> {
        if inner.part.is_some_and(|part| !part.is_first() || inner.source.is_ipv6()) {
            return None;
        }
        if inner.protocol() == TCP {
            let (segment, behind) = packet.get(inner.upper..inner.length)?.split_first_chunk()?;
            let header_bytes = usize::from(segment[12] >> 4) * 4;
            let data_bytes = (TCP_HEADER_BYTES + behind.len()).checked_sub(header_bytes)?;
            let is_answered = header_bytes >= TCP_HEADER_BYTES && segment[13] & flag::RST == 0;
            return is_answered.then_some(Self::Reset { segment, data_bytes });
        }
        // Destination unreachable, administratively prohibited (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1).
        let (kind, code) = if inner.source.is_ipv4() { (3, 13) } else { (1, 1) };
        Self::error([kind, code, 0, 0, 0, 0, 0, 0], packet, inner)
    }

    /// How a packet is answered that is too long: with the longest that would not be. `None` for one that is not: an ICMP error, a part behind the
    /// first.
    pub fn too_big(packet: &'a [u8], inner: &InnerPacket, mtu: usize) -> Option<Self> {
        if inner.part.is_some_and(|part| !part.is_first()) {
            return None;
        }
        // RFC 1191 section 4, RFC 4443 section 3.2.
        let (kind, code) = if inner.source.is_ipv4() { (3, 4) } else { (2, 0) };
        let [m0, m1] = u16::try_from(mtu).ok()?.to_be_bytes();
        Self::error([kind, code, 0, 0, 0, 0, m0, m1], packet, inner)
    }

    fn error(begin: [u8; ICMP_HEADER_BYTES], packet: &'a [u8], inner: &InnerPacket) -> Option<Self> {
        let (errors, quoted) = match inner.source {
            IpAddr::V4(_) => (&ERRORS[..], usize::from(packet.first()? & 0x0f) * 4 + QUOTED_BYTES_V4),
            IpAddr::V6(_) => (&ERRORS_V6[..], QUOTED_BYTES_V6),
        };
        if inner.icmp_type().is_some_and(|kind| errors.contains(&kind)) {
            return None;
        }
        Some(Self::Error { begin, quoted: packet.get(..quoted.min(inner.length))? })
    }

    /// The answer: from where the packet was to go, back to where it came from.
    pub fn packet(&self, inner: &InnerPacket) -> Vec<u8> {
        match self {
            Self::Reset { segment, data_bytes } => answer(inner, TCP, 16, reset(segment, *data_bytes).to_vec()),
            Self::Error { begin, quoted } => {
                let protocol = if inner.source.is_ipv4() { ICMP } else { ICMPV6 };
                answer(inner, protocol, 2, [&begin[..], quoted].concat())
            }
        }
    }
}

fn reset(segment: &[u8; TCP_HEADER_BYTES], data_bytes: usize) -> [u8; TCP_HEADER_BYTES] {
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, _, flags, ..] = segment;
    let (sequence, acknowledgment, flags) = if flags & flag::ACK != 0 {
        ([a0, a1, a2, a3], [0; 4], flag::RST)
    } else {
        // SYN and FIN take a sequence number each.
        let used = data_bytes as u32 + u32::from(flags & flag::SYN != 0) + u32::from(flags & flag::FIN != 0);
        let acknowledgment = u32::from_be_bytes([q0, q1, q2, q3]).wrapping_add(used);
        ([0; 4], acknowledgment.to_be_bytes(), flag::RST | flag::ACK)
    };
    let ([q0, q1, q2, q3], [a0, a1, a2, a3]) = (sequence, acknowledgment);
    let data_offset = (TCP_HEADER_BYTES as u8 / 4) << 4;
    [d0, d1, s0, s1, q0, q1, q2, q3, a0, a1, a2, a3, data_offset, flags, 0, 0, 0, 0, 0, 0]
}

/// `message` with its checksum behind a plain IP header.
fn answer(inner: &InnerPacket, protocol: u8, checksum_at: usize, mut message: Vec<u8>) -> Vec<u8> {
    let length = message.len() as u16;
    let (mut header, pseudo) = match (inner.destination, inner.source) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let [l0, l1] = (IPV4_HEADER_BYTES as u16 + length).to_be_bytes();
            let addresses = [from.octets(), to.octets()].concat();
            let fields = [0x45, 0, l0, l1, 0, 0, 0, 0, HOPS, protocol];
            let sum = Checksum::default().with(&fields).with(&addresses).finish();
            let pseudo = (protocol != ICMP).then(|| Checksum::default().with(&addresses));
            ([&fields[..], &sum, &addresses].concat(), pseudo)
        }
        (from, to) => {
            let [l0, l1] = length.to_be_bytes();
            let addresses = [octets_v6(from), octets_v6(to)].concat();
            let pseudo = Checksum::default().with(&addresses);
            ([&[0x60, 0, 0, 0, l0, l1, protocol, HOPS], &addresses[..]].concat(), Some(pseudo))
        }
    };
    // RFC 793 section 3.1, RFC 8200 section 8.1.
    let pseudo = pseudo.map(|addresses| addresses.with(&length.to_be_bytes()).with(&[0, protocol]));
    let sum = pseudo.unwrap_or_default().with(&message).finish();
    if let Some(field) = message.get_mut(checksum_at..checksum_at + 2) {
        field.copy_from_slice(&sum);
    }
    header.append(&mut message);
    header
}

fn octets_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
    }
}
