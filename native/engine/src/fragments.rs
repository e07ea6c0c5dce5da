//! The divided packets of one direction that are on their way (SEMANTICS.md section 4.4).

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::drop_reason::DropReason;
use crate::packet::{Subject, Tuple};
use crate::part::Part;

/// How long the first part is remembered for those that follow it.
pub const FOLLOWED_MS: u64 = 30_000;
/// How long a kernel waits for the parts that are missing: RFC 791 as Linux does it, RFC 8200 section 4.5.
const WAITED_MS: u64 = 30_000;
const WAITED_V6_MS: u64 = 60_000;
/// Half of the memory that Linux gives to parts of packets, for all networks of a host.
const BYTES_MAX: u32 = 2 << 20;
/// What a packet costs for itself: so there are never more than 1,024.
const PACKET_BYTES: u32 = 2_048;
/// What a kernel spends on a part beside its bytes, rounded up.
const PART_BYTES: u32 = 1_024;
/// Runs of bytes with holes between them: twice those of the largest packet in parts that fit a tunnel, in the worst order.
const RUNS_MAX: usize = 64;

/// Divided packets that are not whole yet. Whoever receives them cannot take back what he has written to a device, where it takes memory
/// that all networks of the host share: so nothing makes room here, but nobody may hold more than is left.
pub struct Fragments {
    packets: HashMap<Key, Divided>,
    /// Expiry and arrival: the order in which they are forgotten.
    expiries: BTreeMap<(u64, u64), Key>,
    held: HashMap<IpAddr, u32>,
    used: u32,
    arrivals: u64,
}

/// Which packet a part is of. The owner answers for it: inbound the peer, outbound the destination.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    owner: IpAddr,
    local: IpAddr,
    remote: IpAddr,
    protocol: u8,
    id: u32,
}

struct Divided {
    since_ms: u64,
    expiry: (u64, u64),
    /// The flow, once the first part is known.
    flow: Option<Tuple>,
    /// What went on, in order; runs that touch are one.
    runs: Vec<(u16, u16)>,
    /// Where the packet ends, once the last part went on.
    end: Option<u16>,
    /// Parts of it overlapped, and none goes on any more.
    is_dead: bool,
    bytes: u32,
}

impl Fragments {
    /// None.
    pub fn new() -> Self {
        Self { packets: HashMap::new(), expiries: BTreeMap::new(), held: HashMap::new(), used: 0, arrivals: 0 }
    }

    /// The flow of a part's packet. A first part says it; of the others it is the one that the first part said, if that came before.
    pub fn flow_of(&mut self, owner: IpAddr, tuple: Tuple, part: &Part, now_ms: u64) -> Result<Tuple, DropReason> {
        self.expire(now_ms);
        let key = Key::new(owner, &tuple, part);
        if !part.is_first() {
            let known = self.packets.get(&key).filter(|packet| now_ms.saturating_sub(packet.since_ms) < FOLLOWED_MS);
            return Ok(known.and_then(|packet| packet.flow).unwrap_or(tuple));
        }
        let packet = self.find_or_open(key, now_ms)?;
        // What went on stays what the others are judged by.
        if !packet.has_begun() {
            packet.flow = Some(tuple);
        }
        Ok(tuple)
    }

    /// Lets a part that is allowed go on, unless its packet would become something that nobody has judged.
    pub fn admit(&mut self, owner: IpAddr, subject: &Subject, part: &Part, now_ms: u64) -> Result<(), DropReason> {
        self.expire(now_ms);
        let key = Key::new(owner, &subject.flow, part);
        let packet = self.find_or_open(key, now_ms)?;
        if packet.is_dead || !packet.has_room_for(part) {
            // RFC 5722: of an IPv6 packet with overlaps no part is to be believed.
            packet.is_dead |= key.local.is_ipv6();
            return Err(DropReason::FragmentOverlap);
        }
        let cost = PART_BYTES + u32::from(part.to - part.from);
        if packet.runs.len() >= RUNS_MAX || !self.charge(owner, cost) {
            self.forget_untouched(&key);
            return Err(DropReason::FragmentLimited);
        }
        let Some(packet) = self.packets.get_mut(&key) else { return Ok(()) };
        packet.bytes += cost;
        packet.add(part);
        if packet.is_whole() {
            self.forget(&key);
        }
        Ok(())
    }

