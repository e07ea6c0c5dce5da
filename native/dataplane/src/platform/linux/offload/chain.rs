//! Consecutive packets of one flow joined into one superpacket, so that the kernel takes them in one go.
//!
//! Only what the kernel's own receive offload would join is joined. That includes right checksums: a superpacket has a checksum of its
//! own, so that a wrong one would be repaired on the way. What is wrong goes alone, as it came, and the kernel refuses it.

use lacis_engine::packet::{TCP, UDP};

use crate::platform::linux::offload::intact::{has_true_checksums, has_true_lengths};
use crate::platform::linux::offload::layout::{Layout, put, sequence_at};
use crate::platform::linux::offload::virtio_header::{Superpacket, VIRTIO_HEADER_BYTES, VirtioHeader};

/// Largest IP packet.
const CHAIN_BYTES_MAX: usize = 65_535;
/// What every kernel takes apart again.
const CHAIN_PACKETS_MAX: usize = 64;

const DONT_FRAGMENT: u8 = 0x40;
const TCP_PSH: u8 = 0x08;
const TCP_ACK: u8 = 0x10;

/// The packets gathered so far, with room for the virtio header in front.
pub struct Chain {
    bytes: Vec<u8>,
    packets: usize,
    /// What the packets have in common; `None` when the first one cannot be joined.
    form: Option<Form>,
    /// False after a packet that can only be the last.
    is_open: bool,
    joins_udp: bool,
}

#[derive(Clone, Copy)]
struct Form {
    layout: Layout,
    /// Payload bytes of the first packet, and so of all but the last.
    segment_bytes: usize,
    /// TCP: the sequence number that the next packet must have.
    next_sequence: u32,
}

impl Chain {
    /// An empty chain. `joins_udp`: the kernel takes UDP superpackets.
    pub fn new(joins_udp: bool) -> Self {
        let mut bytes = Vec::with_capacity(VIRTIO_HEADER_BYTES + CHAIN_BYTES_MAX);
        bytes.resize(VIRTIO_HEADER_BYTES, 0);
        Self { bytes, packets: 0, form: None, is_open: false, joins_udp }
    }

    /// Packets gathered.
    pub fn packets(&self) -> usize {
        self.packets
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.bytes.truncate(VIRTIO_HEADER_BYTES);
        self.packets = 0;
        self.form = None;
        self.is_open = false;
    }

    /// Begins with a packet of any kind. The chain must be empty.
    pub fn start(&mut self, packet: &[u8]) {
        self.bytes.extend_from_slice(packet);
        self.packets = 1;
        self.form = self.form_of(packet);
        self.is_open = self.form.is_some();
    }

    /// Adds a packet if it is the next one of the same flow.
    pub fn join(&mut self, packet: &[u8]) -> bool {
        self.is_open && self.try_join(packet).is_some()
    }

    /// The bytes to write: virtio header and packet.
    pub fn finish(&mut self) -> &[u8] {
        let header = match self.form {
            Some(form) if self.packets > 1 => self.write_super_headers(&form),
            _ => None,
        };
        let _ = put(&mut self.bytes, 0, &header.unwrap_or(VirtioHeader::PLAIN));
        &self.bytes
    }

    fn form_of(&self, packet: &[u8]) -> Option<Form> {
        let layout = Layout::of_plain(packet)?;
        has_true_lengths(&layout, packet)?.then_some(())?;
        let segment_bytes = packet.len() - layout.payload;
        let next_sequence = if layout.protocol == TCP {
            (*packet.get(layout.transport + 13)? == TCP_ACK).then_some(())?;
            sequence_at(packet, layout.transport + 4)?.wrapping_add(u32::try_from(segment_bytes).ok()?)
        } else {
            (self.joins_udp && has_udp_checksum(&layout, packet)?).then_some(0)?
        };
        (segment_bytes > 0).then_some(Form { layout, segment_bytes, next_sequence })
    }

