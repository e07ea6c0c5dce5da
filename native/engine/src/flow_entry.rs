//! One flow as the table remembers it (SEMANTICS.md section 4.3).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::flow::{FlowPacket, FlowView, Traffic};
use crate::host::FlowTimeouts;
use crate::narrow::Narrow;
use crate::packet::{Direction, Tuple};
use crate::policy::RefusalAction;
use crate::policy_table::{Asked, Verdict};
use crate::rule_tally::RuleTally;
use crate::tcp_end::{TcpEnd, is_opening};

/// What a processor fetches at a time.
pub const CACHE_LINE: usize = 64;

/// Bits of [`Flow::marks`] that are not those of its [`TcpEnd`].
mod mark {
    pub const OUTBOUND: u8 = 0x20;
    pub const REST: u8 = 0x40;
    /// Since it was opened or spared.
    pub const USED: u8 = 0x80;
}

/// What was allowed and may go on. There may be a million of them, and who looks at one waits for its memory: with all that it says of itself it fits into one cache
/// line. Milliseconds have 40 bits (34 years), packets as many, bytes 56.
pub struct Flow {
    tally: Arc<RuleTally>,
    epoch: u32,
    local_port: u16,
    remote_port: u16,
    lingered_ms: u16,
    /// Where longer ones lie is set by the part of the table that the flow lies in.
    pub addresses: Addresses,
    protocol: u8,
    icmp_in: u8,
    marks: u8,
    opened_ms: Narrow<5>,
    last_used_ms: Narrow<5>,
    received: Passed,
    sent: Passed,
}

/// What lies in one place of the table.
pub enum Place {
    /// Nothing.
    Free,
    /// A flow.
    Flow(Flow),
    /// The addresses of a flow that lies elsewhere.
    Addresses([IpAddr; 2]),
}

const _: () = assert!(size_of::<Place>() == CACHE_LINE);

/// The local and the remote address of a flow.
#[derive(Clone, Copy)]
pub enum Addresses {
    /// Of IPv4.
    Short([Ipv4Addr; 2]),
    /// Of IPv6 they have a place of their own, which is this one.
    Elsewhere([u8; 4]),
}

/// One way.
#[derive(Clone, Copy)]
struct Passed {
    packets: Narrow<5>,
    bytes: Narrow<7>,
}

impl Flow {
    /// A flow that its first packet opens, which has passed.
    pub fn opened(packet: &FlowPacket<'_>, epoch: u32, tally: Arc<RuleTally>) -> Self {
        let times = (packet.now_ms, packet.now_ms);
        let mut flow = Self::new((packet.tuple, packet.direction), epoch, tally, times);
        flow.count(packet);
        flow
    }

    /// A flow as another process told of it.
    pub fn taken_over(told: &FlowView, epoch: u32, tally: Arc<RuleTally>, now_ms: u64) -> Self {
        let times = (now_ms.saturating_sub(told.age_ms), now_ms.saturating_sub(told.idle_ms));
        let mut flow = Self::new((&told.tuple, told.opened_by), epoch, tally, times);
        flow.set_traffic(told.traffic);
        flow
    }

    fn new(
        (tuple, opened_by): (&Tuple, Direction),
        epoch: u32,
        tally: Arc<RuleTally>,
        (opened_ms, last_used_ms): (u64, u64),
    ) -> Self {
        let end = TcpEnd::new();
        let outbound = if opened_by == Direction::Outbound { mark::OUTBOUND } else { 0 };
        Self {
            tally,
            epoch,
            local_port: tuple.local_port,
            remote_port: tuple.remote_port,
            lingered_ms: end.lingered_ms,
            addresses: Addresses::of(tuple),
            protocol: tuple.protocol,
            icmp_in: tuple.icmp_in,
            marks: end.seen | outbound | if tuple.is_rest { mark::REST } else { 0 },
            opened_ms: Narrow::new(opened_ms),
            last_used_ms: Narrow::new(last_used_ms),
            received: Passed::NOTHING,
            sent: Passed::NOTHING,
        }
    }

    /// Its key, if these are its addresses.
    #[inline]
    pub fn tuple(&self, [local_address, remote_address]: [IpAddr; 2]) -> Tuple {
        Tuple {
            local_address,
            remote_address,
            local_port: self.local_port,
            remote_port: self.remote_port,
            protocol: self.protocol,
            icmp_in: self.icmp_in,
            is_rest: self.has(mark::REST),
        }
    }

    /// Whether it is as if it were not there.
    pub fn is_expired(&self, now_ms: u64, timeouts: &FlowTimeouts) -> bool {
        let idle_ms = self.idle_ms(now_ms);
        idle_ms > timeouts.of(self.protocol) || self.end().is_expired(idle_ms)
    }

