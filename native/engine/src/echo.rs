//! Answers to ICMP echo requests on a host without a device (SEMANTICS.md section 4, step 4).

use crate::checksum::Checksum;
use crate::packet::{ICMP, ICMPV6, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES};

/// Type, code, checksum and identifier: what the parser asks of an echo.
const ECHO_BYTES_MIN: usize = 6;

/// Turns an echo request into its reply, in place. False, with the packet unchanged, when it is none, carries IPv4 options,
/// IPv6 extension headers or a fragment, or has a wrong checksum, which the reply's would repair.
pub fn turn_around(packet: &mut [u8]) -> bool {
    match packet.first() {
        Some(0x45) => turn_ipv4(packet).is_some(),
        Some(first) if first >> 4 == 6 => turn_ipv6(packet).is_some(),
        _ => false,
    }
}

fn turn_ipv4(packet: &mut [u8]) -> Option<()> {
    let (header, icmp) = packet.split_first_chunk_mut::<IPV4_HEADER_BYTES>()?;
    let more_fragments_or_offset = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    if header[9] != ICMP || more_fragments_or_offset || icmp.first() != Some(&8) || icmp.len() < ECHO_BYTES_MIN {
        return None;
    }
    if !Checksum::default().with(header).is_right() || !Checksum::default().with(icmp).is_right() {
        return None;
    }
    swap_halves(header.get_mut(12..)?);
    header[10..12].fill(0);
    let sum = Checksum::default().with(header).finish();
    header[10..12].copy_from_slice(&sum);
    answer(icmp, 0, Checksum::default())
}

fn turn_ipv6(packet: &mut [u8]) -> Option<()> {
    let (header, icmp) = packet.split_first_chunk_mut::<IPV6_HEADER_BYTES>()?;
    if header[6] != ICMPV6 || icmp.first() != Some(&128) || icmp.len() < ECHO_BYTES_MIN {
        return None;
    }
    // RFC 8200 section 8.1: addresses, length, next header.
    let length = u32::try_from(icmp.len()).ok()?.to_be_bytes();
    let pseudo_header = Checksum::default().with(header.get(8..)?).with(&length).with(&[0, 0, 0, ICMPV6]);
    pseudo_header.with(icmp).is_right().then_some(())?;
    swap_halves(header.get_mut(8..)?);
    // Addresses that change places change no sum.
    answer(icmp, 129, pseudo_header)
}

/// Writes the reply's type and the checksum over `pseudo_header` (nothing in ICMPv4) and message.
fn answer(icmp: &mut [u8], reply_type: u8, pseudo_header: Checksum) -> Option<()> {
    let fields = icmp.first_chunk_mut::<4>()?;
    *fields = [reply_type, fields[1], 0, 0];
    let sum = pseudo_header.with(icmp).finish();
    icmp.get_mut(2..4)?.copy_from_slice(&sum);
    Some(())
}

fn swap_halves(addresses: &mut [u8]) {
    let (source, destination) = addresses.split_at_mut(addresses.len() / 2);
    source.swap_with_slice(destination);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(parts: &[&[u8]]) -> [u8; 2] {
        Checksum::default().with(&parts.concat()).finish()
    }

    fn ipv4_request() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 31, 7, 7, 0x40, 0, 63, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[8, 0, 0, 0, 0x12, 0x34, 0, 1, b'a', b'b', b'c']);
        let sum = checksum(&[&packet[..20]]);
        packet[10..12].copy_from_slice(&sum);
        let sum = checksum(&[&packet[20..]]);
        packet[22..24].copy_from_slice(&sum);
        packet
    }

    fn with_checksums(mut packet: Vec<u8>, offset: usize, value: u8) -> Vec<u8> {
        packet[offset] = value;
        packet[10..12].fill(0);
        packet[22..24].fill(0);
        let (header, icmp) = (checksum(&[&packet[..20]]), checksum(&[&packet[20..]]));
        packet[10..12].copy_from_slice(&header);
        packet[22..24].copy_from_slice(&icmp);
        packet
    }

    #[test]
    fn a_wrong_checksum_is_not_repaired_by_an_answer() {
        assert!(turn_around(&mut with_checksums(ipv4_request(), 30, b'd')));
        for offset in [1, 8, 10, 12, 16, 21, 22, 24, 30] {
            let mut packet = ipv4_request();
            packet[offset] ^= 4;
            assert!(!turn_around(&mut packet), "byte {offset}");
        }
    }

    #[test]
    fn a_request_becomes_its_reply_with_valid_checksums() {
        let request = ipv4_request();
        let mut reply = request.clone();
        assert!(turn_around(&mut reply));
        assert_eq!(reply[12..20], [10, 0, 0, 2, 10, 0, 0, 1]);
        assert_eq!(reply[20], 0);
        assert_eq!((&reply[..10], &reply[24..]), (&request[..10], &request[24..]));
        assert_eq!(checksum(&[&reply[..20]]), [0, 0]);
        assert_eq!(checksum(&[&reply[20..]]), [0, 0]);
    }

    #[test]
    fn an_icmpv6_checksum_covers_the_pseudo_header() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 9, ICMPV6, 64];
        packet.extend_from_slice(&[0xfd; 16]);
        packet.extend_from_slice(&[0xfe; 16]);
        packet.extend_from_slice(&[128, 0, 0, 0, 1, 2, 0, 1, 9]);
        let sum = checksum(&[&packet[8..40], &[0, 0, 0, 9], &[0, 0, 0, ICMPV6], &packet[40..]]);
        packet[42..44].copy_from_slice(&sum);
        let mut wrong = packet.clone();
        wrong[48] ^= 1;
        assert!(!turn_around(&mut wrong));
        assert!(turn_around(&mut packet));
        assert_eq!((packet[8], packet[24], packet[40]), (0xfe, 0xfd, 129));
        assert_eq!(checksum(&[&packet[8..40], &[0, 0, 0, 9], &[0, 0, 0, ICMPV6], &packet[40..]]), [0, 0]);
    }

    #[test]
    fn nothing_but_a_plain_echo_request_is_answered() {
        for (offset, value) in [(0, 0x46), (6, 0x20), (7, 1), (9, 17), (20, 0), (20, 3)] {
            let mut packet = with_checksums(ipv4_request(), offset, value);
            let before = packet.clone();
            assert!(!turn_around(&mut packet), "byte {offset} = {value}");
            assert_eq!(packet, before);
        }
        assert!(!turn_around(&mut ipv4_request()[..25]));
        assert!(!turn_around(&mut []));
    }
}
