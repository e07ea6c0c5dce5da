//! Whether a packet is what its sender made: what a kernel looks at before it joins packets, or takes one (RFC 791, 768, 8200, 9293).

use lacis_engine::checksum::Checksum;
use lacis_engine::packet::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, UDP};

use super::layout::Layout;

/// Whether every length in the headers is that of the packet: IP's, and UDP's, which could end before IP does.
pub fn has_true_lengths(layout: &Layout, packet: &[u8]) -> Option<bool> {
    let length_at = |at: usize| Some(usize::from(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?])));
    let ip = match layout.is_ipv6 {
        true => length_at(4)? + IPV6_HEADER_BYTES,
        false => length_at(2)?,
    };
    let udp = layout.protocol != UDP || length_at(layout.transport + 4)? + layout.transport == packet.len();
    Some(ip == packet.len() && udp)
}

/// Whether the checksums of a plain packet are right: the transport's, and the IPv4 header's.
pub fn has_true_checksums(layout: &Layout, packet: &[u8]) -> Option<bool> {
    let header = layout.is_ipv6 || Checksum::default().with(packet.get(..IPV4_HEADER_BYTES)?).is_right();
    Some(header && layout.transport_sum(packet)?.is_right())
}
