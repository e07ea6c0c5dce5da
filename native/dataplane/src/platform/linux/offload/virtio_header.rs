//! The header in front of every packet of a device with IFF_VNET_HDR (`struct virtio_net_hdr`, legacy form, host byte order).
//!
//! ```text
//! byte 0      1         2..3           4..5          6..7            8..9
//!      flags  gso type  header length  segment size  checksum start  checksum offset
//! ```

/// Bytes of the header.
pub const VIRTIO_HEADER_BYTES: usize = 10;

const NEEDS_CHECKSUM: u8 = 1;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
/// May be added to a TCP type: some segment carries ECN flags.
const GSO_ECN: u8 = 0x80;

/// What kind of superpacket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Superpacket {
    /// One packet.
    None,
    /// TCP segments.
    Tcp,
    /// UDP datagrams.
    Udp,
}

/// A decoded header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtioHeader {
    /// What follows.
    pub superpacket: Superpacket,
    /// Whether it is IPv6; only meaningful for TCP superpackets that are written.
    pub is_ipv6: bool,
    /// The checksum field holds the sum of the pseudo-header and waits for the rest.
    pub needs_checksum: bool,
    /// Bytes in front of the payload; what the kernel says here is not to be trusted.
    pub header_bytes: u16,
    /// Payload bytes of each segment but the last.
    pub segment_bytes: u16,
    /// Where the transport header starts.
    pub checksum_start: u16,
    /// Where in it the checksum field is.
    pub checksum_offset: u16,
}

impl VirtioHeader {
    /// In front of one packet that is complete.
    pub const PLAIN: [u8; VIRTIO_HEADER_BYTES] = [0; VIRTIO_HEADER_BYTES];

    /// `None` for a kind of superpacket that was not asked for.
    pub fn decode(bytes: &[u8; VIRTIO_HEADER_BYTES]) -> Option<Self> {
        let &[flags, kind, h0, h1, s0, s1, c0, c1, o0, o1] = bytes;
        let superpacket = match kind & !GSO_ECN {
            GSO_NONE => Superpacket::None,
            GSO_TCPV4 | GSO_TCPV6 => Superpacket::Tcp,
            GSO_UDP_L4 => Superpacket::Udp,
            _ => return None,
        };
        Some(Self {
            superpacket,
            is_ipv6: kind & !GSO_ECN == GSO_TCPV6,
            needs_checksum: flags & NEEDS_CHECKSUM != 0,
            header_bytes: u16::from_ne_bytes([h0, h1]),
            segment_bytes: u16::from_ne_bytes([s0, s1]),
            checksum_start: u16::from_ne_bytes([c0, c1]),
            checksum_offset: u16::from_ne_bytes([o0, o1]),
        })
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; VIRTIO_HEADER_BYTES] {
        let kind = match self.superpacket {
            Superpacket::None => GSO_NONE,
            Superpacket::Tcp if self.is_ipv6 => GSO_TCPV6,
            Superpacket::Tcp => GSO_TCPV4,
            Superpacket::Udp => GSO_UDP_L4,
        };
        let [h0, h1] = self.header_bytes.to_ne_bytes();
        let [s0, s1] = self.segment_bytes.to_ne_bytes();
        let [c0, c1] = self.checksum_start.to_ne_bytes();
        let [o0, o1] = self.checksum_offset.to_ne_bytes();
        [u8::from(self.needs_checksum) * NEEDS_CHECKSUM, kind, h0, h1, s0, s1, c0, c1, o0, o1]
    }
}
