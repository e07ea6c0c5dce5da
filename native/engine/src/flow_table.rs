//! Flows the firewall has allowed (SEMANTICS.md section 4.3): the lock, and what a thread remembers to take it less often.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::flow::{FlowPacket, FlowView, Judged, Traffic};
use crate::flows::Flows;
use crate::host::FlowTimeouts;
use crate::lock::lock;
use crate::packet::{Direction, Tuple};
use crate::policy::Verdict;
use crate::policy_table::Asked;
use crate::tcp_end::is_turning;

/// The table and its lock. Keys carry addresses as a peer sees them, so a flow outlives the session it began in.
pub struct FlowTable {
    flows: Mutex<Flows>,
    /// Changes with everything that can make a [`FlowMemo`] wrong: another flow of the same share is used, an entry goes, the epoch
    /// rises.
    version: AtomicU64,
}

/// What one thread remembers of the flow it saw last, so that a run of packets takes the lock once.
#[derive(Default)]
pub struct FlowMemo {
    last: Option<Remembered>,
}

struct Remembered {
    tuple: Tuple,
    policy_id: u32,
    version: u64,
    at_ms: u64,
    slot: u32,
    /// What was let through without the lock, and is not in the table yet.
    uncounted: Traffic,
}

impl FlowTable {
    /// An empty table.
    pub fn new() -> Self {
        Self { flows: Mutex::new(Flows::new()), version: AtomicU64::new(1) }
    }

