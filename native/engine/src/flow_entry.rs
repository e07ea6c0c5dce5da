//! One flow as the table remembers it (SEMANTICS.md section 4.3).

use std::sync::Arc;

use crate::flow::{FlowPacket, FlowView, Traffic};
use crate::host::FlowTimeouts;
use crate::packet::{Direction, Tuple};
use crate::policy::{AllowedBy, RefusalAction, Verdict};
use crate::policy_table::Asked;
use crate::rule_tally::RuleTally;
use crate::tcp_end::{TcpEnd, is_opening};

/// What was allowed and may go on. There may be a million of them, and who looks at one waits for its memory: it is one pair of cache lines.
#[repr(align(128))]
pub struct Flow {
    pub tuple: Tuple,
    /// Another one for each flow that lies in one place.
    pub generation: u32,
    opened_by: Direction,
    epoch: u32,
    policy_id: u32,
    /// Since it was opened or spared.
    is_used: bool,
    tally: Arc<RuleTally>,
    opened_ms: u64,
    last_used_ms: u64,
    traffic: Traffic,
    tcp: TcpEnd,
}

const _: () = assert!(size_of::<Option<Flow>>() <= 128);

impl Flow {
    /// A flow that its first packet opens, which has passed.
    pub fn opened(packet: &FlowPacket<'_>, epoch: u32, (by, tally): (AllowedBy, Arc<RuleTally>)) -> Self {
        let mut flow = Self {
            tuple: *packet.tuple,
            generation: 0,
            opened_by: packet.direction,
            epoch,
            policy_id: by.policy_id,
            is_used: false,
            tally,
            opened_ms: packet.now_ms,
            last_used_ms: packet.now_ms,
            traffic: Traffic::default(),
            tcp: TcpEnd::new(),
        };
        flow.count(packet);
        flow
    }

    /// A flow as another process told of it.
    pub fn taken_over(told: &FlowView, epoch: u32, (by, tally): (AllowedBy, Arc<RuleTally>), now_ms: u64) -> Self {
        Self {
            tuple: told.tuple,
            generation: 0,
            opened_by: told.opened_by,
            epoch,
            policy_id: by.policy_id,
            is_used: false,
            tally,
            opened_ms: now_ms.saturating_sub(told.age_ms),
            last_used_ms: now_ms.saturating_sub(told.idle_ms),
            traffic: told.traffic,
            tcp: TcpEnd::new(),
        }
    }

    /// Whether it is as if it were not there.
    pub fn is_expired(&self, now_ms: u64, timeouts: &FlowTimeouts) -> bool {
        now_ms.saturating_sub(self.last_used_ms) > timeouts.of(self.tuple.protocol) || self.tcp.is_expired(now_ms)
    }

    /// Whether the packet asks for another connection than this one, which is over: it is judged like the first packet of a flow.
    pub fn precedes(&self, packet: &FlowPacket<'_>) -> bool {
        self.is_over() && is_opening(packet.tcp_flags)
    }

    /// Whether its connection is over.
    pub fn is_over(&self) -> bool {
        self.tcp.is_over()
    }

    /// Its peer may have come back with another certificate, or somebody else with its address. A flow that is refused stays until it
    /// expires: else what the other direction allows, a retransmission say, would open it anew.
    pub fn judge_again(
        &mut self,
        (epoch, policy_id): (u32, u32),
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> Result<(), RefusalAction> {
        if (self.epoch, self.policy_id) != (epoch, policy_id) {
            match ask(self.opened_by, Asked::Again) {
                Verdict::Allowed(by, tally) => (self.epoch, self.policy_id, self.tally) = (epoch, by.policy_id, tally),
                Verdict::Refused(action) => return Err(action),
            }
        }
        Ok(())
    }

    /// One more packet passes.
    pub fn passed(&mut self, packet: &FlowPacket<'_>) {
        self.is_used = true;
        self.count(packet);
    }

    /// Whether it was used since it was opened or asked this.
    pub fn take_used(&mut self) -> bool {
        std::mem::take(&mut self.is_used)
    }

    fn count(&mut self, packet: &FlowPacket<'_>) {
        self.last_used_ms = packet.now_ms;
        self.traffic.add(packet);
        self.tally.passed(packet.packets, packet.bytes);
        self.tcp.passed(packet.direction, packet.tcp_flags, packet.now_ms);
    }

    /// Counts what passed without being counted here.
    pub fn add_traffic(&mut self, traffic: &Traffic) {
        self.traffic.merge(traffic);
        let (packets, bytes) = traffic.both_ways();
        self.tally.passed(packets, bytes);
    }

    /// When it was opened, and when it was used last.
    pub fn times(&self) -> (u64, u64) {
        (self.opened_ms, self.last_used_ms)
    }

    /// What there is to tell.
    pub fn view(&self, now_ms: u64) -> FlowView {
        FlowView {
            tuple: self.tuple,
            opened_by: self.opened_by,
            by: AllowedBy { policy_id: self.policy_id, rule_id: self.tally.rule_id },
            age_ms: now_ms.saturating_sub(self.opened_ms),
            idle_ms: now_ms.saturating_sub(self.last_used_ms),
            traffic: self.traffic,
        }
    }
}
