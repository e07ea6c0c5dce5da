//! Superpackets taken apart: what the network card would have done.

use lacis_engine::checksum::Checksum;
use lacis_engine::packet::{TCP, UDP};
use lacis_engine::segments::{Segments, Single};

use crate::platform::linux::offload::layout::{Layout, non_zero, put, sequence_at};
use crate::platform::linux::offload::virtio_header::{Superpacket, VirtioHeader};

const TCP_FIN: u8 = 0x01;
const TCP_PSH: u8 = 0x08;
const TCP_CWR: u8 = 0x80;

/// Hands on what one read of the device stands for. `scratch` has room for any packet of it. What contradicts itself is left out.
pub fn take_apart(header: &VirtioHeader, packet: &mut [u8], scratch: &mut [u8], each: impl FnOnce(&mut dyn Segments)) {
    let protocol = match header.superpacket {
        Superpacket::None => return complete(header, packet).map_or((), |()| each(&mut Single(packet))),
        Superpacket::Tcp => TCP,
        Superpacket::Udp => UDP,
    };
    if let Some(mut split) = Split::new(header, protocol, packet, scratch) {
        each(&mut split);
    }
}

/// Finishes a checksum that was left to the device.
fn complete(header: &VirtioHeader, packet: &mut [u8]) -> Option<()> {
    if header.needs_checksum {
        let start = usize::from(header.checksum_start);
        let sum = Checksum::default().with(packet.get(start..)?).finish();
        put(packet, start + usize::from(header.checksum_offset), &non_zero(sum))?;
    }
    Some(())
}

/// A superpacket: headers that its segments have in common but for lengths, numbers and checksums, and what is divided among them.
struct Split<'a> {
    layout: Layout,
    headers: &'a [u8],
    payload: &'a [u8],
    segment_bytes: usize,
    count: usize,
    scratch: &'a mut [u8],
}

impl<'a> Split<'a> {
    fn new(header: &VirtioHeader, protocol: u8, packet: &'a [u8], scratch: &'a mut [u8]) -> Option<Self> {
        let layout = Layout::at(packet, protocol, header.checksum_start.into())?;
        let (headers, payload) = packet.split_at_checked(layout.payload)?;
        let segment_bytes = Some(usize::from(header.segment_bytes)).filter(|bytes| *bytes > 0)?;
        let longest = headers.len() + segment_bytes.min(payload.len());
        let count = payload.len().div_ceil(segment_bytes);
        (longest <= scratch.len()).then_some(Self { layout, headers, payload, segment_bytes, count, scratch })
    }

    fn payload_of(&self, number: usize) -> &'a [u8] {
        self.payload.chunks(self.segment_bytes).nth(number).unwrap_or_default()
    }

    fn try_write(&self, number: usize, segment: &mut [u8]) -> Option<()> {
        let Self { layout, headers, count, .. } = self;
        let (head, body) = segment.split_at_mut_checked(headers.len())?;
        let payload = self.payload_of(number);
        (body.len() == payload.len()).then_some(())?;
        head.copy_from_slice(headers);
        body.copy_from_slice(payload);
        if !layout.is_ipv6 {
            let id = u16::from_be_bytes([*headers.get(4)?, *headers.get(5)?]).wrapping_add(number as u16);
            put(segment, 4, &id.to_be_bytes())?;
        }
        if layout.protocol == TCP {
            renumber(layout, segment, (number * self.segment_bytes) as u32, number == 0, number + 1 == *count)?;
        }
        layout.write_lengths(segment)?;
        layout.write_checksum(segment)
    }
}

impl Segments for Split<'_> {
    fn count(&self) -> usize {
        self.count
    }

    /// The end of a connection is with the last of them only.
    fn alike(&self) -> usize {
        let flags = if self.layout.protocol == TCP { self.headers.get(self.layout.transport + 13) } else { None };
        let is_end = flags.is_some_and(|flags| flags & TCP_FIN != 0);
        self.count.saturating_sub(is_end.into())
    }

    fn length(&self, number: usize) -> usize {
        self.headers.len() + self.payload_of(number).len()
    }

    fn write(&self, number: usize, into: &mut [u8]) -> bool {
        self.try_write(number, into).is_some()
    }

    fn packet(&mut self, number: usize) -> &[u8] {
        let scratch = std::mem::take(&mut self.scratch);
        let written = scratch.get_mut(..self.length(number)).is_some_and(|segment| self.write(number, segment));
        let length = if written { self.length(number) } else { 0 };
        self.scratch = scratch;
        self.scratch.get(..length).unwrap_or_default()
    }
}

