//! Flows the firewall has allowed (SEMANTICS.md section 4.3).

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lock::lock;
use crate::lru_map::LruMap;
use crate::packet::{Direction, TCP, Tuple, UDP};

/// Flows remembered at one time.
pub const FLOWS_MAX: usize = 65_536;
/// Flows looked at in one sweep, the least recently used first: bounds the time the table is held.
pub const SWEEP_FLOWS: usize = 256;

struct Flow {
    origin: Direction,
    epoch: u64,
    policy_id: u32,
    last_used_ms: u64,
}

struct Flows {
    map: LruMap<Tuple, Flow>,
    epoch: u64,
}

/// The table and its lock. Keys carry addresses as a peer sees them, so a flow outlives the session it began in.
pub struct FlowTable {
    flows: Mutex<Flows>,
    /// Changes with everything that can make a [`FlowMemo`] wrong: another flow is used, an entry goes, the epoch rises.
    version: AtomicU64,
}

/// What one thread remembers of the flow it saw last, so that a run of packets takes the lock once.
#[derive(Default)]
pub struct FlowMemo {
    last: Option<(Tuple, u32, u64, u64)>,
}

/// Verdict on one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Goes on.
    Allowed,
    /// Goes on, and another flow was forgotten for it.
    AllowedByEviction,
    /// No flow and no rule: dropped.
    Refused,
}

impl FlowTable {
    /// An empty table.
    pub fn new() -> Self {
        let flows = Flows { map: LruMap::new(FLOWS_MAX), epoch: 0 };
        Self { flows: Mutex::new(flows), version: AtomicU64::new(1) }
    }

    /// Judges a packet of `tuple`. `allows` asks the session's program, `policy_id`, about a direction; it is asked for a new flow and, once
    /// per epoch and program, for an old one.
    pub fn judge(
        &self,
        memo: &mut FlowMemo,
        tuple: &Tuple,
        direction: Direction,
        now_ms: u64,
        policy_id: u32,
        allows: impl Fn(Direction) -> bool,
    ) -> Verdict {
        let version = self.version.load(Ordering::Acquire);
        let is_remembered = |(last, id, seen, at): &(Tuple, u32, u64, u64)| {
            *seen == version && *at == now_ms && *id == policy_id && last == tuple
        };
        if memo.last.as_ref().is_some_and(is_remembered) {
            return Verdict::Allowed;
        }
        let mut flows = lock(&self.flows);
        if !flows.map.is_newest(tuple) {
            self.version.fetch_add(1, Ordering::Release);
        }
        let verdict = flows.judge(tuple, direction, now_ms, policy_id, allows);
        if verdict != Verdict::Refused {
            memo.last = Some((*tuple, policy_id, self.version.load(Ordering::Relaxed), now_ms));
        }
        verdict
    }