    fn try_join(&mut self, packet: &[u8]) -> Option<()> {
        let form = self.form.as_mut()?;
        let layout = form.layout;
        let payload = packet.get(layout.payload..)?;
        let first = self.bytes.get_mut(VIRTIO_HEADER_BYTES..)?;
        let fits = !payload.is_empty()
            && payload.len() <= form.segment_bytes
            && self.packets < CHAIN_PACKETS_MAX
            && first.len() + payload.len() <= CHAIN_BYTES_MAX;
        (fits && Layout::of_plain(packet)? == layout && is_same_flow(&layout, first, packet)?).then_some(())?;
        let is_next = layout.protocol == UDP || sequence_at(packet, layout.transport + 4)? == form.next_sequence;
        (is_next
            && has_id_of_part(&layout, first, self.packets, packet)?
            && has_true_lengths(&layout, packet)?
            && has_true_checksums(&layout, packet)?)
        .then_some(())?;
        // The first one has not been summed before it is known that it does not go alone.
        (self.packets > 1 || has_true_checksums(&layout, first)?).then_some(())?;
        let mut is_last = payload.len() < form.segment_bytes;
        if layout.protocol == TCP {
            let push = packet.get(layout.transport + 13)? & TCP_PSH;
            *first.get_mut(layout.transport + 13)? |= push;
            is_last |= push != 0;
            form.next_sequence = form.next_sequence.wrapping_add(u32::try_from(payload.len()).ok()?);
        }
        self.bytes.extend_from_slice(payload);
        self.packets += 1;
        self.is_open = !is_last;
        Some(())
    }

    /// Writes lengths and the part of the checksum that the kernel completes, and says so in the virtio header.
    fn write_super_headers(&mut self, form: &Form) -> Option<[u8; VIRTIO_HEADER_BYTES]> {
        let layout = form.layout;
        let packet = self.bytes.get_mut(VIRTIO_HEADER_BYTES..)?;
        layout.write_lengths(packet)?;
        let sum = layout.pseudo_header(packet)?.partial();
        put(packet, layout.transport + layout.checksum_offset(), &sum)?;
        let header = VirtioHeader {
            superpacket: if layout.protocol == TCP { Superpacket::Tcp } else { Superpacket::Udp },
            is_ipv6: layout.is_ipv6,
            needs_checksum: true,
            header_bytes: u16::try_from(layout.payload).ok()?,
            segment_bytes: u16::try_from(form.segment_bytes).ok()?,
            checksum_start: u16::try_from(layout.transport).ok()?,
            checksum_offset: u16::try_from(layout.checksum_offset()).ok()?,
        };
        Some(header.encode())
    }
}

/// Whether two packets differ in nothing but lengths, id, checksums, sequence and PSH.
fn is_same_flow(layout: &Layout, first: &[u8], packet: &[u8]) -> Option<bool> {
    let same = |from: usize, to: usize| Some(first.get(from..to)? == packet.get(from..to)?);
    let ip = match layout.is_ipv6 {
        true => same(0, 4)? && same(6, 40)?,
        false => same(0, 2)? && same(6, 10)? && same(12, 20)?,
    };
    let at = layout.transport;
    if layout.protocol == UDP {
        return Some(ip && same(at, at + 4)? && has_udp_checksum(layout, packet)?);
    }
    let flags = packet.get(at + 13)? & !TCP_PSH;
    let tcp = same(at, at + 4)? && same(at + 8, at + 13)? && same(at + 14, at + 16)? && same(at + 18, layout.payload)?;
    Some(ip && tcp && flags == TCP_ACK)
}

/// Whether the kernel gives a part with this number the id that the packet has: the parts count on from the first, and only with "don't fragment" does
/// nobody look at it. A sender that has its datagrams cut by the kernel does not set it.
fn has_id_of_part(layout: &Layout, first: &[u8], number: usize, packet: &[u8]) -> Option<bool> {
    if layout.is_ipv6 || packet.get(6)? & DONT_FRAGMENT != 0 {
        return Some(true);
    }
    Some(id_at(packet)? == id_at(first)?.wrapping_add(number as u16))
}

