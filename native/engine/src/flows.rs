//! The table of flows itself (SEMANTICS.md section 4.3), for one thread at a time.

use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::{FlowPacket, FlowView, Judged, Traffic};
use crate::host::FlowTimeouts;
use crate::lru_map::LruMap;
use crate::packet::{Direction, Tuple};
use crate::policy::{AllowedBy, RefusalAction, Verdict};
use crate::policy_table::Asked;
use crate::rule_tally::RuleTally;
use crate::shares::Shares;
use crate::tcp_end::{TcpEnd, is_opening};

/// Flows remembered at one time.
pub const FLOWS_MAX: usize = 65_536;
/// Flows looked at in one sweep: bounds the time the table is held.
pub const SWEEP_FLOWS: usize = 256;

struct Flow {
    opened_by: Direction,
    epoch: u64,
    by: AllowedBy,
    tally: Arc<RuleTally>,
    opened_ms: u64,
    last_used_ms: u64,
    traffic: Traffic,
    tcp: TcpEnd,
}

/// Flows by key. What a peer opened and what this host opened towards it are two shares: neither pushes out the other.
pub struct Flows {
    /// In the order in which they were opened or swept over.
    map: LruMap<Tuple, Flow>,
    shares: Shares<(IpAddr, Direction)>,
    epoch: u64,
}

impl Flows {
    /// No flow.
    pub fn new() -> Self {
        // One more than stays: a new flow counts for its share before it is decided which one goes.
        Self { map: LruMap::new(FLOWS_MAX + 1), shares: Shares::new(), epoch: 0 }
    }

    /// Flows remembered now.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// From now on every flow is judged again, in its original direction, on its next packet.
    pub fn raise_epoch(&mut self) {
        self.epoch += 1;
    }

    /// Where the flow lies.
    pub fn find(&self, tuple: &Tuple) -> Option<u32> {
        self.map.slot_of(tuple)
    }

    /// Whether the flow in a slot is the most recently used one of its share.
    pub fn is_newest(&self, slot: u32) -> bool {
        self.shares.is_newest(slot)
    }

