//! Superpackets taken apart: what the network card would have done.

use std::ops::Range;

use lacis_engine::checksum::Checksum;
use lacis_engine::packet::{IPV6_HEADER_BYTES, TCP, UDP};
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
    common: Common,
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
        let common = Common::of(&layout, headers)?;
        (longest <= scratch.len()).then_some(Self { layout, common, headers, payload, segment_bytes, count, scratch })
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
        let (whole, transport) = (headers.len() + payload.len(), layout.transport);
        let carried = u16::try_from(whole - transport).ok()?.to_be_bytes();
        // Sums are of what is written here, not of where it was written: a processor waits when it reads together what was written apart.
        let mut sum = self.common.transport.with(payload).with_pair(carried);
        if layout.is_ipv6 {
            put(head, 4, &u16::try_from(whole - IPV6_HEADER_BYTES).ok()?.to_be_bytes())?;
        } else {
            let length = u16::try_from(whole).ok()?.to_be_bytes();
            let id = u16::from_be_bytes([*headers.get(4)?, *headers.get(5)?]).wrapping_add(number as u16).to_be_bytes();
            put(head, 2, &length)?;
            put(head, 4, &id)?;
            put(head, 10, &self.common.ipv4.with_pair(length).with_pair(id).finish())?;
        }
        if layout.protocol == TCP {
            let skipped = (number * self.segment_bytes) as u32;
            let [s0, s1, s2, s3] = sequence_at(headers, transport + 4)?.wrapping_add(skipped).to_be_bytes();
            let flags = flags_of(*headers.get(transport + 13)?, number == 0, number + 1 == *count);
            put(head, transport + 4, &[s0, s1, s2, s3])?;
            put(head, transport + 13, &[flags])?;
            sum = sum.with_pair([s0, s1]).with_pair([s2, s3]).with_pair([*headers.get(transport + 12)?, flags]);
        } else {
            put(head, transport + 4, &carried)?;
            sum = sum.with_pair(carried);
        }
        let sum = sum.finish();
        put(head, transport + layout.checksum_offset(), &if layout.protocol == TCP { sum } else { non_zero(sum) })
    }
}

/// Sums of what stays the same in the headers of all segments.
#[derive(Clone, Copy, Default)]
struct Common {
    /// Without length, id and checksum.
    ipv4: Checksum,
    /// With the pseudo-header. Without lengths and checksum, and of TCP without sequence, data offset and flags.
    transport: Checksum,
}

impl Common {
    fn of(layout: &Layout, headers: &[u8]) -> Option<Self> {
        let summed = |of: &[u8], ranges: &[Range<usize>]| {
            ranges.iter().try_fold(Checksum::default(), |sum, range| Some(sum.with(of.get(range.clone())?)))
        };
        let (ip, transport) = headers.split_at_checked(layout.transport)?;
        let (addresses, ipv4) = match layout.is_ipv6 {
            true => (8..40, Checksum::default()),
            false => (12..20, summed(ip, &[0..2, 6..10, 12..ip.len()])?),
        };
        let same = match layout.protocol {
            TCP => summed(transport, &[0..4, 8..12, 14..16, 18..transport.len()])?,
            _ => Checksum::default().with(transport.get(..4)?),
        };
        let transport = same.with(ip.get(addresses)?).with_pair([0, layout.protocol]);
        Some(Self { ipv4, transport })
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
fn flags_of(all: u8, is_first: bool, is_last: bool) -> u8 {
    let not_here = if is_first { 0 } else { TCP_CWR } | if is_last { 0 } else { TCP_FIN | TCP_PSH };
    all & !not_here
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::offload::test_packets::each_segment;

    /// Segments of four bytes each.
    fn tcp_over_ipv4(header_bytes: u16, checksum_start: u16) -> VirtioHeader {
        VirtioHeader {
            superpacket: Superpacket::Tcp,
            is_ipv6: false,
            needs_checksum: true,
            header_bytes,
            segment_bytes: 4,
            checksum_start,
            checksum_offset: 16,
        }
    }

    #[test]
    fn fin_psh_and_cwr_end_up_on_the_right_segments() {
        let mut packet = vec![0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[0, 80, 0, 90, 0, 0, 0, 100, 0, 0, 0, 1, 0x50]);
        packet.extend_from_slice(&[0x10 | TCP_CWR | TCP_FIN | TCP_PSH, 1, 0, 0, 0, 0, 0]);
        packet.extend_from_slice(b"aaaabbbbcc");
        let header = tcp_over_ipv4(9_999, 20);
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
    fn options_of_ipv4_are_in_the_checksum_of_each_segment() {
        let mut packet = vec![0x46, 3, 0, 0, 0xff, 0xff, 0, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0];
        packet.extend_from_slice(&[0, 80, 0, 90, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 9, 9]);
        packet.extend_from_slice(b"aaaabbbbc");
        let header = tcp_over_ipv4(44, 24);
        let mut seen = vec![];
        each_segment(&header, &mut packet, &mut [0; 100], |segment| {
            let layout = Layout::at(segment, TCP, 24).unwrap();
            let sum = layout.pseudo_header(segment).unwrap().with(&segment[24..]);
            assert_eq!((sum.finish(), Checksum::default().with(&segment[..24]).finish()), ([0, 0], [0, 0]));
            seen.push((segment[2..6].to_vec(), segment[28..32].to_vec()));
        });
        let expected =
            [([0, 48, 255, 255], [255, 255, 255, 254]), ([0, 48, 0, 0], [0, 0, 0, 2]), ([0, 45, 0, 1], [0, 0, 0, 6])];
        assert_eq!(seen, expected.map(|(lengths, sequence)| (lengths.to_vec(), sequence.to_vec())));
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
