//! Where the headers of a packet lie, and how to write the fields that change when packets are joined or taken apart.
//!
//! ```text
//! IPv4 (RFC 791)   2..3 total length   4..5 id   6..7 flags, offset   9 protocol   10..11 checksum   12..15 source   16..19 destination
//! IPv6 (RFC 8200)  4..5 payload length   6 next header   8..23 source   24..39 destination
//! TCP (RFC 9293)   4..7 sequence   8..11 acknowledgement   12 data offset   13 flags   14..15 window   16..17 checksum
//! UDP (RFC 768)    4..5 length   6..7 checksum
//! ```

use lacis_engine::checksum::Checksum;
use lacis_engine::packet::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, TCP, UDP};

/// Every header of UDP.
pub const UDP_HEADER_BYTES: usize = 8;
const TCP_HEADER_BYTES_MIN: usize = 20;

/// Offsets of one packet's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Of the outermost header.
    pub is_ipv6: bool,
    /// [`TCP`] or [`UDP`].
    pub protocol: u8,
    /// Where the transport header starts.
    pub transport: usize,
    /// Where the payload starts.
    pub payload: usize,
}

impl Layout {
    /// With the transport header at a known place. `None` when the packet cannot be what it is said to be.
    pub fn at(packet: &[u8], protocol: u8, transport: usize) -> Option<Self> {
        let is_ipv6 = packet.first()? >> 4 == 6;
        let ip_bytes = if is_ipv6 { IPV6_HEADER_BYTES } else { IPV4_HEADER_BYTES };
        let transport_bytes = match protocol {
            TCP => usize::from(packet.get(transport + 12)? >> 4) * 4,
            _ => UDP_HEADER_BYTES,
        };
        let minimum = if protocol == TCP { TCP_HEADER_BYTES_MIN } else { UDP_HEADER_BYTES };
        let payload = transport + transport_bytes;
        let fits = transport >= ip_bytes && transport_bytes >= minimum && payload <= packet.len();
        fits.then_some(Self { is_ipv6, protocol, transport, payload })
    }

    /// Of a TCP or UDP packet without IPv4 options, fragmentation and IPv6 extension headers: the ones worth joining.
    pub fn of_plain(packet: &[u8]) -> Option<Self> {
        match packet.first()? {
            0x45 => {
                let unfragmented = packet.get(6)? & 0x3f == 0 && *packet.get(7)? == 0;
                let protocol = *packet.get(9)?;
                (unfragmented && matches!(protocol, TCP | UDP)).then_some(())?;
                Self::at(packet, protocol, IPV4_HEADER_BYTES)
            }
            first if first >> 4 == 6 => {
                let protocol = *packet.get(6)?;
                matches!(protocol, TCP | UDP).then_some(())?;
                Self::at(packet, protocol, IPV6_HEADER_BYTES)
            }
            _ => None,
        }
    }

    /// Where in the transport header its checksum is.
    pub fn checksum_offset(&self) -> usize {
        if self.protocol == TCP { 16 } else { 6 }
    }

    /// Writes the lengths that follow from the packet's length, and the IPv4 header's checksum.
    pub fn write_lengths(&self, packet: &mut [u8]) -> Option<()> {
        let length = packet.len();
        if self.is_ipv6 {
            put(packet, 4, &u16::try_from(length - IPV6_HEADER_BYTES).ok()?.to_be_bytes())?;
        } else {
            put(packet, 2, &u16::try_from(length).ok()?.to_be_bytes())?;
            put(packet, 10, &[0, 0])?;
            let sum = Checksum::default().with(packet.get(..self.transport)?).finish();
            put(packet, 10, &sum)?;
        }
        if self.protocol == UDP {
            put(packet, self.transport + 4, &u16::try_from(length - self.transport).ok()?.to_be_bytes())?;
        }
        Some(())
    }

    /// Sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).
    pub fn pseudo_header(&self, packet: &[u8]) -> Option<Checksum> {
        let addresses = if self.is_ipv6 { packet.get(8..40)? } else { packet.get(12..20)? };
        let length = u32::try_from(packet.len() - self.transport).ok()?.to_be_bytes();
        Some(Checksum::default().with(addresses).with(&length).with(&[0, self.protocol]))
    }

    /// Sum of everything that the transport's checksum covers, of a plain packet: addresses and transport lie behind each other.
    pub fn transport_sum(&self, packet: &[u8]) -> Option<Checksum> {
        let addresses = if self.is_ipv6 { 8 } else { 12 };
        let length = u32::try_from(packet.len().checked_sub(self.transport)?).ok()?;
        Some(Checksum::default().with(packet.get(addresses..)?).with(&length.to_be_bytes()).with(&[0, self.protocol]))
    }

    /// Computes and writes the transport's checksum.
    pub fn write_checksum(&self, packet: &mut [u8]) -> Option<()> {
        let field = self.transport + self.checksum_offset();
        put(packet, field, &[0, 0])?;
        let sum = self.pseudo_header(packet)?.with(packet.get(self.transport..)?).finish();
        put(packet, field, &if self.protocol == UDP { non_zero(sum) } else { sum })
    }
}

/// In UDP a zero checksum means none: the other zero stands for a sum of zero.
pub fn non_zero(sum: [u8; 2]) -> [u8; 2] {
    if sum == [0, 0] { [0xff, 0xff] } else { sum }
}

/// Writes `bytes` at `at`, `None` when the packet is too short.
pub fn put(packet: &mut [u8], at: usize, bytes: &[u8]) -> Option<()> {
    packet.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
    Some(())
}

/// The four bytes at `at` as a number.
pub fn sequence_at(packet: &[u8], at: usize) -> Option<u32> {
    packet.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}