    /// A first part did not go on: its packet is none, unless something of it did.
    pub fn withdraw(&mut self, owner: IpAddr, subject: &Subject, part: &Part) {
        self.forget_untouched(&Key::new(owner, &subject.flow, part));
    }

    fn find_or_open(&mut self, key: Key, now_ms: u64) -> Result<&mut Divided, DropReason> {
        if !self.packets.contains_key(&key) {
            if !self.charge(key.owner, PACKET_BYTES) {
                return Err(DropReason::FragmentLimited);
            }
            self.arrivals += 1;
            let waited_ms = if key.local.is_ipv6() { WAITED_V6_MS } else { WAITED_MS };
            let expiry = (now_ms.saturating_add(waited_ms), self.arrivals);
            self.expiries.insert(expiry, key);
            let packet = Divided {
                since_ms: now_ms,
                expiry,
                flow: None,
                runs: vec![],
                end: None,
                is_dead: false,
                bytes: PACKET_BYTES,
            };
            self.packets.insert(key, packet);
        }
        self.packets.get_mut(&key).ok_or(DropReason::FragmentLimited)
    }

    /// False when the owner would hold more than is left for others.
    fn charge(&mut self, owner: IpAddr, bytes: u32) -> bool {
        let held = self.held.get(&owner).copied().unwrap_or(0) + bytes;
        if held > BYTES_MAX - self.used {
            return false;
        }
        self.held.insert(owner, held);
        self.used += bytes;
        true
    }

    fn forget_untouched(&mut self, key: &Key) {
        if self.packets.get(key).is_some_and(|packet| packet.runs.is_empty()) {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: &Key) {
        let Some(packet) = self.packets.remove(key) else { return };
        self.expiries.remove(&packet.expiry);
        self.used -= packet.bytes;
        let held = self.held.get(&key.owner).copied().unwrap_or(0).saturating_sub(packet.bytes);
        match held {
            0 => self.held.remove(&key.owner),
            held => self.held.insert(key.owner, held),
        };
    }

    fn expire(&mut self, now_ms: u64) {
        while let Some((&(expires_ms, _), &key)) = self.expiries.first_key_value()
            && expires_ms <= now_ms
        {
            self.forget(&key);
        }
    }
}

impl Key {
    fn new(owner: IpAddr, flow: &Tuple, part: &Part) -> Self {
        let Tuple { local_address: local, remote_address: remote, .. } = *flow;
        Self { owner, local, remote, protocol: part.protocol, id: part.id }
    }
}

impl Divided {
    fn has_begun(&self) -> bool {
        self.runs.first().is_some_and(|(from, _)| *from == 0)
    }

    fn has_room_for(&self, part: &Part) -> bool {
        let is_free = !self.runs.iter().any(|(from, to)| part.from < *to && *from < part.to);
        let reached = self.runs.last().map_or(0, |(_, to)| *to);
        let fits = self.end.is_none_or(|end| !part.is_last && part.to <= end);
        is_free && fits && !(part.is_last && reached > part.to)
    }

    fn add(&mut self, part: &Part) {
        let at = self.runs.partition_point(|(from, _)| *from < part.from);
        self.runs.insert(at, (part.from, part.to));
        self.runs.dedup_by(|later, earlier| {
            let touch = earlier.1 == later.0;
            if touch {
                earlier.1 = later.1;
            }
            touch
        });
        if part.is_last {
            self.end = Some(part.to);
        }
    }

