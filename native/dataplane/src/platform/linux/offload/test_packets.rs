//! Packets for the tests of this folder.

use lacis_engine::packet::TCP;

use super::layout::Layout;
use super::segments::take_apart;
use super::virtio_header::{VIRTIO_HEADER_BYTES, VirtioHeader};

const TCP_ACK: u8 = 0x10;

/// A valid packet: IPv4 with DF or IPv6, TCP or UDP, with its checksums.
pub fn packet(is_ipv6: bool, protocol: u8, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = if is_ipv6 {
        [&[0x60, 0, 0, 0, 0, 0, protocol, 64][..], &[0xfd; 16], &[0xfe; 16]].concat()
    } else {
        vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
    };
    let transport = packet.len();
    packet.extend_from_slice(&[0, 80, 0, 90]);
    if protocol == TCP {
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 1, 0x80, TCP_ACK, 1, 0, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        packet.truncate(transport + 32);
    } else {
        packet.extend_from_slice(&[0; 4]);
    }
    packet.extend_from_slice(payload);
    finished(packet)
}

/// With lengths and checksums that are right.
pub fn finished(mut packet: Vec<u8>) -> Vec<u8> {
    let is_ipv6 = packet[0] >> 4 == 6;
    let protocol = packet[if is_ipv6 { 6 } else { 9 }];
    let layout = Layout::at(&packet, protocol, if is_ipv6 { 40 } else { 20 }).unwrap();
    layout.write_lengths(&mut packet).unwrap();
    layout.write_checksum(&mut packet).unwrap();
    packet
}

/// Hands on the packets that one read of the device stands for.
pub fn each_segment(header: &VirtioHeader, packet: &mut [u8], scratch: &mut [u8], mut each: impl FnMut(&[u8])) {
    take_apart(header, packet, scratch, |segments| {
        (0..segments.count()).for_each(|number| each(segments.packet(number)))
    });
}

/// What the kernel makes of what is written to it.
pub fn taken_apart(written: &[u8]) -> Vec<Vec<u8>> {
    let mut written = written.to_vec();
    let (header, packet) = written.split_first_chunk_mut::<VIRTIO_HEADER_BYTES>().unwrap();
    let mut packets = vec![];
    let header = VirtioHeader::decode(header).unwrap();
    each_segment(&header, packet, &mut vec![0; 65_536], |packet| packets.push(packet.to_vec()));
    packets
}
