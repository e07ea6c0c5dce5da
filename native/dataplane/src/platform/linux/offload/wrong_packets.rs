//! Joining changes nothing for whoever receives: what a kernel delivers of packets that were joined is what it would have delivered of
//! them one by one. The receiver here is written a second time, and plainly.

use lacis_engine::packet::{TCP, UDP};

use super::chain::Chain;
use super::test_packets::{packet, taken_apart};

const WRONG_PACKETS: usize = 100_000;

#[test]
fn of_a_hundred_thousand_wrong_packets_among_right_ones_none_is_delivered_and_no_right_one_is_changed() {
    let mut random = Random(1);
    let (mut wrong, mut joined) = (0, 0);
    while wrong < WRONG_PACKETS {
        let burst = burst(&mut random);
        let written = written(&burst);
        joined += burst.len() - written.len();
        let one_by_one: Vec<_> = burst.iter().filter_map(|packet| received(packet)).collect();
        wrong += burst.len() - one_by_one.len();
        let after: Vec<_> = written.iter().flat_map(|bytes| taken_apart(bytes)).filter_map(|p| received(&p)).collect();
        assert_eq!(after, one_by_one, "of {burst:02x?}");
    }
    assert!(joined > WRONG_PACKETS / 4, "only {joined} of the right ones beside them were joined");
}

/// Packets of one flow that follow each other, about every third of them damaged.
fn burst(random: &mut Random) -> Vec<Vec<u8>> {
    let (is_ipv6, protocol) = (random.below(2) == 0, if random.below(2) == 0 { TCP } else { UDP });
    let (size, count) = (1 + random.below(200), 2 + random.below(8));
    (0..count)
        .map(|number| {
            let payload: Vec<u8> = (0..size).map(|_| random.byte()).collect();
            let mut packet = packet(is_ipv6, protocol, (number * size) as u32, &payload);
            match random.below(12) {
                0..4 => damage(&mut packet, random),
                4 => exchange(&mut packet, random),
                _ => {}
            }
            packet
        })
        .collect()
}

/// Bits anywhere, or where they hurt: in a length or in a checksum.
fn damage(packet: &mut Vec<u8>, random: &mut Random) {
    let is_ipv6 = packet[0] >> 4 == 6;
    let transport = if is_ipv6 { 40 } else { 20 };
    let fields = match is_ipv6 {
        true => [(4, 2), (transport + 4, 2), (transport + 6, 2), (transport + 16, 2), (8, 32)],
        false => [(2, 2), (transport + 4, 2), (transport + 6, 2), (10, 2), (12, 8)],
    };
    for _ in 0..1 + random.below(3) {
        let (start, length) = match random.below(3) {
            0 => (0, packet.len()),
            1 => (transport, packet.len() - transport),
            _ => fields[random.below(fields.len())],
        };
        let at = (start + random.below(length)).min(packet.len() - 1);
        packet[at] ^= 1 << random.below(8);
    }
    match random.below(16) {
        0 => packet.push(random.byte()),
        1 => packet.truncate(packet.len() - 1),
        _ => {}
    }
}

/// What no checksum shows: two words that change places.
fn exchange(packet: &mut [u8], random: &mut Random) {
    let [one, other] = [0, 0].map(|_| 2 * random.below(packet.len() / 2));
    for byte in 0..2 {
        packet.swap(one + byte, other + byte);
    }
}

/// As the device's writer does it.
fn written(burst: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut chain = Chain::new(true);
    let mut written = vec![];
    for packet in burst {
        if chain.join(packet) {
            continue;
        }
        if chain.packets() > 0 {
            written.push(chain.finish().to_vec());
            chain.clear();
        }
        chain.start(packet);
    }
    written.push(chain.finish().to_vec());
    written
}

/// What a receiver makes of a packet: it cuts off what lies behind it, and refuses what is wrong. Without the id, which has no meaning with
/// "don't fragment" set (RFC 6864 section 4.1), and the checksum that covers it.
fn received(bytes: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| Some(usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
    let (transport, length, protocol, addresses) = match bytes.first()? >> 4 {
        4 => (usize::from(bytes[0] & 15) * 4, word(2)?, *bytes.get(9)?, 12..20),
        6 => (40, word(4)? + 40, *bytes.get(6)?, 8..40),
        _ => return None,
    };
    (transport >= 20 && transport <= length).then_some(())?;
    let mut packet = bytes.get(..length)?.to_vec();
    if packet[0] >> 4 == 4 {
        (sum(&packet[..transport]) == 0xffff).then_some(())?;
        if packet[6] & 0x40 != 0 {
            packet[4..6].fill(0);
            packet[10..12].fill(0);
        }
    }
    let is_fragment = packet[0] >> 4 == 4 && (packet[6] & 0x3f, packet[7]) != (0, 0);
    let mut covered = length.checked_sub(transport)?;
    if is_fragment || !matches!(protocol, TCP | UDP) {
        return Some(packet);
    }
    if protocol == UDP {
        let udp = word(transport + 4)?;
        (covered >= 8 && udp >= 8 && udp <= covered).then_some(())?;
        if word(transport + 6)? == 0 {
            return (packet[0] >> 4 == 4).then_some(packet);
        }
        covered = udp;
        packet.truncate(transport + udp);
    } else {
        let header = usize::from(packet.get(transport + 12)? >> 4) * 4;
        (header >= 20 && header <= covered).then_some(())?;
    }
    let pseudo = [&bytes[addresses], &(covered as u32).to_be_bytes(), &[0, protocol]].concat();
    (sum(&[&pseudo, &bytes[transport..transport + covered]].concat()) == 0xffff).then_some(packet)
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).fold(0, |sum, pair| {
        let sum = sum + u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        (sum & 0xffff) + (sum >> 16)
    })
}

/// SplitMix64: the same packets in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }
}