    /// From now on every flow is judged again, in its original direction, on its next packet.
    pub fn raise_epoch(&self) {
        lock(&self.flows).epoch += 1;
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Forgets expired flows among the [`SWEEP_FLOWS`] least recently used ones.
    pub fn sweep(&self, now_ms: u64) {
        let mut flows = lock(&self.flows);
        flows.map.sweep(SWEEP_FLOWS, |tuple, flow| flow.is_expired(tuple, now_ms));
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Flows remembered now.
    pub fn len(&self) -> usize {
        lock(&self.flows).map.len()
    }
}

impl Flows {
    fn judge(
        &mut self,
        tuple: &Tuple,
        direction: Direction,
        now_ms: u64,
        policy_id: u32,
        allows: impl Fn(Direction) -> bool,
    ) -> Verdict {
        let epoch = self.epoch;
        if let Some(flow) = self.map.touch(tuple).filter(|flow| !flow.is_expired(tuple, now_ms)) {
            // Its peer may have come back with another certificate, or somebody else with its address.
            if (flow.epoch, flow.policy_id) == (epoch, policy_id) || allows(flow.origin) {
                flow.epoch = epoch;
                flow.policy_id = policy_id;
                flow.last_used_ms = now_ms;
                return Verdict::Allowed;
            }
            // It stays until it expires: else what the other direction allows, a retransmission say, would open it anew.
            return Verdict::Refused;
        }
        if !allows(direction) {
            self.map.remove(tuple);
            return Verdict::Refused;
        }
        match self.map.insert(*tuple, Flow { origin: direction, epoch, policy_id, last_used_ms: now_ms }) {
            true => Verdict::AllowedByEviction,
            false => Verdict::Allowed,
        }
    }
}

impl Flow {
    fn is_expired(&self, tuple: &Tuple, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.last_used_ms) > timeout_ms(tuple.protocol)
    }
}

/// The reference's connection-tracking defaults.
fn timeout_ms(protocol: u8) -> u64 {
    match protocol {
        TCP => 720_000,
        UDP => 180_000,
        _ => 600_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(port: u16, protocol: u8) -> Tuple {
        Tuple {
            local_address: "10.0.0.1".parse().unwrap(),
            remote_address: "10.0.0.2".parse().unwrap(),
            local_port: port,
            remote_port: 9,
            protocol,
        }
    }

    fn judge(
        table: &FlowTable,
        tuple: Tuple,
        direction: Direction,
        now_ms: u64,
        allowed: Option<Direction>,
    ) -> Verdict {
        table.judge(&mut FlowMemo::default(), &tuple, direction, now_ms, 1, |asked| Some(asked) == allowed)
    }

    #[test]
    fn an_allowed_flow_carries_both_directions() {
        let table = FlowTable::new();
        let outbound = Some(Direction::Outbound);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, outbound), Verdict::Refused);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, outbound), Verdict::Allowed);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, None), Verdict::Allowed);
    }

    #[test]
    fn a_flow_expires_after_the_timeout_of_its_protocol() {
        for (protocol, timeout) in [(TCP, 720_000), (UDP, 180_000), (1, 600_000)] {
            let table = FlowTable::new();
            let flow = tuple(1, protocol);
            assert_eq!(judge(&table, flow, Direction::Inbound, 5, Some(Direction::Inbound)), Verdict::Allowed);
            assert_eq!(judge(&table, flow, Direction::Outbound, 5 + timeout, None), Verdict::Allowed);
            assert_eq!(judge(&table, flow, Direction::Outbound, 6 + 2 * timeout, None), Verdict::Refused);
            assert_eq!(table.len(), 0);
        }
    }

    #[test]
    fn a_new_epoch_asks_for_the_original_direction_and_what_it_refuses_is_not_opened_from_the_other_side() {
        let table = FlowTable::new();
        judge(&table, tuple(1, TCP), Direction::Inbound, 0, Some(Direction::Inbound));
        table.raise_epoch();
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, Some(Direction::Inbound)), Verdict::Allowed);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, None), Verdict::Allowed);
        table.raise_epoch();
        for _ in 0..2 {
            assert_eq!(
                judge(&table, tuple(1, TCP), Direction::Outbound, 0, Some(Direction::Outbound)),
                Verdict::Refused
            );
        }
        let expired_at = 720_001;
        let anew = judge(&table, tuple(1, TCP), Direction::Outbound, expired_at, Some(Direction::Outbound));
        assert_eq!(anew, Verdict::Allowed);
    }

    #[test]
    fn one_flow_more_than_fits_evicts_the_least_recently_used() {
        let table = FlowTable::new();
        let always = Some(Direction::Inbound);
        for port in 0..=u16::MAX {
            assert_eq!(judge(&table, tuple(port, TCP), Direction::Inbound, 0, always), Verdict::Allowed);
        }
        assert_eq!(table.len(), FLOWS_MAX);
        assert_eq!(judge(&table, tuple(0, UDP), Direction::Inbound, 0, always), Verdict::AllowedByEviction);
        assert_eq!(judge(&table, tuple(0, TCP), Direction::Inbound, 0, None), Verdict::Refused);
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, None), Verdict::Allowed);
    }

    #[test]
    fn a_memo_is_not_believed_after_anything_changed() {
        let table = FlowTable::new();
        let mut memo = FlowMemo::default();
        let mut ask = |table: &FlowTable, policy_id, allowed| {
            table.judge(&mut memo, &tuple(1, TCP), Direction::Inbound, 0, policy_id, |_| allowed)
        };
        assert_eq!(ask(&table, 1, true), Verdict::Allowed);
        assert_eq!(ask(&table, 1, false), Verdict::Allowed);
        assert_eq!(ask(&table, 2, false), Verdict::Refused);
        assert_eq!(ask(&table, 1, false), Verdict::Allowed);
        table.raise_epoch();
        assert_eq!(ask(&table, 1, false), Verdict::Refused);
        assert_eq!(ask(&table, 1, false), Verdict::Refused);
    }

    #[test]
    fn a_sweep_forgets_what_expired_without_being_asked_for() {
        let table = FlowTable::new();
        for port in 0..300 {
            judge(&table, tuple(port, UDP), Direction::Inbound, 0, Some(Direction::Inbound));
        }
        table.sweep(180_000);
        assert_eq!(table.len(), 300);
        table.sweep(180_001);
        assert_eq!(table.len(), 44);
        table.sweep(180_001);
        assert_eq!(table.len(), 0);
    }
}
