//! One part of a divided IP packet (SEMANTICS.md sections 4.4 and 8).

use crate::drop_reason::DropReason;

/// One part of a packet that was divided: which packet, and which of its bytes behind the headers that every part repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What all parts of the packet share.
    pub id: u32,
    /// What its header calls the bytes of the whole packet: a protocol or, in IPv6, perhaps one more extension header.
    pub protocol: u8,
    /// Where its bytes begin.
    pub from: u16,
    /// Where they end.
    pub to: u16,
    /// No more come behind it.
    pub is_last: bool,
}

impl Part {
    /// Bytes of a packet, as its header says where they belong. `bad-fragment` when no honest host divides so.
    pub fn new(
        id: u32,
        protocol: u8,
        from: u16,
        payload: &[u8],
        more: bool,
        bytes_before: usize,
    ) -> Result<Self, DropReason> {
        let is_divisible = !more || payload.len().is_multiple_of(8);
        let to = usize::from(from) + payload.len();
        if payload.is_empty() || !is_divisible || bytes_before + to > usize::from(u16::MAX) {
            return Err(DropReason::BadFragment);
        }
        Ok(Self { id, protocol, from, to: to as u16, is_last: !more })
    }

    /// Whether it holds the upper-layer header.
    pub fn is_first(&self) -> bool {
        self.from == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Direction, InnerPacket, TCP, UDP};
    use crate::test_packets::{ipv4, ipv6};

    fn remote_port(packet: &[u8]) -> Result<u16, DropReason> {
        InnerPacket::parse(packet).map(|inner| inner.tuple(Direction::Outbound).remote_port)
    }

    fn part(packet: &[u8]) -> Result<Option<Part>, DropReason> {
        InnerPacket::parse(packet).map(|inner| inner.part)
    }

    fn divided(flags_and_offset: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = ipv4(protocol, payload);
        packet[4..8].copy_from_slice(&[0x12, 0x34, (flags_and_offset >> 8) as u8, flags_and_offset as u8]);
        packet
    }

    fn divided6(flags_and_offset: u16, following: u8, payload: &[u8]) -> Vec<u8> {
        let mut upper = vec![following, 0, (flags_and_offset >> 8) as u8, flags_and_offset as u8, 0, 0, 0x12, 0x34];
        upper.extend_from_slice(payload);
        ipv6(44, &upper)
    }

    const DATAGRAM: [u8; 16] = [0, 1, 0, 2, 0, 99, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn the_first_part_of_a_packet_has_its_ports_and_the_others_have_none() {
        for (packet, from, is_last) in [
            (divided(0x2000, UDP, &DATAGRAM), 0, false),
            (divided6(1, UDP, &DATAGRAM), 0, false),
            (divided(0x2002, UDP, &DATAGRAM), 16, false),
            (divided6(17, UDP, &DATAGRAM), 16, false),
            (divided(2, UDP, &DATAGRAM), 16, true),
            (divided6(16, UDP, &DATAGRAM), 16, true),
        ] {
            let expected = Part { id: 0x1234, protocol: UDP, from, to: from + 16, is_last };
            assert_eq!(part(&packet), Ok(Some(expected)));
            let tuple = InnerPacket::parse(&packet).unwrap().tuple(Direction::Inbound);
            let ports = if from == 0 { (2, 1, false) } else { (0, 0, true) };
            assert_eq!((tuple.local_port, tuple.remote_port, tuple.is_rest), ports);
        }
    }

    #[test]
    fn flags_beside_the_offset_divide_nothing() {
        for flags in [0x4000, 0x8000, 0xc000] {
            assert_eq!(part(&divided(flags, UDP, &DATAGRAM)), Ok(None));
        }
        // Whole, though it says that it might not have been (RFC 6946).
        for flags in [0, 2, 4, 6] {
            assert_eq!(part(&divided6(flags, UDP, &DATAGRAM)), Ok(None));
            assert_eq!(remote_port(&divided6(flags, UDP, &DATAGRAM)), Ok(2));
        }
    }

    #[test]
    fn parts_that_no_honest_host_makes_are_bad() {
        let bad = Err(DropReason::BadFragment);
        for uneven in [&DATAGRAM[..15], &DATAGRAM[..9], &[]] {
            assert_eq!(part(&divided(0x2001, UDP, uneven)), bad);
            assert_eq!(part(&divided6(9, UDP, uneven)), bad);
        }
        assert_eq!(part(&divided(1, UDP, &[])), bad);
        assert!(part(&divided(1, UDP, &[7])).is_ok() && part(&divided6(8, UDP, &[7])).is_ok());
        // The last unit begins at 65,528: with the header in front nothing fits there in IPv4, seven bytes in IPv6.
        assert_eq!(part(&divided(0x1fff, UDP, &[7])), bad);
        assert!(part(&divided(0x1ffc, UDP, &[7; 11])).is_ok());
        assert_eq!(part(&divided(0x1ffc, UDP, &[7; 12])), bad);
        assert!(part(&divided6(0xfff8, UDP, &[7; 7])).is_ok());
        assert_eq!(part(&divided6(0xfff8, UDP, &[7; 8])), bad);
        let mut behind_options = vec![44, 0, 0, 0, 0, 0, 0, 0, UDP, 0, 0xff, 0xf8, 0, 0, 0, 1];
        behind_options.push(7);
        assert_eq!(part(&ipv6(60, &behind_options)), bad);
    }

    #[test]
    fn the_first_part_must_hold_the_whole_tcp_header() {
        let mut segment = [0u8; 40];
        for (offset, bytes, fits) in
            [(5, 16, false), (5, 24, true), (7, 24, false), (7, 32, true), (0, 16, false), (0, 24, true)]
        {
            segment[12] = offset << 4;
            for packet in [divided(0x2000, TCP, &segment[..bytes]), divided6(1, TCP, &segment[..bytes])] {
                assert_eq!(part(&packet).is_ok(), fits, "offset {offset}, {bytes} bytes");
                assert!(fits || part(&packet) == Err(DropReason::BadFragment));
            }
        }
    }

    #[test]
    fn behind_the_fragment_header_the_walk_goes_on_in_the_first_part_only() {
        let options_and_ports = [UDP, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 8, 0, 0];
        let first = InnerPacket::parse(&divided6(1, 60, &options_and_ports)).unwrap();
        assert_eq!((first.tuple(Direction::Outbound).remote_port, first.part.unwrap().protocol), (2, 60));
        let later = InnerPacket::parse(&divided6(9, 60, &options_and_ports)).unwrap().tuple(Direction::Outbound);
        assert_eq!((later.protocol, later.remote_port), (60, 0));
        assert_eq!(part(&divided6(1, 60, &options_and_ports[..8])), Err(DropReason::BadPacket));
        for flags in [0, 1] {
            let twice = [UDP, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 2, 0, 8, 0, 0];
            assert_eq!(part(&divided6(flags, 44, &twice)), Err(DropReason::BadPacket));
        }
    }
}