    fn is_whole(&self) -> bool {
        self.end.is_some_and(|end| self.runs == [(0, end)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::UDP;

    const OVERLAP: Result<(), DropReason> = Err(DropReason::FragmentOverlap);
    const LIMITED: Result<(), DropReason> = Err(DropReason::FragmentLimited);

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn part(id: u32, from: u16, to: u16, is_last: bool) -> Part {
        Part { id, protocol: UDP, from, to, is_last }
    }

    fn tuple(remote: IpAddr, remote_port: u16) -> Tuple {
        let local_address = if remote.is_ipv6() { "fd00::1".parse().unwrap() } else { peer(1) };
        Tuple {
            local_address,
            remote_address: remote,
            local_port: 53,
            remote_port,
            protocol: UDP,
            icmp_in: 0,
            is_rest: remote_port == 0,
        }
    }

    /// One part of a peer's packet, of whatever flow, as if rules allowed everything.
    fn pass(fragments: &mut Fragments, owner: IpAddr, part: &Part, now_ms: u64) -> Result<(), DropReason> {
        let port = if part.is_first() { 9 } else { 0 };
        let flow = fragments.flow_of(owner, tuple(owner, port), part, now_ms)?;
        fragments.admit(owner, &Subject { flow, part: Some(*part) }, part, now_ms)
    }

    fn followed(fragments: &mut Fragments, owner: IpAddr, part: &Part, now_ms: u64) -> u16 {
        fragments.flow_of(owner, tuple(owner, 0), part, now_ms).unwrap().remote_port
    }

    #[test]
    fn parts_follow_the_first_one_in_any_order_until_the_packet_is_whole() {
        let mut fragments = Fragments::new();
        let owner = peer(2);
        assert_eq!(followed(&mut fragments, owner, &part(7, 8, 16, false), 0), 0);
        assert_eq!(pass(&mut fragments, owner, &part(7, 0, 8, false), 0), Ok(()));
        for (from, to, is_last) in [(24, 31, true), (8, 16, false)] {
            assert_eq!(followed(&mut fragments, owner, &part(7, from, to, is_last), 29_999), 9);
            assert_eq!(pass(&mut fragments, owner, &part(7, from, to, is_last), 29_999), Ok(()));
        }
        assert_eq!(followed(&mut fragments, owner, &part(8, 16, 24, false), 29_999), 0, "another id");
        assert_eq!(followed(&mut fragments, peer(3), &part(7, 16, 24, false), 29_999), 0, "another peer");
        assert_eq!(pass(&mut fragments, owner, &part(7, 16, 24, false), 29_999), Ok(()));
        assert_eq!((fragments.packets.len(), fragments.used, fragments.held.len()), (0, 0, 0));
        assert_eq!(followed(&mut fragments, owner, &part(7, 16, 24, false), 29_999), 0, "it is whole");
    }

    #[test]
    fn a_packet_of_which_nothing_comes_any_more_is_forgotten_when_kernels_forget_it() {
        for (owner, waited_ms) in [(peer(2), 30_000), ("fd00::2".parse().unwrap(), 60_000)] {
            let mut fragments = Fragments::new();
            pass(&mut fragments, owner, &part(7, 0, 8, false), 5).unwrap();
            assert_eq!(followed(&mut fragments, owner, &part(7, 8, 16, false), 30_004), 9);
            fragments.expire(4 + waited_ms);
            assert_eq!(fragments.used, 2_048 + 1_024 + 8);
            assert_eq!(followed(&mut fragments, owner, &part(7, 8, 16, false), 30_005), 0);
            fragments.expire(5 + waited_ms);
            assert_eq!((fragments.used, fragments.expiries.len()), (0, 0));
        }
    }

    #[test]
    fn parts_that_overlap_do_not_go_on_and_an_ipv6_packet_ends_with_them() {
        let v6 = "fd00::2".parse().unwrap();
        for overlap in [part(7, 0, 8, false), part(7, 0, 24, false), part(7, 8, 24, false), part(7, 16, 40, false)] {
            let mut fragments = Fragments::new();
            for owner in [peer(2), v6] {
                pass(&mut fragments, owner, &part(7, 0, 16, false), 0).unwrap();
                pass(&mut fragments, owner, &part(7, 32, 48, false), 0).unwrap();
                assert_eq!(pass(&mut fragments, owner, &overlap, 0), OVERLAP);
            }
            assert_eq!(pass(&mut fragments, peer(2), &part(7, 16, 32, false), 0), Ok(()));
            assert_eq!(pass(&mut fragments, v6, &part(7, 16, 32, false), 0), OVERLAP);
        }
    }

    #[test]
    fn nothing_lies_behind_the_end_and_there_is_one_end() {
        let mut fragments = Fragments::new();
        let mut pass = |from, to, is_last| pass(&mut fragments, peer(2), &part(7, from, to, is_last), 0);
        assert_eq!(pass(0, 8, false), Ok(()));
        assert_eq!(pass(32, 40, false), Ok(()));
        assert_eq!(pass(16, 24, true), OVERLAP);
        assert_eq!(pass(48, 50, true), Ok(()));
        assert_eq!((pass(56, 64, false), pass(24, 25, true)), (OVERLAP, OVERLAP));
    }

    #[test]
    fn a_second_first_part_changes_nothing_for_those_that_follow() {
        let mut fragments = Fragments::new();
        pass(&mut fragments, peer(2), &part(7, 0, 8, false), 0).unwrap();
        let flow = fragments.flow_of(peer(2), tuple(peer(2), 22), &part(7, 0, 8, false), 0).unwrap();
        assert_eq!(flow.remote_port, 22);
        assert_eq!(followed(&mut fragments, peer(2), &part(7, 8, 16, false), 0), 9);
    }

    #[test]
    fn a_first_part_that_did_not_go_on_is_forgotten_unless_others_did() {
        let mut fragments = Fragments::new();
        let (owner, first) = (peer(2), part(7, 0, 8, false));
        let flow = fragments.flow_of(owner, tuple(owner, 9), &first, 0).unwrap();
        fragments.withdraw(owner, &Subject { flow, part: Some(first) }, &first);
        assert_eq!((fragments.used, followed(&mut fragments, owner, &part(7, 8, 16, false), 0)), (0, 0));
        pass(&mut fragments, owner, &part(7, 8, 16, false), 0).unwrap();
        fragments.withdraw(owner, &Subject { flow, part: Some(first) }, &first);
        assert_eq!(fragments.packets.len(), 1);
    }

    #[test]
    fn nobody_holds_more_than_is_left() {
        let mut fragments = Fragments::new();
        let mut fill = |owner| {
            (0..).take_while(|id| pass(&mut fragments, owner, &part(*id, 8, 1_288, false), 0).is_ok()).count() as u32
        };
        let cost = 2_048 + 1_024 + 1_280;
        // Half, half of what the first one left ...
        let shares = [fill(peer(2)), fill(peer(3)), fill(peer(4))].map(|packets| packets * cost / 1_000);
        assert_eq!(shares, [1_048, 522, 261]);
        assert!(fragments.used <= BYTES_MAX && fragments.packets.len() <= 1_024);
        // ... and when time has passed, all the same again.
        assert_eq!(pass(&mut fragments, peer(2), &part(9_999, 8, 16, false), 29_999), LIMITED);
        assert_eq!(pass(&mut fragments, peer(2), &part(9_999, 8, 16, false), 30_000), Ok(()));
    }

    #[test]
    fn one_packet_has_at_most_64_runs() {
        let mut fragments = Fragments::new();
        let results = (0..65).map(|n| pass(&mut fragments, peer(2), &part(7, n * 16, n * 16 + 8, false), 0));
        assert_eq!(results.filter(Result::is_ok).count(), 64);
    }
}