    /// Whether the packet asks for another connection than this one, which is over: it is judged like the first packet of a flow.
    pub fn precedes(&self, packet: &FlowPacket<'_>) -> bool {
        self.is_over() && is_opening(packet.tcp_flags)
    }

    /// Whether its connection is over.
    pub fn is_over(&self) -> bool {
        self.end().is_over()
    }

    /// Its peer may have come back with another certificate, or somebody else with its address. A flow that is refused stays until it
    /// expires: else what the other direction allows, a retransmission say, would open it anew.
    pub fn judge_again(
        &mut self,
        (epoch, policy_id): (u32, u32),
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> Result<(), RefusalAction> {
        if (self.epoch, self.tally.by.policy_id) != (epoch, policy_id) {
            match ask(self.opened_by(), Asked::Again) {
                Verdict::Allowed(tally) => (self.epoch, self.tally) = (epoch, tally),
                Verdict::Refused(action) => return Err(action),
            }
        }
        Ok(())
    }

    /// One more packet passes.
    pub fn passed(&mut self, packet: &FlowPacket<'_>) {
        self.marks |= mark::USED;
        self.count(packet);
    }

    /// Whether it was used since it was opened or asked this.
    pub fn take_used(&mut self) -> bool {
        let was_used = self.has(mark::USED);
        self.marks &= !mark::USED;
        was_used
    }

    fn count(&mut self, packet: &FlowPacket<'_>) {
        let mut end = self.end();
        end.passed(packet.direction, packet.tcp_flags, self.idle_ms(packet.now_ms));
        self.lingered_ms = end.lingered_ms;
        self.marks = self.marks & !TcpEnd::SEEN | end.seen;
        self.last_used_ms = Narrow::new(packet.now_ms);
        let passed = match packet.direction {
            Direction::Inbound => &mut self.received,
            Direction::Outbound => &mut self.sent,
        };
        passed.add(packet.packets, packet.bytes);
        self.tally.passed(packet.packets, packet.bytes);
    }

    /// Counts what passed without being counted here.
    pub fn add_traffic(&mut self, traffic: &Traffic) {
        let mut sum = self.traffic();
        sum.merge(traffic);
        self.set_traffic(sum);
        let (packets, bytes) = traffic.both_ways();
        self.tally.passed(packets, bytes);
    }

    /// When it was opened, and when it was used last.
    pub fn times(&self) -> (u64, u64) {
        (self.opened_ms.get(), self.last_used_ms.get())
    }

    /// What there is to tell.
    pub fn view(&self, tuple: Tuple, now_ms: u64) -> FlowView {
        FlowView {
            tuple,
            opened_by: self.opened_by(),
            by: self.tally.by,
            age_ms: now_ms.saturating_sub(self.opened_ms.get()),
            idle_ms: self.idle_ms(now_ms),
            traffic: self.traffic(),
        }
    }

    fn idle_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.last_used_ms.get())
    }

    fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    fn opened_by(&self) -> Direction {
        if self.has(mark::OUTBOUND) { Direction::Outbound } else { Direction::Inbound }
    }

    fn end(&self) -> TcpEnd {
        TcpEnd { lingered_ms: self.lingered_ms, seen: self.marks & TcpEnd::SEEN }
    }

    fn traffic(&self) -> Traffic {
        let Self { received, sent, .. } = self;
        Traffic {
            received_packets: received.packets.get(),
            received_bytes: received.bytes.get(),
            sent_packets: sent.packets.get(),
            sent_bytes: sent.bytes.get(),
        }
    }

    fn set_traffic(&mut self, traffic: Traffic) {
        self.received = Passed::new(traffic.received_packets, traffic.received_bytes);
        self.sent = Passed::new(traffic.sent_packets, traffic.sent_bytes);
    }
}

impl Addresses {
    /// Those of a key; where longer ones lie is not known yet.
    fn of(tuple: &Tuple) -> Self {
        match (tuple.local_address, tuple.remote_address) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => Self::Short([local, remote]),
            _ => Self::Elsewhere([0; 4]),
        }
    }
}

impl Passed {
    const NOTHING: Self = Self { packets: Narrow::ZERO, bytes: Narrow::ZERO };

    fn new(packets: u64, bytes: u64) -> Self {
        Self { packets: Narrow::new(packets), bytes: Narrow::new(bytes) }
    }

    #[inline]
    fn add(&mut self, packets: u64, bytes: u64) {
        *self = Self::new(self.packets.get() + packets, self.bytes.get() + bytes);
    }
}
