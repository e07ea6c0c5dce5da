//! Packets that differ in nothing that routes, sessions and flows are asked about.

use crate::packet::{IPV6_HEADER_BYTES, TCP, UDP};
use crate::tcp_end::is_turning;

/// Of IPv4 (RFC 791): more fragments, and the fragment's offset. Zero in a whole packet.
const PART: u16 = 0x3fff;

/// Whether `next` goes wherever `first` went, which was let through: both are whole packets of one flow of TCP or UDP, without options and extension
/// headers, neither begins or ends a connection, and `next` is as long as it says. False when only a closer look can tell.
pub fn is_alike(first: &[u8], next: &[u8]) -> bool {
    match first.first() {
        Some(0x45) => is_alike_ipv4(first, next).unwrap_or(false),
        Some(version) if version >> 4 == 6 => is_alike_ipv6(first, next).unwrap_or(false),
        _ => false,
    }
}

fn is_alike_ipv4(first: &[u8], next: &[u8]) -> Option<bool> {
    let is_whole = |packet: &[u8]| Some(word_at(packet, 6)? & PART == 0);
    Some(
        *next.first()? == 0x45
            && usize::from(word_at(next, 2)?) == next.len()
            && is_whole(first)?
            && is_whole(next)?
            && first.get(9)? == next.get(9)?
            // Both addresses, and the ports behind them.
            && first.get(12..24)? == next.get(12..24)?
            && goes_on(*next.get(9)?, first, next, 33)?,
    )
}

fn is_alike_ipv6(first: &[u8], next: &[u8]) -> Option<bool> {
    Some(
        *next.first()? >> 4 == 6
            && usize::from(word_at(next, 4)?) + IPV6_HEADER_BYTES == next.len()
            && first.get(6)? == next.get(6)?
            && first.get(8..44)? == next.get(8..44)?
            && goes_on(*next.get(6)?, first, next, 53)?,
    )
}

/// Whether both carry more of what is under way; `flags` is where TCP has its flags.
fn goes_on(protocol: u8, first: &[u8], next: &[u8], flags: usize) -> Option<bool> {
    match protocol {
        TCP => Some(!is_turning(*first.get(flags)?) && !is_turning(*next.get(flags)?)),
        UDP => Some(true),
        _ => None,
    }
}

fn word_at(packet: &[u8], at: usize) -> Option<u16> {
    packet.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::ICMP;
    use crate::test_packets::{ipv4, ipv6};

    /// What makes a packet another one, and what that is called.
    type Change = (fn(&mut Vec<u8>), &'static str);

    fn tcp(flags: u8) -> Vec<u8> {
        [&[0, 80, 1, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags][..], &[1, 0, 0, 0, 0, 0], b"abc"].concat()
    }

    #[test]
    fn what_follows_in_a_flow_is_alike_whatever_it_carries() {
        for packet in [ipv4(TCP, &tcp(0x10)), ipv6(TCP, &tcp(0x10)), ipv4(UDP, &[0; 20]), ipv6(UDP, &[0; 20])] {
            let transport = if packet[0] == 0x45 { 20 } else { 40 };
            let mut next = packet.clone();
            // Sequence and acknowledgement, or length and checksum; payload.
            next[transport + 4] = 7;
            *next.last_mut().unwrap() ^= 1;
            assert!(is_alike(&packet, &next));
        }
        let (pushing, more) = (tcp(0x18), [&tcp(0x10)[..], b"defg"].concat());
        assert!(is_alike(&ipv4(TCP, &tcp(0x10)), &ipv4(TCP, &pushing)));
        assert!(is_alike(&ipv4(TCP, &tcp(0x10)), &ipv4(TCP, &more)), "a longer one");
    }

    #[test]
    fn what_is_asked_about_makes_a_difference() {
        let differs = |of_ipv6: bool, change: fn(&mut Vec<u8>)| {
            let packet = if of_ipv6 { ipv6(TCP, &tcp(0x10)) } else { ipv4(TCP, &tcp(0x10)) };
            let mut next = packet.clone();
            change(&mut next);
            !is_alike(&packet, &next) && !is_alike(&next, &packet)
        };
        assert!(!differs(false, |_| {}) && !differs(true, |_| {}));
        let of_ipv4: [Change; 10] = [
            (|next| next[0] = 0x46, "options"),
            (|next| next[0] = 0x65, "another version"),
            (|next| next[6] = 0x20, "more fragments"),
            (|next| next[7] = 1, "a later fragment"),
            (|next| next[9] = UDP, "another protocol"),
            (|next| next[15] += 1, "another source"),
            (|next| next[19] += 1, "another destination"),
            (|next| next[21] += 1, "another source port"),
            (|next| next[23] += 1, "another destination port"),
            (|next| next[33] |= 1, "the end of a connection"),
        ];
        let of_ipv6: [Change; 7] = [
            (|next| next[0] = 0x45, "another version"),
            (|next| next[6] = 44, "a fragment"),
            (|next| next[23] += 1, "another source"),
            (|next| next[39] += 1, "another destination"),
            (|next| next[41] += 1, "another source port"),
            (|next| next[43] += 1, "another destination port"),
            (|next| next[53] |= 4, "a reset"),
        ];
        of_ipv4.into_iter().for_each(|(change, what)| assert!(differs(false, change), "{what}"));
        of_ipv6.into_iter().for_each(|(change, what)| assert!(differs(true, change), "{what}"));
    }

    #[test]
    fn what_is_not_as_long_as_it_says_takes_a_closer_look() {
        for packet in [ipv4(TCP, &tcp(0x10)), ipv6(TCP, &tcp(0x10))] {
            let padded = [&packet[..], &[0]].concat();
            assert!(!is_alike(&packet, &padded) && is_alike(&padded, &packet));
            assert!((0..packet.len()).all(|length| !is_alike(&packet, &packet[..length])));
        }
    }

    #[test]
    fn protocols_without_ports_take_a_closer_look() {
        let echo = ipv4(ICMP, &[8, 0, 0, 0, 0, 1, 0, 1]);
        assert!(!is_alike(&echo, &echo));
        assert!(!is_alike(&[], &[]) && !is_alike(&[0x45], &[0x45]));
    }
}