    /// Judges a packet, and counts it when it is allowed. `ask` asks the session's program about a direction: for a new flow and,
    /// once per epoch and program, for an old one.
    #[inline]
    pub fn judge(
        &self,
        memo: &mut FlowMemo,
        packet: &FlowPacket<'_>,
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> Judged {
        if self.passes(memo, packet) { Judged::Allowed } else { self.judge_locked(memo, packet, ask) }
    }

    /// Whether packets are allowed because the last one of this thread was of the same flow. They are counted then.
    #[inline]
    pub fn passes(&self, memo: &mut FlowMemo, packet: &FlowPacket<'_>) -> bool {
        let version = self.version.load(Ordering::Acquire);
        let last = memo.last.as_mut().filter(|last| last.holds_for(packet, version));
        last.map(|last| last.uncounted.add(packet)).is_some()
    }

    fn judge_locked(
        &self,
        memo: &mut FlowMemo,
        packet: &FlowPacket<'_>,
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> Judged {
        let mut flows = lock(&self.flows);
        flows.settle(memo);
        let found = flows.find(packet.tuple);
        if !found.is_some_and(|slot| flows.is_newest(slot)) {
            self.version.fetch_add(1, Ordering::Release);
        }
        // What is remembered lets packets through without a look at what ends connections.
        if is_turning(packet.tcp_flags) {
            self.version.fetch_add(1, Ordering::Release);
        }
        let (judged, slot) = flows.judge(packet, found, ask);
        if let Some(slot) = slot.filter(|slot| !flows.is_over(*slot, packet.tuple)) {
            memo.last = Some(Remembered {
                tuple: *packet.tuple,
                policy_id: packet.policy_id,
                version: self.version.load(Ordering::Relaxed),
                at_ms: packet.now_ms,
                slot,
                uncounted: Traffic::default(),
            });
        }
        judged
    }

    /// Whether there is a flow that is still allowed; see [`Flows::knows`].
    pub fn knows(
        &self,
        tuple: &Tuple,
        policy_id: u32,
        at: (u64, &FlowTimeouts),
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> bool {
        lock(&self.flows).knows(tuple, policy_id, at, ask)
    }

    /// Puts into the table what a thread has counted without its lock.
    pub fn settle(&self, memo: &mut FlowMemo) {
        if memo.last.as_ref().is_some_and(Remembered::has_uncounted) {
            lock(&self.flows).settle(memo);
        }
    }

    /// From now on every flow is judged again, in its original direction, on its next packet.
    pub fn raise_epoch(&self) {
        lock(&self.flows).raise_epoch();
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Forgets expired flows among those that were not looked at for longest.
    pub fn sweep(&self, now_ms: u64, timeouts: &FlowTimeouts) {
        lock(&self.flows).sweep(now_ms, timeouts);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Flows remembered now.
    pub fn len(&self) -> usize {
        lock(&self.flows).len()
    }

    /// Some of the flows that have not expired, from a place on, and the place to go on from. The table is held for `count` flows
    /// at a time.
    pub fn page(
        &self,
        from: usize,
        count: usize,
        now_ms: u64,
        timeouts: &FlowTimeouts,
    ) -> (Vec<FlowView>, Option<usize>) {
        lock(&self.flows).page(from, count, now_ms, timeouts)
    }
}

impl Flows {
    /// What was counted for a flow that is gone is gone with it.
    fn settle(&mut self, memo: &mut FlowMemo) {
        let Some(last) = memo.last.as_mut().filter(|last| last.has_uncounted()) else { return };
        let uncounted = std::mem::take(&mut last.uncounted);
        self.add_traffic(last.slot, &last.tuple, &uncounted);
    }
}

impl Remembered {
    fn has_uncounted(&self) -> bool {
        self.uncounted.received_packets | self.uncounted.sent_packets != 0
    }

    #[inline]
    fn holds_for(&self, packet: &FlowPacket<'_>, version: u64) -> bool {
        self.version == version
            && self.at_ms == packet.now_ms
            && !is_turning(packet.tcp_flags)
            && self.policy_id == packet.policy_id
            && self.tuple == *packet.tuple
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::flows::FLOWS_MAX;
    use crate::packet::{TCP, UDP};
    use crate::policy::{AllowedBy, RefusalAction};
    use crate::rule_tally::RuleTally;
    use crate::tcp_end::flag;

    const REFUSED: Judged = Judged::Refused(RefusalAction::Drop);
    const TIMEOUTS: FlowTimeouts = FlowTimeouts { tcp_ms: 720_000, udp_ms: 180_000, other_ms: 600_000 };

    fn tuple(port: u16, protocol: u8) -> Tuple {
        Tuple {
            local_address: "10.0.0.1".parse().unwrap(),
            remote_address: "10.0.0.2".parse().unwrap(),
            local_port: port,
            remote_port: 9,
            protocol,
            icmp_in: 0,
            is_rest: false,
        }
    }

    fn judge(table: &FlowTable, tuple: Tuple, direction: Direction, now_ms: u64, allowed: Option<Direction>) -> Judged {
        ask(table, &mut FlowMemo::default(), (tuple, direction, now_ms, 1), |asked| Some(asked) == allowed)
    }

    fn ask(
        table: &FlowTable,
        memo: &mut FlowMemo,
        (tuple, direction, now_ms, policy_id): (Tuple, Direction, u64, u32),
        allows: impl Fn(Direction) -> bool,
    ) -> Judged {
        segment(table, memo, (tuple, direction, now_ms, policy_id), 0, allows)
    }

    fn segment(
        table: &FlowTable,
        memo: &mut FlowMemo,
        (tuple, direction, now_ms, policy_id): (Tuple, Direction, u64, u32),
        tcp_flags: u8,
        allows: impl Fn(Direction) -> bool,
    ) -> Judged {
        let (peer, timeouts) = (tuple.remote_address, &TIMEOUTS);
        let packet = FlowPacket {
            tuple: &tuple,
            direction,
            tcp_flags,
            packets: 1,
            bytes: 100,
            peer,
            policy_id,
            now_ms,
            timeouts,
        };
        table.judge(memo, &packet, |direction, _| match allows(direction) {
            true => {
                let by = AllowedBy { policy_id, rule_id: policy_id + 10 };
                Verdict::Allowed(by, Arc::new(RuleTally::new(by.rule_id)))
            }
            false => Verdict::Refused(RefusalAction::Drop),
        })
    }

    #[test]
    fn an_allowed_flow_carries_both_directions() {
        let table = FlowTable::new();
        let outbound = Some(Direction::Outbound);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, outbound), REFUSED);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, outbound), Judged::Allowed);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, None), Judged::Allowed);
    }