/// CWR belongs to the first segment only, FIN and PSH to the last (RFC 3168 section 6.1.2; the kernel's own segmentation).
fn renumber(layout: &Layout, segment: &mut [u8], skipped: u32, is_first: bool, is_last: bool) -> Option<()> {
    let at = layout.transport + 4;
    let sequence = sequence_at(segment, at)?.wrapping_add(skipped);
    put(segment, at, &sequence.to_be_bytes())?;
    let flags = segment.get_mut(layout.transport + 13)?;
    if !is_first {
        *flags &= !TCP_CWR;
    }
    if !is_last {
        *flags &= !(TCP_FIN | TCP_PSH);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::offload::test_packets::each_segment;

    #[test]
    fn fin_psh_and_cwr_end_up_on_the_right_segments() {
        let mut packet = vec![0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[0, 80, 0, 90, 0, 0, 0, 100, 0, 0, 0, 1, 0x50]);
        packet.extend_from_slice(&[0x10 | TCP_CWR | TCP_FIN | TCP_PSH, 1, 0, 0, 0, 0, 0]);
        packet.extend_from_slice(b"aaaabbbbcc");
        let header = VirtioHeader {
            superpacket: Superpacket::Tcp,
            is_ipv6: false,
            needs_checksum: true,
            header_bytes: 9_999,
            segment_bytes: 4,
            checksum_start: 20,
            checksum_offset: 16,
        };
        let mut seen = vec![];
        each_segment(&header, &mut packet, &mut [0; 100], |segment| {
            let layout = Layout::of_plain(segment).unwrap();
            let sum = layout.pseudo_header(segment).unwrap().with(&segment[layout.transport..]);
            assert_eq!(sum.finish(), [0, 0]);
            assert_eq!(Checksum::default().with(&segment[..20]).finish(), [0, 0]);
            seen.push((segment[5], segment[27], segment[33], segment[40..].to_vec()));
        });
        let ack = 0x10;
        assert_eq!(
            seen,
            [
                (7, 100, ack | TCP_CWR, b"aaaa".to_vec()),
                (8, 104, ack, b"bbbb".to_vec()),
                (9, 108, ack | TCP_FIN | TCP_PSH, b"cc".to_vec()),
            ]
        );
    }

    #[test]
    fn a_header_that_contradicts_the_packet_brings_nothing() {
        let mut packet = vec![0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[0, 1, 0, 2, 0, 12, 0, 0, 1, 2, 3, 4]);
        let good = VirtioHeader {
            superpacket: Superpacket::Udp,
            is_ipv6: false,
            needs_checksum: true,
            header_bytes: 28,
            segment_bytes: 2,
            checksum_start: 20,
            checksum_offset: 6,
        };
        let plain = VirtioHeader { superpacket: Superpacket::None, ..good };
        let brought = |header: VirtioHeader| {
            let mut count = 0;
            each_segment(&header, &mut packet.clone(), &mut [0; 100], |_| count += 1);
            count
        };
        assert_eq!((brought(good), brought(plain)), (2, 1));
        assert_eq!(brought(VirtioHeader { segment_bytes: 0, ..good }), 0, "segments of nothing");
        assert_eq!(brought(VirtioHeader { superpacket: Superpacket::Tcp, ..good }), 0, "no room for TCP");
        for checksum_start in [0, 19, 25, u16::MAX] {
            assert_eq!(brought(VirtioHeader { checksum_start, ..good }), 0, "transport at {checksum_start}");
        }
        for (checksum_start, checksum_offset) in [(20, 11), (33, 0), (u16::MAX, u16::MAX)] {
            let header = VirtioHeader { checksum_start, checksum_offset, ..plain };
            assert_eq!(brought(header), 0, "checksum at {checksum_start} + {checksum_offset}");
        }
    }

    #[test]
    fn a_checksum_left_to_the_device_is_finished() {
        let mut packet = vec![0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[0, 1, 0, 2, 0, 12, 0, 0, 1, 2, 3, 4]);
        let layout = Layout::of_plain(&packet).unwrap();
        let partial = layout.pseudo_header(&packet).unwrap().partial();
        packet[26..28].copy_from_slice(&partial);
        let header = VirtioHeader {
            superpacket: Superpacket::None,
            is_ipv6: false,
            needs_checksum: true,
            header_bytes: 0,
            segment_bytes: 0,
            checksum_start: 20,
            checksum_offset: 6,
        };
        each_segment(&header, &mut packet, &mut [], |packet| {
            let sum = layout.pseudo_header(packet).unwrap().with(&packet[20..]);
            assert_eq!(sum.finish(), [0, 0]);
        });
    }
}