fn id_at(packet: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes([*packet.get(4)?, *packet.get(5)?]))
}

/// A UDP datagram may come without one; as part of a superpacket it would be given one.
fn has_udp_checksum(layout: &Layout, packet: &[u8]) -> Option<bool> {
    Some(packet.get(layout.transport + 6..layout.transport + 8)? != [0, 0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::linux::offload::test_packets::{each_segment, finished, packet, taken_apart};

    fn join_all(packets: &[Vec<u8>]) -> (usize, Vec<u8>) {
        let mut chain = Chain::new(true);
        chain.start(&packets[0]);
        let joined = packets[1..].iter().take_while(|packet| chain.join(packet)).count();
        (1 + joined, chain.finish().to_vec())
    }

    proptest! {
        #[test]
        fn what_is_joined_comes_apart_as_it_was(is_ipv6 in any::<bool>(), is_tcp in any::<bool>(), whole in any::<bool>(), first in any::<u32>(), size in 1usize..1_400, count in 1usize..60, last in 1usize..1_400, push in any::<bool>()) {
            let protocol = if is_tcp { TCP } else { UDP };
            let count = count.min(64_000 / size);
            let mut packets: Vec<_> = (0..count).map(|n| {
                let length = if n + 1 == count && n > 0 { last.min(size) } else { size };
                packet(is_ipv6, protocol, first.wrapping_add((n * size) as u32), &vec![n as u8; length])
            }).collect();
            if push && is_tcp && count > 1 {
                let end = packets.last_mut().unwrap();
                let at = Layout::of_plain(end).unwrap().transport + 13;
                end[at] |= TCP_PSH;
                *end = finished(end.clone());
            }
            // The id of the parts counts on from the first, as the kernel does it.
            if !is_ipv6 {
                for (n, packet) in packets.iter_mut().enumerate() {
                    packet[4..6].copy_from_slice(&(first as u16).wrapping_add(n as u16).to_be_bytes());
                    packet[6] = if whole { DONT_FRAGMENT } else { 0 };
                    *packet = finished(packet.clone());
                }
            }
            let (joined, written) = join_all(&packets);
            prop_assert_eq!(joined, packets.len());
            prop_assert_eq!(taken_apart(&written), packets);
        }

        #[test]
        fn no_bytes_make_joining_or_taking_apart_panic(header in any::<[u8; 10]>(), first in prop::collection::vec(any::<u8>(), 0..100), second in prop::collection::vec(any::<u8>(), 0..100), like in any::<bool>()) {
            let mut chain = Chain::new(true);
            let good = packet(false, TCP, 1, b"abc");
            chain.start(if like { &good } else { &first });
            chain.join(&second);
            chain.finish();
            if let Some(header) = VirtioHeader::decode(&header) {
                each_segment(&header, &mut first.clone(), &mut [0; 65_536], |_| {});
                each_segment(&header, &mut good.clone(), &mut [0; 65_536], |_| {});
            }
        }
    }

    #[test]
    fn only_the_next_packet_of_the_same_flow_joins() {
        let joins = |change: fn(&mut Vec<u8>)| {
            let mut next = packet(false, TCP, 104, b"1234");
            change(&mut next);
            join_all(&[packet(false, TCP, 100, b"abcd"), finished(next)]).0 == 2
        };
        assert!(joins(|_| {}));
        assert!(!joins(|next| next[27] += 1), "another sequence number");
        assert!(!joins(|next| next[31] += 1), "another acknowledgement");
        assert!(!joins(|next| next[35] += 1), "another window");
        assert!(!joins(|next| next[43] += 1), "another timestamp");
        assert!(!joins(|next| next[33] |= 1), "FIN");
        assert!(!joins(|next| next[1] = 3), "other congestion bits");
        assert!(!joins(|next| next[8] -= 1), "another TTL");
        assert!(!joins(|next| next[21] += 1), "another port");
        assert!(!joins(|next| next[15] += 1), "another source");
        assert!(!joins(|next| next[6] = 0x20), "a fragment");
        assert!(!joins(|next| *next = packet(false, TCP, 104, b"12345")), "a longer packet");
        assert!(!joins(|next| *next = packet(false, TCP, 104, b"")), "a pure acknowledgement");
        assert!(!joins(|next| *next = packet(true, TCP, 104, b"1234")), "another family");
    }

    #[test]
    fn packets_that_may_be_divided_join_only_when_their_ids_follow_each_other() {
        let numbered = |id: u16, flags: u8| {
            let mut packet = packet(false, UDP, 0, b"abcd");
            packet[4..6].copy_from_slice(&id.to_be_bytes());
            packet[6] = flags;
            finished(packet)
        };
        let joined = |flags: u8, ids: [u16; 3]| join_all(&ids.map(|id| numbered(id, flags))).0;
        assert_eq!(joined(0, [65_535, 0, 1]), 3);
        assert_eq!(joined(0, [7, 8, 8]), 2);
        assert_eq!(joined(0, [7, 7, 7]), 1);
        assert_eq!(joined(DONT_FRAGMENT, [7, 7, 3]), 3, "nobody looks at the ids of what is never divided");
        assert_eq!(join_all(&[numbered(7, DONT_FRAGMENT), numbered(8, 0)]).0, 1, "one may be divided, the other not");
    }

    #[test]
    fn nothing_joins_after_a_shorter_packet_or_a_push() {
        let short = [packet(false, TCP, 0, b"abcd"), packet(false, TCP, 4, b"ab"), packet(false, TCP, 6, b"ab")];
        assert_eq!(join_all(&short).0, 2);
        let mut pushed = packet(false, TCP, 4, b"abcd");
        pushed[33] |= TCP_PSH;
        let pushed = finished(pushed);
        assert_eq!(join_all(&[packet(false, TCP, 0, b"abcd"), pushed, packet(false, TCP, 8, b"abcd")]).0, 2);
    }

    #[test]
    fn neither_the_first_nor_the_next_joins_when_a_checksum_or_a_length_is_wrong() {
        let good = [packet(false, UDP, 0, b"abcd"), packet(false, UDP, 0, b"efgh")];
        assert_eq!(join_all(&good).0, 2);
        type Damage = fn(&mut Vec<u8>);
        let damages: [(&str, Damage); 6] = [
            ("a bit of the payload", |packet| packet[30] ^= 1),
            ("the checksum", |packet| packet[27] ^= 1),
            ("the checksum of the header", |packet| packet[11] ^= 1),
            ("a source, and the header's checksum with it", |packet| {
                packet[15] += 1;
                packet[11] = packet[11].wrapping_sub(1);
            }),
            ("bytes behind the end", |packet| packet.push(0)),
            ("a UDP length that ends before IP does, and the checksum with it", |packet| {
                packet[25] -= 2;
                packet[27] = packet[27].wrapping_add(2);
            }),
        ];
        for (what, damage) in damages {
            for at in [0, 1] {
                let mut packets = good.clone();
                damage(&mut packets[at]);
                assert_eq!(join_all(&packets).0, 1, "{what} of packet {at}");
            }
        }
    }

    #[test]
    fn a_packet_alone_is_written_as_it_came() {
        let alone = b"anything".to_vec();
        let (_, written) = join_all(std::slice::from_ref(&alone));
        assert_eq!(written, [&VirtioHeader::PLAIN[..], &alone].concat());
    }

    #[test]
    fn udp_joins_only_with_checksums_and_where_the_kernel_takes_it() {
        let packets = [packet(false, UDP, 0, b"abcd"), packet(false, UDP, 0, b"efgh")];
        assert_eq!(join_all(&packets).0, 2);
        let mut bare = packets.clone();
        bare[1][26..28].fill(0);
        assert_eq!(join_all(&bare).0, 1);
        let mut chain = Chain::new(false);
        chain.start(&packets[0]);
        assert!(!chain.join(&packets[1]));
    }
}
