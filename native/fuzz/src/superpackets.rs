//! Superpackets of the device: taken apart as they come, and made of packets as they come.

use arbitrary::{Arbitrary, Result, Unstructured};
use lacis_dataplane::offload::chain::Chain;
use lacis_dataplane::offload::layout::Layout;
use lacis_dataplane::offload::segments::take_apart;
use lacis_dataplane::offload::virtio_header::{VIRTIO_HEADER_BYTES, VirtioHeader};

const PACKETS_MAX: usize = 8;
const SCRATCH_BYTES: usize = 65_536;
/// Where every segment is looked at; of more, the first and the last.
const SEGMENTS_MAX: usize = 100;

/// A packet that is right but for what was changed in it.
#[derive(Arbitrary)]
struct Draft<'a> {
    is_ipv6: bool,
    is_udp: bool,
    gap: u8,
    flags: u8,
    payload: &'a [u8],
    damage: Option<(u16, u8)>,
}

/// No header of the kernel makes one read outside of what was read; and what is joined comes apart as it was, but for the id of IPv4.
pub fn check(bytes: &[u8]) {
    if let Some((header, packet)) = bytes.split_first_chunk::<VIRTIO_HEADER_BYTES>() {
        taken_apart(header, packet);
    }
    if let Ok(packets) = read(&mut Unstructured::new(bytes)) {
        join(&packets);
    }
}

fn taken_apart(header: &[u8; VIRTIO_HEADER_BYTES], packet: &[u8]) -> Vec<Vec<u8>> {
    let Some(header) = VirtioHeader::decode(header) else { return vec![] };
    let mut packets = vec![];
    take_apart(&header, &mut packet.to_vec(), &mut vec![0; SCRATCH_BYTES], |segments| {
        let count = segments.count();
        assert!(segments.alike() <= count);
        let ends = (0..count.min(SEGMENTS_MAX)).chain(count.saturating_sub(1).max(SEGMENTS_MAX)..count);
        for number in ends {
            let segment = segments.packet(number).to_vec();
            let mut written = vec![0; segments.length(number)];
            let is_written = segments.write(number, &mut written);
            assert_eq!(segment, if is_written { written } else { vec![] }, "segment {number}");
            packets.push(segment);
        }
    });
    packets
}

fn join(packets: &[Vec<u8>]) {
    let mut chain = Chain::new(true);
    let mut joined: Vec<&Vec<u8>> = vec![];
    for packet in packets {
        if chain.packets() > 0 && !chain.join(packet) {
            check_chain(&mut chain, &joined);
            chain.clear();
            joined.clear();
        }
        if joined.is_empty() {
            chain.start(packet);
        }
        joined.push(packet);
    }
    check_chain(&mut chain, &joined);
}

fn check_chain(chain: &mut Chain, joined: &[&Vec<u8>]) {
    assert_eq!(chain.packets(), joined.len());
    let Some((header, packet)) = chain.finish().split_first_chunk::<VIRTIO_HEADER_BYTES>() else { return };
    let apart = taken_apart(header, packet);
    let alone = |packet: &[u8]| if joined.len() > 1 { without_id(packet.to_vec()) } else { packet.to_vec() };
    let compared = |packets: Vec<&[u8]>| packets.into_iter().map(alone).collect::<Vec<_>>();
    let before = compared(joined.iter().map(|packet| packet.as_slice()).collect());
    assert_eq!(compared(apart.iter().map(Vec::as_slice).collect()), before);
}

/// The id has no meaning where nothing may be divided (RFC 6864 section 4.1); the checksum covers it.
fn without_id(mut packet: Vec<u8>) -> Vec<u8> {
    if packet.len() >= 20 && packet[0] >> 4 == 4 {
        packet[4..6].fill(0);
        packet[10..12].fill(0);
    }
    packet
}

fn read(input: &mut Unstructured<'_>) -> Result<Vec<Vec<u8>>> {
    let count = input.int_in_range(1..=PACKETS_MAX)?;
    let mut sequence = 1_000;
    (0..count).map(|_| Draft::arbitrary(input).map(|draft| packet(&draft, &mut sequence))).collect()
}

fn packet(draft: &Draft<'_>, sequence: &mut u32) -> Vec<u8> {
    let protocol = if draft.is_udp { 17 } else { 6 };
    let mut packet = match draft.is_ipv6 {
        true => [&[0x60, 0, 0, 0, 0, 0, protocol, 64][..], &[0xfd; 16], &[0xfe; 16]].concat(),
        false => vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
    };
    let transport = packet.len();
    packet.extend_from_slice(&[0, 80, 0, 90]);
    if draft.is_udp {
        packet.extend_from_slice(&[0; 4]);
    } else {
        // Mostly the next one.
        let gap = if draft.gap < 0xf0 { 0 } else { u32::from(draft.gap) };
        packet.extend_from_slice(&sequence.wrapping_add(gap).to_be_bytes());
        let flags = if draft.flags < 0xe0 { 0x10 } else { draft.flags & 0x3f };
        packet.extend_from_slice(&[0, 0, 0, 1, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    }
    packet.extend_from_slice(draft.payload);
    *sequence = sequence.wrapping_add(draft.payload.len() as u32);
    if let Some(layout) = Layout::at(&packet, protocol, transport) {
        let _ = layout.write_lengths(&mut packet).and_then(|()| layout.write_checksum(&mut packet));
    }
    if let Some((at, bits)) = draft.damage {
        let at = usize::from(at) % packet.len();
        packet[at] ^= bits;
    }
    packet
}