    #[test]
    fn a_flow_expires_after_the_timeout_of_its_protocol() {
        for (protocol, timeout) in [(TCP, 720_000), (UDP, 180_000), (1, 600_000)] {
            let table = FlowTable::new();
            let flow = tuple(1, protocol);
            assert_eq!(judge(&table, flow, Direction::Inbound, 5, Some(Direction::Inbound)), Judged::Allowed);
            assert_eq!(judge(&table, flow, Direction::Outbound, 5 + timeout, None), Judged::Allowed);
            assert_eq!(judge(&table, flow, Direction::Outbound, 6 + 2 * timeout, None), REFUSED);
        }
    }

    #[test]
    fn a_new_epoch_asks_for_the_original_direction_and_what_it_refuses_is_not_opened_from_the_other_side() {
        let table = FlowTable::new();
        judge(&table, tuple(1, TCP), Direction::Inbound, 0, Some(Direction::Inbound));
        table.raise_epoch();
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, Some(Direction::Inbound)), Judged::Allowed);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, None), Judged::Allowed);
        table.raise_epoch();
        for _ in 0..2 {
            assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, Some(Direction::Outbound)), REFUSED);
        }
        let expired_at = 720_001;
        let anew = judge(&table, tuple(1, TCP), Direction::Outbound, expired_at, Some(Direction::Outbound));
        assert_eq!(anew, Judged::Allowed);
    }

    #[test]
    fn one_flow_more_than_fits_evicts_the_least_recently_used() {
        let table = FlowTable::new();
        let always = Some(Direction::Inbound);
        for port in 0..=u16::MAX {
            assert_eq!(judge(&table, tuple(port, TCP), Direction::Inbound, 0, always), Judged::Allowed);
        }
        assert_eq!(table.len(), FLOWS_MAX);
        assert_eq!(judge(&table, tuple(0, UDP), Direction::Inbound, 0, always), Judged::AllowedByEviction);
        assert_eq!(judge(&table, tuple(0, TCP), Direction::Inbound, 0, None), REFUSED);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, None), Judged::Allowed);
    }

    #[test]
    fn a_memo_is_not_believed_after_anything_changed() {
        let table = FlowTable::new();
        let mut memo = FlowMemo::default();
        let mut ask = |table: &FlowTable, policy_id, allowed| {
            self::ask(table, &mut memo, (tuple(1, TCP), Direction::Inbound, 0, policy_id), |_| allowed)
        };
        assert_eq!(ask(&table, 1, true), Judged::Allowed);
        assert_eq!(ask(&table, 1, false), Judged::Allowed);
        assert_eq!(ask(&table, 2, false), REFUSED);
        assert_eq!(ask(&table, 1, false), Judged::Allowed);
        table.raise_epoch();
        assert_eq!(ask(&table, 1, false), REFUSED);
        assert_eq!(ask(&table, 1, false), REFUSED);
    }

    #[test]
    fn a_sweep_forgets_what_expired_without_being_asked_for() {
        let table = FlowTable::new();
        for port in 0..300 {
            judge(&table, tuple(port, UDP), Direction::Inbound, 0, Some(Direction::Inbound));
        }
        table.sweep(180_000, &TIMEOUTS);
        assert_eq!(table.len(), 300);
        table.sweep(180_001, &TIMEOUTS);
        assert_eq!(table.len(), 44);
        table.sweep(180_001, &TIMEOUTS);
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_flow_counts_what_it_carries_either_way_and_keeps_its_rule() {
        let table = FlowTable::new();
        let (mut outbound, mut inbound) = (FlowMemo::default(), FlowMemo::default());
        for _ in 0..3 {
            ask(&table, &mut outbound, (tuple(1, TCP), Direction::Outbound, 5, 1), |_| true);
            ask(&table, &mut inbound, (tuple(1, TCP), Direction::Inbound, 5, 1), |_| true);
        }
        ask(&table, &mut inbound, (tuple(1, TCP), Direction::Inbound, 7, 2), |_| true);
        table.settle(&mut outbound);
        table.settle(&mut inbound);
        table.settle(&mut inbound);
        let traffic = Traffic { received_packets: 4, received_bytes: 400, sent_packets: 3, sent_bytes: 300 };
        let by = AllowedBy { policy_id: 2, rule_id: 12 };
        let view =
            FlowView { tuple: tuple(1, TCP), opened_by: Direction::Outbound, by, age_ms: 5, idle_ms: 3, traffic };
        assert_eq!(table.page(0, 9, 10, &TIMEOUTS), (vec![view], None));
        assert_eq!(table.page(0, 9, 800_000, &TIMEOUTS), (vec![], None));
    }

    #[test]
    fn a_connection_that_is_over_lingers_and_makes_room_for_another_one() {
        let table = FlowTable::new();
        let mut memo = FlowMemo::default();
        let mut send = |direction, flags, now_ms, allowed: Option<Direction>| {
            let packet = (tuple(1, TCP), direction, now_ms, 1);
            segment(&table, &mut memo, packet, flags, |asked| Some(asked) == allowed)
        };
        let outbound = Some(Direction::Outbound);
        assert_eq!(send(Direction::Outbound, flag::SYN, 0, outbound), Judged::Allowed);
        assert_eq!(send(Direction::Inbound, flag::SYN, 0, None), Judged::Allowed);
        assert_eq!(send(Direction::Inbound, flag::FIN, 0, None), Judged::Allowed);
        assert_eq!(send(Direction::Outbound, flag::FIN, 0, None), Judged::Allowed);
        assert_eq!(send(Direction::Inbound, flag::ACK, 10_000, None), Judged::Allowed);
        assert_eq!(send(Direction::Inbound, flag::ACK, 10_001, None), REFUSED);
        assert_eq!(send(Direction::Outbound, flag::SYN, 20_000, outbound), Judged::Allowed);
        assert_eq!(send(Direction::Outbound, flag::RST, 20_000, None), Judged::Allowed);
        assert_eq!(send(Direction::Inbound, flag::SYN, 20_000, None), REFUSED);
        assert_eq!(
            send(Direction::Inbound, flag::ACK, 20_000, None),
            Judged::Allowed,
            "what is refused changes no flow"
        );
        assert_eq!(send(Direction::Inbound, flag::ACK, 30_001, None), REFUSED);
    }

    #[test]
    fn what_disproves_a_reset_is_seen_within_a_run() {
        let table = FlowTable::new();
        let mut memo = FlowMemo::default();
        let mut send = |direction, flags, now_ms| {
            segment(&table, &mut memo, (tuple(1, TCP), direction, now_ms, 1), flags, |_| now_ms == 0)
        };
        for flags in [flag::ACK, flag::ACK] {
            send(Direction::Outbound, flags, 0);
        }
        send(Direction::Inbound, flag::RST, 0);
        send(Direction::Outbound, flag::RST, 0);
        send(Direction::Outbound, flag::ACK, 0);
        assert_eq!(send(Direction::Inbound, flag::ACK, 700_000), Judged::Allowed);
    }

    #[test]
    fn flows_are_told_of_in_pages() {
        let table = FlowTable::new();
        for port in 0..10 {
            judge(&table, tuple(port, TCP), Direction::Inbound, 0, Some(Direction::Inbound));
        }
        let (mut ports, mut from) = (vec![], Some(0));
        while let Some(at) = from {
            let (views, next) = table.page(at, 4, 0, &TIMEOUTS);
            ports.extend(views.iter().map(|view| view.tuple.local_port));
            from = next;
        }
        assert!(ports.into_iter().eq(0..10));
    }
}
