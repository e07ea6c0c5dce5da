//! TCP connections that begin with segments that fit their way (SEMANTICS.md section 4.7).

use std::net::IpAddr;

use crate::packet::InnerPacket;
use crate::tcp_end::flag;

const TCP_HEADER_BYTES: usize = 20;
const CHECKSUM_OFFSET: usize = 16;
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const MSS_BYTES: u8 = 4;

/// A SYN that says that its sender takes more than fits `mtu`, saying what fits.
#[inline]
pub fn clamped(packet: &[u8], inner: &InnerPacket, mtu: usize) -> Option<Vec<u8>> {
    if inner.tcp_flags & flag::SYN == 0 {
        return None;
    }
    let mut packet = packet.to_vec();
    clamp(&mut packet, inner, mtu).map(|()| packet)
}

/// What a SYN says of the segments that its sender takes is never more than fits `mtu` afterwards. `None`: nothing had to change.
#[inline]
pub fn clamp(packet: &mut [u8], inner: &InnerPacket, mtu: usize) -> Option<()> {
    if inner.tcp_flags & flag::SYN == 0 {
        return None;
    }
    let header_bytes = match inner.source {
        IpAddr::V4(_) => 20 + TCP_HEADER_BYTES,
        IpAddr::V6(_) => 40 + TCP_HEADER_BYTES,
    };
    let largest = mtu.checked_sub(header_bytes).filter(|largest| *largest > 0)?;
    let segment = packet.get_mut(inner.upper..inner.length)?;
    let header_end = usize::from(segment.get(12)? >> 4) * 4;
    let at = find_mss(segment.get(..header_end.min(segment.len()))?)?;
    let field = segment.get_mut(at..at + 2)?.first_chunk_mut::<2>()?;
    let before = u16::from_be_bytes(*field);
    let after = u16::try_from(largest).ok().filter(|largest| *largest < before)?;
    *field = after.to_be_bytes();
    // Where it lies over two words of the sum, it counts with its bytes exchanged.
    let (before, after) = if at % 2 == 0 { (before, after) } else { (before.swap_bytes(), after.swap_bytes()) };
    let checksum = segment.get_mut(CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2)?.first_chunk_mut::<2>()?;
    *checksum = updated(u16::from_be_bytes(*checksum), before, after).to_be_bytes();
    Some(())
}

/// A checksum after one word has changed (RFC 1624): what is wrong stays wrong.
fn updated(checksum: u16, before: u16, after: u16) -> u16 {
    let mut sum = u32::from(!checksum) + u32::from(!before) + u32::from(after);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Where the value of the option stands.
fn find_mss(header: &[u8]) -> Option<usize> {
    let mut at = TCP_HEADER_BYTES;
    loop {
        match (*header.get(at)?, header.get(at + 1).copied()) {
            (NO_OPERATION, _) => at += 1,
            (MSS, Some(MSS_BYTES)) => return header.get(at..at + 4).map(|_| at + 2),
            (END, _) | (_, None | Some(0 | 1)) => return None,
            (_, Some(length)) => at += usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checksum::Checksum;
    use crate::packet::TCP;
    use crate::test_packets::ipv4;

    fn syn(options: &[u8]) -> Vec<u8> {
        let mut segment = vec![0, 80, 0, 90, 0, 0, 0, 1, 0, 0, 0, 0, 0, flag::SYN, 0xff, 0xff, 0, 0, 0, 0];
        segment.extend_from_slice(options);
        segment.resize(segment.len().next_multiple_of(4), 0);
        segment[12] = ((segment.len() / 4) << 4) as u8;
        let sum = Checksum::default().with(&segment).finish();
        segment[16..18].copy_from_slice(&sum);
        ipv4(TCP, &segment)
    }

    fn after(packet: &[u8], mtu: usize) -> Vec<u8> {
        let mut packet = packet.to_vec();
        let inner = InnerPacket::parse(&packet).unwrap();
        clamp(&mut packet, &inner, mtu);
        packet
    }

    proptest! {
        #[test]
        fn the_checksum_follows_wherever_the_option_stands(pad in 0usize..4, mss in any::<u16>(), mtu in 41usize..2_000) {
            let mut options = vec![NO_OPERATION; pad];
            options.extend_from_slice(&[MSS, MSS_BYTES]);
            options.extend_from_slice(&mss.to_be_bytes());
            let packet = after(&syn(&options), mtu);
            let at = 40 + pad + 2;
            let now = u16::from_be_bytes([packet[at], packet[at + 1]]);
            prop_assert_eq!(now, mss.min((mtu - 40) as u16));
            prop_assert!(Checksum::default().with(&packet[20..]).is_right());
        }

        #[test]
        fn no_options_make_it_panic_or_touch_anything_else(options in prop::collection::vec(any::<u8>(), 0..40), mtu in 0usize..200) {
            let packet = syn(&options);
            let after = after(&packet, mtu);
            let changed = packet.iter().zip(&after).filter(|(a, b)| a != b).count();
            prop_assert!(changed <= 4 && packet.len() == after.len());
        }
    }
}