    /// Judges a packet, and counts it when it is allowed. `found` is where its flow lies; returned is where it lies now.
    pub fn judge(
        &mut self,
        packet: &FlowPacket<'_>,
        found: Option<u32>,
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> (Judged, Option<u32>) {
        let FlowPacket { tuple, direction, policy_id, now_ms, timeouts, .. } = *packet;
        let epoch = self.epoch;
        let alive = found.and_then(|slot| Some((slot, self.map.at(slot, tuple)?)));
        let alive = alive.filter(|(_, flow)| !flow.is_expired(tuple, now_ms, timeouts) && !flow.precedes(packet));
        if let Some((slot, flow)) = alive {
            if let Err(action) = flow.judge_again((epoch, policy_id), ask) {
                return (Judged::Refused(action), None);
            }
            flow.passed(packet);
            self.shares.touch(slot);
            return (Judged::Allowed, Some(slot));
        }
        let (by, tally) = match ask(direction, Asked::ToOpen) {
            Verdict::Allowed(by, tally) => (by, tally),
            // What is over stays then, too: no packet that is refused takes a flow from those that are not.
            Verdict::Refused(action) => return (Judged::Refused(action), None),
        };
        if let Some(past) = found {
            self.forget(past);
        }
        let mut flow = Flow {
            opened_by: direction,
            epoch,
            by,
            tally,
            opened_ms: now_ms,
            last_used_ms: now_ms,
            traffic: Traffic::default(),
            tcp: TcpEnd::new(),
        };
        flow.passed(packet);
        self.map.insert(*tuple, flow);
        let slot = self.map.newest_slot();
        self.shares.add(slot, (packet.peer, direction));
        if self.map.len() <= FLOWS_MAX {
            return (Judged::Allowed, Some(slot));
        }
        if let Some(evicted) = self.shares.to_evict() {
            self.forget(evicted);
        }
        (Judged::AllowedByEviction, Some(slot))
    }

    /// Whether there is a flow that is still allowed. Nothing passes: it is neither counted nor does it prolong the flow.
    pub fn knows(
        &mut self,
        tuple: &Tuple,
        policy_id: u32,
        (now_ms, timeouts): (u64, &FlowTimeouts),
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> bool {
        let epoch = self.epoch;
        let found = self.map.slot_of(tuple).and_then(|slot| self.map.at(slot, tuple));
        found.is_some_and(|flow| {
            !flow.is_expired(tuple, now_ms, timeouts) && flow.judge_again((epoch, policy_id), ask).is_ok()
        })
    }

    /// Whether the flow in a slot is of a connection that is over.
    pub fn is_over(&mut self, slot: u32, tuple: &Tuple) -> bool {
        self.map.at(slot, tuple).is_some_and(|flow| flow.tcp.is_over())
    }

    /// Forgets expired flows among the [`SWEEP_FLOWS`] that were not looked at for longest.
    pub fn sweep(&mut self, now_ms: u64, timeouts: &FlowTimeouts) {
        for _ in 0..SWEEP_FLOWS.min(self.map.len()) {
            let slot = self.map.oldest_slot();
            let Some((tuple, flow)) = self.map.entry_mut(slot) else { return };
            match flow.is_expired(tuple, now_ms, timeouts) {
                true => self.forget(slot),
                false => self.map.renew(slot),
            }
        }
    }

    /// Some of the flows that have not expired, from a place on, and the place to go on from.
    pub fn page(
        &self,
        from: usize,
        count: usize,
        now_ms: u64,
        timeouts: &FlowTimeouts,
    ) -> (Vec<FlowView>, Option<usize>) {
        let (entries, next) = self.map.page(from, count);
        let alive = entries.filter(|(tuple, flow)| !flow.is_expired(tuple, now_ms, timeouts));
        (alive.map(|(tuple, flow)| flow.view(tuple, now_ms)).collect(), next)
    }

    /// Adds what was counted elsewhere, if the flow still lies there.
    pub fn add_traffic(&mut self, slot: u32, tuple: &Tuple, traffic: &Traffic) {
        if let Some(flow) = self.map.at(slot, tuple) {
            flow.traffic.merge(traffic);
            let (packets, bytes) = traffic.both_ways();
            flow.tally.passed(packets, bytes);
        }
    }

    fn forget(&mut self, slot: u32) {
        self.shares.remove(slot);
        self.map.remove_at(slot);
    }
}

impl Flow {
    fn is_expired(&self, tuple: &Tuple, now_ms: u64, timeouts: &FlowTimeouts) -> bool {
        now_ms.saturating_sub(self.last_used_ms) > timeouts.of(tuple.protocol) || self.tcp.is_expired(now_ms)
    }

    /// Whether the packet asks for another connection than this one, which is over: it is judged like the first packet of a flow.
    fn precedes(&self, packet: &FlowPacket<'_>) -> bool {
        self.tcp.is_over() && is_opening(packet.tcp_flags)
    }

    /// Its peer may have come back with another certificate, or somebody else with its address. A flow that is refused stays until it
    /// expires: else what the other direction allows, a retransmission say, would open it anew.
    fn judge_again(
        &mut self,
        (epoch, policy_id): (u64, u32),
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> Result<(), RefusalAction> {
        if (self.epoch, self.by.policy_id) != (epoch, policy_id) {
            match ask(self.opened_by, Asked::Again) {
                Verdict::Allowed(by, tally) => (self.epoch, self.by, self.tally) = (epoch, by, tally),
                Verdict::Refused(action) => return Err(action),
            }
        }
        Ok(())
    }

    fn passed(&mut self, packet: &FlowPacket<'_>) {
        self.last_used_ms = packet.now_ms;
        self.traffic.add(packet);
        self.tally.passed(packet.packets, packet.bytes);
        self.tcp.passed(packet.direction, packet.tcp_flags, packet.now_ms);
    }

    fn view(&self, tuple: &Tuple, now_ms: u64) -> FlowView {
        FlowView {
            tuple: *tuple,
            opened_by: self.opened_by,
            by: self.by,
            age_ms: now_ms.saturating_sub(self.opened_ms),
            idle_ms: now_ms.saturating_sub(self.last_used_ms),
            traffic: self.traffic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::UDP;

    const TIMEOUTS: FlowTimeouts = FlowTimeouts { tcp_ms: 720_000, udp_ms: 180_000, other_ms: 600_000 };

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn tuple(remote: u8, port: u16) -> Tuple {
        Tuple {
            local_address: peer(1),
            remote_address: peer(remote),
            local_port: 9,
            remote_port: port,
            protocol: UDP,
            icmp_in: 0,
            is_rest: false,
        }
    }

    /// A packet of a peer's flow, of which rules allow everything.
    fn pass(flows: &mut Flows, remote: u8, port: u16, direction: Direction) -> Judged {
        let tuple = tuple(remote, port);
        let packet = FlowPacket {
            tuple: &tuple,
            direction,
            tcp_flags: 0,
            packets: 1,
            bytes: 100,
            peer: peer(remote),
            policy_id: 1,
            now_ms: 0,
            timeouts: &TIMEOUTS,
        };
        let found = flows.find(&tuple);
        let tally = Arc::new(RuleTally::new(1));
        flows.judge(&packet, found, |_, _| Verdict::Allowed(AllowedBy { policy_id: 1, rule_id: 1 }, tally.clone())).0
    }

    fn knows(flows: &Flows, remote: u8, port: u16) -> bool {
        flows.find(&tuple(remote, port)).is_some()
    }

    #[test]
    fn a_peer_that_fills_the_table_pushes_out_its_own_flows_only() {
        use Direction::{Inbound, Outbound};
        let mut flows = Flows::new();
        pass(&mut flows, 2, 1, Inbound);
        pass(&mut flows, 3, 1, Outbound);
        for port in 0..=u16::MAX {
            pass(&mut flows, 3, port, Inbound);
        }
        for round in 0..3 {
            for port in 0..=u16::MAX {
                pass(&mut flows, 4 + round, port, Inbound);
            }
        }
        assert_eq!(flows.len(), FLOWS_MAX);
        assert!(knows(&flows, 2, 1), "another peer's");
        assert!(knows(&flows, 3, 1), "what we opened towards it");
    }

    #[test]
    fn greedy_peers_divide_what_modest_ones_leave() {
        let mut flows = Flows::new();
        for port in 0..1_000 {
            pass(&mut flows, 2, port, Direction::Inbound);
        }
        for port in 0..=u16::MAX {
            for greedy in 3..5 {
                pass(&mut flows, greedy, port, Direction::Inbound);
            }
        }
        let held = |remote| (0..=u16::MAX).filter(|port| knows(&flows, remote, *port)).count();
        assert_eq!((held(2), held(3), held(4)), (1_000, 32_268, 32_268));
    }

    #[test]
    fn what_was_used_last_stays() {
        let mut flows = Flows::new();
        for port in 0..=u16::MAX {
            pass(&mut flows, 2, port, Direction::Inbound);
        }
        assert_eq!(pass(&mut flows, 2, 0, Direction::Outbound), Judged::Allowed);
        assert_eq!(pass(&mut flows, 3, 0, Direction::Inbound), Judged::AllowedByEviction);
        assert!(knows(&flows, 2, 0) && !knows(&flows, 2, 1) && knows(&flows, 3, 0));
    }

    #[test]
    fn a_sweep_comes_round_to_every_flow() {
        let mut flows = Flows::new();
        for port in 0..400 {
            pass(&mut flows, 2, port, Direction::Inbound);
        }
        flows.sweep(0, &TIMEOUTS);
        assert_eq!(flows.len(), 400);
        flows.sweep(180_001, &TIMEOUTS);
        assert_eq!(flows.len(), 144);
        assert!(knows(&flows, 2, 200) && !knows(&flows, 2, 300) && !knows(&flows, 2, 0));
    }
}
